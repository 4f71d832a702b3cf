"""Expectation-maximization for Gaussian mixtures on weighted points, in log space.

The points are the bins of a histogram (or the filled cells of a joint one), so that an iteration costs the
same for a thousand voxels and for a hundred million. The engine needs four extensions of the textbook
algorithm: components that share a variance; *mixed* components whose means lie between those of two pure classes
at a fixed fraction, which is how voxels of partial volume are modeled; a small uniform share of outliers, so
that bone or vessels in the mask do not become a tissue; and *zones*, parts of the brain with weights of their own
over the same Gaussians, which is how position speaks.

With the densities written as exponential families, log N(x) = phi(x) . theta with phi = (1, x, x x^T), both
steps are matrix products: phi @ theta for the expectation, r^T @ phi for the sufficient statistics.

References
----------
Dempster, Laird, Rubin: Maximum likelihood from incomplete data via the EM algorithm. J R Stat Soc B 39, 1977.
Meng, Rubin: Maximum likelihood estimation via the ECM algorithm. Biometrika 80, 1993 (means given variances,
then variances given means, as the mixed components need it; the likelihood still never falls).
Varadhan, Roland: Simple and globally convergent methods for accelerating the convergence of any EM algorithm.
Scand J Stat 35, 2008 (SQUAREM; the strides).
Shattuck et al.: Magnetic resonance image tissue classification using a partial volume model. NeuroImage 13,
2001 (a uniform fraction between two tissues).
"""

from dataclasses import dataclass, replace

import numpy as np

from mriseg.core.checkpoints import checkpoint
from mriseg.mixture.covariances import common_covariance, inverse, log_determinant

SMALLEST_WEIGHT = 1e-12  # keeps the logarithm of an emptied component finite


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
    def members(self) -> np.ndarray:
        """1 where a Gaussian belongs to a component, shape (components, gaussians)."""
        return (np.arange(self.component.max() + 1)[:, None] == self.component).astype(float)

    @property
    def log_share(self) -> np.ndarray:
        """Log share of its component's weight that each Gaussian has."""
        return -np.log(np.bincount(self.component))[self.component]


@dataclass(frozen=True, eq=False)
class Parameters:
    """Means (classes, d), covariances (variances, d, d) and weights (zones, components) of a mixture.

    The weights of each zone sum to 1; `outliers` is the share of observations that belong to no component.
    """

    means: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray
    outliers: float = 0.0


@dataclass(frozen=True, eq=False)
class Prior:
    """What is expected of a mixture before the data are seen; every strength is a share of the observations.

    Attributes
    ----------
    shares : ndarray of shape (zones, components)
        Expected weight of each component in each zone; rows sum to 1. A Dirichlet prior.
    share_strength : float
        How much the expected weights count against the observed ones.
    spread_strength : float
        How much the expectation counts that all covariances are alike: an inverse Wishart prior about a common
        covariance, which is itself fitted.
    most_outliers : float
        Largest share of observations that may belong to no component.
    """

    shares: np.ndarray
    share_strength: float
    spread_strength: float
    most_outliers: float

    def log_density(self, parameters: Parameters, zone_shares: np.ndarray) -> float:
        """Log density of parameters up to a constant, divided by the number of observations.

        Parameters
        ----------
        parameters : Parameters
            Of a mixture.
        zone_shares : ndarray of shape (zones,)
            Shares of the observations that lie in each zone.

        Returns
        -------
        float
            The larger, the more they are what was expected.
        """
        common = log_determinant(common_covariance(parameters.covariances))
        apart = log_determinant(parameters.covariances).mean() - common
        expected = zone_shares @ (self.shares * np.log(np.maximum(parameters.weights, SMALLEST_WEIGHT))).sum(1)
        return float(self.share_strength * expected - 0.5 * self.spread_strength * apart)


def plain(classes: int, tied: bool) -> Structure:
    """The structure of a textbook mixture.

    Parameters
    ----------
    classes : int
        Each is one Gaussian.
    tied : bool
        Whether all share one covariance, as scikit-learn calls it.

    Returns
    -------
    Structure
    """
    each = np.arange(classes)
    return Structure(np.eye(classes), each, np.zeros_like(each) if tied else each)


