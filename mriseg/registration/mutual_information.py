"""Mutual information: how much one thing tells of another."""

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

    Examples
    --------
    Two coins, independent and then always alike:

    >>> mutual_information(np.full((1, 2, 2), 0.25)).round(3).tolist()
    [0.0]
    >>> mutual_information(np.array([[[0.5 - 1e-9, 1e-9], [1e-9, 0.5 - 1e-9]]])).round(3).tolist()
    [0.693]

    References
    ----------
    Cover, Thomas: Elements of information theory. Wiley, 2006.
    """
    independent = joint.sum(1, keepdims=True) * joint.sum(2, keepdims=True)
    return (joint * np.log(joint / independent)).sum((1, 2))
