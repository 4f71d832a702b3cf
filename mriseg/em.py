"""Expectation-maximisation for Gaussian mixtures on weighted points, in log space.

The points are the bins of a histogram (or the filled cells of a joint one), so that an iteration costs the
same for a thousand voxels and for a hundred million. The engine needs three extensions of the textbook
algorithm: components that share a variance; *mixed* components whose means lie between those of two pure classes
at a fixed fraction, which is how voxels of partial volume are modelled; and a small uniform share of outliers, so
that bone or vessels in the mask do not become a tissue.

With the densities written as exponential families, log N(x) = phi(x) . theta with phi = (1, x, x x^T), both
steps are one matrix product each: phi @ theta for the expectation, r^T @ phi for the sufficient statistics.

References
----------
Dempster, Laird, Rubin: Maximum likelihood from incomplete data via the EM algorithm. J R Stat Soc B 39, 1977.
Meng, Rubin: Maximum likelihood estimation via the ECM algorithm. Biometrika 80, 1993 (means given variances,
then variances given means, as the mixed components need it; the likelihood still never falls).
Shattuck et al.: Magnetic resonance image tissue classification using a partial volume model. NeuroImage 13,
2001 (a uniform fraction between two tissues).
"""

from dataclasses import dataclass

import numpy as np

SMALLEST_WEIGHT = 1e-12  # keeps the logarithm of an emptied component finite
# More would take the fluid of a T1-weighted brain, which is spread thinly, for outliers.
MOST_OUTLIERS = 0.02


@dataclass(frozen=True, eq=False)
class Structure:
    """Which Gaussians a mixture is made of and what they share.

    Attributes
    ----------
    fractions : ndarray of shape (gaussians, classes)
        Each Gaussian's mean as fractions of the class means; rows sum to 1. The identity for a plain mixture.
    component : ndarray of int, shape (gaussians,)
        The component to which a Gaussian belongs: Gaussians of one component share its weight equally.
    variance : ndarray of int, shape (gaussians,)
        The covariance that a Gaussian uses: equal numbers share one.
    """

    fractions: np.ndarray
    component: np.ndarray
    variance: np.ndarray

    @property
    def log_share(self) -> np.ndarray:
        """Log share of its component's weight that each Gaussian has."""
        return -np.log(np.bincount(self.component))[self.component]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Means (classes, d), covariances (variances, d, d) and weights (components,) of a mixture.

    The weights sum to 1; `outliers` is the share of observations that belong to none of the components.
    """

    means: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray
    outliers: float = 0.0


def plain(classes: int, tied: bool) -> Structure:
    """The structure of a textbook mixture, with one covariance a class or one for all."""
    each = np.arange(classes)
    return Structure(np.eye(classes), each, np.zeros_like(each) if tied else each)


def log_joint(points: np.ndarray, structure: Structure, parameters: Parameters) -> np.ndarray:
    """Log of weight times density of each Gaussian.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    structure, parameters
        Of the mixture.

    Returns
    -------
    ndarray of shape (n, gaussians)
    """
    return _features(points) @ _natural(structure, parameters)


def maximise(
    points: np.ndarray,
    counts: np.ndarray,
    structure: Structure,
    start: Parameters,
    tolerance: float,
    max_iterations: int,
    floor: np.ndarray,
    outlier_density: float = 0.0,
) -> tuple[Parameters, list[float], bool]:
    """Climb the likelihood from a start until it gains less than the tolerance.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Preferably standardised: sums of squares are taken about the origin.
    counts : ndarray of shape (n,)
        How often each point was seen.
    structure : Structure
    start : Parameters
    tolerance : float
        Stop when the log likelihood per observation rises by less.
    max_iterations : int
    floor : ndarray of shape (d,)
        Least variance along each axis, added to the diagonal as scikit-learn does with `reg_covar`.
    outlier_density : float
        Density of outliers, the same everywhere; 0 for a mixture without them.

    Returns
    -------
    parameters : Parameters
    log_likelihoods : list of float
        Per observation, one before each iteration's update.
    converged : bool
    """
    features = _features(points)
    share = counts / counts.sum()
    weighted_features = features * share[:, None]
    parameters, history = start, []
    outliers = MOST_OUTLIERS if outlier_density else 0.0
    for _ in range(max_iterations):
        joint = features @ _natural(structure, parameters)
        peak = joint.max(1, keepdims=True)
        np.exp(joint - peak, out=joint)
        joint *= 1 - outliers
        total = joint.sum(1, keepdims=True)
        if outlier_density:
            strange = outliers * outlier_density * np.exp(-peak)
            total += strange
            outliers = min(float(share @ (strange / total)[:, 0]), MOST_OUTLIERS)
        joint /= total
        history.append(float(share @ (peak + np.log(total))[:, 0]))
        parameters = _update(joint.T @ weighted_features, structure, parameters, floor, outliers)
        if len(history) > 1 and abs(history[-1] - history[-2]) < tolerance:
            return parameters, history, True
    return parameters, history, False


def _features(points: np.ndarray) -> np.ndarray:
    """(1, x, x x^T) of each point, shape (n, 1 + d + d^2)."""
    n, d = points.shape
    squares = (points[:, :, None] * points[:, None, :]).reshape(n, d * d)
    return np.hstack([np.ones((n, 1)), points, squares])


def _natural(structure: Structure, parameters: Parameters) -> np.ndarray:
    """Coefficients of the features in each Gaussian's log joint density, shape (1 + d + d^2, gaussians)."""
    means = structure.fractions @ parameters.means
    precisions = np.linalg.inv(parameters.covariances)[structure.variance]
    log_determinants = np.linalg.slogdet(parameters.covariances)[1][structure.variance]
    d = means.shape[1]
    linear = (precisions @ means[:, :, None])[:, :, 0]
    weights = np.maximum(parameters.weights, SMALLEST_WEIGHT)
    constant = (
        np.log(weights)[structure.component]
        + structure.log_share
        - 0.5 * (d * np.log(2 * np.pi) + log_determinants + (linear * means).sum(1))
    )
    return np.vstack([constant, linear.T, -0.5 * precisions.reshape(len(means), d * d).T])


