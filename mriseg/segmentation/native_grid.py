"""From the brain's canonical box back to the grid of the scan: permutations and flips, no resampling."""

from dataclasses import dataclass

import numpy as np

from mriseg.image.orientation import restore, restore_box
from mriseg.image.resampling import parts
from mriseg.segmentation.stages import BrainRegion
from mriseg.segmentation.tissue_maps import TissueMaps


@dataclass(frozen=True, eq=False)
class NativeMaps:
    """Labels on the grid of the scan, and what is stored of its brain's voxels, which are half of their box.

    Attributes
    ----------
    labels : ndarray of uint8, shape of the scan
        Numbers of the tissues, 0 outside the brain.
    box : tuple of slice
        The part of the grid that holds the brain.
    posteriors : ndarray of float32, shape (voxels of the brain, 3)
        Voxel by voxel along the scan's own axes; tissues in the order of `Tissue`.
    partial_volumes : ndarray of uint8, shape (voxels of the brain, 3)
        Fractions of the voxel times 255, in the same order.
    """

    labels: np.ndarray
    box: tuple[slice, ...]
    posteriors: np.ndarray
    partial_volumes: np.ndarray


def to_native_grid(maps: TissueMaps, region: BrainRegion, orientation: np.ndarray) -> NativeMaps:
    """Carry the tissues of a brain from its canonical box to the grid of the scan.

    Parameters
    ----------
    maps : TissueMaps
        In the box.
    region : BrainRegion
        Where the box lies in the canonical grid.
    orientation : ndarray of shape (axes, 2)
        As from `mriseg.image.orientation.orient`.

    Returns
    -------
    NativeMaps
    """
    labels = np.zeros(region.mask.shape, np.uint8)
    labels[region.box] = maps.labels
    return NativeMaps(
        labels=restore(labels, orientation),
        box=restore_box(region.box, region.mask.shape, orientation),
        posteriors=in_native_order(maps.posteriors, maps.mask, orientation),
        partial_volumes=in_native_order(maps.partial_volumes, maps.mask, orientation),
    )


def in_native_order(values: np.ndarray, mask: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """What the brain's voxels hold, one after the other along the scan's own axes.

    Parameters
    ----------
    values : ndarray, shape of the mask and channels
        In the canonical box.
    mask : ndarray of bool
        The brain in it.
    orientation : ndarray of shape (axes, 2)
        As from `mriseg.image.orientation.orient`.

    Returns
    -------
    ndarray, shape (voxels of the mask, channels)

    Examples
    --------
    A picture whose first axis is stored in the other direction:

    >>> mask = np.array([[True, True], [False, True]])
    >>> in_native_order(np.arange(4).reshape(2, 2, 1), mask, np.array([[0, -1], [1, 1]])).ravel().tolist()
    [3, 0, 1]
    """
    inside = restore(mask, orientation)
    native = restore(values, orientation)
    ordered = np.empty((np.count_nonzero(inside), values.shape[-1]), values.dtype)
    first = 0
    for part in parts(inside.shape):  # the whole at once would be held a second time
        here = np.flatnonzero(inside[part])
        for channel in range(values.shape[-1]):
            ordered[first : first + len(here), channel] = native[part, ..., channel].ravel()[here]
        first += len(here)
    return ordered
