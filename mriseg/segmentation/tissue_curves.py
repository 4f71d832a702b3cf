"""The curves of the tissues, from the voxels that the labels take for each."""

import numpy as np

from mriseg.image.resampling import parts
from mriseg.mixture.likelihood import BinnedVoxels
from mriseg.mixture.model import Mixture, uniform
from mriseg.mixture.tissue_densities import TissueDensities, fit_tissue_densities


def tissue_curves(
    class_posteriors: np.ndarray, mask: np.ndarray, binned: BinnedVoxels, mixture: Mixture
) -> TissueDensities:
    """What the voxels of each class look like on the first channel, by the final posteriors.

    Parameters
    ----------
    class_posteriors : ndarray of float32, shape (classes, i, j) or (classes, i, j, k)
        Which know of place and neighbors; 0 outside the brain and where a voxel proved to be no tissue.
    mask : ndarray of bool, shape (i, j) or (i, j, k)
        The brain that the histogram was counted in.
    binned : BinnedVoxels
        The intensities that the mixture was fitted to.
    mixture : Mixture
        What of an intensity is an outlier, it says.

    Returns
    -------
    TissueDensities
        In the order of the classes; what no class explains are outliers and voxels without a posterior.
    """
    cells = len(binned.points)
    counts, by_class = np.zeros(cells), np.zeros((mixture.classes, cells))
    for part in parts(mask.shape):
        inside = mask[part]
        index = binned.index[part][inside]
        counts += np.bincount(index, minlength=cells)
        for k, posterior in enumerate(class_posteriors[:, part]):
            by_class[k] += np.bincount(index, posterior[inside], cells)
    outliers = mixture.outliers * uniform(binned.points, mixture.outlier_range)
    by_class *= 1 - outliers / np.maximum(mixture.density(binned.points), np.finfo(float).tiny)
    first = binned.histograms[0]
    counts = counts.reshape(len(first.levels), -1).sum(1)
    by_class = by_class.reshape(mixture.classes, len(first.levels), -1).sum(2)
    # Intensities beyond its ends count as the outermost here, and not at all in the histogram.
    by_class *= first.counts / np.maximum(counts, 1)
    return fit_tissue_densities(first, by_class)
