"""Whether a scan without skull was stripped loosely: a rim of bone and dura lies around the brain.

A tight mask ends in cortex or in the fluid over it, so that only its outermost voxels, which it shares with the
background, are dark. A few millimeters farther in bone alone is darker than nearly everything deep in the brain.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.image.morphology import bounding_box, distance_to_background
from mriseg.image.resampling import block_mean, interpolate_separable

RIM_VOXEL_MM = 2.0  # side of the voxels that are looked at: in finer ones noise is as dark as bone
DEEP_MM = 10.0  # from the border: behind the cortex and the fluid over it
OUTER_MM, INNER_MM = 2.1, 4.1  # from the border: two layers, the outer with all voxels that are partly background
AROUND_MM = 15.0  # standard deviation of the surroundings that a voxel is compared with, against shading
DARKEST_PERCENT = 0.2  # of what lies deep: fluid where that is dark, else iron and vessels
# Share of the inner layer that is as dark. 0.30 to 0.98 in heads stripped 3 mm and more outside the inner skull, up to
# 0.11 in heads stripped at the inner skull and in 16 published stripped scans of all contrasts.
LOOSE_SHARE = 0.18
# Share of the outer layer that is not even half as bright. 0.44 to 0.98 in heads stripped 2 mm outside, up to 0.16 in
# the published scans, and 0.15 to 0.3 (on PD 0.44) where a mask was averaged to twice its voxels.
OUTER_SHARE = 0.35
LEAST = np.float32(1e-12)  # instead of 0 where it is divided by


def is_loosely_stripped(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray) -> bool:
    """Whether much of what lies just inside the border of a stripped scan is darker than any tissue of its brain.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        All that is no background; not empty.

    Returns
    -------
    bool
        False, too, where nothing lies deep enough to compare with.

    Examples
    --------
    A ball of 60 mm, then with a dark shell of 5 mm:

    >>> from_middle = np.linalg.norm(np.indices((40, 40, 40)) - 19.5, axis=0) * 2
    >>> ball = from_middle < 30
    >>> data = np.where(ball, 100 + np.sin(from_middle), 0).astype(np.float32)
    >>> is_loosely_stripped(data, (2.0, 2.0, 2.0), ball)
    False
    >>> is_loosely_stripped(np.where(from_middle > 25, data / 5, data), (2.0, 2.0, 2.0), ball)
    True
    """
    box = bounding_box(mask)
    coarse = _coarse(data[box], spacing, mask[box])
    deep, outer = coarse.depth > DEEP_MM, (coarse.depth > 0) & (coarse.depth <= OUTER_MM)
    inner = (coarse.depth > OUTER_MM) & (coarse.depth <= INNER_MM)
    if not deep.any() or not inner.any() or not outer.any():
        return False
    relative = coarse.signal / coarse.around
    darkest = np.percentile(relative[deep], DARKEST_PERCENT)
    is_loose = np.mean(relative[inner] < darkest) > LOOSE_SHARE or np.mean(relative[outer] < darkest / 2) > OUTER_SHARE
    return bool(is_loose)


def dark_rim(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray) -> np.ndarray:
    """Voxels darker than any tissue deep in the brain that reach the outside through others as dark.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        The brain and what may be left of bone around it; not empty.

    Returns
    -------
    ndarray of bool, same shape
        A part of the mask.
    """
    box = bounding_box(mask, margin=1)
    inside = mask[box]
    coarse = _coarse(data[box], spacing, inside)
    rim = np.zeros_like(mask)
    if not (coarse.depth > DEEP_MM).any():
        return rim
    positions = [
        (np.arange(n) * side - first) / coarse_side
        for n, side, first, coarse_side in zip(inside.shape, spacing, coarse.first, coarse.sides, strict=True)
    ]
    relative = (data[box] - coarse.darkest) / interpolate_separable(coarse.around, positions)
    deep = (interpolate_separable(coarse.depth, positions) > DEEP_MM) & inside
    dark = inside & (relative < np.percentile(relative[deep], DARKEST_PERCENT))
    rim[box] = scipy.ndimage.binary_propagation(~inside, mask=~inside | dark) & inside
    return rim


@dataclass(frozen=True, eq=False)
class _Coarse:
    """A brain on coarse voxels.

    Attributes
    ----------
    signal : ndarray of float32
        Intensities above the darkest of the brain, `darkest`.
    around : ndarray of float32
        The same of what lies deep, averaged around each voxel: how bright the coil makes this place.
    depth : ndarray of float32
        From the border, mm.
    sides : tuple of float
        Of the voxels, mm.
    first : ndarray of shape (3,)
        Center of the first voxel, mm from that of the scan's first.
    """

    signal: np.ndarray
    darkest: np.float32
    around: np.ndarray
    depth: np.ndarray
    sides: tuple[float, ...]
    first: np.ndarray


def _coarse(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray) -> _Coarse:
    darkest = data[mask].min()
    signal, sides, first = block_mean((data - darkest) * mask, spacing, RIM_VOXEL_MM)
    share, _, _ = block_mean(mask.astype(np.float32), spacing, RIM_VOXEL_MM)
    depth = distance_to_background(share > 0.5, sides).astype(np.float32)
    deep = (depth > DEEP_MM).astype(np.float32)
    blur = [AROUND_MM / side for side in sides]
    around = scipy.ndimage.gaussian_filter(signal * deep, blur)
    around /= np.maximum(scipy.ndimage.gaussian_filter(deep, blur), LEAST)
    return _Coarse(signal, darkest, np.maximum(around, LEAST), depth, sides, first)
