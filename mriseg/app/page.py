"""The page from top to bottom."""

from pathlib import Path

import streamlit as st

from mriseg.app import texts
from mriseg.app.arrival.arrival import show_arrival
from mriseg.app.arrival.refused import show_refused
from mriseg.app.panels.comparison import show_comparison
from mriseg.app.panels.downloads import show_downloads
from mriseg.app.panels.histogram import show_fitted, show_histogram, show_joint
from mriseg.app.panels.method import show_method
from mriseg.app.panels.metrics import show_tiles, show_totals, show_truth
from mriseg.app.panels.numbers import show_numbers
from mriseg.app.panels.verdict_line import show_verdict
from mriseg.app.panels.volume_rendering import show_rendering
from mriseg.app.server.log import log_to_the_server
from mriseg.app.server.memory import pass_over_libraries, return_freed_memory
from mriseg.app.server.queues import switch_often
from mriseg.app.server.sessions import touch_session
from mriseg.app.session import Analysis, Refused, analyze, current
from mriseg.app.sidebar import answered, bring_back, choose, offered, remember, try_other, try_remedy
from mriseg.app.story.story import show_story
from mriseg.app.study.tab import show_study, show_study_alone
from mriseg.app.viewer.viewer import show_viewer
from mriseg.core.tissue import LABELS
from mriseg.core.version import __version__
from mriseg.plotting import slices as render

_HERE = Path(__file__)
STYLE = _HERE.with_suffix(".css").read_text("utf-8") + (_HERE.parent / "panels" / "panels.css").read_text("utf-8")
# What the style takes from the page: a color for each tissue's tile.
VARIABLES = {f"tile-{number}": label.color for number, label in enumerate(LABELS, start=1)}
# The name of the page with its mark, what it is for, and what it is not.
HEADER = (
    f'<header class="mriseg-header"><span class="mriseg-emblem"></span><h1>mriseg</h1>'
    f"<p><span>{texts.PURPOSE}</span> <strong>{texts.NOT_A_DEVICE}</strong></p></header>"
)
LAYOUT = f"<style>:root {{{'; '.join(f'--{name}: {value}' for name, value in VARIABLES.items())}}}\n{STYLE}</style>"


def run() -> None:
    """Draw the page; Streamlit calls this anew after each move of a control."""
    log_to_the_server()
    return_freed_memory()
    switch_often()
    touch_session()
    st.set_page_config(page_title="mriseg", page_icon=render.emblem(), layout="wide")
    st.html(LAYOUT)
    asked = choose()
    st.html(HEADER)
    progress = show_arrival(asked.drops, answered(), notice=asked.notice, cancel=bring_back)
    outcome = analyze(asked.choice, progress)
    with st.container(key="results"):
        if isinstance(outcome, Refused):
            show_refused(outcome, offered(outcome.remedies, outcome.choice), try_remedy, try_other)
        else:
            show_results(outcome)
    show_more(isinstance(outcome, Analysis))
    if isinstance(outcome, Analysis):
        remember()
    progress.stands(outcome.key if isinstance(outcome, Analysis) else "")
    st.caption(f"{texts.PRIVACY} {texts.ABOUT.format(__version__)}")
    pass_over_libraries()


def show_results(analysis: Analysis) -> None:
    """The first screen and what is taken away from it.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    result = analysis.result
    show_verdict(analysis)
    with st.container(key="top"):
        pictures, figures = st.columns([3.6, 1])
    with pictures:
        show_viewer()
        show_histogram()
    with figures, st.container(key="figures"):
        show_tiles(result)
        show_fitted(result)
        show_totals(result)
    show_joint(result)
    show_truth(analysis)
    show_downloads(analysis)


@st.fragment
def show_more(is_scan_shown: bool) -> None:
    """What is looked at one thing at a time; only what is open is worked out, and only this part runs again for it.

    Parameters
    ----------
    is_scan_shown : bool
    """
    if not is_scan_shown:
        show_study_alone()
        return
    analysis = current()
    result = analysis.result
    story, numbers, compare, rendering, method, study = st.tabs(
        [
            texts.TAB_STORY,
            texts.TAB_NUMBERS,
            texts.TAB_COMPARE,
            texts.TAB_RENDERING,
            texts.TAB_METHOD,
            texts.TAB_STUDY,
        ],
        key="more",
        on_change="rerun",
    )
    if story.open:
        with story:
            show_story(analysis)
    elif numbers.open:
        with numbers:
            show_numbers(result)
    elif compare.open:
        with compare:
            show_comparison(analysis)
    elif rendering.open:
        with rendering:
            show_rendering(analysis)
    elif method.open:
        with method:
            show_method(analysis)
    elif study.open:
        with study:
            show_study()
