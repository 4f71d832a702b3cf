"""What is said of settings that the user chose: each is used as told, and judged by what the scan shows."""

from collections.abc import Iterator

import numpy as np

from mriseg.brain.told_mask import contradictions, disagreement
from mriseg.core.decimals import percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import Tissue
from mriseg.segmentation.result import Result

# Brightest over darkest place, not corrected as the user said: 0.2 costs 3 points of Dice, 0.3 costs 6, 0.45 costs 12.
SHADING_LEFT, MUCH_SHADING_LEFT = 0.25, 0.6
OTHERWISE, MUCH_OTHERWISE = 0.1, 0.25  # of the brain, that another number of classes gives to another tissue


def told_settings(result: Result) -> Iterator[Finding]:
    """What to say of a correction that was switched off, and of another number of classes.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    yield from _shading_left(result)
    yield from _classes(result)


def moved_border(result: Result) -> Iterator[Finding]:
    """Whether a border that the user moved lies too far from where it was.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    if result.settings.margin:
        yield from contradictions(*disagreement(result.stages.region.mask, result.brain.mask)).doubts


def _shading_left(result: Result) -> Iterator[Finding]:
    """Whether the user switched off a correction that the scan needs."""
    left = result.stages.bias_correction.left
    if left > SHADING_LEFT:
        yield Finding(
            FindingCode.SHADING_LEFT,
            Level.NOT if left > MUCH_SHADING_LEFT else Level.CARE,
            "The scan has intensity non-uniformity (bias field), and its correction is switched off. One tissue is up "
            f"to {percent(left)} brighter in one place than in another, so tissues are confused.",
            "Switch bias correction on.",
        )


def _classes(result: Result) -> Iterator[Finding]:
    """Whether another number of classes than three names the intensities as three do."""
    if result.settings.classes == len(Tissue):
        return
    histogram, numbers = result.histogram, []
    for mixture in (result.stages.fitted, result.mixture):
        of_class = np.array([tissue.number for tissue in mixture.tissues])
        numbers.append(of_class[mixture.class_densities(histogram.levels).argmax(1)])
    share = histogram.counts[numbers[0] != numbers[1]].sum() / histogram.counts.sum()
    if share > OTHERWISE:
        yield Finding(
            FindingCode.CLASSES_DISAGREE,
            Level.NOT if share > MUCH_OTHERWISE else Level.CARE,
            f"With {result.settings.classes} classes {percent(share)} of the brain is assigned to another tissue than "
            "with three.",
            "Use three classes for volumes.",
        )
