"""Fit the tissue mixture to a histogram; the cost does not grow with the number of voxels."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from mriseg.core.errors import SeparationError
from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture import em
from mriseg.mixture.histogram import Cells
from mriseg.mixture.model import Mixture, layout, pairs, uniform
from mriseg.mixture.spatial_prior import TISSUES, Zones, one_zone

TOLERANCE = 1e-6  # gain of log likelihood per voxel below which a fit has converged
FIRST_TOLERANCE = 1e-4  # the same of a fit that only begins another
MAX_ITERATIONS = 1000  # nine brains in ten need less than 150, one in a thousand more than 500
VARIANCE_FLOOR = 1e-6  # of the variance of all voxels: a class narrower than this is one grey level
# How often two tissues share a voxel, against the product of their shares in a zone: gray matter lies between the
# others. Medians over brains at 1 mm. Of the whole brain (see `zones`) it makes 36 % mixed voxels.
MIXING = {
    frozenset((Tissue.CSF, Tissue.GM)): 1.45,
    frozenset((Tissue.GM, Tissue.WM)): 1.22,
    frozenset((Tissue.CSF, Tissue.WM)): 0.5,
}
LEAST_EXPECTED = 0.01  # of any component in any zone
# Without expectations a mixture of three classes fits many brains better with no class for the fluid, which is little
# and seldom pure, and two for gray matter. Against the observed shares; between 0.1 and 1 labels are nearly the same.
SHARE_STRENGTH = 0.3
# In zones the expectation of each is its own, and wins only where intensity cannot tell.
ZONE_STRENGTH = 0.2
# Noise is the same in all classes, the rest of their spread is anatomy: with less than 0.6 gray matter swallows the
# mixed voxels of thick slices, with more than 4 the spread of coarse ones is not seen.
SPREAD_STRENGTH = 2.0
# While it is not known which tissue is which and where, the wide class must be free to show itself.
SPREAD_STRENGTH_UNNAMED = 0.1
# Outliers may lie anywhere, but more of them would take the fluid of T1 and FLAIR, which is spread thinly.
MOST_OUTLIERS = 0.02
# Where fluid is bright, bone in the mask is darker than every tissue: outliers are looked for there, and may be more.
MOST_BONE = 0.1
# Share of the gray matter about the deep nuclei that has their brightness rather than the cortex's.
DEEP_GRAY = 0.8
DEEP_WITHIN = (-0.1, 1.1)  # of the way from gray to white matter: farther off is no gray matter
DEEP_BETWEEN = 0.35  # of the way from gray to white matter: where the brightness of the deep nuclei is first looked for
PURE_SHARE_AT_START = 0.8  # the fit moves it; between 0.6 and 0.95 it ends in the same place
START_BINS = 256  # the start is a partition by dynamic programming, quadratic in the bins
START_TRIM = 0.005  # share left out at each end for the start: a few voxels of bone must not be one of three parts
START_TRIM_OF_BONE = 0.1  # at the dark end where fluid is bright, as many as may be outliers
MIN_VOXELS = 300  # a hundred for each class: below, its spread is not known within 10 %
# Where it is not known which tissue is which, a fit is made for each kind of contrast.
FLUID_DARK, FLUID_BRIGHT = Contrast.T1.dark_to_bright, Contrast.T2.dark_to_bright


def fit(
    cells: Cells,
    order: tuple[Tissue, ...],
    zones: Zones | None = None,
    start: Mixture | None = None,
    tolerance: float = TOLERANCE,
    named: bool = True,
    strength: float | None = None,
) -> Mixture:
    """Fit the tissues and the mixed voxels between them, the likeliest given what a brain holds and where.

    Parameters
    ----------
    cells : Cells
        Counts of the brain's intensities, by zone.
    order : tuple of Tissue
        From dark to bright on the first channel.
    zones : Zones, optional
        What to expect in each zone of `cells`; by default they are one, the whole brain.
    start : Mixture, optional
        Where to begin, of the same zones, or of the first channel alone; by default the partition of least variance
        of the first channel, so that the result is deterministic.
    tolerance : float
        Gain of log likelihood per voxel at which to stop.
    named : bool
        Whether `order` is known. Where it only is tried, many dark voxels must not be bone, since they may be fluid
        that is dark, and in one zone the spreads of the classes may differ more.
    strength : float, optional
        Of the expectations against the observed shares; by default as the zones are several or one.

    Returns
    -------
    Mixture
        Classes named by `order`. In one zone they run from dark to bright; where zones say which tissue lies where, a
        wrong order can come out with the right means, which is how `name` finds it (see `by_brightness`).

    Raises
    ------
    SeparationError
        If there are too few voxels or levels for three classes.
    """
    located = zones is not None and len(zones) > 1
    zones = zones or one_zone(())
    classes = len(order)
    deep = (order.index(Tissue.GM), order.index(Tissue.WM)) if located and zones.deep.any() else None
    expected = expectation(zones, order)
    bone = named and order[-1] is Tissue.CSF
    spread = SPREAD_STRENGTH if named or located else SPREAD_STRENGTH_UNNAMED
    if located and start is None and strength is None:  # from a poor start the scan's own word can lose a tissue
        start = _climb(cells, classes, deep, expected, 1.0, spread, order, None, FIRST_TOLERANCE, bone)
    strength = strength or (ZONE_STRENGTH if located else SHARE_STRENGTH)
    mixture = _climb(cells, classes, deep, expected, strength, spread, order, start, tolerance, bone)
    if deep is None:
        return mixture
    gray, white, nuclei = mixture.parameters.means[[*deep, -1], 0]
    if DEEP_WITHIN[0] <= (nuclei - gray) / (white - gray) <= DEEP_WITHIN[1]:
        return mixture
    # The class has found something else, as the ventricles on a scan where they are hardly brighter than gray matter.
    whole = Zones(zones.index, zones.shares, np.zeros(len(zones)))
    return fit(cells, order, whole, None, tolerance, named, strength)


def fit_classes(cells: Cells, classes: int, start: Mixture | None = None) -> Mixture:
    """Fit any number of classes and the mixed voxels between neighbours, without knowledge of what they are.

    Parameters and errors are those of `fit`.
    """
    expected = even_expectation(classes)
    return _climb(cells, classes, None, expected, SHARE_STRENGTH, SPREAD_STRENGTH_UNNAMED, (), start, TOLERANCE, False)


def expectation(zones: Zones, order: tuple[Tissue, ...]) -> np.ndarray:
    """Expected weight of each component of `layout` in each zone, shape (zones, components)."""
    share = dict(zip(TISSUES, zones.shares.T, strict=True))
    pure = {tissue: share[tissue].copy() for tissue in share}
    mixed = {}
    for a, b in pairs(3):
        both = MIXING[frozenset((order[a], order[b]))] * share[order[a]] * share[order[b]]
        mixed[a, b] = both
        pure[order[a]] -= both / 2
        pure[order[b]] -= both / 2
    columns = [pure[tissue] for tissue in order]
    for pair in pairs(3):
        columns += [mixed[pair] / 2] * 2
    expected = np.maximum(np.stack(columns, 1), LEAST_EXPECTED)
    expected /= expected.sum(1, keepdims=True)
    if len(zones) > 1 and zones.deep.any():
        gray, white = order.index(Tissue.GM), order.index(Tissue.WM)
        at = 3 + 2 * pairs(3).index((min(gray, white), max(gray, white)))
        near_gray, near_white = (at, at + 1) if gray < white else (at + 1, at)
        of_cortex = [near_gray, near_white, gray]
        of_nuclei = expected[:, of_cortex] * DEEP_GRAY * zones.deep[:, None]
        expected[:, of_cortex] -= of_nuclei
        expected = np.hstack([expected, of_nuclei])
    return expected


def even_expectation(classes: int) -> np.ndarray:
    """Expected weight of each component of `layout` where nothing is known of the classes, shape (1, components)."""
    mixed = (1 - PURE_SHARE_AT_START) / (2 * len(pairs(classes)))
    return np.repeat([PURE_SHARE_AT_START / classes, mixed], [classes, 2 * len(pairs(classes))])[None]


def _climb(
    cells: Cells,
    classes: int,
    deep: tuple[int, int] | None,
    expected: np.ndarray,
    strength: float,
    spread_strength: float,
    order: tuple[Tissue, ...],
    start: Mixture | None,
    tolerance: float,
    bone: bool,
) -> Mixture:
    filled = cells.counts.sum(0) > 0
    intensities, counts = cells.points[filled], cells.counts[:, filled]
    levels = len(np.unique(intensities[:, 0]))
    if levels < 2 * classes or counts.sum() < MIN_VOXELS:
        number = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}[classes]
        raise SeparationError(
            f"The brain region holds {counts.sum():.0f} voxels on {levels} gray levels, too few for {number} "
            "tissues. Use the original scan rather than a label map, a mask or a crop of it."
        )
    start = start if start is None or start.deep == deep else None
    if start is None and intensities.shape[1] > 1:
        first = Cells(intensities[:, :1], counts)
        start = _climb(first, classes, deep, expected, strength, spread_strength, order, None, FIRST_TOLERANCE, bone)
    structure, total = layout(classes, deep), counts.sum(0)
    centre = np.average(intensities, weights=total, axis=0)
    spread = np.sqrt(np.average((intensities - centre) ** 2, weights=total, axis=0))
    points = (intensities - centre) / spread
    if start is None:
        parameters = _start(points, total, classes, deep, expected, bone)
    elif start.channels < points.shape[1]:
        parameters = _spread_to_channels(intensities, points, total, start)
    else:
        shift = start.parameters.means - centre
        scaled = start.parameters.covariances / np.outer(spread, spread)
        parameters = em.Parameters(shift / spread, scaled, start.parameters.weights, start.outliers)
    low, high = intensities.min(0), intensities.max(0)
    if bone and points.shape[1] == 1:
        high = np.maximum(parameters.means.min(0) * spread + centre, np.partition(np.unique(intensities), 1)[1:2])
    most = MOST_BONE if bone and points.shape[1] == 1 else MOST_OUTLIERS
    parameters, history, converged = em.maximise(
        points,
        counts,
        structure,
        parameters,
        tolerance,
        MAX_ITERATIONS,
        np.full(points.shape[1], VARIANCE_FLOOR),
        outlier_density=float(np.prod(spread)) * uniform(intensities, (low, high)),
        prior=em.Prior(expected, strength, spread_strength, most),
    )
    parameters = em.Parameters(
        parameters.means * spread + centre,
        parameters.covariances * np.outer(spread, spread),
        parameters.weights,
        parameters.outliers,
    )
    zone_shares = counts.sum(1) / counts.sum()
    mixture = Mixture(
        parameters, zone_shares, classes, deep, (low, high), np.nan, len(history), converged, tissues=order
    )
    mixture = mixture if len(counts) > 1 else _sorted(mixture)
    density = mixture.zone_densities(intensities).sum(0) + mixture.outliers * uniform(intensities, (low, high))
    log_likelihood = (counts * np.log(np.maximum(density, np.finfo(float).tiny))).sum() / counts.sum()
    return replace(mixture, log_likelihood=float(log_likelihood))


def by_brightness(mixture: Mixture) -> tuple[Tissue, ...]:
    """The tissues from dark to bright as they were fitted on the first channel."""
    return tuple(mixture.tissues[k] for k in np.argsort(mixture.means, kind="stable"))


def in_order(mixture: Mixture, tissues: tuple[Tissue, ...]) -> Mixture:
    """The same mixture with its classes in another order."""
    return _permuted(mixture, np.array([mixture.tissues.index(tissue) for tissue in tissues]))


def _sorted(mixture: Mixture) -> Mixture:
    """The same with its pure classes from dark to bright, should the fit have exchanged two of them; names stay."""
    return replace(_permuted(mixture, np.argsort(mixture.means, kind="stable")), tissues=mixture.tissues)


def _permuted(mixture: Mixture, order: np.ndarray) -> Mixture:
    """The same with its classes in the order given, and all that hangs on their order."""
    n, old = mixture.classes, mixture.parameters
    if (order == np.arange(n)).all():
        return mixture
    rank = np.argsort(order)
    moved = [(int(rank[a]), int(rank[b])) for a, b in pairs(n)]
    where = {(min(pair), max(pair)): (at, pair[0] > pair[1]) for at, pair in enumerate(moved)}
    columns = [int(k) for k in order]
    for at, pair in enumerate(pairs(n)):
        source, turned = where.get(pair, (at, False))
        columns += [n + 2 * source + 1, n + 2 * source] if turned else [n + 2 * source, n + 2 * source + 1]
    columns += range(len(columns), old.weights.shape[1])
    classes = np.concatenate([order, np.arange(n, len(old.means))])
    parameters = em.Parameters(
        old.means[classes], old.covariances[np.append(order, n)], old.weights[:, columns], old.outliers
    )
    deep = None if mixture.deep is None else (int(rank[mixture.deep[0]]), int(rank[mixture.deep[1]]))
    tissues = tuple(mixture.tissues[k] for k in order) if mixture.tissues else ()
    return replace(mixture, parameters=parameters, deep=deep, tissues=tissues)


def _start(
    points: np.ndarray,
    counts: np.ndarray,
    classes: int,
    deep: tuple[int, int] | None,
    expected: np.ndarray,
    bone: bool,
) -> em.Parameters:
    """The partition of least variance along the first channel, its spread shared by all classes."""
    edges = np.linspace(points[:, 0].min(), points[:, 0].max(), START_BINS + 1)
    bin_of = np.clip(np.searchsorted(edges, points[:, 0], side="right") - 1, 0, START_BINS - 1)
    mass = np.bincount(bin_of, counts, START_BINS)
    sums = np.bincount(bin_of, counts * points[:, 0], START_BINS)
    below = np.cumsum(mass) / mass.sum()
    kept = (below >= (START_TRIM_OF_BONE if bone else START_TRIM)) & (below <= 1 - START_TRIM) & (mass > 0)
    if kept.sum() < classes:
        kept = mass > 0
    mass, levels = mass[kept], sums[kept] / mass[kept]
    parts = [slice(a, b) for a, b in pairwise(least_variance_partition(levels, mass, classes))]
    means = np.array([np.average(levels[part], weights=mass[part]) for part in parts])
    within = sum((mass[part] * (levels[part] - mean) ** 2).sum() for part, mean in zip(parts, means, strict=True))
    variance = max(within / mass.sum() / 2, VARIANCE_FLOOR)
    if deep is not None:
        gray, white = means[list(deep)]
        means = np.append(means, gray + DEEP_BETWEEN * (white - gray))
    return em.Parameters(means[:, None], np.full((classes + 1, 1, 1), variance), expected.copy())


def _spread_to_channels(
    intensities: np.ndarray, points: np.ndarray, counts: np.ndarray, start: Mixture
) -> em.Parameters:
    """Means and covariances in all channels of the voxels that a mixture of the first one gives to its Gaussians."""
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
