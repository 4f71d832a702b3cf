import numpy as np
import pytest
from nibabel.affines import apply_affine

from mriseg.core.errors import MrisegError
from mriseg.registration import atlas as atlas_module
from mriseg.registration.atlas import ATLAS_MM, atlas, template


@pytest.fixture(scope="module")
def average():
    return atlas()


def test_shares_sum_to_one_in_the_brain_and_zero_outside(average):
    total = average.gray + average.white + average.fluid
    np.testing.assert_allclose(total[average.depth > 0], 1, atol=1e-5)
    assert not total[average.depth < 0].any()


def test_shares_are_never_negative(average):
    assert min(average.gray.min(), average.white.min(), average.fluid.min()) >= -1e-6


def test_depth_is_in_millimetres(average):
    surface = np.abs(average.depth).min()
    assert 0 < surface <= ATLAS_MM
    # From the last voxel inside to the first outside it goes from one side to minus one side.
    assert np.abs(np.diff(average.depth, axis=0)).max() <= 2 * ATLAS_MM + 1e-4
    assert 40 < average.depth.max() < 70


def test_the_brain_is_as_large_as_a_brain(average):
    ml = ATLAS_MM**3 / 1000
    assert 1700 < (average.depth > 0).sum() * ml < 2100
    assert average.gray.sum() > average.white.sum() > average.fluid.sum()


def test_voxels_lie_where_the_template_says(average):
    image = template("wm")
    indices = np.argwhere(average.depth > 10)[::50]
    positions = average.origin + ATLAS_MM * indices
    at = np.rint(apply_affine(np.linalg.inv(image.affine), positions)).astype(int)
    expected = np.asarray(image.dataobj)[tuple(at.T)] / 255
    np.testing.assert_allclose(average.white[tuple(indices.T)], expected, atol=0.05)


def test_left_and_right_are_alike(average):
    x = average.origin[0] + ATLAS_MM * np.arange(average.gray.shape[0])
    there = np.searchsorted(x, -x)
    kept = there < len(x)
    np.testing.assert_allclose(average.gray[kept], average.gray[there[kept]], atol=0.05)


def test_the_atlas_is_read_once():
    assert atlas() is atlas()


def test_a_missing_package_is_told(monkeypatch):
    monkeypatch.setattr(atlas_module, "find_spec", lambda name: None)
    with pytest.raises(MrisegError, match="nilearn"):
        template("t1")
