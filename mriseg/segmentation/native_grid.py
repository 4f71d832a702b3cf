"""From the brain's canonical box back to the grid of the scan: permutations and flips, no resampling."""

from dataclasses import dataclass

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.image.orientation import restore, restore_box
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
    order = native_order(maps.mask, orientation)
    return NativeMaps(
        labels=restore(labels, orientation),
        box=restore_box(region.box, region.mask.shape, orientation),
        posteriors=np.stack([maps.posteriors[..., k].ravel()[order] for k in range(len(Tissue))], -1),
        partial_volumes=maps.partial_volumes.reshape(-1, len(Tissue)).take(order, axis=0),
    )


def native_order(mask: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Where in the flattened canonical box the brain's voxels are, one after the other along the scan's own axes.

    Parameters
    ----------
    mask : ndarray of bool
        The brain in its canonical box.
    orientation : ndarray of shape (axes, 2)
        As from `mriseg.image.orientation.orient`.

    Returns
    -------
    ndarray of int, shape (voxels of the mask,)
        Indices into the flattened box.

    Examples
    --------
    A picture whose first axis is stored in the other direction:

    >>> mask = np.array([[True, True], [False, True]])
    >>> native_order(mask, np.array([[0, -1], [1, 1]]))
    array([3, 0, 1])
    """
    flat_index = np.arange(mask.size, dtype=np.uint32).reshape(mask.shape)
    order: np.ndarray = restore(flat_index, orientation)[restore(mask, orientation)].astype(np.intp)
    return order
