"""The gate that uploads pass, before an application that reads them as Streamlit does."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from mriseg.app.server import budget, upload_gate
from mriseg.app.server.arrivals import Arrivals, UploadRefusedError
from mriseg.app.server.budget import Refusal
from mriseg.app.server.upload_gate import UploadGate
from tests.patience import PATIENCE

KB = 1000
HEAD = {"type": "http", "method": "PUT", "path": "/below/_stcore/upload_file/me/one", "headers": []}


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose clock goes on to what is awaited next instead of waiting for it, however busy the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds, wait = 0.0, self._selector.select

        def select(timeout: float | None) -> list:
            if timeout is None:  # for a thread
                return wait(PATIENCE)
            self._seconds += timeout
            return wait(0)

        self._selector.select = select

    def time(self) -> float:
        return self._seconds


@pytest.fixture
def expected(monkeypatch) -> Arrivals:
    """A file is expected, where 100 kB of one visitor are held; time is that of the loop."""
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    monkeypatch.setattr(budget, "VISITOR_UPLOAD_BYTES", 100 * KB)
    arrivals = Arrivals()
    arrivals.expect("me", ["one", "two"])
    monkeypatch.setattr(upload_gate, "arrivals", arrivals)
    monkeypatch.setattr(upload_gate, "make_room", lambda session: None)
    monkeypatch.setattr(upload_gate, "STEP_BYTES", 10 * KB)
    monkeypatch.setattr(upload_gate, "SLOWEST_BYTES", 20 * KB)
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr(upload_gate, "time", clock)
    return arrivals


def run(work: Coroutine[Any, Any, None]) -> None:
    """To its end, in a thread of its own: where a browser was driven before, a loop already runs in this one."""

    def alone() -> None:
        with asyncio.Runner(loop_factory=Clockwork) as runner:
            runner.run(work)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(alone).result(PATIENCE)


def send(
    pieces: Iterable[int], *, announced: int | None = None, pause: float = 0.0, hangs: bool = False
) -> tuple[int, Exception | None]:
    """Send pieces of a body of so many bytes; how many were read, and what ended it before its end."""
    coming = iter(pieces)
    read = 0

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        piece = next(coming, None)
        if piece is None and hangs:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": bytes(piece or 0), "more_body": piece is not None}

    async def application(scope: dict, receive: Callable[[], Awaitable[dict[str, Any]]], send: object) -> None:
        nonlocal read
        is_more = True
        while is_more:
            message = await receive()
            read, is_more = read + len(message["body"]), message["more_body"]

    said = [] if announced is None else [(b"content-length", str(announced).encode())]
    try:
        run(UploadGate(application)({**HEAD, "headers": said}, receive, None))
    except UploadRefusedError as refused:
        return read, refused
    return read, None


def test_what_there_is_room_for_is_let_in_whether_its_size_is_said_or_not(expected):
    for announced in (None, 80 * KB):
        assert send([20 * KB] * 4, announced=announced) == (80 * KB, None)
    assert expected.upload_bytes(None) == 0  # the application kept nothing


def test_what_announces_too_much_is_refused_before_a_byte_is_read(expected):
    read, refused = send([20 * KB] * 10, announced=200 * KB)
    assert read == 0
    assert refused.refusal is Refusal.TOO_MUCH


@pytest.mark.parametrize("announced", [None, 50 * KB])
def test_what_is_longer_than_there_is_room_for_is_cut(expected, announced):
    read, refused = send([20 * KB] * 10, announced=announced)
    assert read <= 100 * KB
    assert refused.refusal is Refusal.TOO_MUCH
    assert expected.upload_bytes(None) == 0


@pytest.mark.parametrize(
    ("pieces", "pause", "hangs"), [([], 0.0, True), ([90 * KB], 0.0, True), ([200] * 450, 0.3, False)]
)
def test_what_comes_to_a_halt_or_trickles_is_given_up(expected, pieces, pause, hangs):
    refused = send(pieces, announced=95 * KB, pause=pause, hangs=hangs)[1]
    assert refused.refusal is Refusal.SLOW
    assert expected.upload_bytes(None) == 0


def test_what_comes_slowly_and_steadily_is_waited_for(expected):
    assert send([KB] * 90, announced=90 * KB, pause=0.9) == (90 * KB, None)


def test_nobody_receives_for_one_who_is_gone(expected, monkeypatch):
    monkeypatch.setattr(upload_gate, "server", lambda: object())
    monkeypatch.setattr(upload_gate, "is_connected", lambda runtime, session: False)
    monkeypatch.setattr(upload_gate, "_tell", lambda drop: None)
    read, refused = send([5 * KB] * 18, announced=90 * KB, pause=0.9)
    assert refused.refusal is Refusal.GONE
    assert read <= 60 * KB  # of 10 seconds


def test_other_requests_pass(expected):
    passed = []

    async def application(scope: dict, receive: object, send: object) -> None:
        passed.append((scope["path"], receive))

    for scope in ({**HEAD, "method": "DELETE"}, {**HEAD, "path": "/_stcore/health"}, {"type": "lifespan"}):
        run(UploadGate(application)({"path": "", **scope}, "theirs", None))
    assert [receive for _, receive in passed] == ["theirs"] * 3
