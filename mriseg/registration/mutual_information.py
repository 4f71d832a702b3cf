"""How much one thing tells of another."""

import numpy as np


def mutual_information(joint: np.ndarray) -> np.ndarray:
    """Mutual information, nats, of joint distributions.

    Parameters
    ----------
    joint : ndarray of shape (n, rows, columns)
        Each of the n sums to 1 and holds no zero.

    Returns
    -------
    ndarray of shape (n,)
    """
    independent = joint.sum(1, keepdims=True) * joint.sum(2, keepdims=True)
    return (joint * np.log(joint / independent)).sum((1, 2))
