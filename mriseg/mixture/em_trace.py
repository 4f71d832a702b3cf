"""Expectation-maximization step by step, from a poor start, to be shown."""

from dataclasses import dataclass

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture import em
from mriseg.mixture.fit import MOST_BONE, MOST_OUTLIERS, SHARE_STRENGTH, SPREAD_STRENGTH, SPREAD_STRENGTH_UNNAMED
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.initialization import VARIANCE_FLOOR
from mriseg.mixture.model import Mixture, layout, uniform
from mriseg.mixture.prior import even_expectation, expectation
from mriseg.mixture.spatial_prior import uniform_prior

BINS = 256  # as many as are drawn
PLAIN = 100  # iterations as the textbook has them; what remains is climbed in strides
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
    """
    bars = histogram.rebin(BINS)
    filled = bars.counts > 0
    levels, counts = bars.levels[filled], bars.counts[filled]
    center = np.average(levels, weights=counts)
    spread = np.sqrt(np.average((levels - center) ** 2, weights=counts))
    points = ((levels - center) / spread)[:, None]
    structure, classes = layout(fitted.classes), fitted.classes
    ends = (fitted.outlier_range[0][:1], fitted.outlier_range[1][:1])
    if classes == len(Tissue):
        bone = fitted.tissues[-1] is Tissue.CSF
        expected = expectation(uniform_prior(()), fitted.tissues)
        prior = em.Prior(expected, SHARE_STRENGTH, SPREAD_STRENGTH, MOST_BONE if bone else MOST_OUTLIERS)
    else:
        prior = em.Prior(even_expectation(classes), SHARE_STRENGTH, SPREAD_STRENGTH_UNNAMED, MOST_OUTLIERS)

    def climb(parameters: em.Parameters, iterations: int) -> tuple[em.Parameters, list[float], bool]:
        floor, outliers = np.full(1, VARIANCE_FLOOR), spread * uniform(levels, ends)
        return em.expectation_maximization(
            points, counts, structure, parameters, TOLERANCE, iterations, floor, outliers, prior
        )

    below = (np.cumsum(counts) - counts / 2) / counts.sum()
    low, high = np.interp(START_BETWEEN, below, points[:, 0])
    means = low + (high - low) * (np.arange(classes) + 0.5) / classes
    variances = np.full((classes + 1, 1, 1), ((high - low) / classes / 2) ** 2)
    way = [em.Parameters(means[:, None], variances, even_expectation(classes), prior.most_outliers)]
    heights = []
    for _ in range(PLAIN):
        following, (height,), _ = climb(way[-1], 1)
        way.append(following)
        heights.append(height)
    top, history, converged = climb(way[-1], MOST_ITERATIONS)
    way.append(top)
    heights += [history[0], history[-1]]
    iterations = [*range(PLAIN + 1), PLAIN + len(history)]
    tissues = tuple(fitted.tissues[k] for k in top.means[:, 0].argsort().argsort())  # named by where they end

    def step(at: int) -> Step:
        found, height = way[at], heights[at] - float(np.log(spread))
        parameters = em.Parameters(
            found.means * spread + center, found.covariances * spread**2, found.weights, found.outliers
        )
        last = converged and at == len(way) - 1
        mixture = Mixture(parameters, np.ones(1), classes, None, ends, height, iterations[at], last, tissues)
        return Step(iterations[at], mixture, height)

    shown = np.unique(np.rint(np.geomspace(1, len(way), MOST_STEPS)).astype(int)) - 1
    return tuple(step(int(at)) for at in shown)
