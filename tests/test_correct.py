import numpy as np
import pytest

from mriseg.correct import correct
from mriseg.morphology import bounding_box
from mriseg.phantom import simulate
from mriseg.tissue import Contrast

CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)


@pytest.fixture(scope="module")
def brain(phantom):
    """The brain of the phantom in its box."""
    mask = phantom.truth > 0
    return mask[bounding_box(mask, margin=1)]


@pytest.fixture(scope="module")
def flat(phantom):
    """What a scanner without a bias field sees of it, in the same box."""
    box = bounding_box(phantom.truth > 0, margin=1)
    return {contrast: simulate(phantom, contrast, bias=0).data[box] for contrast in CONTRASTS}


def smooth_field(shape, mask):
    """A field of some 40 % from end to end, brightest at one side, with geometric mean 1 in the mask."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    log_field = 0.17 * x - 0.1 * z**2 + 0.08 * x * y
    return np.exp(log_field - log_field[mask].mean()).astype(np.float32)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_flat_scan_stays_flat(flat, brain, contrast):
    field = correct(flat[contrast], brain, contrast.fluid_is_dark)[brain]
    assert field.std() < 0.01
    assert np.abs(field - 1).max() < 0.03


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_an_uneven_scan_is_evened_out(flat, brain, contrast):
    truth = smooth_field(brain.shape, brain)
    log_truth = np.log(truth[brain])
    log_found = np.log(correct(flat[contrast] * truth, brain, contrast.fluid_is_dark)[brain])
    assert np.ptp(log_truth) > 0.3
    assert np.corrcoef(log_found, log_truth)[0, 1] > 0.95
    assert np.std(log_truth - log_found) < 0.5 * np.std(log_truth)


def test_a_slice_is_evened_out(flat, brain):
    height = brain.shape[2] // 2
    mask = brain[:, :, height]
    truth = smooth_field(brain.shape, brain)[:, :, height]
    log_truth = np.log(truth[mask])
    log_found = np.log(correct(flat[Contrast.T1][:, :, height] * truth, mask, True)[mask])
    assert np.corrcoef(log_found, log_truth)[0, 1] > 0.95
    assert np.std(log_truth - log_found) < 0.5 * np.std(log_truth)


def test_geometric_mean_in_the_brain_is_one(flat, brain):
    field = correct(flat[Contrast.T1] * smooth_field(brain.shape, brain), brain, True)
    assert np.exp(np.log(field[brain]).mean()) == pytest.approx(1, abs=2e-3)


def test_the_unit_of_the_intensities_does_not_matter(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    np.testing.assert_allclose(correct(data * np.float32(1000), brain, True), correct(data, brain, True), atol=2e-3)


def test_a_mirrored_scan_has_the_mirrored_field(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    mirrored = correct(data[::-1], brain[::-1], True)[::-1]
    # Not to the last digit: every third voxel is another one from the other end.
    np.testing.assert_allclose(mirrored[brain], correct(data, brain, True)[brain], atol=5e-3)


def test_what_lies_outside_the_brain_does_not_matter(flat, brain):
    data = flat[Contrast.T1]
    other = np.where(brain, data, 12345).astype(np.float32)
    np.testing.assert_array_equal(correct(other, brain, True), correct(data, brain, True))


def test_the_field_covers_the_box_and_is_positive(flat, brain):
    field = correct(flat[Contrast.T2], brain, False)
    assert field.shape == brain.shape
    assert field.dtype == np.float32
    assert field.min() > 0


def test_too_few_gray_levels_have_a_flat_field(brain):
    levels = np.random.default_rng(0).integers(1, 5, brain.shape).astype(np.float32)
    np.testing.assert_array_equal(correct(levels, brain, True), np.ones(brain.shape))
