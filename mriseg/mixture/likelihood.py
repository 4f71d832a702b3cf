"""What intensities say: voxels sorted into cells, and the mixture tabulated for each cell.

A scan has millions of voxels and a few thousand distinct intensities, so all that the mixture has to say of a voxel
is looked up. With several channels a cell is one of their joint histogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.mixture.histogram import Cells, Histogram, histogram
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones

# Vessels, fat and broken voxels, the outermost thousandth at each end, would stretch the histogram.
OUTLIERS_PERCENT = 0.1
# Levels of each channel, by their number: with two, a level is a quarter of the noise of most scans.
LEVELS = {1: 1024, 2: 96, 3: 32}


@dataclass(frozen=True, eq=False)
class BinnedVoxels:
    """Voxels by their intensities.

    Attributes
    ----------
    histograms : tuple of Histogram
        Of each channel in the brain, without the outermost thousandth at each end.
    index : ndarray of int32, shape (i, j) or (i, j, k)
        Cell of each voxel; intensities beyond the ends count as the outermost.
    """

    histograms: tuple[Histogram, ...]
    index: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """Intensities of each cell, shape (cells, channels)."""
        return np.stack([axis.ravel() for axis in np.meshgrid(*(b.levels for b in self.histograms), indexing="ij")], 1)

    def cells(self, inside: np.ndarray, zones: PriorZones) -> Cells:
        """How many voxels of the mask lie in each cell, by zone.

        Parameters
        ----------
        inside : ndarray of bool, shape of `index`
        zones : Zones
            On the same grid.
        """
        points = self.points
        joint = zones.index[inside].astype(np.int32) * np.int32(len(points)) + self.index[inside]
        counts = np.bincount(joint, minlength=len(zones) * len(points)).reshape(len(zones), -1)
        filled = counts.any(0)
        return Cells(points[filled], counts[:, filled].astype(float))


def bin_voxels(channels: Sequence[np.ndarray], inside: np.ndarray) -> BinnedVoxels:
    """Sort voxels into cells of intensity.

    Parameters
    ----------
    channels : sequence of ndarray of float32, each of shape (i, j) or (i, j, k)
        Intensities; one to three.
    inside : ndarray of bool, same shape
        The brain.
    """
    most = LEVELS[len(channels)]
    histograms, index = [], np.zeros(inside.shape, np.int32)
    for data in channels:
        counted = typical_histogram(data[inside], most)
        level = (data - np.float32(counted.levels[0])) * np.float32(1 / counted.width)
        np.clip(level, 0, len(counted.levels) - 1, out=level)
        level += np.float32(0.5)
        index *= np.int32(len(counted.levels))
        index += level.astype(np.int32)
        histograms.append(counted)
    return BinnedVoxels(tuple(histograms), index)


def typical_histogram(values: np.ndarray, bins: int) -> Histogram:
    """Histogram of intensities, shape (n,), without the outermost thousandth at each end; of at most so many bins."""
    low, high = np.percentile(values, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT])
    typical = values[(values >= low) & (values <= high)]
    return histogram(typical if typical.size else values, bins=bins)


def log_likelihood_table(mixture: Mixture, found: BinnedVoxels) -> np.ndarray:
    """Log of weight times density of each class in each zone and cell, float32, shape (classes, zones x cells)."""
    return mixture.zone_log_densities(found.points).astype(np.float32).reshape(mixture.classes, -1)


def table_index(found: BinnedVoxels, zones: PriorZones) -> np.ndarray:
    """Column of `log_likelihood_table` for each voxel, int32."""
    if len(zones) == 1:
        return found.index
    return zones.index * np.int32(np.prod([len(b.levels) for b in found.histograms])) + found.index
