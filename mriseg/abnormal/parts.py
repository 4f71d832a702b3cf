"""Connected parts of masks, of volumes and of slices alike."""

import numpy as np
import scipy


def touching(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """The connected parts of a mask that hold a seed.

    Parameters
    ----------
    mask, seeds : ndarray of bool, of one shape

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> touching(np.array([True, True, False, True]), np.array([True, False, False, False])).tolist()
    [True, True, False, False]
    """
    number, count = scipy.ndimage.label(mask)
    holds = np.zeros(count + 1, bool)
    holds[number[seeds & mask]] = True
    holds[0] = False
    return holds[number]


def large_parts(mask: np.ndarray, voxels: float) -> np.ndarray:
    """The connected parts of a mask that have at least so many voxels.

    Parameters
    ----------
    mask : ndarray of bool
    voxels : float

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> large_parts(np.array([True, True, False, True]), 2).tolist()
    [True, True, False, False]
    """
    number, count = scipy.ndimage.label(mask)
    large = np.bincount(number.ravel(), minlength=count + 1) >= voxels
    large[0] = False
    return large[number]


def enclosed_by(
    bright: np.ndarray, dark: np.ndarray, brain: np.ndarray, *, least_contact: float, steps: int
) -> np.ndarray:
    """Bright parts with the dark ones that they enclose, and what lies between.

    Parameters
    ----------
    bright, dark, brain : ndarray of bool, of one shape
    least_contact : float
        Share of a dark part's border in the brain that must lie near a bright one.
    steps : int
        How near, in voxels: between a rim and its core lie voxels of both.

    Returns
    -------
    ndarray of bool, same shape
    """
    number, count = scipy.ndimage.label(dark)
    if not count:
        return bright
    cross = scipy.ndimage.generate_binary_structure(dark.ndim, 1)
    shell = scipy.ndimage.grey_dilation(number, footprint=cross) * ~dark
    border = np.bincount(shell[brain], minlength=count + 1)
    near_bright = np.bincount(shell[scipy.ndimage.binary_dilation(bright, iterations=steps)], minlength=count + 1)
    is_enclosed = near_bright > least_contact * np.maximum(border, 1)
    is_enclosed[0] = False
    enclosed = is_enclosed[number]
    if not enclosed.any():
        return bright
    parts: np.ndarray = bright | enclosed
    between = scipy.ndimage.binary_closing(parts, iterations=steps) & brain
    return parts | (between & scipy.ndimage.binary_dilation(enclosed, iterations=steps + 1))
