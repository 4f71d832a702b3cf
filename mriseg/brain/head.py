"""The head in an image: what is not air, with everything in it."""

import numpy as np
import scipy

from mriseg.image.morphology import dilate, erode, largest_component

VOLUME_CLOSING_MM = 8.0  # over nostrils and ear canals
WORKING_PIXEL = (1.0, 1.0)  # sides of a pixel of a slice, whose unit is the pixel: about 1 mm
# Pixels: letters and noise go, mouth and sinuses close, skin peels off.
SPECK, SLICE_CLOSING, SKIN = 1.5, 10, 3.0


def head_in_volume(foreground: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """The head in a volume: what is not air, closed, filled in space and slice by slice.

    Parameters
    ----------
    foreground : ndarray of bool, shape (i, j, k)
        What is brighter than air.
    spacing : tuple of float
        Sides of a voxel, mm.

    Returns
    -------
    ndarray of bool, same shape
    """
    margin = [int(np.ceil(VOLUME_CLOSING_MM / side)) + 1 for side in spacing]
    closed = dilate(np.pad(foreground, [(m, m) for m in margin]), VOLUME_CLOSING_MM, spacing)
    closed = largest_component(erode(closed, VOLUME_CLOSING_MM, spacing))
    head = closed[tuple(slice(m, -m) for m in margin)]
    for axis in range(3):
        for index in range(head.shape[axis]):
            at = (slice(None),) * axis + (index,)
            head[at] = scipy.ndimage.binary_fill_holes(head[at])
    return head


def head_in_slice(foreground: np.ndarray) -> np.ndarray:
    """The head in a slice without its skin: what is not air, closed over mouth and sinuses, and filled.

    Parameters
    ----------
    foreground : ndarray of bool, shape (rows, columns)
        What is brighter than air, on the working grid of `mriseg.brain.slice`.

    Returns
    -------
    ndarray of bool, same shape
    """
    margin = 2 * SLICE_CLOSING
    solid = erode(np.pad(foreground, margin), SPECK, WORKING_PIXEL)
    closed = dilate(solid, SLICE_CLOSING, WORKING_PIXEL)
    head = erode(largest_component(closed), SLICE_CLOSING - SPECK + SKIN, WORKING_PIXEL)
    return scipy.ndimage.binary_fill_holes(head)[margin:-margin, margin:-margin]
