"""What can be trusted in a segmentation and what not, in a clinician's words, and what to do about it.

Nothing is measured here: each finding follows from what the result holds. What the engine warned of is not said anew
but taken over, so that the verdict never says less than the warnings.

Limits were set where overlap with the truth falls on simulated T1 and T2 heads. Against a signal to noise of 20, one of
14 costs 2 points of Dice of gray matter, 11 costs 5, 8 costs 13 and 6 costs 29. A shading of 60 % costs less than 1,
one of 100 % costs 2, one of 165 to 200 % 5 to 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from mriseg.core.tissue import Contrast
from mriseg.segmentation import warnings
from mriseg.segmentation.result import Result

SURE_MASK = 0.8  # confidence of a mask that nobody need look at
NOISY, TOO_NOISY = 12.0, 6.0  # signal to noise, mean of the tissues
LITTLE_CONTRAST = 1.5  # between gray and white matter: by brightness alone one voxel in seven would be named wrongly
STRONG_SHADING = 0.8  # of the brightest over the darkest place of one tissue
MANY_MIXED = 0.55  # share of the voxels: 0.3 to 0.5 at 1 to 1.5 mm
THICK_MM = 2.5  # cortex is that thick
CUT_SHARE = 0.25  # of its largest section: the last 5 mm of a whole brain have 0.1
USUAL_RATIO = (0.6, 2.5)  # gray to white matter: 0.8 in the old to 2 in children
MOST_CERTAIN = 0.99  # a model's own certainty is no proof: nothing is called 100 % sure
FACES = (("left", "right"), ("back", "front"), ("bottom", "top"))  # of canonical axes


class Level(IntEnum):
    """How far something can be used, the worse the higher."""

    GOOD = 0
    CARE = 1
    NOT = 2


HEADLINES = {
    Level.GOOD: "No check failed. Look at the borders of the tissues before you use the figures.",
    Level.CARE: "Use this segmentation with care.",
    Level.NOT: "Do not use the figures of this segmentation as they are.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that can be trusted or not.

    Attributes
    ----------
    level : Level
    about : str
        A title of a few words.
    says : str
        What can be trusted here, or what not, in whole sentences.
    why : str
        The figure behind it, in a sentence; "" where `says` holds it.
    do : str
        What to do about it, in a sentence; "" where nothing need be done or `says` holds it.
    """

    level: Level
    about: str
    says: str
    why: str = ""
    do: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.says, self.why, self.do) if part)


@dataclass(frozen=True)
class Verdict:
    """How far a segmentation can be used.

    Attributes
    ----------
    level : Level
        That of the worst finding.
    findings : tuple of Finding
        The worst first, else in the order in which they should be read; never empty.
    """

    level: Level
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> str:
        return HEADLINES[self.level]


def verdict(result: Result) -> Verdict:
    """Judge a result by what it holds."""
    judges = (
        _mask,
        _names,
        _tissues,
        _contrast,
        _noise,
        _mixed,
        _thickness,
        _size,
        _cut,
        _ratio,
        _shading,
        _scale,
        _fit,
    )
    findings = [finding for judge in judges for finding in judge(result)]
    told = {finding.says for finding in findings}
    findings += [Finding(Level.CARE, "Please note", warning) for warning in result.warnings if warning not in told]
    findings.sort(key=lambda finding: -finding.level)
    return Verdict(findings[0].level, tuple(findings))


def _mask(result: Result) -> Iterator[Finding]:
    brain, about = result.brain, "Outline of the brain"
    if brain.given:
        yield Finding(Level.GOOD, about, "The brain is where you said, and was not searched.")
        return
    for doubt in brain.doubts:
        yield Finding(Level.NOT if brain.doubtful else Level.CARE, about, doubt)
    if brain.doubts:
        return
    why = f"The brain mask is {certainty(brain.confidence)} sure."
    look = "Look at the outline; make it tighter or looser, or give a mask of your own, where it is wrong."
    if brain.doubtful:
        yield Finding(Level.NOT, about, "What was taken for brain may be none.", why, look)
    elif brain.confidence < SURE_MASK:
        yield Finding(Level.CARE, about, "The outline of the brain may be wrong in places.", why, look)
    else:
        yield Finding(Level.GOOD, about, "The outline of the brain is plausible.", why)


def _names(result: Result) -> Iterator[Finding]:
    about = "Names of the tissues"
    if result.settings.contrast != "auto":
        yield Finding(
            Level.GOOD, about, f"The tissues were named as those of a {result.contrast.suffix} scan, as you said."
        )
        return
    doubt = warnings.doubt_names(result.contrast, result.contrast_confidence)
    if doubt:
        level = Level.CARE if result.contrast_confidence >= warnings.DOUBTFUL_NAMES else Level.NOT
        yield Finding(level, about, doubt)
        return
    why = f"The names are {certainty(result.contrast_confidence)} sure."
    yield Finding(
        Level.GOOD, about, f"This is a {result.contrast.suffix} scan, and its tissues are named accordingly.", why
    )


def _tissues(result: Result) -> Iterator[Finding]:
    doubt = warnings.doubt_tissues(result.mixture)
    if doubt:
        yield Finding(Level.CARE, "Missing tissue", doubt)


