"""The tiles beside the pictures: contrast, volumes, agreement with a known truth."""

from dataclasses import dataclass

import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Analysis
from mriseg.core.decimals import percent
from mriseg.core.tissue import ABNORMAL, BRAIN_TISSUE, Tissue
from mriseg.evaluation.agreement import dice
from mriseg.segmentation.abnormal_tissue import AbnormalTissue
from mriseg.segmentation.names import certainty
from mriseg.segmentation.result import Result

APART = "gray and white matter apart"  # the toggle, where they cannot be told apart


def show_tiles(result: Result) -> None:
    """The contrast and the size of each tissue and of what is abnormal, beside the pictures.

    Parameters
    ----------
    result : Result
    """
    origin = texts.CONFIDENCE if result.settings.contrast == "auto" else texts.AS_CHOSEN
    st.markdown(
        f"{texts.CONTRAST}: **{result.contrast.title}** ({origin.format(certainty(result.contrast_confidence))})"
    )
    with st.container(key="tiles-of-two" if is_joined(result) else "tiles"):
        for size in shown_sizes(result):
            share = percent(size.share, 1)
            value, below, more = share, texts.OF_VOLUME if is_volume(result) else texts.OF_AREA, None
            if size.volume is not None and size.interval is not None:
                low, high = size.interval
                value = millilitres(result, size.volume)
                below = f"{share} {texts.OF_AREA}"
                if is_volume(result):
                    below = f"{texts.RANGE.format(low, high)} · {share} {texts.OF_ICV}"
                more = texts.INTERVAL_HELP.format(millilitres(result, low), millilitres(result, high), share)
            if size.title == ABNORMAL.title and result.abnormal is not None:
                more = texts.ABNORMAL_HELP.format(_where(result, result.abnormal, share))
            st.metric(size.title, value, below, help=more, delta_color="off", delta_arrow="off", border=True)
    if not result.gray_white_apart:
        st.toggle(texts.APART, key=APART, help=texts.APART_HELP)


def _where(result: Result, abnormal: AbnormalTissue, share: str) -> str:
    """The share of abnormal tissue, its parts and its side."""
    said = [f"{share} {texts.OF_VOLUME if is_volume(result) else texts.OF_AREA}"]
    if abnormal.parts > 1:
        largest = "" if abnormal.largest_ml is None else f", {texts.LARGEST} {millilitres(result, abnormal.largest_ml)}"
        said.append(f"{abnormal.parts} {texts.PARTS}{largest}")
    return ", ".join([*said, *filter(None, [texts.SIDES[abnormal.side.value]])])


@dataclass(frozen=True)
class Size:
    """How much there is of a tissue, of two that cannot be told apart, or of what is none.

    Attributes
    ----------
    title : str
    share : float
        Of the intracranial volume, 0 to 1.
    volume : float or None
        In mL, of a picture for each mm of thickness.
    interval : tuple of float, or None
        Between which volumes the truth lies.
    """

    title: str
    share: float
    volume: float | None
    interval: tuple[float, float] | None


def is_joined(result: Result) -> bool:
    """Whether gray and white matter are shown as one: they cannot be told apart, and nobody asked for both.

    Parameters
    ----------
    result : Result
    """
    return not result.gray_white_apart and not st.session_state.get(APART, False)


def shown_sizes(result: Result) -> list[Size]:
    """What the tiles and the table say of each tissue, and last of what is abnormal, where anything is.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of Size
    """
    volumes, intervals = result.volumes_ml or {}, result.volume_intervals_ml or {}
    sizes = [Size(t.title, result.fractions[t], volumes.get(t), intervals.get(t)) for t in Tissue]
    abnormal = result.abnormal
    none = [] if abnormal is None else [Size(ABNORMAL.title, abnormal.share, abnormal.volume_ml, abnormal.interval_ml)]
    if not is_joined(result):
        return [*sizes, *none]
    gray, white, fluid = sizes
    volume, interval = None, None
    if gray.volume is not None and white.volume is not None and fluid.volume is not None and fluid.interval is not None:
        # If the mask is right, what is neither fluid nor abnormal is tissue.
        volume, (least, most) = gray.volume + white.volume, fluid.interval
        interval = (max(0.0, volume + fluid.volume - most), volume + fluid.volume - least)
    return [Size(BRAIN_TISSUE, gray.share + white.share, volume, interval), fluid, *none]


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
    """Intracranial volume, parenchymal fraction and their like, in short lines.

    Parameters
    ----------
    result : Result
    """
    quality = result.quality
    parts = [f"{texts.PARENCHYMA} **{percent(quality['brain_parenchymal_fraction'], 1)}**"]
    if result.brain_ml is not None:
        parts.insert(0, f"{texts.ICV} **{millilitres(result, result.brain_ml)}**")
    if "gm_wm_ratio" in quality and not is_joined(result):
        parts.append(f"{texts.RATIO} **{quality['gm_wm_ratio']:.2f}**")
    outline = texts.OUTLINE_GIVEN if result.brain.given else texts.OUTLINE_CONFIDENCE
    parts += [
        outline.format(certainty(result.brain.confidence)),
        f"{texts.TIME} **{sum(result.seconds.values()):.1f} s**",
    ]
    stages = "\n".join(f"- {stage}: {seconds:.2f} s" for stage, seconds in result.seconds.items())
    st.markdown(" · ".join(parts), help=f"{texts.TOTALS_HELP}\n\n{stages}")


def show_truth(analysis: Analysis) -> None:
    """Dice against the truth, for a scan that was simulated from one.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    if analysis.truth is None:
        return
    joined = is_joined(analysis.result)
    overlap = dice(analysis.result.labels, analysis.truth, joined=joined)
    overlaps = " · ".join(
        f"{BRAIN_TISSUE if joined and tissue is Tissue.GM else tissue.title} **{value:.3f}**"
        for tissue, value in overlap.items()
    )
    st.markdown(f"{texts.TRUTH}: {overlaps}", help=texts.TRUTH_HELP)
