"""Covariance matrices of Gaussians: their inverses, log determinants, and what they have in common."""

import numpy as np


def common_covariance(covariances: np.ndarray) -> np.ndarray:
    """The covariance that is likeliest to have several drawn about it: their harmonic mean.

    Parameters
    ----------
    covariances : ndarray of shape (n, d, d)

    Returns
    -------
    ndarray of shape (d, d)

    Examples
    --------
    >>> common_covariance(np.array([[[1.0]], [[3.0]]])).tolist()
    [[1.5]]
    """
    return inverse(inverse(covariances).mean(0))


def inverse(matrices: np.ndarray) -> np.ndarray:
    """The inverse of each matrix. Of one channel it is a quotient: a call of LAPACK takes as long as many quotients.

    Parameters
    ----------
    matrices : ndarray of shape (..., d, d)

    Returns
    -------
    ndarray of shape (..., d, d)
    """
    inverted: np.ndarray = np.reciprocal(matrices) if matrices.shape[-1] == 1 else np.linalg.inv(matrices)
    return inverted


def log_determinant(matrices: np.ndarray) -> np.ndarray:
    """The logarithm of the determinant of each positive definite matrix.

    Parameters
    ----------
    matrices : ndarray of shape (..., d, d)

    Returns
    -------
    ndarray of shape (...)
    """
    logs: np.ndarray = np.log(matrices[..., 0, 0]) if matrices.shape[-1] == 1 else np.linalg.slogdet(matrices)[1]
    return logs
