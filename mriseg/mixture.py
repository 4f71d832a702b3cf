"""The fitted mixture of tissue intensities: what is drawn over the histogram and what decides a voxel."""

from dataclasses import dataclass

import numpy as np

from mriseg import em
from mriseg.tissue import Tissue

# A voxel on the border of two tissues holds a uniformly distributed fraction of each. Six steps of the
# fraction are a Gaussian comb finer than the noise on every scan tried; twelve gave the same labels.
FRACTION_STEPS = 6
# Pairs of classes, from dark to bright, that share voxels: neighbours in intensity, and the outer two, which
# touch where the cortex is bare of the third (gray matter and fluid on FLAIR) or at the ventricles.
MIXED_PAIRS = ((0, 1), (1, 2), (0, 2))


@dataclass(frozen=True, eq=False)
class Mixture:
    """A Gaussian mixture with partial volume: p(x) = sum_k pi_k N(x | mu_k, s_k^2) + mixed voxels + outliers.

    Classes run from dark to bright. Intensities are those of the scan after division by the bias field, in
    its own arbitrary units.

    Attributes
    ----------
    means, sds : ndarray of shape (3,)
        Of the pure classes.
    weights : ndarray of shape (3,)
        Share of the brain's voxels that are pure.
    mixed_weights : ndarray of shape (3,)
        Share of the brain's voxels that are mixed, for each of `MIXED_PAIRS`.
    mixed_sd : float
        Noise of mixed voxels about the value their fractions give.
    outliers : float
        Share of the brain's voxels that are neither; the three kinds of share sum to 1.
    outlier_range : tuple of float
        Intensities between which outliers may lie, each as likely.
    log_likelihood : float
        Per voxel, natural logarithm, of the fitted histogram.
    iterations : int
        Steps of expectation-maximisation.
    converged : bool
        Whether it stopped for lack of gain rather than of steps.
    tissues : tuple of Tissue
        Which tissue each class is; empty until `name` has said so.
    """

    means: np.ndarray
    sds: np.ndarray
    weights: np.ndarray
    mixed_weights: np.ndarray
    mixed_sd: float
    outliers: float
    outlier_range: tuple[float, float]
    log_likelihood: float
    iterations: int
    converged: bool
    tissues: tuple[Tissue, ...] = ()

    @property
    def shares(self) -> np.ndarray:
        """Share of voxels that are mostly each class, half of each mixed pair included; without outliers, sums to 1."""
        shares = self.weights.copy()
        for (a, b), weight in zip(MIXED_PAIRS, self.mixed_weights, strict=True):
            shares[[a, b]] += weight / 2
        return shares / shares.sum()

    def density(self, x: np.ndarray) -> np.ndarray:
        """p(x) at intensities `x`, shape (n,)."""
        return self._densities(x).sum(1) + self.outliers * uniform(x, self.outlier_range)

    def pure_densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of each pure class at intensities `x`, shape (n, 3)."""
        return self._densities(x)[:, :3]

    def mixed_density(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of all mixed voxels at intensities `x`, shape (n,)."""
        return self._densities(x)[:, 3:].sum(1)

    def class_densities(self, x: np.ndarray) -> np.ndarray:
        """Weighted density of voxels that are mostly each class, shape (n, 3)."""
        densities = self._densities(x)
        majority = STRUCTURE.fractions.argmax(1)
        return np.stack([densities[:, majority == k].sum(1) for k in range(3)], 1)

    def thresholds(self) -> np.ndarray:
        """Intensities at which the likeliest class changes, from dark to bright; shape (2,) or fewer."""
        spread = 4 * self.sds.max()
        x = np.linspace(self.means[0] - spread, self.means[-1] + spread, 4096)
        densities = self.class_densities(x)
        inside = (x > self.means[0]) & (x < self.means[-1])  # beyond them a wide class can win again
        winner = densities.argmax(1)
        change = np.flatnonzero((np.diff(winner) != 0) & inside[1:])
        return (x[change] + x[change + 1]) / 2

    def responsibilities(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Means (g,), variances (g,) of all Gaussians, mixed ones included, and their posteriors at `x` (n, g)."""
        joint = em.log_joint(np.asarray(x, float)[:, None], STRUCTURE, self._parameters)
        posteriors = np.exp(joint - joint.max(1, keepdims=True))
        posteriors /= posteriors.sum(1, keepdims=True)
        variances = self._parameters.covariances[STRUCTURE.variance, 0, 0]
        return STRUCTURE.fractions @ self.means, variances, posteriors

    def _densities(self, x: np.ndarray) -> np.ndarray:
        return np.exp(em.log_joint(np.asarray(x, float)[:, None], STRUCTURE, self._parameters))

    @property
    def _parameters(self) -> em.Parameters:
        variances = np.append(self.sds, self.mixed_sd) ** 2
        weights = np.concatenate([self.weights, self.mixed_weights])
        return em.Parameters(self.means[:, None], variances[:, None, None], weights)


def uniform(x: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    """Density of the uniform distribution between two intensities, shape (n,)."""
    low, high = between
    return ((x >= low) & (x <= high)) / (high - low)


def _structure() -> em.Structure:
    """Three pure classes with a variance each; pairs of them mixed in `FRACTION_STEPS` steps, one variance."""
    steps = (np.arange(FRACTION_STEPS) + 0.5) / FRACTION_STEPS
    rows, component = [*np.eye(3)], [0, 1, 2]
    for pair, (a, b) in enumerate(MIXED_PAIRS):
        rows += [(1 - f) * np.eye(3)[a] + f * np.eye(3)[b] for f in steps]
        component += [3 + pair] * FRACTION_STEPS
    return em.Structure(np.array(rows), np.array(component), np.minimum(component, 3))


STRUCTURE = _structure()
