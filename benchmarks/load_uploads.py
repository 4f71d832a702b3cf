"""Uploads of every kind, which must not take a server of 1000 MB over it: `benchmarks/load.py --scenarios hostile`.

Told ones are dropped as a browser does, six at a time, and the page is told of those that were taken. Of untold ones
the page hears nothing; some go to addresses that the server never gave. Hanging ones never end.
"""

import asyncio
import random
import socket
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

from tests.visitor import XSRF_COOKIE, Server, VisitError, Visitor

SERVER_MB = 1000  # that the page takes its machine for where nobody says
AT_A_TIME = 6  # uploads of one browser
SLICE_BYTES, LARGE_BYTES, LARGEST_BYTES = 500_000, 150_000_000, 190_000_000
UNTOLD = 75.0  # seconds after which nothing is held any more that the page was not told of


async def dropped(address: str, count: int, size: int) -> tuple[str, Counter[str]]:
    """Drop files as a browser does; what the page says, and how the server answered each."""
    visitor = Visitor(address)
    await visitor.arrive()
    names = [f"{number}.nii.gz" for number in range(count)]
    urls = await visitor.addresses(names)
    answers: Counter[str] = Counter()
    turn = asyncio.Semaphore(AT_A_TIME)
    content = random.randbytes(size)

    async def send(name: str, url: str) -> bool:
        async with turn:
            answer = await put(visitor, url, name, content)
        answers[answer] += 1
        return answer == "taken"

    taken = await asyncio.gather(*(send(name, url.upload_url) for name, url in zip(names, urls, strict=True)))
    told = [(name, size, url) for name, url, is_taken in zip(names, urls, taken, strict=True) if is_taken]
    with suppress(VisitError):
        if told:
            await visitor.tell(told)
        await asyncio.sleep(3)
    said = visitor.trouble()
    await visitor.leave()
    return said, answers


async def untold(address: str, count: int, size: int, *, issued: bool) -> Counter[str]:
    """Upload files that the page is never told of, to addresses that the server gave or to others."""
    visitor = Visitor(address)
    await visitor.arrive()
    names = [f"{number}.nii.gz" for number in range(count)]
    given = [url.upload_url for url in await visitor.addresses(names)] if issued else []
    urls = given or [f"/_stcore/upload_file/{visitor.session}/{uuid.uuid4()}" for _ in names]
    content = random.randbytes(size)
    answers = Counter([await put(visitor, url, name, content) for name, url in zip(names, urls, strict=True)])
    await asyncio.sleep(UNTOLD)
    await visitor.leave()
    return answers


async def put(visitor: Visitor, url: str, name: str, content: bytes) -> str:
    """How the server answers an upload."""
    try:
        await asyncio.to_thread(visitor.put, url, name, content)
    except VisitError as error:
        return f"{error}"[-3:]
    except OSError:
        return "cut"
    return "taken"


async def hanging(server: Server, count: int, size: int, *, leave: bool) -> tuple[float, int]:
    """Begin uploads and never end them; seconds until the last was cut, and how many were answered."""
    visitor = Visitor(server.address)
    await visitor.arrive()
    urls = await visitor.addresses([f"{number}.nii.gz" for number in range(count)])
    place = urlsplit(server.address)
    border = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
    with ExitStack() as stack:
        lines = []
        for url in urls:
            line = stack.enter_context(socket.create_connection((place.hostname or "", place.port or 0), timeout=90))
            head = (
                f"PUT {url.upload_url} HTTP/1.1\r\nHost: {place.netloc}\r\n"
                f"Cookie: {XSRF_COOKIE}={visitor.cookie}\r\nX-Xsrftoken: {visitor.cookie}\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {size + 1000}\r\n\r\n"
            )
            with suppress(OSError):
                await asyncio.to_thread(line.sendall, head.encode() + border + bytes(size))
            lines.append(line)
        if leave:
            await visitor.leave()
        began = time.perf_counter()
        answered = await asyncio.gather(*(asyncio.to_thread(_answer, line) for line in lines))
        seconds = time.perf_counter() - began
    if not leave:
        await visitor.leave()
    return seconds, sum(map(bool, answered))


def _answer(line: socket.socket) -> bytes:
    try:
        return line.recv(20)
    except OSError:
        return b""


async def several(server: Server, count: int) -> list[object]:
    """So many visitors who each drop one large file at the same time."""
    return list(await asyncio.gather(*(dropped(server.address, 1, LARGE_BYTES) for _ in range(count))))


async def several_untold(server: Server, count: int) -> list[object]:
    """So many sessions that upload past the page at the same time."""
    visits = (untold(server.address, 4, LARGEST_BYTES, issued=True) for _ in range(count))
    return list(await asyncio.gather(*visits))


KINDS: dict[str, Callable[[Server], Awaitable[object]]] = {
    "3 x 150 MB dropped": lambda server: dropped(server.address, 3, LARGE_BYTES),
    "10 x 150 MB dropped": lambda server: dropped(server.address, 10, LARGE_BYTES),
    "1200 x 0.5 MB dropped": lambda server: dropped(server.address, 1200, SLICE_BYTES),
    "8 x 190 MB untold": lambda server: untold(server.address, 8, LARGEST_BYTES, issued=True),
    "8 x 190 MB never asked for": lambda server: untold(server.address, 8, LARGEST_BYTES, issued=False),
    "2 x 100 MB hanging": lambda server: hanging(server, 2, 100_000_000, leave=False),
    "2 x 100 MB hanging, session gone": lambda server: hanging(server, 2, 100_000_000, leave=True),
    "5 visitors, 150 MB each": lambda server: several(server, 5),
    "5 sessions, 4 x 190 MB untold": lambda server: several_untold(server, 5),
}
