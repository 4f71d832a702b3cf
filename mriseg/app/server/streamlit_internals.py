"""All that the page needs of Streamlit beyond what it promises, in one place, so that an upgrade can fail only here.

Streamlit has no public way to ask which session a script runs for, to let go of an upload while it stands in its box,
or to keep a made file until the browser has fetched it. `tests/app/server/test_streamlit_internals.py` holds each
function against the real library; `requirements.txt` allows the versions that it was run with.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

__all__ = [
    "DeletedFile",
    "Runtime",
    "Session",
    "UploadedFile",
    "current_session",
    "empty_session",
    "forget_session",
    "forget_upload",
    "hold_download",
    "is_connected",
    "release_download",
    "server",
    "session_id",
    "sweep_downloads",
    "take_upload",
]


@dataclass(frozen=True)
class Session:
    """The visitor that a script runs for.

    Attributes
    ----------
    id : str
        By which Streamlit tells sessions apart.
    state : Any
        What the session holds, by key; other threads may read and delete in it.
    """

    id: str
    state: Any


def current_session() -> Session | None:
    """The session that this thread runs for; None outside of a run of the page, as in a test.

    Returns
    -------
    Session or None
    """
    context = get_script_run_ctx()
    return None if context is None else Session(context.session_id, context.session_state)


def session_id() -> str:
    """The name of the session that this thread runs for; "" outside of a run of the page.

    Returns
    -------
    str
    """
    session = current_session()
    return "" if session is None else session.id


def server() -> Runtime | None:
    """What serves the page; None where nothing does, as in a test.

    Returns
    -------
    Runtime or None
    """
    return Runtime.instance() if Runtime.exists() else None


def is_connected(runtime: Runtime, session: str) -> bool:
    """Whether the browser of a session has a connection to the server.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    session : str
        Of a visitor.
    """
    return runtime.is_active_session(session)


def empty_session(state: Any) -> bool:
    """Let go of everything that a session holds.

    What a browser sent for a control is made a value only when it is asked for, and what no browser would send raises
    then, also where Streamlit clears a state. So it is dropped unread.

    Parameters
    ----------
    state : Any
        What a session holds.

    Returns
    -------
    bool
        Whether there was anything.
    """
    with state._lock:
        held_anything = len(state._state) > 0
        sent = state._state._new_widget_state
        sent.states.clear()
        sent.widget_metadata.clear()
        state._state.clear()
    return held_anything


def take_upload(file: UploadedFile) -> bytes:
    """The content of an upload, which Streamlit then no longer holds, though its list goes on to show it.

    A script is handed a copy of what the session's state has, and that has a copy of what the server received: all
    three are emptied.

    Parameters
    ----------
    file : UploadedFile
        As a script has it.

    Returns
    -------
    bytes
    """
    content = file.getvalue()
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return content
    for received in context.uploaded_file_mgr.get_files(context.session_id, [file.file_id]):
        context.uploaded_file_mgr.add_file(context.session_id, received._replace(data=b""))
    for copy in (file, *_copies(context.session_state, file.file_id)):
        copy.seek(0)
        copy.truncate(0)
    return content


def _copies(state: Any, file_id: str) -> list[UploadedFile]:
    """What the state of a session has of an upload."""
    values = state.filtered_state.values()
    files = (file for value in values for file in (value if isinstance(value, list) else [value]))
    return [file for file in files if isinstance(file, UploadedFile) and file.file_id == file_id]


def forget_upload(file: UploadedFile) -> None:
    """Let Streamlit forget an upload whose box is about to be replaced.

    Parameters
    ----------
    file : UploadedFile
        As a script has it.
    """
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def forget_session(runtime: Runtime, session: str) -> None:
    """Let Streamlit forget the uploads and the files of a visitor who is gone, sooner than it would.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    session : str
        Of a visitor.
    """
    runtime.uploaded_file_mgr.remove_session_files(session)
    runtime.media_file_mgr.clear_session_refs(session)


def hold_download(runtime: Runtime, holder: str, content: bytes, *, name: str, kind: str) -> None:
    """Have a file that was made stay where the browser will fetch it, as if it were shown to a session of its own.

    `MediaFileManager.add` promises that an identical file is not stored again, and stays for whoever it was added.

    Parameters
    ----------
    runtime : Runtime
    holder : str
        For whom it stays, until `release_download`.
    content : bytes
    name, kind : str
        The file's name and MIME type, the same as those of its button.
    """
    # Streamlit asks the thread for whom a file is added, and of the answer for the session only.
    thread = threading.Thread(
        target=runtime.media_file_mgr.add,
        args=(content, kind, holder),
        kwargs={"file_name": name, "is_for_static_download": True},
    )
    whose: Any = SimpleNamespace(session_id=holder)
    add_script_run_ctx(thread, whose)
    thread.start()
    thread.join()


def release_download(runtime: Runtime, holders: Iterable[str]) -> None:
    """Have files stay no longer for those whom they were held for.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    holders : iterable of str
        For whom they are held.
    """
    for holder in holders:
        runtime.media_file_mgr.clear_session_refs(holder)


def sweep_downloads(runtime: Runtime) -> None:
    """Drop the files that no session is shown.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    """
    for _ in range(2):  # the first time Streamlit only marks downloads
        runtime.media_file_mgr.remove_orphaned_files()
