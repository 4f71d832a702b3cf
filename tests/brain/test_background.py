import numpy as np
import pytest
import scipy

from mriseg import Contrast
from mriseg.brain.background import above_background, background_level, find_background, is_noise_over_range


@pytest.fixture(scope="module")
def brain(phantom, scanned):
    """The mask of a brain, and its intensities in a background of 0."""
    mask = phantom.truth > 0
    return mask, np.where(mask, scanned(Contrast.T1).data, np.float32(0))


def above(data):
    return above_background(data, find_background(data))


def standardized(data, mask):
    return ((data - data[mask].mean()) / data[mask].std()).astype(np.float32)


def test_what_counts_from_no_signal_is_left_alone(scanned, brain):
    """To the last bit, and without a copy: heads in air, stripped brains, small negative values of a resampling."""
    mask, stripped = brain
    ringing = stripped - 2 * (np.indices(mask.shape).sum(0) % 9 == 0) * mask
    for data in (scanned(Contrast.T1).data, scanned(Contrast.T2).data, stripped, ringing):
        assert find_background(data).notes == ()
        assert above(data) is data


@pytest.mark.parametrize("fill", [0.0, 0.3, -9999.0, 32767.0])
def test_a_background_among_the_tissues_or_far_from_them_becomes_no_signal(brain, fill):
    mask, stripped = brain
    data = np.where(mask, standardized(stripped, mask), np.float32(fill))
    moved = above(data)
    assert not moved[~mask].any()
    assert np.percentile(moved[mask], 0.5) > 0
    steps = np.diff(moved[mask]) - np.diff(data[mask])
    assert np.percentile(np.abs(steps), 99) < 1e-5  # all by the same, but for what is darker than all tissue


def test_a_standardized_brain_with_few_far_brighter_voxels_is_no_negative(brain):
    """Scaled from -1 to 1 by its brightest voxel, nearly all of a brain is darker than a background of 0."""
    mask, stripped = brain
    scaled = 2 * stripped / (4 * stripped.max()) - 1
    scaled[tuple(np.argwhere(mask)[::5000].T)] = 1
    moved = above(np.where(mask, scaled, 0).astype(np.float32))
    assert not moved[~mask].any()
    assert np.percentile(moved[mask], 0.5) > 0
    negative = np.where(mask, -stripped, 0).astype(np.float32)
    assert above(negative) is negative


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_rim_of_a_standardized_brain_that_was_resampled_is_no_tissue(phantom, scanned, order):
    """Interpolated with a background among the tissues, its outermost voxels have intensities of tissues."""
    mask = phantom.truth > 0
    stripped = np.where(mask, scanned(Contrast.T2).data, np.float32(0))
    scores = np.where(mask, standardized(stripped, mask), np.float32(0))
    turned = scipy.ndimage.rotate(scores, 7, (0, 1), reshape=False, order=order)
    share = scipy.ndimage.rotate(mask.astype(np.float32), 7, (0, 1), reshape=False, order=1)
    moved = above(turned)
    taken = moved > 0
    assert not taken[scipy.ndimage.maximum_filter(share, 3) == 0].any()
    assert taken[share > 0.99].mean() > 0.97
    assert taken[(share > 0) & (share < 0.5)].mean() < (0.4 if order else 0.6)
    assert np.percentile(moved[taken], 50) > 1  # counted from below all tissue, not from the ripples


def test_a_background_below_the_tissues_is_no_signal_itself(brain):
    """As after a z-score of the whole image, or with an offset."""
    mask, stripped = brain
    for data in (standardized(stripped, np.ones_like(mask)), stripped + 1000):
        np.testing.assert_allclose(above(data), data - data[~mask][0], atol=1e-4)


def test_air_below_zero_is_no_signal(scanned):
    head = scanned(Contrast.T1).data
    moved = above(standardized(head, np.ones(head.shape, bool)))
    assert abs(np.percentile(moved, 5)) < 0.05 * np.percentile(moved, 99)


