"""Tiles and tables: contrast, volumes, agreement with a known truth, warnings."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.analysis import Analysis
from mriseg.compare import dice
from mriseg.result import Result
from mriseg.tissue import Tissue

# Streamlit's names for colours; .streamlit/config.toml gives them the values of `mriseg.tissue`.
COLOUR_NAMES = {Tissue.GM: "orange", Tissue.WM: "yellow", Tissue.CSF: "blue"}
MOST_CERTAIN = 0.99  # a model's own certainty is no proof: nothing is called 100 % sure


def show_tiles(result: Result) -> None:
    """The contrast and the size of each tissue, beside the pictures."""
    if result.settings.contrast == "auto":
        origin = texts.NAMES_SURE.format(min(result.contrast_confidence, MOST_CERTAIN))
    else:
        origin = texts.AS_YOU_SAID
    st.markdown(f"{texts.CONTRAST} **{result.contrast.suffix}**, {origin}")
    for tissue in Tissue:
        share = f"{result.fractions[tissue]:.1%}"
        volumes, intervals = result.volumes_ml, result.volume_intervals_ml
        st.metric(
            f":{COLOUR_NAMES[tissue]}[■] {tissue.title}",
            share if volumes is None else f"{volumes[tissue]:.0f} mL",
            texts.OF_CAVITY if volumes is None else f"{share} {texts.OF_CAVITY}",
            help=None if intervals is None else texts.INTERVAL_HELP.format(*intervals[tissue]),
            delta_color="off",
            delta_arrow="off",
            border=True,
        )


def show_totals(result: Result) -> None:
    """Cranial cavity, parenchymal fraction and the figures of quality, in a line."""
    words = [f"{texts.PARENCHYMA} **{result.quality['brain_parenchymal_fraction']:.1%}**"]
    if result.brain_ml is not None:
        words.insert(0, f"{texts.CAVITY} **{result.brain_ml:.0f} mL**")
    sure = texts.MASK_SURE.format(min(result.brain.confidence, MOST_CERTAIN))
    words += [
        texts.MASK_SAID if result.brain.given else sure,
        *([f"{texts.CNR} **{result.quality['cnr']:.2f}**"] if "cnr" in result.quality else []),
        f"{texts.BIAS_RANGE} **{result.quality['bias_range']:.0%}**",
        f"{texts.MIXED_SHARE} **{result.quality['mixed_share']:.0%}**",
        f"{texts.TIME} **{sum(result.seconds.values()):.1f} s**",
    ]
    stages = "\n".join(f"- {stage}: {seconds:.2f} s" for stage, seconds in result.seconds.items())
    st.markdown(" · ".join(words), help=f"{texts.TOTALS_HELP}\n\n{stages}")


def show_warnings(result: Result) -> None:
    """What to doubt, in the engine's words."""
    for warning in result.warnings:
        st.warning(warning)


def show_truth(analysis: Analysis) -> None:
    """Dice against the truth, for a scan that was simulated from one."""
    if analysis.truth is None:
        return
    overlap = dice(analysis.result.labels, analysis.truth)
    words = " · ".join(f"{tissue.title} **{overlap[tissue]:.3f}**" for tissue in Tissue)
    st.markdown(f"{texts.TRUTH}: {words}", help=texts.TRUTH_HELP)
