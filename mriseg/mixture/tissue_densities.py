"""What the voxels of each tissue look like: the curves that are drawn over the histogram, and their sum.

The mixture that names voxels is tied: the noise is one for all classes, shares are expected, and a voxel is judged
together with where it lies and what surrounds it. All of that helps the labels, and none of it is what the intensities
of a tissue look like: those are sharper at the peak, skewed and shouldered, by myelin, deep nuclei, a rest of shading,
Rician noise and partial volume. Here each tissue has as many free Gaussians as its own voxels ask for. They come from
one more maximization step of the same algorithm, given the final responsibilities and without any prior; so the sum
follows the bars, and a tissue's curve is the density of the voxels that the labels take for it.

References
----------
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (several Gaussians a tissue).
Wu: On the convergence properties of the EM algorithm. Ann Stat 11, 1983 (a step for a part of the parameters raises
the likelihood as well).
"""

from dataclasses import dataclass

import numpy as np

from mriseg.mixture import em
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.standardization import Standardization

MOST_PARTS = 4  # Gaussians a tissue; most need two, the fluid and cortex of thick slices, which are mostly mixed, four
MOST_UNEXPLAINED_PARTS = 2  # of what no class explains: below all tissues, as bone, and above, as vessels
# Share of a tissue's voxels that its curve may misplace beyond chance before it has one Gaussian more.
ENOUGH_MISFIT = 0.01
BARS = 256  # of a histogram as it is drawn
NARROWEST = 0.5  # of a bar: standard deviation that every Gaussian has at least, or single gray levels would be spikes
LEAST_SHARE = 1e-4  # of the brain's voxels: a class of fewer has no curve
# Of log likelihood a voxel: a gain of less moves no curve by what the eye sees (misfit by less than .005 on 11 scans),
# and takes as long again.
TOLERANCE, MAX_ITERATIONS = 1e-5, 400
# Where a tissue's Gaussians begin: at its quantiles; or one sharp at the peak and wide ones about it (in standard
# deviations from the mean, and of each).
PEAKED_STARTS = {
    2: ((0.0, 0.0), (0.5, 1.5)),
    3: ((0.0, -1.0, 1.0), (0.5, 1.0, 1.0)),
}


