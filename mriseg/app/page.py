"""The page from top to bottom."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.analysis import analyse
from mriseg.app.choose import choose
from mriseg.app.downloads import show_downloads
from mriseg.app.figures import show_tiles, show_truth, show_warnings
from mriseg.app.mixture import show_mixture
from mriseg.app.slices import show_slices


def run() -> None:
    """Draw the page; Streamlit calls this anew after each move of a control."""
    st.set_page_config(page_title="mriseg", page_icon=":material/neurology:", layout="wide")
    choice = choose()
    st.markdown(f"### mriseg\n{texts.PURPOSE} {texts.NOT_A_DEVICE}")
    analysis = analyse(choice)
    if analysis is not None:
        result = analysis.result
        show_warnings(result)
        pictures, tiles = st.columns([5, 1])
        with pictures:
            show_slices()
        with tiles:
            show_tiles(result)
        show_mixture(result)
        show_truth(analysis)
        for note in result.notes:
            st.caption(note)
        show_downloads(analysis)
    st.caption(f"{texts.PRIVACY} {texts.NOT_A_DEVICE}")
