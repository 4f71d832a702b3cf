"""The contrast of a single slice, by figures that an abnormal part or a contrast agent hardly changes.

A slice has no place in the average brain, and one tumor in it can be a class of its own. So its contrast is not read
off a fit: a multinomial logistic regression takes the figures of `mriseg.segmentation.slice_features` to probabilities,
before anything is fitted. Its coefficients stand in `mriseg.segmentation.slice_contrast_tables`, and
`benchmarks/slice_naming.py` says how they were found and how often they are right.

References
----------
Hastie, Tibshirani, Friedman: The elements of statistical learning. Springer, 2009; section 4.4.
"""

import numpy as np

from mriseg.core.tissue import Contrast
from mriseg.segmentation.contrast import (
    HEADER_LOG_ODDS,
    KNOWN_CONTRASTS,
    TissueAssignment,
    evidence_of_orders,
    stored_order,
)
from mriseg.segmentation.slice_contrast_tables import COEFFICIENTS, INTERCEPTS, KINDS
from mriseg.segmentation.slice_features import PIXEL, features, view_slice

MOST_DEVIATION = 4.0  # spreads of a figure: farther off says no more
# Where so many figures lie so many spreads from those of heads, nothing was learned of such an image: it is as likely
# none of the contrasts. Slices of heads have up to 0.024 of them, balls, boxes, fruit and bottles 0.041 and more.
FAR, MOST_FAR_SHARE = 4.0, 0.033
LEAST_AGENT = 0.5  # probability from which an agent is spoken of


def name_slice(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    background_level: float,
    spacing: tuple[float, ...] = PIXEL,
    stated: Contrast | None = None,
) -> TissueAssignment:
    """Name the contrast and the tissues of a single slice.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Intensities of the whole picture: what surrounds the brain is asked too.
    mask : ndarray of bool, same shape
        The brain, not empty.
    background_level : float
        Intensity of no signal, as `mriseg.brain.background.background_level` finds it.
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.
    stated : Contrast, optional
        What the scan's header states.

    Returns
    -------
    TissueAssignment
        As stored: of an inverted slice in reversed order.
    """
    inverted = bool(background_level > np.median(data[mask]))
    figures = features(view_slice(data, mask, background_level=background_level, inverted=inverted, spacing=spacing))
    of_kinds = _probabilities(figures, stated)
    probability: dict[Contrast, float] = {
        contrast: float(sum(p for (kind, _), p in of_kinds.items() if kind is contrast)) for contrast in KNOWN_CONTRASTS
    }
    of_none = float(of_kinds[Contrast.UNKNOWN, False])
    evidence = evidence_of_orders(probability, of_none)
    order = max(KNOWN_CONTRASTS, key=evidence.__getitem__).dark_to_bright
    rivals = [contrast for contrast in KNOWN_CONTRASTS if contrast.dark_to_bright == order]
    best = max(rivals, key=lambda contrast: (contrast is stated, probability[contrast]))
    agent = best is Contrast.T1 and of_kinds[Contrast.T1, True] > LEAST_AGENT * probability[Contrast.T1]
    is_none = of_none > sum(probability[contrast] for contrast in rivals) and best is not stated
    return TissueAssignment(
        Contrast.UNKNOWN if is_none else best,
        stored_order(best, inverted),
        evidence[best],
        inverted,
        agent=bool(agent and not is_none),
        evidence=evidence,
    )


def _probabilities(figures: dict[str, float], stated: Contrast | None) -> dict[tuple[Contrast, bool], float]:
    """How likely the slice is of each kind; they sum to 1."""
    table = np.array([COEFFICIENTS[name] for name in figures])
    deviations = (np.array(list(figures.values())) - table[:, 0]) / table[:, 1]
    is_strange = bool(np.mean(np.abs(deviations) > FAR) > MOST_FAR_SHARE)
    deviations = np.clip(deviations, -MOST_DEVIATION, MOST_DEVIATION)
    log_odds = np.array(INTERCEPTS) + deviations @ table[:, 2:]
    contrasts = [contrast for contrast, _ in KINDS]
    if stated is not None:
        log_odds = log_odds + HEADER_LOG_ODDS * np.array([contrast is stated for contrast in contrasts])
    odds = np.exp(log_odds - log_odds.max())
    shares = odds / odds.sum()
    if is_strange:
        shares = (shares + np.array([kind is Contrast.UNKNOWN for kind in contrasts])) / 2
    return dict(zip(KINDS, shares, strict=True))
