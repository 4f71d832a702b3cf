"""Posteriors that mean what they say: of the voxels given 0.8, eight of ten are right.

Neighbors agree more often than the mixture knows, and a thick slice is seldom one tissue, so what follows from both is
too sure where tissues overlap. A temperature takes that back: each posterior is raised to its inverse and the sum made
1 again. The order of the tissues in a voxel, and with it the label, stays.

References
----------
Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017 (temperature scaling).
"""

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.image.resampling import parts

# Found on simulated heads for tuning, in four contrasts, slices of 1 to 5 mm and 1 to 9 % noise: below these contrasts
# of the Gaussians posteriors are too sure, by these powers of what is missing.
ENOUGH_TISSUE_CONTRAST, TISSUE_POWER = 3.0, 1.2
ENOUGH_FLUID_CONTRAST, FLUID_POWER = 4.0, 0.8
LEAST_CONTRAST = 0.4  # of less the tissues are told by position alone, which no longer depends on it
# Gray matter that holds part of the fluid has a wrong mean, so that white matter is less sure as well, by half as much.
SHARED_POWER = 0.5
THIN_MM, THICKNESS_POWER = 1.0, 0.4  # slices are too sure from there on


def temperatures(of_tissue: float, of_fluid: float, thickness_mm: float) -> tuple[float, float]:
    """Temperatures of the voxels between gray and white matter, and of those that may be fluid; 1 or more.

    Parameters
    ----------
    of_tissue, of_fluid : float
        Contrast of gray with white matter and with fluid, see `mriseg.quality.metrics`; NaN where one is missing.
    thickness_mm : float
        Largest side of a voxel, mm.

    Returns
    -------
    within_tissue, about_fluid : float

    Examples
    --------
    >>> temperatures(5.0, 8.0, 1.0)
    (1.0, 1.0)
    """
    thick = max(thickness_mm / THIN_MM, 1.0) ** THICKNESS_POWER
    fluid = _missing(of_fluid, ENOUGH_FLUID_CONTRAST) ** FLUID_POWER
    tissue = max(_missing(of_tissue, ENOUGH_TISSUE_CONTRAST) ** TISSUE_POWER, fluid**SHARED_POWER)
    return float(tissue * thick), float(max(fluid, thick))


def soften(posteriors: np.ndarray, *, within_tissue: float, about_fluid: float) -> None:
    """Divide the logarithms of posteriors by temperatures, in place.

    Parameters
    ----------
    posteriors : ndarray of float32, shape (3, ...)
        In the order of `Tissue`; all 0 outside the brain. Their sums stay.
    within_tissue, about_fluid : float
        As from `temperatures`; where fluid is one of the two likeliest the second counts.

    Examples
    --------
    >>> posteriors = np.float32([[0.9], [0.1], [0.0]])
    >>> soften(posteriors, within_tissue=2.0, about_fluid=1.0)
    >>> [round(float(p), 2) for p in posteriors[:, 0]]
    [0.75, 0.25, 0.0]
    """
    if within_tissue == about_fluid == 1:
        return
    gray, white, fluid = (list(Tissue).index(tissue) for tissue in (Tissue.GM, Tissue.WM, Tissue.CSF))
    for part in parts(posteriors.shape[1:]):
        p = posteriors[:, part]
        may_be_fluid = p[fluid] > np.minimum(p[gray], p[white])
        before = p.sum(0)  # less than 1 where something else than a tissue may be
        p **= np.where(may_be_fluid, np.float32(1 / about_fluid), np.float32(1 / within_tissue))
        total = p.sum(0)
        np.divide(p, total, out=p, where=total > 0)
        p *= before


def _missing(contrast: float, enough: float) -> float:
    """How many times more contrast would be enough; 1 where there is."""
    return max(1.0, enough / max(float(np.nan_to_num(contrast)), LEAST_CONTRAST))