@dataclass(frozen=True, eq=False)
class TissueDensities:
    """The density of each class as a sum of Gaussians: p(x) = sum_j w_j N(x | m_j, s_j^2).

    Attributes
    ----------
    weights : ndarray of shape (gaussians,)
        Share of the brain's voxels; sums to 1.
    means, sds : ndarray of shape (gaussians,)
        In the units of the corrected intensities.
    class_of : ndarray of int, shape (gaussians,)
        The class that each belongs to; `classes` where it is of the voxels that no class explains.
    classes : int
        How many classes there are.
    """

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    class_of: np.ndarray
    classes: int

    def density(self, x: np.ndarray) -> np.ndarray:
        """The fitted sum, as it is drawn over the histogram.

        Parameters
        ----------
        x : ndarray of shape (n,)
            Intensities, arbitrary units.

        Returns
        -------
        ndarray of shape (n,)
            Per unit of intensity; integrates to 1. Times the voxels and the width of a bin it is the expected count.

        Examples
        --------
        >>> x = np.linspace(-10, 40, 501)
        >>> weights, means, sds = np.array([0.7, 0.3]), np.array([10.0, 20.0]), np.array([2.0, 1.0])
        >>> one = TissueDensities(weights, means, sds, np.array([0, 1]), classes=2)
        >>> round(float(np.trapezoid(one.density(x), x)), 6)
        1.0
        """
        return self._gaussians(x).sum(1)

    def class_densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of each class at intensities of shape (n,), shape (n, classes)."""
        gaussians = self._gaussians(x)
        return np.stack([gaussians[:, self.class_of == k].sum(1) for k in range(self.classes)], 1)

    def unexplained_density(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of the voxels that no class explains, at intensities of shape (n,); shape (n,)."""
        return self._gaussians(x)[:, self.class_of == self.classes].sum(1)

    def gaussians_of(self, number: int) -> list[tuple[float, float, float]]:
        """Weight, mean and standard deviation of each Gaussian of a class, the heaviest first."""
        mine = np.flatnonzero(self.class_of == number)
        mine = mine[np.argsort(-self.weights[mine], kind="stable")]
        return [(float(self.weights[j]), float(self.means[j]), float(self.sds[j])) for j in mine]

    def moments_of(self, number: int) -> tuple[float, float, float]:
        """Share of the brain's voxels, mean and standard deviation of a class; of no voxels the latter are NaN."""
        mine = self.class_of == number
        share = float(self.weights[mine].sum())
        if not share:
            return 0.0, np.nan, np.nan
        mean = float(np.average(self.means[mine], weights=self.weights[mine]))
        within = self.sds[mine] ** 2 + (self.means[mine] - mean) ** 2
        return share, mean, float(np.sqrt(np.average(within, weights=self.weights[mine])))

    @property
    def class_shares(self) -> np.ndarray:
        """Share of the brain's voxels that each class's curve holds, shape (classes,)."""
        return np.array([self.moments_of(k)[0] for k in range(self.classes)])

    @property
    def unexplained(self) -> float:
        """Share of the brain's voxels that no class explains."""
        return self.moments_of(self.classes)[0]

    @property
    def class_means(self) -> np.ndarray:
        """Mean intensity of each class, shape (classes,); NaN of a class without voxels."""
        return np.array([self.moments_of(k)[1] for k in range(self.classes)])

    @property
    def class_sds(self) -> np.ndarray:
        """Standard deviation of each class's intensities, shape (classes,); NaN of a class without voxels."""
        return np.array([self.moments_of(k)[2] for k in range(self.classes)])

    def _gaussians(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of each Gaussian, shape (n, gaussians)."""
        deviation = (np.asarray(x, float)[:, None] - self.means) / self.sds
        return self.weights * np.exp(-0.5 * deviation**2) / (self.sds * np.sqrt(2 * np.pi))


def fit_tissue_densities(histogram: Histogram, class_counts: np.ndarray) -> TissueDensities:
    """Fit the curves of the classes, and one of what none of them explains, each to its own voxels.

    Parameters
    ----------
    histogram : Histogram
        Of the brain's corrected intensities.
    class_counts : ndarray of shape (classes, levels)
        How many voxels of each level belong to each class, by their posteriors; together at most the counts. What is
        missing to the counts is what no class explains.

    Returns
    -------
    TissueDensities

    Examples
    --------
    Half the voxels are a skewed tissue, the other half a plain one, and the tissues are known:

    >>> levels, rng = np.arange(400.0), np.random.default_rng(0)
    >>> skewed, plain = rng.gamma(9.0, 9.0, 20_000), rng.normal(300, 12, 20_000)
    >>> counts = np.stack([np.histogram(values, 400, (-0.5, 399.5))[0] for values in (skewed, plain)]).astype(float)
    >>> densities = fit_tissue_densities(Histogram(levels, counts.sum(0)), counts)
    >>> [int((densities.class_of == k).sum()) for k in range(2)], densities.class_shares.round(2).tolist()
    ([3, 1], [0.5, 0.5])
    """
    counts = [*class_counts, np.maximum(histogram.counts - class_counts.sum(0), 0)]
    total = histogram.counts.sum()
    most = [MOST_PARTS] * len(class_counts) + [MOST_UNEXPLAINED_PARTS]
    fits = [
        _fit_one(histogram, own, parts) if own.sum() > LEAST_SHARE * total else np.empty((0, 3))
        for own, parts in zip(counts, most, strict=True)
    ]
    class_of = np.repeat(np.arange(len(fits)), [len(parts) for parts in fits])
    shares = np.array([own.sum() for own in counts])[class_of]
    weights, means, sds = np.concatenate(fits).T
    weights = weights * shares
    return TissueDensities(weights / weights.sum(), means, sds, class_of, classes=len(class_counts))


def misfit(histogram: Histogram, density: np.ndarray) -> tuple[float, float]:
    """Share of the voxels that a density puts at another intensity than where they were counted.

    Parameters
    ----------
    histogram : Histogram
    density : ndarray of shape (levels,)
        Per unit of intensity, at the levels of the histogram.

    Returns
    -------
    misfit : float
        Total variation between what was counted and what is modeled, 0 to 1.
    by_chance : float
        What it would be on average if the density were right: the counts are Poisson's.

    Examples
    --------
    One voxel in ten lies beside its place; of a million voxels chance would move one in two thousand:

    >>> hist = Histogram(np.array([1.0, 2.0]), np.array([400_000.0, 600_000.0]))
    >>> [round(share, 4) for share in misfit(hist, np.array([0.5, 0.5]))]
    [0.1, 0.0006]
    """
    total = histogram.counts.sum()
    expected = density * histogram.width * total
    by_chance = np.sqrt(2 * expected / np.pi).sum() / 2 / total
    return float(np.abs(histogram.counts - expected).sum() / 2 / total), float(by_chance)


def _fit_one(histogram: Histogram, counts: np.ndarray, most_parts: int) -> np.ndarray:
    """Weights, means and standard deviations of the fewest Gaussians that follow the counts; shape (gaussians, 3)."""
    bars = Histogram(histogram.levels, counts).rebin(BARS)
    floor = NARROWEST * bars.width
    points, filled = bars.levels[bars.counts > 0, None], bars.counts[bars.counts > 0]
    scale = Standardization.of(points, filled)
    parts = np.empty((0, 3))
    for number in range(1, most_parts + 1):
        best: tuple[em.Parameters, float] | None = None
        for start in _starts(scale.points(points)[:, 0], filled, number):
            parameters, history, _ = em.expectation_maximization(
                scale.points(points),
                filled,
                em.plain(number, tied=False),
                start,
                tolerance=TOLERANCE,
                max_iterations=MAX_ITERATIONS,
                floor=(floor / scale.spread) ** 2,
            )
            if best is None or history[-1] > best[1]:
                best = parameters, history[-1]
        assert best is not None
        fitted = scale.restore(best[0])
        parts = np.stack([fitted.weights[0], fitted.means[:, 0], np.sqrt(fitted.covariances[:, 0, 0])], 1)
        weights, means, sds = parts.T
        one = TissueDensities(weights, means, sds, np.zeros(number, int), classes=1)
        share, by_chance = misfit(bars, one.density(bars.levels))
        if share - by_chance < ENOUGH_MISFIT:
            break
    return parts


def _starts(points: np.ndarray, counts: np.ndarray, number: int) -> list[em.Parameters]:
    """Where to begin a fit of so many Gaussians to standardized points."""
    passed = np.cumsum(counts) / counts.sum()
    quantiles = np.interp((np.arange(number) + 0.5) / number, passed, points)
    placed = [(quantiles, np.full(number, 1.2 / number))]
    if number in PEAKED_STARTS:
        offsets, spreads = (np.array(values) for values in PEAKED_STARTS[number])
        placed.append((np.interp(0.5, passed, points) + offsets, spreads))
    even = np.full((1, number), 1 / number)
    return [em.Parameters(means[:, None], (sds**2)[:, None, None], even) for means, sds in placed]
