"""What a visitor waits for, and what the server needs: opening, dropping a scan, moving slices, changing a setting.

    python benchmarks/page.py [SCAN ...] [--changes 50]

Starts the page on a free port, and beside it a bare Streamlit page with one plotly chart; drives both in real Chromium
(Debian's `chromium`, through playwright) and prints wall seconds, those of the browser's main thread, the bytes that
the server sent, and the memory of its process, beside what each should reach. The two pages are opened in turn, so that
what else the machine does falls on both. Without scans it drops a simulated picture of 512 x 512 pixels and a simulated
head of 7 million voxels. Takes three minutes.
"""

import argparse
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, WebSocket, sync_playwright
from table import print_table

from mriseg import Contrast
from mriseg.core.scan import picture
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan

ROOT = Path(__file__).parents[1]
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
CANVAS = ".mriseg-panel canvas"
PLOT = ".st-key-histogram .js-plotly-plot .barlayer path"
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]
PICTURE_SIDE = 512
OPENINGS = 9  # of each page, after one that fills the browser's cache
SETTLED_MS = 1500  # after all is drawn, until nothing more of the opening runs on the main thread
BARE = """import plotly.graph_objects as go
import streamlit as st

st.set_page_config(layout="wide")
st.plotly_chart(go.Figure({"data": [{"type": "bar", "y": list(range(256))}]}))
"""
BARE_DRAWN = "() => document.querySelector('.js-plotly-plot .barlayer path') !== null"
HEAD_MM = 1.1  # the simulated head has 7 million voxels of this side
ALL_DRAWN = """before => {
    const viewer = document.querySelector('.mriseg-viewer');
    const result = viewer?.dataset.result;
    const all = [...(viewer?.querySelectorAll('canvas') ?? [])];
    return result && result !== before && all.length
        && all.every(canvas => canvas.dataset.drawn?.startsWith(result)); }"""
# Seconds from moving to the new slice to its being drawn, taken in the browser: the driver's own way there and back is
# no part of what a visitor waits for.
CHANGE = """([selector, act, value]) => new Promise(done => {
    const canvas = document.querySelector(selector);
    const before = canvas.dataset.drawn;
    const began = performance.now();
    if (act === 'key') canvas.dispatchEvent(new KeyboardEvent('keydown', {key: value, bubbles: true}));
    else {
        const slider = document.querySelector(".mriseg-viewer input[aria-label='Slice']");
        slider.value = value === Number(slider.value) ? value + 1 : value;
        slider.dispatchEvent(new Event('input', {bubbles: true}));
    }
    const look = () => canvas.dataset.drawn !== before ? done((performance.now() - began) / 1000) : setTimeout(look, 1);
    look();
})"""
# Seconds from moving a slider of the viewer to the picture being another one.
REDRAW = """([selector, name]) => new Promise(done => {
    const canvas = document.querySelectorAll(selector)[1];
    const slider = document.querySelector(`.mriseg-viewer input[aria-label='${name}']`);
    const before = canvas.toDataURL();
    const began = performance.now();
    const middle = (Number(slider.min) + Number(slider.max)) / 2;
    slider.value = Number(slider.min) + (slider.value < middle ? 0.7 : 0.4) * (slider.max - slider.min);
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    const look = () => canvas.toDataURL() !== before ? done((performance.now() - began) / 1000) : setTimeout(look, 1);
    look();
})"""


@dataclass
class Traffic:
    """What a page got from its server and what it complained of."""

    received: int = 0
    sent: int = 0
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="*", type=Path)
    parser.add_argument("--changes", type=int, default=50)
    options = parser.parse_args()
    files = [(scan.name, scan.read_bytes()) for scan in options.scans] or simulated()
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        began = time.perf_counter()
        with served("streamlit_app.py", log) as (server, address):
            rows.append(("server answers", f"{time.perf_counter() - began:.2f} s", ""))
            with served(str(bare), log) as (_, bare_address), sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
                rows += openings(browser, address, bare_address)
                rows += visit(browser, address, files, options.changes)
                browser.close()
            rows.append(("memory of the server, most", f"{memory(server.pid, 'VmHWM'):.0f} MB", ""))
        log.seek(0)
        deprecated = [line for line in log if "deprecat" in line.lower()]
    rows.append(("deprecation warnings", str(len(deprecated)), "0"))
    print_table(("step", "measured", "wanted"), rows)


