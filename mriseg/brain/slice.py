"""The brain in a single slice: a first outline, the average brain laid over it, then the border moved by the picture.

The first outline is one closed curve, so it misses parts that bone sets apart (the tips of the temporal lobes low in
the skull) and, where fluid is dark, the fluid around the brain. But it tells where the brain is, and with it the
average brain can be laid over the slice, see `mriseg.registration.slice`. From there on it is as in a volume: the atlas
gives each pixel a signed distance to a likely border, the picture a log-likelihood ratio of inside and outside, and
the border is where the two together say nothing.
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import scipy
import skimage

from mriseg.brain.confidence import (
    MaskConfidence,
    bare_picture_confidence,
    picture_confidence,
    stripped_picture_confidence,
)
from mriseg.brain.contour import Outline, brain_outlines
from mriseg.brain.head import WORKING_PIXEL, head_in_slice
from mriseg.brain.skull import LARGEST_RATIO, LAYERS_MM, LEVELS, log_odds
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.remedies import TAKE_AS_IT_IS
from mriseg.image.morphology import bounding_box, dilate, distance_to_background, smooth_mask
from mriseg.registration.atlas import atlas
from mriseg.registration.mutual_information import mutual_information
from mriseg.registration.slice import SliceLevel, SlicePose, register_slice

WORKING_SIDE = 224  # pixels: the brain is searched at about 1 mm, whatever the picture's size
LEAST_HEAD = 5.0  # pixels, the radius of a circle that fits in it
# Of the head's largest circle, pixels: a smaller one is looked at again by itself, as large as heads are that fill a
# picture, and with so much air around it, in its radius.
SMALL_HEAD, USUAL_HEAD, LEAST_AIR = 60.0, 78.0, 0.2
# What is brighter than this share of Otsu's threshold is tissue, and so much of the head's radius is put around it.
# Scalp is about as bright as brain; where no head is found so, it may be dim, or be missing as where a picture is cut
# at the skull.
USUAL_LOOK, FAINT_LOOK, BARE_LOOK = (0.5, 0.0), (0.2, 0.0), (0.5, 0.2)

SHADING_REACH = 0.3  # of the radius of the head, 22 mm: coils shade over longer ways, tissues change over shorter
SHADING_STEP = 4  # pixels: so smooth a field needs no more
FEW_TISSUE = 0.02  # share of tissue about a pixel from which its brightness is believed
LEAST_FIELD = 0.3  # of Otsu's threshold: where there is only air, its noise is not to be raised
BRIGHTEST = 3.0  # times the tissue around: fluid on T2; vessels and fat say no more

AGREEMENT_WEIGHT = 1.5  # of a nat, in certain edges: decides between two outlines that cost about the same
# Slices of heads are at -0.4 or less and 0.48 or more; noise, textures and photographs miss one or the other.
LARGEST_COST, LEAST_AGREEMENT = -0.3, 0.43
# A stripped slice gets air around it, as a head has: fractions of the radius of a circle as large as the brain.
STRIPPED_MARGIN, STRIPPED_SHELL, STRIPPED_BLUR = 0.3, 0.25, 0.02
STRIPPED_LEVELS = 8

# The atlas's surface lies on the cortex; the mask is to reach the inner skull.
OUTWARD = 4.5  # mm
SPREAD = 2.5  # mm between the inner skull and where the atlas puts it: the pose of a slice is not certain
BLUR_MM = 1.0  # of the evidence
FARTHEST = 14.0  # mm that the border may move
# Where the atlas expects bone, what lies farther outside the first outline than this is doubted: each mm counts as
# so much more. Without it a thin skull with dark marrow passes for fluid and cortex.
DOUBTED_BELOW, DOUBTED_FROM, DOUBT = -2.0, 5.0, 0.5  # mm, mm, and mm for each mm
OUT_OF_SIGHT = np.float32(-1e3)  # mm, the depth of air: it is neither bone nor scalp
LEAST_SCALP = 0.05  # of the radius of the head: nearer to its surface there is no brain
OPENING, CLOSING = 3.0, 4.0  # mm: optic nerves and vessels are cut, the mouths of sulci closed


def find_brain_in_picture(
    data: np.ndarray, spacing: tuple[float, ...], *, only_in_skull: bool = False
) -> tuple[np.ndarray, MaskConfidence, SliceLevel]:
    """Mask the brain in a slice of a whole head.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Intensities, upright, air darker than tissue.
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.
    only_in_skull : bool
        Whether nothing else counts than a brain in a head that is seen with its scalp; else one may be found, with the
        doubt that is due, whose scalp is dim or cut off.

    Returns
    -------
    mask : ndarray of bool, same shape
    confidence : MaskConfidence
    level : SliceLevel

    Raises
    ------
    BrainNotFoundError
        If the picture shows no head with a brain in it.
    """
    found = _searched(data, spacing, only_in_skull)
    # A head that is small in the frame is looked at again by itself, as large as heads usually are.
    if found.radius < SMALL_HEAD and not only_in_skull:
        box = _around_head(found, data.shape)
        with suppress(BrainNotFoundError):
            mask = np.zeros(data.shape, bool)
            within = _searched(data[box], spacing, only_in_skull)
            mask[box], confidence, level = _bordered(within, data[box].shape)
            return mask, confidence, level
    return _bordered(found, data.shape)


@dataclass(frozen=True, eq=False)
class _Found:
    """A head with the outline of its brain, on the working grid.

    Attributes
    ----------
    image : ndarray of float32
        Without shading, air 0.
    to_surface : ndarray of float32
        Distance to the surface of the head, pixels.
    outline : Outline
    pose : SlicePose
    has_scalp : bool
        Whether it looks like a head with its scalp, as bright as the brain.
    """

    image: np.ndarray
    to_surface: np.ndarray
    outline: Outline
    pose: SlicePose
    has_scalp: bool

    @property
    def radius(self) -> float:
        """Of the largest circle in the head, pixels."""
        return float(self.to_surface.max())

    @property
    def likeness(self) -> float:
        """How much outline and pose look like those of a brain; nats."""
        return AGREEMENT_WEIGHT * self.pose.agreement - self.outline.cost

    @property
    def is_brain(self) -> bool:
        """Whether outline and pose may be those of a brain."""
        return self.outline.cost <= LARGEST_COST and self.pose.agreement >= LEAST_AGREEMENT


def _searched(data: np.ndarray, spacing: tuple[float, ...], only_in_skull: bool) -> _Found:
    """The head in a slice and the outline of its brain: as usual or, where that is doubtful, with a dim or no scalp."""
    image = shrink(data, spacing)
    low, high = np.percentile(image, [1, 99.5])
    if not high > low:
        raise BrainNotFoundError("The picture is of one gray. Choose the scan itself.")
    image = scipy.ndimage.gaussian_filter(np.clip((image - low) / (high - low), 0, 1), 0.7)
    usual = _looked(image, *USUAL_LOOK)
    if usual is not None and usual.is_brain:
        return usual
    others = [] if only_in_skull else [_looked(image, *FAINT_LOOK), _looked(image, *BARE_LOOK)]
    brains = [look for look in others if look is not None and look.is_brain]
    if brains:
        return max(brains, key=lambda look: look.likeness)
    if usual is None:
        raise BrainNotFoundError("No head was found in this picture. Drop a slice that shows one.", TAKE_AS_IT_IS)
    raise BrainNotFoundError(
        "Nothing in this picture looks like a brain in its skull. Drop a slice of a head, the right way up; if it "
        "shows a brain without skull, say that it is skull-stripped.",
        TAKE_AS_IT_IS,
    )


def _looked(image: np.ndarray, faintest: float, shell: float) -> _Found | None:
    """The best outline in what is brighter than a share of Otsu's threshold; None where that is no head."""
    level = skimage.filters.threshold_otsu(image)
    tissue = image > faintest * level
    head = head_in_slice(tissue)
    to_surface = distance_to_background(head, WORKING_PIXEL).astype(np.float32)
    radius = float(to_surface.max())
    if radius < LEAST_HEAD:
        return None
    if shell:
        margin = int(np.ceil(shell * radius)) + 1
        widened = dilate(np.pad(head, margin), shell * radius, WORKING_PIXEL)
        to_surface = distance_to_background(widened, WORKING_PIXEL)[margin:-margin, margin:-margin].astype(np.float32)
    image = _without_shading(image, head & tissue, SHADING_REACH * radius, level)
    outlines = brain_outlines(image, to_surface)
    has_scalp = (faintest, shell) == USUAL_LOOK
    looks = [
        _Found(image, to_surface, outline, register_slice(image, to_surface, outline.inside), has_scalp)
        for outline in outlines
    ]
    return max(looks, key=lambda look: look.likeness)


