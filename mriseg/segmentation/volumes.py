"""Volumes of the tissues, their shares of the cranial cavity, and between which volumes the truth lies."""

import numpy as np

from mriseg.core.tissue import Contrast, Tissue

# How far the logarithm of a true volume lies from that of the measured one in 95 of 100 thin scans of good contrast, by
# what a scan was taken for: the errors of tuning scans whose truth is known (simulated heads, slabs of children, IBSR).
# `benchmarks/intervals.py --calibrate` prints them.
REACH = {
    Contrast.T1: {Tissue.GM: 0.06, Tissue.WM: 0.06, Tissue.CSF: 0.21},
    Contrast.T2: {Tissue.GM: 0.10, Tissue.WM: 0.05, Tissue.CSF: 0.12},
    Contrast.PD: {Tissue.GM: 0.47, Tissue.WM: 0.13, Tissue.CSF: 1.09},
    Contrast.FLAIR: {Tissue.GM: 0.14, Tissue.WM: 0.14, Tissue.CSF: 0.17},
}
# Errors grow with the largest side of a voxel over `THIN_MM` to the first power of a tissue, and with what gray and
# white matter differ less than `GOOD_CONTRAST` of their joint spread to the second. Set by hand, by how the errors of
# the tuning scans of T1 and T2 grow; `benchmarks/intervals.py` fits the reach above to them, not these.
POWERS = {Tissue.GM: (0.3, 0.3), Tissue.WM: (0.6, 0.6), Tissue.CSF: (0.1, 0.1)}
# Simulated heads are too simple in T2 and FLAIR. The logarithms of real heads' volumes from these and from their T1
# differ on average by 0.08, 0.19 (at most 0.51) and 0.46 in T2 and 0.08, 0.11 and 0.30 in FLAIR (14 heads): normal
# errors reach 2.45 times as far in 95 of 100. They are as large whatever the slices.
BETWEEN_CONTRASTS = {
    Contrast.T2: {Tissue.GM: 0.20, Tissue.WM: 0.51, Tissue.CSF: 1.13},
    Contrast.FLAIR: {Tissue.GM: 0.20, Tissue.WM: 0.27, Tissue.CSF: 0.74},
}
THIN_MM, GOOD_CONTRAST = 1.0, 4.0
LEAST_CONTRAST = 0.5  # a worse one is no worse: the tissues are then told by position alone
# Of pictures, whose slices nobody says the thickness of and which no average brain is laid over: by tuning slices of
# children in T1.
OF_PICTURES = {Tissue.GM: 0.31, Tissue.WM: 0.21, Tissue.CSF: 0.74}


def volumes(fractions: np.ndarray, voxel_ml: float | None, abnormal_voxels: float = 0.0) -> dict[Tissue, float] | None:
    """Volume of each tissue in mL, each voxel counting by its partial volumes; None without a voxel size.

    Parameters
    ----------
    fractions : ndarray of uint8, shape (..., 3)
        Partial volumes times 255, in the order of `Tissue`.
    voxel_ml : float or None
        Volume of a voxel in mL.
    abnormal_voxels : float
        Of those that hold a tissue, what is none.

    Returns
    -------
    dict of Tissue to float, or None
        In mL; they sum to the volume of the brain without what is abnormal.

    Examples
    --------
    A voxel of gray matter and one that is half white matter and half fluid, of 2 mL each:

    >>> found = volumes(np.array([[255, 0, 0], [0, 128, 128], [0, 0, 0]], np.uint8), 2.0)
    >>> {tissue.abbreviation: round(volume, 2) for tissue, volume in found.items()}
    {'GM': 2.0, 'WM': 1.0, 'CSF': 1.0}
    """
    if voxel_ml is None:
        return None
    gray, white, fluid = np.moveaxis(fractions, -1, 0)
    inside = int(np.count_nonzero(gray | white | fluid)) - abnormal_voxels
    return {tissue: share * inside * voxel_ml for tissue, share in shares(fractions).items()}


