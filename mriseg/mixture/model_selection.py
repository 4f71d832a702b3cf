"""How many classes: the criteria of Akaike and Bayes over mixtures of two to six.

References
----------
Akaike: A new look at the statistical model identification. IEEE Trans Autom Control 19, 1974.
Schwarz: Estimating the dimension of a model. Ann Stat 6, 1978.
"""

from dataclasses import dataclass

import numpy as np

from mriseg.core.errors import SeparationError
from mriseg.core.settings import CLASSES
from mriseg.mixture.fit import fit_classes
from mriseg.mixture.histogram import Cells, Histogram


@dataclass(frozen=True)
class Criterion:
    """How well a mixture of so many classes describes a histogram.

    Attributes
    ----------
    classes : int
        Pure classes; neighbors share mixed voxels besides.
    parameters : int
        That were free.
    log_likelihood : float
        Of all voxels, natural logarithm.
    aic, bic : float
        The lower the better. They count voxels as independent, which neighbors are not, so on a volume both like more
        classes than there are tissues.
    """

    classes: int
    parameters: int
    log_likelihood: float
    aic: float
    bic: float


def criteria(histogram: Histogram) -> tuple[Criterion, ...]:
    """Fit two to six classes to a histogram and judge each; without those that it is too coarse for.

    Parameters
    ----------
    histogram : Histogram
        Of one channel, of the brain.

    Returns
    -------
    tuple of Criterion
        From few classes to many.
    """
    voxels = float(histogram.counts.sum())
    judged = []
    for classes in CLASSES:
        try:
            mixture = fit_classes(Cells.of(histogram), classes)
        except SeparationError:
            break
        # Means, variances with that of mixed voxels, weights that sum to 1, and the share of outliers.
        free = classes + (classes + 1) + (mixture.layout.components - 1) + 1
        log_likelihood = mixture.log_likelihood * voxels
        criterion = Criterion(
            classes=classes,
            parameters=free,
            log_likelihood=log_likelihood,
            aic=2 * free - 2 * log_likelihood,
            bic=float(np.log(voxels)) * free - 2 * log_likelihood,
        )
        judged.append(criterion)
    return tuple(judged)
