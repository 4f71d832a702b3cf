"""Volumes, fractions and figures of quality, and the sentences that say what to doubt."""

import numpy as np

from mriseg.mixture import Mixture
from mriseg.name import Naming
from mriseg.tissue import Contrast, Tissue

DOUBTFUL_NAMES = 0.8  # below this probability of the right names the user is asked to look
# Brain with fluid: a newborn has 400 mL, no adult more than 2000.
USUAL_BRAIN_ML = (350.0, 2000.0)
FULL_EXTENT_MM = 100.0  # a field of view shorter than this cannot hold a whole brain
WEAK_CONTRAST = 1.0  # gray and white matter closer than their spread: the border between them is a guess


def volumes(posteriors: np.ndarray, voxel_ml: float | None) -> dict[Tissue, float] | None:
    """Volume of each tissue in mL, each voxel counting by its posteriors; None without a voxel size.

    Parameters
    ----------
    posteriors : ndarray of shape (..., 3)
        In the order of `Tissue`.
    voxel_ml : float or None
        Volume of a voxel in mL.
    """
    if voxel_ml is None:
        return None
    return {tissue: float(s) * voxel_ml for tissue, s in zip(Tissue, _sums(posteriors), strict=True)}


def fractions(posteriors: np.ndarray) -> dict[Tissue, float]:
    """Share of each tissue in the cranial cavity; sums to 1."""
    sums = _sums(posteriors)
    return {tissue: float(s) for tissue, s in zip(Tissue, sums / sums.sum(), strict=True)}


def quality(posteriors: np.ndarray, mixture: Mixture, bias: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    """Figures that say how far to trust a segmentation.

    Returns
    -------
    dict of str to float
        brain_parenchymal_fraction: (GM + WM) / (GM + WM + CSF);
        mean_posterior: mean over the brain of the likeliest tissue's posterior, 1/3 to 1;
        mixed_share: share of voxels that the mixture takes for partial volume;
        cnr: |mean GM - mean WM| / sqrt(sd GM^2 + sd WM^2);
        cjv: (sd GM + sd WM) / |mean GM - mean WM|, the coefficient of joint variation, low is good;
        bias_range: largest over least value of the bias field in the brain, less 1.

    References
    ----------
    Ganzetti et al.: Intensity inhomogeneity correction of structural MR images: a data-driven approach to define
    input algorithm parameters. Front Neuroinform 10, 2016 (cjv).
    """
    share = fractions(posteriors)
    gm, wm = (mixture.tissues.index(tissue) for tissue in (Tissue.GM, Tissue.WM))
    gap = abs(mixture.means[gm] - mixture.means[wm])
    field = bias[mask]
    return {
        "brain_parenchymal_fraction": share[Tissue.GM] + share[Tissue.WM],
        "mean_posterior": float(posteriors.max(-1)[mask].mean(dtype=float)),
        "mixed_share": float(mixture.mixed_weights.sum()),
        "cnr": float(gap / np.hypot(mixture.sds[gm], mixture.sds[wm])),
        "cjv": float((mixture.sds[gm] + mixture.sds[wm]) / gap),
        "bias_range": float(field.max() / field.min() - 1),
    }


def doubts(
    naming: Naming,
    mixture: Mixture,
    figures: dict[str, float],
    brain_ml: float | None,
    extent_mm: tuple[float, ...] | None,
) -> tuple[str, ...]:
    """What the user should doubt besides the mask, each with what to do about it.

    Parameters
    ----------
    naming : Naming
    mixture : Mixture
    figures : dict
        As from `quality`.
    brain_ml : float or None
        Volume of the mask.
    extent_mm : tuple of float or None
        Field of view along each axis; None for a picture.
    """
    found = []
    if naming.contrast is Contrast.UNKNOWN:
        found.append(
            "The intensities fit no contrast that is known here. The tissues were named by where they lie, rightly "
            f"with a probability of {naming.confidence:.0%}. Look at the overlay and choose the contrast if not."
        )
    elif naming.confidence < DOUBTFUL_NAMES:
        found.append(
            f"The names of the tissues are right with a probability of only {naming.confidence:.0%}. "
            "Look at the overlay and choose the contrast yourself if fluid and white matter are exchanged."
        )
    if naming.inverted:
        found.append(
            "The scan is stored inverted, its air bright. The names allow for that, but shading is corrected less "
            "well. Store it the other way round for the best result."
        )
    if figures["cnr"] < WEAK_CONTRAST:
        found.append(
            f"Gray and white matter hardly differ here (contrast to noise {figures['cnr']:.1f}), so the border "
            "between them is a guess. Trust their sum rather than each."
        )
    if not mixture.converged:
        found.append("The mixture had not settled when its iterations ran out; its figures may still move a little.")
    low, high = USUAL_BRAIN_ML
    whole = extent_mm is not None and min(extent_mm) > FULL_EXTENT_MM
    if whole and brain_ml is not None and not low <= brain_ml <= high:
        found.append(
            f"The brain mask measures {brain_ml:.0f} mL, outside the {low:.0f} to {high:.0f} mL of human brains. "
            "Look at its outline before using any figure, and give a mask of your own if it is wrong."
        )
    return tuple(found)


def _sums(posteriors: np.ndarray) -> np.ndarray:
    return posteriors.sum(tuple(range(posteriors.ndim - 1)), dtype=float)
