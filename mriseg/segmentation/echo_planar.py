"""Whether a scan looks like an echo-planar image, as of functional and diffusion series, and no weighting known here.

Such images are measured in a tenth of a second a slice: with large voxels, with the fat of the scalp suppressed, for it
would be shifted by centimeters. On T2* as on proton density fluid is hardly brighter than gray matter; with diffusion
weighting it is dark, so that it passes for FLAIR. They are distorted and lack signal above the sinuses, so volumes of
tissues should not be taken from them.
"""

import numpy as np

from mriseg.core.tissue import Contrast
from mriseg.image.morphology import distance_to_background
from mriseg.image.resampling import Grid, block_mean
from mriseg.registration.affine import Registration
from mriseg.segmentation.ventricles import COARSE_MM

FIGURES_MM = 3.0  # voxel side at which the scalp is looked at
SCALP_MM = (5.0, 18.0)  # outside the mask
ABOVE_MM = 0.0  # MNI height: below are face and neck
SCALP_PERCENT = 85.0
# Signal of the scalp over that of the brain: 0.11 to 0.28 on simulated echo-planar images, 0.46 and more on others.
DARK_SCALP = 0.37
LEAST_SCALP = 50  # voxels


def looks_echo_planar(
    data: np.ndarray,
    spacing: tuple[float, ...],
    mask: np.ndarray,
    *,
    registration: Registration,
    stripped: bool,
    contrast: Contrast,
) -> bool:
    """Whether large voxels and a dark scalp go together with what T2*, T2 or diffusion weighting shows.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes.
    spacing : tuple of float
        Voxel sides, mm.
    mask : ndarray of bool, same shape
        The brain.
    registration : Registration
        Where the average brain lies.
    stripped : bool
        Whether the scan came without skull. Then only fluid that is hardly brighter than gray matter speaks for it.
    contrast : Contrast
        Which of the known ones the scan resembles most.

    Returns
    -------
    bool
    """
    if sorted(spacing)[1] < COARSE_MM or contrast not in (Contrast.T2, Contrast.PD, Contrast.FLAIR):
        return False
    if stripped:
        return contrast is Contrast.PD
    scalp = scalp_signal(data, spacing, mask, registration)
    return scalp is not None and scalp < DARK_SCALP


def scalp_signal(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, registration: Registration
) -> float | None:
    """Signal of the scalp over that of the brain; parameters as those of `looks_echo_planar`.

    Returns
    -------
    float or None
        None where no scalp is seen.
    """
    image, sides, first = block_mean(data, spacing, FIGURES_MM)
    inside = block_mean(mask.astype(np.float32), spacing, FIGURES_MM)[0] > 0.5
    away = distance_to_background(~inside, sides, at_border="edge")
    height = _height(registration, Grid(image.shape, sides, first))
    scalp = image[(away > SCALP_MM[0]) & (away < SCALP_MM[1]) & (height > ABOVE_MM)]
    if len(scalp) < LEAST_SCALP or not inside.any():
        return None
    air, brain = np.percentile(image, 2), np.median(image[inside])
    return float((np.percentile(scalp, SCALP_PERCENT) - air) / max(brain - air, 1e-9))


def _height(registration: Registration, grid: Grid) -> np.ndarray:
    """MNI height of each voxel of a grid, mm."""
    back = np.linalg.inv(registration.affine)[2]
    x, y, z = (
        back[axis] * (grid.first_voxel_mm[axis] + side * np.arange(n))
        for axis, (n, side) in enumerate(zip(grid.shape, grid.spacing, strict=True))
    )
    height: np.ndarray = x[:, None, None] + y[:, None] + z + back[3]
    return height
