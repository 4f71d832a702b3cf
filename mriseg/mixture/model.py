"""The fitted mixture of tissue intensities: what is drawn over the histogram and what decides a voxel."""

from dataclasses import dataclass, replace

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture import em
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.tissue_densities import TissueDensities


@dataclass(frozen=True, eq=False, kw_only=True)
class Mixture:
    """A Gaussian mixture with partial volume: p(x) = sum_k pi_k N(x | mu_k, Sigma_k) + mixed voxels + outliers.

    That is what names the voxels, with expectations and ties that help the names. Once they are named, `curves` hold
    what the voxels of each class look like, free of both: those are what is drawn and whose sum `density` is.

    Classes run from dark to bright on the first channel. Intensities are those of the scan after division by the bias
    field, in its own arbitrary units. What is given as one number for each class is of the first channel.

    Attributes
    ----------
    parameters : em.Parameters
        Means (classes, channels), covariances, and weights of the components of the layout in each zone.
    zone_shares : ndarray of shape (zones,)
        Share of the brain's voxels in each zone.
    layout : MixtureLayout
        Which component and which Gaussian stands for what.
    outlier_range : tuple of ndarray of shape (channels,)
        Between which intensities outliers may lie, each as likely.
    log_likelihood : float
        Per voxel, natural logarithm, of the fitted histograms of all zones.
    iterations : int
        Steps of expectation-maximization.
    converged : bool
        Whether it stopped for lack of gain rather than of steps.
    tissues : tuple of Tissue
        Which tissue each class is; empty where that is not known.
    curves : TissueDensities or None
        Of the voxels that each class was given; None before they were named.
    """

    parameters: em.Parameters
    zone_shares: np.ndarray
    layout: MixtureLayout
    outlier_range: tuple[np.ndarray, np.ndarray]
    log_likelihood: float
    iterations: int
    converged: bool
    tissues: tuple[Tissue, ...] = ()
    curves: TissueDensities | None = None

    @property
    def classes(self) -> int:
        """How many pure classes have a name."""
        return self.layout.classes

    @property
    def structure(self) -> em.Structure:
        """Of the layout, as `em.log_densities` takes it."""
        return self.layout.structure

    @property
    def channels(self) -> int:
        """How many contrasts it was fitted to together."""
        return self.parameters.means.shape[1]

    @property
    def means(self) -> np.ndarray:
        """Of the pure classes, shape (classes,)."""
        return self.parameters.means[self.layout.pure, 0]

    @property
    def sds(self) -> np.ndarray:
        """Standard deviations of the pure classes, shape (classes,)."""
        return np.sqrt(self.parameters.covariances[self.layout.pure, 0, 0])

    @property
    def mixed_sd(self) -> float:
        """Noise of mixed voxels about the value that their fractions give."""
        return float(np.sqrt(self.parameters.covariances[self.layout.mixed_covariance, 0, 0]))

    @property
    def outliers(self) -> float:
        """Share of the brain's voxels that belong to no class."""
        return self.parameters.outliers

    @property
    def weights(self) -> np.ndarray:
        """Share of the brain's voxels that are pure, deep gray matter apart, shape (classes,)."""
        return self._weights[self.layout.pure]

    @property
    def mixed_weights(self) -> np.ndarray:
        """Share of the brain's voxels that two classes share, for each of the layout's pairs."""
        weights, layout, deep = self._weights, self.layout, self.layout.deep
        mixed = np.array([weights[list(layout.mixed[pair])].sum() for pair in layout.pairs])
        if deep is not None:
            pair = (min(deep.gray, deep.white), max(deep.gray, deep.white))
            mixed[layout.pairs.index(pair)] += weights[list(deep.mixed)].sum()
        return mixed

    @property
    def deep_gray(self) -> tuple[float, float, float] | None:
        """Share, mean and standard deviation of the deep nuclei, where they have a Gaussian of their own."""
        deep = self.layout.deep
        if deep is None:
            return None
        return float(self._weights[deep.component]), float(self.parameters.means[deep.mean, 0]), self.mixed_sd

    @property
    def shares(self) -> np.ndarray:
        """Share of voxels that are mostly each class; without outliers, sums to 1."""
        shares = np.bincount(self.layout.class_of_component, self._weights, self.classes)
        return shares / shares.sum()

    @property
    def class_of(self) -> np.ndarray:
        """The class that each Gaussian is mostly of, shape (gaussians,)."""
        return self.layout.class_of_component[self.structure.component]

    @property
    def fractions(self) -> np.ndarray:
        """Fraction of each class in the voxels of each Gaussian, shape (gaussians, classes)."""
        fractions = self.structure.fractions[:, self.layout.pure].copy()
        if self.layout.deep is not None:
            fractions[:, self.layout.deep.gray] += self.structure.fractions[:, self.layout.deep.mean]
        return fractions

    def density(self, x: np.ndarray) -> np.ndarray:
        """p(x): the fitted sum, as it is drawn over the histogram.

        Parameters
        ----------
        x : ndarray of shape (n,) or (n, channels)
            Intensities; of shape (n,), those of the first channel, whatever the others are.

        Returns
        -------
        ndarray of shape (n,)
            Per unit of intensity; integrates to 1. Times the voxels and the width of a bin it is the expected count.

        Examples
        --------
        >>> from mriseg.mixture.fit import FLUID_DARK, fit
        >>> from mriseg.mixture.histogram import Cells, histogram
        >>> rng = np.random.default_rng(0)
        >>> values = np.concatenate([rng.normal(mean, 30, 2000) for mean in (200, 600, 900)])
        >>> mixture = fit(Cells.of(histogram(values)), FLUID_DARK)
        >>> x = np.linspace(0, 1100, 1101)
        >>> round(float(np.trapezoid(mixture.density(x), x)), 3)
        1.0
        """
        if self.curves is not None:
            return self.curves.density(x)
        return self._densities(x).sum(1) + self.outliers * uniform(x, self.outlier_range)

    def class_curves(self, x: np.ndarray) -> np.ndarray:
        """What is drawn of each class: its voxels' weighted density at intensities of shape (n,); (n, classes)."""
        return self.class_densities(x) if self.curves is None else self.curves.class_densities(x)

    def unexplained_curve(self, x: np.ndarray) -> np.ndarray:
        """What is drawn of the voxels that no class explains, at intensities of shape (n,); shape (n,)."""
        if self.curves is not None:
            return self.curves.unexplained_density(x)
        return self.outliers * uniform(x, self.outlier_range)

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
        log_densities = np.empty((self.classes, len(weights), len(logs)))
        for k in range(self.classes):
            mine = self.class_of == k
            peak = logs[:, mine].max(1)
            total = weights[:, mine] @ np.exp(logs[:, mine] - peak[:, None]).T
            log_densities[k] = np.log(np.maximum(total, em.SMALLEST_WEIGHT)) + peak
        return log_densities

    def expected_fractions(self, x: np.ndarray) -> np.ndarray:
        """Fraction of each class to expect in a voxel of some intensity that is mostly one class.

        Parameters
        ----------
        x : ndarray of shape (n,) or (n, channels)
            Intensities.

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

    def crossings(self) -> tuple[tuple[float, int, int], ...]:
        """Intensities at which the likeliest class changes, of the first channel, and from which class to which.

        Returns
        -------
        tuple of (float, int, int)
            From dark to bright, between the outer means. Where classes overlap a class may win more than once.
        """
        spread = 4 * self.sds.max()
        x = np.linspace(self.means[0] - spread, self.means[-1] + spread, 4096)
        inside = (x > self.means[0]) & (x < self.means[-1])  # beyond them a wide class can win again
        winner = self.class_curves(x).argmax(1)
        change = np.flatnonzero((np.diff(winner) != 0) & inside[1:])
        return tuple((float(x[at] + x[at + 1]) / 2, int(winner[at]), int(winner[at + 1])) for at in change)

    def thresholds(self) -> np.ndarray:
        """Intensities at which the likeliest class changes, of the first channel, from dark to bright."""
        return np.array([level for level, _, _ in self.crossings()])

    def overlap(self, points: np.ndarray) -> float:
        """Share of voxels that intensity alone gives to a wrong class, if the mixture is right.

        Parameters
        ----------
        points : ndarray of shape (n,) or (n, channels)
            A regular grid over all intensities.

        Returns
        -------
        float
            0 where no two classes overlap.
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
    """Density of the uniform distribution in a box, which is that of outliers.

    Parameters
    ----------
    x : ndarray of shape (n,) or (n, channels)
        Intensities.
    between : tuple of ndarray of shape (channels,)
        Least and largest intensity of the box; where x has fewer channels, its first ones count.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> uniform(np.array([-1.0, 1.0, 4.0, 5.0]), (np.array([0.0]), np.array([4.0]))).tolist()
    [0.0, 0.25, 0.25, 0.0]
    """
    points = _points(x)
    low, high = (np.atleast_1d(end)[: points.shape[1]] for end in between)
    return ((points >= low) & (points <= high)).all(1) / np.prod(high - low)


