import numpy as np
import pytest
import scipy

from mriseg import Contrast, MrisegError
from mriseg.core.errors import SettingsError
from mriseg.core.scan import picture, volume
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.checks import SAME_GRID_MM, check_images


@pytest.fixture(scope="module")
def scan(coarse):
    return simulate(coarse, Contrast.T1)


def moved(scan, mm):
    """The same scan, elsewhere."""
    affine = scan.affine.copy()
    affine[0, 3] += mm
    return volume(scan.data, affine)


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR])
def test_a_scan_can_be_segmented_in_few_gray_levels_too(coarse, contrast):
    data = simulate(coarse, contrast).data
    check_images(volume(data, coarse.affine), ())
    check_images(volume(np.rint(data * (255 / data.max())), coarse.affine), ())


def test_a_stripped_scan_can_be_segmented(coarse, scan):
    check_images(volume(np.where(coarse.truth > 0, scan.data, 0), coarse.affine), ())


def test_one_value_is_refused_and_told():
    with pytest.raises(MrisegError, match=r"same value \(7\)"):
        check_images(picture(np.full((60, 70), 7.0)), ())


def test_a_further_contrast_of_one_gray_is_told_its_value(scan):
    with pytest.raises(MrisegError, match=r"same value \(7\)"):
        check_images(scan, [volume(np.full(scan.data.shape, 7.0), scan.affine)])


@pytest.mark.parametrize("labels", [3, 200])
def test_a_map_of_labels_is_no_scan(coarse, labels):
    """Of three tissues, and of many structures: cubes of 20 mm, each with a number of its own."""
    cubes = np.indices(coarse.truth.shape) // 5
    numbers = coarse.truth if labels == 3 else 1 + (cubes * np.reshape([1, 13, 131], (3, 1, 1, 1))).sum(0) % labels
    structures = np.where(coarse.truth > 0, numbers + 10, 1) * (3 if labels == 3 else 1)
    with pytest.raises(MrisegError, match="map of labels"):
        check_images(volume(structures, coarse.affine), ())


@pytest.mark.parametrize("certainty", [1.6, 1.1])
def test_a_map_of_probabilities_is_no_scan(coarse, certainty):
    """Whose largest value is nine in ten of what is not 0, or a third."""
    white = scipy.ndimage.gaussian_filter((coarse.truth == Tissue.WM.number).astype(np.float32), 0.4)
    with pytest.raises(MrisegError, match="probabilities"):
        check_images(volume(np.clip(certainty * white - (certainty - 1) / 2, 0, 1), coarse.affine), ())


def test_a_map_beside_a_scan_is_refused_too(coarse, scan):
    with pytest.raises(MrisegError, match="map of labels"):
        check_images(scan, [volume(np.where(coarse.truth > 0, coarse.truth, 0), coarse.affine)])


def test_contrasts_of_another_shape_are_refused(scan):
    with pytest.raises(SettingsError, match="one grid"):
        check_images(scan, [volume(scan.data[1:], scan.affine)])


def test_contrasts_must_lie_at_one_place_within_rounding(scan):
    check_images(scan, [moved(scan, 0.5 * SAME_GRID_MM)])
    with pytest.raises(SettingsError, match="one grid"):
        check_images(scan, [moved(scan, 2 * SAME_GRID_MM)])
