import numpy as np
import pytest
from nibabel.affines import apply_affine

from mriseg.core.tissue import Tissue
from mriseg.image.resampling import Grid
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import TISSUES, atlas
from mriseg.registration.slab import LEAST_GAIN, align

SIZE, THICK_MM = 0.8, 24
THICK = (1.0, 1.0, 5.0)
FIRST = np.array([31.0, -12.0, 40.0])  # of the mask's voxels, in the scan
WIDTH = np.array([160, 200])


def laid(height, pitch=0.0, size=SIZE, first=FIRST):
    """The average brain, smaller and nodding, about the middle of a slab with a height in MNI mm there."""
    turn = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    affine = np.eye(4)
    affine[:3, :3] = size * turn
    middle = first + np.array([*(WIDTH / 2), THICK_MM / 2])
    affine[:3, 3] = middle + np.array([3, -4, 0]) - affine[:3, :3] @ [0, -20, height]
    return Registration(affine, 1.0, 1.0)


def slab(truth, sides=(1.0, 1.0, 2.0), first=FIRST):
    """Posteriors and mask as a perfect segmentation of the average brain has them."""
    shape = tuple(int(n // side) for n, side in zip((*WIDTH, THICK_MM), sides, strict=True))
    gray, white, depth = (
        truth.warp(values, atlas(), Grid(shape, sides, first))
        for values in (atlas().gray, atlas().white, atlas().depth)
    )
    mask = depth > 0
    return np.stack([1 - gray - white, gray, white]) * mask, mask


def off(found, truth, mask, sides=(1.0, 1.0, 2.0), first=FIRST):
    """How far from each other two registrations lay the voxels of the mask in MNI space, mm, by axis and in all."""
    at = np.argwhere(mask)[::97] * sides + first
    here, there = (apply_affine(np.linalg.inv(r.affine), at) for r in (found, truth))
    return np.abs((here - there).mean(0)), np.linalg.norm(here - there, axis=1).mean()


def test_tissues_are_in_the_order_of_the_posteriors():
    assert TISSUES == (Tissue.CSF, Tissue.GM, Tissue.WM)


@pytest.mark.parametrize(("height", "pitch"), [(-22, 0.0), (6, 0.15), (46, -0.1)])
def test_a_slab_of_the_average_brain_is_found_again(height, pitch):
    truth = laid(height, pitch)
    posteriors, mask = slab(truth)
    found = align(posteriors, mask, (1.0, 1.0, 2.0), FIRST, atlas())
    by_axis, distance = off(found, truth, mask)
    assert by_axis[2] < 3
    assert distance < 3
    assert found.agreement > LEAST_GAIN


@pytest.fixture(scope="module")
def cut():
    """A thin slab at the height of the ventricles in thick slices: truth, posteriors and mask."""
    truth = laid(18)
    return truth, *slab(truth, THICK)


@pytest.fixture(scope="module")
def found(cut):
    return align(*cut[1:], THICK, FIRST, atlas())


def test_thick_slices_are_laid_as_well(cut, found):
    by_axis, distance = off(found, cut[0], cut[2], THICK)
    assert by_axis[2] < 3
    assert distance < 3


def test_the_size_of_the_head_is_found(found):
    assert np.cbrt(np.linalg.det(found.affine[:3, :3])) == pytest.approx(SIZE, abs=0.05)


def test_the_average_brain_expects_what_was_found(cut, found):
    """Maps carried by the pose overlap with the posteriors as those of the truth do."""
    _, posteriors, mask = cut
    for channel, values in ((1, atlas().gray), (2, atlas().white)):
        warped = found.warp(values, atlas(), Grid(mask.shape, THICK, FIRST))
        assert np.corrcoef(warped[mask], posteriors[channel][mask])[0, 1] > 0.8


def test_the_mask_may_lie_anywhere_in_the_scan_with_any_margin(cut, found):
    pad = ((2, 1), (0, 3), (1, 1))
    posteriors, mask = np.pad(cut[1], ((0, 0), *pad)), np.pad(cut[2], pad)
    by = np.array([10, 20, -30])
    moved = align(posteriors, mask, THICK, FIRST + by - np.array([2, 0, 1]) * THICK, atlas())
    np.testing.assert_allclose(moved.affine[:3, :3], found.affine[:3, :3], atol=1e-3)
    np.testing.assert_allclose(moved.affine[:3, 3], found.affine[:3, 3] + by, atol=0.1)


def test_more_of_one_tissue_than_usual_does_not_move_it(cut, found):
    """Of atrophied brains: half of all gray and white matter is fluid."""
    _, posteriors, mask = cut
    atrophied = posteriors.copy()
    atrophied[1:] *= 0.5
    atrophied[0] = mask - atrophied[1:].sum(0)
    other = align(atrophied, mask, THICK, FIRST, atlas())
    by_axis, distance = off(other, cut[0], mask, THICK)
    assert by_axis[2] < 5
    assert distance < 7


def test_noise_is_laid_nowhere(cut):
    mask = cut[2]
    noise = np.random.default_rng(0).dirichlet((0.3, 0.3, 0.3), mask.shape)
    assert align(np.moveaxis(noise, -1, 0) * mask, mask, THICK, FIRST, atlas()) is None


def test_the_right_shares_in_the_wrong_places_are_laid_nowhere(cut):
    _, posteriors, mask = cut
    shuffled = np.zeros_like(posteriors)
    shuffled[:, mask] = np.random.default_rng(1).permutation(posteriors[:, mask], axis=1)
    assert align(shuffled, mask, THICK, FIRST, atlas()) is None


def test_a_slab_whose_tissues_are_named_wrongly_is_laid_nowhere(cut):
    _, posteriors, mask = cut
    assert align(posteriors[[2, 0, 1]], mask, THICK, FIRST, atlas()) is None


def test_gray_matter_everywhere_tells_nothing(cut):
    mask = cut[2]
    posteriors = np.zeros_like(cut[1])
    posteriors[1] = mask
    assert align(posteriors, mask, THICK, FIRST, atlas()) is None
