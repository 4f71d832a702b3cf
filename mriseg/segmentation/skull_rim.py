"""Bone that the brain mask took in, seen only once the tissues are known.

Where fluid is bright, a voxel that bone shares with the fluid outside the brain is as dark as white matter, and so are
veins in the dura, and what shares a voxel with the background of a scan without skull. White matter never lies at the
inner skull: what looks like it there is taken from the mask.
"""

import numpy as np
import scipy

from mriseg.image.morphology import FAR_MM, SLAB_MM, bounding_box, distance_to_background
from mriseg.image.resampling import coarse_steps
from mriseg.mixture.likelihood import BinnedVoxels
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones

UNLIKELY_WHITE = 0.1  # expected share of white matter: less of it lies beyond the cortex
# Without skull only bone and background darken the rim; what noise alone names white matter there is no darker than it:
DARKER = 1.0  # standard deviations below the mean of white matter
# On T1 vessels, sinuses and dura that hold contrast agent are brighter than any white matter. Without agent 0 to 0.7 mL
# at the rim are, with it 11 mL and more.
BRIGHTER = 4.0  # standard deviations above the mean of white matter
LEAST_BRIGHT_ML = 3.0
RIM_MM = 3.0  # where nothing is expected of places: no white matter lies nearer to the inner skull


def darker_than_white(binned: BinnedVoxels, mixture: Mixture) -> np.ndarray:
    """Voxels darker than most of the darkest class, where that is white matter.

    Parameters
    ----------
    binned : BinnedVoxels
        The intensities that the mixture was fitted to.
    mixture : Mixture

    Returns
    -------
    ndarray of bool, shape of the voxels
    """
    darkest = mixture.means[0] - DARKER * mixture.sds[0]
    darker: np.ndarray = (binned.points[:, 0] < darkest)[binned.index]
    return darker


def vessels_at_the_rim(
    white: np.ndarray,
    mask: np.ndarray,
    spatial_prior: PriorZones,
    *,
    spacing: tuple[float, ...],
    binned: BinnedVoxels,
    mixture: Mixture,
) -> np.ndarray:
    """Vessels, sinuses and dura with contrast agent: voxels named white matter, far brighter, that reach the outside.

    Parameters
    ----------
    white, mask, spatial_prior, spacing
        As for `bone_at_the_rim`, of a volume.
    binned : BinnedVoxels
        The intensities that the mixture was fitted to.
    mixture : Mixture
        Its brightest class white matter.

    Returns
    -------
    ndarray of bool, shape (i, j, k)
        A part of the mask; empty where it is too little to be contrast agent.
    """
    brightest = mixture.means[-1] + BRIGHTER * mixture.sds[-1]
    bright = white & (binned.points[:, 0] > brightest)[binned.index]
    vessels = bone_at_the_rim(bright, mask, spatial_prior, spacing)
    if np.count_nonzero(vessels) * float(np.prod(spacing)) < 1000 * LEAST_BRIGHT_ML:
        vessels[:] = False
    return vessels


def bone_at_the_rim(
    white: np.ndarray, mask: np.ndarray, spatial_prior: PriorZones, spacing: tuple[float, ...]
) -> np.ndarray:
    """Voxels named white matter that reach the outside without passing another tissue, where there can be none.

    Parameters
    ----------
    white : ndarray of bool, shape (i, j) or (i, j, k)
        What was named white matter.
    mask : ndarray of bool, same shape
        The brain; a margin of one voxel around it shows what is outside.
    spatial_prior : PriorZones
        What the average brain expects, on the same grid.
    spacing : tuple of float
        Voxel sides in mm.

    Returns
    -------
    ndarray of bool, same shape
        A part of the mask.

    Examples
    --------
    A brain of 20 pixels of 2.5 mm whose darkest class, white matter where fluid is bright, lies in the middle and along
    its upper edge:

    >>> from mriseg.mixture.spatial_prior import uniform_prior
    >>> mask, white = np.zeros((2, 22, 22), bool)
    >>> mask[1:21, 1:21] = True
    >>> white[8:14, 8:14] = white[1, 1:21] = True
    >>> np.unique(np.argwhere(bone_at_the_rim(white, mask, uniform_prior(mask.shape), (2.5, 2.5)))[:, 0])
    array([1])
    """
    box = bounding_box(mask)
    lengths = [(part.stop - part.start) * side for part, side in zip(box, spacing, strict=True)]
    cut = [mask.ndim == 3 and length < SLAB_MM for length in lengths]
    if len(spatial_prior) > 1:
        possible = (spatial_prior.shares[:, 2] < UNLIKELY_WHITE)[spatial_prior.index]
    else:
        sampling = tuple(FAR_MM if is_cut else side for is_cut, side in zip(cut, spacing, strict=True))
        possible = _near_the_rim(mask, sampling)
    # The brain goes on beyond the faces of a slab: there is no outside.
    part = tuple(extent if is_cut else slice(None) for extent, is_cut in zip(box, cut, strict=True))
    outside = ~mask[part]
    reached = np.zeros(mask.shape, bool)
    reached[part] = scipy.ndimage.binary_propagation(outside, mask=outside | (white & possible)[part])
    bone: np.ndarray = reached & mask
    return bone


def _near_the_rim(mask: np.ndarray, sampling: tuple[float, ...]) -> np.ndarray:
    """What lies nearer to the outside than `RIM_MM`; of the largest brains found on every so many-th voxel."""
    steps = coarse_steps(mask.shape, sampling, min(sampling))
    thinned = mask[tuple(slice(None, None, step) for step in steps)]
    sides = tuple(side * step for side, step in zip(sampling, steps, strict=True))
    near = distance_to_background(thinned, sides, at_border="edge") < RIM_MM
    for axis, (n, step) in enumerate(zip(mask.shape, steps, strict=True)):
        if step > 1:
            near = near.take(np.arange(n) // step, axis)
    return near