def _points(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float)
    return x[:, None] if x.ndim == 1 else x


def by_brightness(mixture: Mixture) -> tuple[Tissue, ...]:
    """The tissues from dark to bright as they were fitted on the first channel.

    Parameters
    ----------
    mixture : Mixture
        Named.

    Returns
    -------
    tuple of Tissue
        Of each class.
    """
    return tuple(mixture.tissues[k] for k in np.argsort(mixture.means, kind="stable"))


def in_order(mixture: Mixture, tissues: tuple[Tissue, ...]) -> Mixture:
    """The same mixture with its classes in another order.

    Parameters
    ----------
    mixture : Mixture
        Named, each class another tissue.
    tissues : tuple of Tissue
        The order to bring them into.

    Returns
    -------
    Mixture
        Of the same density.
    """
    return _permuted(mixture, np.array([mixture.tissues.index(tissue) for tissue in tissues]))


def sort_classes(mixture: Mixture) -> Mixture:
    """The same with its pure classes from dark to bright, should the fit have exchanged two of them.

    Parameters
    ----------
    mixture : Mixture

    Returns
    -------
    Mixture
        The tissues stay in their order: they are named from dark to bright.
    """
    return replace(_permuted(mixture, np.argsort(mixture.means, kind="stable")), tissues=mixture.tissues)