def log_densities(points: np.ndarray, structure: Structure, parameters: Parameters) -> np.ndarray:
    """Log density of each Gaussian, with its share of its component but without the component's weight.

    Parameters
    ----------
    points : ndarray of shape (n, d)
    structure, parameters
        Of the mixture.

    Returns
    -------
    ndarray of shape (n, gaussians)
    """
    return _sufficient_statistics(points) @ _natural_parameters(structure, parameters)


def expectation_maximization(
    points: np.ndarray,
    counts: np.ndarray,
    structure: Structure,
    start: Parameters,
    *,
    tolerance: float,
    max_iterations: int,
    floor: np.ndarray,
    outlier_density: np.ndarray | float = 0.0,
    prior: Prior | None = None,
) -> tuple[Parameters, list[float], bool]:
    """Climb the likelihood, or with a prior the posterior, from a start until it gains less than the tolerance.

    Parameters
    ----------
    points : ndarray of shape (n, d)
        Preferably standardized: sums of squares are taken about the origin.
    counts : ndarray of shape (n,) or (zones, n)
        How often each point was seen, in each zone.
    structure : Structure
    start : Parameters
        Where to begin; weights of as many zones as the counts have.
    tolerance : float
        Stop when two plain iterations and a SQUAREM step together raise the log likelihood per observation by less.
    max_iterations : int
        The most parameters to keep on the way.
    floor : ndarray of shape (d,)
        Least variance along each axis, added to the diagonal as scikit-learn does with `reg_covar`.
    outlier_density : float or ndarray of shape (n,)
        Density of outliers at the points; what a prior allows of them has it.
    prior : Prior, optional
        Without one the fit is that of maximum likelihood, without outliers.

    Returns
    -------
    parameters : Parameters
    log_likelihoods : list of float
        Per observation, of the start and of all parameters kept since, with the prior's share; never falls.
    converged : bool
    """
    problem = _problem(points, counts, structure, floor, outlier_density=outlier_density, prior=prior)
    current = replace(start, outliers=min(start.outliers, problem.most_outliers) or problem.most_outliers)
    log_likelihood, first = _iterate(problem, current)
    history, max_step = [log_likelihood], 1.0
    for _ in range((max_iterations - 1) // 2):
        checkpoint()
        log_likelihood, second = _iterate(problem, first)
        history.append(log_likelihood)
        ahead = _squarem_step(problem, (current, first, second), max_step)
        log_likelihood, following = _iterate(problem, ahead)
        if log_likelihood >= history[-1]:
            current, first, max_step = ahead, following, max_step * 2
        else:  # too far
            log_likelihood, following = _iterate(problem, second)
            current, first, max_step = second, following, max_step / 2
        history.append(log_likelihood)
        if history[-1] - history[-3] < tolerance:
            return first, history, True
    return first, history, False


@dataclass(frozen=True, eq=False)
class _Problem:
    """What remains the same in all iterations.

    Attributes
    ----------
    features : ndarray of shape (1 + d + d^2, n)
        Sufficient statistics of each point.
    share : ndarray of shape (zones, n)
        Of all observations, at each point in each zone.
    zone_shares, point_shares : ndarray of shape (zones,) and (n,)
        Its sums.
    structure : Structure
    members : ndarray of shape (components, gaussians)
        Those of the structure.
    floor : ndarray of shape (d,)
    outlier_density : float or ndarray of shape (n,)
    prior : Prior or None
    """

    features: np.ndarray
    share: np.ndarray
    zone_shares: np.ndarray
    point_shares: np.ndarray
    structure: Structure
    members: np.ndarray
    floor: np.ndarray
    outlier_density: np.ndarray | float
    prior: Prior | None

    @property
    def most_outliers(self) -> float:
        return self.prior.most_outliers if self.prior is not None else 0.0


def _problem(
    points: np.ndarray,
    counts: np.ndarray,
    structure: Structure,
    floor: np.ndarray,
    *,
    outlier_density: np.ndarray | float,
    prior: Prior | None,
) -> _Problem:
    share = np.atleast_2d(counts) / counts.sum()
    return _Problem(
        features=np.ascontiguousarray(_sufficient_statistics(points).T),
        share=share,
        zone_shares=share.sum(1),
        point_shares=share.sum(0),
        structure=structure,
        members=structure.members,
        floor=floor,
        outlier_density=outlier_density,
        prior=prior,
    )


@dataclass(frozen=True, eq=False)
class _Expectation:
    """What the E step says of the observations under some parameters; all as shares of the observations.

    Attributes
    ----------
    log_likelihood : float
        Per observation, with the prior's share.
    statistics : ndarray of shape (gaussians, 1 + d + d^2)
        Expected sufficient statistics of each Gaussian: its mass, first and second moments.
    weights : ndarray of shape (zones, components)
        Mass of each component in each zone.
    outliers : float
    """

    log_likelihood: float
    statistics: np.ndarray
    weights: np.ndarray
    outliers: float


def _iterate(problem: _Problem, parameters: Parameters) -> tuple[float, Parameters]:
    """The log likelihood of parameters, and the parameters one plain iteration on."""
    expectation = _e_step(problem, parameters)
    return expectation.log_likelihood, _m_step(problem, parameters, expectation)


def _e_step(problem: _Problem, parameters: Parameters) -> _Expectation:
    """Share the observations out among the Gaussians and the outliers, by Bayes' rule."""
    gaussians = _natural_parameters(problem.structure, parameters).T @ problem.features
    with np.errstate(divide="ignore"):
        log_outlier = np.log(parameters.outliers * np.asarray(problem.outlier_density))
    peak = np.maximum(gaussians.max(0), log_outlier)
    gaussians -= peak
    np.exp(gaussians, out=gaussians)
    components = problem.members @ gaussians
    inlier_weights = (1 - parameters.outliers) * parameters.weights
    outlier = np.exp(log_outlier - peak)
    total = inlier_weights @ components
    total += outlier
    np.maximum(total, np.finfo(float).tiny, out=total)
    per_density = problem.share / total  # times a weight and a density: a responsibility
    outliers = min(float(per_density.sum(0) @ outlier), problem.most_outliers)
    log_likelihood = float(problem.point_shares @ peak + np.vdot(problem.share, np.log(total, out=total)))
    if problem.prior is not None:
        log_likelihood += problem.prior.log_density(parameters, problem.zone_shares)
    weights = inlier_weights * (per_density @ components.T)
    gaussians *= problem.members.T @ (inlier_weights.T @ per_density)
    return _Expectation(log_likelihood, gaussians @ problem.features.T, weights, outliers)


def _m_step(problem: _Problem, parameters: Parameters, expectation: _Expectation) -> Parameters:
    """The parameters that best explain what the E step says: means given covariances, then covariances given means."""
    d = parameters.means.shape[1]
    zeroth = expectation.statistics[:, 0]
    first = expectation.statistics[:, 1 : 1 + d]
    second = expectation.statistics[:, 1 + d :].reshape(-1, d, d)
    means = _means(problem.structure, parameters, zeroth, first)

    center = problem.structure.fractions @ means
    cross = center[:, :, None] * first[:, None, :]
    scatter = second - cross - cross.transpose(0, 2, 1)
    scatter += zeroth[:, None, None] * center[:, :, None] * center[:, None, :]
    groups = len(parameters.covariances)
    mass: np.ndarray = np.bincount(problem.structure.variance, zeroth, groups)
    covariances = np.zeros((groups, d, d))
    np.add.at(covariances, problem.structure.variance, scatter)

    weights, prior = expectation.weights, problem.prior
    if prior is not None:
        each = prior.spread_strength / groups
        mass = mass + each
        covariances += each * common_covariance(parameters.covariances)
        weights = weights + prior.share_strength * problem.zone_shares[:, None] * prior.shares
    covariances /= np.maximum(mass, SMALLEST_WEIGHT)[:, None, None]
    covariances = (covariances + covariances.transpose(0, 2, 1)) / 2 + np.diag(problem.floor)
    weights = weights / np.maximum(weights.sum(1, keepdims=True), SMALLEST_WEIGHT)
    return Parameters(means, covariances, weights, expectation.outliers)


def _means(structure: Structure, parameters: Parameters, zeroth: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Class means that best explain the mass and the first moments of the Gaussians, shape (classes, d).

    A mixed Gaussian pulls at the means of both its classes, so they come out of one system of linear equations.
    """
    classes, d = parameters.means.shape
    fractions = structure.fractions
    precisions = inverse(parameters.covariances)[structure.variance]
    normal: np.ndarray = np.einsum("gk,gl,gde->kdle", zeroth[:, None] * fractions, fractions, precisions)
    normal = normal.reshape(classes * d, classes * d)
    right = np.einsum("gk,gde,ge->kd", fractions, precisions, first).reshape(-1)
    # A class that lost all its points keeps its mean instead of making the system singular.
    ridge = SMALLEST_WEIGHT * max(np.trace(normal), 1.0)
    normal[np.diag_indices_from(normal)] += ridge
    return np.linalg.solve(normal, right + ridge * parameters.means.reshape(-1)).reshape(classes, d)


def _squarem_step(problem: _Problem, path: tuple[Parameters, Parameters, Parameters], max_step: float) -> Parameters:
    """Where two plain iterations lead if their steps go on shrinking at the same rate.

    Tried after each two, and kept if the likelihood rises by it. Where classes overlap, plain iterations are many and
    tiny, and a small gain is then no sign of being near the top.

    Parameters
    ----------
    problem : _Problem
    path : tuple of Parameters
        Where it began, after one iteration and after two.
    max_step : float
        How far beyond the second iteration any coordinate may go.

    Returns
    -------
    ahead : Parameters
        The end of the path itself where what lies ahead is no mixture: a covariance below the floor, or beyond all
        numbers.
    """
    start, middle, end = (_coordinates(parameters) for parameters in path)
    step = middle - start
    bend = end - middle - step
    length = max(1.0, float(np.linalg.norm(step)) / max(float(np.linalg.norm(bend)), SMALLEST_WEIGHT))
    stride = start + 2 * length * step + length**2 * bend - end
    stride *= min(1.0, max_step / max(float(np.abs(stride).max()), SMALLEST_WEIGHT))
    with np.errstate(over="ignore"):  # what overflows is refused
        ahead = _from_coordinates(end + stride, path[-1], problem.most_outliers)
    if not np.isfinite(ahead.covariances).all():
        return path[-1]
    narrowest = np.linalg.eigvalsh(ahead.covariances - np.diag(problem.floor)).min()
    return ahead if narrowest >= 0 else path[-1]


def _coordinates(parameters: Parameters) -> np.ndarray:
    """The parameters as a vector without bounds: means, Cholesky factors with log diagonals, logs of the shares."""
    factors = np.linalg.cholesky(parameters.covariances)
    diagonal = np.arange(factors.shape[-1])
    factors[:, diagonal, diagonal] = np.log(factors[:, diagonal, diagonal])
    shares = np.append(parameters.weights.ravel(), parameters.outliers)
    return np.concatenate([parameters.means.ravel(), factors.ravel(), np.log(np.maximum(shares, SMALLEST_WEIGHT))])


def _from_coordinates(vector: np.ndarray, like: Parameters, most_outliers: float) -> Parameters:
    """The way back from `_coordinates`, to parameters of the shapes of others."""
    means, factors, shares = np.split(vector, np.cumsum([like.means.size, like.covariances.size]))
    diagonal = np.arange(like.means.shape[1])
    factors = factors.reshape(like.covariances.shape)
    factors[:, diagonal, diagonal] = np.exp(factors[:, diagonal, diagonal])
    logs = shares[:-1].reshape(like.weights.shape)
    weights = np.exp(logs - logs.max(1, keepdims=True))
    outliers = min(float(np.exp(shares[-1])), most_outliers)
    weights /= weights.sum(1, keepdims=True)
    return Parameters(means.reshape(like.means.shape), factors @ factors.transpose(0, 2, 1), weights, outliers)


def _sufficient_statistics(points: np.ndarray) -> np.ndarray:
    """(1, x, x x^T) of each point, shape (n, 1 + d + d^2)."""
    n, d = points.shape
    squares = (points[:, :, None] * points[:, None, :]).reshape(n, d * d)
    return np.hstack([np.ones((n, 1)), points, squares])


def _natural_parameters(structure: Structure, parameters: Parameters) -> np.ndarray:
    """Coefficients of the features in each Gaussian's log density, shape (1 + d + d^2, gaussians)."""
    means = structure.fractions @ parameters.means
    precisions = inverse(parameters.covariances)[structure.variance]
    log_determinants = log_determinant(parameters.covariances)[structure.variance]
    d = means.shape[1]
    linear = (precisions @ means[:, :, None])[:, :, 0]
    constant = structure.log_share - 0.5 * (d * np.log(2 * np.pi) + log_determinants + (linear * means).sum(1))
    return np.vstack([constant, linear.T, -0.5 * precisions.reshape(len(means), d * d).T])
