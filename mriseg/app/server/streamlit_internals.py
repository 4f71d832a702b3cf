"""All that the page needs of Streamlit beyond what it promises, in one place, so that an upgrade can fail only here.

Streamlit has no public way to ask which session a script runs for, to let go of an upload while it stands in its box,
or to keep a made file until the browser has fetched it. `tests/app/server/test_streamlit_internals.py` holds each
function against the real library; `requirements.txt` allows the versions that it was run with.
"""

import asyncio
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile, UploadedFileRec, UploadFileUrlInfo

__all__ = [
    "DeletedFile",
    "Runtime",
    "Session",
    "UploadWatcher",
    "UploadedFile",
    "current_session",
    "draw_again",
    "empty_session",
    "forget_file",
    "forget_session",
    "forget_upload",
    "hold_download",
    "is_connected",
    "release_download",
    "server",
    "session_id",
    "sweep_downloads",
    "watch_uploads",
]

MOST_ASKED = 20_000  # addresses for uploads at a time; of a browser that asks for more the rest go without
MOST_WAITED = 60  # seconds for a page to come to rest before it is drawn again


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


class UploadWatcher(Protocol):
    """What is told of uploads before Streamlit is."""

    def expect(self, session: str, ids: Sequence[str]) -> None:
        """A browser is about to send files, which will be called so."""

    def keep(self, session: str, file_id: str, content: bytes) -> None:
        """One came. What this raises the browser is told as an error of HTTP, and the file is not kept."""

    def forget(self, session: str, file_id: str | None = None) -> None:
        """One was taken away, or all of a session."""


def watch_uploads(runtime: Runtime, watcher: UploadWatcher) -> None:
    """Have what browsers send held by a watcher; Streamlit itself keeps of each file an empty one with its name.

    Streamlit makes three copies of an upload, of which a script may empty none.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    watcher : UploadWatcher
    """
    manager = runtime.uploaded_file_mgr
    if not isinstance(manager, MemoryUploadedFileManager) or "add_file" in vars(manager):
        return
    ask, add, remove, remove_all = (
        manager.get_upload_urls,
        manager.add_file,
        manager.remove_file,
        manager.remove_session_files,
    )

    def get_upload_urls(session_id: str, file_names: Sequence[str]) -> list[UploadFileUrlInfo]:
        asked = ask(session_id, file_names[:MOST_ASKED])
        watcher.expect(session_id, [one.file_id for one in asked])
        return asked

    def add_file(session_id: str, file: UploadedFileRec) -> None:
        watcher.keep(session_id, file.file_id, file.data)
        add(session_id, file._replace(data=b""))

    def remove_file(session_id: str, file_id: str) -> None:
        watcher.forget(session_id, file_id)
        remove(session_id, file_id)

    def remove_session_files(session_id: str) -> None:
        watcher.forget(session_id)
        remove_all(session_id)

    vars(manager).update(
        get_upload_urls=get_upload_urls,
        add_file=add_file,
        remove_file=remove_file,
        remove_session_files=remove_session_files,
    )


async def draw_again(runtime: Runtime, session: str) -> None:
    """Have the page of a visitor run once more as its controls are, as soon as it is not running.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's; this runs in its loop.
    session : str
        Of the visitor.
    """
    for _ in range(MOST_WAITED):
        connected = runtime._session_mgr.get_active_session_info(session)
        if connected is None:
            return
        app_session = connected.session
        if app_session._scriptrunner is None:
            whole = ClientState()
            whole.CopyFrom(app_session._client_state)
            whole.fragment_id, whole.is_auto_rerun = "", False
            app_session.request_rerun(whole)
            return
        await asyncio.sleep(1.0)


def forget_file(runtime: Runtime, session: str, file_id: str) -> None:
    """Let Streamlit forget an upload that the page never saw.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    session : str
        Of a visitor.
    file_id : str
    """
    if isinstance(runtime.uploaded_file_mgr, MemoryUploadedFileManager):
        runtime.uploaded_file_mgr.remove_file(session, file_id)


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
