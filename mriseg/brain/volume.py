"""The brain in a volume of a whole head: the atlas laid over the scan, then the border moved by the scan itself.

The affine atlas gives each voxel a signed distance to a likely border. The scan says how far the brain and its fluid
really reach, and gives each voxel a log-likelihood ratio: do its intensities occur in the brain, or in the bone and
scalp around? The border is where the two together say nothing. See `mriseg.brain.skull`.
"""

import numpy as np
import scipy
import skimage

from mriseg.brain.confidence import AGREEMENT, AGREEMENT_STRIPPED
from mriseg.brain.head import head_in_volume
from mriseg.brain.loose_rim import dark_rim
from mriseg.brain.shading import estimate_shading
from mriseg.brain.skull import LAYERS_MM, LEVELS, log_odds
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.remedies import TAKE_AS_IT_IS
from mriseg.image.morphology import bounding_box, dilate, distance_to_background, smooth_mask
from mriseg.image.resampling import Grid, block_mean, center, interpolate_separable
from mriseg.registration.affine import WORKING_MM, Registration
from mriseg.registration.atlas import atlas
from mriseg.registration.orientations import register_any_orientation

LEAST_AGREEMENT = 0.1  # nats, of atlas and scan; noise and other organs have less
STRIPPED_MARGIN, STRIPPED_SHELL = 15.0, 14.0  # mm of air put around a stripped brain, and of it taken for head
BORDER_MM = 2.0  # voxels are averaged to about this side where the border is moved
BRIGHTEST = 98.5  # percentile of the head at which intensities are cut off: fat and vessels
# The atlas's surface lies on the cortex; the mask is to reach the inner skull.
OUTWARD = 3.5  # mm
SPREAD = 1.5  # mm between the inner skull and where the atlas puts it
BLUR_MM = 1.0  # of the evidence
FARTHEST = 14.0  # mm that the border may move: fluid over a shrunken brain
SURELY_INSIDE = 2.0  # mm below the atlas's own surface, where the shading is measured
OPENING, CLOSING = 3.0, 4.0  # mm: optic nerves and vessels are cut, the mouths of sulci closed


def find_brain_in_volume(data: np.ndarray, spacing: tuple[float, ...]) -> tuple[np.ndarray, Registration]:
    """Mask the brain of a whole head.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel in mm.

    Returns
    -------
    mask : ndarray of bool, shape of `data`
    registration : Registration
        Where the atlas lies.

    Raises
    ------
    BrainNotFoundError
        If there is no head.
    """
    anchor = center(data)
    image, sides, first = block_mean(data, spacing, WORKING_MM, anchor)
    low = np.percentile(image, 1)
    bright = image[image > low + 0.05 * (image.max() - low)]
    if not bright.size:
        raise BrainNotFoundError("The volume is of one gray. Choose the scan itself.")
    image = np.clip((image - low) / (np.percentile(bright, BRIGHTEST) - low), 0, 1)
    head = head_in_volume(image > 0.5 * skimage.filters.threshold_otsu(image), sides)
    registration = register_any_orientation(image, head, sides, atlas(), good_agreement=AGREEMENT[1])
    if registration.agreement < LEAST_AGREEMENT:
        raise BrainNotFoundError(
            "The average brain does not fit this volume anywhere "
            f"(agreement {registration.agreement:.2f}, heads have 0.3 and more). "
            "Drop a scan of a head; if it shows a brain without skull, say that it is skull-stripped.",
            TAKE_AS_IT_IS,
        )
    registration = registration.from_first_voxel(first)
    return _moved_border(data, spacing, anchor, registration), registration


def register_stripped(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray) -> Registration | None:
    """Lay the atlas over a volume that came without skull; None if there is too little in it.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        The brain, not empty.

    Returns
    -------
    Registration or None
    """
    box = bounding_box(mask)
    if min((part.stop - part.start) * side for part, side in zip(box, spacing, strict=True)) < WORKING_MM:
        return None
    inside = mask[box].astype(np.float32)
    anchor = center(inside)
    image, sides, first = block_mean(data[box] * inside, spacing, WORKING_MM, anchor)
    brain = block_mean(inside, spacing, WORKING_MM, anchor)[0] > 0.5
    del inside  # as large as the scan, and the registration is the costliest step
    first = first + [part.start * side for part, side in zip(box, spacing, strict=True)]
    margins = [int(np.ceil(STRIPPED_MARGIN / side)) for side in sides]
    image, brain = (np.pad(array, [(m, m) for m in margins]) for array in (image, brain))
    if not brain.any():
        return None
    low, high = np.percentile(image[brain], [0.5, BRIGHTEST])
    image = np.where(brain, np.clip((image - low) / max(high - low, 1e-9), 0, 1), 0).astype(np.float32)
    try:
        head = dilate(brain, STRIPPED_SHELL, sides)
        registration = register_any_orientation(image, head, sides, atlas(), good_agreement=AGREEMENT_STRIPPED[1])
    except BrainNotFoundError:
        return None
    return registration.from_first_voxel(first - np.array(margins) * sides)


