import numpy as np
import pytest
import scipy
from nibabel.affines import apply_affine

from mriseg.mixture.spatial_prior import BLUR_MM, DEEP_NUCLEI, LEAST_SHARE, prior_zones, uniform_prior
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, MEAN_SHARES, atlas

SIDES = (ATLAS_MM,) * 3
HERE = np.zeros(3)
FLUID_AT, GRAY_AT, WHITE_AT = range(3)  # columns of the shares
# MNI mm.
NUCLEI = {"thalamus": (12, -18, 8), "putamen": (26, 4, 2), "caudate": (12, 14, 10), "pallidum": (20, -4, 0)}
ELSEWHERE = {"occipital": (10, -90, 0), "motor": (40, -20, 55), "frontal": (20, 55, 10), "cerebellum": (25, -60, -35)}


def laid(affine=None, corner=None):
    """A registration that turns about MNI 0 and has an MNI position at 0 of the scan."""
    affine = np.diag([1.0, 1, 1]) if affine is None else np.asarray(affine, float)
    corner = atlas().origin if corner is None else corner
    return Registration(np.vstack([np.column_stack([affine, -affine @ corner]), [0, 0, 0, 1]]), 1.0, 1.0)


@pytest.fixture(scope="module")
def mask():
    return atlas().depth > 0


@pytest.fixture(scope="module")
def found(mask):
    """Zones of the average brain itself, on its own grid."""
    return prior_zones(laid(), atlas(), mask, spacing=SIDES, first_voxel_mm=HERE)


def voxel(position):
    return tuple(np.rint((np.array(position) - atlas().origin) / ATLAS_MM).astype(int))


def expected(found):
    """Shares at each voxel."""
    return found.shares[found.index]


def test_where_position_is_unknown_a_usual_brain_is_expected():
    whole = uniform_prior((4, 5, 6))
    assert len(whole) == 1
    assert whole.index.shape == (4, 5, 6)
    assert not whole.index.any()
    assert not whole.deep.any()
    np.testing.assert_allclose(whole.shares, [MEAN_SHARES])
    assert whole.shares.sum() == pytest.approx(1)


def test_shares_of_a_zone_sum_to_one(found):
    assert found.shares.shape == (len(found), 3)
    np.testing.assert_allclose(found.shares.sum(1), 1)


def test_no_tissue_is_impossible_anywhere(found):
    least = LEAST_SHARE / (1 + 2 * LEAST_SHARE)  # where one tissue has all and the others are lifted
    assert found.shares.min() >= least - 1e-5
    assert found.shares.min() < 2 * LEAST_SHARE


def test_each_voxel_has_a_zone_and_each_zone_a_voxel(found, mask):
    assert found.index.shape == mask.shape
    np.testing.assert_array_equal(np.unique(found.index[mask]), np.arange(len(found)))
    assert len(found) > 20
    assert not found.index[~mask].any()


def test_where_the_average_brain_is_white_white_matter_is_expected(found, mask):
    inner = scipy.ndimage.binary_erosion(atlas().white > 0.9, iterations=3)
    assert inner.sum() > 500
    assert (found.shares[:, WHITE_AT][found.index[inner]] > 0.8).all()


def test_in_the_ventricles_fluid_is_expected(found):
    ventricles = scipy.ndimage.binary_erosion((atlas().fluid > 0.8) & (atlas().depth > 30))
    assert ventricles.sum() > 50
    shares = expected(found)[ventricles]
    assert (shares.argmax(1) == FLUID_AT).mean() > 0.9
    assert shares[:, FLUID_AT].mean() > 0.6


def test_in_the_cortex_gray_matter_is_expected_more_than_elsewhere(found, mask):
    cortex = mask & (atlas().gray > 0.8) & (atlas().depth > 4)
    gray = expected(found)[..., GRAY_AT]
    assert (expected(found)[cortex].argmax(1) == GRAY_AT).mean() > 0.9
    assert gray[cortex].mean() > gray[mask].mean() + 0.15


def test_expectations_are_those_of_the_average_brain_but_for_the_blur(found, mask):
    for column, share in enumerate((1 - atlas().gray - atlas().white, atlas().gray, atlas().white)):
        blurred = scipy.ndimage.gaussian_filter(share, BLUR_MM / ATLAS_MM)
        difference = expected(found)[..., column][mask] - blurred[mask]
        assert abs(difference.mean()) < 0.02
        assert np.abs(difference).mean() < 0.05


def test_a_brain_beyond_the_average_one_is_expected_to_be_fluid(mask):
    beyond = np.zeros_like(mask)
    beyond[:3, :3, :3] = True
    alone = prior_zones(laid(), atlas(), beyond, spacing=SIDES, first_voxel_mm=HERE)
    assert len(alone) == 1
    assert alone.shares[0, FLUID_AT] > 0.9


def test_one_voxel_is_one_zone(mask):
    single = np.zeros_like(mask)
    single[voxel((26, 4, 2))] = True
    alone = prior_zones(laid(), atlas(), single, spacing=SIDES, first_voxel_mm=HERE)
    assert len(alone) == 1
    assert alone.deep.tolist() == [1]


@pytest.mark.parametrize("side", [-1, 1])
def test_deep_zones_lie_about_the_deep_nuclei(found, side):
    for x, y, z in NUCLEI.values():
        assert found.deep[found.index[voxel((side * x, y, z))]] == 1
    for x, y, z in ELSEWHERE.values():
        assert found.deep[found.index[voxel((side * x, y, z))]] == 0


