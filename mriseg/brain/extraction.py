"""Where the brain is: the mask that everything after it works in.

Convention: brain plus the fluid in and around it, up to the inner skull. Air, skull, scalp, eyes and neck are
out.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import scipy

from mriseg.brain.background import LEAST_RANGE
from mriseg.brain.confidence import DOUBTFUL, MaskConfidence, volume_confidence
from mriseg.brain.field_of_view import head_box
from mriseg.brain.loose_rim import is_loosely_stripped
from mriseg.brain.slice import find_brain_in_picture, stripped_slice_confidence
from mriseg.brain.stripped import SKULL_SIDE, is_stripped, stripped_mask
from mriseg.brain.volume import find_brain_in_volume, register_stripped, tighten
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.limits import MAX_COARSE_VOXELS
from mriseg.core.remedies import TAKE_AS_IT_IS
from mriseg.image.morphology import SLAB_MM, bounding_box, large_pieces
from mriseg.image.panels import find_scan, is_inverted
from mriseg.registration.affine import Registration
from mriseg.registration.slice import SliceLevel

# Of the foreground of a picture, outside the brain that is found in it: 0.25 to 0.5 of heads, which have a skull. In
# slices without skull none is found.
LEAST_HEAD_SHARE = 0.2
SKULL_SEEN_MM = 1.5  # a skull is seen in voxels of twice this side
# Of a slab, that are searched: 60 mm have as many of 1 mm, and each takes 0.4 s. Between them the nearest mask holds.
MOST_SLICES = 60
VOID = 0.06  # of the brain's median: fluid on T1 and FLAIR is above 0.1, air below
LOOSE = "Bone was left around the brain: the outline was moved inwards, to the inner skull."
TOO_LITTLE = MaskConfidence(
    0.0,
    (
        Finding(
            FindingCode.MASK_NOT_COMPARED,
            Level.NOT,
            "The scan shows too little to compare it with a brain.",
            "Check the brain outline.",
        ),
    ),
)


@dataclass(frozen=True, eq=False)
class Brain:
    """The brain mask and how it came about.

    Attributes
    ----------
    mask : ndarray of bool
        In the axes of the scan it was found in.
    stripped : bool
        Whether the scan came without skull and was taken as it is.
    notes : tuple of str
        What the user should know, in sentences.
    registration : Registration or None
        Where the average brain lies in it, if it was laid over to find the brain.
    inverted : bool
        Whether the picture shows air bright.
    confidence : float
        How far the mask can be trusted, 0 to 1, see `mriseg.brain.confidence`, also if it was given.
    doubts : tuple of Finding
        What speaks against it, each with what to do.
    level : SliceLevel or None
        Of a picture: where it is cut, and how large its pixels are.
    given : bool
        Whether the user gave the mask, or said to take everything.
    """

    mask: np.ndarray
    stripped: bool
    notes: tuple[str, ...] = ()
    registration: Registration | None = None
    inverted: bool = False
    confidence: float = 1.0
    doubts: tuple[Finding, ...] = ()
    level: SliceLevel | None = None
    given: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether the mask should not be used without looking at it."""
        return self.confidence < DOUBTFUL


def extract(data: np.ndarray, spacing: tuple[float, ...] | None) -> Brain:
    """Find the brain.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities of a picture, upright, or of a volume in canonical axes (left to right, posterior to
        anterior, inferior to superior).
    spacing : tuple of float or None
        Sides of a pixel or voxel in mm; None where unknown, for a picture.

    Returns
    -------
    Brain

    Raises
    ------
    BrainNotFoundError
        If nothing in the image can be a brain.
    """
    if not np.ptp(data) > LEAST_RANGE * np.abs(data).max():
        raise BrainNotFoundError("The image is of one gray. Check that the export held the scan.")
    if data.ndim == 2:
        brain = _in_picture(data, spacing or (1.0, 1.0))
    else:
        brain = _in_volume(data, spacing or (1.0, 1.0, 1.0))
    if not brain.mask.any():
        raise BrainNotFoundError(
            "No brain was found in this image. Drop an MR image of a head; if it shows a brain without skull, "
            "say that it is skull-stripped.",
            TAKE_AS_IT_IS,
        )
    return brain


