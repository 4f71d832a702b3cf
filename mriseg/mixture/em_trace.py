"""Expectation-maximization step by step, from a poor start, to be shown."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture import em
from mriseg.mixture.fit import (
    MOST_DARK_OUTLIERS,
    MOST_OUTLIERS,
    SHARE_STRENGTH,
    SPREAD_STRENGTH,
    SPREAD_STRENGTH_ORDER_UNKNOWN,
)
from mriseg.mixture.histogram import Cells, Histogram
from mriseg.mixture.initialization import VARIANCE_FLOOR
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.model import Mixture, uniform
from mriseg.mixture.prior import even_expectation, expectation
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.mixture.standardization import Standardization

BINS = 256  # as many as are drawn
PLAIN = 100  # iterations as the textbook has them; what remains is climbed in SQUAREM steps
TOLERANCE = 1e-7  # gain of log likelihood per voxel at which the top is reached
MOST_ITERATIONS = 400
MOST_STEPS = 60
START_BETWEEN = (0.02, 0.98)  # shares of the voxels that are darker than where the means are spread


@dataclass(frozen=True, eq=False)
class Step:
    """A mixture on the way of expectation-maximization.

    Attributes
    ----------
    iteration : int
        0 at the start.
    mixture : Mixture
        In one zone, its classes named as those of the result.
    log_likelihood : float
        Per voxel, natural logarithm, with the share of what is expected of a brain, which the fit climbs too. Never
        falls from one step to the next.
    """

    iteration: int
    mixture: Mixture
    log_likelihood: float


def em_steps(histogram: Histogram, fitted: Mixture) -> tuple[Step, ...]:
    """Fit a histogram again from a poor start, and show the way.

    The start spreads its means evenly over the intensities, with equal weights and one spread for all. Most of the
    steps shown are early ones, where much moves. The last is a fixed point; it differs from the fitted mixture by
    what position and further contrasts have told that one.

    Parameters
    ----------
    histogram : Histogram
        That of the first channel, as a result holds it.
    fitted : Mixture
        Of the same result: how many classes there are, and which tissue each is.

    Returns
    -------
    tuple of Step
        At most 60.

    Examples
    --------
    >>> from mriseg.mixture.fit import FLUID_DARK, fit
    >>> from mriseg.mixture.histogram import histogram as count
    >>> rng = np.random.default_rng(0)
    >>> counted = count(np.concatenate([rng.normal(mean, 30, 2000) for mean in (200, 600, 900)]))
    >>> steps = em_steps(counted, fit(Cells.of(counted), FLUID_DARK))
    >>> steps[0].iteration, steps[0].log_likelihood < steps[-1].log_likelihood
    (0, True)
    >>> steps[-1].mixture.converged, steps[-1].mixture.means.round(-1).tolist()
    (True, [200.0, 600.0, 900.0])
    """
    cells = Cells.of(histogram.rebin(BINS)).filled()
    scale, layout = Standardization.of(cells.points, cells.counts[0]), MixtureLayout(fitted.classes)
    outlier_range = (fitted.outlier_range[0][:1], fitted.outlier_range[1][:1])
    points, counts, prior = scale.points(cells.points), cells.counts[0], _prior(fitted)
    outlier_density = scale.spread[0] * uniform(cells.points, outlier_range)
    climb = _climb_of(points, counts, layout, outlier_density=outlier_density, prior=prior)
    start = _poor_start(points[:, 0], counts, fitted.classes, prior.most_outliers)
    path, log_likelihoods, converged = _climb_slowly(climb, start)
    tissues = tuple(fitted.tissues[k] for k in path[-1][1].means[:, 0].argsort().argsort())  # named by where they end

    def step(at: int) -> Step:
        iteration, parameters = path[at]
        log_likelihood = log_likelihoods[at] - float(np.log(scale.spread[0]))
        mixture = Mixture(
            parameters=scale.restore(parameters),
            zone_shares=np.ones(1),
            layout=layout,
            outlier_range=outlier_range,
            log_likelihood=log_likelihood,
            iterations=iteration,
            converged=converged and at == len(path) - 1,
            tissues=tissues,
        )
        return Step(iteration, mixture, log_likelihood)

    shown = np.unique(np.rint(np.geomspace(1, len(path), MOST_STEPS)).astype(int)) - 1
    return tuple(step(int(at)) for at in shown)


def _climb_of(
    points: np.ndarray, counts: np.ndarray, layout: MixtureLayout, *, outlier_density: np.ndarray, prior: em.Prior
) -> Callable[..., tuple[em.Parameters, list[float], bool]]:
    """Expectation-maximization on the points from a start, for so many iterations."""
    return partial(
        em.expectation_maximization,
        points,
        counts,
        layout.structure,
        tolerance=TOLERANCE,
        floor=np.full(1, VARIANCE_FLOOR),
        outlier_density=outlier_density,
        prior=prior,
    )


def _climb_slowly(
    climb: Callable[..., tuple[em.Parameters, list[float], bool]], start: em.Parameters
) -> tuple[list[tuple[int, em.Parameters]], list[float], bool]:
    """Plain iterations one by one, and all that remain at once.

    Returns
    -------
    path : list of tuple of int and em.Parameters
        Number of the iteration, and where it led.
    log_likelihoods : list of float
        Of each of them.
    converged : bool
    """
    path, log_likelihoods = [(0, start)], []
    for iteration in range(1, PLAIN + 1):
        following, (log_likelihood,), _ = climb(path[-1][1], max_iterations=1)
        path.append((iteration, following))
        log_likelihoods.append(log_likelihood)
    last, history, converged = climb(path[-1][1], max_iterations=MOST_ITERATIONS)
    return [*path, (PLAIN + len(history), last)], [*log_likelihoods, history[0], history[-1]], converged


def _prior(fitted: Mixture) -> em.Prior:
    """What a mixture of so many classes is expected to be where position is not known."""
    if fitted.classes != len(Tissue):
        expected = even_expectation(fitted.classes)
        return em.Prior(expected, SHARE_STRENGTH, SPREAD_STRENGTH_ORDER_UNKNOWN, MOST_OUTLIERS)
    most_outliers = MOST_DARK_OUTLIERS if fitted.tissues[-1] is Tissue.CSF else MOST_OUTLIERS
    return em.Prior(expectation(uniform_prior(()), fitted.tissues), SHARE_STRENGTH, SPREAD_STRENGTH, most_outliers)


def _poor_start(points: np.ndarray, counts: np.ndarray, classes: int, outliers: float) -> em.Parameters:
    """Means spread evenly over the points, shape (n,), with equal weights and one spread for all."""
    below = (np.cumsum(counts) - counts / 2) / counts.sum()
    low, high = np.interp(START_BETWEEN, below, points)
    means = low + (high - low) * (np.arange(classes) + 0.5) / classes
    variances = np.full((classes + 1, 1, 1), ((high - low) / classes / 2) ** 2)
    return em.Parameters(means[:, None], variances, even_expectation(classes), outliers)
