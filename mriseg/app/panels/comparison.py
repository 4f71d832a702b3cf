"""Another segmentation beside the shown one: a reference that was dropped, a simpler method, or a pinned result."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.ladder import show_ladder
from mriseg.app.panels.metrics import is_joined
from mriseg.app.server.uploads import content, forget
from mriseg.app.session import Analysis
from mriseg.core.errors import MrisegError
from mriseg.core.tissue import BRAIN_TISSUE, LABELS, Label, Tissue
from mriseg.evaluation.agreement import Agreement, Matching, agreement, match_labels, relabel
from mriseg.evaluation.baselines import METHODS, segment_simply
from mriseg.io.label_reader import read_labels

WITH, METHOD, FILE_BOX = "compare with", "compared method", "reference"
NOTHING, TRUTH, SIMPLER, FILE, REMEMBERED = "nothing", "truth", "method", "file", "pinned"
# What a number of a reference may be, by what the visitor reads.
OPTIONS: dict[str, Tissue | Label | None] = {texts.NO_TISSUE: None, **{label.title: label for label in LABELS}}
SIMPLER_METHODS = tuple(key for key in METHODS if key != "full")
_WANTED, _FOUND, _AGREEMENT = "comparison wanted", "comparison", "agreement"


@dataclass(frozen=True, eq=False)
class Reference:
    """A segmentation that was dropped, and which of its numbers is which tissue."""

    digest: str
    labels: np.ndarray
    matching: Matching


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the visitor wants to see beside the result; controls that are not drawn forget what they were set to.

    Attributes
    ----------
    source : str
        The scan that it was asked for; another scan is compared with nothing.
    kind : str
    method : str
        Key of one of `mriseg.evaluation.baselines.METHODS`.
    reference : Reference or None
    remembered : tuple of (str, ndarray), or None
        What tells an earlier result from others, and its labels.
    """

    source: str
    kind: str = NOTHING
    method: str = SIMPLER_METHODS[0]
    reference: Reference | None = None
    remembered: tuple[str, np.ndarray] | None = None

    @property
    def key(self) -> str:
        """What tells what is compared with from others."""
        parts: tuple[object, ...] = (self.kind,)
        if self.kind == SIMPLER:
            parts += (self.method,)
        if self.kind == FILE and self.reference is not None:
            parts += (self.reference.digest, *self.reference.matching.tissues)
        if self.kind == REMEMBERED and self.remembered is not None:
            parts += (self.remembered[0],)
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, eq=False)
class Other:
    """A segmentation to compare with.

    Attributes
    ----------
    key : str
        What tells it from others, that of the result among it.
    title : str
    labels : ndarray of uint8, shape of the scan
    """

    key: str
    title: str
    labels: np.ndarray


def compared(analysis: Analysis) -> Other | None:
    """What the visitor wants to see beside this result; None for nothing, and where it cannot be made.

    Parameters
    ----------
    analysis : Analysis
        What is shown.

    Returns
    -------
    Other or None
    """
    try:
        return _found(analysis, _wanted(analysis))
    except MrisegError:  # said where it was asked for, see `show_comparison`
        return None


