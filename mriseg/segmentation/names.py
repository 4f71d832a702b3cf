"""What is said of the names of the tissues, whoever gave them: they are judged by the same evidence."""

from collections.abc import Iterator

import numpy as np

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
    ('87%', '99%')
    """
    return f"{min(confidence, MOST_CERTAIN):.0%}"


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
    suffix, confidence = result.contrast.suffix, result.contrast_confidence
    if result.contrast is Contrast.UNKNOWN:
        return Finding(
            FindingCode.CONTRAST_UNKNOWN,
            Level.CARE if confidence >= SURE_NAMES else Level.NOT,
            "The intensities fit no contrast that is known here. The tissues were named by where they lie, rightly "
            f"with a probability of {certainty(confidence)}.",
            "Look at the overlay and choose the contrast if not.",
        )
    if confidence < SURE_NAMES:
        return Finding(
            FindingCode.CONTRAST_UNSURE,
            Level.NOT,
            f"The names of the tissues are right with a probability of only {certainty(confidence)}.",
            "Look at the overlay and choose the contrast yourself if fluid and white matter are exchanged.",
        )
    agent = ", probably with contrast agent" if _shows_agent(result) else ""
    return Finding(
        FindingCode.CONTRAST_FOUND,
        Level.GOOD,
        f"This is a {suffix} scan{agent}, and its tissues are named accordingly. "
        f"The names are {certainty(confidence)} sure.",
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
    says = f"The tissues were named as those of a {told.suffix} scan, as you said"
    if confidence >= SURE_NAMES:
        return Finding(
            FindingCode.CONTRAST_GIVEN,
            Level.GOOD,
            f"{says}; where they lie and how bright they are agrees with it ({certainty(confidence)}).",
        )
    likeliest = assignment.likeliest
    against = ""
    if likeliest.dark_to_bright != told.dark_to_bright:
        against = f"{likeliest.suffix} is right with {certainty(assignment.evidence[likeliest])}, "
    return Finding(
        FindingCode.CONTRAST_CONTRADICTED,
        Level.NOT if confidence < CONTRADICTED else Level.CARE,
        f"{says}. By where they lie and how bright they are, {against}{told.suffix} with only {certainty(confidence)}.",
        "Use automatic as the contrast, or look at the overlay: fluid must fill the ventricles.",
    )