def tighten(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, registration: Registration) -> np.ndarray:
    """The mask of a loosely stripped brain without the bone at its rim: its border is found as in a whole head.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        All that is no background, not empty.
    registration : Registration
        Where the atlas lies, as from `register_stripped`.

    Returns
    -------
    ndarray of bool, same shape
        A part of the mask.

    Raises
    ------
    BrainNotFoundError
        If nothing is left.
    """
    head = np.where(mask, data, data[mask].min())
    mask = mask & _moved_border(head, spacing, center(head), registration)
    return mask & ~dark_rim(data, spacing, mask)


def _moved_border(
    data: np.ndarray, spacing: tuple[float, ...], anchor: tuple[int, ...], registration: Registration
) -> np.ndarray:
    """The mask: the atlas's border, moved to where it and the intensities together say nothing."""
    average = atlas()
    image, sides, first = block_mean(data, spacing, BORDER_MM, anchor)
    scale = np.float32(np.cbrt(np.linalg.det(registration.affine[:3, :3])))
    depth = registration.warp(average.depth, average, Grid(image.shape, sides, first)) * scale + np.float32(OUTWARD)
    box = bounding_box(depth > LAYERS_MM[0])
    image, depth = image[box].copy(), depth[box].copy()  # of a large field of view the rest is let go
    origin = first + [part.start * side for part, side in zip(box, sides, strict=True)]
    fluid = registration.warp(average.fluid, average, Grid(image.shape, sides, origin)) > 0.5
    gray, white = (
        registration.warp(tissue, average, Grid(image.shape, sides, origin)) for tissue in (average.gray, average.white)
    )
    shading = estimate_shading(image, sides, inside=depth > OUTWARD + SURELY_INSIDE, gray=gray, white=white)
    # As far as the scan as it is or without its shading says: shade hides cortex among bone, and where fluid is as dark
    # as bone, taking shade away makes them one. What either is sure of is brain.
    odds = np.maximum(*(_brain_odds(evened, sides, depth, fluid) for evened in (image, image / shading)))
    border = _border(odds, depth, sides)
    mask = np.zeros(data.shape, bool)
    target, positions = [], []
    for axis, length in enumerate(data.shape):
        at = (np.arange(length) * spacing[axis] - origin[axis]) / sides[axis]
        within = np.flatnonzero((at > -1) & (at < border.shape[axis]))
        target.append(slice(within[0], within[-1] + 1))
        positions.append(at[within])
    mask[tuple(target)] = interpolate_separable(border, positions) > 0
    return mask


def _brain_odds(image: np.ndarray, sides: tuple[float, ...], depth: np.ndarray, fluid: np.ndarray) -> np.ndarray:
    """Log odds that each voxel is brain, by intensities about it and by where the border is expected.

    Parameters
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities.
    sides : tuple of float
        Of a voxel, mm.
    depth : ndarray of float32, same shape
        Signed distance to where the border is expected, mm.
    fluid : ndarray of bool, same shape
        Where the average brain is mostly fluid.
    """
    top = np.percentile(image[depth > 0], 99.5)
    bottom = image.min()
    level = np.clip((image - bottom) * np.float32(LEVELS / max(top - bottom, 1e-6)), 0, LEVELS - 1).astype(np.int8)
    by_intensity, by_depth = log_odds(level, depth, fluid, SPREAD)
    evidence: np.ndarray = scipy.ndimage.gaussian_filter(by_intensity, [BLUR_MM / side for side in sides])
    return evidence + by_depth


def _border(odds: np.ndarray, depth: np.ndarray, sides: tuple[float, ...]) -> np.ndarray:
    """Signed distance to where the odds are even, mm, positive inside, float32; one piece without nerves."""
    brain = (odds > 0) & (depth > -FARTHEST) | (depth > FARTHEST)
    brain = smooth_mask(brain, opening=OPENING, closing=CLOSING, spacing=sides, one_piece=True)
    if not brain.any():
        raise BrainNotFoundError(
            "No brain was found in this volume. Drop a scan of a whole head or of a brain.", TAKE_AS_IT_IS
        )
    signed = distance_to_background(brain, sides, at_border="edge")
    signed -= distance_to_background(~brain, sides, at_border="edge")
    return signed.astype(np.float32)
