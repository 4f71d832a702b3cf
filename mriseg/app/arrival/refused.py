"""A scan that could not be segmented: shown as it was read, with the reason and what to do about it."""

from collections.abc import Callable, Sequence

import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Choice, Refused
from mriseg.core.remedies import Remedy

MOST_OTHERS = 3  # other series offered as buttons; the sidebar lists all


def show_refused(
    refused: Refused,
    remedies: Sequence[Remedy],
    try_remedy: Callable[[Remedy], None],
    try_other: Callable[[Choice, int], None],
) -> None:
    """Draw the reason, the remedies as buttons, and the scan.

    Parameters
    ----------
    refused : Refused
    remedies : sequence of Remedy
        That are offered.
    try_remedy : callable
        Called with the remedy that the visitor wants.
    try_other : callable
        Called with the choice, and the number of another scan that was dropped with this one.
    """
    st.error(refused.message)
    others = refused.choice.others[:MOST_OTHERS]
    if remedies or others:
        with st.container(horizontal=True, vertical_alignment="center", key="remedies"):
            st.markdown(texts.REMEDIES_HEAD, width="content")
            for remedy in remedies:
                st.button(texts.REMEDIES[remedy], key=f"remedy {remedy}", on_click=try_remedy, args=(remedy,))
            for number, title in others:
                key = f"other series {number}"
                st.button(texts.OTHER_SERIES.format(title), key=key, on_click=try_other, args=(refused.choice, number))
    if refused.picture:
        st.image(refused.picture, caption=texts.REFUSED_PICTURE)
