"""What a visitor waits for, and what the server needs: starting, opening, dropping a scan, moving the slice.

    python benchmarks/page.py [SCAN ...] [--runs 5]

Starts the page on a free port, drives it in a real Chromium (Debian's `chromium`, through playwright) and prints wall
seconds, median over the runs for what can be repeated, and the memory of the server's process. Without scans it drops
two samples. Takes a minute.
"""

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from table import print_table

from mriseg.samples import SAMPLES
from mriseg.write import encode_scan

ROOT = Path(__file__).parents[1]
PICTURE = '[data-testid="stImage"] img'
AT_REST = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SLICE = '[role="group"][aria-label="Slice"] input'
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    files = [(scan.name, scan.read_bytes()) for scan in options.scans] or [
        (name, encode_scan(SAMPLES[name].make()[0])) for name in ("slice-t2", "head-t1")
    ]
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    began = time.perf_counter()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    options_of_server = [f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen([*command, *options_of_server], cwd=ROOT, stdout=subprocess.DEVNULL)
    rows: list[tuple[object, ...]] = []
    try:
        while not answers(f"http://localhost:{port}/_stcore/health"):
            time.sleep(0.02)
        rows.append(("server answers", time.perf_counter() - began, memory(server.pid, "VmHWM")))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            for visit in ("first visitor", "second visitor"):
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                began = time.perf_counter()
                page.goto(f"http://localhost:{port}")
                page.locator(PICTURE).nth(1).wait_for()
                rows.append((f"{visit} sees the sample segmented", time.perf_counter() - began, ""))
            for name, content in files:
                rows.append((f"{name} dropped, drawn", drop(page, name, content), memory(server.pid, "VmHWM")))
                if page.locator(SLICE).count():
                    waits = [move(page) for _ in range(options.runs)]
                    rows.append((f"{name}, slice moved", statistics.median(waits), memory(server.pid, "VmRSS")))
            browser.close()
    finally:
        server.terminate()
    print_table(
        ("step", "wall s", "MB of the server"),
        [(step, f"{seconds:.2f}", f"{mb:.0f}" if mb else "") for step, seconds, mb in rows],
    )


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


def drop(page: Page, name: str, content: bytes) -> float:
    """Seconds from giving the page a file to its pictures and its plot standing."""
    before = page.locator(PICTURE).first.get_attribute("src")
    began = time.perf_counter()
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": "", "buffer": content})
    redrawn(page, before)
    page.wait_for_selector(AT_REST)
    return time.perf_counter() - began


def move(page: Page) -> float:
    """Seconds from moving the slice by one to the new picture standing."""
    before = page.locator(PICTURE).first.get_attribute("src")
    page.locator(SLICE).focus()
    began = time.perf_counter()
    page.keyboard.press("ArrowRight")
    redrawn(page, before)
    return time.perf_counter() - began


def redrawn(page: Page, before: str | None) -> None:
    """Wait until the first picture is another and loaded."""
    page.wait_for_function(
        "([selector, before]) => { const image = document.querySelector(selector);"
        " return image && image.getAttribute('src') !== before && image.complete && image.naturalWidth > 0 }",
        arg=[PICTURE, before],
        polling="raf",
    )


if __name__ == "__main__":
    main()
