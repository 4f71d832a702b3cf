"""The fitted mixture of tissue intensities: what is drawn over the histogram and what decides a voxel."""

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture import em

# A voxel on the border of two tissues holds a uniformly distributed fraction of each. Six steps of the
# fraction are a Gaussian comb finer than the noise on every scan tried; twelve gave the same labels.
FRACTION_STEPS = 6
# Pairs of the three tissues' classes, from dark to bright, that share voxels: neighbors in intensity, and the outer
# two, which touch where the cortex is bare of the third (gray matter and fluid on FLAIR) or at the ventricles.
MIXED_PAIRS = ((0, 1), (1, 2), (0, 2))


def pairs(classes: int) -> tuple[tuple[int, int], ...]:
    """Which classes share voxels; of other numbers than three, neighbors in intensity alone."""
    return MIXED_PAIRS if classes == len(MIXED_PAIRS) else tuple(pairwise(range(classes)))


@cache
def layout(classes: int = 3, deep: tuple[int, int] | None = None) -> em.Structure:
    """Gaussians of a tissue mixture: pure classes with a variance each, and mixed ones with a common variance.

    The voxels that two classes share are two components, those that are mostly the one and mostly the other: fluid
    in a thin sulcus is seldom pure, fluid at a ventricle's wall often nearly so.

    Parameters
    ----------
    classes : int
        Pure classes, from dark to bright.
    deep : tuple of int, optional
        The classes of gray and white matter: the deep nuclei are then one class more, which has a mean of its own
        between them, counts as gray matter, and shares voxels with white matter.
    """
    unit = np.eye(classes + (deep is not None))
    rows, component = list(unit[:classes]), list(range(classes))
    mixed = [(unit[a], unit[b]) for a, b in pairs(classes)]
    steps = (np.arange(FRACTION_STEPS) + 0.5) / FRACTION_STEPS
    if deep is not None:
        mixed.append((unit[classes], unit[deep[1]]))
    for one, other in mixed:
        rows += [(1 - f) * one + f * other for f in steps]
        component += [component[-1] + 1 + int(f > 0.5) for f in steps]
    if deep is not None:
        rows.append(unit[classes])
        component.append(component[-1] + 1)
    return em.Structure(np.array(rows), np.array(component), np.minimum(component, classes))


