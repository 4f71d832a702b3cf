"""Tiles and tables: contrast, volumes, quality, the verdict, agreement with a known truth."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Analysis
from mriseg.core.decimals import decimal
from mriseg.core.findings import Finding, Level
from mriseg.core.tissue import Tissue
from mriseg.evaluation.agreement import dice
from mriseg.quality.definitions import FIGURES
from mriseg.segmentation.names import certainty
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict


def show_tiles(result: Result) -> None:
    """The contrast and the size of each tissue, beside the pictures.

    Parameters
    ----------
    result : Result
    """
    if result.settings.contrast == "auto":
        origin = texts.NAMES_SURE.format(certainty(result.contrast_confidence))
    else:
        origin = texts.AS_YOU_SAID
    st.markdown(f"{texts.CONTRAST} **{result.contrast.suffix}**, {origin}")
    with st.container(key="tiles"):
        for tissue in Tissue:
            share = f"{result.fractions[tissue]:.1%}"
            value, below, more = share, texts.OF_CAVITY, None
            if result.volumes_ml is not None and result.volume_intervals_ml is not None:
                low, high = result.volume_intervals_ml[tissue]
                value = millilitres(result, result.volumes_ml[tissue])
                below = f"{low:.0f} – {high:.0f} mL · {share}" if is_volume(result) else f"{share} {texts.OF_CAVITY}"
                more = texts.INTERVAL_HELP.format(millilitres(result, low), millilitres(result, high), share)
            st.metric(tissue.title, value, below, help=more, delta_color="off", delta_arrow="off", border=True)


def is_volume(result: Result) -> bool:
    """Whether the result is of a volume; the volumes of a picture are for each mm of thickness.

    Parameters
    ----------
    result : Result
    """
    return result.labels.ndim > 2


def millilitres(result: Result, volume: float) -> str:
    """A volume as it is shown.

    Parameters
    ----------
    result : Result
    volume : float

    Returns
    -------
    str
    """
    return f"{volume:.0f} mL" if is_volume(result) else f"{volume:.1f} {texts.ML_PER_MM}"


def show_totals(result: Result) -> None:
    """Cranial cavity, parenchymal fraction and their like, in short lines.

    Parameters
    ----------
    result : Result
    """
    quality = result.quality
    parts = [f"{texts.PARENCHYMA} **{quality['brain_parenchymal_fraction']:.1%}**"]
    if result.brain_ml is not None:
        parts.insert(0, f"{texts.CAVITY} **{millilitres(result, result.brain_ml)}**")
    if "gm_wm_ratio" in quality:
        parts.append(f"{texts.RATIO} **{quality['gm_wm_ratio']:.2f}**")
    sure = texts.MASK_SURE.format(certainty(result.brain.confidence))
    parts += [
        texts.MASK_SAID if result.brain.given else sure,
        f"{texts.TIME} **{sum(result.seconds.values()):.1f} s**",
    ]
    stages = "\n".join(f"- {stage}: {seconds:.2f} s" for stage, seconds in result.seconds.items())
    st.markdown(" · ".join(parts), help=f"{texts.TOTALS_HELP}\n\n{stages}")


def show_verdict(result: Result) -> None:
    """How far the result can be used; where it cannot, what to do about it.

    Parameters
    ----------
    result : Result
    """
    judged = verdict(result)
    if judged.level > Level.GOOD:
        st.warning("\n".join([f"**{judged.headline}**", "", *map(_line, judged.doubts)]))
    else:
        st.success(judged.headline)


def show_numbers(result: Result) -> None:
    """Every figure with what it means, and all that can be said of its trust.

    Parameters
    ----------
    result : Result
    """
    st.markdown(f"**{texts.FINDINGS}**")
    st.markdown("\n".join(map(_line, result.findings)))
    st.markdown(numbers_table(result))
    for note in result.notes:
        st.caption(note)


def _line(finding: Finding) -> str:
    return f"- **{finding.code.topic}.** {finding.text}"


def numbers_table(result: Result) -> str:
    """Volumes and figures of quality as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    rows = [texts.NUMBERS_HEAD, "|---|---|---|---|---|"]
    for tissue in Tissue:
        size, interval = f"{result.fractions[tissue]:.1%} {texts.OF_CAVITY}", ""
        if result.volumes_ml is not None and result.volume_intervals_ml is not None:
            size = f"{millilitres(result, result.volumes_ml[tissue])}, {size}"
            low, high = result.volume_intervals_ml[tissue]
            interval = f"{millilitres(result, low)} – {millilitres(result, high)}"
        rows.append(f"| {tissue.title} | {size} | {interval} | | {texts.VOLUME_MEANING} |")
    for figure in FIGURES:
        if figure.key not in result.quality:
            continue
        value = result.quality[figure.key]
        shown = f"{value:.1%}" if figure.unit == "%" else f"{decimal(value)} {figure.unit}".strip()
        if figure.is_certainty:
            shown = certainty(value)
        usual_range = ""
        if figure.usual is not None:
            low, high = figure.usual
            usual_range = f"{low:.0%} – {high:.0%}" if figure.unit == "%" else f"{low:g} – {high:g}"
        rows.append(f"| {figure.title} | {shown} | {usual_range} | {texts.GOOD[figure.good]} | {figure.meaning} |")
    return "\n".join(rows)


def show_truth(analysis: Analysis) -> None:
    """Dice against the truth, for a scan that was simulated from one.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    if analysis.truth is None:
        return
    overlap = dice(analysis.result.labels, analysis.truth)
    overlaps = " · ".join(f"{tissue.title} **{overlap[tissue]:.3f}**" for tissue in Tissue)
    st.markdown(f"{texts.TRUTH}: {overlaps}", help=texts.TRUTH_HELP)
