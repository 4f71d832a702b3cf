"""Every figure of a result with what it means, in tables: the volumes, the quality of the image, the model."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.metrics import is_joined, millilitres, shown_sizes
from mriseg.core.decimals import decimal, percent
from mriseg.core.tissue import ABNORMAL
from mriseg.quality.definitions import FIGURES, Figure, Group, Mark, mark, usual_text
from mriseg.segmentation.names import certainty
from mriseg.segmentation.result import Result

SPACINGS = ("spacing_x", "spacing_y", "spacing_z")  # one row together
ARROWS = {Mark.BELOW: "▼", Mark.ABOVE: "▲"}


def show_numbers(result: Result) -> None:
    """Every figure with what it means: the volumes, the quality of the image, and the model.

    Parameters
    ----------
    result : Result
    """
    with st.container(key="numbers"):
        st.markdown(f"##### {Group.VOLUMES}\n\n{volumes_table(result)}", help=texts.SHARES_HELP)
        if result.abnormal is not None and result.filled_volumes_ml is not None:
            filled = (f"{tissue.title} {millilitres(result, ml)}" for tissue, ml in result.filled_volumes_ml.items())
            st.caption(texts.FILLED.format(", ".join(filled)))
        usual = texts.USUAL_T1 if _usual_is_known(result) else texts.USUAL_UNKNOWN
        for group in (Group.IMAGE, Group.MODEL):
            st.markdown(f"##### {group}\n\n{figures_table(result, group)}")
        st.caption(usual)
        with st.expander(texts.IN_PARTS):
            st.markdown(figures_table(result, Group.IMAGE, parts=True))
            st.markdown(figures_table(result, Group.MODEL, parts=True))
        for note in result.notes:
            st.caption(note)


def volumes_table(result: Result) -> str:
    """How much there is of each tissue, and the whole, as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    rows = [texts.VOLUMES_HEAD, "|---|---|---|---|---|"]
    for size in shown_sizes(result):
        volume, interval = "", ""
        if size.volume is not None and size.interval is not None:
            volume = millilitres(result, size.volume)
            low, high = (millilitres(result, end) for end in size.interval)
            interval = f"{low.split()[0]}–{high}"
        meaning = texts.ABNORMAL_MEANING if size.title == ABNORMAL.title else texts.VOLUME_MEANING
        rows.append(f"| {size.title} | {volume} | {interval} | {percent(size.share, 1)} | {meaning} |")
    if result.brain_ml is not None:
        rows.append(f"| {texts.ICV} | {millilitres(result, result.brain_ml)} | | 100.0 % | {texts.ICV_MEANING} |")
    rows += [
        f"| {figure.name} | {_value(figure, result.quality[figure.key])} | | | {figure.meaning} |"
        for figure in _shown(result, Group.VOLUMES, parts=False)
        if not is_joined(result)  # else one says nothing, and the other stands in the first row
    ]
    return "\n".join(rows)


def figures_table(result: Result, group: Group, *, parts: bool = False) -> str:
    """Figures of quality as a Markdown table, those outside of what is usual marked by words, an arrow and a color.

    Parameters
    ----------
    result : Result
    group : Group
    parts : bool
        Whether to list what another figure says as a whole, instead of the wholes.

    Returns
    -------
    str
    """
    known = _usual_is_known(result)
    rows = [texts.FIGURES_HEAD if known else texts.FIGURES_HEAD_ALONE, "|---" * (5 if known else 4) + "|"]
    for figure in _shown(result, group, parts=parts):
        value = result.quality[figure.key]
        usual = figure.usual_of(result.contrast, result.labels.ndim)
        cells = [figure.name, f"{_value(figure, value)}{_marked(figure, mark(value, usual))}"]
        if known:
            cells.append("" if usual is None else usual_text(figure, usual))
        rows.append(f"| {' | '.join([*cells, texts.GOOD[figure.good], figure.meaning])} |")
    sides = [result.quality[key] for key in SPACINGS if key in result.quality]
    if sides and group is Group.IMAGE and not parts:
        cells = [texts.VOXEL_SIZE, f"{' x '.join(decimal(side, 3) for side in sides)} mm", *([""] if known else [])]
        rows.append(f"| {' | '.join([*cells, '', texts.VOXEL_SIZE_MEANING])} |")
    return "\n".join(rows)


def _usual_is_known(result: Result) -> bool:
    return any(figure.usual_of(result.contrast, result.labels.ndim) for figure in FIGURES)


def _shown(result: Result, group: Group, *, parts: bool) -> list[Figure]:
    """The figures of a group that were measured; shares stand with the volumes and the sides of a voxel in one row."""
    return [
        figure
        for figure in FIGURES
        if figure.group is group
        and figure.is_part is parts
        and figure.key in result.quality
        and figure.key not in SPACINGS
    ]


def _value(figure: Figure, value: float) -> str:
    if figure.is_certainty:
        return certainty(value)
    return percent(value, 1) if figure.unit == "%" else f"{decimal(value)} {figure.unit}".strip()


def _marked(figure: Figure, at: Mark) -> str:
    """An arrow and words in a color: red on the side that is worse, else green."""
    if at is Mark.NONE:
        return ""
    is_better = (figure.good, at) in (("high", Mark.ABOVE), ("low", Mark.BELOW))
    return f" :{'green' if is_better else 'red'}[{ARROWS[at]} {at}]"
