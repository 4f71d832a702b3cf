"""The brain in a volume of a whole head, by thresholds and distances in millimetres.

First form: everything bright enough in an ellipsoid below the top of the head, eroded until brain and scalp come
apart, the piece at the centre grown back and closed over its sulci.
"""

from itertools import product

import numpy as np
import scipy
import skimage

from mriseg.errors import BrainNotFoundError
from mriseg.morphology import bounding_box, depth, dilate, erode, largest_component

NO_HEAD = "No head was found in this volume. Drop a scan of a whole head or of a brain."

WORKING_MM = 2.0  # voxels are averaged to about this side; thicker ones stay
# Where an adult or child brain can be, in mm: centre below the top of the head, half axes to the sides, front
# and back, up and down, with a margin of a centimetre.
CENTRE_BELOW_TOP = 80.0
HALF_AXES = (82.0, 103.0, 80.0)
CENTRED_FROM, CENTRED_TO = 40.0, 110.0  # below the top: the part of the head that has the brain's centroid
LEAST_SECTION_MM2 = 1500.0  # a head's cross-section; less is hair, a headphone or noise
HEAD_CLOSING = 8.0  # mm, over nostrils and ear canals
SCALP = 4.0  # mm under the head's surface that are never brain
TISSUE = 0.5  # of the median at the centre: bone, air and, on T1, fluid are darker
EROSIONS = (2.1, 3.0, 4.1, 5.0, 6.0, 7.0, 8.0)  # mm: what may connect brain and scalp is thinner than twice that
USUAL_ML = 1350.0  # of an adult's brain, without the fluid that is filled in later
CLOSING, CLOSING_BACK = 9.0, 8.0  # mm: sulci are closed, and a millimetre of fluid around them is kept


def find_brain_in_volume(data: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Mask the brain of a whole head.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel in mm.

    Returns
    -------
    ndarray of bool, same shape

    Raises
    ------
    BrainNotFoundError
        If there is no head, or nothing in it that can be a brain.
    """
    steps = tuple(max(1, int(round(WORKING_MM / s))) for s in spacing)
    image = _block_means(data, steps)
    sides = tuple(s * n for s, n in zip(spacing, steps, strict=True))
    low = np.percentile(image, 1)
    image = np.minimum(image, np.percentile(image[image > low], 99)) - low if (image > low).any() else image - low
    if not image.max() > 0:
        raise BrainNotFoundError("The volume is of one gray. Choose the scan itself.")
    level = skimage.filters.threshold_otsu(image)
    head = _head(image > 0.5 * level, sides)
    radius = _ellipsoid_radius(head, sides)
    centre = image[(radius < 0.5) & (image > 0.5 * level)]
    if not centre.size:
        raise BrainNotFoundError(NO_HEAD)
    under_scalp = depth(head, sides, at_border="edge")  # where the field of view ends, the head does not
    box = bounding_box(radius <= 1)
    tissue = (image > TISSUE * np.median(centre)) & (radius <= 1) & (under_scalp > SCALP)
    piece = _separated(tissue[box], radius[box], under_scalp[box], sides)
    margin = [int(np.ceil(CLOSING / side)) + 1 for side in sides]
    padded = np.pad(piece, [(m, m) for m in margin])
    closed = erode(dilate(padded, CLOSING, sides), CLOSING_BACK, sides)
    brain = np.zeros(image.shape, bool)
    brain[box] = scipy.ndimage.binary_fill_holes(closed)[tuple(slice(m, -m) for m in margin)]
    return _block_fill(brain, steps, data.shape)


def _block_means(data: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """Means over blocks of `steps` voxels; what does not fill a block at the far ends is left out."""
    ends = [n // step * step for n, step in zip(data.shape, steps, strict=True)]
    sums = np.zeros([end // step for end, step in zip(ends, steps, strict=True)], np.float32)
    for offset in product(*(range(step) for step in steps)):  # far faster than a mean over a reshaped array
        sums += data[tuple(slice(o, end, step) for o, end, step in zip(offset, ends, steps, strict=True))]
    return sums / np.float32(np.prod(steps))


def _block_fill(mask: np.ndarray, steps: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The mask on the fine grid, its steps smoothed away by linear interpolation."""
    fine = scipy.ndimage.zoom(mask.astype(np.float32), steps, order=1, mode="nearest", grid_mode=True) > 0.5
    return np.pad(fine, [(0, n - m) for n, m in zip(shape, fine.shape, strict=True)])


def _head(foreground: np.ndarray, sides: tuple[float, ...]) -> np.ndarray:
    """The head with everything in it: what is not air, closed, filled in space and slice by slice."""
    margin = [int(np.ceil(HEAD_CLOSING / side)) + 1 for side in sides]
    closed = dilate(np.pad(foreground, [(m, m) for m in margin]), HEAD_CLOSING, sides)
    closed = largest_component(erode(closed, HEAD_CLOSING, sides))
    head = closed[tuple(slice(m, -m) for m in margin)]
    for axis in range(3):
        for index in range(head.shape[axis]):
            at = (slice(None),) * axis + (index,)
            head[at] = scipy.ndimage.binary_fill_holes(head[at])
    return head


def _ellipsoid_radius(head: np.ndarray, sides: tuple[float, ...]) -> np.ndarray:
    """Distance from the likely centre of the brain, 1 on the ellipsoid that a brain can fill."""
    section = head.sum((0, 1)) * sides[0] * sides[1]
    large = np.flatnonzero(section > LEAST_SECTION_MM2)
    if not large.size:
        raise BrainNotFoundError(NO_HEAD)
    top = large[-1]
    below = (top - np.arange(head.shape[2])) * sides[2]
    upper = (below >= CENTRED_FROM) & (below <= CENTRED_TO)
    if not head[:, :, upper].any():
        upper = below >= 0
    centre = [*scipy.ndimage.center_of_mass(head[:, :, upper])[:2], top - CENTRE_BELOW_TOP / sides[2]]
    grid = np.indices(head.shape, sparse=True)
    parts = [((g - c) * s / h) ** 2 for g, c, s, h in zip(grid, centre, sides, HALF_AXES, strict=True)]
    return np.sqrt(parts[0] + parts[1] + parts[2]).astype(np.float32)


def _separated(
    tissue: np.ndarray, radius: np.ndarray, under_scalp: np.ndarray, sides: tuple[float, ...]
) -> np.ndarray:
    """The piece of tissue at the centre, cut off from the rest by the mildest erosion that does it well."""
    inside = depth(tissue, sides)
    best, least = None, np.inf
    for erosion in EROSIONS:
        labels, count = scipy.ndimage.label(inside > erosion)
        if not count:
            break
        weight = np.bincount(labels.ravel(), np.maximum(1 - radius**2, 0).ravel())
        weight[0] = 0
        piece = dilate(labels == weight.argmax(), erosion + 0.5, sides) & tissue
        voxels = piece.sum()
        in_scalp = (piece & (under_scalp < SCALP + 3)).sum() / voxels
        at_limit = (piece & (radius > 0.95)).sum() / voxels
        size = abs(np.log(voxels * np.prod(sides) / 1000 / USUAL_ML))
        badness = 10 * in_scalp + 4 * at_limit + 0.6 * size + 0.04 * erosion
        if badness < least:
            best, least = piece, badness
    if best is None:
        raise BrainNotFoundError(NO_HEAD)
    return best
