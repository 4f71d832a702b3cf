"""In which coordinates a NIfTI header says that the voxels lie, and whether its two transforms agree on it.

A header may hold two: the sform, any affine, and the qform, a rotation with the sizes of the voxels. The sform is taken
where there is one, as nibabel and SPM do; other programs take the qform.
"""

from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.spatialimages import HeaderDataError

from mriseg.core.scan import GeometryConflict, Space
from mriseg.io.raw_volume import is_plausible

SPACES = {1: Space.SCANNER, 2: Space.ALIGNED, 3: Space.TALAIRACH, 4: Space.MNI, 5: Space.TEMPLATE}
SAME_DEGREES = 1.0  # quaternions of single precision and rounded cosines are off by less than 0.1


def space_of(header: Any) -> Space:
    """Which coordinates the affine leads to that is taken from a header.

    Parameters
    ----------
    header : nibabel header
        Of NIfTI-1 or -2.

    Returns
    -------
    Space
    """
    return SPACES.get(int(header["sform_code"]) or int(header["qform_code"]), Space.UNKNOWN)


def conflict_of(header: Any, mm: float) -> GeometryConflict | None:
    """How the qform, or where it has no code the sizes of its voxels, differs from the sform.

    Parameters
    ----------
    header : nibabel header
        Of NIfTI-1 or -2.
        Its sform, if it has one, is that of a plausible grid.
    mm : float
        The unit that it counts in, mm.

    Returns
    -------
    GeometryConflict or None
        None where they agree within rounding, or one of them is absent or broken.
    """
    if not header["sform_code"]:
        return None
    sform = header.get_sform()
    try:
        qform = header.get_qform() if header["qform_code"] else _unturned(sform, header.get_zooms())
    except (HeaderDataError, ValueError):  # a quaternion that is none
        return None
    unit = np.diag([mm, mm, mm, 1])
    if not is_plausible(unit @ qform):
        return None
    turn = _directions(qform) @ _directions(sform).T
    mirrored = bool(np.linalg.det(turn) < 0)
    if mirrored:
        turn = np.diag([-1, 1, 1]) @ turn
    degrees = float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    ratio = float(abs(np.linalg.det(qform[:3, :3]) / np.linalg.det(sform[:3, :3])))
    conflict = GeometryConflict(mirrored, degrees, ratio)
    if not mirrored and degrees <= SAME_DEGREES and not conflict.resizes:
        return None
    return conflict


def told(conflict: GeometryConflict) -> str:
    """What differs and which of both is taken, in sentences.

    Parameters
    ----------
    conflict : GeometryConflict

    Returns
    -------
    str
    """
    differences = []
    if conflict.mirrored:
        differences.append("mirrored")
    if conflict.degrees > SAME_DEGREES:
        differences.append(f"turned by {conflict.degrees:.0f} degrees")
    if conflict.resizes:
        differences.append(f"in voxels of {conflict.volume_ratio:.2f} times the volume")
    return (
        "The header states two geometries. Its sform is taken; by the other one the scan would be "
        f"{', '.join(differences)}."
    )


def _unturned(sform: np.ndarray, sides: tuple[float, ...]) -> np.ndarray:
    """The sform with voxels of these sides."""
    other = sform.copy()
    other[:3, :3] *= np.array((*sides, 1, 1, 1)[:3]) / voxel_sizes(sform)
    return other


def _directions(affine: np.ndarray) -> np.ndarray:
    """The directions of the axes, at right angles: the nearest rotation, or rotation and mirror image."""
    left, _, right = np.linalg.svd(affine[:3, :3] / voxel_sizes(affine))
    return left @ right
