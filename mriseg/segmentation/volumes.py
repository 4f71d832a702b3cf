"""Volumes of the tissues, their shares of the cranial cavity, and between which volumes the truth lies."""

import numpy as np

from mriseg.core.tissue import Tissue

# Half width of the interval of a volume: so many times its doubtful voxels, sum of p (1 - p), that may lie on the wrong
# side of a border together, and a share of all for what the model does not know. In `benchmarks/reliability.py` they
# hold every true volume of T1, FLAIR and 1 mm T2, but not of PD and 5 mm slices.
DOUBTFUL_TIMES, UNKNOWN_SHARE = 2.0, 0.05


def volumes(fractions: np.ndarray, voxel_ml: float | None) -> dict[Tissue, float] | None:
    """Volume of each tissue in mL, each voxel counting by its partial volumes; None without a voxel size.

    Parameters
    ----------
    fractions : ndarray of uint8, shape (..., 3)
        Partial volumes times 255, in the order of `Tissue`.
    voxel_ml : float or None
        Volume of a voxel in mL.

    Returns
    -------
    dict of Tissue to float, or None
        In mL; they sum to the volume of the brain.

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
    inside = int(np.count_nonzero(gray | white | fluid))
    return {tissue: share * inside * voxel_ml for tissue, share in shares(fractions).items()}


def intervals(
    posteriors: np.ndarray, volumes_ml: dict[Tissue, float] | None, voxel_ml: float | None
) -> dict[Tissue, tuple[float, float]] | None:
    """Between which volumes the truth lies with a probability of 95 %, if the mask is right.

    Voxels are many and their chance errors cancel; what does not cancel is where the mixture draws the border between
    two tissues. It moves all doubtful voxels together, so the half width grows with their number.

    Parameters
    ----------
    posteriors : ndarray of shape (..., 3)
        In the order of `Tissue`.
    volumes_ml : dict or None
        As from `volumes`.
    voxel_ml : float or None
        Volume of a voxel in mL.

    Returns
    -------
    dict of Tissue to (float, float), or None
        Least and largest volume in mL; None without volumes.

    Examples
    --------
    Of 100 voxels of 1 mL, 60 are surely gray matter; 40 are gray or white matter with equal probability, so that
    40 x 0.5 x 0.5 = 10 of them are doubtful. The half width is twice that and a twentieth of the volume.

    >>> posteriors = np.array([[1, 0, 0]] * 60 + [[0.5, 0.5, 0]] * 40)
    >>> intervals(posteriors, {Tissue.GM: 80.0}, 1.0)[Tissue.GM]
    (56.0, 104.0)
    """
    if volumes_ml is None or voxel_ml is None:
        return None
    bounds = {}
    for channel, (tissue, volume) in enumerate(volumes_ml.items()):
        p = posteriors[..., channel]
        half = DOUBTFUL_TIMES * float((p * (1 - p)).sum(dtype=float)) * voxel_ml + UNKNOWN_SHARE * volume
        bounds[tissue] = (max(0.0, volume - half), volume + half)
    return bounds


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
