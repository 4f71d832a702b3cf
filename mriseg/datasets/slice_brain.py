"""The brain of a simulated slice: the average brain's shares of tissue, bent and folded into those of one person.

An average of many brains holds the great sulci, the ventricles and the deep nuclei where everybody has them, blurred by
what differs. Bending it takes its symmetry, sharpening its shares makes borders of its slopes, and sulci that only this
brain has fold the cortex where those of the many have cancelled each other.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import scipy

from mriseg.datasets.phantom import smooth_noise
from mriseg.image.morphology import distance_to_background
from mriseg.registration.atlas import BRAIN_LEVEL, template

FULL_SHARE = 255  # in the maps of the average
REACH_MIDDLE, REACH_MM = -18.0, (78.0, 96.0)  # the ellipse of MNI space that no brain leaves, mm
WARP = ((3.0, 50.0), (1.3, 16.0), (0.5, 6.0))  # mm of displacement, and over how many mm it changes
TILT = (0.03, -0.06)  # mm of height a mm to the right, and to the front: nobody lies quite straight
OUTLINE_MM = 1.0  # the average's outline has steps of a voxel
# The nuclei, within about an ellipse of MNI space: their shares are mixed in truth, and there are no folds.
NUCLEI_CENTER, NUCLEI_MM, NUCLEI_GRAY = -8.0, (34.0, 40.0), 0.45
# Shares to such a power, times (1 + what the share of another tissue must exceed): slopes of 4 mm become borders.
SHARPENED_NUCLEI, SHARPENED_CORTEX = 2.0, 1.3
LEAST_SHARE = {"GM": 0.03, "WM": 0.03, "CSF": 0.012}
FLUID_FAVORED = 0.15  # thin sheets of fluid were blurred most
ROUGHNESS = 0.22  # of the borders between gray and white matter, in logarithms of shares
RIDGE_MM, RIDGE_GAIN = 3.0, 7.0  # fluid that exceeds its surroundings of such a width is a sulcus
# Sulci of its own: how far apart, how deep, how far they lean (mm of arc a mm of depth), and how thick what they hold.
OWN_APART_MM, OWN_DEEP_MM, OWN_LEAN = (11.0, 17.0), (9.0, 24.0), 0.45
OWN_CORTEX_MM, OWN_FLUID_MM = 2.4, 0.55
FAR_MM = 100.0  # from any
OWN_FROM_MM, OWN_TO_MM = 67.0, 204.0  # of arc from the middle of the forehead: the great sulci in front are sharp


@dataclass(frozen=True)
class SlicePlane:
    """A fine grid in the plane of a slice, and the chance that shapes what lies in it.

    Attributes
    ----------
    x, y : ndarray of float32
        Positions to the right and to the front, mm.
    height : float
        MNI height of its middle, mm.
    rng : numpy.random.Generator
    """

    x: np.ndarray
    y: np.ndarray
    height: float
    rng: np.random.Generator

    @property
    def spacing(self) -> float:
        """Side of a grid cell, mm."""
        return float(self.x[1] - self.x[0])

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions of all points, each of shape (x, y)."""
        x, y = np.meshgrid(self.x, self.y, indexing="ij")
        return x, y

    def noise(self, scale_mm: float) -> np.ndarray:
        """A random field of standard deviation 0.5 about 0, smooth over so many mm."""
        return smooth_noise([self.x, self.y], scale_mm, self.rng)

    def depth(self, mask: np.ndarray) -> np.ndarray:
        """Distance to what is not in a mask, mm."""
        return distance_to_background(mask, (self.spacing,) * 2, at_border="edge").astype(np.float32)

    def blurred(self, image: np.ndarray, sd_mm: float) -> np.ndarray:
        return scipy.ndimage.gaussian_filter(np.asarray(image, np.float32), sd_mm / self.spacing)


@dataclass(frozen=True, eq=False)
class Brain:
    """What lies within the surface of a brain.

    Attributes
    ----------
    gray, white, fluid : ndarray of float32, shape (x, y)
        Shares, which sum to 1 in the brain.
    mask : ndarray of bool
    depth : ndarray of float32
        Below the surface, mm.
    across, along : ndarray of float32
        MNI positions, mm: to the right and to the front.
    """

    gray: np.ndarray
    white: np.ndarray
    fluid: np.ndarray
    mask: np.ndarray
    depth: np.ndarray
    across: np.ndarray
    along: np.ndarray