def _permuted(mixture: Mixture, order: np.ndarray) -> Mixture:
    """The same with its classes in the order given (that of old numbers), and all that hangs on their order."""
    n, old = mixture.classes, mixture.parameters
    if (order == np.arange(n)).all():
        return mixture
    rank = np.argsort(order)
    means = np.concatenate([order, np.arange(n, len(old.means))])
    covariances = np.append(order, mixture.layout.mixed_covariance)
    weights = old.weights[:, _components_in_order(mixture.layout, order)]
    parameters = em.Parameters(old.means[means], old.covariances[covariances], weights, old.outliers)
    deep = mixture.layout.deep
    layout = MixtureLayout(n, None if deep is None else (int(rank[deep.gray]), int(rank[deep.white])))
    tissues = tuple(mixture.tissues[k] for k in order) if mixture.tissues else ()
    return replace(mixture, parameters=parameters, layout=layout, tissues=tissues)


def _components_in_order(layout: MixtureLayout, order: np.ndarray) -> list[int]:
    """Old numbers of the components once the classes stand in the order given.

    Mixed components move with their pair, and where the pair is turned its halves change places. A pair that shared
    no voxels before keeps the components that stood there.

    Examples
    --------
    Let the brighter two of three classes change places. What was the pair (0, 2) is now (0, 1) and the other way
    round; (1, 2) stays where it is, but its first half is now that which was its second:

    >>> layout = MixtureLayout(3)
    >>> layout.pairs
    ((0, 1), (1, 2), (0, 2))
    >>> _components_in_order(layout, np.array([0, 2, 1]))
    [0, 2, 1, 7, 8, 6, 5, 3, 4]
    """
    components = [int(k) for k in order]
    for a, b in layout.pairs:
        components += layout.mixed.get((int(order[a]), int(order[b])), layout.mixed[a, b])
    return [*components, *range(len(components), layout.components)]
