import nibabel
import numpy as np
import pytest
from nibabel.affines import apply_affine

from mriseg.core.scan import picture, volume
from mriseg.image.orientation import orient, reorient, reorient_box, restore, restore_box
from tests.helpers import ALL_AXES, stored_as

DATA = np.random.default_rng(0).random((17, 18, 19)).astype(np.float32)
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3, -30], [0, 0, 0, 1]])
# A turn of 20 degrees about an oblique axis, and a shear.
TURN = np.array([[0.95, -0.29, 0.08], [0.30, 0.94, -0.17], [-0.02, 0.18, 0.98]])
OBLIQUE = np.block(
    [[TURN @ np.diag([1.0, 2, 3]) + [[0, 0.1, 0], [0, 0, 0.1], [0, 0, 0]], AFFINE[:3, 3:]], [AFFINE[3:]]]
)


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_every_order_of_the_axes_comes_to_canonical_and_back(axes):
    data, affine = stored_as(axes, DATA, AFFINE)
    canonical, orientation = orient(volume(data, affine))
    np.testing.assert_array_equal(canonical.data, DATA)
    np.testing.assert_allclose(canonical.affine, AFFINE)
    assert canonical.spacing == pytest.approx((1, 2, 3))
    np.testing.assert_array_equal(restore(canonical.data, orientation), data)


def test_all_orders_are_tried():
    assert len(set(ALL_AXES)) == 48


@pytest.mark.parametrize("axes", ALL_AXES[::5], ids="".join)
def test_a_voxel_stays_where_it_is_in_space(axes):
    scan = volume(*stored_as(axes, DATA, OBLIQUE))
    canonical, _ = orient(scan)
    here, there = (np.argwhere(s.data == DATA.max())[0] for s in (scan, canonical))
    np.testing.assert_allclose(apply_affine(scan.affine, here), apply_affine(canonical.affine, there))


@pytest.mark.parametrize("axes", ALL_AXES[::5], ids="".join)
def test_an_oblique_scan_is_turned_as_nibabel_does(axes):
    data, affine = stored_as(axes, DATA, OBLIQUE)
    expected = nibabel.as_closest_canonical(nibabel.Nifti1Image(data, affine))
    canonical, _ = orient(volume(data, affine))
    np.testing.assert_array_equal(canonical.data, expected.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(canonical.affine, expected.affine)


@pytest.mark.parametrize("axes", ALL_AXES[::7], ids="".join)
def test_further_axes_stay_where_they_are(axes):
    data, affine = stored_as(axes, DATA, AFFINE)
    _, orientation = orient(volume(data, affine))
    channels = np.stack([DATA, 2 * DATA], -1)
    np.testing.assert_array_equal(restore(channels, orientation), np.stack([data, 2 * data], -1))


@pytest.mark.parametrize("axes", ALL_AXES[::7], ids="".join)
def test_a_mask_goes_the_way_of_its_scan(axes):
    data, affine = stored_as(axes, DATA, AFFINE)
    canonical, orientation = orient(volume(data, affine))
    np.testing.assert_array_equal(reorient(data > 0.5, orientation), canonical.data > 0.5)


def test_a_picture_keeps_its_rows_and_columns():
    scan = picture(np.arange(30 * 40).reshape(30, 40))
    canonical, orientation = orient(scan)
    assert canonical is scan
    np.testing.assert_array_equal(restore(scan.data, orientation), scan.data)


def test_no_intensity_is_copied():
    data, affine = stored_as(("P", "S", "R"), DATA, AFFINE)
    scan = volume(data, affine)
    assert np.shares_memory(orient(scan)[0].data, scan.data)


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_a_box_holds_the_same_voxels_in_either_order_of_the_axes(axes):
    data, affine = stored_as(axes, DATA, AFFINE)
    canonical, orientation = orient(volume(data, affine))
    box = (slice(2, 9), slice(0, 5), slice(11, 19))
    own = restore_box(box, DATA.shape, orientation)
    np.testing.assert_array_equal(restore(canonical.data[box], orientation), data[own])
    assert reorient_box(own, data.shape, orientation) == box
