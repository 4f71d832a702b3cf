"""How much the server holds for its visitors, added up over all who hold anything, and whether it may hold more.

Whatever keeps bytes of a visitor is counted in once and asked each time: so what was let go of is no longer counted,
whoever let go of it, and nothing has to be given back. Segmentations are not in it: they make room when others need it.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

from mriseg.app import texts
from mriseg.app.server.memory import KEPT_BYTES, UPLOAD_BYTES, VISITOR_UPLOAD_BYTES
from mriseg.core.limits import MAX_FILES

# What is little is taken beside whatever others dropped, so that a picture never waits; of all together so much.
LITTLE_BYTES, LITTLE_BYTES_OF_ALL = 2_000_000, 40_000_000

# Expected or here of one visitor: the files of one study, and of another. They cost 2 kB each besides their content.
MOST_FILES = 2 * MAX_FILES


class Refusal(Enum):
    """Why an upload is not taken: a name, the status of HTTP that answers it, and what the page says."""

    UNKNOWN = "no upload under this name was asked for, or it was taken before", 404, texts.UPLOAD_BROKE
    GONE = "nobody waits for it any more", 400, texts.UPLOAD_BROKE
    SLOW = "nothing came for too long", 408, texts.UPLOAD_BROKE
    TOO_MUCH = (
        "more than the server holds of one visitor",
        413,
        texts.TOO_MUCH_DROPPED.format(VISITOR_UPLOAD_BYTES // 10**6),
    )
    TOO_MANY = "more files than the server takes of one visitor", 413, texts.TOO_MANY_DROPPED.format(MOST_FILES)
    NO_ROOM = "more than is held of all visitors", 413, texts.NO_ROOM

    def __init__(self, reason: str, status: int, sentence: str) -> None:
        self.reason, self.status, self.sentence = reason, status, sentence


class Holder(Protocol):
    """Whatever keeps bytes of visitors."""

    def upload_bytes(self, session: str | None) -> int:
        """What it holds of what a visitor dropped; None for all of them."""

    def result_bytes(self) -> int:
        """What it holds of what was made for visitors."""


_holders: "weakref.WeakSet[Holder]" = weakref.WeakSet()
_reserved: dict[object, int] = {}
_lock = threading.Lock()


def count_in(holder: Holder) -> None:
    """Count what is held by something, from now on and for as long as it lives.

    Parameters
    ----------
    holder : Holder
    """
    with _lock:
        _holders.add(holder)


def uploaded(session: str | None = None) -> int:
    """Bytes that the server holds of what was dropped, arriving or arrived.

    Parameters
    ----------
    session : str, optional
        Of one visitor; of all without.

    Returns
    -------
    int
    """
    return sum(holder.upload_bytes(session) for holder in _all())


def held() -> int:
    """Bytes that the server holds for all visitors and that make no room for others.

    Returns
    -------
    int
        Uploads, results and files that were made, and what was reserved.
    """
    with _lock:
        reserved = sum(_reserved.values())
    return reserved + sum(holder.upload_bytes(None) + holder.result_bytes() for holder in _all())


def room() -> int:
    """Bytes that the server may hold beside that; segmentations make room for them.

    Returns
    -------
    int
    """
    return max(KEPT_BYTES - held(), 0)


@contextmanager
def reserved(size: int) -> Iterator[None]:
    """Within, so many bytes are held: a scan is segmented, and uploads that arrive meanwhile leave it its memory.

    Parameters
    ----------
    size : int
    """
    ticket = object()
    with _lock:
        _reserved[ticket] = size
    try:
        yield
    finally:
        with _lock:
            del _reserved[ticket]


def refusal(session: str, more: int) -> Refusal | None:
    """Why so many bytes more of a visitor are not taken; None if they are.

    Parameters
    ----------
    session : str
        Of the visitor.
    more : int
        Bytes of an upload.

    Returns
    -------
    Refusal or None
    """
    mine = uploaded(session) + more
    if mine > VISITOR_UPLOAD_BYTES:
        return Refusal.TOO_MUCH
    least = LITTLE_BYTES_OF_ALL if mine > LITTLE_BYTES else 0
    if uploaded() + more > UPLOAD_BYTES - least or more > room() - least:
        return Refusal.NO_ROOM
    return None


def _all() -> list[Holder]:
    with _lock:
        return list(_holders)
