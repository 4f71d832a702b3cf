import numpy as np
import pytest
import scipy

from mriseg.image.morphology import (
    bounding_box,
    dilate,
    distance_to_background,
    erode,
    large_pieces,
    largest_component,
    offset_mask,
    smooth_mask,
)

SPACING = (1.0, 2.0, 0.5)


def ball(radius, spacing=SPACING, shape=(41, 21, 81)):
    """All voxels within a radius of the middle, in mm."""
    offsets = [(np.arange(n) - n // 2) * s for n, s in zip(shape, spacing, strict=True)]
    x, y, z = np.meshgrid(*offsets, indexing="ij", sparse=True)
    return x**2 + y**2 + z**2 <= radius**2


@pytest.mark.parametrize("shape", [(7,), (60, 70), (41, 52, 130), (1, 600, 700)])
def test_distances_are_those_of_scipy_to_the_bit(shape):
    mask = np.random.default_rng(0).random(shape) < 0.97
    spacing = (1.3, 0.7, 2.1)[: len(shape)]
    padded = scipy.ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)
    inner = (slice(1, -1),) * len(shape)
    np.testing.assert_array_equal(distance_to_background(mask, spacing), padded[inner])
    to_mask = scipy.ndimage.distance_transform_edt(~mask, sampling=spacing)
    np.testing.assert_array_equal(dilate(mask, 1.5, spacing), to_mask <= 1.5)


def test_dilating_a_point_makes_a_ball_in_millimetres():
    np.testing.assert_array_equal(dilate(ball(0), 6.0, SPACING), ball(6.0))


def test_eroding_takes_millimetres_off():
    mask = np.zeros((40, 20, 80), bool)
    mask[10:30, 4:16, 20:60] = True  # 20 x 24 x 20 mm
    eroded = np.zeros_like(mask)
    eroded[14:26, 6:14, 28:52] = True  # by the 4 mm to the center of the first voxel outside
    np.testing.assert_array_equal(erode(mask, 4.0, SPACING), eroded)


def test_eroding_is_dilating_the_outside():
    mask = np.random.default_rng(0).random((20, 20, 20)) < 0.999
    inner = np.zeros_like(mask)
    inner[4:-4, 4:-4, 4:-4] = mask[4:-4, 4:-4, 4:-4]
    np.testing.assert_array_equal(erode(inner, 2.0, SPACING), ~dilate(~inner, 2.0, SPACING))


def test_beyond_the_image_lies_outside():
    assert not erode(np.ones((5, 5, 5), bool), 3.0, (1.0, 1.0, 1.0)).any()


def test_dilating_nothing_is_nothing():
    assert not dilate(np.zeros((5, 5), bool), 3.0, (1.0, 1.0)).any()


def test_depth_is_the_distance_to_the_outside():
    mask = np.zeros((9, 9), bool)
    mask[2:7, 1:8] = True
    assert distance_to_background(mask, (3.0, 1.0))[4, 4] == 4
    assert distance_to_background(mask, (0.5, 1.0))[4, 4] == 1.5
    assert distance_to_background(mask, (1.0, 1.0))[0, 0] == 0


def test_a_mask_may_go_on_beyond_the_image():
    mask = np.ones((6, 5), bool)
    mask[0] = False
    assert distance_to_background(mask, (1.0, 1.0), at_border="edge")[5, 2] == 5
    assert distance_to_background(mask, (1.0, 1.0))[5, 2] == 1


def test_the_largest_piece_is_kept():
    mask = np.zeros((10, 10), bool)
    mask[1:4, 1:4] = mask[6:9, 5:9] = True
    mask[4, 4] = True  # touches the first by a corner only
    kept = largest_component(mask)
    assert kept.sum() == 12
    assert kept[6:9, 5:9].all()


def test_nothing_has_no_piece():
    assert not largest_component(np.zeros((4, 4), bool)).any()


def test_bounding_box_holds_all_and_no_more():
    mask = np.zeros((10, 12, 14), bool)
    mask[2, 5, 3] = mask[7, 6, 9] = True
    assert bounding_box(mask) == (slice(2, 8), slice(5, 7), slice(3, 10))


@pytest.mark.parametrize(("margin", "expected"), [(1, (slice(0, 3), slice(6, 10))), (5, (slice(0, 7), slice(2, 10)))])
def test_bounding_box_widens_within_the_image(margin, expected):
    mask = np.zeros((20, 10), bool)
    mask[0:2, 7:9] = True
    assert bounding_box(mask, margin) == expected


BALL = np.hypot(*np.meshgrid(np.arange(60) - 30, 2.0 * (np.arange(30) - 15), indexing="ij")) <= 20


@pytest.mark.parametrize("distance", [-6.0, -1.5, 3.0, 8.0])
def test_the_border_moves_by_the_distance_along_unlike_sides(distance):
    moved = offset_mask(BALL, distance, (1.0, 2.0))
    expected = np.hypot(*np.meshgrid(np.arange(60) - 30, 2.0 * (np.arange(30) - 15), indexing="ij")) <= 20 + distance
    assert (moved != expected).sum() < 0.08 * expected.sum()
    assert (moved >= BALL).all() if distance > 0 else (moved <= BALL).all()


def test_no_distance_moves_nothing():
    assert offset_mask(BALL, 0.0, (1.0, 2.0)) is BALL


def test_a_border_that_is_the_images_own_is_not_moved_inwards():
    cut = BALL[30:]
    moved = offset_mask(cut, -4.0, (1.0, 2.0))
    np.testing.assert_array_equal(moved[0, 8:23], moved[1, 8:23])
    assert moved[0, 15]


def blocks():
    """Two blocks of 20 mm that a bridge of 4 mm joins, with a hole in one and a cleft of 4 mm in the other."""
    mask = np.zeros((60, 40), bool)  # of 1 mm by 2 mm
    mask[5:25, 5:15] = mask[35:55, 5:20] = mask[20:40, 9:11] = True
    mask[12:16, 9:11] = False
    mask[43:47, 16:20] = False
    return mask


@pytest.mark.parametrize("one_piece", [True, False])
def test_smoothing_cuts_bridges_and_closes_clefts_and_holes(one_piece):
    smooth = smooth_mask(blocks(), opening=3.0, closing=4.0, spacing=(1.0, 2.0), one_piece=one_piece)
    assert not smooth[30, 10]  # the bridge
    assert smooth[45, 17]  # the cleft
    assert smooth[45, 10]
    assert smooth[14, 10] != one_piece  # the hole of the smaller block, and the block itself
    assert scipy.ndimage.label(smooth)[1] == (1 if one_piece else 2)


def test_smoothing_leaves_a_round_mask_as_it_is():
    smooth = smooth_mask(BALL, opening=3.0, closing=4.0, spacing=(1.0, 2.0), one_piece=True)
    assert (smooth != BALL).sum() < 0.02 * BALL.sum()


def test_pieces_far_smaller_than_the_largest_are_left_out():
    mask = np.zeros((30, 30), bool)
    mask[:10, :10] = True
    mask[15, 15] = mask[20, 20:22] = True  # 1 % and 2 % of the largest
    large = large_pieces(mask)
    assert large[20, 20]
    assert not large[15, 15]
    assert not large_pieces(np.zeros((3, 3), bool)).any()
