"""All methods in one table: how far each agrees with the ground truth, where it is known, and with the result."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.metrics import is_joined
from mriseg.app.session import Analysis
from mriseg.core.tissue import BRAIN_TISSUE, Tissue
from mriseg.evaluation.ladder import Rung, ladder

_LADDER = "ladder"


def show_ladder(analysis: Analysis) -> None:
    """Draw a button, and once it was pressed the table, a method at a time.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    key = analysis.key, is_joined(analysis.result)
    cached: tuple[tuple[str, bool], tuple[Rung, ...]] | None = st.session_state.get(_LADDER)
    known = cached[1] if cached is not None and cached[0] == key else ()
    place = st.empty()
    if not known:
        st.session_state.pop(_LADDER, None)
        if not place.button(texts.ALL_METHODS, help=texts.ALL_METHODS_HELP):
            return
        rungs = []
        for rung in ladder(analysis.scan, analysis.result, analysis.truth, analysis.channels, joined=key[1]):
            rungs.append(rung)
            place.markdown(ladder_table(rungs))
        known = tuple(rungs)
        st.session_state[_LADDER] = key, known
    place.markdown(ladder_table(known))
    st.caption(texts.LADDER_NOTE)


def ladder_table(rungs: list[Rung] | tuple[Rung, ...]) -> str:
    """How far each method agrees, as a Markdown table.

    Parameters
    ----------
    rungs : sequence of Rung

    Returns
    -------
    str
        With the overlap of each tissue with the truth, or with the result where no truth is known.
    """
    has_truth = all(rung.truth_dice is not None for rung in rungs)
    tissues = rungs[0].result_dice
    names = [BRAIN_TISSUE if tissue is Tissue.GM and Tissue.WM not in tissues else tissue.title for tissue in tissues]
    head = texts.LADDER_HEAD.format(" | ".join([*names, texts.LADDER_TRUTH] if has_truth else names))
    rows = [head, "|---" * (head.count("|") - 1) + "|"]
    for rung in rungs:
        overlaps = rung.result_dice if rung.truth_dice is None else rung.truth_dice
        means = [mean for mean in (rung.truth_mean, rung.result_mean) if mean is not None]
        numbers = [f"{value:.3f}" for value in (*overlaps.values(), *means)]
        rows.append(f"| {rung.method.title} | {' | '.join(numbers)} | {rung.seconds:.2f} |")
    return "\n".join(rows)