def test_deep_zones_fill_the_box_of_the_deep_nuclei(found, mask):
    deep = (found.deep[found.index] > 0.5) & mask
    at = np.argwhere(deep) * ATLAS_MM + atlas().origin
    for ends, (low, high) in zip(zip(at.min(0), at.max(0), strict=True), DEEP_NUCLEI, strict=True):
        np.testing.assert_allclose(ends, (low, high), atol=2 * ATLAS_MM)
    assert set(np.unique(found.deep)) == {0, 1}


def test_left_and_right_are_expected_alike(found, mask):
    """The average brain that is used is symmetric."""
    shares = expected(found)
    np.testing.assert_allclose(shares[mask].mean(0), shares[::-1][mask].mean(0), atol=1e-3)
    assert np.abs(shares - shares[::-1])[mask & mask[::-1]].mean() < 1e-3


def test_zones_follow_a_moved_brain(found, mask):
    by = np.array([3, -5, 4])
    moved = laid()
    moved.affine[:3, 3] += by * ATLAS_MM
    there = prior_zones(moved, atlas(), np.roll(mask, by, (0, 1, 2)), spacing=SIDES, first_voxel_mm=HERE)
    assert np.mean(there.index != np.roll(found.index, by, (0, 1, 2))) < 1e-4
    np.testing.assert_allclose(there.shares, found.shares, atol=1e-3)


def test_a_brain_that_is_not_moved_with_the_registration_is_expected_otherwise(found, mask):
    moved = laid()
    moved.affine[:3, 3] += (0, 0, 20)
    there = prior_zones(moved, atlas(), mask, spacing=SIDES, first_voxel_mm=HERE)
    assert np.abs(expected(there) - expected(found))[mask].mean() > 0.1


@pytest.mark.parametrize("axis", range(3))
def test_flipping_the_grid_flips_the_zones(found, mask, axis):
    flip, corner = np.ones(3), atlas().origin.copy()
    flip[axis] = -1
    corner[axis] += (mask.shape[axis] - 1) * ATLAS_MM
    flipped = prior_zones(laid(np.diag(flip), corner), atlas(), np.flip(mask, axis), spacing=SIDES, first_voxel_mm=HERE)
    assert np.mean(np.flip(flipped.index, axis) != found.index) < 1e-4
    np.testing.assert_allclose(flipped.shares, found.shares, atol=1e-3)
    np.testing.assert_array_equal(flipped.deep, found.deep)


def test_a_larger_head_in_larger_voxels_has_the_same_zones(found, mask):
    larger = prior_zones(laid(1.25 * np.eye(3)), atlas(), mask, spacing=(1.25 * ATLAS_MM,) * 3, first_voxel_mm=HERE)
    assert np.mean(larger.index != found.index) < 1e-4


def test_a_part_of_the_scan_is_where_its_first_voxel_is(found, mask):
    begin = np.array([20, 40, 30])
    part = tuple(slice(b, b + 40) for b in begin)
    alone = prior_zones(laid(), atlas(), mask[part], spacing=SIDES, first_voxel_mm=begin * ATLAS_MM)
    assert mask[part].mean() > 0.5
    difference = np.abs(expected(alone) - expected(found)[part])[mask[part]]
    assert difference.mean() < 0.01


def agrees(there, positions, found):
    """Whether shares at MNI positions are those on the atlas's own grid, but for the steps of zones."""
    at = np.moveaxis((positions - atlas().origin) / ATLAS_MM, -1, 0)
    inside = scipy.ndimage.map_coordinates(atlas().depth, at, order=1) > 4
    columns = np.moveaxis(expected(found), -1, 0)
    here = np.stack([scipy.ndimage.map_coordinates(column, at, order=1) for column in columns], -1)
    difference = np.abs(expected(there) - here)[inside]
    assert inside.mean() > 0.3
    return difference.mean() < 0.03 and np.percentile(difference, 99) < 0.15


def grid(shape, sides, first):
    lines = [f + side * np.arange(n) for f, n, side in zip(first, shape, sides, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1)


@pytest.mark.parametrize("sides", [(1.0, 1.0, 1.0), (0.9, 1.5, 5.0), (0.6, 3.0, 0.7)])
def test_other_voxels_are_expected_to_hold_the_same(found, sides):
    corner = np.array([-42.0, -50, -10])
    shape = tuple(int(56 // side) for side in sides)
    positions = grid(shape, sides, corner)
    there = prior_zones(laid(corner=corner), atlas(), np.ones(shape, bool), spacing=sides, first_voxel_mm=HERE)
    assert there.index.shape == shape
    assert agrees(there, positions, found)
    deep = there.deep[there.index] == 1
    inner, outer = (
        np.logical_and.reduce(
            [(at > low + by) & (at < high - by) for at, (low, high) in zip(positions.T, DEEP_NUCLEI, strict=True)]
        ).T
        for by in (3, -3)
    )
    assert deep[inner].all()
    assert not deep[~outer].any()


def test_zones_follow_a_turned_head(found):
    angle = 0.4
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    registration = laid(turn, np.array([0.0, -20, 8]))
    shape, first = (51, 51, 51), np.full(3, -50.0)
    there = prior_zones(registration, atlas(), np.ones(shape, bool), spacing=SIDES, first_voxel_mm=first)
    positions = grid(shape, SIDES, first)
    assert agrees(there, apply_affine(np.linalg.inv(registration.affine), positions), found)
    assert not agrees(there, positions + np.array([0, -20, 8]), found)
