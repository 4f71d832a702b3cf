"""Fit the tissue mixture to a histogram; the cost does not grow with the number of voxels."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from mriseg import em
from mriseg.errors import SeparationError
from mriseg.histogram import Histogram
from mriseg.mixture import MIXED_PAIRS, STRUCTURE, Mixture, uniform

CLASSES = 3
TOLERANCE = 1e-6  # gain of log likelihood per voxel below which a fit has converged
MAX_ITERATIONS = 1000  # nine brains in ten need less than 150, one in a thousand more than 500
VARIANCE_FLOOR = 1e-6  # of the variance of all voxels: a class narrower than this is one grey level
# What a brain is expected to hold, as shares of its voxels. Without it a mixture of three classes fits many brains
# better with no class for the fluid, which is little and seldom pure, and two for gray matter.
FLUID, GRAY, WHITE = 0.14, 0.26, 0.24  # pure voxels
FLUID_GRAY, GRAY_WHITE, FLUID_WHITE = 0.14, 0.18, 0.04  # mixed voxels
# Against the observed shares; between 0.1 and 1 the labels are nearly the same, at 0 the fluid gets lost.
SHARE_STRENGTH = 0.3
# Noise is the same in all classes, the rest of their spread is anatomy and partial volume; bright fluid flows besides.
SPREAD_STRENGTH_IF_FLUID_IS_DARK, SPREAD_STRENGTH_IF_FLUID_IS_BRIGHT = 0.3, 0.1
# Outliers may lie anywhere, but more of them would take the fluid of T1 and FLAIR, which is spread thinly.
MOST_OUTLIERS = 0.02
# Where fluid is bright, bone in the mask is darker than every tissue: outliers are looked for there, and may be more.
MOST_BONE = 0.1
PURE_SHARE_AT_START = 0.8  # the fit moves it; between 0.6 and 0.95 it ends in the same place
START_BINS = 256  # the start is a partition by dynamic programming, quadratic in the bins
START_TRIM = 0.005  # share left out at each end for the start: a few voxels of bone must not be one of three parts
START_TRIM_OF_BONE = 0.1  # at the dark end where fluid is bright, as many as may be outliers
MIN_VOXELS = 300  # a hundred for each class: below, its spread is not known within 10 %


def fit(
    histogram: Histogram,
    fluid_is_dark: bool,
    start: Mixture | None = None,
    tolerance: float = TOLERANCE,
    bone: bool = True,
) -> Mixture:
    """Fit three Gaussian classes and the mixed voxels between them, the likeliest given what a brain holds.

    Parameters
    ----------
    histogram : Histogram
        Of the brain's intensities.
    fluid_is_dark : bool
        Whether fluid is the darkest class (as on T1 and FLAIR) or the brightest (as on T2 and PD).
    start : Mixture, optional
        Where to begin; by default the partition of least variance, so that the result is deterministic.
    tolerance : float
        Gain of log likelihood per voxel at which to stop.
    bone : bool
        Whether many dark voxels may be bone where fluid is bright. While it is not yet known whether it is, they must
        not: they may be fluid that is dark.

    Returns
    -------
    Mixture
        Classes from dark to bright, not yet named.

    Raises
    ------
    SeparationError
        If there are too few voxels or levels for three classes, or one of them vanishes.
    """
    filled = histogram.counts > 0
    levels, counts = histogram.levels[filled], histogram.counts[filled]
    if len(levels) < 2 * CLASSES or counts.sum() < MIN_VOXELS:
        raise SeparationError(
            f"The brain region holds {counts.sum():.0f} voxels on {len(levels)} gray levels, too few for three "
            "tissues. Use the original scan rather than a label map, a mask or a crop of it."
        )
    centre = np.average(levels, weights=counts)
    spread = np.sqrt(np.average((levels - centre) ** 2, weights=counts))
    points = ((levels - centre) / spread)[:, None]
    parameters = (
        _start(histogram, centre, spread, fluid_is_dark)
        if start is None
        else em.Parameters(
            (start.means[:, None] - centre) / spread,
            (np.append(start.sds, start.mixed_sd)[:, None, None] / spread) ** 2,
            np.concatenate([start.weights, start.mixed_weights]) / (1 - start.outliers),
        )
    )
    darkest = float(parameters.means.min() * spread + centre)
    outlier_range = (float(levels[0]), float(levels[-1]) if fluid_is_dark else max(darkest, float(levels[1])))
    parameters, history, converged = em.maximise(
        points,
        counts,
        STRUCTURE,
        parameters,
        tolerance,
        MAX_ITERATIONS,
        np.array([VARIANCE_FLOOR]),
        outlier_density=spread * uniform(levels, outlier_range),
        prior=_prior(fluid_is_dark, MOST_BONE if bone and not fluid_is_dark else MOST_OUTLIERS),
    )
    order = np.argsort(parameters.means[:, 0], kind="stable")
    sds = np.sqrt(parameters.covariances[:, 0, 0]) * spread
    weights = (1 - parameters.outliers) * parameters.weights
    pairs = [tuple(sorted(int(np.argsort(order)[i]) for i in pair)) for pair in MIXED_PAIRS]
    mixture = Mixture(
        means=parameters.means[order, 0] * spread + centre,
        sds=sds[:CLASSES][order],
        weights=weights[:CLASSES][order],
        mixed_weights=weights[CLASSES:][[pairs.index(pair) for pair in MIXED_PAIRS]],
        mixed_sd=float(sds[CLASSES]),
        outliers=parameters.outliers,
        outlier_range=outlier_range,
        log_likelihood=np.nan,
        iterations=len(history),
        converged=converged,
    )
    log_likelihood = np.average(np.log(mixture.density(levels)), weights=counts)
    return replace(mixture, log_likelihood=float(log_likelihood))


def _prior(fluid_is_dark: bool, most_outliers: float) -> em.Prior:
    """The expectations for the components of `STRUCTURE`, whose classes run from dark to bright."""
    if fluid_is_dark:
        shares = [FLUID, GRAY, WHITE, FLUID_GRAY, GRAY_WHITE, FLUID_WHITE]
        spread = SPREAD_STRENGTH_IF_FLUID_IS_DARK
    else:
        shares = [WHITE, GRAY, FLUID, GRAY_WHITE, FLUID_GRAY, FLUID_WHITE]
        spread = SPREAD_STRENGTH_IF_FLUID_IS_BRIGHT
    return em.Prior(np.array(shares), SHARE_STRENGTH, spread, most_outliers)


def _start(histogram: Histogram, centre: float, spread: float, fluid_is_dark: bool) -> em.Parameters:
    coarse = histogram.rebin(START_BINS)
    below = np.cumsum(coarse.counts) / coarse.counts.sum()
    dark_end = START_TRIM if fluid_is_dark else START_TRIM_OF_BONE
    kept = (below >= dark_end) & (below <= 1 - START_TRIM)
    levels, counts = (coarse.levels[kept] - centre) / spread, coarse.counts[kept]
    edges = least_variance_partition(levels, counts, CLASSES)
    parts = [slice(a, b) for a, b in pairwise(edges)]
    mass = np.array([counts[part].sum() for part in parts])
    means = np.array([np.average(levels[part], weights=counts[part]) for part in parts])
    within = sum((counts[part] * (levels[part] - mean) ** 2).sum() for part, mean in zip(parts, means, strict=True))
    variance = np.full((CLASSES + 1, 1, 1), max(within / counts.sum() / 2, VARIANCE_FLOOR))
    mixed = np.full(len(MIXED_PAIRS), (1 - PURE_SHARE_AT_START) / len(MIXED_PAIRS))
    return em.Parameters(means[:, None], variance, np.concatenate([PURE_SHARE_AT_START * mass / mass.sum(), mixed]))


def least_variance_partition(levels: np.ndarray, counts: np.ndarray, parts: int) -> list[int]:
    """Cut a histogram into the contiguous parts of least total variance: k-means in one dimension, exactly.

    Parameters
    ----------
    levels, counts : ndarray of shape (bins,)
        Ascending levels and how often each was seen.
    parts : int
        How many, at most the number of filled bins.

    Returns
    -------
    list of int
        The `parts + 1` edges as bin indices, from 0 to bins; every part holds at least one count.

    References
    ----------
    Wang, Song: Ckmeans.1d.dp: optimal k-means clustering in one dimension by dynamic programming.
    The R Journal 3, 2011.
    """
    bins = len(levels)
    sums = [np.concatenate([[0], np.cumsum(counts * levels**power)]) for power in (0, 1, 2)]
    start, end = np.arange(bins + 1)[:, None], np.arange(bins + 1)[None, :]
    mass, first, second = (s[end] - s[start] for s in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        scatter = np.where((start < end) & (mass > 0), second - first**2 / mass, np.inf)
    best, cuts = scatter[0], []
    for _ in range(parts - 1):
        total = best[:, None] + scatter
        cuts.append(total.argmin(0))
        best = total.min(0)
    edges = [bins]
    for cut in reversed(cuts):
        edges.append(int(cut[edges[-1]]))
    return [0, *reversed(edges)]