def _update(
    statistics: np.ndarray, structure: Structure, parameters: Parameters, floor: np.ndarray, outliers: float
) -> Parameters:
    """The parameters that best explain the sufficient statistics, shape (gaussians, 1 + d + d^2)."""
    classes, d = parameters.means.shape
    fractions = structure.fractions
    zeroth = statistics[:, 0]
    first = statistics[:, 1 : 1 + d]
    second = statistics[:, 1 + d :].reshape(-1, d, d)
    weights = np.bincount(structure.component, zeroth)

    precisions = np.linalg.inv(parameters.covariances)[structure.variance]
    normal = np.einsum("g,gk,gl,gde->kdle", zeroth, fractions, fractions, precisions)
    normal = normal.reshape(classes * d, classes * d)
    right = np.einsum("gk,gde,ge->kd", fractions, precisions, first).reshape(-1)
    # A class that lost all its points keeps its mean instead of making the system singular.
    ridge = SMALLEST_WEIGHT * max(np.trace(normal), 1.0)
    normal[np.diag_indices_from(normal)] += ridge
    means = np.linalg.solve(normal, right + ridge * parameters.means.reshape(-1)).reshape(classes, d)

    centre = fractions @ means
    cross = centre[:, :, None] * first[:, None, :]
    scatter = second - cross - cross.transpose(0, 2, 1)
    scatter += zeroth[:, None, None] * centre[:, :, None] * centre[:, None, :]
    groups = len(parameters.covariances)
    mass = np.bincount(structure.variance, zeroth, groups)
    covariances = np.zeros((groups, d, d))
    np.add.at(covariances, structure.variance, scatter)
    covariances /= np.maximum(mass, SMALLEST_WEIGHT)[:, None, None]
    covariances = (covariances + covariances.transpose(0, 2, 1)) / 2 + np.diag(floor)
    return Parameters(means, covariances, weights / weights.sum(), outliers)
