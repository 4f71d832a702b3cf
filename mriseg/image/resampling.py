"""Coarser and finer grids for steps that need no more than two millimeters; results return to the scan's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from mriseg.core.limits import MAX_COARSE_VOXELS

COARSER = 1.1  # by so much the side of a block grows until there are few enough
PART_VOXELS = 500_000
TINY = 1e-12  # a volume of zeros has its center in the middle


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a part of a scan lie.

    Attributes
    ----------
    shape : tuple of int
        Voxels along each axis.
    spacing : tuple of float
        Voxel sides, mm.
    first_voxel_mm : ndarray of shape (3,)
        Position of its first voxel's center, mm along the scan's canonical axes from the center of the scan's first.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    first_voxel_mm: np.ndarray


def center(data: np.ndarray) -> tuple[int, ...]:
    """The voxel in the middle of what is bright. Air hardly moves it, however much of it lies around a head.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)

    Returns
    -------
    tuple of int
    """
    rays = [np.einsum(f"ijk,ijk->{axis}", data, data, dtype=np.float64) for axis in "ijk"]
    return tuple(round(float(np.average(np.arange(len(ray)), weights=ray + TINY))) for ray in rays)


def coarse_steps(
    shape: tuple[int, ...], spacing: tuple[float, ...], side: float, most: int = MAX_COARSE_VOXELS
) -> tuple[int, ...]:
    """How many voxels along each axis make one of a coarser grid: as many as a side says, and more where many remain.

    Parameters
    ----------
    shape : tuple of int
    spacing : tuple of float
        Voxel sides, mm.
    side : float
        Wanted side of a coarser voxel, mm.
    most : int
        Coarser voxels that may remain. A side alone bounds nothing: voxels of 3 mm would all remain.

    Returns
    -------
    tuple of int
        At least 1, at most the length of the axis.

    Examples
    --------
    >>> coarse_steps((256, 256, 40), (1.0, 1.0, 4.0), 3.0)
    (3, 3, 1)
    >>> coarse_steps((256, 256, 40), (1.0, 1.0, 4.0), 3.0, most=50_000)
    (6, 6, 2)
    """
    while True:
        steps = tuple(min(n, max(1, round(side / s))) for n, s in zip(shape, spacing, strict=True))
        if prod(n // step for n, step in zip(shape, steps, strict=True)) <= most:
            return steps
        side *= COARSER


def parts(shape: tuple[int, ...]) -> Iterator[slice]:
    """Along the first axis of a grid, parts to work on one after the other where the whole would take much memory.

    Parameters
    ----------
    shape : tuple of int

    Yields
    ------
    slice
        With both ends given.

    Examples
    --------
    >>> list(parts((5, 500, 500)))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, PART_VOXELS // max(1, prod(shape[1:])))
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))


def every_nth(mask: np.ndarray, step: int) -> np.ndarray:
    """Every so many-th voxel of a mask, beginning with the first; `flatnonzero` would take 8 bytes for each.

    Parameters
    ----------
    mask : ndarray of bool
    step : int

    Returns
    -------
    ndarray of int
        Indices into the flattened mask.

    Examples
    --------
    >>> every_nth(np.array([[True, False, True], [True, True, True]]), 2).tolist()
    [0, 3, 5]
    """
    chosen, passed = [], 0
    for part in parts(mask.shape):
        inside = np.flatnonzero(mask[part])
        chosen.append(inside[-passed % step :: step] + part.start * prod(mask.shape[1:]))
        passed += len(inside)
    return np.concatenate(chosen)


def block_mean(
    data: np.ndarray, spacing: tuple[float, ...], side: float, anchor: tuple[int, ...] = (0, 0, 0)
) -> tuple[np.ndarray, tuple[float, ...], np.ndarray]:
    """Average blocks of voxels; axes that are already coarse stay as they are.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)
    spacing : tuple of float
        Voxel sides, mm.
    side : float
        Wanted side of a block, mm; blocks are larger where there would be more than `MAX_COARSE_VOXELS` of them.
    anchor : tuple of int
        A voxel that begins a block. Fixed to the head, it keeps the blocks as they are when air is cropped away.

    Returns
    -------
    means : ndarray of float32
        What does not fill a block at the ends is left out.
    sides : tuple of float
        Of the blocks, mm.
    first : ndarray of shape (3,)
        Center of the first block, mm from the center of the first voxel.
    """
    steps = coarse_steps(data.shape, spacing, side)
    begins = [a % step if n > step else 0 for a, n, step in zip(anchor, data.shape, steps, strict=True)]
    data = data[tuple(slice(begin, None) for begin in begins)]
    ends = [n // step * step for n, step in zip(data.shape, steps, strict=True)]
    sums = np.zeros([end // step for end, step in zip(ends, steps, strict=True)], np.float32)
    for offset in product(*(range(step) for step in steps)):  # far faster than a mean over a reshaped array
        sums += data[tuple(slice(o, end, step) for o, end, step in zip(offset, ends, steps, strict=True))]
    sides = tuple(s * step for s, step in zip(spacing, steps, strict=True))
    return sums / np.float32(np.prod(steps)), sides, np.array(begins) * spacing + (np.array(sides) - spacing) / 2


def interpolate_separable(values: np.ndarray, positions: list[np.ndarray]) -> np.ndarray:
    """Interpolate linearly at the crossings of positions along each axis.

    Parameters
    ----------
    values : ndarray of float32, shape (i, j, k)
    positions : list of ndarray
        Along each axis, in voxels of `values`; beyond the ends the outermost value holds.

    Returns
    -------
    ndarray of float32, shape (len(positions[0]), len(positions[1]), ...)

    Examples
    --------
    >>> ramp = np.array([0, 10, 20], np.float32).reshape(3, 1, 1)
    >>> interpolate_separable(ramp, [np.array([-1, 0.5, 1.75]), np.zeros(1), np.zeros(1)]).ravel().tolist()
    [0.0, 5.0, 17.5]
    """
    for axis, position in enumerate(positions):
        last = values.shape[axis] - 1
        at = np.clip(position, 0, last)
        low = np.minimum(at.astype(int), max(last - 1, 0))
        weight = (at - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        high = np.minimum(low + 1, last)
        values = np.take(values, low, axis) * (1 - weight) + np.take(values, high, axis) * weight
    return values
