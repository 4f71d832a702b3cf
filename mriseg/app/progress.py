"""How far a run of the page is: a mark on the page that the browser's script reads."""

import time
from html import escape

import streamlit as st

TOLD_EVERY = 0.25  # seconds


class Progress:
    """What the browser is told of a run.

    Parameters
    ----------
    slot : DeltaGenerator
        An empty place on the page, for the mark.
    drops : int
        How many drops the page has answered, this run included.
    """

    def __init__(self, slot: "st.delta_generator.DeltaGenerator", drops: int) -> None:
        self._slot, self._drops = slot, drops
        self._told: tuple[str, float] = "", 0.0  # the last mark, and when it was made in seconds of `time.monotonic`

    def works(self, words: str, share: float, is_other_scan: bool) -> None:
        """Tell what the run is at.

        Parameters
        ----------
        words : str
        share : float
            Of the work that is done, 0 to 1.
        is_other_scan : bool
            Whether the result will be of another scan than the one that is shown.
        """
        self._mark(phase="work", words=words, share=f"{share:.2f}", other=str(is_other_scan).lower())

    def goes_on(self) -> None:
        """Tell the same again, if that was a while ago: who canceled meanwhile is heard only when the page draws."""
        mark, since = self._told
        if mark and time.monotonic() - since >= TOLD_EVERY:
            self._show(mark)

    def stands(self, result: str) -> None:
        """Tell that all of the page is drawn.

        Parameters
        ----------
        result : str
            What tells the result from others; empty if there is none.
        """
        self._mark(phase="stands", result=result)

    def _mark(self, **attributes: str) -> None:
        stated = "".join(f' data-{name}="{escape(value)}"' for name, value in attributes.items())
        self._show(f'<span class="mriseg-run" data-drops="{self._drops}"{stated}></span>')

    def _show(self, mark: str) -> None:
        self._told = mark, time.monotonic()
        self._slot.html(mark)
