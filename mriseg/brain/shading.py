"""The shading of a head, roughly and fast: what the coil does to its intensities, before the brain's border is drawn.

Cortex in the shade is as dark as bone elsewhere, so a border that is drawn by intensities leaves it out. The average
brain says how much gray and white matter to expect at each place; what remains of the logarithm of the intensities is
smooth. Nothing need be known of the contrast: how bright each tissue is comes out of the same least squares. The field
that the tissues are corrected by is another, finer one, see `mriseg.segmentation.bias_field`.
"""

from itertools import product

import numpy as np

from mriseg.image.cosines import half_waves

FINEST_MM = 90.0  # half a period of the finest cosine: with 60 mm atrophied frontal lobes are taken for shade
MOST_WAVES = 4
SAMPLES = 40_000  # voxels
DARKEST = 2.0  # percent of the brain that have no say: vessels and air in it, whose logarithm is far off
ROUNDS = 5  # of reweighting; the fifth moves the field by less than a hundredth
OUTLYING = 2.0  # robust standard deviations at which a voxel has half its say: fluid and lesions
# On the squared slope, relative to the number of voxels, for a wave of one period in 300 mm.
PENALTY, PENALTY_MM = 1e-3, 150.0
MOST_LOG = 1.5  # of the field: no coil shades a brain by more than a factor of 4 from its mean
RIDGE = 1e-6  # of the voxels: where a tissue is expected nowhere its brightness is not determined


def estimate_shading(
    image: np.ndarray, sides: tuple[float, ...], *, inside: np.ndarray, gray: np.ndarray, white: np.ndarray
) -> np.ndarray:
    """Estimate the shading of a head from its brain.

    Parameters
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities, counted from no signal.
    sides : tuple of float
        Of a voxel, mm.
    inside : ndarray of bool, same shape
        What is surely brain.
    gray, white : ndarray of float32, same shape
        Share of gray and of white matter to expect, 0 to 1.

    Returns
    -------
    ndarray of float32, same shape
        Positive, with a geometric mean of 1 in the brain; intensities are to be divided by it. 1 everywhere where too
        little of a brain is seen.

    References
    ----------
    Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (tissue maps and a smooth field in one fit).

    Examples
    --------
    A brain of one tissue that is twice as bright at one end as at the other:

    >>> shade = np.broadcast_to(np.geomspace(1, 2, 40, dtype=np.float32)[:, None, None], (40, 30, 30))
    >>> all_brain, none = np.ones(shade.shape, bool), np.zeros(shade.shape, np.float32)
    >>> field = estimate_shading(100 * shade, (4.0, 4.0, 4.0), inside=all_brain, gray=none, white=none)
    >>> round(float(np.ptp(np.log(shade / field))), 1)
    0.1
    """
    extent = np.array(image.shape) * sides
    waves = np.clip(np.rint(extent / FINEST_MM), 1, MOST_WAVES).astype(int)
    terms = [t for t in product(*(range(w + 1) for w in waves)) if 0 < sum((np.array(t) / waves) ** 2) <= 1]
    samples = _samples(image, inside)
    if len(samples) < 10 * (len(terms) + 3):
        return np.ones(image.shape, np.float32)
    axes = [half_waves(n, w) for n, w in zip(image.shape, waves, strict=True)]
    places = np.unravel_index(samples, image.shape)
    smooth = [np.prod([axis[k][at] for axis, k, at in zip(axes, t, places, strict=True)], 0) for t in terms]
    tissues = [np.ones(len(samples)), gray.ravel()[samples], white.ravel()[samples]]
    slopes = [0.0] * len(tissues) + [float(((np.array(t) * PENALTY_MM / extent) ** 2).sum()) for t in terms]
    penalty = len(samples) * (PENALTY * np.array(slopes) + RIDGE)
    values = np.log(image.ravel()[samples].astype(float))
    coefficients = _robust_least_squares(np.array([*tissues, *smooth]), values, penalty)[len(tissues) :]
    grid = np.zeros(waves + 1)
    for t, coefficient in zip(terms, coefficients, strict=True):
        grid[t] = coefficient
    grid[0, 0, 0] = -float(coefficients @ np.mean(smooth, 1))
    for axis in axes:
        grid = np.tensordot(grid, axis.astype(np.float32), (0, 0))
    field: np.ndarray = np.exp(np.clip(grid, -MOST_LOG, MOST_LOG), dtype=np.float32)
    return field


def _samples(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Evenly chosen voxels of the brain, flat indices, without its darkest."""
    if not inside.any():
        return np.empty(0, np.intp)
    darkest = max(float(np.percentile(image[inside], DARKEST)), 0.0)
    bright = np.flatnonzero(inside & (image > darkest))
    return bright[:: max(1, len(bright) // SAMPLES)]


def _robust_least_squares(features: np.ndarray, values: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Coefficients of features, shape (features, n), by reweighted least squares: what lies far off counts little."""
    weight = np.ones(len(values))
    for _ in range(ROUNDS):
        weighted = features * weight
        coefficients = np.linalg.solve(weighted @ features.T + np.diag(penalty), weighted @ values)
        residual = values - coefficients @ features
        spread = max(1.4826 * float(np.median(np.abs(residual))), 1e-6)
        weight = 1 / (1 + (residual / (OUTLYING * spread)) ** 2)
    return coefficients
