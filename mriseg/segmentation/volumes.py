"""Volumes and fractions, and the sentences that say what to doubt."""

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
    """
    if voxel_ml is None:
        return None
    gray, white, fluid = np.moveaxis(fractions, -1, 0)
    inside = np.count_nonzero(gray | white | fluid)
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
    """
    if volumes_ml is None or voxel_ml is None:
        return None
    found = {}
    for channel, (tissue, volume) in enumerate(volumes_ml.items()):
        p = posteriors[..., channel]
        half = DOUBTFUL_TIMES * float((p * (1 - p)).sum(dtype=float)) * voxel_ml + UNKNOWN_SHARE * volume
        found[tissue] = (max(0.0, volume - half), volume + half)
    return found


def shares(fractions: np.ndarray) -> dict[Tissue, float]:
    """Share of each tissue in the cranial cavity, from partial volumes of any unit; sums to 1."""
    sums = _sums(fractions)
    return {tissue: float(s) for tissue, s in zip(Tissue, sums / sums.sum(), strict=True)}


def _sums(posteriors: np.ndarray) -> np.ndarray:
    """Of each tissue, shape (3,); channel by channel, which for bytes is ten times as fast as all at once."""
    exact = np.uint64 if posteriors.dtype == np.uint8 else float
    return np.array([posteriors[..., channel].sum(dtype=exact) for channel in range(len(Tissue))], float)
