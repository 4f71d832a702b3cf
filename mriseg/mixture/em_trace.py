"""The way to a result, to be shown: intensities before and after correction, and the fit climbing step by step."""

from dataclasses import dataclass

import numpy as np

from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.image.orientation import orient
from mriseg.mixture import em
from mriseg.mixture.fit import (
    MOST_BONE,
    MOST_OUTLIERS,
    SHARE_STRENGTH,
    SPREAD_STRENGTH,
    SPREAD_STRENGTH_UNNAMED,
    VARIANCE_FLOOR,
    even_expectation,
    expectation,
)
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.likelihood import LEVELS, typical_histogram
from mriseg.mixture.model import Mixture, layout, uniform
from mriseg.mixture.spatial_prior import one_zone
from mriseg.segmentation.result import Result

BINS = 256  # as many as are drawn
PLAIN = 100  # iterations as the textbook has them; what remains is climbed in strides
TOLERANCE = 1e-7  # gain of log likelihood per voxel at which the top is reached
MOST_ITERATIONS = 400
MOST_STEPS = 60
START_BETWEEN = (0.02, 0.98)  # shares of the voxels that are darker than where the means are spread


@dataclass(frozen=True, eq=False)
class Step:
    """A mixture on the way of expectation-maximisation.

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


def steps_of_fit(result: Result) -> tuple[Step, ...]:
    """Fit a result's histogram again from a poor start, and show the way.

    The start spreads its means evenly over the intensities, with equal weights and one spread for all. Most of the
    steps shown are early ones, where much moves. The last is a fixed point; it differs from the result's mixture by
    what position and further contrasts have told that one.

    Parameters
    ----------
    result : Result

    Returns
    -------
    tuple of Step
        At most 60.
    """
    bars, fitted = result.histogram.rebin(BINS), result.mixture
    filled = bars.counts > 0
    levels, counts = bars.levels[filled], bars.counts[filled]
    centre = np.average(levels, weights=counts)
    spread = np.sqrt(np.average((levels - centre) ** 2, weights=counts))
    points = ((levels - centre) / spread)[:, None]
    structure, classes = layout(fitted.classes), fitted.classes
    ends = (fitted.outlier_range[0][:1], fitted.outlier_range[1][:1])
    if classes == len(Tissue):
        bone = fitted.tissues[-1] is Tissue.CSF
        expected = expectation(one_zone(()), fitted.tissues)
        prior = em.Prior(expected, SHARE_STRENGTH, SPREAD_STRENGTH, MOST_BONE if bone else MOST_OUTLIERS)
    else:
        prior = em.Prior(even_expectation(classes), SHARE_STRENGTH, SPREAD_STRENGTH_UNNAMED, MOST_OUTLIERS)

    def climb(parameters: em.Parameters, iterations: int) -> tuple[em.Parameters, list[float], bool]:
        floor, outliers = np.full(1, VARIANCE_FLOOR), spread * uniform(levels, ends)
        return em.maximise(points, counts, structure, parameters, TOLERANCE, iterations, floor, outliers, prior)

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
            found.means * spread + centre, found.covariances * spread**2, found.weights, found.outliers
        )
        last = converged and at == len(way) - 1
        mixture = Mixture(parameters, np.ones(1), classes, None, ends, height, iterations[at], last, tissues)
        return Step(iterations[at], mixture, height)

    shown = np.unique(np.rint(np.geomspace(1, len(way), MOST_STEPS)).astype(int)) - 1
    return tuple(step(int(at)) for at in shown)


def before_correction(scan: Scan, result: Result) -> Histogram:
    """The brain's intensities as they were before the bias field was divided out.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Returns
    -------
    Histogram
        Of the same voxels in the same units as `Result.histogram`, which are those of the negative where the scan is
        stored inverted. Its bins may have another width.
    """
    place, named = result.stages.place, result.stages.named
    assert place is not None
    assert named is not None
    data = orient(scan)[0].data[place.box]
    return typical_histogram(named.signal(data[place.mask[place.box]]), LEVELS[1])


def corrected(scan: Scan, result: Result) -> np.ndarray:
    """The scan with the bias field divided out in the brain's box, float32, shape of the scan.

    In the units of the result's mixture: of a scan that is stored inverted its negative.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
    """
    named = result.stages.named
    assert named is not None
    data = named.signal(scan.data).astype(np.float32)
    data[result.box] /= result.box_bias
    return data
