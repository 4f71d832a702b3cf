"""What a server with many visitors needs, and what they wait for: latencies, failures, memory.

a. idle: the server alone, and after the first page view.
b. head: one visitor with a head of 256 x 256 x 256 voxels, who leaves; memory a minute later.
c. crowd: 20 visitors, each with a picture of their own, who move sliders and take files away.
d. heads: 5 visitors, each with such a head, and two with pictures meanwhile.
e. uploads: 100 pictures one after the other, each in a new session, and all in one.
f. soak: visitors come, work and go for half an hour; how memory rises.
g. hostile: uploads of every kind, told or untold, each on a new server of 1000 MB, and what it takes at most.
h. faults: an upload of a byte a second, visitors that vanish while their scan is fitted, garbage, a server that is
   killed and started anew; another visitor works on meanwhile.

    python benchmarks/load.py [--scenarios idle head crowd heads uploads soak hostile faults] [--minutes 30]
        [--visitors 20] [--side 512] [--uploads 100] [--browser]

Each scenario has a server of its own on a free port of 127.0.0.1 and ends by itself. Visitors are no browsers, see
`tests/visitor.py`: they cost a tenth of what the server does, which the table says, so two cores carry twenty. With
`--browser` a real Chromium does as one of the crowd does, for what a visitor feels. Memory is that of the server's
process and its children, looked at every second; "private" is what goes when it ends. A wait is from sending a change
until all of the new page has come. Without `../shared/tools` and `../shared/data` the heads are the phantom. Takes an
hour.
"""

import argparse
import asyncio
import gzip
import importlib.util
import os
import random
import re
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import load_uploads
import nibabel
import numpy as np
from table import DATA, print_table

from mriseg import Contrast
from mriseg.datasets.phantom import make_phantom, simulate
from tests.visitor import XSRF_COOKIE, Server, VisitError, Visitor, own_picture

HEAD_SIDE, HEAD_NOISE, HEAD_BIAS = 256, 3, 20
MOVED = "Spatial smoothing strength"
THINKS = (1.0, 4.0)  # seconds that a visitor looks at a result before the next move
ARRIVE_WITHIN = 20.0  # seconds from the first of a crowd to the last
MOVES = 10  # of each visitor
LEFT = 60.0  # seconds after the last has left at which memory is looked at
PARTS = 6  # of a soak, of which the first is not looked at: 5 of 30 minutes
SLOPE_WANTED = 6.0  # MB an hour: half a gigabyte in three days
RAISED = re.compile(r"[\w.]+(Error|Exception|Interrupt)\b")
WAITS: dict[str, str] = {"crowd: slider moved": "p95 0.5", "heads: others' slider moved": "max 1"}


