"""Runs the page as the container does, without Docker, and looks at it in Chromium.

The environment comes from requirements.lock as the Dockerfile installs it; files, settings and command are those that
the Dockerfile names. As root on Linux the server also has what `deploy/compose.yaml` leaves it: another user, no
capability, a file system that it cannot write to, and a small /tmp in memory.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
USER = 10001
STARTS_WITHIN, ENDS_WITHIN, DRAWN_WITHIN = 60, 10, 120  # seconds; Docker kills after 10
SAMPLE = "head-t2"
SECRET = "Jane_Doe_1970"  # what an upload is called, and nobody may read
CHROMIUM = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
# Pixels of the slices that have about the color of each tissue: blue, yellow or orange.
COLORED = """() => { const count = {orange: 0, yellow: 0, blue: 0};
    for (const canvas of document.querySelectorAll('.mriseg-panel canvas')) {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        for (let i = 0; i < data.length; i += 4) {
            const [r, g, b] = data.slice(i, i + 3);
            if (b - r > 60) count.blue += 1;
            else if (r - b > 60 && g - b > 60) count[r - g > 35 ? 'orange' : 'yellow'] += 1;
        } }
    return count; }"""
DRAWN = """before => { const viewer = document.querySelector('.mriseg-viewer'); const result = viewer?.dataset.result;
    const canvases = [...(viewer?.querySelectorAll('canvas') ?? [])];
    return result && result !== before && canvases.length && canvases.every(c => c.dataset.drawn?.startsWith(result))
        && document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]') && result }"""


def main() -> None:
    """Install, start, look, stop."""
    began = time.monotonic()
    # Not below /tmp, which the server has one of its own of.
    place = Path(tempfile.mkdtemp(prefix="mriseg-", dir="/var/tmp"))
    try:
        place.chmod(0o755)
        subprocess.run(["sh", ROOT / "deploy/install.sh", place / "venv"], check=True)
        print(f"DEPLOYED: installed with every hash checked, {time.monotonic() - began:.0f} s")
        run(place)
    finally:
        shutil.rmtree(place)
    print(f"DEPLOYED: all is well, {time.monotonic() - began:.0f} s")


def run(place: Path) -> None:
    """Start the server on what was installed, look at the page, and stop it."""
    environment, command = laid_out(place / "app")
    environment["PATH"] = f"{place / 'venv/bin'}:/usr/bin:/bin"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environment["STREAMLIT_SERVER_PORT"] = str(free.getsockname()[1])
    python, app, log = place / "venv/bin/python", place / "app", place / "log"
    command[0] = str(place / "venv/bin" / command[0])
    is_alone = subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    if is_alone:
        command = alone(command)
    else:
        print("DEPLOYED: not root on Linux, so the server is not confined")
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=app, env=environment, stdout=output, stderr=output)
    try:
        end = time.monotonic() + STARTS_WITHIN
        while subprocess.run([python, "deploy/healthy.py"], cwd=app, env=environment, capture_output=True).returncode:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.5)
        scan = place / f"{SECRET}.nii.gz"
        subprocess.run([python, "-m", "mriseg", "samples", "--save", SAMPLE, scan], cwd=app, check=True)
        look(f"http://127.0.0.1:{environment['STREAMLIT_SERVER_PORT']}", scan)
        # What unshare started is the first process of its own, as in a container.
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        process = int(children.read_text()) if is_alone else server.pid
        if is_alone:
            confined(process)
        os.kill(process, signal.SIGTERM)
        server.wait(ENDS_WITHIN)
        said = log.read_text()
        assert SECRET not in said, said
        assert "Traceback" not in said, said
    finally:
        server.kill()


def laid_out(app: Path) -> tuple[dict[str, str], list[str]]:
    """Copy what the Dockerfile copies, and return the environment and the command that it sets."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    stage = text[text.rindex("\nFROM ") :]
    for line in re.findall(r"^COPY (?!--from)(.*)", stage, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                (app / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, app / target)
    settings = " ".join(re.findall(r"^ENV (.*)", stage, re.MULTILINE))
    command = re.findall(r"^CMD (.*)", stage, re.MULTILINE)[-1]
    return dict(pair.split("=", 1) for pair in shlex.split(settings)), json.loads(command)


def alone(command: list[str]) -> list[str]:
    """The command as another user without capabilities, who can write nowhere but to a small /tmp in memory."""
    base = Path(sys.base_prefix)
    hidden = next((folder for folder in reversed(base.parents) if not folder.stat().st_mode & 0o001), None)
    # Root's own Python, such as pyenv's, others cannot reach: it is shown at its place in an otherwise empty folder.
    shown = (
        f"mount --bind {base} /mnt; mount -t tmpfs -o mode=755 none {hidden}; mkdir -p {base}; mount --move /mnt {base}"
        if hidden
        else ":"
    )
    lines = [
        "set -e",
        shown,
        "mount -t tmpfs -o size=512m,mode=1777,noexec,nosuid,nodev none /tmp",
        # Every other file system, also those that are mounted below others.
        "awk '{print $5}' /proc/self/mountinfo | grep -vE '^/(tmp|proc|sys|dev)(/|$)'"
        ' | while read -r at; do mount -o remount,bind,ro "$at"; done',
        f"exec setpriv --reuid={USER} --regid={USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
        f" {shlex.join(command)}",
    ]
    return ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "\n".join(lines)]


def confined(process: int) -> None:
    """Whether the server is who it should be, and nothing of an upload lies in the only place where it can write."""
    status = Path(f"/proc/{process}/status").read_text()
    assert re.search(rf"^Uid:\s+{USER}\s+{USER}", status, re.MULTILINE), status
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), status
    writable = [
        fields[4]
        for fields in map(str.split, Path(f"/proc/{process}/mountinfo").read_text().splitlines())
        if "rw" in fields[5].split(",") and not re.match("/(proc|sys|dev)(/|$)", fields[4])
    ]
    assert writable == ["/tmp"], writable
    left = sorted(os.listdir(f"/proc/{process}/root/tmp"))
    print(f"DEPLOYED: user {USER}, no capability, writable /tmp alone; in it after an upload: {left or 'nothing'}")
    assert not left


def look(address: str, scan: Path) -> None:
    """See the sample segmented and then a scan that is dropped; nobody else is asked for anything."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is not installed."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(address)
        sample = segmented(page, None)
        page.locator("input[type=file]").first.set_input_files(scan)
        segmented(page, sample)
        outside = [
            url for url in asked if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
        ]
        assert not outside, outside
        assert not complaints, complaints
        browser.close()


def segmented(page: Page, before: str | None) -> str:
    """Wait for another result than `before`, see its tissues, and return what tells it from others."""
    found = page.wait_for_function(DRAWN, arg=before, timeout=1000 * DRAWN_WITHIN).json_value()
    colors = page.evaluate(COLORED)
    print(f"DEPLOYED: {'the sample' if before is None else 'an upload'} is segmented, {colors}")
    assert min(colors.values()) > 100, colors
    return found


if __name__ == "__main__":
    main()
