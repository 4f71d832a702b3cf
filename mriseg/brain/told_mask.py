"""The brain where its user says it is: taken as told, and judged by the same evidence as a mask that was searched.

The brain is searched all the same. Where that succeeds, what was told is compared with it: scalp, bone and air are what
lies outside the mask that was found, and what is left out lies inside. Where nothing was found that could be trusted,
the average brain is laid over what was told alone, as over a scan without skull.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from mriseg.brain.confidence import DOUBTFUL, MaskConfidence, ramp
from mriseg.brain.extraction import TOO_LITTLE, Brain, extract, stripped_volume, without_bone
from mriseg.brain.slice import stripped_slice_confidence
from mriseg.core.decimals import percent
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.remedies import Remedy
from mriseg.image.morphology import SLAB_MM
from mriseg.registration.slice import SliceLevel

# Share of a mask outside the brain that was found: up to 0.1 in good masks, 0.2 where a border lies 5 mm too far
# out, 0.35 at 10 mm, 0.7 of a head with its scalp. Beyond the middle of the ramp a mask is none of a brain any more.
OUTSIDE = (0.35, 0.15)
LEFT_OUT = 0.3  # of the brain that was found: masks without the fluid around a shrunken brain leave out as much

Alone = Callable[[], tuple[MaskConfidence, SliceLevel | None]]


def take_stripped(data: np.ndarray, spacing: tuple[float, ...] | None, filling: float | None = None) -> Brain:
    """Take a scan as skull-stripped because its user says so: the brain is all that is not background.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float or None
        Sides of a pixel or voxel in mm; None where unknown, for a picture.
    filling : float, optional
        The one value of the background; by default the brain is what is above 0.

    Returns
    -------
    Brain

    Raises
    ------
    BrainNotFoundError
        If nothing is.
    """
    mask = data > 0 if filling is None else data != np.float32(filling)
    if not mask.any():
        raise BrainNotFoundError(
            "Nothing in the scan differs from its background. Let the brain be searched instead.", (Remedy.SEARCH,)
        )
    note = "The scan was taken as skull-stripped: the brain is all that is not background."
    if data.ndim == 3:
        sides = spacing or (1.0, 1.0, 1.0)
        brain = without_bone(stripped_volume(data, sides, mask, note), data, sides)
        judged = MaskConfidence(brain.confidence, brain.doubts)
        return _judged(brain, data, spacing, alone=lambda: (judged, None))
    brain = Brain(mask, True, (note,))
    return _judged(brain, data, spacing, alone=_slice_alone(data, spacing, mask))


def take_given(data: np.ndarray, spacing: tuple[float, ...] | None, mask: np.ndarray) -> Brain:
    """Take a mask that the user gave, and lay the average brain over what it holds.

    Where the average brain does not agree with it, as with a part of a brain, there is no registration.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float or None
        Sides of a voxel in mm.
    mask : ndarray of bool, same shape
        The brain, not empty.

    Returns
    -------
    Brain
    """
    brain = Brain(mask, False, ("The brain mask was given.",), given=True)
    if data.ndim == 2:
        return _judged(brain, data, spacing, alone=_slice_alone(data, spacing, mask))
    as_stripped = stripped_volume(data, spacing or (1.0, 1.0, 1.0), mask, note="")
    brain = replace(brain, registration=None if as_stripped.doubtful else as_stripped.registration)
    judged = MaskConfidence(as_stripped.confidence, as_stripped.doubts)
    return _judged(brain, data, spacing, alone=lambda: (judged, None))


def take_everything(data: np.ndarray, spacing: tuple[float, ...] | None) -> Brain:
    """Take the whole image as brain because its user says so.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float or None
        Sides of a pixel or voxel in mm; None where unknown, for a picture.

    Returns
    -------
    Brain
    """
    mask = np.ones(data.shape, bool)
    brain = Brain(mask, False, ("The whole image was taken as brain, as chosen.",), given=True)
    if data.ndim == 2:
        return _judged(brain, data, spacing, alone=_slice_alone(data, spacing, mask))

    def alone() -> tuple[MaskConfidence, None]:
        as_stripped = stripped_volume(data, spacing or (1.0, 1.0, 1.0), mask, note="")
        return MaskConfidence(as_stripped.confidence, as_stripped.doubts), None

    return _judged(brain, data, spacing, alone=alone)


def disagreement(mask: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """How a mask differs from another one that is trusted.

    Parameters
    ----------
    mask, found : ndarray of bool, same shape
        Not empty.

    Returns
    -------
    outside : float
        Share of the mask that lies outside of the one that was found.
    left_out : float
        Share of the latter that the mask leaves out.

    Examples
    --------
    >>> disagreement(np.array([True, True, True, True, False]), np.array([False, True, True, True, True]))
    (0.25, 0.25)
    """
    both, ours, theirs = (int(np.count_nonzero(region)) for region in (mask & found, mask, found))
    return 1 - both / ours, 1 - both / theirs


def contradictions(outside: float, left_out: float) -> MaskConfidence:
    """What speaks against a mask that differs so from the brain that was found.

    Parameters
    ----------
    outside, left_out : float
        As from `disagreement`.

    Returns
    -------
    MaskConfidence
    """
    confidence, doubts = ramp(outside, OUTSIDE), []
    if confidence < 1:
        doubts.append(
            Finding(
                FindingCode.MASK_CONTRADICTED,
                Level.NOT if confidence < DOUBTFUL else Level.CARE,
                f"{percent(outside)} of the chosen brain region lies outside the brain that was found, in scalp, bone "
                "or air.",
                "Set brain extraction to automatic, or shrink the outline.",
            )
        )
    if left_out > LEFT_OUT:
        doubts.append(
            Finding(
                FindingCode.MASK_LEAVES_OUT,
                Level.CARE,
                f"The chosen mask leaves out {percent(left_out)} of the brain that was found; volumes and shares are "
                "those of the rest.",
                "Do not compare them with whole brains; set brain extraction to automatic for that.",
            )
        )
    return MaskConfidence(confidence, tuple(doubts))


def _judged(brain: Brain, data: np.ndarray, spacing: tuple[float, ...] | None, *, alone: Alone) -> Brain:
    """The same brain with what can be said against its mask."""
    found = None
    with suppress(BrainNotFoundError):
        found = extract(data, spacing)
    extent = np.array(data.shape) * (spacing or (1.0,) * data.ndim)
    if found is not None and not found.doubtful:
        judged, level = contradictions(*disagreement(brain.mask, found.mask)), found.level
    elif data.ndim == 2 or extent.min() >= SLAB_MM:
        judged, level = alone()
    else:  # a slab cannot be compared with the average brain
        judged, level = TOO_LITTLE if found is None else MaskConfidence(found.confidence, found.doubts), None
    return replace(brain, confidence=judged.value, doubts=judged.doubts, level=level)


def _slice_alone(data: np.ndarray, spacing: tuple[float, ...] | None, mask: np.ndarray) -> Alone:
    """How a picture that holds nothing but the brain would be judged."""
    return lambda: stripped_slice_confidence(data, spacing or (1.0, 1.0), mask)
