"""What lies in one half of a slice only: compact parts brighter than anything at the same place opposite.

Most heads are nearly symmetric, tumors are not. Nothing need be known for it, neither the contrast nor the pose, so it
can be set aside before the first look at the tissues. What lies on both sides or across the middle is not seen, nor
is anything in a slice that has no symmetry, as a sagittal one.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.image.morphology import bounding_box, distance_to_background

# All lengths in pixels of a grid on which the brain is 112 long, 1.5 mm.
RIM = 3.0  # nearer to the rim is fluid, bone and dura
LEAST_BULK = 0.3  # of the brain, farther from its rim than that; else all of it is taken
NORMAL_HALF = 1.349  # standard deviations that the middle half of a normal distribution covers
LEAST_SPREAD = 0.02  # of the level: rounding to gray levels and compression give as much
BRAIN_SIDE = 112  # pixels of the grid along the longer side of the brain: 1.5 mm, half the width of a sulcus
FARTHEST, LEAST_WEIGHT, HALF = 12.0, 1e-3, 0.5  # spreads that count at most; of a mean; of a pixel
SMOOTH = 2.0  # no two hemispheres agree to a pixel
REACH = 9  # width of the window opposite in which something as bright may lie
SURE, LIKELY = 2.0, 1.0  # spreads beyond all that is opposite: where something is, and how far it goes
SURE_PART = 0.1  # of a part
OWN = 1.5  # spreads above the bulk: what lies opposite something odd is not odd
LEAST_LABELED_SHARE = 0.015  # of the brain: of 120 healthy slices 3 hold a part as large, 7 one of 0.01
LEAST_SHARE, MOST_SHARE = 0.01, 0.45  # of the brain: sulci and vessels are smaller, half a brain is shading
LEAST_OVERLAP = 0.9  # Dice of the brain and its mirror image: sagittal slices have 0.6 to 0.9
MOST_APART = 2.5  # spreads by which the halves differ in the median: sagittal slices differ by more


@dataclass(frozen=True)
class Bulk:
    """Level and spread of the densest half of the brain's intensities.

    Attributes
    ----------
    level, spread : float
        The median of the shortest range that holds half of them, and its length in standard deviations of a normal
        distribution; in the unit of the signal.
    """

    level: float
    spread: float


def bulk_of(signal: np.ndarray, brain: np.ndarray, depth: np.ndarray) -> Bulk:
    """The densest half of the brain, away from its rim where it is large enough: no outlier moves it.

    Parameters
    ----------
    signal : ndarray of float32, shape (rows, columns)
        From no signal.
    brain : ndarray of bool, same shape
        Not empty.
    depth : ndarray of float32, same shape
        Distance to the rim, pixels.

    Returns
    -------
    Bulk

    References
    ----------
    Bickel, Fruehwirth: On a fast, robust estimator of the mode. Computational Statistics & Data Analysis 50, 2006.
    """
    inner = brain & (depth > RIM)
    values = np.sort(signal[inner if inner.sum() > LEAST_BULK * brain.sum() else brain])
    half = max(1, len(values) // 2)
    widths = values[half:] - values[:-half] if len(values) > half else np.zeros(1)
    first = int(widths.argmin())
    level = max(float(np.median(values[first : first + half])), 1e-6 * float(values[-1]), 1e-12)
    return Bulk(level, max(float(widths[first]) / NORMAL_HALF, LEAST_SPREAD * level))


def mirrored_columns(brain: np.ndarray) -> np.ndarray:
    """For each column the one at the same place opposite.

    Parameters
    ----------
    brain : ndarray of bool, shape (rows, columns)
        Not empty, upright.

    Returns
    -------
    ndarray of int, shape (columns,)

    Examples
    --------
    >>> mirrored_columns(np.array([[False, True, True, True, True, False, False]]))
    array([5, 4, 3, 2, 1, 0, 0])
    """
    filled = np.flatnonzero(brain.any(0))
    opposite: np.ndarray = np.clip(filled[0] + filled[-1] - np.arange(brain.shape[1]), 0, brain.shape[1] - 1)
    return opposite


def one_sided(deviation: np.ndarray, brain: np.ndarray, least_share: float = LEAST_SHARE) -> np.ndarray:
    """Compact parts of the brain with nothing like them opposite.

    Parameters
    ----------
    deviation : ndarray of float32, shape (rows, columns)
        From the brain's bulk in spreads of it, smoothed over the brain by `SMOOTH`.
    brain : ndarray of bool, same shape
    least_share : float
        Of the brain, that a part must have.

    Returns
    -------
    ndarray of bool, same shape
        Empty where the slice has no symmetry.
    """
    columns = mirrored_columns(brain)
    opposite, other = deviation[:, columns], brain[:, columns]
    both = brain & other
    none = np.zeros_like(brain)
    if 2 * both.sum() < LEAST_OVERLAP * 2 * brain.sum() or not both.any():
        return none
    if np.median(np.abs(deviation - opposite)[both]) > MOST_APART:
        return none
    beyond = deviation - scipy.ndimage.maximum_filter(np.where(other, opposite, -np.inf), REACH)
    likely = scipy.ndimage.binary_opening(brain & np.isfinite(beyond) & (beyond > LIKELY) & (deviation > OWN))
    pieces, count = scipy.ndimage.label(likely)
    size = np.bincount(pieces.ravel(), minlength=count + 1)
    sure = np.bincount(pieces.ravel(), (likely & (beyond > SURE)).ravel(), count + 1)
    keep = (size > least_share * brain.sum()) & (sure > SURE_PART * size)
    keep[0] = False
    found = scipy.ndimage.binary_fill_holes(keep[pieces])
    grown = scipy.ndimage.binary_dilation(found, iterations=2) & brain
    return grown if grown.sum() < MOST_SHARE * brain.sum() else none


def on_one_side(data: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Compact parts of a slice that are brighter, or darker, than anything opposite.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Intensities, from no signal.
    mask : ndarray of bool, same shape
        The brain, not empty.
    spacing : tuple of float
        Sides of a pixel, mm or any unit.

    Returns
    -------
    ndarray of bool, same shape
        Empty where the slice has no symmetry.
    """
    box = bounding_box(mask)
    inside = mask[box]
    extent = max(n * side for n, side in zip(inside.shape, spacing, strict=True))
    factors = [BRAIN_SIDE * side / extent for side in spacing]
    quiet = scipy.ndimage.gaussian_filter(data[box], [max(0.0, 0.5 * (1 / factor - 1)) for factor in factors])
    signal, share = _resized(quiet, factors), _resized(inside.astype(np.float32), factors)
    brain = share > HALF
    if not brain.any():
        return np.zeros_like(mask)
    depth = distance_to_background(brain, (1.0, 1.0), at_border="edge").astype(np.float32)
    bulk, weight = bulk_of(signal, brain, depth), scipy.ndimage.gaussian_filter(brain.astype(np.float32), SMOOTH)
    deviation = np.clip((signal - bulk.level) / bulk.spread, -FARTHEST, FARTHEST) * brain
    deviation = scipy.ndimage.gaussian_filter(deviation, SMOOTH) / np.maximum(weight, LEAST_WEIGHT)
    brighter, darker = (one_sided(sign * deviation, brain, LEAST_LABELED_SHARE) for sign in (1, -1))
    parts = brighter | darker
    whole = np.zeros_like(mask)
    back = [n / m for n, m in zip(inside.shape, parts.shape, strict=True)]
    whole[box] = (_resized(parts.astype(np.float32), back) > HALF) & inside
    return whole


def _resized(values: np.ndarray, factors: list[float]) -> np.ndarray:
    """Values on a finer or coarser grid."""
    shape = [max(1, round(n * factor)) for n, factor in zip(values.shape, factors, strict=True)]
    by = [m / n for m, n in zip(shape, values.shape, strict=True)]
    resized: np.ndarray = scipy.ndimage.zoom(values, by, order=1, mode="nearest", grid_mode=True)
    return resized