def _in_volume(data: np.ndarray, spacing: tuple[float, ...]) -> Brain:
    """The brain in a volume, searched where a head may be."""
    box = head_box(data, spacing)
    part = data[box]
    if part.shape == data.shape:
        return _in_head(data, spacing)
    brain = _in_head(part, spacing)
    mask = np.zeros(data.shape, bool)
    mask[box] = brain.mask
    first = np.array([along.start * side for along, side in zip(box, spacing, strict=True)])
    registration = brain.registration and brain.registration.from_first_voxel(first)
    return replace(brain, mask=mask, registration=registration)


def _in_head(data: np.ndarray, spacing: tuple[float, ...]) -> Brain:
    # Every other voxel shows a skull as well as every one, unless voxels are as thick as a skull.
    most = data.size > MAX_COARSE_VOXELS
    coarse = tuple(
        slice(None, None, 2 if n > 64 and (most or side <= SKULL_SEEN_MM) else 1)
        for n, side in zip(data.shape, spacing, strict=True)
    )
    if is_stripped(data[coarse], tuple(s * (c.step or 1) for s, c in zip(spacing, coarse, strict=True))):
        mask = _without_air(stripped_mask(data), data)
        brain = stripped_volume(data, spacing, mask, "The scan is already skull-stripped; it was taken as it is.")
        return without_bone(brain, data, spacing)
    extent = np.array(data.shape) * spacing
    if extent.min() < SLAB_MM:
        mask, judged = _slice_by_slice(data, spacing, int(np.argmin(extent)))
        notes = ("The volume is a thin slab: the brain was searched slice by slice.",)
        return Brain(_without_air(mask, data), False, notes, confidence=judged.value, doubts=judged.doubts)
    mask, registration = find_brain_in_volume(data, spacing)
    mask = _without_air(mask, data)
    if not mask.any():
        return Brain(mask, False)
    judged = volume_confidence(data, spacing, mask, registration=registration, stripped=False)
    return Brain(mask, False, registration=registration, confidence=judged.value, doubts=judged.doubts)


def stripped_volume(data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, note: str) -> Brain:
    """A mask of a volume with the average brain laid over what it holds, and how far it can be trusted.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
    note : str
        What the user should know, in a sentence.

    Returns
    -------
    Brain
    """
    if not mask.any():
        return Brain(mask, True)
    extent = np.array(data.shape) * spacing
    if extent.min() < SLAB_MM:
        return Brain(mask, True, (note,))  # too little of a brain to compare with the atlas
    registration = register_stripped(data, spacing, mask)
    if registration is None:
        return Brain(mask, True, (note,), confidence=TOO_LITTLE.value, doubts=TOO_LITTLE.doubts)
    judged = volume_confidence(data, spacing, mask, registration=registration, stripped=True)
    return Brain(mask, True, (note,), registration, confidence=judged.value, doubts=judged.doubts)


def without_bone(brain: Brain, data: np.ndarray, spacing: tuple[float, ...]) -> Brain:
    """A stripped brain without the bone that was left around it, if much was.

    Parameters
    ----------
    brain : Brain
        As from `stripped_volume`.
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float
        Sides of a voxel in mm.

    Returns
    -------
    Brain
    """
    if brain.registration is None or brain.doubts or not is_loosely_stripped(data, spacing, brain.mask):
        return brain
    mask = tighten(data, spacing, brain.mask, brain.registration)
    # The average brain stays where its outline, with the bone, laid it: intensities alone lay it no better.
    judged = volume_confidence(data, spacing, mask, registration=brain.registration, stripped=True)
    notes = (*brain.notes, LOOSE)
    return replace(brain, mask=mask, notes=notes, confidence=judged.value, doubts=judged.doubts)


