"""Tiles and tables: contrast, volumes, agreement with a known truth, warnings."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.analysis import Analysis
from mriseg.compare import dice
from mriseg.result import Result
from mriseg.tissue import Tissue


def show_tiles(result: Result) -> None:
    """The contrast and the size of each tissue, beside the pictures."""
    certainty = min(result.contrast_confidence, 0.99)
    st.metric(
        texts.CONTRAST,
        result.contrast.suffix,
        f"names {certainty:.0%} sure" if result.settings.contrast == "auto" else "as you said",
        delta_color="off",
        delta_arrow="off",
    )
    for tissue in Tissue:
        share = f"{result.fractions[tissue]:.1%}"
        st.markdown(f":material/square: {tissue.title}")
        if result.volumes_ml is None:
            st.metric(tissue.title, share)
        else:
            st.metric(tissue.title, f"{result.volumes_ml[tissue]:.0f} mL", share, delta_color="off", delta_arrow="off")


def show_warnings(result: Result) -> None:
    """What to doubt, and what was done, in the engine's words."""
    for warning in result.warnings:
        st.warning(warning)


def show_truth(analysis: Analysis) -> None:
    """Dice against the truth, for a scan that was simulated from one."""
    if analysis.truth is None:
        return
    overlap = dice(analysis.result.labels, analysis.truth)
    words = ", ".join(f"{tissue.title} {overlap[tissue]:.3f}" for tissue in Tissue)
    st.markdown(f"**{texts.TRUTH}** (Dice): {words}", help=texts.TRUTH_HELP)
