"""Weighted bins: all that a one-dimensional mixture can know of a million voxels."""

from dataclasses import dataclass

import numpy as np

# 1024 bins leave a quantization noise of range / 3500, some fifty times below the noise of any MR scan;
# up to as many integer levels are kept exactly, one bin a level.
BINS = 1024
# What ranges over less is of one value: the inverse of the width would be infinite in float32.
LEAST_WIDTH = float(1 / np.finfo(np.float32).max)
PART = 1_000_000  # values that are counted at a time


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts over equally spaced levels.

    Attributes
    ----------
    levels : ndarray of shape (bins,)
        Intensity at the center of each bin, ascending, in arbitrary units.
    counts : ndarray of shape (bins,)
        Voxels in each bin.
    """

    levels: np.ndarray
    counts: np.ndarray

    @property
    def width(self) -> float:
        """Width of a bin in intensity units."""
        return float(self.levels[1] - self.levels[0])

    def rebin(self, bins: int) -> "Histogram":
        """The same counts over fewer bins, by joining neighbors.

        Parameters
        ----------
        bins : int
            The most bins to have.

        Returns
        -------
        Histogram
            Of the same voxels; the histogram itself where it has no more bins than that.

        Examples
        --------
        >>> fine = Histogram(np.array([10.0, 11.0, 12.0, 13.0]), np.array([1.0, 2.0, 3.0, 4.0]))
        >>> coarse = fine.rebin(2)
        >>> coarse.levels.tolist(), coarse.counts.tolist(), coarse.width
        ([10.5, 12.5], [3.0, 7.0], 2.0)
        """
        size = -(-len(self.levels) // bins)  # of the old bins in a new one
        if size == 1:
            return self
        padding = -len(self.levels) % size
        counts = np.pad(self.counts, (0, padding)).reshape(-1, size).sum(1)
        first = self.levels[0] + self.width * (size - 1) / 2
        return Histogram(first + self.width * size * np.arange(len(counts)), counts)


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts over points in intensity, apart for each zone: what the mixture is fitted to.

    Attributes
    ----------
    points : ndarray of shape (n, channels)
        Intensities.
    counts : ndarray of shape (zones, n)
        Voxels at each point in each zone.
    """

    points: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, histogram: Histogram) -> "Cells":
        """Those of a histogram, in one zone."""
        return cls(histogram.levels[:, None], histogram.counts[None])

    def filled(self) -> "Cells":
        """Those of them that hold a voxel."""
        filled = self.counts.sum(0) > 0
        return Cells(self.points[filled], self.counts[:, filled])


def histogram(values: np.ndarray, weights: np.ndarray | None = None, bins: int = BINS) -> Histogram:
    """Count intensities: a bin for each integer level where they are few, else equal bins.

    Parameters
    ----------
    values : array of shape (n,)
        Intensities, finite, at least one.
    weights : array of shape (n,), optional
        How often each value counts; once by default.
    bins : int
        The most bins to use.

    Returns
    -------
    Histogram
        Covers all values; the sum of its counts is n or the sum of the weights.

    Examples
    --------
    >>> counted = histogram(np.array([3.0, 3.0, 4.0, 6.0]))
    >>> counted.levels.tolist(), counted.counts.tolist()
    ([3.0, 4.0, 5.0, 6.0], [2.0, 1.0, 0.0, 1.0])
    """
    low, high = float(values.min()), float(values.max())
    whole = _whole(values)
    if whole:  # a whole number of levels a bin, or the counts would beat against the levels
        width = float(-(-(high - low + 1) // bins))
        bins = max(2, int((high - low) // width) + 1)
        first = low + (width - 1) / 2
    else:
        width = (high - low) / (bins - 1)
        width = width if width > LEAST_WIDTH else 1.0
        first = low
    counts = np.zeros(bins)
    for start in range(0, len(values), PART):
        part = slice(start, start + PART)
        if whole:
            index = np.floor_divide(values[part] - low, width, dtype=np.float64).astype(np.int32)
        else:
            index = ((values[part] - low) * (1 / width) + 0.5).astype(np.int32)
        counts += np.bincount(index, None if weights is None else weights[part], minlength=bins)
    return Histogram(first + width * np.arange(bins), counts)


def _whole(values: np.ndarray) -> bool:
    """Whether all values are integers; asks a few before it asks all."""
    few = values[:: max(1, len(values) // 1000)]
    if not (few == np.rint(few)).all():
        return False
    at_a_time = (values[start : start + PART] for start in range(0, len(values), PART))
    return all(bool((part == np.rint(part)).all()) for part in at_a_time)
