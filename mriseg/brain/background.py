"""What surrounds the brain in the whole image: the air, whose noise figures of quality compare signals with.

It hangs on the scan, the brain's mask and the bias field alone, so it is found once however often the tissues are found
anew. `mriseg.quality.metrics` says how the figures depart from MRIQC's, and names their sources.
"""

from dataclasses import dataclass

import numpy as np
import scipy
import skimage

from mriseg.brain.extraction import Brain
from mriseg.image.morphology import bounding_box
from mriseg.registration.affine import Registration

THINNED_MM = 3.0  # the whole image is looked at on a grid of this side
PICTURE_EXTENT_MM = 180.0  # of a brain's longer side in a picture, whose pixels have no size
# Of the smoothed image: scalp is brighter than half of Otsu's threshold, and than the mean of noise however strong.
HEAD, AIR_PERCENT, OVER_AIR = 0.5, 20, 1.5
AIR_MM = 10.0  # from the head: skin that is dark, and what the blur of the image carries beyond it
PLANE_MM = -14.0  # MNI height of glabella and inion: below it are face and neck, and what they leave in the air
GHOST = 10.0  # median deviations, as MRIQC has it
LEAST_AIR = 500  # samples
FILLED = 0.02  # share of what surrounds the head that is even at one value: coarse levels of noise have 0.01
CUT_OFF = 0.4  # share of the air at its darkest value: coarse levels leave a third there, a window that cuts noise more
LIGHTEST_PERCENT = 99.95
MEDIAN_DEVIATION = 0.6745  # of a normal distribution, in standard deviations

STRIPPED = "What surrounds the brain was removed from this scan, and with it the air."
NOT_SEEN = "Hardly any air can be told from the head."
ONE_VALUE = "The air around the head was set to one value or cut off at black."


# What surrounds the brain: up to so much of its extent away, near enough to leave out a frame around the picture. Its
# darkest voxels are black, less a few that may be broken.
MARGIN_SHARE = 0.25
BACKGROUND_PERCENTILE = 5.0


@dataclass(frozen=True)
class Background:
    """What figures of quality take from outside the brain.

    Attributes
    ----------
    lightest : float
        Intensity that hardly any voxel of the image exceeds.
    head_median : float
        Of the head's intensities.
    entropy_focus : float
        Entropy of the intensities over that of as many equal ones; nothing where no air is seen.
    air_median, air_sd : float
        Of the intensities of the air; nothing where none is seen.
    missing : str
        Why no noise of air is seen, in a sentence; "" where it is.
    """

    lightest: float
    head_median: float
    entropy_focus: float = np.nan
    air_median: float = np.nan
    air_sd: float = np.nan
    missing: str = ""


def measure_background(
    data: np.ndarray,
    mask: np.ndarray,
    box: tuple[slice, ...],
    field: np.ndarray,
    spacing: tuple[float, ...] | None,
    brain: Brain,
) -> Background:
    """Look at what surrounds the brain.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        The whole image in canonical axes; no signal is 0.
    mask : ndarray of bool, same shape
        The brain; not empty.
    box : tuple of slice
        The part that the field is of.
    field : ndarray of float32
        Bias field.
    spacing : tuple of float or None
        Sides of a voxel, mm; None for a picture.
    brain : Brain
        How the mask came about.
    """
    air, whole = _air(data, mask, box, field, spacing, brain)
    lightest = float(np.percentile(whole.values, LIGHTEST_PERCENT))
    head = float(np.median(whole.values[whole.head]))
    if isinstance(air, str):
        return Background(lightest, head, missing=air)
    focus = _entropy_focus(whole.values[whole.seen], whole.size * float(whole.seen.mean()))
    return Background(lightest, head, focus, float(np.median(air)), float(air.std()))


@dataclass(frozen=True, eq=False)
class _Thinned:
    """The whole image after bias correction, thinned: its values, where the head is, where it is not filling."""

    values: np.ndarray
    head: np.ndarray
    seen: np.ndarray
    size: int