def intervals(
    volumes_ml: dict[Tissue, float] | None, contrast: Contrast, *, thickness_mm: float | None, tissue_contrast: float
) -> dict[Tissue, tuple[float, float]] | None:
    """Between which volumes the truth lies with a probability of 95 %, by the errors of scans with a known truth.

    Chance errors of the voxels cancel; what does not is where the mask ends and where the mixture draws the borders
    of the tissues. No posterior tells that, so the errors are those that were seen in such scans: by contrast, and the
    larger the thicker the slices are and the less gray and white matter differ. Those of masks that were found are in
    them, a mask that failed is not.

    Parameters
    ----------
    volumes_ml : dict or None
        As from `volumes`.
    contrast : Contrast
        What the scan was taken for; of an unknown one the widest interval of all holds.
    thickness_mm : float or None
        Largest side of a voxel in mm; None for a picture.
    tissue_contrast : float
        Distance of gray from white matter in their joint spread, see `mriseg.quality.metrics.tissue_contrast`; NaN
        where one of them is missing.

    Returns
    -------
    dict of Tissue to (float, float), or None
        Least and largest volume in mL, as many times smaller and larger than the measured one; None without volumes.

    References
    ----------
    Vovk, Gammerman, Shafer: Algorithmic learning in a random world. Springer 2005 (conformal prediction).

    Examples
    --------
    >>> thin = intervals({Tissue.GM: 600.0}, Contrast.T1, thickness_mm=1.0, tissue_contrast=5.0)
    >>> thick = intervals({Tissue.GM: 600.0}, Contrast.T1, thickness_mm=5.0, tissue_contrast=5.0)
    >>> low, high = thin[Tissue.GM]
    >>> thick[Tissue.GM][0] < low < 600 < high < thick[Tissue.GM][1]
    True
    """
    if volumes_ml is None:
        return None
    known = (contrast,) if contrast in REACH else tuple(REACH)
    bounds = {}
    for tissue, volume in volumes_ml.items():
        growth = error_growth(tissue, thickness_mm, tissue_contrast)
        errors = [growth * REACH[other][tissue] for other in known]
        errors += [of_tissue[tissue] for other, of_tissue in BETWEEN_CONTRASTS.items() if other in known]
        if thickness_mm is None:
            errors.append(OF_PICTURES[tissue])
        times = float(np.exp(max(errors)))
        bounds[tissue] = (volume / times, volume * times)
    return bounds


def error_growth(tissue: Tissue, thickness_mm: float | None, tissue_contrast: float) -> float:
    """By how much the errors of a tissue's volumes are larger than in thin slices of good contrast.

    Parameters
    ----------
    tissue : Tissue
    thickness_mm : float or None
        Largest side of a voxel in mm; None for a picture.
    tissue_contrast : float
        Distance of gray from white matter in their joint spread; NaN where one of them is missing.

    Returns
    -------
    float
        1 or more.

    Examples
    --------
    >>> error_growth(Tissue.WM, 1.0, 6.0)
    1.0
    """
    of_thickness, of_contrast = POWERS[tissue]
    contrast = min(max(float(np.nan_to_num(tissue_contrast)), LEAST_CONTRAST), GOOD_CONTRAST)
    thickness = max(thickness_mm or THIN_MM, THIN_MM)
    return float((thickness / THIN_MM) ** of_thickness * (GOOD_CONTRAST / contrast) ** of_contrast)


def shares(fractions: np.ndarray) -> dict[Tissue, float]:
    """Share of each tissue in the cranial cavity.

    Parameters
    ----------
    fractions : ndarray of shape (..., 3)
        Partial volumes of any unit, in the order of `Tissue`; not all 0.

    Returns
    -------
    dict of Tissue to float
        Sums to 1.
    """
    sums = _sums(fractions)
    return {tissue: float(s) for tissue, s in zip(Tissue, sums / sums.sum(), strict=True)}


def _sums(fractions: np.ndarray) -> np.ndarray:
    """Of each tissue, shape (3,); channel by channel, which for bytes is ten times as fast as all at once."""
    exact = np.uint64 if fractions.dtype == np.uint8 else float
    return np.array([fractions[..., channel].sum(dtype=exact) for channel in range(len(Tissue))], float)