@contextmanager
def served(script: str, log: IO[str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A page on a free port: its process, and its address once it answers."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    address = f"http://localhost:{port}"
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.fileWatcherType=none"]
    server = subprocess.Popen(
        [*command, f"--server.port={port}", "--server.headless=true"], cwd=ROOT, stdout=log, stderr=log
    )
    try:
        while not answers(f"{address}/_stcore/health"):
            time.sleep(0.02)
        yield server, address
    finally:
        server.terminate()
        server.wait(10)


def openings(browser: Browser, address: str, bare_address: str) -> list[tuple[str, str, str]]:
    """What opening the page costs beside a bare one, medians of both, warm."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    ours, bare = [], []
    for _ in range(OPENINGS + 1):
        bare.append(opening(context, bare_address, BARE_DRAWN))
        ours.append(opening(context, address, f"() => ({ALL_DRAWN})(null) && ({BARE_DRAWN})()"))
    context.close()
    (our_wall, our_thread), (bare_wall, bare_thread) = (
        (statistics.median(column) for column in zip(*each[1:], strict=True)) for each in (ours, bare)
    )
    return [
        ("warm page: sample segmented, all drawn", f"{our_wall:.2f} s", ""),
        ("a bare page with one chart", f"{bare_wall:.2f} s", ""),
        ("ratio of the two", f"{our_wall / bare_wall:.2f}", "1.7"),
        ("main thread of the browser", f"{our_thread:.2f} s", "1.5 s"),
        ("the same of the bare page", f"{bare_thread:.2f} s", ""),
    ]


def opening(context: BrowserContext, address: str, drawn: str) -> tuple[float, float]:
    """Wall seconds until a page is drawn, and seconds of its main thread."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_function(drawn, polling="raf")
    wall = time.perf_counter() - began
    page.wait_for_timeout(SETTLED_MS)
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    page.close()
    return wall, metrics["TaskDuration"]


def simulated() -> list[tuple[str, bytes]]:
    """A picture and a head of the sizes that the aims speak of."""
    scan, _ = SAMPLES["slice-t2"].make()
    rows, columns = (np.linspace(0, n - 1, PICTURE_SIDE).round().astype(int) for n in scan.data.shape)
    head = simulate(make_phantom(spacing=HEAD_MM), Contrast.T1)
    return [
        ("slice.png", encode_scan(picture(scan.data[np.ix_(rows, columns)]))),
        ("head.nii.gz", encode_scan(head)),
    ]


def visit(browser: Browser, address: str, files: list[tuple[str, bytes]], changes: int) -> list[tuple[str, str, str]]:
    """Everything that is measured in the browser: what, how much, how much is wanted."""
    rows: list[tuple[str, str, str]] = []
    traffic = Traffic()
    page = opened(browser, address, traffic)
    rows.append(("first screen, sent by the server", f"{traffic.received / 1e3:.0f} kB", "1000 kB"))
    for name, content in files:
        is_volume = ".png" not in name
        seconds = drop(page, name, content)
        rows.append((f"{name} dropped, all drawn", f"{seconds:.2f} s", "6 s" if is_volume else "1.0 s"))
        before = traffic.sent
        for slider in ("Overlay opacity", "Window"):
            redrawn = page.evaluate(REDRAW, [CANVAS, slider])
            rows.append((f"{name}: {slider.lower()} moved", f"{1e3 * redrawn:.0f} ms", "150 ms"))
        rows.append((f"{name}: asked of the server for it", str(traffic.sent - before), "0"))
        if page.locator(".mriseg-viewer input[aria-label='Slice']").count():
            rows += slices(page, traffic, name, changes)
            rows.append((f"{name}: smoothness changed", f"{change_setting(page):.2f} s", "1 s"))
    rows.append(("requests outside", str(len(traffic.outside)), "0"))
    rows.append(("errors in the console", str(len(traffic.complaints)), "0"))
    return rows


def slices(page: Page, traffic: Traffic, name: str, changes: int) -> list[tuple[str, str, str]]:
    """Changes of the slice, one by one and by leaps."""
    rows = []
    count = int(page.locator(".mriseg-viewer input[aria-label='Slice']").get_attribute("max") or 1)
    leaps = random.Random(0).sample(range(count // 6, count - count // 6), min(changes, count // 2))
    # Leaps first: the steps leave slices behind that need not be sent again.
    ways = {"by leaps": [("slide", leap) for leap in leaps], "step by step": [("key", "ArrowUp")] * changes}
    for way, acts in ways.items():
        before = traffic.received
        waits = []
        for act, value in acts:
            waits.append(page.evaluate(CHANGE, [CANVAS, act, value]))
            page.wait_for_timeout(120)  # nobody presses faster for long
        kilobytes = (traffic.received - before) / 1e3 / len(acts)
        rows += [
            (
                f"{name}: slice changed {way}, median of {len(acts)}",
                f"{1e3 * statistics.median(waits):.0f} ms",
                "100 ms",
            ),
            (f"{name}: slice changed {way}, worst", f"{1e3 * max(waits):.0f} ms", "300 ms"),
            (f"{name}: sent for each change {way}", f"{kilobytes:.0f} kB", "300 kB"),
        ]
    return rows


def opened(browser: Browser, address: str, traffic: Traffic) -> Page:
    """A page at rest that counts its traffic."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})

    def listen(stream: WebSocket) -> None:
        def received(payload: str | bytes) -> None:
            traffic.received += len(payload)

        def sent(payload: str | bytes) -> None:
            traffic.sent += 1

        stream.on("framereceived", received)
        stream.on("framesent", sent)

    page.on("websocket", listen)
    page.on("console", lambda line: traffic.complaints.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: traffic.complaints.append(str(error)))
    ours = (address, address.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(ours) else traffic.outside.append(asked.url))
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_function(ALL_DRAWN, arg=None, polling="raf")
    page.wait_for_selector(PLOT, state="attached")
    page.wait_for_selector(AT_REST)
    return page


def answers(address: str) -> bool:
    """Whether a server is there."""
    try:
        urllib.request.urlopen(address, timeout=1)
    except OSError:
        return False
    return True


def memory(process: int, key: str) -> float:
    """MB that a process holds (VmRSS) or held at most (VmHWM)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise ValueError(f"No {key} for process {process}.")


def result(page: Page) -> str:
    """What tells the result that the viewer shows from others."""
    return page.evaluate("document.querySelector('.mriseg-viewer').dataset.result")


def drop(page: Page, name: str, content: bytes) -> float:
    """Seconds from giving the page a file to its slices and its plot standing."""
    before = result(page)
    with tempfile.TemporaryDirectory() as folder:
        path = (
            Path(folder) / name
        )  # from the disk, as a visitor drops it: the driver would take seconds to hand it over
        path.write_bytes(content)
        began = time.perf_counter()
        page.locator("input[type=file]").first.set_input_files(path)
        page.wait_for_function(ALL_DRAWN, arg=before, polling="raf")
        page.wait_for_selector(AT_REST)
        return time.perf_counter() - began


def change_setting(page: Page) -> float:
    """Seconds from moving the smoothness to the new labels being drawn, median of three."""
    waits = []
    knob = page.locator('[role="group"][aria-label="Spatial smoothing strength"] input').first
    for _ in range(3):
        before = result(page)
        knob.focus()
        began = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(ALL_DRAWN, arg=before, polling="raf")
        waits.append(time.perf_counter() - began)
        page.wait_for_selector(AT_REST)
    return statistics.median(waits)


if __name__ == "__main__":
    main()
