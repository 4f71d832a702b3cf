"""What is expected of the mixture's components before the histogram is seen: how much of each tissue, how much mixed.

How much there is of each tissue the average brain says (`mriseg.registration.atlas.MEAN_SHARES`, by position
`mriseg.mixture.spatial_prior`); how strongly all of it counts is `SHARE_STRENGTH` in `mriseg.mixture.fit`.
"""

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.registration.atlas import TISSUES

# How often two tissues share a voxel, against the product of their shares in a zone: gray matter lies between the
# others. Medians over brains at 1 mm. Of the whole brain (`mriseg.mixture.spatial_prior.uniform_prior`) it makes 36 %
# mixed voxels.
MIXING = {
    frozenset((Tissue.CSF, Tissue.GM)): 1.45,
    frozenset((Tissue.GM, Tissue.WM)): 1.22,
    frozenset((Tissue.CSF, Tissue.WM)): 0.5,
}
LEAST_EXPECTED = 0.01  # of any component in any zone
# Share of the gray matter about the deep nuclei that has their brightness rather than the cortex's.
DEEP_GRAY = 0.8
PURE_SHARE_AT_START = 0.8  # the fit moves it; between 0.6 and 0.95 it ends in the same place


def expectation(spatial_prior: PriorZones, order: tuple[Tissue, ...]) -> np.ndarray:
    """Expected weight of each component of a mixture of the three tissues, in each zone.

    Parameters
    ----------
    spatial_prior : PriorZones
        What the average brain expects of each zone.
    order : tuple of Tissue
        Which tissue each class is.

    Returns
    -------
    ndarray of shape (zones, components)
        Rows sum to 1. Deep gray matter has components of its own where several zones are told apart and some lie
        about the nuclei.
    """
    layout = MixtureLayout(len(order))
    share = dict(zip(TISSUES, spatial_prior.shares.T, strict=True))
    expected = np.stack([share[tissue] for tissue in order], 1)
    expected = np.hstack([expected, np.zeros((len(spatial_prior), 2 * len(layout.pairs)))])
    for a, b in layout.pairs:
        both = MIXING[frozenset((order[a], order[b]))] * share[order[a]] * share[order[b]]
        expected[:, [a, b]] -= (both / 2)[:, None]
        expected[:, layout.mixed[a, b]] = (both / 2)[:, None]
    expected = np.maximum(expected, LEAST_EXPECTED)
    expected /= expected.sum(1, keepdims=True)
    if len(spatial_prior) == 1 or not spatial_prior.deep.any():
        return expected
    return _deep_gray_apart(expected, spatial_prior, MixtureLayout(len(order), deep_between(order)))


def deep_between(order: tuple[Tissue, ...]) -> tuple[int, int]:
    """The classes between which the brightness of the deep nuclei lies: those of gray and white matter.

    Parameters
    ----------
    order : tuple of Tissue
        From dark to bright.

    Returns
    -------
    tuple of int
        Indices of the classes.
    """
    return order.index(Tissue.GM), order.index(Tissue.WM)


def _deep_gray_apart(expected: np.ndarray, spatial_prior: PriorZones, layout: MixtureLayout) -> np.ndarray:
    """Expected weights with those of deep gray matter taken out of those of gray matter and its edge to white."""
    deep = layout.deep
    assert deep is not None
    of_cortex = [*layout.mixed[deep.gray, deep.white], deep.gray]
    of_nuclei = expected[:, of_cortex] * DEEP_GRAY * spatial_prior.deep[:, None]
    apart = np.zeros((len(expected), layout.components))
    apart[:, : expected.shape[1]] = expected
    apart[:, of_cortex] -= of_nuclei
    apart[:, [*deep.mixed, deep.component]] = of_nuclei
    return apart


def even_expectation(classes: int) -> np.ndarray:
    """Expected weight of each component where nothing is known of the classes, shape (1, components).

    Parameters
    ----------
    classes : int
        Pure classes.

    Returns
    -------
    ndarray of shape (1, components)
        Sums to 1.
    """
    layout = MixtureLayout(classes)
    halves = layout.components - classes
    return np.repeat([PURE_SHARE_AT_START / classes, (1 - PURE_SHARE_AT_START) / halves], [classes, halves])[None]
