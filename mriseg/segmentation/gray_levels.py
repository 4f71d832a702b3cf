"""What an export left of the intensities: how many gray levels, how much is cut off, whether they were equalized."""

import numpy as np

from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.segmentation.result import Result

COUNTED_SHARE = 0.99  # of the brain that the levels must hold: single voxels may have any value
MOST_VOXELS = 500_000  # that levels are counted in


def gray_levels(scan: Scan, result: Result) -> int:
    """How many values make up the brain, but for the rarest.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Returns
    -------
    int
        The fewest that hold `COUNTED_SHARE` of its voxels.
    """
    brain = scan.data[result.mask]
    brain = brain[:: max(1, brain.size // MOST_VOXELS)]
    counts = np.sort(np.unique(brain, return_counts=True)[1])[::-1]
    return int(np.searchsorted(np.cumsum(counts), COUNTED_SHARE * brain.size)) + 1


def clipped_share(scan: Scan, result: Result) -> float:
    """How much of the brain is gray or white matter at the largest or at the smallest value of the brain.

    Fluid there does no harm: it lies beyond both.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Returns
    -------
    float
        Of the brain's voxels, 0 to 1; of the end that has more.
    """
    inside = result.mask
    brain = scan.data[inside]
    solid = np.isin(result.labels[inside], (Tissue.GM.number, Tissue.WM.number))
    largest = max(int(np.count_nonzero(solid & (brain == end))) for end in (brain.max(), brain.min()))
    return largest / int(brain.size)


def unevenness(scan: Scan) -> float:
    """How far the intensities of an image are from being equally many, as a program makes them that equalizes them.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    float
        Largest distance, 0 to 1, of the share of what is darker from a straight line over all that is above the least
        value (Kolmogorov, Smirnov): 0 of a histogram without peaks.

    Examples
    --------
    >>> from mriseg.core.scan import picture
    >>> round(unevenness(picture(np.arange(1024, dtype=np.float32).reshape(32, 32))), 3)
    0.0
    >>> unevenness(picture(np.eye(32, dtype=np.float32)))
    0.5
    """
    values = np.sort(scan.data, axis=None)
    values = values[:: max(1, values.size // MOST_VOXELS)]
    least, most = values[0], values[-1]
    values = values[values > least]
    if not values.size:
        return 1.0
    expected = (values - least) / (most - least)
    darker = np.searchsorted(values, values, side="left"), np.searchsorted(values, values, side="right")
    return float(np.abs((darker[0] + darker[1]) / (2 * values.size) - expected).max())
