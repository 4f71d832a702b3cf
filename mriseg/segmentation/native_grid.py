"""From classes in the brain's canonical box back to tissues on the grid of the scan."""

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.image.orientation import restore


def native_order(inside: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Where in the flattened canonical box the brain's voxels are, one after the other along the scan's own axes."""
    places = np.arange(inside.size, dtype=np.uint32).reshape(inside.shape)
    return restore(places, orientation)[restore(inside, orientation)].astype(np.intp)


def tissue_posteriors(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Posteriors of the classes as those of the tissues: permuted in place, or summed where classes share a tissue."""
    if set(tissues) != set(Tissue) or len(tissues) != len(Tissue):
        total = np.zeros((len(Tissue), *posteriors.shape[1:]), np.float32)
        for tissue, posterior in zip(tissues, posteriors, strict=True):
            total[list(Tissue).index(tissue)] += posterior
        return total
    order = [tissues.index(tissue) for tissue in Tissue]
    for index in range(posteriors.shape[1]):  # a second copy would be the largest array there is
        posteriors[:, index] = posteriors[order, index]
    return posteriors


def most_likely_tissue(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Number of the tissue of the largest posterior, ties to the first; posteriors of shape (classes, ...)."""
    best, labels = posteriors[0], np.full(posteriors.shape[1:], tissues[0].number, np.uint8)
    for tissue, posterior in zip(tissues[1:], posteriors[1:], strict=True):  # argmax over a first axis is slow
        np.putmask(labels, posterior > best, tissue.number)
        best = np.maximum(best, posterior)
    return labels