def _around_head(found: _Found, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The part of the picture that holds the head, with so much air that it has the usual size there."""
    rows_columns = []
    for part, length, of_picture in zip(bounding_box(found.to_surface > 0), found.to_surface.shape, shape, strict=True):
        margin = (found.radius / USUAL_HEAD * WORKING_SIDE - (part.stop - part.start)) / 2
        margin = max(margin, LEAST_AIR * found.radius)
        first, last = max(0.0, part.start - margin), min(float(length), part.stop + margin)
        times = of_picture / length
        rows_columns.append(slice(int(first * times), int(np.ceil(last * times))))
    return tuple(rows_columns)


def _bordered(found: _Found, shape: tuple[int, ...]) -> tuple[np.ndarray, MaskConfidence, SliceLevel]:
    """The mask on the picture's own grid, how far it can be trusted, and where the slice is cut."""
    border = _border(found.image, found.to_surface, found.outline.inside, found.pose)
    if found.has_scalp:
        confidence = picture_confidence(found.image, border > 0, pose=found.pose, outline_cost=found.outline.cost)
    else:
        agreement = _tissue_agreement(found.image, border > 0, found.pose)
        confidence = bare_picture_confidence(found.image, border > 0, pixel_mm=found.pose.pixel_mm, agreement=agreement)
    level = found.pose.level(found.outline.inside, shape[1] / found.image.shape[1])
    return _resize(border, shape) > 0, confidence, level


def stripped_slice_confidence(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray
) -> tuple[MaskConfidence, SliceLevel | None]:
    """Judge a slice that came without skull, by the atlas laid over it.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.
    mask : ndarray of bool, same shape
        What was not background.

    Returns
    -------
    confidence : MaskConfidence
    level : SliceLevel or None
        Of a slice that holds enough to lay the average brain over it.
    """
    brain = shrink(mask.astype(np.float32), spacing) > 0.5
    if brain.sum() < np.pi * LEAST_HEAD**2:
        return stripped_picture_confidence(0.0), None
    radius = float(np.sqrt(brain.sum() / np.pi))
    margin = int(np.ceil(STRIPPED_MARGIN * radius))
    image = np.pad(shrink(np.where(mask, data, 0), spacing), margin)
    brain = np.pad(brain, margin)
    low, high = np.percentile(image[brain], [0.5, 99.5])
    image = np.clip((image - low) / max(high - low, 1e-9), 0, 1) * brain
    head = dilate(brain, STRIPPED_SHELL * radius, WORKING_PIXEL)
    pose = register_slice(image, distance_to_background(head, WORKING_PIXEL).astype(np.float32), brain)
    agreement = _tissue_agreement(image, brain, pose)
    level_of_slice = pose.level(brain, data.shape[1] / (brain.shape[1] - 2 * margin))
    return stripped_picture_confidence(agreement), level_of_slice


def _tissue_agreement(image: np.ndarray, brain: np.ndarray, pose: SlicePose) -> float:
    """Mutual information of intensities in a brain with the tissues that the atlas has there, nats."""
    radius = float(np.sqrt(brain.sum() / np.pi))
    average = atlas()
    tissues = np.stack([pose.warp(map_, brain.shape) for map_ in (average.white, average.gray, average.fluid)])
    within = brain & (tissues.sum(0) > 0.5)
    values = scipy.ndimage.gaussian_filter(image, STRIPPED_BLUR * radius)[within]
    shares = np.arange(1, STRIPPED_LEVELS) / STRIPPED_LEVELS
    level = np.searchsorted(np.quantile(values, shares), values) if values.size else np.zeros(0, int)
    pairs = tissues.argmax(0)[within] * STRIPPED_LEVELS + level
    joint = np.bincount(pairs, minlength=3 * STRIPPED_LEVELS).reshape(3, -1) + 1e-3
    return float(mutual_information((joint / joint.sum())[None])[0])


def shrink(data: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Resample a slice to square pixels with `WORKING_SIDE` of them along its longer side.

    Parameters
    ----------
    data : ndarray of shape (rows, columns)
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The working grid, on which a brain is searched.

    Examples
    --------
    >>> shrink(np.zeros((448, 100)), (1.0, 2.0)).shape
    (224, 100)
    """
    extent = np.array(data.shape) * spacing
    shape = np.maximum(8, np.rint(extent * (WORKING_SIDE / extent.max())).astype(int))
    blur = [max(0.0, 0.5 * (n / m - 1)) for n, m in zip(data.shape, shape, strict=True)]
    return _resize(scipy.ndimage.gaussian_filter(data.astype(np.float32), blur), tuple(shape))


def _resize(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    factors = [m / n for n, m in zip(image.shape, shape, strict=True)]
    return scipy.ndimage.zoom(image, factors, order=1, mode="nearest", grid_mode=True)


def _without_shading(image: np.ndarray, tissue: np.ndarray, reach: float, level: float) -> np.ndarray:
    """The image over the mean of the tissue around each pixel: 1 is typical of the place."""
    coarse = (slice(None, None, SHADING_STEP),) * 2

    def around(values: np.ndarray) -> np.ndarray:
        blurred = scipy.ndimage.gaussian_filter(values[coarse], reach / SHADING_STEP, mode="constant", truncate=3)
        return _resize(blurred, image.shape)

    share = tissue.astype(np.float32)
    field = (around(share * image) + FEW_TISSUE * level) / (around(share) + FEW_TISSUE)
    return np.minimum(image / np.maximum(field, LEAST_FIELD * level), BRIGHTEST).astype(np.float32)


def _border(image: np.ndarray, to_surface: np.ndarray, outline: np.ndarray, pose: SlicePose) -> np.ndarray:
    """Signed distance to the border of the brain, positive inside."""
    average, side = atlas(), pose.pixel_mm
    sides = (side, side)
    depth = pose.warp(average.depth, image.shape) + np.float32(OUTWARD)
    border = np.full(image.shape, -FARTHEST, np.float32)
    if not (depth > 0).any():
        return border
    box = bounding_box(depth > LAYERS_MM[0])
    in_scalp = (to_surface < LEAST_SCALP * to_surface.max())[box]
    fluid = (pose.warp(average.fluid, image.shape) > 0.5)[box]
    image, depth, outline, in_head = image[box], depth[box], outline[box], to_surface[box] > 0
    top = np.percentile(image[depth > 0], 99.5)
    level = np.clip(image * (LEVELS / max(top, 1e-6)), 0, LEVELS - 1).astype(np.intp)
    beyond = scipy.ndimage.distance_transform_edt(~outline, sampling=sides)
    doubt = DOUBT * np.maximum(beyond - DOUBTED_FROM, 0) * (depth < DOUBTED_BELOW)
    depth = (depth - doubt).astype(np.float32)
    by_intensity, by_depth = log_odds(level, np.where(in_head, depth, OUT_OF_SIGHT), fluid, SPREAD)
    by_intensity[in_scalp] = -LARGEST_RATIO
    evidence = scipy.ndimage.gaussian_filter(by_intensity, BLUR_MM / side)
    brain = (evidence + by_depth > 0) & (depth > -FARTHEST) | (depth > FARTHEST)
    # Bone may part the brain of a slice, so it may lie in several pieces.
    brain = smooth_mask(brain, opening=OPENING, closing=CLOSING, spacing=sides, one_piece=False)
    border[box] = distance_to_background(brain, sides, at_border="edge") - distance_to_background(
        ~brain, sides, at_border="edge"
    )
    return border
