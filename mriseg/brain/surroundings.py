"""What surrounds the brain: how bright the head is, and the noise of its air, which figures of quality compare with.

It hangs on the scan, the brain's mask and the bias field alone, so it is found once however often the tissues are found
anew. `mriseg.quality.metrics` says how the figures depart from MRIQC's, and names their sources.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy
import skimage

from mriseg.brain.background import is_noise_over_range
from mriseg.brain.extraction import Brain
from mriseg.image.morphology import bounding_box
from mriseg.image.resampling import coarse_steps
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
BRIGHTEST_PERCENTILE = 99.95
MEDIAN_DEVIATION = 0.6745  # of a normal distribution, in standard deviations


class NoAir(StrEnum):
    """Why no noise of air is seen; the values say it to the user."""

    STRIPPED = "The scan is skull-stripped, so there is no air."
    NOT_SEEN = "Hardly any air can be told from the head."
    OVER_RANGE = "The air is noise over the whole range of intensities, as in a ratio of two images."
    ONE_VALUE = "The air around the head was set to one value or cut off at black."


@dataclass(frozen=True)
class Surroundings:
    """What figures of quality take from outside the brain.

    Attributes
    ----------
    p9995 : float
        Percentile 99.95 of the image's intensities, arbitrary units.
    head_median : float
        Of the head's intensities, arbitrary units.
    entropy_focus : float
        Entropy of the intensities over that of as many equal ones; NaN where no air is seen.
    air_median, air_sd : float
        Of the intensities of the air, arbitrary units; NaN where none is seen.
    missing : NoAir or None
        Why no noise of air is seen; None where it is.
    """

    p9995: float
    head_median: float
    entropy_focus: float = np.nan
    air_median: float = np.nan
    air_sd: float = np.nan
    missing: NoAir | None = None


def measure_surroundings(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    box: tuple[slice, ...],
    field: np.ndarray,
    spacing: tuple[float, ...] | None,
    brain: Brain,
) -> Surroundings:
    """Measure what surrounds the brain: how bright the head is, and the noise of the air.

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

    Returns
    -------
    Surroundings

    References
    ----------
    Esteban et al.: MRIQC: advancing the automatic prediction of image quality in MRI from unseen sites. PLoS ONE 12,
    2017. Atkinson et al.: Automatic correction of motion artifacts in magnetic resonance images using an entropy focus
    criterion. IEEE Trans Med Imaging 16, 1997.
    """
    if spacing is None:
        longest = max(part.stop - part.start for part in bounding_box(mask))
        spacing = (PICTURE_EXTENT_MM / longest,) * data.ndim
    thinned = _thin(data, mask, box, field, spacing=spacing)
    p9995 = float(np.percentile(thinned.values, BRIGHTEST_PERCENTILE))
    head_median = float(np.median(thinned.values[thinned.head]))
    if brain.stripped:
        air: np.ndarray | NoAir = NoAir.STRIPPED
    elif is_noise_over_range(data, mask):
        air = NoAir.OVER_RANGE
    else:
        air = _air(thinned, brain.registration, spacing)
    if isinstance(air, NoAir):
        return Surroundings(p9995, head_median, missing=air)
    return Surroundings(
        p9995,
        head_median,
        entropy_focus=_entropy_focus(thinned.values[~thinned.filled], data.size * float((~thinned.filled).mean())),
        air_median=float(np.median(air)),
        air_sd=float(air.std()),
    )


@dataclass(frozen=True, eq=False)
class _Thinned:
    """The whole image, thinned.

    Attributes
    ----------
    samples : list of ndarray
        Along each axis, which voxels of the image it holds.
    raw, values : ndarray
        Intensities before and after bias correction.
    head, air : ndarray of bool
        What lies in the head, and what is well outside it.
    even, filled : ndarray of bool
        What of the air has the value of its neighbors, and what of it has a value that a mask or padding set.
    """

    samples: list[np.ndarray]
    raw: np.ndarray
    values: np.ndarray
    head: np.ndarray
    air: np.ndarray
    even: np.ndarray
    filled: np.ndarray


def _thin(
    data: np.ndarray,
    mask: np.ndarray,
    box: tuple[slice, ...],
    field: np.ndarray,
    *,
    spacing: tuple[float, ...],
) -> _Thinned:
    """Every so many-th voxel of the image, told apart into head, air and filling."""
    steps = [
        max(1, min(n // 16, s)) for n, s in zip(data.shape, coarse_steps(data.shape, spacing, THINNED_MM), strict=True)
    ]
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    samples = [np.arange(0, n, step) for n, step in zip(data.shape, steps, strict=True)]
    of_field = [np.clip(p - b.start, 0, n - 1) for p, b, n in zip(samples, box, field.shape, strict=True)]
    raw = data[np.ix_(*samples)]
    values = np.maximum(raw / field[np.ix_(*of_field)], 0)
    smooth = scipy.ndimage.uniform_filter(values, 3)
    head = mask[np.ix_(*samples)] | (smooth > _darkest_head(smooth))
    reach = [2 * int(np.ceil(AIR_MM / side)) + 1 for side in sides]
    air = ~scipy.ndimage.maximum_filter(head, reach)
    even = air & _is_even(data, raw, samples)
    levels, counts = np.unique(raw[even], return_counts=True)
    filled = air & np.isin(raw, levels[counts > FILLED * np.count_nonzero(air)])
    return _Thinned(samples, raw, values, head=head, air=air, even=even, filled=filled)


def _air(thinned: _Thinned, registration: Registration | None, spacing: tuple[float, ...]) -> np.ndarray | NoAir:
    """Intensities of the air, or why there are none."""
    air, values, raw = thinned.air, thinned.values, thinned.raw
    if registration is not None:
        air = air & _above_the_plane(registration, thinned.samples, spacing)
    if air.sum() < LEAST_AIR:
        return NoAir.NOT_SEEN
    noise, uneven = values[air & ~thinned.filled], raw[air & ~thinned.even]
    # Of what a window cut off, much lies apart; of a filling, only its edge.
    if len(noise) < LEAST_AIR or (uneven.size and np.mean(uneven == uneven.min()) > CUT_OFF):
        return NoAir.ONE_VALUE
    deviation = float(np.median(np.abs(noise - np.median(noise)))) / MEDIAN_DEVIATION
    if deviation:
        noise = noise[noise <= GHOST * deviation]
    return noise if len(noise) >= LEAST_AIR else NoAir.NOT_SEEN


def _darkest_head(smooth: np.ndarray) -> float:
    """Between the brightness of the air and that of the head."""
    if not np.ptp(smooth):
        return np.inf
    between = float(skimage.filters.threshold_otsu(smooth))
    return float(np.clip(OVER_AIR * np.percentile(smooth, AIR_PERCENT), HEAD * between, between))


def _is_even(data: np.ndarray, raw: np.ndarray, samples: list[np.ndarray]) -> np.ndarray:
    """Where a voxel of the thinned image has the value of its neighbor in the whole one along each axis."""
    even = np.ones(raw.shape, bool)
    for axis, sample in enumerate(samples):
        beside = np.where(sample + 1 < data.shape[axis], sample + 1, sample - 1)
        even &= raw == data[np.ix_(*(beside if a == axis else s for a, s in enumerate(samples)))]
    return even


def _above_the_plane(registration: Registration, samples: list[np.ndarray], spacing: tuple[float, ...]) -> np.ndarray:
    """Where a grid lies above glabella and inion."""
    *slopes, height = np.linalg.inv(registration.affine)[2]
    terms = [slope * side * sample for slope, side, sample in zip(slopes, spacing, samples, strict=True)]
    return np.asarray(height + sum(np.meshgrid(*terms, indexing="ij", sparse=True)) > PLANE_MM)


def _entropy_focus(values: np.ndarray, count: float) -> float:
    """Entropy of the intensities over that of as many equal ones, from a sample of `count` voxels."""
    x = values.astype(float)
    energy = np.sqrt(count * np.mean(x**2))
    if not energy > 0:
        return np.nan
    entropy = -np.mean(scipy.special.xlogy(x, x / energy)) * count / energy
    return float(entropy / (np.sqrt(count) * np.log(np.sqrt(count))))
