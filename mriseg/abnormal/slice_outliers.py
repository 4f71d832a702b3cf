"""Bright parts of a single slice that no healthy tissue explains, and what they enclose.

No average brain tells what to expect of a place, so the level is that of the bulk of the brain: the densest half of its
intensities. Only where fluid is dark can this be told: elsewhere a bright part may be fluid.

References
----------
Bickel, Fruehwirth: On a fast, robust estimator of the mode. Computational Statistics & Data Analysis 50, 2006 (the
shortest half).
"""

import numpy as np
import scipy

from mriseg.abnormal.levels import LEAST_SPREAD
from mriseg.abnormal.parts import enclosed_by, large_parts, touching
from mriseg.image.morphology import bounding_box, distance_to_background

WORKING_SIDE = 170  # pixels of the brain's longer side: about 1 mm; all lengths below are of these
RIM = 3.0  # nearer to the rim is fluid, bone and dura
NORMAL_HALF = 1.349  # standard deviations that the middle half of a normal distribution covers
QUIET, REACH = 2.0, 5.0  # standard deviations of Gaussians: that quiets the noise, and about the seeds
# Spreads above the bulk: white matter on T1 and gray matter on FLAIR stay below 3.
SEED, GROWTH, HALF_WAY = 3.0, 1.5, 0.5
LEAST_SHARE = 0.005  # of the brain: a smaller part is a vessel
# A dark part is so many spreads below the bulk, and enclosed where half of its border in the brain is bright.
DARK, DARK_QUIET, LEAST_CONTACT, BORDER = 1.75, 1.5, 0.5, 4


def abnormal_in_slice(data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What is brighter than any tissue, of a slice in which fluid is dark.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Intensities, from no signal.
    mask : ndarray of bool, same shape
        The brain.

    Returns
    -------
    ndarray of bool, same shape

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> data, mask = rng.normal(100, 5, (90, 90)).astype(np.float32), np.ones((90, 90), bool)
    >>> data[30:45, 30:45] += 60
    >>> bool(abnormal_in_slice(data, mask)[32:43, 32:43].all()), int(abnormal_in_slice(data, mask)[60:].sum())
    (True, 0)
    """
    extent = max(part.stop - part.start for part in bounding_box(mask))
    step = max(1, round(extent / WORKING_SIDE))
    thin = (slice(step // 2, None, step),) * 2
    if step > 1:
        data = scipy.ndimage.uniform_filter(data, step)
    parts = _abnormal(data[thin], mask[thin], pixel=extent / step / WORKING_SIDE)
    rows, columns = (np.minimum(np.arange(n) // step, m - 1) for n, m in zip(mask.shape, parts.shape, strict=True))
    return parts[rows[:, None], columns] & mask


def _abnormal(x: np.ndarray, brain: np.ndarray, pixel: float) -> np.ndarray:
    """The same of a thinned slice, so many of whose pixels are one at the working size."""
    inner = brain & (distance_to_background(brain, (1.0, 1.0)) > RIM * pixel)
    if not inner.any():
        return inner
    level, spread = _bulk(x[inner])
    seeds = brain & (_smooth(x, brain, QUIET * pixel) > level + SEED * spread)
    seeds &= touching(brain & (x > level + GROWTH * spread), seeds)
    if not seeds.any():
        return seeds
    weight = scipy.ndimage.gaussian_filter(seeds.astype(np.float32), REACH * pixel)
    total = scipy.ndimage.gaussian_filter(np.where(seeds, x, 0).astype(np.float32), REACH * pixel)
    known = weight > 1e-4
    brightness = np.divide(total, weight, out=np.zeros_like(total), where=known)
    grown = brain & known & (x > level + np.maximum(GROWTH * spread, HALF_WAY * (brightness - level)))
    bright = large_parts(touching(grown, seeds), LEAST_SHARE * np.count_nonzero(brain))
    if not bright.any():
        return bright
    dark = brain & ~bright & (_smooth(x, brain, DARK_QUIET * pixel) < level - DARK * spread)
    dark = scipy.ndimage.binary_opening(dark)
    return enclosed_by(bright, dark, brain, least_contact=LEAST_CONTACT, steps=max(1, round(BORDER * pixel)))


def _bulk(values: np.ndarray) -> tuple[float, float]:
    """Level and spread of the densest half."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    widths = ordered[half:] - ordered[: len(ordered) - half]
    first = int(widths.argmin())
    level = float(np.median(ordered[first : first + half + 1]))
    return level, max(float(widths[first]) / NORMAL_HALF, LEAST_SPREAD * level)


def _smooth(values: np.ndarray, brain: np.ndarray, sd: float) -> np.ndarray:
    """Gaussian average over the brain alone."""
    weight = scipy.ndimage.gaussian_filter(brain.astype(np.float32), sd, truncate=2.5)
    total = scipy.ndimage.gaussian_filter(np.where(brain, values, 0).astype(np.float32), sd, truncate=2.5)
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-3)