def make_brain(plane: SlicePlane) -> Brain:
    """Make the brain of one person.

    Parameters
    ----------
    plane : SlicePlane

    Returns
    -------
    Brain

    Raises
    ------
    MrisegError
        If the installed nilearn does not hold the average brain.
    """
    at = _warped(plane)
    gray, white = (np.clip(share / FULL_SHARE, 0, 1) for share in (_average("gm", at, 3), _average("wm", at, 3)))
    mask = plane.blurred(_average("t1", at, 1) > BRAIN_LEVEL, OUTLINE_MM) > 0.5
    gray, white = gray * mask, white * mask
    fluid = np.clip(1 - gray - white, 0, 1) * mask
    across, along, _ = at
    nuclei = np.exp(-((across / NUCLEI_MM[0]) ** 4 + ((along - NUCLEI_CENTER) / NUCLEI_MM[1]) ** 4))
    folded = 1 - nuclei
    depth = plane.depth(mask)
    cortex, sulci = _own_sulci(plane, across, along, depth=depth)
    ridge = np.clip(fluid - plane.blurred(fluid, RIDGE_MM), 0, None)
    width = RIDGE_GAIN * (0.75 + 0.35 * plane.noise(12.0))
    odds = np.stack(
        [
            np.log(gray + LEAST_SHARE["GM"] + 0.9 * cortex * folded)
            + ROUGHNESS * plane.noise(7.0) * folded
            + NUCLEI_GRAY * nuclei,
            np.log(white * (1 - 0.85 * cortex * folded) + LEAST_SHARE["WM"]) + ROUGHNESS * plane.noise(3.2) * folded,
            np.log(fluid + (width * ridge + 0.9 * sulci) * folded + LEAST_SHARE["CSF"]) + FLUID_FAVORED,
        ]
    )
    shares = scipy.special.softmax(odds * (SHARPENED_NUCLEI + SHARPENED_CORTEX * folded), axis=0) * mask
    gray, white, fluid = shares.astype(np.float32)
    return Brain(gray, white, fluid, mask=mask, depth=depth, across=across, along=along)


def _warped(plane: SlicePlane) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where in MNI space each point of the plane lies, mm."""
    x, y = plane.grid
    shifts = [sum(mm * plane.noise(scale) for mm, scale in WARP) for _ in range(3)]
    straight = (x, y, plane.height + TILT[0] * x + TILT[1] * y)
    across, along, height = (p + shift for p, shift in zip(straight, shifts, strict=True))
    return across, along, height


def _average(kind: Literal["t1", "gm", "wm"], at: tuple[np.ndarray, ...], order: int) -> np.ndarray:
    """A map of the average brain at MNI positions; only the slab that holds them is unpacked."""
    image = template(kind)
    origin = image.affine[:3, 3]
    low = int(at[2].min() - origin[2]) - order
    slab = np.asarray(image.dataobj[:, :, low : int(at[2].max() - origin[2]) + order + 2], np.float32)
    near = (at[0] / REACH_MM[0]) ** 2 + ((at[1] - REACH_MIDDLE) / REACH_MM[1]) ** 2 < 1
    index = [p[near] - np.float32(o) for p, o in zip(at, (*origin[:2], origin[2] + low), strict=True)]
    values = np.zeros(near.shape, np.float32)
    # Without its filter a spline smooths by half a voxel, which sharpening takes back; the filter costs more than all.
    values[near] = scipy.ndimage.map_coordinates(slab, index, np.float32, order=order, mode="nearest", prefilter=False)
    return values


def _own_sulci(
    plane: SlicePlane, across: np.ndarray, along: np.ndarray, *, depth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gray matter and fluid, 0 to 1, of sulci that run from the surface into the brain at places of their own."""
    arc = 72 * np.arctan2(across / 62, (along + 18) / 84)  # mm, about, from the middle of the forehead
    arc += 2.0 * plane.noise(14.0) + plane.noise(6.0)
    starts = plane.rng.uniform(*OWN_APART_MM, size=60).cumsum() - 226
    starts = starts[starts < 226]
    lean = plane.rng.uniform(-OWN_LEAN, OWN_LEAN, len(starts)).astype(np.float32)
    deep = plane.rng.uniform(*OWN_DEEP_MM, size=len(starts)).astype(np.float32)
    inside = depth > 0  # elsewhere there is nothing to fold
    arc_inside, depth_inside = arc[inside], depth[inside]
    nearest, end_of_nearest = np.full(depth_inside.shape, np.inf, np.float32), np.zeros_like(depth_inside)
    for start, slope, end in zip(starts, lean, deep, strict=True):
        gap = np.abs(arc_inside - np.float32(start) - slope * depth_inside)
        nearer = gap < nearest
        nearest[nearer], end_of_nearest[nearer] = gap[nearer], end
    beside, ends = np.full(depth.shape, FAR_MM, np.float32), np.zeros_like(depth)
    beside[inside], ends[inside] = nearest, end_of_nearest
    where = ramp(OWN_FROM_MM - 8, OWN_FROM_MM + 8, np.abs(arc)) * ramp(OWN_TO_MM + 8, OWN_TO_MM - 8, np.abs(arc))
    where *= ramp(28.0, 20.0, depth) * ramp(0.0, 3.0, ends - depth + 1.5 * plane.noise(8.0))
    thick = np.clip(OWN_FLUID_MM + 0.25 * plane.noise(9.0), 0.2, None)
    gray = where * np.exp(-((beside / OWN_CORTEX_MM) ** 4))
    return gray, where * np.exp(-((beside / thick) ** 2)) * ramp(0.0, 2.0, ends - 1.5 - depth)


def ramp(zero: float, one: float, at: np.ndarray) -> np.ndarray:
    """A smooth step from 0 to 1.

    Parameters
    ----------
    zero, one : float
        Where it is 0 and 1; it may fall.
    at : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> ramp(10.0, 0.0, np.array([-3.0, 5.0, 12.0])).tolist()
    [1.0, 0.5, 0.0]
    """
    t = np.clip((at - zero) / (one - zero), 0, 1)
    return t * t * (3 - 2 * t)
