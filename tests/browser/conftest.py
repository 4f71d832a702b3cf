"""A real Chromium on the real page."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mriseg import Contrast
from mriseg.datasets.phantom import Phantom, simulate
from mriseg.export.images import encode_scan
from tests.patience import PATIENCE

sync_api = pytest.importorskip("playwright.sync_api") if os.environ.get("CI") != "true" else None
if sync_api is None:
    from playwright import sync_api

CANVAS = ".mriseg-panel canvas"
PIXELS = """const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"""
BRIGHT = f"""canvas => {{ {PIXELS}
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += Math.max(data[i], data[i + 1], data[i + 2]) > 40;
    return count; }}"""
COLORS = f"""canvas => {{ {PIXELS}
    const count = {{orange: 0, yellow: 0, blue: 0}};
    for (let i = 0; i < data.length; i += 4) {{
        const [r, g, b] = data.slice(i, i + 3);
        if (b - r > 60) count.blue += 1;
        else if (r - b > 60 && g - b > 60) count[r - g > 35 ? 'orange' : 'yellow'] += 1;
    }}
    return count; }}"""
ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "test-artifacts"  # ignored by git
WINDOW = {"width": 1440, "height": 900}
ARGUMENTS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    # Emulating a GPU for each frame of the page would cost more than its scripts do. WebGL still has the emulated one.
    "--disable-gpu-compositing",
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
        end = time.monotonic() + PATIENCE
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
        server.wait(PATIENCE)


@pytest.fixture(scope="session")
def chromium() -> Iterator["sync_api.Browser"]:
    """Debian's Chromium, with one context."""
    path = shutil.which("chromium")
    if path is None:
        reason = "Chromium is not installed."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        browser.new_context(viewport=WINDOW)
        yield browser
        browser.close()


def opened(chromium: "sync_api.Browser", address: str) -> "sync_api.Page":
    """A new page, opened and at rest."""
    page = blank(chromium, address)
    open_anew(page, address)
    return page


def blank(chromium: "sync_api.Browser", address: str) -> "sync_api.Page":
    """A new empty page; `requests_outside` lists what it asks of others than the address, `complaints` what it logs.

    Pages share a context, hence its cache: the scripts need not be fetched and compiled for each.
    """
    page = chromium.contexts[0].new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.requests_outside, page.complaints = [], []
    page.on(
        "request",
        lambda request: (
            page.requests_outside.append(request.url)
            if not request.url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
            else None
        ),
    )
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    return page


def open_anew(page: "sync_api.Page", address: str, theme: str = "light") -> None:
    """Open an address in a page that may have been used, as if it were a new one: in another session, nothing kept."""
    page.goto("about:blank")
    page.requests_outside.clear()
    page.complaints.clear()
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(WINDOW)
    page.mouse.move(1, 1)
    page.goto(address)
    rest(page)


@pytest.fixture(scope="session")
def tab(chromium: "sync_api.Browser", address: str) -> Iterator["sync_api.Page"]:
    """A page for whoever opens it anew, which takes a third of the time of a new one."""
    page = blank(chromium, address)
    yield page
    page.close()


@pytest.fixture
def page(tab: "sync_api.Page", address: str) -> "sync_api.Page":
    """The page in a laptop's window, just opened."""
    open_anew(tab, address)
    return tab


@pytest.fixture(scope="module")
def head_page(chromium: "sync_api.Browser", address: str, phantom: Phantom) -> Iterator["sync_api.Page"]:
    """The page with a simulated head in it, for tests that only look."""
    page = opened(chromium, address)
    drop(page, "head.nii.gz", encode_scan(simulate(phantom, Contrast.T1)))
    yield page
    page.close()


def rest(page: "sync_api.Page") -> None:
    """Wait until slices and plot stand."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_selector(f"{CANVAS}[data-drawn]")
    page.wait_for_selector(".js-plotly-plot .barlayer path", state="attached")


def wait_until(page: "sync_api.Page", holds: Callable[[], bool]) -> None:
    """Wait for what the document itself cannot be asked."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it does not come true"
        page.wait_for_timeout(100)


def wait_until_nothing_moves(page: "sync_api.Page") -> None:
    """Wait until all parts of the page have stood still for half a second: no sidebar folds, no plot follows."""
    page.evaluate(
        """async () => {
            const places = () => [...document.querySelectorAll('[data-testid], .mriseg-panel, .js-plotly-plot')]
                .map(part => Object.values(part.getBoundingClientRect().toJSON()).join()).join(' ');
            for (let before = places(), same = 0, looks = 0; same < 5 && looks < 300; looks += 1) {
                await new Promise(done => setTimeout(() => requestAnimationFrame(done), 100));
                const now = places();
                same = now === before ? same + 1 : 0;
                before = now;
            }
        }"""
    )


def shown_result(page: "sync_api.Page") -> str | None:
    """What tells the result in the viewer from others; None where there is no viewer."""
    return page.evaluate("document.querySelector('.mriseg-viewer')?.dataset.result ?? null")


def wait_for_another(page: "sync_api.Page", before: str | None) -> None:
    """Wait until the viewer shows another result than `before`, all of it drawn."""
    page.wait_for_function(
        "before => { const viewer = document.querySelector('.mriseg-viewer'); const result = viewer?.dataset.result;"
        " return result && result !== before && [...viewer.querySelectorAll('canvas')].length"
        " && [...viewer.querySelectorAll('canvas')].every(canvas => canvas.dataset.drawn?.startsWith(result)) }",
        arg=before,
    )
    rest(page)


def drop(page: "sync_api.Page", name: str, content: bytes) -> None:
    """Give a file to the first input and wait until its slices stand."""
    before = shown_result(page)
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": "", "buffer": content})
    wait_for_another(page, before)


def keep(page: "sync_api.Page", name: str) -> None:
    """Save a screenshot."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def assert_whole(page: "sync_api.Page") -> None:
    """No error on the page or in the console, no request to others, and every slice shows something."""
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert page.requests_outside == []
    assert page.complaints == []
    for canvas in page.locator(CANVAS).all():
        assert canvas.evaluate(BRIGHT) > 100


def colors(page: "sync_api.Page", panel: int) -> dict[str, int]:
    """How many pixels of a panel have about the color of each tissue."""
    return page.locator(CANVAS).nth(panel).evaluate(COLORS)
