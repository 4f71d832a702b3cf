import numpy as np
import pytest
import scipy

from mriseg.brain.anatomy import explained_share
from mriseg.brain.confidence import EXPLAINED
from mriseg.core.tissue import Contrast
from mriseg.image.resampling import Grid, block_mean
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import CENTER, atlas
from tests.not_heads import NO_ANATOMY

MM = 3.0


@pytest.fixture(scope="module")
def share(phantom):
    """The share that is explained of an image on the phantom's grid; the average brain lies where it was bent from."""
    inside, sides, first = block_mean((phantom.truth > 0).astype(np.float32), (2.0, 2.0, 2.0), MM)
    affine = np.eye(4)
    affine[:3, 3] = -phantom.affine[:3, 3]
    pose = Registration(affine, agreement=0.5, coverage=1.0)

    def of(data):
        image, _, _ = block_mean(np.asarray(data, np.float32), (2.0, 2.0, 2.0), MM)
        return explained_share(
            image, inside > 0.5, Grid(inside.shape, sides, first), registration=pose, average=atlas()
        )

    return of


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR])
def test_a_brain_of_any_contrast_is_explained_by_the_average(share, scanned, contrast):
    assert share(scanned(contrast).data) > EXPLAINED[1] + 0.1


def test_neither_unit_nor_zero_nor_sign_of_the_intensities_counts(share, scanned):
    data = scanned(Contrast.T1).data
    expected = share(data)
    for changed in (data * 0.01, 3 * data - 500, -data):
        assert share(changed) == pytest.approx(expected, abs=1e-3)


def test_shading_takes_little_of_it(share, scanned):
    """A field of 60 % from the right to the left."""
    data = scanned(Contrast.T2).data
    shaded = data * np.linspace(0.7, 1.3, data.shape[0], dtype=np.float32)[:, None, None]
    assert share(shaded) > EXPLAINED[1] + 0.1


def test_a_tumor_leaves_the_rest_a_brain(share, scanned):
    data = scanned(Contrast.T1).data.copy()
    away = np.linalg.norm(np.indices(data.shape).T * 2.0 - (2.0 * np.array(data.shape) / 2 + (35, 10, 20)), axis=-1).T
    data[away < 28] = 1.6 * np.percentile(data, 99)
    assert share(data) > EXPLAINED[1]


@pytest.mark.parametrize("fwhm_mm", [5, 8, 14])
def test_a_map_of_statistics_in_the_shape_of_a_brain_is_not_explained(share, phantom, fwhm_mm):
    noise = np.random.default_rng(fwhm_mm).standard_normal(phantom.truth.shape)
    data = scipy.ndimage.gaussian_filter(noise, fwhm_mm / 2.355 / 2.0) * (phantom.truth > 0)
    assert share(data) < EXPLAINED[0]


def test_an_image_of_one_gray_has_no_pattern(share, phantom):
    assert share(np.full(phantom.truth.shape, 100.0)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", NO_ANATOMY)
@pytest.mark.parametrize("moved_mm", [0.0, 8.0])
def test_what_is_no_brain_is_not_explained_wherever_the_average_lies(name, moved_mm):
    data, spacing = NO_ANATOMY[name]()
    image, sides, first = block_mean(data, spacing, MM)
    inside = scipy.ndimage.binary_fill_holes(scipy.ndimage.gaussian_filter(image, 1) > 0.3 * np.percentile(image, 95))
    middle = scipy.ndimage.center_of_mass(inside) * np.array(sides) + first
    affine = np.diag([0.95, 0.95, 0.95, 1.0])
    affine[:3, 3] = middle - 0.95 * CENTER + (0, moved_mm, moved_mm / 2)
    grid = Grid(image.shape, sides, first)
    explained = explained_share(image, inside, grid, registration=Registration(affine, 0.3, 1.0), average=atlas())
    assert explained < EXPLAINED[0]


def test_too_little_of_a_brain_is_not_judged():
    inside = np.zeros((30, 30, 30), bool)
    inside[10:20, 10:20, 10:20] = True
    grid = Grid(inside.shape, (MM,) * 3, np.zeros(3))
    pose = Registration(np.eye(4), 0.3, 1.0)
    assert explained_share(inside.astype(np.float32), inside, grid, registration=pose, average=atlas()) is None
