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
    """
    if scan.affine is None or scan.spacing is None:
        return scan, _identity(scan.data.ndim)
    orientation = orientations.io_orientation(scan.affine)
    data = orientations.apply_orientation(scan.data, orientation)
    affine = scan.affine @ orientations.inv_ornt_aff(orientation, scan.data.shape)
    spacing = tuple(scan.spacing[i] for i in np.argsort(orientation[:, 0]))
    return replace(scan, data=data, affine=affine, spacing=spacing, header=None), orientation


def reorient(data: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Bring an array from the scan's own axes to canonical ones, as `orient` did with its intensities."""
    return orientations.apply_orientation(data, orientation)


def restore(data: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Bring an array from canonical axes back to the scan's own.

    Parameters
    ----------
    data : array of shape (i, j, k) or (i, j, k, channels)
        In canonical axes; further axes stay where they are.
    orientation : ndarray
        As `orient` returned it.
    """
    back = orientations.ornt_transform(_identity(len(orientation)), orientation)
    return orientations.apply_orientation(data, back)


def _identity(dimensions: int) -> np.ndarray:
    return np.stack([np.arange(dimensions), np.ones(dimensions)], 1)
