"""A real Chromium on the real page."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api") if os.environ.get("CI") != "true" else None
if sync_api is None:
    from playwright import sync_api

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "test-artifacts"  # ignored by git
STARTS_WITHIN = 60  # seconds; how fast it really starts, the benchmarks say
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The page, served on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.fileWatcherType=none"]
    server = subprocess.Popen([*command, f"--server.port={port}", "--server.headless=true"], cwd=ROOT)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                assert server.poll() is None, "the page's server ended"
                assert time.monotonic() < end, "the page's server does not answer"
                time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator["sync_api.Browser"]:
    """Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        reason = "Chromium is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: "sync_api.Browser", address: str) -> Iterator["sync_api.Page"]:
    """The page in a laptop's window, opened and at rest; `page.requests_outside` lists what it asked of others."""
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.requests_outside = []
    page.on(
        "request",
        lambda request: (
            page.requests_outside.append(request.url)
            if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
            else None
        ),
    )
    page.set_default_timeout(1000 * STARTS_WITHIN)
    page.goto(address)
    rest(page)
    yield page
    page.close()


def rest(page: "sync_api.Page") -> None:
    """Wait until pictures and plot stand."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_selector(".js-plotly-plot .barlayer path", state="attached")
