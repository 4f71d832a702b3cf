import numpy as np
import pytest
import scipy
from nibabel.affines import apply_affine

from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.image.resampling import Grid, block_mean
from mriseg.registration.affine import WORKING_MM, Registration, register
from mriseg.registration.atlas import ATLAS_MM, atlas

# MNI positions, mm: the middle of the brain and far out in all directions.
LANDMARKS = np.array([[0, -20, 8], [50, -20, 8], [-50, -20, 8], [0, 50, 8], [0, -85, 8], [0, -20, 60], [0, -50, -40.0]])


def prepared(scan, head):
    """Image and head as `register` wants them."""
    image, sides, _ = block_mean(scan.data, scan.spacing, WORKING_MM)
    inside, _, _ = block_mean(head.astype(np.float32), scan.spacing, WORKING_MM)
    return np.clip(image / np.percentile(image[inside > 0.5], 98.5), 0, 1), inside > 0.5, sides


@pytest.fixture(scope="module")
def head(phantom):
    return scipy.ndimage.binary_fill_holes(phantom.matter > 0)


@pytest.fixture(scope="module")
def found(phantom, head):
    return {c: register(*prepared(simulate(phantom, c), head), atlas()) for c in (Contrast.T1, Contrast.T2)}


@pytest.mark.slow
@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_the_atlas_is_laid_where_the_phantom_was_made_from_it(found, phantom, contrast):
    # The phantom stretches by 4 % and warps by 6 mm, so the atlas cannot fit it everywhere.
    at = apply_affine(found[contrast].affine, LANDMARKS) + phantom.affine[:3, 3]
    assert np.linalg.norm(at - LANDMARKS, axis=1).max() < 7


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_a_good_fit_says_so(found, contrast):
    assert found[contrast].agreement > 0.3
    assert found[contrast].coverage > 0.95


def test_the_contrast_hardly_matters(found):
    first, second = (apply_affine(f.affine, LANDMARKS) for f in found.values())
    assert np.linalg.norm(first - second, axis=1).max() < 7


@pytest.mark.slow
def test_the_atlas_follows_a_moved_and_nodding_head(phantom, head, found):
    angle = np.deg2rad(20)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    scan = simulate(phantom, Contrast.T1)
    center = np.array(scan.data.shape) / 2
    shift = center - turn @ center + [3, -4, 2]
    moved_data = scipy.ndimage.affine_transform(scan.data, turn, shift, order=1)
    moved_head = scipy.ndimage.affine_transform(head.astype(np.float32), turn, shift, order=1) > 0.5
    moved = register(*prepared(type(scan)(moved_data, scan.affine, scan.spacing, "volume"), moved_head), atlas())
    here = apply_affine(found[Contrast.T1].affine, LANDMARKS) / 2
    there = apply_affine(moved.affine, LANDMARKS) / 2
    expected = (here - shift) @ turn  # the inverse of a turn is its transpose
    assert 2 * np.linalg.norm(there - expected, axis=1).max() < 8


@pytest.mark.slow
def test_noise_agrees_with_nothing():
    noise = np.random.default_rng(0).random((60, 70, 60)).astype(np.float32)
    found = register(noise, np.ones(noise.shape, bool), (3.0, 3.0, 3.0), atlas())
    assert found.agreement < 0.1


def test_without_a_slice_as_large_as_a_head_there_is_none():
    image = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    with pytest.raises(BrainNotFoundError):
        register(image, np.zeros(image.shape, bool), (3.0, 3.0, 3.0), atlas())


def test_its_own_grid_gives_the_atlas_back():
    average = atlas()
    affine = np.eye(4)
    affine[:3, 3] = -average.origin
    same = Registration(affine, 1.0, 1.0)
    warped = same.warp(average.gray, average, Grid(average.gray.shape, (ATLAS_MM,) * 3, np.zeros(3)))
    np.testing.assert_allclose(warped, average.gray, atol=1e-4)


def test_a_map_is_carried_to_where_the_affine_says():
    average = atlas()
    affine = np.array([[1.1, 0.1, 0, 80], [-0.1, 0.9, 0.05, 100], [0, 0, 1.2, 70], [0, 0, 0, 1.0]])
    first, sides = np.array([20.0, 30, 10]), (3.0, 4.0, 5.0)
    warped = Registration(affine, 1.0, 1.0).warp(average.depth, average, Grid((12, 11, 10), sides, first))
    index = np.array([7, 6, 8])
    position = apply_affine(np.linalg.inv(affine), first + index * sides)
    at = ((position - average.origin) / ATLAS_MM)[:, None]
    expected = scipy.ndimage.map_coordinates(average.depth, at, order=1)[0]
    assert warped[tuple(index)] == pytest.approx(expected, abs=1e-3)
