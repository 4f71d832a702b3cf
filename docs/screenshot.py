"""Make docs/images/page.png anew: the page as it opens, in Debian's Chromium.

    python docs/screenshot.py [--width 1440] [--height 930]

Needs the packages of requirements-dev.txt and `chromium`. What is shown is the sample that the page opens on.
"""

import argparse
import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import PIL.Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "page.png"
MOST_BYTES = 300_000  # the README is fetched by whoever looks at the repository
COLORS = 256  # of the palette: enough for gray slices with three tints
STARTS_WITHIN = 60  # seconds
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing"]
# Each is there once its part of the page stands.
DRAWN = (
    '[data-testid="stApp"][data-test-script-state="notRunning"]',
    ".mriseg-panel canvas[data-drawn]",
    ".js-plotly-plot .barlayer path",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=930)
    options = parser.parse_args()
    with served() as address:
        shot = photograph(address, options.width, options.height)
    image = PIL.Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS, dither=PIL.Image.Dither.NONE)
    PICTURE.parent.mkdir(exist_ok=True)
    image.save(PICTURE, optimize=True)
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        sys.exit(f"That is more than the {MOST_BYTES / 1000:.0f} kB that it may have.")


@contextmanager
def served() -> Iterator[str]:
    """The page on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"http://localhost:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.fileWatcherType=none"]
    port = address.rpartition(":")[2]
    server = subprocess.Popen([*command, f"--server.port={port}", "--server.headless=true"], cwd=ROOT)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while not answers(address):
            if server.poll() is not None or time.monotonic() > end:
                sys.exit("The page's server did not start.")
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
    except OSError:
        return False
    return True


def photograph(address: str, width: int, height: int) -> bytes:
    """The page as PNG, once all of it stands."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(address)
        for selector in DRAWN:
            page.wait_for_selector(selector, state="attached", timeout=1000 * STARTS_WITHIN)
        page.mouse.move(1, 1)
        page.wait_for_timeout(2000)  # the last parts find their places
        shot = page.screenshot()
        browser.close()
    return shot


if __name__ == "__main__":
    main()
