"""Cosines along an axis: what smooth fields are made of."""

import numpy as np


def half_waves(length: int, most: int) -> np.ndarray:
    """Cosines of 0, 1, 2 ... half waves along an axis.

    Parameters
    ----------
    length : int
        Voxels along it.
    most : int
        Half waves of the last.

    Returns
    -------
    ndarray of shape (most + 1, length)
        Orthogonal to each other.

    Examples
    --------
    >>> half_waves(4, 1).round(2).tolist()
    [[1.0, 1.0, 1.0, 1.0], [0.92, 0.38, -0.38, -0.92]]
    """
    return np.cos(np.pi * np.arange(most + 1)[:, None] * (np.arange(length) + 0.5) / length)
