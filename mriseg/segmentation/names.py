"""What is said of the names of the tissues, whoever gave them: they are judged by the same evidence."""

from collections.abc import Iterator

import numpy as np

from mriseg.core.decimals import percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import Contrast
from mriseg.segmentation.result import Result

SURE_NAMES = 0.8  # below this probability of the right names the user is asked to look
# Below this probability of what the user said, the figures should not be used: one user in ten would have to be right
# against it for half of such words to be true.
CONTRADICTED = 0.1
MOST_CERTAIN = 0.99  # a model's own certainty is no proof: nothing is called 100 % sure


def certainty(confidence: float) -> str:
    """A probability in percent, as it is told to people.

    Parameters
    ----------
    confidence : float
        0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> certainty(0.874), certainty(0.9999)
    ('87 %', '99 %')
    """
    return percent(min(confidence, MOST_CERTAIN))


def names(result: Result) -> Iterator[Finding]:
    """How far the names of the tissues can be trusted.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    if result.settings.contrast == "auto":
        yield _named(result)
    else:
        yield _told(result)


def _named(result: Result) -> Finding:
    """Of tissues that were named by where they lie."""
    confidence = result.contrast_confidence
    if result.contrast is Contrast.UNKNOWN:
        return Finding(
            FindingCode.CONTRAST_UNKNOWN,
            Level.CARE if confidence >= SURE_NAMES else Level.NOT,
            "The intensities match no known contrast. The tissues were told apart by where they lie "
            f"({certainty(confidence)} confidence).",
            "Check the overlay; choose the contrast if the tissues are wrong.",
        )
    if confidence < SURE_NAMES:
        return Finding(
            FindingCode.CONTRAST_UNSURE,
            Level.NOT,
            f"The contrast is uncertain (only {certainty(confidence)} confidence), so tissues may be exchanged.",
            "Check the overlay; choose the contrast yourself if fluid and white matter are exchanged.",
        )
    agent = ", probably with contrast agent" if _shows_agent(result) else ""
    return Finding(
        FindingCode.CONTRAST_FOUND,
        Level.GOOD,
        f"{result.contrast.title}{agent} ({certainty(confidence)} confidence).",
    )


def _shows_agent(result: Result) -> bool:
    """Whether a slice looks like T1 with contrast agent, or vessels so bright were left out of a volume in T1."""
    if result.stages.tissues.assignment.agent:
        return True
    is_t1_volume = result.contrast is Contrast.T1 and result.labels.ndim > 2
    return is_t1_volume and bool(np.count_nonzero(result.stages.region.mask) > np.count_nonzero(result.labels))


def _told(result: Result) -> Finding:
    """Of tissues that were named as the user said."""
    told, confidence, assignment = result.contrast, result.contrast_confidence, result.stages.tissues.assignment
    says = f"Segmented as {told.title}, as chosen"
    if confidence >= SURE_NAMES:
        return Finding(
            FindingCode.CONTRAST_GIVEN,
            Level.GOOD,
            f"{says}; the tissues' intensities and positions agree ({certainty(confidence)} confidence).",
        )
    likeliest = assignment.likeliest
    against = ""
    if likeliest.dark_to_bright != told.dark_to_bright:
        against = f"{likeliest.title} has a probability of {certainty(assignment.evidence[likeliest])}, "
    return Finding(
        FindingCode.CONTRAST_CONTRADICTED,
        Level.NOT if confidence < CONTRADICTED else Level.CARE,
        f"{says}, but the scan contradicts it. By the tissues' intensities and positions {against}"
        f"{told.title} of only {certainty(confidence)}.",
        "Set the contrast to automatic, or check the overlay: fluid must fill the ventricles.",
    )
