"""What intensities say: voxels binned by intensity, and the mixture tabulated for each cell.

A scan has millions of voxels and a few thousand distinct intensities, so all that the mixture has to say of a voxel
is looked up. With several channels a cell is one of their joint histogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.image.resampling import parts
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
        return np.stack(
            [axis.ravel() for axis in np.meshgrid(*(hist.levels for hist in self.histograms), indexing="ij")], 1
        )

    def cells(self, mask: np.ndarray, spatial_prior: PriorZones) -> Cells:
        """How many voxels of the mask lie in each cell, by zone.

        Parameters
        ----------
        mask : ndarray of bool, shape of `index`
            The brain.
        spatial_prior : PriorZones
            On the same grid.

        Returns
        -------
        Cells
            Those that hold a voxel.
        """
        points = self.points
        counts = np.zeros(len(spatial_prior) * len(points), np.intp)
        for part in parts(mask.shape):
            inside = mask[part]
            joint = spatial_prior.index[part][inside].astype(np.int32) * np.int32(len(points))
            counts += np.bincount(joint + self.index[part][inside], minlength=len(counts))
        by_zone = counts.reshape(len(spatial_prior), -1)
        filled = by_zone.any(0)
        return Cells(points[filled], by_zone[:, filled].astype(float))


def bin_voxels(channels: Sequence[np.ndarray], mask: np.ndarray) -> BinnedVoxels:
    """Give each voxel the number of the cell of the joint histogram that its intensities lie in.

    Cells are numbered with the last channel running fastest.

    Parameters
    ----------
    channels : sequence of ndarray of float32, each of shape (i, j) or (i, j, k)
        Intensities; one to three.
    mask : ndarray of bool, same shape
        The brain; what lies outside it is binned too, but does not say where the levels are.

    Returns
    -------
    BinnedVoxels

    Examples
    --------
    On T1 these voxels lie on the levels 0, 1 and 2 of three, on T2 on 1, 0 and 0 of two; so their cells are
    0 * 2 + 1, 1 * 2 + 0 and 2 * 2 + 0.

    >>> t1, t2 = (np.repeat(np.array(levels, np.float32), 1000) for levels in ((10, 11, 12), (8, 7, 7)))
    >>> binned = bin_voxels([t1, t2], np.ones(3000, bool))
    >>> [len(hist.levels) for hist in binned.histograms], binned.index[::1000].tolist()
    ([3, 2], [1, 2, 4])
    >>> binned.points[[1, 2, 4]].tolist()
    [[10.0, 8.0], [11.0, 7.0], [12.0, 7.0]]
    """
    histograms, index = [], np.zeros(mask.shape, np.int32)
    for data in channels:
        hist = typical_histogram(data[mask], LEVELS[len(channels)])
        index *= np.int32(len(hist.levels))
        for part in parts(mask.shape):
            level = (data[part] - np.float32(hist.levels[0])) * np.float32(1 / hist.width)
            np.clip(level, 0, len(hist.levels) - 1, out=level)
            level += np.float32(0.5)  # so that cutting off rounds
            index[part] += level.astype(np.int32)
        histograms.append(hist)
    return BinnedVoxels(tuple(histograms), index)


def typical_histogram(values: np.ndarray, bins: int) -> Histogram:
    """Histogram of intensities without the outermost thousandth at each end.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Intensities, at least one.
    bins : int
        The most bins to use.

    Returns
    -------
    Histogram
    """
    low, high = np.percentile(values, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT])
    typical = values[(values >= low) & (values <= high)]
    return histogram(typical if typical.size else values, bins=bins)


def log_likelihood_table(mixture: Mixture, binned: BinnedVoxels) -> np.ndarray:
    """Log of weight times density of each class in each zone and cell.

    Parameters
    ----------
    mixture : Mixture
    binned : BinnedVoxels
        Whose cells.

    Returns
    -------
    ndarray of float32, shape (classes, zones x cells)
        The cells of a zone stand together.
    """
    return mixture.zone_log_densities(binned.points).astype(np.float32).reshape(mixture.classes, -1)


@dataclass(frozen=True, eq=False)
class TableIndex:
    """Column of `log_likelihood_table` for each voxel, made where it is asked for: all at once it takes 4 bytes each.

    Attributes
    ----------
    binned : BinnedVoxels
    spatial_prior : PriorZones
        On the same grid.
    """

    binned: BinnedVoxels
    spatial_prior: PriorZones

    def __getitem__(self, part: slice | tuple[slice, ...]) -> np.ndarray:
        """Columns of a part of the grid, int32."""
        index = self.binned.index[part]
        if len(self.spatial_prior) == 1:
            return index
        cells = np.int32(np.prod([len(hist.levels) for hist in self.binned.histograms]))
        columns: np.ndarray = self.spatial_prior.index[part] * cells + index
        return columns
