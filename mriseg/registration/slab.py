"""Where the average brain lies in a thin slab, by the tissues that a first segmentation found in it.

Mutual information needs a whole head. In a slab the brain's outline is known, and which tissue each voxel is likely to
be: the pose is sought in which the average brain expects just these.

References
----------
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (tissue maps registered to posteriors).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.image.morphology import bounding_box
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, CENTER, MEAN_SHARES, Atlas

POINTS = 2500
BLUR_MM = 2.0
LEAST_SHARE = 0.02
LEAST_CERTAINTY = 0.02  # of each tissue in each voxel: a first segmentation errs
BRAIN_WIDTH_MM = 136.0  # of the average brain, from side to side
# MNI heights of the slab's middle and nods of the head at which the search starts.
HEIGHTS_MM, PITCHES = (-30.0, -15.0, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0), (-0.3, 0.0, 0.3)
REFINED = 4  # of the starts
OUTSIDE_MM, OUTSIDE_WEIGHT = 4.0, 0.05  # a voxel of the brain that lies farther outside the average one, nats a mm
# Standard deviations of the sideways shift (mm), of turns (rad) and log sizes, and of sizes from each other.
SHIFT_SD, PITCH_SD, TURN_SD, SIZE_SD, SIZES_APART = 5.0, 0.35, 0.12, 0.12, 0.05
PRIOR_WEIGHT = 0.01  # nats a squared standard deviation
# Nats a voxel gained over knowing only how much of each tissue there is: eight slabs of children have 0.25 to 0.37.
LEAST_GAIN = 0.15
SEED = 0


def align(
    posteriors: Sequence[np.ndarray],
    mask: np.ndarray,
    spacing: tuple[float, ...],
    first_voxel_mm: np.ndarray,
    atlas: Atlas,
) -> Registration | None:
    """Lay the average brain over a slab; None where it fits nowhere.

    Parameters
    ----------
    posteriors : sequence of ndarray of float32, each of shape (i, j, k)
        Of fluid, gray and white matter in canonical axes.
    mask : ndarray of bool, shape (i, j, k)
        The brain.
    spacing : tuple of float
        Voxel sides, mm.
    first_voxel_mm : ndarray of shape (3,)
        Position of the first voxel, mm along the scan's canonical axes.
    atlas : Atlas

    Returns
    -------
    Registration or None
        Its agreement is what a voxel gains over knowing only how much of each tissue there is, nats.
    """
    numbers = np.random.default_rng(SEED).permutation(int(np.count_nonzero(mask)))[:POINTS]
    chosen = _voxels(mask, numbers)
    mean_shares = np.array(MEAN_SHARES)
    likely = LEAST_CERTAINTY + (1 - 3 * LEAST_CERTAINTY) * np.stack(
        [of_tissue[tuple(chosen.T)] for of_tissue in posteriors]
    ).astype(float)
    likely *= (mean_shares / likely.mean(1))[:, None]  # tissues lie where they lie, however much of each there is
    points = chosen * spacing
    ends = np.array([[part.start, part.stop - 1] for part in bounding_box(mask)]).T * spacing
    middle = ends.mean(0)
    gray, white = (scipy.ndimage.gaussian_filter(m, BLUR_MM / ATLAS_MM) for m in (atlas.gray, atlas.white))
    maps = [np.maximum(m, LEAST_SHARE) for m in (1 - gray - white, gray, white)]

    cost = _Cost(points, middle=middle, likely=likely, maps=maps, atlas=atlas)
    size = np.log(max(ends[1, 0] - ends[0, 0], 1.0) / BRAIN_WIDTH_MM)
    starts = [
        np.array([0, 0, height - CENTER[2], pitch, 0, 0, size, size, size])
        for height in HEIGHTS_MM
        for pitch in PITCHES
    ]
    starts.sort(key=cost)
    options = {"maxiter": 3, "xtol": 1e-2, "ftol": 1e-4}
    fits = [scipy.optimize.minimize(cost, start, method="Powell", options=options) for start in starts[:REFINED]]
    best = min(fits, key=lambda fit: fit.fun)
    gain = float(-best.fun - np.log((likely * mean_shares[:, None]).sum(0)).mean())
    if gain < LEAST_GAIN:
        return None
    to_atlas, shift = _pose(best.x, middle)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = to_atlas, shift
    from_atlas = np.linalg.inv(affine)
    from_atlas[:3, 3] += first_voxel_mm
    return Registration(from_atlas, gain, 1.0)


def _voxels(mask: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Positions of some of a mask's voxels, numbered as they are stored, shape (numbers, 3)."""
    before = np.concatenate([[0], np.cumsum(np.count_nonzero(mask, axis=(1, 2)))])
    slices = np.searchsorted(before, numbers, side="right") - 1
    positions = np.empty((len(numbers), 3), np.intp)
    for index in np.unique(slices):
        here = slices == index
        positions[here, 0] = index
        positions[here, 1:] = np.argwhere(mask[index])[numbers[here] - before[index]]
    return positions


@dataclass(frozen=True, eq=False)
class _Cost:
    """How badly the average brain expects the tissues of a slab at a pose, nats a voxel.

    Attributes
    ----------
    points : ndarray of shape (points, 3)
        Positions of voxels in the slab, mm.
    middle : ndarray of shape (3,)
        Of the slab, mm.
    likely : ndarray of shape (3, points)
        Fluid, gray and white matter as the first segmentation has them.
    maps : list of ndarray
        The same as the atlas has them.
    atlas : Atlas
    """

    points: np.ndarray
    middle: np.ndarray
    likely: np.ndarray
    maps: list[np.ndarray]
    atlas: Atlas

    def __call__(self, pose: np.ndarray) -> float:
        to_atlas, shift = _pose(pose, self.middle)
        at = ((self.points @ to_atlas.T + shift - self.atlas.origin) / ATLAS_MM).T
        expected = np.stack([_interpolated(values, at) for values in self.maps])
        beyond = np.maximum(-_interpolated(self.atlas.depth, at) - OUTSIDE_MM, 0)
        sizes = pose[6:]
        unusual = (pose[0] / SHIFT_SD) ** 2 + (pose[3] / PITCH_SD) ** 2 + ((pose[4:6] / TURN_SD) ** 2).sum()
        unusual += ((sizes / SIZE_SD) ** 2).sum() + sizes.var() / SIZES_APART**2
        log_likelihood = np.log((self.likely * expected).sum(0)).mean()
        return float(OUTSIDE_WEIGHT * beyond.mean() + PRIOR_WEIGHT * unusual - log_likelihood)


def _interpolated(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A map of the atlas at voxel positions, shape (3, points); beyond the atlas its border goes on."""
    return scipy.ndimage.map_coordinates(values, at, order=1, mode="nearest")


def _pose(pose: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The matrix and shift that bring mm in the slab to MNI mm: three shifts, three turns, three log sizes."""
    turn = scipy.spatial.transform.Rotation.from_euler("xyz", pose[3:6]).as_matrix()
    to_atlas = turn / np.exp(pose[6:])
    return to_atlas, CENTER + pose[:3] - to_atlas @ middle
