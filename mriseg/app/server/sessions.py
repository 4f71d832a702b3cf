"""Who is on the page, and what the server holds for each: let go of when they leave, or when others need the room.

Streamlit keeps the state of a visitor whose connection ended for a while, in case it was the network, and then until
someone else's ends (`server.disconnectedSessionTTL`, and a cache that is swept on writing only). A scan must not lie
in memory for so long, so it is taken away here.
"""

import gc
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mriseg.app.server import download_cache
from mriseg.app.server.arrivals import arrivals
from mriseg.app.server.budget import held
from mriseg.app.server.memory import KEPT_BYTES, trim
from mriseg.app.server.streamlit_internals import (
    Runtime,
    current_session,
    empty_session,
    forget_file,
    forget_session,
    is_connected,
    server,
    session_id,
    sweep_downloads,
    watch_uploads,
)
from mriseg.core.faults import log_fault

logger = logging.getLogger(__name__)

# Longer than `server.disconnectedSessionTTL`, so that nobody can come back to a state that is being emptied.
GONE_AFTER, LOOKED_EVERY = 30.0, 2.0  # seconds
FORGOTTEN_AFTER = 600.0  # seconds; a scan of the largest size is segmented in less
SEGMENTATION = "analysis"  # what a session keeps it under; it has `kept_bytes` and `put_aside`
WATCH = "visitors"  # name of the thread that looks after them


@dataclass(eq=False)
class Visitor:
    """One who has the page open.

    Attributes
    ----------
    state : Any
        Of the session, as Streamlit keeps it.
    last_seen : float
        When the page last ran for it, in the seconds of `time.monotonic`.
    left : float or None
        When its connection was first found to have ended; None while it stands.
    """

    state: Any = field(repr=False)
    last_seen: float
    left: float | None = None


_visitors: dict[str, Visitor] = {}
_lock = threading.Lock()


def touch_session() -> None:
    """Note that the page runs for a visitor; called at the beginning of each run."""
    session, runtime = current_session(), server()
    if session is None or runtime is None:  # a test, or a script of its own
        return
    with _lock:
        _visitors[session.id] = Visitor(session.state, time.monotonic())
    look_after(runtime)


def look_after(runtime: Runtime) -> None:
    """Have uploads come to us, and start the thread that looks after visitors; where that is so already, do nothing.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    """
    watch_uploads(runtime, arrivals)
    with _lock:
        if not any(thread.name == WATCH for thread in threading.enumerate()):
            threading.Thread(target=_look_after, args=(runtime,), name=WATCH, daemon=True).start()


def evict_to_fit(size: int) -> None:
    """Let go of segmentations of others, the least recently used first, until so many bytes more may be kept.

    First of intensities, which a visitor who comes back waits a moment for, then of segmentations, which are made
    again from the upload.

    Parameters
    ----------
    size : int
        Bytes beside what lies there whoever goes, as `mriseg.app.server.budget.held` counts it.
    """
    own = session_id()
    _evict([visitor for session, visitor in _by_use() if session != own], size)


def make_room(session: str) -> None:
    """Let go of segmentations because an upload arrives: of others first, then of the one who sends it.

    Parameters
    ----------
    session : str
        Of the visitor who sends it.
    """
    _evict([visitor for _, visitor in sorted(_by_use(), key=lambda item: item[0] == session)], 0)


def _evict(visitors: Sequence[Visitor], size: int) -> None:
    segmentations = (_held(visitor, SEGMENTATION) for visitor in visitors)
    too_much = sum(one.kept_bytes for one in segmentations if one is not None) + size + held() - KEPT_BYTES
    if too_much <= 0:
        return
    for lets_go in (_put_aside, _give_up):
        for visitor in visitors:
            if too_much > 0:
                with _outlived(), suppress(KeyError):  # it holds nothing, or its own page is quicker
                    too_much -= lets_go(visitor)
    trim()


def _put_aside(visitor: Visitor) -> int:
    """Let go of the intensities, and say how many bytes that frees."""
    cached = visitor.state[SEGMENTATION]
    smaller = cached if cached.is_aside else cached.put_aside()
    del visitor.state[SEGMENTATION]  # what is only replaced Streamlit keeps until the visitor's next run
    visitor.state[SEGMENTATION] = smaller
    return int(cached.kept_bytes - smaller.kept_bytes)


def _give_up(visitor: Visitor) -> int:
    """Let go of all of it, and say how many bytes that frees."""
    freed = int(visitor.state[SEGMENTATION].kept_bytes)
    del visitor.state[SEGMENTATION]
    return freed


def held_in(session: str, key: str) -> Any:
    """What a session holds under a key; None if nothing.

    Parameters
    ----------
    session : str
        Of a visitor.
    key : str
        Under which it is stored.

    Returns
    -------
    Any
    """
    with _lock:
        visitor = _visitors.get(session)
    return None if visitor is None else _held(visitor, key)


def _by_use() -> list[tuple[str, Visitor]]:
    """All visitors, who was seen least recently first."""
    with _lock:
        return sorted(_visitors.items(), key=lambda item: item[1].last_seen)


def _held(visitor: Visitor, key: str) -> Any:
    try:
        return visitor.state[key]
    except KeyError:
        return None


def _look_after(runtime: Runtime) -> None:
    """Take away what those left who are gone, as long as the server runs, whatever happens in it."""
    while True:
        time.sleep(LOOKED_EVERY)
        with _outlived():
            sweep_gone_sessions(runtime, time.monotonic())


@contextmanager
def _outlived() -> Iterator[None]:
    """Within, what fails is logged and gone over: what one visitor sent keeps nobody else's scan in memory."""
    try:
        yield
    except Exception as error:  # whatever a hostile visitor provokes
        log_fault(error, logger)


def sweep_gone_sessions(runtime: Runtime, now: float) -> None:
    """Let go of what the server holds for visitors who are gone, and of the files that others did not fetch in time.

    Parameters
    ----------
    runtime : Runtime
        Streamlit's.
    now : float
        In the seconds of `time.monotonic`.
    """
    gone = _gone(runtime, now)
    held_anything = False
    for session, visitor in gone.items():
        with _outlived():
            held_anything = empty_session(visitor.state) or held_anything
        with _outlived():
            forget_session(runtime, session)
    with _outlived():
        for session, file_id in arrivals.forget_untold(now):
            held_anything = True
            forget_file(runtime, session, file_id)
    with _outlived():
        download_cache.release(runtime, now, set(gone))
    if held_anything:
        with _outlived():
            sweep_downloads(runtime)
        gone.clear()
        gc.collect()
        trim()


def _gone(runtime: Runtime, now: float) -> dict[str, Visitor]:
    """Those whose connection ended long enough ago.

    A page that was at work when its visitor left may come to its end after that and keep what it found, so one who is
    gone is emptied again for a while.
    """
    gone = {}
    with _lock:
        for session, visitor in list(_visitors.items()):
            if is_connected(runtime, session):
                visitor.left = None
                continue
            if visitor.left is None:
                visitor.left = now
            if now - visitor.left >= GONE_AFTER:
                gone[session] = visitor
            if now - visitor.left >= FORGOTTEN_AFTER:
                del _visitors[session]
    return gone
