"""The page from top to bottom."""

import streamlit as st

from mriseg import render
from mriseg.app import texts
from mriseg.app.analysis import analyse
from mriseg.app.choose import choose
from mriseg.app.downloads import show_downloads
from mriseg.app.figures import show_tiles, show_totals, show_truth, show_warnings
from mriseg.app.memory import return_freed_memory
from mriseg.app.mixture import show_fitted, show_histogram, show_joint, show_method, show_selection
from mriseg.app.slices import show_slices

# Streamlit leaves 96 pixels above its first line; without them pictures and histogram fit on a laptop.
LESS_SPACE = "<style>[data-testid='stMainBlockContainer'] {padding-top: 1.6rem; padding-bottom: 2rem}</style>"


def run() -> None:
    """Draw the page; Streamlit calls this anew after each move of a control."""
    return_freed_memory()
    st.set_page_config(page_title="mriseg", page_icon=render.emblem(), layout="wide")
    st.html(LESS_SPACE)
    choice = choose()
    st.markdown(f"**mriseg** {texts.PURPOSE} {texts.NOT_A_DEVICE}")
    analysis = analyse(choice)
    if analysis is not None:
        result = analysis.result
        show_warnings(result)
        pictures, figures = st.columns([3.3, 1])
        with pictures:
            show_slices()
            show_histogram(result)
            show_joint(result)
        with figures:
            show_tiles(result)
            show_fitted(result)
        show_totals(result)
        show_truth(analysis)
        for note in result.notes:
            st.caption(note)
        show_downloads(analysis)
        show_selection(result)
        show_method(result)
    st.caption(f"{texts.PRIVACY} {texts.FOR_WHAT}")
