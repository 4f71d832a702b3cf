"""What each step of the model buys: every method against the known truth, as a table with bars."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Analysis, opening
from mriseg.core.tissue import Tissue
from mriseg.evaluation.ladder import Rung, ladder

STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")
_RUNGS = "ladder"


def show_ladder(analysis: Analysis) -> None:
    """Draw the table, worked out when it is opened.

    Parameters
    ----------
    analysis : Analysis
        What is shown. Where its truth is unknown, the sample that the page opens on stands for it.
    """
    with st.expander(texts.LADDER, on_change="rerun", key="ladder open") as expander:
        if expander.open:
            scored = analysis if analysis.truth is not None else opening()
            st.caption(texts.LADDER_WORDS if scored is analysis else texts.LADDER_OF_SAMPLE)
            st.html(f"<div><style>{STYLE}</style>{ladder_table(_rungs(scored))}</div>")


def _rungs(analysis: Analysis) -> tuple[Rung, ...]:
    """How well every method does on a scan with a truth, kept until another scan or setting is asked about."""
    cached: tuple[str, tuple[Rung, ...]] | None = st.session_state.get(_RUNGS)
    if cached is None or cached[0] != analysis.key:
        with st.spinner(texts.LADDER_WORKING):
            rungs = tuple(ladder(analysis.scan, analysis.result, analysis.truth, analysis.channels))
        cached = st.session_state[_RUNGS] = analysis.key, rungs
    return cached[1]


def ladder_table(rungs: Sequence[Rung]) -> str:
    """Overlap of each method with the truth, for each tissue and on average, as HTML.

    Parameters
    ----------
    rungs : sequence of Rung
        Of a scan whose truth is known.

    Returns
    -------
    str
    """
    heads = "".join(f'<th scope="col">{escape(title)}</th>' for title in (*(t.title for t in Tissue), texts.MEAN_DICE))
    rows = []
    for rung in rungs:
        assert rung.truth_dice is not None
        cells = "".join(_cell(rung.truth_dice[tissue], tissue.color) for tissue in Tissue)
        method = f"{escape(rung.method.title)}<small>{escape(rung.method.explanation)}</small>"
        rows.append(f'<tr><th scope="row">{method}</th>{cells}{_cell(rung.truth_mean or 0.0, "#808080")}</tr>')
    head = f'<thead><tr><th scope="col">{escape(texts.SIMPLER_METHOD)}</th>{heads}</tr></thead>'
    return f'<table class="mriseg-ladder">{head}<tbody>{"".join(rows)}</tbody></table>'


def _cell(dice: float, color: str) -> str:
    """An overlap as a number with a bar."""
    return f'<td>{dice:.3f}<span><i style="width: {dice:.1%}; background: {color}"></i></span></td>'