@dataclass(frozen=True, eq=False)
class Mixture:
    """A Gaussian mixture with partial volume: p(x) = sum_k pi_k N(x | mu_k, Sigma_k) + mixed voxels + outliers.

    Classes run from dark to bright on the first channel. Intensities are those of the scan after division by the bias
    field, in its own arbitrary units. What is given as one number for each class is of the first channel.

    Attributes
    ----------
    parameters : em.Parameters
        Means (classes, channels), covariances, and weights of the components of `layout` in each zone.
    zone_shares : ndarray of shape (zones,)
        Share of the brain's voxels in each zone.
    classes : int
        Pure classes that have a name.
    deep : tuple of int, or None
        The classes of gray and white matter where deep gray matter has a Gaussian of its own, as in `layout`.
    outlier_range : tuple of ndarray of shape (channels,)
        Between which intensities outliers may lie, each as likely.
    log_likelihood : float
        Per voxel, natural logarithm, of the fitted histograms of all zones.
    iterations : int
        Steps of expectation-maximization.
    converged : bool
        Whether it stopped for lack of gain rather than of steps.
    tissues : tuple of Tissue
        Which tissue each class is; empty until `name` has said so.
    """

    parameters: em.Parameters
    zone_shares: np.ndarray
    classes: int
    deep: tuple[int, int] | None
    outlier_range: tuple[np.ndarray, np.ndarray]
    log_likelihood: float
    iterations: int
    converged: bool
    tissues: tuple[Tissue, ...] = ()

    @property
    def structure(self) -> em.Structure:
        return layout(self.classes, self.deep)

    @property
    def channels(self) -> int:
        return self.parameters.means.shape[1]

    @property
    def means(self) -> np.ndarray:
        """Of the pure classes, shape (classes,)."""
        return self.parameters.means[: self.classes, 0]

    @property
    def sds(self) -> np.ndarray:
        """Standard deviations of the pure classes, shape (classes,)."""
        return np.sqrt(self.parameters.covariances[: self.classes, 0, 0])

    @property
    def mixed_sd(self) -> float:
        """Noise of mixed voxels about the value that their fractions give."""
        return float(np.sqrt(self.parameters.covariances[self.classes, 0, 0]))

    @property
    def outliers(self) -> float:
        """Share of the brain's voxels that belong to no class."""
        return self.parameters.outliers

    @property
    def weights(self) -> np.ndarray:
        """Share of the brain's voxels that are pure, deep gray matter apart, shape (classes,)."""
        return self._weights[: self.classes]

    @property
    def mixed_weights(self) -> np.ndarray:
        """Share of the brain's voxels that two classes share, for each of `pairs`."""
        n = len(pairs(self.classes))
        found = self._weights[self.classes : self.classes + 2 * n].reshape(n, 2).sum(1)
        if self.deep is not None:
            found[pairs(self.classes).index((min(self.deep), max(self.deep)))] += self._weights[-3:-1].sum()
        return found

    @property
    def deep_gray(self) -> tuple[float, float, float] | None:
        """Share, mean and standard deviation of the deep nuclei, where they have a Gaussian of their own."""
        if self.deep is None:
            return None
        return float(self._weights[-1]), float(self.parameters.means[-1, 0]), self.mixed_sd

    @property
    def shares(self) -> np.ndarray:
        """Share of voxels that are mostly each class; without outliers, sums to 1."""
        shares = np.bincount(self.class_of[self.structure.members.argmax(1)], self._weights, self.classes)
        return shares / shares.sum()

    @property
    def class_of(self) -> np.ndarray:
        """The class that each Gaussian is mostly of, shape (gaussians,)."""
        majority = self.structure.fractions.argmax(1)
        return majority if self.deep is None else np.where(majority == self.classes, self.deep[0], majority)

    @property
    def fractions(self) -> np.ndarray:
        """Fraction of each class in the voxels of each Gaussian, shape (gaussians, classes)."""
        fractions = self.structure.fractions[:, : self.classes].copy()
        if self.deep is not None:
            fractions[:, self.deep[0]] += self.structure.fractions[:, self.classes]
        return fractions

    def density(self, x: np.ndarray) -> np.ndarray:
        """p(x) at intensities `x`, shape (n,) or (n, channels)."""
        return self._densities(x).sum(1) + self.outliers * uniform(x, self.outlier_range)

    def pure_densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of each pure class at intensities `x`, shape (n, classes)."""
        return self._densities(x)[:, : self.classes]

    def deep_density(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of pure deep gray matter at intensities `x`, shape (n,); 0 where it has no Gaussian."""
        return self._densities(x)[:, -1] if self.deep is not None else np.zeros(len(x))

    def mixed_density(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of all mixed voxels at intensities `x`, shape (n,)."""
        return self._densities(x)[:, self.classes :].sum(1) - self.deep_density(x)

    def class_densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of voxels that are mostly each class, shape (n, classes)."""
        densities = self._densities(x)
        return np.stack([densities[:, self.class_of == k].sum(1) for k in range(self.classes)], 1)

    def zone_densities(self, x: np.ndarray) -> np.ndarray:
        """Density, in each zone, of voxels that are mostly each class, shape (classes, zones, n)."""
        return np.exp(self.zone_log_densities(x))

    def zone_log_densities(self, x: np.ndarray) -> np.ndarray:
        """Log density, in each zone, of voxels that are mostly each class, shape (classes, zones, n).

        Far outside all classes too, where the densities themselves are no more than rounding.
        """
        logs = em.log_densities(_points(x), self.structure, self.parameters)
        weights = (1 - self.outliers) * self.parameters.weights[:, self.structure.component]
        found = np.empty((self.classes, len(weights), len(logs)))
        for k in range(self.classes):
            mine = self.class_of == k
            peak = logs[:, mine].max(1)
            total = weights[:, mine] @ np.exp(logs[:, mine] - peak[:, None]).T
            found[k] = np.log(np.maximum(total, em.SMALLEST_WEIGHT)) + peak
        return found

    def expected_fractions(self, x: np.ndarray) -> np.ndarray:
        """Fraction of each class to expect at intensities `x` in a voxel that is mostly one class.

        Returns
        -------
        ndarray of shape (classes, classes, n)
            First axis: the class of which it is mostly; second: whose fraction.
        """
        logs = em.log_densities(_points(x), self.structure, self.parameters)
        logs += np.log(np.maximum(self._weights, em.SMALLEST_WEIGHT))[self.structure.component]
        fractions = np.empty((self.classes, self.classes, len(logs)))
        for k in range(self.classes):
            mine = logs[:, self.class_of == k]
            shares = np.exp(mine - mine.max(1, keepdims=True))
            fractions[k] = (self.fractions[self.class_of == k].T @ shares.T) / shares.sum(1)
        return fractions

    def thresholds(self) -> np.ndarray:
        """Intensities at which the likeliest class changes, from dark to bright; shape (classes - 1,) or fewer."""
        spread = 4 * self.sds.max()
        x = np.linspace(self.means[0] - spread, self.means[-1] + spread, 4096)
        densities = self.class_densities(x)
        inside = (x > self.means[0]) & (x < self.means[-1])  # beyond them a wide class can win again
        winner = densities.argmax(1)
        change = np.flatnonzero((np.diff(winner) != 0) & inside[1:])
        return (x[change] + x[change + 1]) / 2

    def overlap(self, points: np.ndarray) -> float:
        """Share of voxels that intensity alone gives to a wrong class, if the mixture is right.

        Parameters
        ----------
        points : ndarray of shape (n,) or (n, channels)
            A regular grid over all intensities.
        """
        densities = self.class_densities(points)
        return float(1 - densities.max(1).sum() / densities.sum())

    @property
    def _weights(self) -> np.ndarray:
        """Share of the brain's voxels in each component, shape (components,)."""
        return (1 - self.outliers) * self.zone_shares @ self.parameters.weights

    def _densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of each Gaussian in the whole brain, shape (n, gaussians).

        Of intensities of shape (n,), those of the first channel, whatever the others are.
        """
        points, parameters = _points(x), self.parameters
        d = points.shape[1]
        parameters = em.Parameters(parameters.means[:, :d], parameters.covariances[:, :d, :d], parameters.weights)
        return np.exp(em.log_densities(points, self.structure, parameters)) * self._weights[self.structure.component]


def uniform(x: np.ndarray, between: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Density of the uniform distribution in a box, shape (n,); of the first channels where x has fewer."""
    points = _points(x)
    low, high = (np.atleast_1d(end)[: points.shape[1]] for end in between)
    return ((points >= low) & (points <= high)).all(1) / np.prod(high - low)


def _points(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float)
    return x[:, None] if x.ndim == 1 else x


def by_brightness(mixture: Mixture) -> tuple[Tissue, ...]:
    """The tissues from dark to bright as they were fitted on the first channel."""
    return tuple(mixture.tissues[k] for k in np.argsort(mixture.means, kind="stable"))


def in_order(mixture: Mixture, tissues: tuple[Tissue, ...]) -> Mixture:
    """The same mixture with its classes in another order."""
    return _permuted(mixture, np.array([mixture.tissues.index(tissue) for tissue in tissues]))


def sort_classes(mixture: Mixture) -> Mixture:
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
