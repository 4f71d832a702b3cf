"""Whether a piece of the brain was cut away, as by the removal of the face: filling where the brain goes deep.

What removes a face writes one value over it, and so does what strips a skull. Where the average brain, as it was laid
over a scan, is deep, there is no background, unless brain was taken away with the face.
"""

from dataclasses import dataclass

import numpy as np

from mriseg.image.morphology import dilate, distance_to_background
from mriseg.image.resampling import Grid, coarse_steps
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import CENTER, atlas

MM3_PER_ML = 1000
SAMPLED_MM = 3.0  # every voxel at about this distance is looked at
DEEP_MM = 8.0  # below the average brain's surface: shrunken and tightly stripped brains end less deep below it
CLEAR_MM = 4.5  # from what is left: sulci and cisterns that a mask left out are narrower than twice this


@dataclass(frozen=True)
class CutAway:
    """A piece of the brain that a scan holds no more.

    Attributes
    ----------
    volume_ml : float
        Of the average brain, as it was laid over the scan, that lies in it: less than is missing where that was laid
        over what is left.
    axis : int
        Canonical axis along which the piece lies farthest from the middle of the brain.
    forward : bool
        Whether it lies towards the end of that axis: at the right, the front or the top.
    """

    volume_ml: float
    axis: int
    forward: bool


def find_cut_away(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, registration: Registration
) -> CutAway | None:
    """Find what was cut away from the brain and filled with one value.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        The brain.
    registration : Registration
        Where the average brain lies.

    Returns
    -------
    CutAway or None
        None if no brain is missing where the average brain is deep.
    """
    steps = coarse_steps(data.shape, spacing, SAMPLED_MM)
    every = tuple(slice(None, None, step) for step in steps)
    sides = tuple(step * side for step, side in zip(steps, spacing, strict=True))
    image, outside = data[every], ~mask[every]
    scale = np.float32(np.cbrt(np.linalg.det(registration.affine[:3, :3])))
    depth = registration.warp(atlas().depth, atlas(), Grid(image.shape, sides, np.zeros(3))) * scale
    deep = outside & (depth > DEEP_MM)
    if not deep.any():
        return None
    levels, counts = np.unique(image[deep], return_counts=True)
    filled = outside & (image == levels[counts.argmax()])
    core = filled & deep & (distance_to_background(filled, sides, at_border="edge") > CLEAR_MM)
    # The piece reaches from its deep core to the surface and to what is left.
    piece = dilate(core, DEEP_MM + CLEAR_MM, sides) & filled & (depth > 0)
    if not piece.any():
        return None
    middle = registration.affine[:3, :3] @ CENTER + registration.affine[:3, 3]
    away = np.argwhere(piece).mean(0) * sides - middle
    axis = int(np.abs(away).argmax())
    return CutAway(float(piece.sum() * np.prod(sides)) / MM3_PER_ML, axis, forward=bool(away[axis] > 0))
