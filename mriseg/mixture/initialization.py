"""Where expectation-maximization begins: the partition of the histogram with the least variance."""

from itertools import pairwise

import numpy as np

from mriseg.mixture import em
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.model import Mixture

VARIANCE_FLOOR = 1e-6  # of the variance of all voxels: a class narrower than this is one gray level
DEEP_MEAN_AT_START = (
    0.35  # of the way from gray to white matter: where the brightness of the deep nuclei is first looked for
)
START_BINS = 256  # the start is a partition by dynamic programming, quadratic in the bins
START_TRIM = 0.005  # share left out at each end for the start: a few voxels of bone must not be one of three parts
START_TRIM_DARK = 0.1  # at the dark end where fluid is bright, as many as may be outliers


def initial_parameters(
    points: np.ndarray,
    counts: np.ndarray,
    layout: MixtureLayout,
    *,
    expected: np.ndarray,
    dark_outliers: bool,
) -> em.Parameters:
    """The partition of least variance along the first channel, its spread shared by all classes.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Standardized.
    counts : ndarray of shape (n,)
        How often each was seen.
    layout : MixtureLayout
    expected : ndarray of shape (zones, components)
        Expected weights, with which the start begins.
    dark_outliers : bool
        Whether many of the darkest voxels may be bone.

    Returns
    -------
    em.Parameters
        Of one channel.
    """
    edges = np.linspace(points[:, 0].min(), points[:, 0].max(), START_BINS + 1)
    bin_of = np.clip(np.searchsorted(edges, points[:, 0], side="right") - 1, 0, START_BINS - 1)
    mass = np.bincount(bin_of, counts, START_BINS)
    sums = np.bincount(bin_of, counts * points[:, 0], START_BINS)
    below = np.cumsum(mass) / mass.sum()
    trim = START_TRIM_DARK if dark_outliers else START_TRIM
    typical = (below >= trim) & (below <= 1 - START_TRIM) & (mass > 0)
    if typical.sum() < layout.classes:
        typical = mass > 0
    mass, levels = mass[typical], sums[typical] / mass[typical]
    parts = [slice(a, b) for a, b in pairwise(least_variance_partition(levels, mass, layout.classes))]
    means = np.array([np.average(levels[part], weights=mass[part]) for part in parts])
    within = sum((mass[part] * (levels[part] - mean) ** 2).sum() for part, mean in zip(parts, means, strict=True))
    variance = max(within / mass.sum() / 2, VARIANCE_FLOOR)
    if layout.deep is not None:
        gray, white = means[[layout.deep.gray, layout.deep.white]]
        means = np.append(means, gray + DEEP_MEAN_AT_START * (white - gray))
    covariances = np.full((layout.mixed_covariance + 1, 1, 1), variance)
    return em.Parameters(means[:, None], covariances, expected.copy())


def extend_to_channels(
    intensities: np.ndarray, points: np.ndarray, counts: np.ndarray, start: Mixture
) -> em.Parameters:
    """Means and covariances in all channels of the voxels that a mixture of the first one gives to its Gaussians.

    Parameters
    ----------
    intensities, points : ndarray of shape (n, channels)
        As they are, and standardized.
    counts : ndarray of shape (n,)
        How often each was seen.
    start : Mixture
        Of the first channel's intensities.

    Returns
    -------
    em.Parameters
        Of the points: a mean a class, one covariance for all, the weights of the start.
    """
    structure, old = start.structure, start.parameters
    parameters = em.Parameters(old.means, old.covariances, old.weights)
    densities = np.exp(em.log_densities(intensities[:, :1], structure, parameters))
    weights = start.zone_shares @ old.weights
    share = densities * weights[structure.component]
    share *= (counts / (share.sum(1) + np.finfo(float).tiny))[:, None]
    pure = np.argmax(structure.fractions == 1, 0)  # the Gaussian that is each class alone
    means = np.stack([np.average(points, weights=share[:, g] + 1e-12, axis=0) for g in pure])
    common = np.zeros((points.shape[1],) * 2)
    for g, mean in zip(pure, means, strict=True):
        common += (share[:, g, None] * (points - mean)).T @ (points - mean)
    common /= share[:, pure].sum()
    common += VARIANCE_FLOOR * np.eye(len(common))
    return em.Parameters(means, np.repeat(common[None], len(old.covariances), 0), old.weights)


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
