"""Another segmentation beside the shown one: a reference that was dropped, a simpler method, or an earlier result."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from mriseg.app import texts
from mriseg.app.analysis import Analysis
from mriseg.compare import Agreement, Matching, agreement, match_labels, relabel
from mriseg.errors import MrisegError
from mriseg.read_labels import read_labels
from mriseg.simpler import METHODS, segment_simply
from mriseg.tissue import Tissue

WITH, METHOD, REFERENCE, PIN = "compare with", "compared method", "reference", "pinned"
NOTHING, TRUTH, FILE, SIMPLER, PINNED = "nothing", "truth", "file", "method", "pinned"
_KEPT, _AGREEMENT = "comparison", "agreement"
OPTIONS = {texts.NO_TISSUE: None} | {tissue.title: tissue for tissue in Tissue}  # by what the visitor reads


@dataclass(frozen=True, eq=False)
class Other:
    """A segmentation to compare with.

    Attributes
    ----------
    key : str
        What tells it from others, of the same result.
    title : str
    labels : ndarray of uint8, shape of the scan
    """

    key: str
    title: str
    labels: np.ndarray


def compared(analysis: Analysis) -> Other | None:
    """What the visitor asked to compare this result with, as far as it is there.

    Reads what the controls of `show_comparison` were set to, because the viewer stands above them.
    """
    kept: Other | None = st.session_state.get(_KEPT)
    if kept is None or not kept.key.startswith(analysis.source):
        st.session_state.pop(_KEPT, None)
        return None
    return kept


def show_comparison(analysis: Analysis) -> None:
    """Draw the controls, and how far the two agree."""
    choices = [NOTHING, SIMPLER, FILE, PINNED]
    if analysis.truth is not None:
        choices.insert(1, TRUTH)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            texts.COMPARE_WITH, choices, format_func=texts.COMPARISONS.__getitem__, key=WITH, width=300
        )
        if chosen == SIMPLER:
            st.selectbox(
                texts.SIMPLER_METHOD,
                [key for key in METHODS if key != "full"],
                format_func=lambda key: METHODS[key].title,
                key=METHOD,
                width=300,
            )
    try:
        other = _other(analysis, chosen)
        before = st.session_state.get(_KEPT)
        if (other and other.key) != (before and before.key):
            st.session_state[_KEPT] = other
            st.rerun()
        if other is not None:
            st.caption(texts.COMPARED_ABOVE)
            st.markdown(_agreement(analysis, other))
    except MrisegError as error:
        st.error(str(error))


def _other(analysis: Analysis, chosen: str) -> Other | None:
    result = analysis.result
    kept: Other | None = st.session_state.get(_KEPT)
    if chosen == TRUTH and analysis.truth is not None:
        return Other(f"{analysis.source} truth", texts.TRUTH_TITLE, analysis.truth)
    if chosen == SIMPLER:
        method = METHODS[st.session_state[METHOD]]
        st.caption(method.explanation)
        key = f"{analysis.source} {analysis.key} {method.key}"
        if kept is not None and kept.key == key:
            return kept
        return Other(key, method.title, segment_simply(analysis.scan, result, method.key))
    if chosen == FILE:
        return _reference(analysis)
    if chosen == PINNED:
        if st.button(texts.PIN, help=texts.PIN_HELP):
            which = hashlib.blake2b(repr(result.settings).encode(), digest_size=4).hexdigest()
            st.session_state[PIN] = Other(f"{analysis.source} pinned {which}", texts.PINNED_TITLE, result.labels)
        pinned: Other | None = st.session_state.get(PIN)
        return pinned if pinned is not None and pinned.key.startswith(analysis.source) else None
    return None


def _reference(analysis: Analysis) -> Other | None:
    """The segmentation that was dropped, its numbers matched to the tissues as the visitor leaves or changes it."""
    dropped = st.file_uploader(texts.REFERENCE_UPLOAD, key=REFERENCE, help=texts.REFERENCE_HELP)
    if dropped is None:
        return None
    content = dropped.getvalue()
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    reference = read_labels([(dropped.name, content)], analysis.scan)
    matching = _matching(analysis, reference, digest)
    which = hashlib.blake2b(repr(matching.tissues).encode(), digest_size=4).hexdigest()
    return Other(f"{analysis.source} {digest} {which}", texts.REFERENCE_TITLE, relabel(reference, matching))


def _matching(analysis: Analysis, reference: np.ndarray, digest: str) -> Matching:
    """Which number is which tissue: found by overlap, shown, and open to be told otherwise."""
    found = match_labels(analysis.result.labels, reference)
    st.caption(texts.MATCHED)
    tissues = []
    with st.container(horizontal=True):
        for number, tissue, overlap in zip(found.numbers, found.tissues, found.overlaps, strict=True):
            title = texts.NO_TISSUE if tissue is None else tissue.title
            label = texts.LABEL.format(number, overlap)
            chosen = st.selectbox(
                label, list(OPTIONS), list(OPTIONS).index(title), key=f"label {digest} {number}", width=200
            )
            tissues.append(OPTIONS[chosen])
    return replace(found, tissues=tuple(tissues))


def _agreement(analysis: Analysis, other: Other) -> str:
    """How far the two agree, as a table, kept until one of them is another: surfaces far apart take seconds."""
    which = analysis.key, other.key
    kept = st.session_state.get(_AGREEMENT)
    if kept is None or kept[0] != which:
        found = agreement(analysis.result.labels, other.labels, analysis.scan.spacing)
        kept = st.session_state[_AGREEMENT] = which, agreement_table(found)
    return kept[1]


def agreement_table(found: dict[Tissue, Agreement]) -> str:
    """How far each tissue agrees, as a Markdown table."""
    rows = [texts.AGREEMENT_HEAD, "|---|---|---|---|---|"]
    for tissue, value in found.items():
        difference = "" if value.volume_difference is None else f"{value.volume_difference:+.1f} %"
        if value.volume_difference_ml is not None:
            difference += f" ({value.volume_difference_ml:+.0f} mL)"
        distance = "" if value.hausdorff95 is None else f"{value.hausdorff95:.1f}"
        rows.append(f"| {tissue.title} | {value.dice:.3f} | {value.jaccard:.3f} | {difference} | {distance} |")
    return "\n".join(rows)
