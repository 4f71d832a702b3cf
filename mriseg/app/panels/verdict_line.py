"""The verdict as one line that opens to its reasons, each with a button that leads to its place.

It is plain HTML, so that it costs nothing to draw; `viewer/reasons.js` hears the buttons.
"""

import json
from html import escape

import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Analysis
from mriseg.core.decimals import percent
from mriseg.core.findings import ASPECTS, Aspect, Finding, FindingCode, Level, Topic
from mriseg.segmentation.places import voxel_of
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import Verdict, verdict

SIGNS = {Level.GOOD: "✓", Level.CARE: "!", Level.NOT: "✕"}
# The map in which a topic is best seen; in others the labels.
LAYERS = {
    Topic.OUTLINE: "mask",
    Topic.PART: "mask",
    Topic.ABNORMAL: "posterior-abnormal",
    Topic.CONTRAST: "entropy",
    Topic.FLUID: "entropy",
    Topic.MIXED: "entropy",
    Topic.NOISE: "corrected",
    Topic.LEVELS: "corrected",
    Topic.SHADING: "field",
}
SEGMENTED = "segmented"
_PLACES = "places of findings"


def show_verdict(analysis: Analysis) -> None:
    """How far the result can be used in one line; opened, why, and what to do where it cannot.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    st.html(verdict_html(analysis.result, _places(analysis)))


def _places(analysis: Analysis) -> dict[FindingCode, tuple[int, ...]]:
    """Where what is doubted is best seen, looked for once for a result."""
    cached = st.session_state.get(_PLACES)
    if cached is None or cached[0] != analysis.key:
        doubted = [f for f in analysis.result.findings if f.level > Level.GOOD or f.code.topic is Topic.ABNORMAL]
        voxels = ((f.code, voxel_of(analysis.scan, analysis.result, f)) for f in doubted)
        cached = analysis.key, {code: voxel for code, voxel in voxels if voxel is not None}
        st.session_state[_PLACES] = cached
    places: dict[FindingCode, tuple[int, ...]] = cached[1]
    return places


def verdict_html(result: Result, places: dict[FindingCode, tuple[int, ...]]) -> str:
    """The verdict and its reasons as HTML.

    Parameters
    ----------
    result : Result
    places : dict of FindingCode to tuple of int
        Where to look for a finding, in canonical axes; nothing for those without a place.

    Returns
    -------
    str
    """
    judged = verdict(result)
    topics = ", ".join(dict.fromkeys(finding.code.topic for finding in judged.doubts))
    about = f' <span class="mriseg-topics">{escape(texts.TO_CHECK.format(topics))}</span>' if topics else ""
    groups = "".join(_group(result, judged, aspect, places) for aspect in Aspect)
    return (
        f'<details class="mriseg-verdict" data-level="{judged.level.name}"><summary>{_sign(judged.level)}'
        f"<span><strong>{escape(judged.headline)}</strong>{about}</span><small>{escape(texts.REASONS)}</small></summary>"
        f"<dl>{groups}</dl></details>"
    )


def _group(result: Result, judged: Verdict, aspect: Aspect, places: dict[FindingCode, tuple[int, ...]]) -> str:
    """One aspect: its worst level, and each reason with its button."""
    findings = judged.by_aspect[aspect]
    level = max((finding.level for finding in findings), default=Level.GOOD)
    reasons = "".join(
        _reason(f.text, _target(f, places.get(f.code)), doubt=f.level > Level.GOOD and f.code.topic) for f in findings
    )
    if not findings:
        reasons = _reason(_nothing_against(result, aspect), {"histogram": True} if aspect is Aspect.FIT else None)
    return (
        f"<dt>{_sign(level)}<strong>{escape(aspect)}</strong> <small>{escape(texts.LEVELS[level.name])}</small></dt>"
        f"<dd><ul>{reasons}</ul></dd>"
    )


def _reason(text: str, target: dict[str, object] | None, *, doubt: Topic | bool = False) -> str:
    topic = f"<strong>{escape(doubt)}.</strong> " if isinstance(doubt, Topic) else ""
    button = ""
    if target is not None:
        go = escape(json.dumps(target, separators=(",", ":")), quote=True)
        label = escape(f"{texts.SHOW_REASON}: {text}", quote=True)
        button = (
            f' <button type="button" data-mriseg-go="{go}" aria-label="{label}">{escape(texts.SHOW_REASON)}</button>'
        )
    return f"<li>{topic}{escape(text)}{button}</li>"


def _target(finding: Finding, voxel: tuple[int, ...] | None) -> dict[str, object]:
    """What the viewer is to show for a finding: the voxel under its cursor, the map, the outline, the histogram."""
    topic = finding.code.topic
    layer = "entropy" if finding.code is FindingCode.POSITION_DECIDES else LAYERS.get(topic, SEGMENTED)
    target: dict[str, object] = {"voxel": voxel, "layer": layer, "outline": ASPECTS[topic] is Aspect.OUTLINE}
    return target | {"histogram": True} if topic is Topic.FIT else target


def _nothing_against(result: Result, aspect: Aspect) -> str:
    """What is said of an aspect that no finding tells of."""
    if aspect is Aspect.FIT and "misfit" in result.quality:
        return texts.FIT_EXPLAINED.format(percent(1 - result.quality["misfit"]))
    return texts.NOTHING_AGAINST


def _sign(level: Level) -> str:
    return f'<i aria-hidden="true" data-level="{level.name}">{SIGNS[level]}</i>'