def _contrast(result: Result) -> Iterator[Finding]:
    contrast = result.quality.get("tissue_contrast")
    if contrast is None:
        return
    about, why = "Gray against white matter", f"Their contrast is {contrast:.1f} (usually 2 to 6)."
    doubt = warnings.doubt_contrast(result.quality)
    if doubt:
        yield Finding(Level.CARE, about, doubt)
    elif contrast < LITTLE_CONTRAST:
        yield Finding(
            Level.CARE,
            about,
            "Gray and white matter differ little, so the border between them is rough.",
            why,
            "Trust their sum more than each"
            + ("." if result.contrast is Contrast.T1 else "; a T1-weighted scan shows both better."),
        )
    else:
        yield Finding(Level.GOOD, about, "Gray and white matter are told apart.", why)


def _noise(result: Result) -> Iterator[Finding]:
    signal = result.quality.get("snrd_total")
    if signal is None:
        return
    about, why = "Noise", f"Signal to noise is {signal:.0f}."
    do = "Raise the smoothness if the labels look speckled, and do not compare volumes with those of a quieter scan."
    if signal < TOO_NOISY:
        says = "The scan is so noisy that fluid and the border of gray and white matter are guesses."
        yield Finding(Level.NOT, about, says, why, do)
    elif signal < NOISY:
        yield Finding(Level.CARE, about, "The scan is noisy, so thin fluid and cortex are rough.", why, do)
    else:
        yield Finding(Level.GOOD, about, "Noise does not limit this segmentation.", why)


def _mixed(result: Result) -> Iterator[Finding]:
    share = result.quality["mixed_share"]
    if share > MANY_MIXED:
        yield Finding(
            Level.CARE,
            "Mixed voxels",
            "Most voxels hold two tissues, so labels are coarse; volumes count a voxel by its parts.",
            f"{share:.0%} of the voxels are mixed (usually 30 to 50 %).",
            "Use the volumes rather than the labels, and finer voxels if you can.",
        )


def _thickness(result: Result) -> Iterator[Finding]:
    sides = [result.quality[key] for key in ("spacing_x", "spacing_y", "spacing_z") if key in result.quality]
    if sides and max(sides) > THICK_MM:
        yield Finding(
            Level.CARE,
            "Thick slices",
            "Cortex and the fluid in the sulci are thinner than a slice, so their volumes are rough.",
            f"Voxels measure {' x '.join(f'{side:.2g}' for side in sides)} mm.",
            "Compare with scans of the same protocol only; for volumes that stand alone take one of about 1 mm.",
        )


def _size(result: Result) -> Iterator[Finding]:
    doubt = warnings.doubt_size(result.brain_ml)
    if doubt in result.warnings:
        yield Finding(Level.NOT, "Size of the brain", str(doubt))


def _cut(result: Result) -> Iterator[Finding]:
    """Whether the brain goes on beyond what is seen: a whole one tapers towards its ends."""
    mask = result.brain.mask
    if mask.ndim != len(FACES) or result.brain.given or result.brain.doubtful:
        return
    faces = []
    for axis, names in enumerate(FACES):
        area = mask.sum(tuple(a for a in range(mask.ndim) if a != axis))
        ends = area[np.flatnonzero(area)[[0, -1]]]
        faces += [name for name, end in zip(names, ends, strict=True) if end > CUT_SHARE * area.max()]
    if faces:
        yield Finding(
            Level.CARE,
            "Part of a brain",
            "The image holds only a part of the brain; volumes are those of what is seen, shares those of this part.",
            f"It is cut at the {_listed(faces)}.",
            "Do not compare them with whole brains.",
        )


def _ratio(result: Result) -> Iterator[Finding]:
    ratio, (low, high) = result.quality.get("gm_wm_ratio"), USUAL_RATIO
    if result.labels.ndim == len(FACES) and ratio is not None and not low <= ratio <= high:
        yield Finding(
            Level.CARE,
            "Gray to white matter",
            "The proportion of gray and white matter is unusual.",
            f"It is {ratio:.1f}; {low:g} to {high:g} is usual.",
            "Look at the labels: one of the two may have taken voxels of the other.",
        )


def _shading(result: Result) -> Iterator[Finding]:
    depth = result.quality["bias_range"]
    if depth > STRONG_SHADING:
        yield Finding(
            Level.CARE,
            "Shading",
            "The coil shades this scan strongly; it was divided out, but a rest may be left far from its middle.",
            f"One tissue is up to {depth:.0%} brighter in one place than in another.",
            "Look at the labels where the scan is darkest and brightest.",
        )


def _scale(result: Result) -> Iterator[Finding]:
    if result.labels.ndim == len(FACES):
        return
    about = "A single slice"
    says = "Shares are those of this slice and say nothing of the whole brain."
    if result.volumes_ml is None:
        why = "The picture does not say how large its pixels are, so it has no volumes."
        yield Finding(Level.GOOD, about, says, why, "Give the pixel size to have areas and volumes.")
    else:
        yield Finding(Level.GOOD, about, says, "Its volumes are for each mm of thickness.")


def _fit(result: Result) -> Iterator[Finding]:
    doubt = warnings.doubt_fit(result.mixture)
    if doubt:
        yield Finding(Level.CARE, "Fit of the mixture", doubt)


def certainty(confidence: float) -> str:
    """A probability in percent, as it is told to people."""
    return f"{min(confidence, MOST_CERTAIN):.0%}"


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
