"""Set operations on masks in millimeters, by distance transforms so that voxels need not be cubes."""

from typing import Literal

import numpy as np
import scipy

from mriseg.core.checkpoints import checkpoint

# A brain thinner than this is a slab that goes on beyond its outermost slices: it holds no whole outline in depth.
SLAB_MM = 60.0
FAR_MM = 1e4  # farther than any border: the side of voxels across a slab, whose ends are no borders of the brain
PIECE_SHARE = 0.02  # of the largest: tips of the temporal lobes are larger, letters and stray voxels are not
PART_VOXELS = 200_000  # of which distances are computed at a time


def largest_component(mask: np.ndarray) -> np.ndarray:
    """The face-connected piece with the most voxels.

    Parameters
    ----------
    mask : ndarray of bool

    Returns
    -------
    ndarray of bool, same shape
        Empty if the mask is; of pieces as large, the first.

    Examples
    --------
    >>> largest_component(np.array([True, False, True, True])).tolist()
    [False, False, True, True]
    """
    labels, count = scipy.ndimage.label(mask)
    if count <= 1:
        return labels > 0
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def dilate(mask: np.ndarray, radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    """All voxels within `radius` of the mask.

    Parameters
    ----------
    mask : ndarray of bool
    radius : float
        In the unit of `spacing`, usually mm.
    spacing : tuple of float
        Sides of a voxel.

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> dilate(np.array([False, False, False, True, False]), radius=2.5, spacing=(1.2,)).tolist()
    [False, True, True, True, True]
    """
    if not mask.any():  # the distance to nothing is not defined
        return mask
    return _distances(~mask, spacing) <= radius


def erode(mask: np.ndarray, radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    """All voxels of the mask farther than `radius` from its outside; beyond the image counts as outside.

    Parameters
    ----------
    mask : ndarray of bool
    radius : float
        In the unit of `spacing`, usually mm.
    spacing : tuple of float
        Sides of a voxel.

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> erode(np.array([True, True, True, True, False]), radius=1.0, spacing=(1.0,)).tolist()
    [False, True, True, False, False]
    """
    return distance_to_background(mask, spacing) > radius


def distance_to_background(
    mask: np.ndarray, spacing: tuple[float, ...], at_border: Literal["constant", "edge"] = "constant"
) -> np.ndarray:
    """Distance of each voxel of the mask to its outside, in the unit of `spacing`.

    Parameters
    ----------
    mask : ndarray of bool
    spacing : tuple of float
    at_border : {"constant", "edge"}
        Whether beyond the image lies outside ("constant") or the mask goes on as it is ("edge").

    Returns
    -------
    ndarray of float64, same shape
        From the center of a voxel to that of the nearest outside; 0 outside the mask.

    Examples
    --------
    >>> distance_to_background(np.array([False, True, True, True]), (2.0,)).tolist()
    [0.0, 2.0, 4.0, 2.0]
    >>> distance_to_background(np.array([False, True, True, True]), (2.0,), at_border="edge").tolist()
    [0.0, 2.0, 4.0, 6.0]
    """
    padded = np.pad(mask, 1, at_border)
    inner = (slice(1, -1),) * mask.ndim
    return _distances(padded, spacing)[inner]


def _distances(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Distance of each voxel to the nearest outside the mask, to the bit that of `distance_transform_edt`.

    scipy holds the way to the nearest voxel along each axis as integers and as floats and takes 100 bytes for each
    voxel of a volume; a part at a time it is 21.
    """
    checkpoint()
    nearest = scipy.ndimage.distance_transform_edt(mask, spacing, return_distances=False, return_indices=True)
    distances = np.empty(mask.shape)
    step = max(1, PART_VOXELS // mask[0].size)
    for first in range(0, len(mask), step):
        part = slice(first, first + step)
        squares = np.zeros(mask[part].shape)
        for axis, (index, side) in enumerate(zip(nearest[:, part], spacing, strict=True)):
            own = np.arange(index.shape[axis]) + (first if axis == 0 else 0)
            way = (index - own.reshape([-1 if a == axis else 1 for a in range(mask.ndim)])) * float(side)
            squares += way * way
        np.sqrt(squares, out=distances[part])
    return distances


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, ...]:
    """The smallest box around a mask that is not empty, `margin` voxels wider where the image allows.

    Parameters
    ----------
    mask : ndarray of bool
        At least one voxel.
    margin : int
        Voxels.

    Returns
    -------
    tuple of slice
        Along each axis, with both ends given.

    Examples
    --------
    >>> bounding_box(np.array([False, False, True, True, False]), margin=1)
    (slice(1, 5, None),)
    """
    box = []
    for axis, length in enumerate(mask.shape):
        filled = np.flatnonzero(mask.any(tuple(a for a in range(mask.ndim) if a != axis)))
        box.append(slice(max(0, int(filled[0]) - margin), min(length, int(filled[-1]) + 1 + margin)))
    return tuple(box)


def offset_mask(mask: np.ndarray, distance: float, spacing: tuple[float, ...]) -> np.ndarray:
    """The mask with its border moved outwards, or inwards by a negative distance.

    Where the mask ends only because the image does it is not made smaller.

    Parameters
    ----------
    mask : ndarray of bool
    distance : float
        In the unit of `spacing`, usually mm.
    spacing : tuple of float
        Sides of a voxel.

    Returns
    -------
    ndarray of bool, same shape
        The mask itself where nothing is to be moved.

    Examples
    --------
    >>> offset_mask(np.array([True, True, True, False, False]), -1.0, (1.0,)).tolist()
    [True, True, False, False, False]
    """
    if distance == 0 or not mask.any():
        return mask
    margin = 1 + max(0, int(np.ceil(max(distance, 0) / min(spacing))))
    box = bounding_box(mask, margin)
    moved = np.zeros_like(mask)
    if distance > 0:
        moved[box] = dilate(mask[box], distance, spacing)
    else:
        moved[box] = distance_to_background(mask[box], spacing, at_border="edge") > -distance
    return moved


def smooth_mask(
    mask: np.ndarray, *, opening: float, closing: float, spacing: tuple[float, ...], one_piece: bool
) -> np.ndarray:
    """The mask without thin parts, its narrow clefts closed and its holes filled.

    Parameters
    ----------
    mask : ndarray of bool
        Beyond the image counts as outside.
    opening, closing : float
        Parts narrower than twice the opening go, clefts narrower than twice the closing fill, in the unit of `spacing`.
    spacing : tuple of float
        Sides of a voxel.
    one_piece : bool
        Whether only the largest piece is left after opening.

    Returns
    -------
    ndarray of bool, same shape
    """
    margin = [int(np.ceil((opening + closing) / side)) + 1 for side in spacing]
    padded = np.pad(mask, [(m, m) for m in margin])
    core = erode(padded, opening, spacing)
    if one_piece:
        core = largest_component(core)
    opened = dilate(core, opening, spacing) & padded
    closed = erode(dilate(opened, closing, spacing), closing, spacing)
    return scipy.ndimage.binary_fill_holes(closed)[tuple(slice(m, -m) for m in margin)]


def large_pieces(mask: np.ndarray) -> np.ndarray:
    """The face-connected pieces that are not far smaller than the largest.

    Parameters
    ----------
    mask : ndarray of bool

    Returns
    -------
    ndarray of bool, same shape
        Pieces of at least `PIECE_SHARE` of the voxels of the largest; empty if the mask is.
    """
    labels, count = scipy.ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= max(1, PIECE_SHARE * sizes.max()))[labels]