@dataclass
class Watch:
    """What happened in a scenario: waits by what was waited for, failures, and the server's memory second by second."""

    server: Server
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Note the memory each second until the scenario has ended; of a server that is being killed there is none."""
        while not self.ended.wait(1.0):
            resident, private = self.server.memory()
            if resident:
                self.memory.append((time.monotonic(), resident, private))

    async def wait(self, what: str, act: Awaitable[Any]) -> Any:
        """Do something that says how long it took; what a visitor must not meet is counted, and None returned."""
        try:
            found = await act
        except (VisitError, OSError) as error:
            self.failures[what][f"{error}"[:150]] += 1
            return None
        self.waits[what].append(found[0] if isinstance(found, tuple) else found)
        return found


@dataclass
class Report:
    """Rows of the two tables."""

    waits: list[tuple[object, ...]] = field(default_factory=list)
    memory: list[tuple[object, ...]] = field(default_factory=list)


@contextmanager
def scenario(name: str, report: Report) -> Iterator[Watch]:
    """A server and a watch over it; what it saw goes to the report."""
    print(f"{name}: load average {os.getloadavg()[0]:.1f} …", flush=True)
    own, began = time.process_time(), time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        server = Server(log)
        watch = Watch(server)
        looking = threading.Thread(target=watch.look, daemon=True)
        looking.start()
        try:
            yield watch
            cpu = server.cpu()
        finally:
            watch.ended.set()
            looking.join()
            server.stop()
        log.seek(0)
        complaints = Counter(line.strip()[:150] for line in log if RAISED.match(line))
    lasted = time.monotonic() - began
    for what in {**watch.waits, **watch.failures}:
        waits, failed = watch.waits.get(what, []), watch.failures.get(what, Counter())
        title = f"{name}: {what}"
        p50, p95, most = np.percentile(waits, [50, 95, 100]) if waits else (np.nan,) * 3
        figures = f"{p50:.2f}", f"{p95:.2f}", f"{most:.2f}"
        report.waits.append((title, len(waits), *figures, WAITS.get(title, ""), sum(failed.values())))
        for words, count in failed.items():
            print(f"  {what} failed {count} times: {words}")
    print(
        f"  {lasted:.0f} s; the server used {cpu:.0f} s of CPU, the visitors {time.process_time() - own:.0f} s; "
        f"load average now {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for line, count in complaints.items():
        print(f"  in its log {count} times: {line}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--side", type=int, default=512, help="pixels of a side of the crowd's pictures")
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--uploads", type=int, default=100)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    report = Report()
    for name in options.scenarios:
        asyncio.run(SCENARIOS[name](options, report))
    print()
    print_table(("what is waited for, s", "count", "p50", "p95", "max", "wanted", "failures"), report.waits)
    print()
    print_table(("memory of the server, MB", "resident", "private", "wanted"), report.memory)


def heads(data: Path, count: int) -> list[bytes]:
    """Heads of 256 x 256 x 256 voxels as packed NIfTI, each like no other."""
    simulator, anatomy = data.parent / "tools" / "simulate_head.py", data / "heads" / "head_01.nii.gz"
    if simulator.exists() and anatomy.exists():
        spec = importlib.util.spec_from_file_location("simulator", simulator)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        image = nibabel.funcs.as_closest_canonical(nibabel.nifti1.load(anatomy))
        voxels, _, _ = module.simulate(np.asanyarray(image.dataobj).astype(np.int16), "t1", HEAD_NOISE, HEAD_BIAS, 0)
        affine = image.affine
    else:
        scan = simulate(make_phantom(spacing=0.8), Contrast.T1)
        voxels, affine = scan.data, scan.affine
    voxels = (voxels * (4000 / voxels.max())).astype(np.int16)
    whole = np.zeros((HEAD_SIDE,) * 3, np.int16)
    part = tuple(slice(0, min(n, HEAD_SIDE)) for n in voxels.shape)
    whole[part] = voxels[part]
    return [
        gzip.compress(nibabel.nifti1.Nifti1Image(np.roll(whole, number, 1), affine).to_bytes(), 1)
        for number in range(count)
    ]


def note(report: Report, watch: Watch, what: str, wanted: str = "", most: bool = False) -> None:
    """A row of memory: as it is now, or the most that was seen so far."""
    resident, private = watch.server.memory()
    if most:
        resident, private = max(m for _, m, _ in watch.memory), max(m for _, _, m in watch.memory)
    report.memory.append((what, f"{resident:.0f}", f"{private:.0f}", wanted))


async def idle(options: argparse.Namespace, report: Report) -> None:
    """A. The server alone."""
    with scenario("idle", report) as watch:
        note(report, watch, "idle: started")
        visitor = Visitor(watch.server.address)
        await watch.wait("page opened, first of all", visitor.arrive())
        await visitor.leave()
        again = Visitor(watch.server.address)
        await watch.wait("page opened again", again.arrive())
        await again.leave()
        await asyncio.sleep(5)
        note(report, watch, "idle: after the first page views", "300")


async def head(options: argparse.Namespace, report: Report) -> None:
    """B. One whole head."""
    (content,) = heads(options.data, 1)
    with scenario("head", report) as watch:
        visitor = Visitor(watch.server.address)
        await watch.wait("page opened", visitor.arrive())
        await watch.wait("head dropped", visitor.drop("head.nii.gz", content))
        note(report, watch, "head: its result stands")
        await moves(watch, visitor, "slider moved", 5)
        await slices(watch, visitor, 30)
        for suffix in ("_dseg.nii.gz", ".zip", "_desc-tissue_report.pdf"):
            await watch.wait(f"{suffix} taken away", take(visitor, suffix))
        await visitor.leave()
        await asyncio.sleep(LEFT)
        note(report, watch, "head: most", "650", most=True)
        note(report, watch, "head: a minute after the session's end", "400")


async def crowd(options: argparse.Namespace, report: Report) -> None:
    """C. Many with pictures."""
    pictures = [own_picture(number, options.side) for number in range(options.visitors)]
    with scenario("crowd", report) as watch:
        await first_view(watch)
        note(report, watch, "crowd: before")
        feeling = asyncio.create_task(asyncio.to_thread(feel, watch)) if options.browser else None
        await asyncio.gather(*(with_picture(watch, content) for content in pictures))
        if feeling is not None:
            await feeling
        note(report, watch, "crowd: most", most=True)
        await asyncio.sleep(LEFT)
        note(report, watch, "crowd: a minute after the last has left")


async def many_heads(options: argparse.Namespace, report: Report) -> None:
    """D. Several with heads, and others meanwhile."""
    contents = heads(options.data, options.heads)
    with scenario("heads", report) as watch:
        await first_view(watch)
        others = [Visitor(watch.server.address) for _ in range(2)]
        for number, other in enumerate(others):
            await watch.wait("page opened", other.arrive())
            await watch.wait("picture dropped before", other.drop("slice.png", own_picture(number)))
        working = [asyncio.create_task(forever(watch, other, "others' slider moved")) for other in others]

        async def one(content: bytes) -> None:
            visitor = Visitor(watch.server.address)
            await asyncio.sleep(random.uniform(0, 5))
            if await watch.wait("page opened", visitor.arrive()) is None:
                return
            if await watch.wait("head dropped", visitor.drop("head.nii.gz", content)) is not None:
                await moves(watch, visitor, "slider moved on a head", 2)
                await watch.wait("labels taken away", take(visitor, "_dseg.nii.gz"))
            await visitor.leave()

        await asyncio.gather(*map(one, contents))
        for task in working:
            task.cancel()
        for other in others:
            await other.leave()
        note(report, watch, "heads: most", "1000", most=True)
        await asyncio.sleep(LEFT)
        note(report, watch, "heads: a minute after the last has left", "400")


async def uploads(options: argparse.Namespace, report: Report) -> None:
    """E. One after the other."""
    marks = (min(10, options.uploads), options.uploads)
    for alone, title in ((True, "each in a new session"), (False, "all in one session")):
        with scenario(f"uploads, {title}", report) as watch:
            await first_view(watch)
            visitor = Visitor(watch.server.address)
            for number in range(options.uploads):
                if alone or not number:
                    visitor = Visitor(watch.server.address)
                    await watch.wait("page opened", visitor.arrive())
                await watch.wait("picture dropped", visitor.drop("slice.png", own_picture(number)))
                if alone:
                    await visitor.leave()
                if number + 1 in marks:
                    if alone:  # sessions that may still come back are no leak
                        await asyncio.sleep(LEFT)
                    wanted = f"{1.1 * float(str(report.memory[-1][1])):.0f}" if number + 1 != marks[0] else ""
                    note(report, watch, f"uploads, {title}: after {number + 1}", wanted)


async def soak(options: argparse.Namespace, report: Report) -> None:
    """F. Coming and going."""
    (content,) = heads(options.data, 1)
    with scenario("soak", report) as watch:
        await first_view(watch)
        began = time.monotonic()
        end = began + 60 * options.minutes
        numbers = iter(range(1_000_000))

        async def pictures() -> None:
            while time.monotonic() < end:
                await with_picture(watch, own_picture(next(numbers)), 5)

        async def whole() -> None:
            while time.monotonic() < end:
                visitor = Visitor(watch.server.address)
                await watch.wait("page opened", visitor.arrive())
                if await watch.wait("head dropped", visitor.drop("head.nii.gz", content)) is not None:
                    await moves(watch, visitor, "slider moved on a head", 2)
                    await slices(watch, visitor, 10)
                    await watch.wait("labels taken away", take(visitor, "_dseg.nii.gz"))
                await visitor.leave()
                await asyncio.sleep(min(60.0, 6 * options.minutes))

        await asyncio.gather(*(pictures() for _ in range(3)), whole())
        note(report, watch, "soak: most", most=True)
        # Heads come and go, 400 MB up and down: a leak shows in what is left between them.
        part = 60 * options.minutes / PARTS
        lows = []
        for number in range(1, PARTS):
            within = [m[1:] for m in watch.memory if number * part <= m[0] - began < (number + 1) * part]
            lows.append(np.min(within, axis=0))
            span = f"{number * part / 60:g} to {(number + 1) * part / 60:g} minutes"
            report.memory.append((f"soak: least within {span}", *(f"{low:.0f}" for low in lows[-1]), ""))
        hours = np.arange(len(lows)) * part / 3600
        slopes = np.polyfit(hours, lows, 1)[0]
        rise = "soak: rise of that, MB an hour"
        report.memory.append((rise, *(f"{slope:+.0f}" for slope in slopes), f"{SLOPE_WANTED:.0f}"))
        await asyncio.sleep(LEFT)
        note(report, watch, "soak: a minute after the last has left")


async def hostile(options: argparse.Namespace, report: Report) -> None:
    """G. Uploads of every kind; each must leave the server what it was."""
    for what, act in load_uploads.KINDS.items():
        with scenario(f"hostile, {what}", report) as watch:
            await first_view(watch)
            came = await act(watch.server)
            print(f"  {came}")
            await asyncio.sleep(load_uploads.UNTOLD)
            note(report, watch, f"hostile, {what}: a minute after it")
            most = watch.server.most()
            report.memory.append((f"hostile, {what}: most", f"{most:.0f}", "", f"{load_uploads.SERVER_MB}"))
            if most > load_uploads.SERVER_MB:
                raise SystemExit(f"{what} took the server to {most:.0f} MB")


async def faults(options: argparse.Namespace, report: Report) -> None:
    """H. What goes wrong."""
    (content,) = heads(options.data, 1)
    with scenario("faults", report) as watch:
        await first_view(watch)
        other = Visitor(watch.server.address)
        await watch.wait("page opened", other.arrive())
        await watch.wait("picture dropped", other.drop("slice.png", own_picture(0)))
        for what, act in (
            ("an upload of a byte a second", lambda: asyncio.gather(*(trickle(watch, 20) for _ in range(10)))),
            ("three who vanish in a fit", lambda: asyncio.gather(*(vanish(watch, content) for _ in range(3)))),
            ("garbage", lambda: asyncio.gather(*(garbage(watch) for _ in range(10)))),
        ):
            working = asyncio.create_task(forever(watch, other, f"another's slider moved beside {what}"))
            await act()
            await asyncio.sleep(10)
            working.cancel()
        note(report, watch, "faults: most", most=True)
        await other.leave()
        await asyncio.sleep(LEFT)
        note(report, watch, "faults: a minute after the last has left")
        back = Visitor(watch.server.address)
        await watch.wait("page opened", back.arrive())
        await watch.wait("picture dropped", back.drop("slice.png", own_picture(1)))
        watch.server.kill()
        began = time.perf_counter()
        await asyncio.to_thread(watch.server.start)
        watch.waits["server killed and started anew"].append(time.perf_counter() - began)
        await watch.wait("page back after it", back.arrive())
        await watch.wait("picture dropped after it", back.drop("slice.png", own_picture(1)))
        await back.leave()


SCENARIOS: dict[str, Callable[[argparse.Namespace, Report], Awaitable[None]]] = {
    "idle": idle,
    "head": head,
    "crowd": crowd,
    "heads": many_heads,
    "uploads": uploads,
    "soak": soak,
    "hostile": hostile,
    "faults": faults,
}


async def first_view(watch: Watch) -> None:
    """Someone has been there before: the opening sample is segmented, all modules are imported."""
    visitor = Visitor(watch.server.address)
    await watch.wait("page opened, first of all", visitor.arrive())
    await visitor.leave()


async def with_picture(watch: Watch, content: bytes, count: int = MOVES) -> None:
    """What a visitor with a picture does."""
    visitor = Visitor(watch.server.address)
    await asyncio.sleep(random.uniform(0, ARRIVE_WITHIN))
    if await watch.wait("page opened", visitor.arrive()) is None:
        return
    if await watch.wait("picture dropped", visitor.drop("slice.png", content)) is not None:
        await moves(watch, visitor, "slider moved", count)
        await watch.wait("labels taken away", take(visitor, "_dseg.png"))
    await visitor.leave()


async def moves(watch: Watch, visitor: Visitor, what: str, count: int) -> None:
    """Move a slider so many times, each time to another place."""
    for number in range(count):
        await asyncio.sleep(random.uniform(*THINKS))
        # One that failed leaves the slider where the next move may find it: no two numbers are the same.
        await watch.wait(what, visitor.move(MOVED, 0.1 + 0.1 * (number % 39)))


async def slices(watch: Watch, visitor: Visitor, count: int) -> None:
    """Look at so many slices, by leaps."""
    shape = visitor.header().get("shape", ())
    for _ in range(count if shape else 0):
        axis = random.randrange(len(shape))
        await watch.wait("another slice", visitor.look(axis, random.randrange(shape[axis])))


async def forever(watch: Watch, visitor: Visitor, what: str) -> None:
    """Move a slider until canceled."""
    while True:
        await moves(watch, visitor, what, MOVES)


async def take(visitor: Visitor, suffix: str) -> tuple[float, bytes]:
    """Take a file away, which must not be empty."""
    seconds, content = await visitor.download(suffix)
    if not content:
        raise VisitError("an empty file")
    return seconds, content


async def trickle(watch: Watch, seconds: int) -> None:
    """Upload a byte a second, and give up."""
    visitor = Visitor(watch.server.address)
    await watch.wait("page opened", visitor.arrive())
    (url,) = await visitor.addresses(["a.nii"])
    place = urlsplit(watch.server.address)
    with socket.create_connection((place.hostname, place.port)) as line:
        head = (
            f"PUT {url.upload_url} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Cookie: {XSRF_COOKIE}={visitor.cookie}\r\nX-Xsrftoken: {visitor.cookie}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000000\r\n\r\n"
        )
        line.sendall(head.encode())
        for _ in range(seconds):
            line.sendall(b"-")
            await asyncio.sleep(1)
    await visitor.leave()


async def vanish(watch: Watch, content: bytes) -> None:
    """Drop a head and be gone before it is done."""
    visitor = Visitor(watch.server.address)
    await watch.wait("page opened", visitor.arrive())
    dropping = asyncio.create_task(visitor.drop("head.nii.gz", content))
    await asyncio.sleep(random.uniform(2, 4))
    await visitor.vanish()
    dropping.cancel()


async def garbage(watch: Watch) -> None:
    """Say what no browser says; each time the server may hang up, and does no more."""
    for frame in (random.randbytes(1000), "text", b"", random.randbytes(30_000_000), b"\x5a\xff\xff\xff\xff\x0f"):
        visitor = Visitor(watch.server.address)
        await watch.wait("page opened", visitor.arrive())
        with suppress(VisitError):
            await visitor.send(frame)
        await asyncio.sleep(0.2)
        await visitor.vanish()


def feel(watch: Watch) -> None:
    """Do in a real browser as one of the crowd does."""
    from page import ARGUMENTS, Traffic, change_setting, drop, opened  # Chromium is asked for by few
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        began = time.perf_counter()
        page = opened(browser, watch.server.address, Traffic())
        watch.waits["page opened in Chromium, drawn"].append(time.perf_counter() - began)
        watch.waits["picture dropped in Chromium, drawn"].append(drop(page, "slice.png", own_picture(1000)))
        for _ in range(MOVES):
            watch.waits["slider moved in Chromium, drawn"].append(change_setting(page))
        browser.close()


if __name__ == "__main__":
    main()
