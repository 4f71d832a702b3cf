import numpy as np
import pytest
import scipy

from mriseg.registration.atlas import ATLAS_MM, atlas
from mriseg.registration.slice import SlicePose, register_slice

SHAPE = (200, 180)
# Intensities of white and gray matter, fluid and scalp, in three contrasts.
CONTRASTS = {"t1": (0.9, 0.6, 0.2, 0.8), "t2": (0.35, 0.5, 1.0, 0.4), "pd": (0.6, 0.9, 0.75, 0.7)}


def cut(height, pixel_mm=1.0, nod=0.0):
    """An axial cut through the average brain, its front up: from (row, column, 1) to MNI mm."""
    forward = np.array([0, np.cos(nod), np.sin(nod)])
    affine = np.column_stack([-pixel_mm * forward, [pixel_mm, 0, 0], [0, -20.0, height]])
    affine[:, 2] -= affine[:, :2] @ (np.array(SHAPE) / 2)
    return affine


def picture(affine, contrast="t1", noise=0.04):
    """What the average head shows there, the distance to its surface in pixels, and the brain."""
    average = atlas()
    pose = SlicePose(affine, 1.0)
    maps = (average.white, average.gray, average.fluid, average.depth)
    white, gray, fluid, depth = (pose.warp(values, SHAPE) for values in maps)
    scalp = (depth < -9) & (depth > -15)
    shares = np.stack([white, gray, fluid + (depth < 0) * (depth > -4), scalp])
    image = np.tensordot(np.array(CONTRASTS[contrast]), shares, 1)
    image = np.abs(image + noise * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    head = np.pad(depth > -15, 1)
    return image, scipy.ndimage.distance_transform_edt(head)[1:-1, 1:-1].astype(np.float32), depth > 0


def off(found, truth):
    """How far from each other two cuts lie in the brain, mm: over all, and in height. Left may be taken for right."""
    at = np.array([(row, column, 1.0) for row in (50, 100, 150) for column in (60, 90, 120)])
    here, there = at @ found.affine.T, at @ truth.T
    mirrored = here * [-1, 1, 1]
    distances = [np.linalg.norm(position - there, axis=1).mean() for position in (here, mirrored)]
    return min(distances), abs((here - there)[:, 2].mean())


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("height", [-8.0, 12.0, 40.0])
def test_an_axial_cut_is_found_again_in_any_contrast(height, contrast):
    truth = cut(height)
    found = register_slice(*picture(truth, contrast))
    distance, by_height = off(found, truth)
    assert distance < 5
    assert by_height < 3.5
    assert found.agreement > 0.6
    assert found.pixel_mm == pytest.approx(1.0, rel=0.08)


@pytest.mark.parametrize("pixel_mm", [0.8, 1.25])
def test_the_size_of_a_pixel_follows_that_of_the_brain(pixel_mm):
    found = register_slice(*picture(cut(12.0, pixel_mm)))
    assert found.pixel_mm == pytest.approx(pixel_mm, rel=0.08)


def test_a_nodding_head_is_found_nodding():
    truth = cut(12.0, nod=0.3)
    distance, _ = off(register_slice(*picture(truth)), truth)
    assert distance < 5


@pytest.mark.parametrize("turn", [-0.25, 0.25])
def test_a_head_that_leans_to_a_side_is_found_leaning(turn):
    middle = np.array(SHAPE) / 2
    about = np.eye(3)
    about[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    about[:2, 2] = middle - about[:2, :2] @ middle
    truth = cut(12.0) @ about
    distance, by_height = off(register_slice(*picture(truth)), truth)
    assert distance < 5
    assert by_height < 3.5


def test_noise_agrees_less_than_a_head():
    image, to_surface, brain = picture(cut(12.0))
    noise = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    assert register_slice(noise, to_surface, brain).agreement < register_slice(image, to_surface, brain).agreement - 0.2


def test_the_same_picture_gives_the_same_pose():
    first, second = (register_slice(*picture(cut(12.0))) for _ in range(2))
    np.testing.assert_array_equal(first.affine, second.affine)


def test_a_map_is_cut_where_the_affine_says():
    average = atlas()
    index = 40  # of the slice in the atlas
    affine = np.array([[0.0, ATLAS_MM, average.origin[0]], [ATLAS_MM, 0.0, average.origin[1]]])
    affine = np.vstack([affine, [0.0, 0.0, average.origin[2] + ATLAS_MM * index]])
    shape = average.gray.shape[1::-1]
    np.testing.assert_allclose(SlicePose(affine, 1.0).warp(average.gray, shape), average.gray[:, :, index].T, atol=1e-4)
