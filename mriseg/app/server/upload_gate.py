"""The gate that uploads pass on their way into the server: their bytes are counted before and while they come.

Streamlit reads an upload to its end and keeps it, whoever sends it. Here it is let in as far as there is room, and
given up when nothing comes or nobody waits for it any more.
"""

import asyncio
import re
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mriseg.app.server.arrivals import Arrival, Drop, UploadRefusedError, arrivals
from mriseg.app.server.budget import Refusal
from mriseg.app.server.memory import trim
from mriseg.app.server.sessions import make_room
from mriseg.app.server.streamlit_internals import draw_again, is_connected, server

ADDRESS = re.compile(r"/_stcore/upload_file/(?P<session>[^/]+)/(?P<file>[^/]+)$")
STEP_BYTES = 4_000_000  # reserved at a time for an upload that does not say how long it is
LOOKED_EVERY = 1.0  # seconds, where nothing comes
# The slowest that is waited for: 5 kB/s, a fifth of a bad mobile network; a scan of 5 MB takes a quarter of an hour.
SLOWEST_WITHIN, SLOWEST_BYTES = 20.0, 100_000  # seconds, bytes
GONE_AFTER = 10.0  # seconds that a visitor may be gone for, who has lost the network for a moment


class UploadGate:
    """Middleware that lets uploads in.

    Parameters
    ----------
    app : ASGI application
        Streamlit's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_upload = scope["type"] == "http" and scope["method"] == "PUT"
        address = ADDRESS.search(scope["path"]) if is_upload else None
        if address is None:
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        body = Body(receive, address["session"], address["file"], int(announced) if announced.isdecimal() else 0)
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.end()


class Body:
    """The body of one upload.

    Parameters
    ----------
    receive : callable
        The server's.
    session, file_id : str
        Whose upload it is, and what it is called.
    announced : int
        Bytes that it says to have; 0 if it does not say.
    """

    def __init__(self, receive: Receive, session: str, file_id: str, announced: int) -> None:
        self._receive, self._session, self._file_id, self._announced = receive, session, file_id, announced
        self._arrival: Arrival | None = None
        self._received = self._looked_at = 0
        self._looked = self._connected = time.monotonic()

    async def receive(self) -> MutableMapping[str, Any]:
        """The next piece, as ASGI has it.

        Streamlit asks for the first only when it knows that the request comes from its own page.

        Raises
        ------
        UploadRefusedError
            No more of it is taken.
        """
        try:
            if self._arrival is None:
                self._arrival = arrivals.begin(self._session, self._file_id, self._announced)
                await run_in_threadpool(make_room, self._session)
            message = await self._next(self._arrival)
            self._received += len(message.get("body", b""))
            is_more = self._received > self._arrival.size
            arrivals.reserve(self._arrival, self._received + STEP_BYTES if is_more else self._arrival.size)
            if is_more:
                await run_in_threadpool(make_room, self._session)
            return message
        except UploadRefusedError as refused:
            if refused.drop is not None:
                _tell(refused.drop)
            raise

    def end(self) -> None:
        """It came to its end, whichever way."""
        if self._arrival is not None:
            arrivals.end(self._arrival)

    async def _next(self, arrival: Arrival) -> MutableMapping[str, Any]:
        while True:
            self._check(arrival, time.monotonic())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKED_EVERY):
                    return await self._receive()

    def _check(self, arrival: Arrival, now: float) -> None:
        """Give it up where it comes too slowly, was refused meanwhile, or nobody waits for it."""
        arrivals.reserve(arrival, arrival.size)
        if now - self._looked >= SLOWEST_WITHIN:
            if self._received - self._looked_at < SLOWEST_BYTES:
                raise arrivals.break_off(arrival, Refusal.SLOW)
            self._looked, self._looked_at = now, self._received
        runtime = server()
        if runtime is None or is_connected(runtime, self._session):
            self._connected = now
        elif now - self._connected >= GONE_AFTER:
            raise arrivals.break_off(arrival, Refusal.GONE)


_telling: set[asyncio.Task[None]] = set()  # the loop itself does not keep them


def _tell(drop: Drop) -> None:
    """Have the page say why a drop was not taken, unless the browser makes it run by itself."""
    runtime = server()
    if runtime is None or drop.is_drawn:
        return
    drop.is_drawn = True

    async def tell() -> None:
        await asyncio.sleep(LOOKED_EVERY)
        await run_in_threadpool(trim)  # what came of it before it was refused
        if not drop.is_told:
            await draw_again(runtime, drop.session)

    task = asyncio.get_running_loop().create_task(tell())
    _telling.add(task)
    task.add_done_callback(_telling.discard)