def _slice_by_slice(data: np.ndarray, spacing: tuple[float, ...], across: int) -> tuple[np.ndarray, MaskConfidence]:
    """The mask of a slab, and the confidence in its typical slice."""
    mask = np.zeros(data.shape, bool)
    in_plane = tuple(s for axis, s in enumerate(spacing) if axis != across)
    confidences = []
    step = -(-data.shape[across] // MOST_SLICES)
    for first in range(0, data.shape[across], step):
        before = (slice(None),) * across
        at = (*before, min(first + step // 2, data.shape[across] - 1))
        # Canonical axes point right, anterior and superior; a picture's rows run down.
        with suppress(BrainNotFoundError):  # the outer slices of a slab may show nothing
            of_slice, confidence, _ = find_brain_in_picture(data[at].T[::-1], in_plane[::-1], only_in_skull=True)
            mask[*before, first : first + step] = np.expand_dims(of_slice[::-1].T, across)
            confidences.append(confidence)
    confidences.sort(key=lambda confidence: confidence.value)
    return large_pieces(mask), confidences[len(confidences) // 2] if confidences else MaskConfidence(0.0)


def _in_picture(data: np.ndarray, spacing: tuple[float, ...]) -> Brain:
    panel = find_scan(data)
    image = data[panel.box]
    notes: tuple[str, ...] = ()
    if panel.count > 1:
        notes = (
            f"The picture holds {panel.count} panels; the one {panel.position} was segmented. "
            "Crop the picture to segment another.",
        )
    elif panel.framed:
        notes = ("A plain frame around the picture was left out.",)
    inverted = is_inverted(image)
    if inverted:
        image = image.max() - image
        notes = (*notes, "The picture is inverted: air is bright. The brain was searched on its negative.")
    mask = np.zeros(data.shape, bool)
    step = max(1, max(image.shape) // SKULL_SIDE)
    stripped = is_stripped(image[::step, ::step], tuple(step * side for side in spacing))
    of_panel = _without_air(stripped_mask(image), image) if stripped else np.zeros(image.shape, bool)
    in_skull = _brain_in_skull(image, spacing, of_panel) if stripped else find_brain_in_picture(image, spacing)
    if in_skull is not None:
        stripped = False
        of_panel, judged, level = in_skull
        of_panel = _without_air(of_panel, image)
    else:
        notes = (*notes, "The picture shows a skull-stripped brain; it was taken as it is.")
        judged, level = MaskConfidence(0.0), None
        if of_panel.any():
            judged, level = stripped_slice_confidence(image, spacing, of_panel)
    mask[panel.box] = of_panel
    return Brain(mask, stripped, notes, inverted=inverted, confidence=judged.value, doubts=judged.doubts, level=level)


def _brain_in_skull(
    image: np.ndarray, spacing: tuple[float, ...], foreground: np.ndarray
) -> tuple[np.ndarray, MaskConfidence, SliceLevel] | None:
    """The brain of a head whose air is one value and whose skull is not dark, as if it were stripped; else None."""
    with suppress(BrainNotFoundError):
        mask, judged, level = find_brain_in_picture(image, spacing, only_in_skull=True)
        if np.count_nonzero(foreground & ~mask) > LEAST_HEAD_SHARE * np.count_nonzero(foreground):
            return mask, judged, level
    return None


def _without_air(mask: np.ndarray, data: np.ndarray) -> np.ndarray:
    """The mask without sinuses and other voids at its border: large pieces that give no signal.

    Voids that the brain encloses stay: on a good FLAIR scan they are the ventricles.
    """
    if not mask.any():
        return mask
    box = bounding_box(mask, margin=1)
    inside, image = mask[box], data[box] - np.percentile(data, 1)
    dark = scipy.ndimage.gaussian_filter(image, 1) < VOID * np.median(image[inside])
    voids = scipy.ndimage.binary_opening(dark & inside)
    if not voids.any():
        return mask
    without = np.zeros_like(mask)
    without[box] = large_pieces(scipy.ndimage.binary_fill_holes(inside & ~voids) & inside)
    return without
