import numpy as np
import pytest

from mriseg.errors import BrainNotFoundError
from mriseg.extract_picture import find_brain_in_picture
from mriseg.phantom import AIR
from mriseg.tissue import Contrast
from tests.helpers import dice

# Where the phantom is cut, as voxel indices at 2 mm.
CUTS = {"axial": (2, 58), "low axial": (2, 48), "coronal": (1, 60), "sagittal": (0, 44)}
CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)


def upright(volume, cut):
    """A slice as a picture: the head up, rows running down."""
    axis, index = CUTS[cut]
    return np.ascontiguousarray(volume.take(index, axis).T[::-1])


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("cut", CUTS)
def test_the_brain_is_found_in_slices_of_every_plane(phantom, scanned, cut, contrast):
    mask = find_brain_in_picture(upright(scanned(contrast).data, cut), (2.0, 2.0))
    assert dice(mask, upright(phantom.truth > 0, cut)) > 0.92


@pytest.mark.parametrize("cut", CUTS)
def test_air_is_never_brain(phantom, scanned, cut):
    mask = find_brain_in_picture(upright(scanned(Contrast.T2).data, cut), (2.0, 2.0))
    assert (upright(phantom.matter, cut)[mask] == AIR).mean() < 0.005


@pytest.mark.parametrize("cut", CUTS)
def test_a_mirrored_picture_has_the_mirrored_brain(scanned, cut):
    image = upright(scanned(Contrast.T1).data, cut)
    mirrored = find_brain_in_picture(image[:, ::-1], (2.0, 2.0))[:, ::-1]
    # The pose of the slice is searched by samples, and on a 2 mm picture a pixel of border is 4 % of the brain.
    assert dice(mirrored, find_brain_in_picture(image, (2.0, 2.0))) > 0.92


def test_the_unit_of_the_intensities_does_not_matter(scanned):
    image = upright(scanned(Contrast.T1).data, "axial")
    scaled = find_brain_in_picture(image * np.float32(0.01) + 5, (2.0, 2.0))
    assert dice(scaled, find_brain_in_picture(image, (2.0, 2.0))) > 0.99


def test_the_number_of_pixels_does_not_matter(scanned):
    image = upright(scanned(Contrast.T1).data, "axial")
    large = find_brain_in_picture(image.repeat(4, 0).repeat(4, 1), (0.5, 0.5))[2::4, 2::4]
    assert dice(large, find_brain_in_picture(image, (2.0, 2.0))) > 0.92


def test_pixels_need_not_be_square(phantom, scanned):
    image, truth = (upright(v, "axial")[::2] for v in (scanned(Contrast.T1).data, phantom.truth > 0))
    assert dice(find_brain_in_picture(image, (4.0, 2.0)), truth) > 0.9


@pytest.mark.parametrize("gray", [0.0, 128.0])
def test_a_picture_of_one_gray_shows_no_brain(gray):
    with pytest.raises(BrainNotFoundError):
        find_brain_in_picture(np.full((100, 100), gray, np.float32), (1.0, 1.0))
