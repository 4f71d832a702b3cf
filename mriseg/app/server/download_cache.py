"""Buttons for files that are made when they are asked for, and there until the browser has fetched them.

Streamlit makes such a file, answers with its address, and drops it when two runs of the page have ended since, be they
of anybody: on a busy server that is sooner than the browser of the one who asked comes for it. So it is held here for a
while, as if it were shown to a session of its own, by what `MediaFileManager.add` promises: an identical file is not
stored again, and stays for whoever it was added.
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

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


_held: dict[str, Held] = {}  # by what Streamlit takes for the session that it is shown to
_lock = threading.Lock()


def download_button(
    label: str,
    make: Callable[[], bytes],
    name: str,
    key: str,
    kind: str = BYTES,
    disabled: bool = False,
    words: str | None = None,
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
    words : str, optional
        What is told of the button.
    """
    context = get_script_run_ctx()
    session = "" if context is None else context.session_id
    content = partial(_made, session, make, name, kind)
    st.download_button(label, content, name, kind, key, words, "ignore", disabled=disabled)


def let_go(runtime: Runtime, now: float, gone: Collection[str]) -> None:
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


def drop_unused(runtime: Runtime) -> None:
    """Drop the files that no session is shown."""
    for _ in range(2):  # the first time Streamlit only marks downloads
        runtime.media_file_mgr.remove_orphaned_files()


def _made(session: str, make: Callable[[], bytes], name: str, kind: str) -> bytes:
    content = make()
    _hold(Runtime.instance(), session, content, name, kind)
    return content


def _hold(runtime: Runtime, session: str, content: bytes, name: str, kind: str) -> None:
    key = f"{session} {uuid.uuid4().hex}"
    # Streamlit asks the thread for whom a file is added, and of the answer for the session only.
    thread = threading.Thread(
        target=runtime.media_file_mgr.add,
        args=(content, kind, key),
        kwargs={"file_name": name, "is_for_static_download": True},
    )
    whose: Any = SimpleNamespace(session_id=key)
    add_script_run_ctx(thread, whose)
    thread.start()
    thread.join()
    with _lock:
        before = sorted(_held.items(), key=lambda item: item[1].session != session)
        too_much = len(content) + sum(file.size for _, file in before) - MOST_HELD_BYTES
        _held[key] = Held(session, time.monotonic(), len(content))
    without = []
    for other, file in before:
        if too_much > 0:
            without.append(other)
            too_much -= file.size
    _drop(runtime, without)


def _drop(runtime: Runtime, keys: Sequence[str]) -> None:
    for key in keys:
        with _lock:
            _held.pop(key, None)
        runtime.media_file_mgr.clear_session_refs(key)
    if keys:
        drop_unused(runtime)