def _air(
    data: np.ndarray,
    mask: np.ndarray,
    box: tuple[slice, ...],
    field: np.ndarray,
    spacing: tuple[float, ...] | None,
    brain: Brain,
) -> tuple[np.ndarray | str, _Thinned]:
    """Intensities of the air, or why there are none, and the thinned image."""
    if spacing is None:
        longest = max(part.stop - part.start for part in bounding_box(mask))
        spacing = (PICTURE_EXTENT_MM / longest,) * data.ndim
    steps = [max(1, min(n // 16, round(THINNED_MM / side))) for n, side in zip(data.shape, spacing, strict=True)]
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    places = [np.arange(0, n, step) for n, step in zip(data.shape, steps, strict=True)]
    within = [np.clip(p - b.start, 0, n - 1) for p, b, n in zip(places, box, field.shape, strict=True)]
    raw = data[np.ix_(*places)]
    values = np.maximum(raw / field[np.ix_(*within)], 0)
    smooth = scipy.ndimage.uniform_filter(values, 3)
    inside = mask[np.ix_(*places)]
    head = inside | (smooth > _darkest_head(smooth))
    reach = [2 * int(np.ceil(AIR_MM / side)) + 1 for side in sides]
    around = ~scipy.ndimage.maximum_filter(head, reach)
    even = around & _is_even(data, raw, places)
    levels, counts = np.unique(raw[even], return_counts=True)
    filled = around & np.isin(raw, levels[counts > FILLED * np.count_nonzero(around)])
    whole = _Thinned(values, head, ~filled, data.size)
    if brain.registration is not None:
        around &= _above_the_plane(brain.registration, places, spacing)
    if brain.stripped:
        return STRIPPED, whole
    if around.sum() < LEAST_AIR:
        return NOT_SEEN, whole
    air, uneven = values[around & ~filled], raw[around & ~even]
    # Of what a window cut off, much lies apart; of a filling, only its edge.
    if len(air) < LEAST_AIR or (uneven.size and np.mean(uneven == uneven.min()) > CUT_OFF):
        return ONE_VALUE, whole
    deviation = float(np.median(np.abs(air - np.median(air)))) / MEDIAN_DEVIATION
    if deviation:
        air = air[air <= GHOST * deviation]
    return air if len(air) >= LEAST_AIR else NOT_SEEN, whole


def _darkest_head(smooth: np.ndarray) -> float:
    """Between the brightness of the air and that of the head."""
    if not np.ptp(smooth):
        return np.inf
    between = float(skimage.filters.threshold_otsu(smooth))
    return float(np.clip(OVER_AIR * np.percentile(smooth, AIR_PERCENT), HEAD * between, between))


def _is_even(data: np.ndarray, raw: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """Where a voxel of the thinned image has the value of its neighbor in the whole one along each axis."""
    even = np.ones(raw.shape, bool)
    for axis, place in enumerate(places):
        beside = np.where(place + 1 < data.shape[axis], place + 1, place - 1)
        even &= raw == data[np.ix_(*(beside if a == axis else p for a, p in enumerate(places)))]
    return even


def _above_the_plane(found: Registration, places: list[np.ndarray], spacing: tuple[float, ...]) -> np.ndarray:
    """Where a grid lies above glabella and inion."""
    *slopes, height = np.linalg.inv(found.affine)[2]
    terms = [slope * side * place for slope, side, place in zip(slopes, spacing, places, strict=True)]
    return np.asarray(height + sum(np.meshgrid(*terms, indexing="ij", sparse=True)) > PLANE_MM)


def _entropy_focus(values: np.ndarray, count: float) -> float:
    """Entropy of the intensities over that of as many equal ones, from a sample of `count` voxels."""
    x = values.astype(float)
    energy = np.sqrt(count * np.mean(x**2))
    if not energy > 0:
        return np.nan
    entropy = -np.mean(scipy.special.xlogy(x, x / energy)) * count / energy
    return float(entropy / (np.sqrt(count) * np.log(np.sqrt(count))))


def background_level(data: np.ndarray, mask: np.ndarray) -> float:
    """Intensity of no signal: of the air, the bone or the filling around a brain; 0 where nothing is around it.

    Parameters
    ----------
    data : ndarray, shape (i, j) or (i, j, k)
        Intensities.
    mask : ndarray of bool, same shape
        The brain; at least one voxel.
    """
    near = bounding_box(mask, margin=int(MARGIN_SHARE * max(part.stop - part.start for part in bounding_box(mask))))
    thin = tuple(slice(part.start, part.stop, 1 + (part.stop - part.start) // 64) for part in near)
    data, mask = data[thin], mask[thin]
    around = data[~mask]
    if not around.size or not mask.any():
        return 0.0
    inverted = np.median(around) > np.median(data[mask])
    return float(np.percentile(around, 100 - BACKGROUND_PERCENTILE if inverted else BACKGROUND_PERCENTILE))
