"""How much of each tissue a voxel holds, as the mixture expects it from the voxel's intensity and its class.

A posterior says which tissue fills most of a voxel, and how sure that is; a fraction says how much each tissue fills.
Volumes are sums of fractions: on a border they count each side for its part.

References
----------
Shattuck et al.: Magnetic resonance image tissue classification using a partial volume model. NeuroImage 13, 2001.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.mixture.likelihood import BinnedVoxels
from mriseg.mixture.model import Mixture
from mriseg.segmentation.markov_field import SLAB_PIXELS, THREADS


def partial_volumes(posteriors: np.ndarray, mixture: Mixture, binned: BinnedVoxels) -> np.ndarray:
    """Expected fraction of each tissue in each voxel.

    Parameters
    ----------
    posteriors : ndarray of float32, shape (classes, i, j) or (classes, i, j, k)
        Of the mixture's classes.
    mixture : Mixture
        Named.
    binned : BinnedVoxels
        The voxels by their intensities.

    Returns
    -------
    ndarray of uint8, shape (i, j, 3) or (i, j, k, 3)
        Fractions in the order of `Tissue` times 255, rounded; 0 where the posteriors are.
    """
    table = mixture.expected_fractions(binned.points)
    tissue = np.array([[t is of for of in mixture.tissues] for t in Tissue], float)
    table = np.einsum("tf,kfn->tkn", tissue, table).astype(np.float32) * np.float32(255)
    fractions = np.empty((*binned.index.shape, len(Tissue)), np.uint8)
    slab = max(1, SLAB_PIXELS // binned.index[0].size)

    def fill(first: int) -> None:
        part = slice(first, first + slab)
        index = binned.index[part]
        for t in range(len(Tissue)):
            total = np.full(index.shape, 0.5, np.float32)
            for k in np.flatnonzero(table[t].any(1)):  # no class holds all tissues
                total += posteriors[k, part] * table[t, k][index]
            fractions[part, ..., t] = total

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(fill, range(0, len(binned.index), slab)):
            pass
    return fractions
