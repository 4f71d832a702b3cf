"""How far a segmentation agrees with a truth."""

import numpy as np

from mriseg.errors import MrisegError
from mriseg.tissue import Tissue


def dice(labels: np.ndarray, truth: np.ndarray) -> dict[Tissue, float]:
    """Overlap of each tissue: twice the common voxels over the sum of both.

    Parameters
    ----------
    labels, truth : ndarray of uint8, one shape
        0 outside the brain, then the tissues' numbers.

    Returns
    -------
    dict of Tissue to float
        0 for no common voxel, 1 for the same voxels; 1 where neither has the tissue.

    Raises
    ------
    MrisegError
        If the shapes differ.

    References
    ----------
    Dice: Measures of the amount of ecologic association between species. Ecology 26, 1945.
    """
    if labels.shape != truth.shape:
        raise MrisegError(
            f"The segmentation has the shape {labels.shape}, the truth {truth.shape}. Compare on one grid."
        )
    overlap = {}
    for tissue in Tissue:
        mine, theirs = labels == tissue.number, truth == tissue.number
        size = int(mine.sum()) + int(theirs.sum())
        overlap[tissue] = 2 * int((mine & theirs).sum()) / size if size else 1.0
    return overlap
