"""Whether what lies in a brain mask is arranged like a brain: how much of its pattern the average brain explains.

A bottle, a ball of gel or a map of statistics can be as large, as round and as bright as a brain, and lies as well in
a mask. What it lacks are fluid, gray and white matter where a brain has them. So intensities are compared with how much
fluid and white matter the average brain holds at each place, by regression: whichever of them is bright, both explain a
part of the pattern in a brain of any contrast, and nearly nothing in anything else.

What everything has does not count: a rim that differs from the inside (partial volume, the skin of a fruit, the
dielectric shading of a ball) and shading over the whole. A function of the depth below the surface and a cubic field of
the position are taken out first. Neither does what only one place has: a tumor pushes tissue away and is brighter than
any, so voxels that the fit misses by far have little weight, and one half of a brain is enough.

References
----------
Geman, McClure: Statistical methods for tomographic image reconstruction. Bull Int Stat Inst 52, 1987 (the weights).
"""

from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
import scipy

from mriseg.core.checkpoints import checkpoint
from mriseg.image.morphology import distance_to_background
from mriseg.image.resampling import Grid
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, Atlas

# Standard deviation, mm, by which scan and average brain are blurred: an affine leaves the cortex so far off.
BLUR_MM = 3.0
CORE_MM = 5.0  # what is less deep in the mask is rim, with bone, dura and air in it
LEAST_CORE = 1000  # voxels; in fewer nothing is compared
# Every so many-th is compared where there are more, each at 1100 bytes: as many of 2 mm lie deep in 1.6 liters.
MOST_CORE = 120_000
CUT_PERCENT = (2.0, 98.0)  # intensities beyond are vessels and fat
RIM_SCALES_MM = (3.0, 8.0)  # over which a rim may fade into the inside
EXTENT_MM = 50.0  # scale of positions and depths, so that all columns are about as large
ROUNDS = 6  # of the weights; they settle in 4 to 6
FAR = 2.0  # standard deviations of the rest at which a voxel counts a quarter
NORMAL = 1.4826  # standard deviation of a normal distribution over its median deviation
LEAST_PATTERN = 1e-3  # of the intensities: what differs by less is even, but for rounding
TINY = 1e-12


def explained_share(
    image: np.ndarray, inside: np.ndarray, grid: Grid, *, registration: Registration, average: Atlas
) -> float | None:
    """Share of the pattern in a brain mask that fluid and white matter of the average brain explain.

    Parameters
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, at about 3 mm.
    inside : ndarray of bool, same shape
        The brain mask.
    grid : Grid
        Of both.
    registration : Registration
        Where the average brain lies.
    average : Atlas

    Returns
    -------
    float or None
        0 to 1: of the variance that is left without depth and shading, in the whole or in one of its halves, whichever
        is more. None where too little lies deep in the mask.
    """
    depth = distance_to_background(inside, grid.spacing, at_border="edge")
    core = depth > CORE_MM
    voxels = int(np.count_nonzero(core))
    if voxels < LEAST_CORE:
        return None
    few = slice(None, None, -(-voxels // MOST_CORE))
    values = np.clip(image, *np.percentile(image[core], CUT_PERCENT))
    values = _blurred_within(values, core, [BLUR_MM / side for side in grid.spacing])[core][few].astype(float)
    maps = [registration.warp(m, average, grid)[core][few] for m in _blurred_tissues(average)]
    tissues = np.stack(maps, 1).astype(float)
    places = np.argwhere(core)[few]
    everything = _of_everything(places, depth[core][few], grid.spacing)
    to_right = np.linalg.inv(registration.affine)[0]
    right = (places * grid.spacing + grid.first_voxel_mm) @ to_right[:3] + to_right[3] > 0
    parts = (part for part in (right | ~right, right, ~right) if np.count_nonzero(part) >= LEAST_CORE / 2)
    return max(_robust_share(values[part], tissues[part], everything[part]) for part in parts)


@lru_cache(maxsize=1)  # of the one average brain: 9 MB, a fifth of the time
def _blurred_tissues(average: Atlas) -> tuple[np.ndarray, np.ndarray]:
    """Fluid and white matter of the average brain, as blurred as the scan."""
    fluid, white = (scipy.ndimage.gaussian_filter(m, BLUR_MM / ATLAS_MM) for m in (average.fluid, average.white))
    return fluid, white


def _blurred_within(values: np.ndarray, core: np.ndarray, sigma: list[float]) -> np.ndarray:
    """The blurred image, as if nothing lay outside the core."""
    weight = scipy.ndimage.gaussian_filter(core.astype(np.float32), sigma)
    return scipy.ndimage.gaussian_filter(np.where(core, values, 0).astype(np.float32), sigma) / np.maximum(weight, TINY)


def _of_everything(places: np.ndarray, depth: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """What differs in any object: a rim, and a cubic shading; shape (voxels, 23)."""
    at = places * np.array(spacing)
    at = (at - at.mean(0)) / EXTENT_MM
    products = [at[:, axes].prod(1) for power in (2, 3) for axes in combinations_with_replacement(range(3), power)]
    rims = [np.exp(-depth / scale) for scale in RIM_SCALES_MM]
    return np.stack([np.ones(len(at)), depth / EXTENT_MM, *rims, *at.T, *products], 1)


def _robust_share(values: np.ndarray, tissues: np.ndarray, everything: np.ndarray) -> float:
    """Share of the values' variance beyond what everything has that the tissues explain, outlying voxels set aside."""
    root = np.ones(len(values))  # of the weights
    share = 0.0
    for _ in range(ROUNDS):
        checkpoint()
        basis, _ = np.linalg.qr(everything * root[:, None])
        left, of_tissues = (v - basis @ (basis.T @ v) for v in (values * root, tissues * root[:, None]))
        coefficients, *_ = np.linalg.lstsq(of_tissues, left, rcond=None)
        rest = left - of_tissues @ coefficients
        pattern = max(float(left @ left), LEAST_PATTERN**2 * float((values * root) @ (values * root)), TINY)
        share = (float(left @ left) - float(rest @ rest)) / pattern
        deviation = np.abs(rest) / np.maximum(root, TINY)
        root = 1 / (1 + (deviation / max(FAR * NORMAL * float(np.median(deviation)), TINY)) ** 2)
    return share
