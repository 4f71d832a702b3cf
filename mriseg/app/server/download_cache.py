"""Buttons for files that are made when they are asked for, and there until the browser has fetched them.

Streamlit makes such a file, answers with its address, and drops it when two runs of the page have ended since, be they
of anybody: on a busy server that is sooner than the browser of the one who asked comes for it. So it is held here for a
while, as if it were shown to a session of its own.
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from mriseg.app.server import budget
from mriseg.app.server.streamlit_internals import (
    Runtime,
    hold_download,
    release_download,
    server,
    session_id,
    sweep_downloads,
)

HELD_FOR = 20.0  # seconds, and then until the visitors are looked after
# Of all visitors together; then what was made first goes at once, of the one who asks before that of others.
MOST_HELD_BYTES = 100_000_000
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Held:
    """A file that was made.

    Attributes
    ----------
    session : str
        Of the visitor that it was made for.
    since : float
        In the seconds of `time.monotonic`.
    size : int
        Bytes.
    """

    session: str
    since: float
    size: int


class _Downloads:
    """All of them, to be counted."""

    def upload_bytes(self, session: str | None) -> int:
        return 0

    def result_bytes(self) -> int:
        with _lock:
            return sum(file.size for file in _held.values())


_held: dict[str, Held] = {}  # by what Streamlit takes for the session that it is shown to
_lock = threading.Lock()
_downloads = _Downloads()
budget.count_in(_downloads)


def download_button(
    label: str,
    make: Callable[[], bytes],
    *,
    name: str,
    key: str,
    kind: str = BYTES,
    disabled: bool = False,
    help_text: str | None = None,
) -> None:
    """Draw a button for a file.

    Parameters
    ----------
    label : str
    make : callable
        Makes its content.
    name : str
        That the browser gives it.
    key : str
        Of the button.
    kind : str
        The content's MIME type.
    disabled : bool
    help_text : str, optional
        What is told of the button.
    """
    content = partial(_made, session_id(), make, name=name, kind=kind)
    st.download_button(
        label, content, file_name=name, mime=kind, key=key, help=help_text, on_click="ignore", disabled=disabled
    )


def release(runtime: Runtime, now: float, gone: Collection[str]) -> None:
    """Drop the files that were held for long enough, and those of visitors who are gone.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    now : float
        In the seconds of `time.monotonic`.
    gone : collection of str
        Sessions.
    """
    with _lock:
        held = list(_held.items())
    _drop(runtime, [key for key, file in held if file.session in gone or now - file.since >= HELD_FOR])


def _made(session: str, make: Callable[[], bytes], *, name: str, kind: str) -> bytes:
    content = make()
    runtime = server()
    if runtime is not None:
        _hold(runtime, session, content, name=name, kind=kind)
    return content


def _hold(runtime: Runtime, session: str, content: bytes, *, name: str, kind: str) -> None:
    """Hold a file for a visitor, and as little of those before it as there is room for."""
    key = f"{session} {uuid.uuid4().hex}"
    hold_download(runtime, key, content, name=name, kind=kind)
    room = budget.room()
    with _lock:
        before = sorted(_held.items(), key=lambda item: item[1].session != session)
        too_much = len(content) - min(MOST_HELD_BYTES - sum(file.size for _, file in before), room)
        _held[key] = Held(session, time.monotonic(), len(content))
    dropped = []
    for other, file in before:
        if too_much > 0:
            dropped.append(other)
            too_much -= file.size
    _drop(runtime, dropped)


def _drop(runtime: Runtime, keys: Sequence[str]) -> None:
    with _lock:
        for key in keys:
            _held.pop(key, None)
    release_download(runtime, keys)
    if keys:
        sweep_downloads(runtime)
