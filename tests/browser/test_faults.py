"""What goes wrong for one visitor is not felt by another: small versions of `benchmarks/load.py --scenarios faults`."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mriseg import Contrast
from mriseg.app.server.upload_gate import SLOWEST_WITHIN
from mriseg.datasets.phantom import Phantom, simulate
from mriseg.export.images import encode_scan
from tests.patience import PATIENCE
from tests.visitor import XSRF_COOKIE, Server, VisitError, Visitor, own_picture, visited

pytestmark = pytest.mark.browser

SIDE = 128  # pixels of a picture


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of its own: it is killed at last."""
    serving = Server(subprocess.DEVNULL)
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def small() -> bytes:
    """A picture."""
    return own_picture(0, SIDE)


async def works(server: Server, small: bytes) -> None:
    """Someone else comes, is served and leaves."""
    visitor = Visitor(server.address)
    await asyncio.wait_for(visitor.arrive(), PATIENCE)
    await asyncio.wait_for(visitor.drop("slice.png", small), PATIENCE)
    await visitor.leave()


def test_uploads_that_trickle_hold_up_nobody(server, small):
    async def trickling() -> None:
        visitor = Visitor(server.address)
        await visitor.arrive()
        place = urlsplit(server.address)
        lines = []
        for url in await visitor.addresses([f"{number}.nii" for number in range(30)]):
            lines.append(socket.create_connection((place.hostname, place.port)))
            head = (
                f"PUT {url.upload_url} HTTP/1.1\r\nHost: {place.netloc}\r\n"
                f"Cookie: {XSRF_COOKIE}={visitor.cookie}\r\nX-Xsrftoken: {visitor.cookie}\r\n"
                "Content-Length: 8000000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n-"
            )
            lines[-1].sendall(head.encode())
        began = time.monotonic()
        await works(server, small)
        # They stood all the while; on a machine that is busy for longer than that the server had given them up.
        with suppress(ConnectionError) if time.monotonic() - began > SLOWEST_WITHIN else nullcontext():
            for line in lines:
                line.sendall(b"-")
        for line in lines:
            line.close()
        await visitor.leave()

    visited(trickling())


def test_who_vanishes_in_the_middle_of_a_fit_holds_up_nobody(server, small, coarse: Phantom):
    head = encode_scan(simulate(coarse, Contrast.T1))

    async def vanishing() -> None:
        leavers = [Visitor(server.address) for _ in range(3)]
        for visitor in leavers:
            await visitor.arrive()
        dropping = [asyncio.create_task(visitor.drop("head.nii.gz", head)) for visitor in leavers]
        for visitor in leavers:
            await visitor.progressing()
        for visitor, drop in zip(leavers, dropping, strict=True):
            await visitor.vanish()
            drop.cancel()
        await works(server, small)
        # Volumes wait in a line: none may be left standing in it.
        stayer = Visitor(server.address)
        await stayer.arrive()
        await asyncio.wait_for(stayer.drop("head.nii.gz", head), PATIENCE)
        await stayer.leave()

    visited(vanishing())


def test_garbage_ends_at_most_the_connection_that_it_came_by(server, small):
    frames = b"\xff" * 1000, b"\x5a\xff\xff\xff\xff\x0f", "text", b"", bytes(30_000_000)

    async def garbling() -> None:
        other = Visitor(server.address)
        await other.arrive()
        for frame in frames:
            visitor = Visitor(server.address)
            await visitor.arrive()
            with suppress(VisitError):
                await visitor.send(frame)
            await visitor.vanish()
        await asyncio.wait_for(other.drop("slice.png", small), PATIENCE)
        await other.leave()

    visited(garbling())


def test_a_download_that_is_not_ones_own_is_unknown(server):
    async def asking() -> None:
        visitor = Visitor(server.address)
        await visitor.arrive()
        with pytest.raises(VisitError):
            await visitor.fetch("/media/0123456789abcdef0123456789abcdef.png")
        with pytest.raises(VisitError):
            await visitor.fetch(f"/media/..%2f..%2f{Path(__file__).name}")
        await visitor.leave()

    visited(asking())


def test_a_download_is_there_when_it_is_fetched_however_many_pages_run_meanwhile(server):
    async def fetching() -> None:
        visitor, *others = (Visitor(server.address) for _ in range(3))
        for someone in (visitor, *others):
            await someone.arrive()
        path = await visitor.order("_volumes.csv")
        for other in others:
            await other.move("Spatial smoothing strength", 2.0)
        assert (await visitor.fetch(path)).startswith(b"tissue,")
        for someone in (visitor, *others):
            await someone.leave()

    visited(fetching())


def test_after_the_server_was_killed_a_page_comes_back(server, small):
    async def killed() -> None:
        visitor = Visitor(server.address)
        await visitor.arrive()
        await visitor.drop("slice.png", small)
        session = visitor.session
        server.kill()
        with pytest.raises(VisitError):
            await visitor.move("Spatial smoothing strength", 2.0)
        await asyncio.to_thread(server.start)
        await asyncio.wait_for(visitor.arrive(), PATIENCE)  # says which session it was, as the browser does
        assert visitor.session != session
        await asyncio.wait_for(visitor.drop("slice.png", small), PATIENCE)
        await visitor.leave()

    visited(killed())
