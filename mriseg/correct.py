"""The bias field: smooth, multiplicative, estimated together with the mixture.

Alternates between fitting the mixture to the corrected intensities and fitting a smooth field to what the
mixture leaves unexplained, each voxel counting as much as its class is sharp and bright (mean^2 / variance), so
that dark fluid and noise have no say.

References
----------
Wells, Grimson, Kikinis, Jolesz: Adaptive segmentation of MRI data. IEEE Trans Med Imaging 15, 1996.
Van Leemput, Maes, Vandermeulen, Suetens: Automated model-based bias field correction of MR images of the
brain. IEEE Trans Med Imaging 18, 1999.
"""

from itertools import product

import numpy as np
from numpy.polynomial import legendre

from mriseg.errors import SeparationError
from mriseg.fit import fit
from mriseg.histogram import histogram
from mriseg.mixture import Mixture

ORDER = 3  # total degree of the polynomials: 19 terms in 3-D, 9 in 2-D
SAMPLES = 30_000  # voxels that the field is estimated on; twice as many move it by less than 0.3 %
BINS = 256
ROUNDS = 15
FIT_TOLERANCE = 1e-5  # of the mixture within a round, which only has to follow the field
CHANGE = 2e-3  # largest change of the log field at which to stop
# Penalty on the squared coefficients, relative to the voxels' total weight. Without one the field soaks up the
# contrast between the rim (gray) and the depth (white) of the brain.
PENALTY = 0.05
# The brightest and darkest thousandth of the brain are vessels, fat and broken voxels.
OUTLIERS = 0.1


def correct(data: np.ndarray, mask: np.ndarray, fluid_is_dark: bool, bone: bool = True) -> np.ndarray:
    """Estimate the bias field of a brain.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        Intensities, cropped to the brain.
    mask : ndarray of bool, same shape
        The brain.
    fluid_is_dark, bone : bool
        As for `mriseg.fit.fit`.

    Returns
    -------
    ndarray of float32, same shape
        By what to divide `data`; its geometric mean over the sampled brain is 1.
    """
    inside = np.flatnonzero(mask)
    where = np.stack(np.unravel_index(inside[:: max(1, len(inside) // SAMPLES)], mask.shape), 1)
    values = data[tuple(where.T)].astype(float)
    low, high = np.percentile(values, [OUTLIERS, 100 - OUTLIERS])
    kept = (values > max(low, 0)) & (values < high)
    values, where = values[kept], where[kept]
    if not len(values):  # of one gray: there is no shading to see, and `fit` will say what is wrong
        return np.ones(data.shape, np.float32)
    degrees = [d for d in product(range(ORDER + 1), repeat=data.ndim) if 0 < sum(d) <= ORDER]
    axes = [_polynomials(n) for n in data.shape]
    basis = np.ones((len(where), len(degrees)))
    for axis, polynomials in enumerate(axes):
        basis *= polynomials[[d[axis] for d in degrees]][:, where[:, axis]].T
    centre = basis.mean(0)
    basis -= centre
    coefficients = np.zeros(len(degrees))
    mixture = None
    for _ in range(ROUNDS):
        corrected = values * np.exp(-(basis @ coefficients))
        try:
            mixture = fit(histogram(corrected, bins=BINS), fluid_is_dark, mixture, FIT_TOLERANCE, bone)
        except SeparationError:
            break
        residual, weight = _unexplained(corrected, mixture)
        weighted = basis * weight[:, None]
        normal = weighted.T @ basis + PENALTY * weight.sum() * np.eye(len(degrees))
        target = residual + basis @ coefficients
        target -= np.average(target, weights=weight)
        updated = np.linalg.solve(normal, weighted.T @ target)
        change = np.abs(basis @ (updated - coefficients)).max()
        coefficients = updated
        if change < CHANGE:
            break
    grid = np.zeros((ORDER + 1,) * data.ndim, np.float32)
    for degree, coefficient in zip(degrees, coefficients, strict=True):
        grid[degree] = coefficient
    grid[(0,) * data.ndim] = -centre @ coefficients
    for polynomials in axes:
        grid = np.tensordot(grid, polynomials.astype(np.float32), (0, 0))
    return np.exp(grid, out=grid)


def _polynomials(n: int) -> np.ndarray:
    """Legendre polynomials up to `ORDER` along an axis of n voxels, shape (ORDER + 1, n)."""
    return legendre.legvander(np.linspace(-1, 1, n) if n > 1 else np.zeros(1), ORDER).T


def _unexplained(values: np.ndarray, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Relative residual of each voxel against the mixture, and how much it counts; tabulated by intensity."""
    levels = np.linspace(values.min(), values.max(), 4 * BINS)
    means, variances, posteriors = mixture.responsibilities(levels)
    weight = posteriors @ (means**2 / variances)
    residual = (posteriors * (levels[:, None] - means)) @ (means / variances) / weight
    return np.interp(values, levels, residual), np.interp(values, levels, weight)
