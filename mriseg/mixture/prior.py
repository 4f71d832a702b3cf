"""What is expected of the shares before the histogram is seen: how much of each tissue, and how much of it mixed."""

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture.model import pairs
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.registration.atlas import TISSUES

# How often two tissues share a voxel, against the product of their shares in a zone: gray matter lies between the
# others. Medians over brains at 1 mm. Of the whole brain (see `zones`) it makes 36 % mixed voxels.
MIXING = {
    frozenset((Tissue.CSF, Tissue.GM)): 1.45,
    frozenset((Tissue.GM, Tissue.WM)): 1.22,
    frozenset((Tissue.CSF, Tissue.WM)): 0.5,
}
LEAST_EXPECTED = 0.01  # of any component in any zone
# Share of the gray matter about the deep nuclei that has their brightness rather than the cortex's.
DEEP_GRAY = 0.8
PURE_SHARE_AT_START = 0.8  # the fit moves it; between 0.6 and 0.95 it ends in the same place


def expectation(zones: PriorZones, order: tuple[Tissue, ...]) -> np.ndarray:
    """Expected weight of each component of `layout` in each zone, shape (zones, components)."""
    share = dict(zip(TISSUES, zones.shares.T, strict=True))
    pure = {tissue: share[tissue].copy() for tissue in share}
    mixed = {}
    for a, b in pairs(3):
        both = MIXING[frozenset((order[a], order[b]))] * share[order[a]] * share[order[b]]
        mixed[a, b] = both
        pure[order[a]] -= both / 2
        pure[order[b]] -= both / 2
    columns = [pure[tissue] for tissue in order]
    for pair in pairs(3):
        columns += [mixed[pair] / 2] * 2
    expected = np.maximum(np.stack(columns, 1), LEAST_EXPECTED)
    expected /= expected.sum(1, keepdims=True)
    if len(zones) > 1 and zones.deep.any():
        gray, white = order.index(Tissue.GM), order.index(Tissue.WM)
        at = 3 + 2 * pairs(3).index((min(gray, white), max(gray, white)))
        near_gray, near_white = (at, at + 1) if gray < white else (at + 1, at)
        of_cortex = [near_gray, near_white, gray]
        of_nuclei = expected[:, of_cortex] * DEEP_GRAY * zones.deep[:, None]
        expected[:, of_cortex] -= of_nuclei
        expected = np.hstack([expected, of_nuclei])
    return expected


def even_expectation(classes: int) -> np.ndarray:
    """Expected weight of each component of `layout` where nothing is known of the classes, shape (1, components)."""
    mixed = (1 - PURE_SHARE_AT_START) / (2 * len(pairs(classes)))
    return np.repeat([PURE_SHARE_AT_START / classes, mixed], [classes, 2 * len(pairs(classes))])[None]
