"""Set operations on masks in millimeters, by distance transforms so that voxels need not be cubes."""

from typing import Literal

import numpy as np
import scipy

# A slab thinner than this holds no whole outline of a brain in depth: its slices are searched one by one.
SLAB_MM = 60.0
PIECE_SHARE = 0.02  # of the largest: tips of the temporal lobes are larger, letters and stray voxels are not


FAR_MM = 1e4  # farther than any border


def largest_component(mask: np.ndarray) -> np.ndarray:
    """The face-connected piece with the most voxels; empty if the mask is."""
    labels, count = scipy.ndimage.label(mask)
    if count <= 1:
        return labels > 0
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def dilate(mask: np.ndarray, radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    """All voxels within `radius` of the mask, in the unit of `spacing`."""
    if not mask.any():  # the distance to nothing is not defined
        return mask
    return scipy.ndimage.distance_transform_edt(~mask, sampling=spacing) <= radius


def erode(mask: np.ndarray, radius: float, spacing: tuple[float, ...]) -> np.ndarray:
    """All voxels of the mask farther than `radius` from its outside; beyond the image counts as outside."""
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
    """
    padded = np.pad(mask, 1, at_border)
    inner = (slice(1, -1),) * mask.ndim
    return scipy.ndimage.distance_transform_edt(padded, sampling=spacing)[inner]


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, ...]:
    """The smallest box around a mask that is not empty, `margin` voxels wider where the image allows."""
    box = []
    for axis, length in enumerate(mask.shape):
        filled = np.flatnonzero(mask.any(tuple(a for a in range(mask.ndim) if a != axis)))
        box.append(slice(max(0, int(filled[0]) - margin), min(length, int(filled[-1]) + 1 + margin)))
    return tuple(box)


def offset_mask(mask: np.ndarray, distance: float, spacing: tuple[float, ...]) -> np.ndarray:
    """The mask with its border moved outwards by `distance`, inwards if negative, in the unit of `spacing`.

    Where the mask ends only because the image does it is not made smaller.
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


def large_pieces(mask: np.ndarray) -> np.ndarray:
    labels, count = scipy.ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return (sizes >= max(1, PIECE_SHARE * sizes.max()))[labels]
