"""Closest-canonical axes and the way back: permutations and flips, never a resampling.

Inside the engine a volume's axes run from left to right, posterior to anterior and inferior to superior
(RAS+), as near as its own axes come to that. Pictures keep their rows and columns.
"""

from dataclasses import replace

import numpy as np
from nibabel import orientations

from mriseg.core.scan import Scan


def orient(scan: Scan) -> tuple[Scan, np.ndarray]:
    """Reorder a volume's axes to the closest canonical ones.

    Parameters
    ----------
    scan : Scan
        A picture or a volume.

    Returns
    -------
    canonical : Scan
        The same intensities; axes, affine and spacing reordered. Shares memory with `scan`.
    orientation : ndarray of shape (3, 2)
        For each axis of `scan`, the canonical axis it became and whether it was flipped
        (`nibabel.orientations`); what `restore` needs. Identity for a picture.

    Examples
    --------
    A volume whose first axis runs from right to left is flipped, and comes back as it was:

    >>> from mriseg.core.scan import volume
    >>> scan = volume(np.arange(24_000.0).reshape(20, 30, 40), np.diag([-1.0, 2.0, 3.0, 1.0]))
    >>> canonical, orientation = orient(scan)
    >>> canonical.affine[0]
    array([  1.,   0.,   0., -19.])
    >>> bool((canonical.data == scan.data[::-1]).all())
    True
    >>> bool((restore(canonical.data, orientation) == scan.data).all())
    True
    """
    if scan.affine is None or scan.spacing is None:
        return scan, _identity(scan.data.ndim)
    orientation = orientations.io_orientation(scan.affine)
    data = orientations.apply_orientation(scan.data, orientation)
    affine = scan.affine @ orientations.inv_ornt_aff(orientation, scan.data.shape)
    spacing = tuple(scan.spacing[i] for i in np.argsort(orientation[:, 0]))
    return replace(scan, data=data, affine=affine, spacing=spacing, header=None), orientation


def reorient(data: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Bring an array from the scan's own axes to canonical ones, as `orient` did with its intensities.

    Parameters
    ----------
    data : array of shape (i, j, k) or (i, j, k, channels)
        In the scan's own axes; further axes stay where they are.
    orientation : ndarray
        As `orient` returned it.

    Returns
    -------
    ndarray
        A view of `data`.
    """
    return orientations.apply_orientation(data, orientation)


def restore(data: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Bring an array from canonical axes back to the scan's own.

    Parameters
    ----------
    data : array of shape (i, j, k) or (i, j, k, channels)
        In canonical axes; further axes stay where they are.
    orientation : ndarray
        As `orient` returned it.

    Returns
    -------
    ndarray
        A view of `data`.
    """
    back = orientations.ornt_transform(_identity(len(orientation)), orientation)
    return orientations.apply_orientation(data, back)


def reorient_box(box: tuple[slice, ...], shape: tuple[int, ...], orientation: np.ndarray) -> tuple[slice, ...]:
    """Bring a part of the scan's own grid to canonical axes: the box in which `reorient` puts its voxels.

    Parameters
    ----------
    box : tuple of slice
        In the scan's own axes, with both ends given.
    shape : tuple of int
        Of the scan in its own axes.
    orientation : ndarray
        As `orient` returned it.

    Returns
    -------
    tuple of slice
    """
    canonical = list(box)
    for part, length, (axis, direction) in zip(box, shape, orientation, strict=True):
        canonical[int(axis)] = _flipped(part, length, direction)
    return tuple(canonical)


def restore_box(box: tuple[slice, ...], shape: tuple[int, ...], orientation: np.ndarray) -> tuple[slice, ...]:
    """Bring a part of the canonical grid back to the scan's own axes: the box in which `restore` puts its voxels.

    Parameters
    ----------
    box : tuple of slice
        In canonical axes, with both ends given.
    shape : tuple of int
        Of the scan in canonical axes.
    orientation : ndarray
        As `orient` returned it.

    Returns
    -------
    tuple of slice
    """
    return tuple(_flipped(box[int(axis)], shape[int(axis)], direction) for axis, direction in orientation)


def turn_degrees(affine: np.ndarray) -> float:
    """By which angle an affine turns, whatever it stretches and shears.

    Parameters
    ----------
    affine : ndarray of shape (4, 4)
        That mirrors nothing.

    Returns
    -------
    float
        0 to 180.

    Examples
    --------
    >>> turn_degrees(np.diag([-2.0, -1.0, 1.0, 1.0]))
    180.0
    """
    left, _, right = np.linalg.svd(affine[:3, :3])
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def _flipped(part: slice, length: int, direction: float) -> slice:
    """A stretch of an axis of a length, counted from its other end where the direction is negative."""
    return part if direction > 0 else slice(length - part.stop, length - part.start)


def _identity(dimensions: int) -> np.ndarray:
    return np.stack([np.arange(dimensions), np.ones(dimensions)], 1)