def show_comparison(analysis: Analysis) -> None:
    """Draw the controls, and how far the two agree.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    wanted = _wanted(analysis)
    choices = [NOTHING, *([TRUTH] if analysis.truth is not None else []), SIMPLER, FILE, REMEMBERED]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox(
            texts.COMPARE_WITH,
            choices,
            choices.index(wanted.kind),
            format_func=texts.COMPARISONS.__getitem__,
            key=WITH,
            width=300,
        )
        asked = replace(wanted, kind=kind)
        if kind == SIMPLER:
            method = st.selectbox(
                texts.SIMPLER_METHOD,
                SIMPLER_METHODS,
                SIMPLER_METHODS.index(wanted.method),
                format_func=lambda key: METHODS[key].title,
                key=METHOD,
                width=300,
            )
            asked = replace(asked, method=method)
        st.button(texts.PIN, help=texts.PIN_HELP, on_click=_pin, args=(analysis,), icon=":material/push_pin:")
    if kind == REMEMBERED and asked.remembered is None:
        st.caption(texts.NOTHING_PINNED)
    if kind != FILE:
        forget(FILE_BOX)
    try:
        if asked.kind == wanted.kind == FILE:
            asked = replace(asked, reference=_reference(analysis, wanted.reference))
        if asked.key != wanted.key:
            st.session_state[_WANTED] = asked
            st.rerun()  # the viewer stands above
        if kind == SIMPLER:
            st.caption(METHODS[asked.method].explanation)
        other = _found(analysis, asked)
        if other is not None:
            st.caption(f"{texts.COMPARED_ABOVE} {texts.WHOLE_VOXELS}")
            st.markdown(_agreement(analysis, other))
        show_ladder(analysis)
    except MrisegError as error:
        st.error(str(error))


def _pin(analysis: Analysis) -> None:
    """Keep a result to compare later ones of the same scan with, and choose it."""
    pinned = (analysis.key, analysis.result.labels)
    st.session_state[_WANTED] = replace(_wanted(analysis), remembered=pinned)
    st.session_state[WITH] = REMEMBERED


def _wanted(analysis: Analysis) -> Wanted:
    """What was asked for, if it was for this scan; what belongs to another is let go."""
    wanted: Wanted | None = st.session_state.get(_WANTED)
    if wanted is None or wanted.source != analysis.source:
        for key in (_FOUND, _AGREEMENT):
            st.session_state.pop(key, None)
        if WITH in st.session_state:  # the control remembers what it was set to, even for another scan
            st.session_state[WITH] = NOTHING
        wanted = st.session_state[_WANTED] = Wanted(analysis.source)
    return wanted


def _found(analysis: Analysis, wanted: Wanted) -> Other | None:
    """The segmentation that is wanted, kept until another is; None for none."""
    key = f"{analysis.key} {wanted.key}"
    cached: Other | None = st.session_state.get(_FOUND)
    if cached is None or cached.key != key:
        made = _made(analysis, wanted)
        cached = st.session_state[_FOUND] = None if made is None else Other(key, *made)
    return cached


def _made(analysis: Analysis, wanted: Wanted) -> tuple[str, np.ndarray] | None:
    """Title and labels of what is wanted."""
    if wanted.kind == TRUTH and analysis.truth is not None:
        return texts.TRUTH_TITLE, analysis.truth
    if wanted.kind == SIMPLER:
        method = METHODS[wanted.method]
        return method.title, segment_simply(analysis.scan, analysis.result, method.key, analysis.channels)
    if wanted.kind == FILE and wanted.reference is not None:
        return texts.REFERENCE_TITLE, relabel(wanted.reference.labels, wanted.reference.matching)
    if wanted.kind == REMEMBERED and wanted.remembered is not None:
        return texts.REMEMBERED_TITLE, wanted.remembered[1]
    return None


def _reference(analysis: Analysis, cached: Reference | None) -> Reference | None:
    """The segmentation that was dropped, its numbers matched to the tissues as the visitor leaves or changes them."""
    dropped = st.file_uploader(texts.REFERENCE_UPLOAD, key=FILE_BOX, help=texts.REFERENCE_HELP)
    file_bytes = content(FILE_BOX, dropped)
    if dropped is not None and file_bytes is not None:
        digest = hashlib.blake2b(file_bytes, digest_size=8).hexdigest()
        if cached is None or cached.digest != digest:
            labels = read_labels([(dropped.name, file_bytes)], analysis.scan)
            cached = Reference(digest, labels, match_labels(analysis.result.labels, labels))
    if cached is None:
        return None
    return replace(cached, matching=_told(cached))


def _told(reference: Reference) -> Matching:
    """Which number is which tissue: as found by overlap, shown, and open to be told otherwise."""
    st.caption(texts.MATCHED)
    matching = reference.matching
    tissues = []
    with st.container(horizontal=True):
        for number, tissue, overlap in zip(matching.numbers, matching.tissues, matching.overlaps, strict=True):
            chosen = st.selectbox(
                texts.LABEL.format(number, overlap),
                list(OPTIONS),
                list(OPTIONS.values()).index(tissue),
                key=f"label {reference.digest} {number}",
                width=200,
            )
            tissues.append(OPTIONS[chosen])
    return replace(matching, tissues=tuple(tissues))


def _agreement(analysis: Analysis, other: Other) -> str:
    """How far the two agree, as a table, kept until one of them is another: surfaces far apart take seconds."""
    joined, spacing = is_joined(analysis.result), analysis.scan.spacing
    key = other.key, joined
    cached: tuple[tuple[str, bool], str] | None = st.session_state.get(_AGREEMENT)
    if cached is None or cached[0] != key:
        agreements = agreement(analysis.result.labels, other.labels, spacing, joined=joined)
        unit = texts.PIXELS if spacing is None else texts.MM
        cached = st.session_state[_AGREEMENT] = key, agreement_table(agreements, other.title, unit)
    return cached[1]


def agreement_table(agreements: dict[Tissue | Label, Agreement], title: str, unit: str) -> str:
    """How far each tissue agrees, as a Markdown table.

    Parameters
    ----------
    agreements : dict of Tissue and Label to Agreement
        Of each with the reference; without white matter, gray matter is both.
    title : str
        Of the reference.
    unit : str
        Of the distances.

    Returns
    -------
    str
    """
    rows = [texts.AGREEMENT_HEAD.format(title, unit), "|---|---|---|---|---|"]
    for tissue, value in agreements.items():
        name = BRAIN_TISSUE if tissue is Tissue.GM and Tissue.WM not in agreements else tissue.title
        difference = "" if value.volume_difference is None else f"{value.volume_difference:+.1f} %"
        if value.volume_difference_ml is not None:
            difference += f" ({value.volume_difference_ml:+.0f} mL)"
        distance = "" if value.hausdorff95 is None else f"{value.hausdorff95:.1f}"
        rows.append(f"| {name} | {value.dice:.3f} | {value.jaccard:.3f} | {difference} | {distance} |")
    return "\n".join(rows)
