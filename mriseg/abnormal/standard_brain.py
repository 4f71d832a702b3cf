"""A brain carried into the space of the average brain, where what to expect of each place is known.

There the average brain's maps need no interpolation, a place's counterpart in the other hemisphere is its mirror image,
and the cost does not grow with the scan.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from mriseg.image.morphology import bounding_box
from mriseg.image.resampling import Grid, block_mean
from mriseg.mixture.spatial_prior import smooth_maps
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, atlas

OUTSIDE_MM = 6.0  # so far around the average brain its box goes on: an affine leaves no brain farther out
LEAST_COVERED = 0.5  # share of a voxel of the average brain that must lie in the scan's brain
MM3_PER_ML = 1000


@dataclass(frozen=True, eq=False)
class Expectation:
    """What the average brain has at each voxel of its box.

    Attributes
    ----------
    gray, white, fluid : ndarray of float32
        Shares of the tissues, blurred and never 0; they sum to 1.
    depth : ndarray of float32
        Distance to its surface, mm; negative outside.
    box : tuple of slice
        In the grid of the average brain; its mirror image in the first axis is itself.
    """

    gray: np.ndarray
    white: np.ndarray
    fluid: np.ndarray
    depth: np.ndarray
    box: tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class StandardBrain:
    """A brain in the space of the average brain, voxels of 2 mm.

    Attributes
    ----------
    intensities : ndarray of float32, shape (i, j, k)
        Of the scan, arbitrary units; 0 outside the brain.
    mask : ndarray of bool, same shape
        The brain.
    voxel_ml : float
        Volume of a voxel in the scan's own head, mL.
    registration : Registration
        The way back.
    """

    intensities: np.ndarray
    mask: np.ndarray
    voxel_ml: float
    registration: Registration

    def to_scan(self, values: np.ndarray, grid: Grid) -> np.ndarray:
        """Values on this brain's grid at the voxels of the scan, float32; 0 beyond."""
        average = atlas()
        whole = np.zeros(average.gray.shape, np.float32)
        whole[expectation().box] = values
        return self.registration.warp(whole, average, grid)


@lru_cache(maxsize=1)
def expectation() -> Expectation:
    """What the average brain expects at each voxel of its box.

    Returns
    -------
    Expectation
    """
    average = atlas()
    near = average.depth > -OUTSIDE_MM
    box = bounding_box(near | near[::-1])
    fluid, white, _ = smooth_maps(average)
    fluid, white = fluid[box], white[box]
    return Expectation(1 - fluid - white, white, fluid, average.depth[box], box)


def to_standard_space(data: np.ndarray, mask: np.ndarray, grid: Grid, registration: Registration) -> StandardBrain:
    """Carry a brain into the space of the average brain.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities along the scan's canonical axes.
    mask : ndarray of bool, same shape
        The brain.
    grid : Grid
        Where their voxels lie, mm along the canonical axes.
    registration : Registration
        Where the average brain lies.

    Returns
    -------
    StandardBrain
    """
    inside, sides, first = block_mean(mask.astype(np.float32), grid.spacing, ATLAS_MM)
    sums, _, _ = block_mean(np.where(mask, data, np.float32(0)), grid.spacing, ATLAS_MM)
    to_mm, average = registration.affine, atlas()
    matrix = to_mm[:3, :3] * ATLAS_MM / np.array(sides)[:, None]
    box = expectation().box
    origin = average.origin + ATLAS_MM * np.array([part.start for part in box])
    start = (to_mm[:3, :3] @ origin + to_mm[:3, 3] - grid.first_voxel_mm - first) / sides
    shape = tuple(part.stop - part.start for part in box)
    covered, total = (
        scipy.ndimage.affine_transform(values, matrix, start, shape, order=1) for values in (inside, sums)
    )
    brain = covered > LEAST_COVERED
    intensities = np.divide(total, covered, out=np.zeros_like(total), where=brain)
    voxel_mm3 = abs(float(np.linalg.det(to_mm[:3, :3]))) * ATLAS_MM**3
    return StandardBrain(intensities, brain, voxel_mm3 / MM3_PER_ML, registration)


def smoothed(values: np.ndarray, mask: np.ndarray, sd_mm: float) -> np.ndarray:
    """Gaussian average over the brain alone, on the grid of the average brain.

    Parameters
    ----------
    values : ndarray, shape (i, j, k)
    mask : ndarray of bool, same shape
        Where values count.
    sd_mm : float
        Standard deviation of the Gaussian, mm.

    Returns
    -------
    ndarray of float32, same shape
        0 where nothing that counts is near.
    """

    def blur(array: np.ndarray) -> np.ndarray:
        return scipy.ndimage.gaussian_filter(array.astype(np.float32), sd_mm / ATLAS_MM, truncate=2.5)

    weight = blur(mask)
    return np.divide(blur(values * mask), weight, out=np.zeros(mask.shape, np.float32), where=weight > 1e-3)
