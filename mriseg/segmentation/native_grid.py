"""From the brain's canonical box back to the grid of the scan: permutations and flips, no resampling."""

import numpy as np

from mriseg.image.orientation import restore


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
    """
    flat_index = np.arange(mask.size, dtype=np.uint32).reshape(mask.shape)
    return restore(flat_index, orientation)[restore(mask, orientation)].astype(np.intp)
