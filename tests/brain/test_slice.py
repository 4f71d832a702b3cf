import numpy as np
import pytest
import scipy

from mriseg.brain.slice import find_brain_in_picture, stripped_slice_confidence
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import AIR
from mriseg.segmentation.plausibility import BRAIN_MM
from tests.helpers import dice

# Where the phantom is cut, as voxel indices at 2 mm.
CUTS = {"axial": (2, 58), "low axial": (2, 48), "coronal": (1, 60), "sagittal": (0, 44)}
CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)


def upright(volume, cut):
    """A slice as a picture: the head up, rows running down."""
    axis, index = CUTS[cut]
    return np.ascontiguousarray(volume.take(index, axis).T[::-1])


def brain_in(image, spacing):
    mask, _, _ = find_brain_in_picture(image, spacing)
    return mask


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("cut", CUTS)
def test_the_brain_is_found_in_slices_of_every_plane(phantom, scanned, cut, contrast):
    mask = brain_in(upright(scanned(contrast).data, cut), (2.0, 2.0))
    assert dice(mask, upright(phantom.truth > 0, cut)) > 0.92


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_brain_is_found_whose_scalp_is_dim(phantom, scanned, contrast):
    image, brain = upright(scanned(contrast).data, "axial"), upright(phantom.truth > 0, "axial")
    dim = np.where(scipy.ndimage.binary_dilation(brain), image, image / 4)
    assert dice(brain_in(dim, (2.0, 2.0)), brain) > 0.92


@pytest.mark.parametrize("margin", [-2, 2])
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_brain_is_found_where_the_picture_is_cut_at_the_skull(phantom, scanned, contrast, margin):
    image, brain = upright(scanned(contrast).data, "axial"), upright(phantom.truth > 0, "axial")
    rows, columns = (np.flatnonzero(brain.any(axis)) for axis in (1, 0))
    cut = (slice(rows[0] - margin, rows[-1] + margin + 1), slice(columns[0] - margin, columns[-1] + margin + 1))
    assert dice(brain_in(image[cut], (2.0, 2.0)), brain[cut]) > 0.9


@pytest.mark.parametrize("cut", CUTS)
def test_a_brain_is_found_in_a_head_that_is_small_in_the_frame(phantom, scanned, cut):
    image, brain = upright(scanned(Contrast.T2).data, cut), upright(phantom.truth > 0, cut)
    margins = [(side, side // 2) for side in image.shape]
    assert dice(brain_in(np.pad(image, margins), (2.0, 2.0)), np.pad(brain, margins)) > 0.92


def test_what_shows_no_scalp_and_no_tissues_is_doubted():
    rows, columns = np.indices((200, 180))
    pulp = scipy.ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((200, 180)), 3)
    ball = np.where(np.hypot((rows - 100) / 85, (columns - 90) / 70) < 1, 100 + 200 * pulp, 0)
    ball += np.abs(np.random.default_rng(1).standard_normal(ball.shape))
    try:
        _, confidence, _ = find_brain_in_picture(ball.astype(np.float32), (1.0, 1.0))
    except BrainNotFoundError:
        return
    assert confidence.value < 0.5
    assert confidence.doubts


@pytest.mark.parametrize("cut", CUTS)
def test_air_is_never_brain(phantom, scanned, cut):
    mask = brain_in(upright(scanned(Contrast.T2).data, cut), (2.0, 2.0))
    assert (upright(phantom.matter, cut)[mask] == AIR).mean() < 0.005


@pytest.mark.parametrize("cut", CUTS)
def test_a_mirrored_picture_has_the_mirrored_brain(scanned, cut):
    image = upright(scanned(Contrast.T1).data, cut)
    mirrored = brain_in(image[:, ::-1], (2.0, 2.0))[:, ::-1]
    # The pose of the slice is searched by samples, and on a 2 mm picture a pixel of border is 4 % of the brain.
    assert dice(mirrored, brain_in(image, (2.0, 2.0))) > 0.92


def test_the_unit_of_the_intensities_does_not_matter(scanned):
    image = upright(scanned(Contrast.T1).data, "axial")
    scaled = brain_in(image * np.float32(0.01) + 5, (2.0, 2.0))
    assert dice(scaled, brain_in(image, (2.0, 2.0))) > 0.99


def test_the_number_of_pixels_does_not_matter(scanned):
    image = upright(scanned(Contrast.T1).data, "axial")
    large = brain_in(image.repeat(4, 0).repeat(4, 1), (0.5, 0.5))[2::4, 2::4]
    assert dice(large, brain_in(image, (2.0, 2.0))) > 0.92


def test_pixels_need_not_be_square(phantom, scanned):
    image, truth = (upright(v, "axial")[::2] for v in (scanned(Contrast.T1).data, phantom.truth > 0))
    assert dice(brain_in(image, (4.0, 2.0)), truth) > 0.9


@pytest.mark.parametrize("gray", [0.0, 128.0])
def test_a_picture_of_one_gray_shows_no_brain(gray):
    with pytest.raises(BrainNotFoundError):
        brain_in(np.full((100, 100), gray, np.float32), (1.0, 1.0))


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_slices_of_a_head_are_trusted(scanned, cut, contrast):
    _, judged, _ = find_brain_in_picture(upright(scanned(contrast).data, cut), (2.0, 2.0))
    assert judged.value > 0.5
    assert judged.doubts == ()


@pytest.mark.parametrize("cut", CUTS)
def test_the_size_of_a_pixel_is_guessed(scanned, cut):
    _, _, level = find_brain_in_picture(upright(scanned(Contrast.T2).data, cut), (1.0, 1.0))
    assert level.pixel_mm == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("cut", CUTS)
def test_the_plane_and_the_level_of_a_slice_are_told(phantom, scanned, cut):
    axis, index = CUTS[cut]
    _, _, level = find_brain_in_picture(upright(scanned(Contrast.T1).data, cut), (2.0, 2.0))
    assert level.axis == axis
    filled = np.flatnonzero((phantom.truth > 0).any(tuple(a for a in range(3) if a != axis)))
    low, high = BRAIN_MM[axis]
    expected = low + (high - low) * (index - filled[0]) / (filled[-1] - filled[0])
    error = abs(abs(level.level_mm) - abs(expected)) if axis == 0 else abs(level.level_mm - expected)
    assert error < 15  # left and right of the middle are alike


def test_a_stripped_slice_is_trusted_and_a_stripped_bottle_is_not(phantom, scanned):
    brain = upright(phantom.truth > 0, "axial")
    judged, level = stripped_slice_confidence(upright(scanned(Contrast.T1).data, "axial"), (1.0, 1.0), brain)
    assert judged.value > 0.8
    assert level.pixel_mm == pytest.approx(2.0, rel=0.1)
    rows, columns = np.ogrid[:120, :100]
    bottle = (np.hypot(rows - 60, columns - 50) < 40) * np.float32(100)
    bottle += np.random.default_rng(0).normal(0, 3, bottle.shape).astype(np.float32)
    judged, _ = stripped_slice_confidence(bottle, (1.0, 1.0), bottle > 50)
    assert judged.value < 0.5
    assert "no skull" in judged.doubts[0].text
