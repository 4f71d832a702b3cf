"""Gray and white matter as one, for scans whose intensities do not tell them apart."""

import numpy as np

from mriseg.core.tissue import Tissue


def join_gray_white(labels: np.ndarray) -> np.ndarray:
    """Labels in which white matter has the number of gray matter.

    Parameters
    ----------
    labels : ndarray of uint8
        0 outside the brain, then the tissues' numbers, and that of abnormal tissue.

    Returns
    -------
    ndarray of uint8, same shape

    Examples
    --------
    >>> join_gray_white(np.array([0, 1, 2, 3, 7], np.uint8)).tolist()
    [0, 1, 1, 3, 7]
    """
    return np.where(labels == Tissue.WM.number, np.uint8(Tissue.GM.number), labels)