def test_padding_is_no_signal(scanned):
    """Also where it lies among the intensities of the head, whose air is the darkest."""
    head = standardized(scanned(Contrast.T1).data, scanned(Contrast.T1).data > 0)
    padded = above(np.pad(head, 12))
    assert not padded[:12].any()
    assert abs(np.percentile(padded[12:-12, 12:-12, 12:-12], 5)) < 0.05 * np.percentile(padded, 99)


def test_a_picture_of_a_standardized_brain_has_a_gray_background(brain):
    """As a slice is drawn whose background of 0 lies in the middle of the scale."""
    mask, stripped = (volume[:, :, 58].T[::-1] for volume in brain)
    scores = np.clip(standardized(stripped, mask) * 40 + 128, 0, 255).round()
    moved = above(np.where(mask, scores, 128).astype(np.float32))
    assert not moved[~mask].any()
    assert moved[mask].min() > 0


@pytest.mark.parametrize("gray", [128, 200, 255])
def test_the_page_of_a_figure_is_no_background(scanned, gray):
    head = scanned(Contrast.T1).data[:, :, 58].T[::-1]
    head = np.clip(head / np.percentile(head, 99) * 230, 0, 255).round()
    page = np.pad(np.hstack([head, np.full((len(head), 20), gray), head]), 25, constant_values=gray).astype(np.float32)
    assert above(page) is page


def test_broken_voxels_are_cut_off(scanned):
    head = scanned(Contrast.T1).data
    broken = head.copy()
    broken[30, 40, 50], broken[0, 0, 0], broken[20, 20, 20] = 1e6 * head.max(), -1e6, 1e30
    moved = above(broken)
    sound = broken == head
    np.testing.assert_array_equal(moved[sound], head[sound])
    assert np.abs(moved[~sound]).max() < 20 * head.max()
    assert any("clipped" in note for note in find_background(broken).notes)


@pytest.mark.parametrize("contrast", Contrast)
def test_bright_air_is_the_bright_end(scanned, phantom, contrast):
    if contrast is Contrast.UNKNOWN:
        return
    head, mask = scanned(contrast).data, phantom.truth > 0
    assert background_level(head, mask) < np.percentile(head[mask], 10)
    assert background_level(head.max() - head, mask) > np.percentile((head.max() - head)[mask], 90)


@pytest.mark.parametrize("blur", [0.0, 0.5])
@pytest.mark.parametrize("power", [1, 4])
def test_noise_over_the_whole_range_is_not_bright_air(scanned, phantom, power, blur):
    """As in the ratio of two images, also where it was interpolated, and where it is mostly brighter than the brain."""
    head, mask = scanned(Contrast.T1).data, phantom.truth > 0
    head = head**power
    noise = np.random.default_rng(0).uniform(0, np.percentile(head[mask], 99.9), head.shape)
    ratio = np.where(phantom.matter > 0, head, scipy.ndimage.gaussian_filter(noise, blur)).astype(np.float32)
    assert np.median(ratio[phantom.matter == 0]) > 0
    assert background_level(ratio, mask) < np.percentile(head[mask], 5)
    assert is_noise_over_range(ratio, mask)


@pytest.mark.parametrize("sd", [0.05, 0.3, 1.0])
def test_the_noise_of_one_image_is_not_over_the_whole_range(scanned, phantom, sd):
    """However strong it is, in shares of the brain's typical intensity."""
    head, mask = scanned(Contrast.T1).data, phantom.truth > 0
    rng = np.random.default_rng(0)
    sd *= float(np.median(head[mask]))
    noisy = np.hypot(head + rng.normal(0, sd, head.shape), rng.normal(0, sd, head.shape))
    assert not is_noise_over_range(noisy, mask)


def test_what_is_bright_on_one_side_and_dark_on_the_other_is_no_noise(scanned, phantom):
    """It ranges as far, from one half to the other and not from voxel to voxel."""
    head, mask = scanned(Contrast.T1).data, phantom.truth > 0
    halves = np.where(np.arange(len(head)) < len(head) // 2, 0, head.max())[:, None, None]
    assert not is_noise_over_range(np.where(mask, head, halves), mask)


def test_nothing_around_a_brain_is_no_signal():
    assert background_level(np.ones((4, 4, 4)), np.ones((4, 4, 4), bool)) == 0.0
