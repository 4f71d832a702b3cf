"""What the user should doubt besides the mask, each with what to do about it."""

import numpy as np

from mriseg.core.scan import HeaderContrast
from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture.model import Mixture
from mriseg.segmentation.contrast import TissueAssignment

DOUBTFUL_NAMES = 0.8  # below this probability of the right names the user is asked to look
# Brain with fluid: a newborn has 400 mL, no adult more than 2000.
USUAL_BRAIN_ML = (350.0, 2000.0)
FULL_EXTENT_MM = 100.0  # a field of view shorter than this cannot hold a whole brain
WEAK_CONTRAST = 1.0  # gray and white matter closer than their spread: the border between them is a guess


def doubts(
    naming: TissueAssignment,
    stated: HeaderContrast | None,
    mixture: Mixture,
    figures: dict[str, float],
    brain_ml: float | None,
    extent_mm: tuple[float, ...] | None,
) -> tuple[str, ...]:
    """What the user should doubt besides the mask, each with what to do about it.

    Parameters
    ----------
    naming : Naming
    stated : HeaderContrast or None
        What the scan's header states of its contrast.
    mixture : Mixture
    figures : dict
        As from `mriseg.quality.metrics`.
    brain_ml : float or None
        Volume of the mask.
    extent_mm : tuple of float or None
        Field of view along each axis; None for a picture.
    """
    found = [doubt_names(naming.contrast, naming.confidence)]
    if stated is not None and naming.contrast is not stated.contrast:
        found.append(
            f"The header says {stated.contrast.suffix} ({stated.reason}), but the scan was segmented as "
            f"{naming.contrast.suffix}. Look at the overlay and choose the contrast if the header is right."
        )
    if naming.inverted:
        found.append(
            "The scan is stored inverted, its air bright. Its negative was segmented: the intensities of the mixture "
            "are those of the negative."
        )
    found += [doubt_tissues(mixture), doubt_contrast(figures), doubt_fit(mixture)]
    if extent_mm is not None and min(extent_mm) > FULL_EXTENT_MM:
        found.append(doubt_size(brain_ml))
    return tuple(sentence for sentence in found if sentence)


def doubt_names(contrast: Contrast, confidence: float) -> str | None:
    """What there is to doubt in the names of the tissues."""
    if contrast is Contrast.UNKNOWN:
        return (
            "The intensities fit no contrast that is known here. The tissues were named by where they lie, rightly "
            f"with a probability of {confidence:.0%}. Look at the overlay and choose the contrast if not."
        )
    if confidence < DOUBTFUL_NAMES:
        return (
            f"The names of the tissues are right with a probability of only {confidence:.0%}. "
            "Look at the overlay and choose the contrast yourself if fluid and white matter are exchanged."
        )
    return None


def doubt_tissues(mixture: Mixture) -> str | None:
    """Which tissue no class was named."""
    missing = [tissue.title.lower() for tissue in Tissue if tissue not in mixture.tissues]
    if not missing:
        return None
    return (
        f"With {mixture.classes} classes none was found that looks like {' or '.join(missing)}, so it has no "
        "volume. Ask for three classes."
    )


def doubt_contrast(figures: dict[str, float]) -> str | None:
    """Whether gray and white matter are hardly told apart, by the figures of `mriseg.quality.metrics`."""
    if not figures.get("tissue_contrast", np.inf) < WEAK_CONTRAST:
        return None
    return (
        f"Gray and white matter hardly differ here (contrast to noise {figures['tissue_contrast']:.1f}), so the border "
        "between them is a guess. Trust their sum rather than each."
    )


def doubt_fit(mixture: Mixture) -> str | None:
    """Whether expectation-maximization was cut short."""
    if mixture.converged:
        return None
    return "The mixture had not settled when its iterations ran out; its figures may still move a little."


def doubt_size(brain_ml: float | None) -> str | None:
    """Whether a brain that is seen as a whole has an odd volume."""
    low, high = USUAL_BRAIN_ML
    if brain_ml is None or low <= brain_ml <= high:
        return None
    return (
        f"The brain mask measures {brain_ml:.0f} mL, outside the {low:.0f} to {high:.0f} mL of human brains. "
        "Look at its outline before using any figure, and give a mask of your own if it is wrong."
    )
