"""How far one scan is, on one line of a terminal."""

import os
import sys

from mriseg.core.printable import printable
from mriseg.segmentation.pipeline import STAGES


class StageLine:
    """The stage that a scan is in, on one line of the terminal.

    Parameters
    ----------
    start : str
        What the line begins with.
    is_shown : bool
        Whether there is a terminal that wants it.
    """

    def __init__(self, start: str, is_shown: bool) -> None:
        self._start, self._is_shown = start, is_shown

    def __enter__(self) -> "StageLine":
        self._show("working")
        return self

    def __call__(self, stage: str) -> None:
        self._show({"read": "Reading", "write": "Writing", **STAGES}[stage])

    def __exit__(self, *exception: object) -> None:
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _show(self, text: str) -> None:
        if self._is_shown:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or 80
            line = printable(self._start + text)[: width - 1]
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
