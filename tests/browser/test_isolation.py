"""What one visitor drops reaches no other, no disk and no log, and is gone when they are."""

import asyncio
import gzip
import io
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import nibabel
import numpy as np
import PIL.Image
import pypdf
import pytest

from mriseg import Contrast
from mriseg.datasets.phantom import Phantom, simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from tests.browser.conftest import WINDOW, drop, rest
from tests.dicom_files import PERSON, brainlike, series
from tests.patience import PATIENCE
from tests.visitor import ROOT, XSRF_COOKIE, Server, Visitor, visited

pytestmark = pytest.mark.browser

NAME = "DOE_JANE_19700101.nii.gz"
# In the text fields of a NIfTI header and after it.
FIELDS = {"descrip": b"PLANTED^DESCRIP 4711", "aux_file": b"PLANTED^AUX", "db_name": b"PLANTED^DB"}
FIELDS |= {"intent_name": b"PLANTED^INTENT"}
EXTENSION = b"PLANTED^EXTENSION"
PLANTED = (b"DOE_JANE", b"19700101", b"PLANTED^", b"DOE^JANE", b"X4711-77")
MARKUP = '<b id="planted">planted</b> **planted** <img src=x onerror="alert(1)">'
# Sessions end sooner than on the real page, in the same order: first nobody can come back, then all is let go of.
# Downloads are held for longer than the tests take: only that their visitor is gone may end them.
ENTRY = """
from mriseg.app.server import download_cache, sessions
sessions.GONE_AFTER, sessions.LOOKED_EVERY = 2.0, 0.5
download_cache.HELD_FOR = 600.0
from mriseg.app.page import run
run()
"""
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
# What nobody else can know: random numbers of 122 bits for uploads, and for downloads a keyed name of their content.
UPLOADS, DOWNLOADS = rf"/_stcore/upload_file/{UUID}/{UUID}", r"/media/[0-9a-f]{32}\.\w+"
# What is the same for everybody; a browser may ask for it in one window and not in the next.
OF_THE_PAGE = r"/favicon\.png|/static/.*"


@dataclass
class Seen:
    """A session in a browser: its page, what it asked for, and all that came over its websocket."""

    page: object
    requests: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def received(self) -> bytes:
        """All of it in one."""
        return b"\n".join(self.frames)

    @property
    def addresses(self) -> set[str]:
        """Paths on the server."""
        return {urlsplit(url).path for url in self.requests if url.startswith("http")}


@dataclass
class Meeting:
    """Two who were on the page at the same time; one has left since."""

    server: Server
    folder: Path
    files_before: dict[str, bytes]
    log: Path
    leaver: Seen
    stayer: Seen
    session: str
    downloads: dict[str, bytes]
    kept: list[str]
    own: tuple[bytes, ...]
    cookie: str
    refused: int
    while_there: dict[str, tuple[int, bytes]]
    stayer_page: str
    afterwards: dict[str, tuple[int, bytes]]


@pytest.fixture(scope="module")
def meeting(chromium, coarse: Phantom, tmp_path_factory) -> Iterator[Meeting]:
    """Who leaves drops a scan that says whose it is and takes everything away; who stays drops another and looks on."""
    folder, log = tmp_path_factory.mktemp("server"), tmp_path_factory.mktemp("log") / "log"
    (folder / "page.py").write_text(ENTRY)
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_bytes((ROOT / ".streamlit" / "config.toml").read_bytes())
    (folder / "tmp").mkdir()
    private = {"TMPDIR": str(folder / "tmp"), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    options = "--logger.level=debug", "--server.disconnectedSessionTTL=1"
    with log.open("wb") as stream:
        server = Server(stream, options, {**private, "PYTHONPATH": str(ROOT)}, folder / "page.py")
        try:
            yield _met(chromium, coarse, server, folder, log)
        finally:
            server.stop()


def _met(chromium, coarse: Phantom, server: Server, folder: Path, log: Path) -> Meeting:
    contexts = [chromium.new_context(viewport=WINDOW) for _ in range(2)]
    leaver, stayer = (_visit(context, server.address) for context in contexts)
    files_before = _files(folder)
    drop(leaver.page, NAME, planted_scan(coarse))
    drop(stayer.page, "other.png", encode_scan(SAMPLES["slice-t1"].make()[0]))
    downloads, kept = {}, []
    for button in leaver.page.locator("[data-testid='stDownloadButton'] button").all():
        with leaver.page.expect_download() as started:
            button.click()
        downloads[started.value.suggested_filename] = Path(started.value.path()).read_bytes()
        kept.append(urlsplit(started.value.url).path)
    leaver.requests += [f"{server.address}{path}" for path in kept]
    (session,) = {path.split("/")[3] for path in leaver.addresses if path.startswith("/_stcore/upload_file/")}
    result = leaver.page.evaluate("document.querySelector('.mriseg-viewer').dataset.result")
    own = tuple(word.encode() for word in (session, result, *(Path(path).stem for path in kept)))
    cookies = {cookie["name"]: cookie["value"] for cookie in contexts[1].cookies()}
    uploaded = {"file": {"name": "x", "mimeType": "text/plain", "buffer": b"x"}}
    mine = next(url for url in stayer.requests if "/upload_file/" in url)
    refused = contexts[1].request.put(mine, multipart=uploaded).status
    while_there = _fetched(contexts[1], server, leaver)
    stayer.page.locator(".mriseg-viewer").first.wait_for()
    stayer_page = stayer.page.content() + stayer.page.inner_text("body")
    contexts[0].close()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and any(contexts[1].request.get(f"{server.address}{path}").ok for path in kept):
        time.sleep(0.5)
    afterwards = _fetched(contexts[1], server, leaver)
    contexts[1].close()
    return Meeting(
        server,
        folder,
        files_before,
        log,
        leaver,
        stayer,
        session,
        downloads,
        kept,
        own,
        cookies.get(XSRF_COOKIE, ""),
        refused,
        while_there,
        stayer_page,
        afterwards,
    )


def _visit(context, address: str) -> Seen:
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: seen.frames.append(_bytes(frame))))
    page.goto(address)
    rest(page)
    return seen


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def _fetched(context, server: Server, of: Seen) -> dict[str, tuple[int, bytes]]:
    """What another gets who asks for every address that one asked for: status and content, by the path."""
    found = {}
    for path in sorted(of.addresses):
        if path.startswith("/static/"):  # Streamlit's own, the same for everybody
            continue
        response = context.request.get(f"{server.address}{path}")
        found[path] = response.status, response.body()
    return found


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def planted_scan(phantom: Phantom) -> bytes:
    """A NIfTI that says whose it is wherever it can."""
    scan = simulate(phantom, Contrast.T1)
    image = nibabel.Nifti1Image(scan.data, scan.affine)
    for name, text in FIELDS.items():
        image.header[name] = text
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, EXTENSION))
    return gzip.compress(image.to_bytes())


def laid_open(name: str, content: bytes) -> bytes:
    """A file with all that is packed in it, its members' names and its hidden texts, as far as its format has any."""
    parts = [name.encode(), content]
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [laid_open(member.filename, archive.read(member)) for member in archive.infolist()]
            parts += [archive.comment, *(member.comment + member.extra for member in archive.infolist())]
    elif name.endswith(".gz"):
        parts += [gzip.decompress(content)]
    elif name.endswith(".pdf"):
        paper = pypdf.PdfReader(io.BytesIO(content))
        parts += [repr(paper.metadata).encode(), *(page.extract_text().encode() for page in paper.pages)]
    elif name.endswith((".png", ".gif")):
        parts += [repr(PIL.Image.open(io.BytesIO(content)).info).encode()]
    return b"\n".join(parts)


def opened(server: Server) -> list[str]:
    """What the server has open: files, those without a name too, and sockets."""
    found = []
    for descriptor in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(descriptor.readlink()))
    return found


def says(content: bytes) -> list[bytes]:
    """Which of the planted words are in it."""
    return [word for word in PLANTED if word.lower() in content.lower()]


def test_the_scan_says_whose_it_is(coarse):
    assert set(says(laid_open(NAME, planted_scan(coarse)))) == {b"DOE_JANE", b"19700101", b"PLANTED^"}


def test_another_visitor_receives_nothing_of_it(meeting):
    received = meeting.stayer.received + meeting.stayer_page.encode()
    assert len(meeting.stayer.frames) > 10
    assert says(received) == []
    for word in meeting.own:  # the session, the result, the names of the downloads
        assert word not in received
        assert word.decode() not in "".join(meeting.stayer.requests)
    assert meeting.session.encode() in meeting.leaver.received  # where the same words do arrive


def test_what_can_be_fetched_from_elsewhere_cannot_be_guessed(meeting):
    own = meeting.leaver.addresses - meeting.stayer.addresses
    assert any(re.fullmatch(UPLOADS, path) for path in own)
    assert set(meeting.kept) <= own
    for path in meeting.kept:  # the name is as long as it takes, and who has it has the file
        assert meeting.while_there[path][1] in meeting.downloads.values()
    for path in own:
        assert re.fullmatch(f"{UPLOADS}|{DOWNLOADS}|{OF_THE_PAGE}", path), path
        if re.fullmatch(
            UPLOADS, path
        ):  # nor read back with its address: that gives the empty page, as any address does
            assert meeting.while_there[path] == meeting.while_there["/"]


def test_nothing_of_it_is_left_after_the_visit(meeting):
    contents = set(meeting.downloads.values())
    for path, (status, content) in meeting.afterwards.items():
        assert content not in contents, path
        assert says(content) == []
        if re.fullmatch(UPLOADS, path):
            assert content == meeting.afterwards["/"][1]
        if path in meeting.kept:
            assert status == 404, path


def test_nobody_comes_back_to_the_session_after_the_visit(meeting):
    async def come_back() -> tuple[str, str]:
        visitor = Visitor(meeting.server.address)
        visitor.session = meeting.session
        await visitor.arrive()
        words, session = visitor.words(), visitor.session
        await visitor.leave()
        return words, session

    words, session = visited(come_back())
    assert session != meeting.session
    assert says(words.encode()) == []
    assert meeting.own[1] not in words.encode()  # but the opening sample


def test_downloads_say_neither_whose_the_scan_is_nor_what_its_file_was_called(meeting):
    assert len(meeting.downloads) == 10
    for name, content in meeting.downloads.items():
        assert says(laid_open(name, content)) == [], name
    labels = next(content for name, content in meeting.downloads.items() if name.endswith("_dseg.nii.gz"))
    header = nibabel.Nifti1Image.from_bytes(gzip.decompress(labels)).header
    assert [bytes(header[name].tobytes()).strip(b"\0") for name in FIELDS] == [b""] * len(FIELDS)
    assert not header.extensions


def test_the_server_keeps_nothing_on_disk_and_says_nothing_in_its_log(meeting):
    log = meeting.log.read_bytes()
    assert meeting.session.encode() in log  # it does say what it does
    assert says(log) == []
    files = _files(meeting.folder)
    assert set(files) == set(meeting.files_before)
    assert says(b"\n".join(files.values())) == []


def test_what_of_a_large_upload_is_on_disk_has_no_name_and_goes_when_the_upload_breaks(meeting):
    async def upload_half() -> tuple[list[str], list[str]]:
        visitor = Visitor(meeting.server.address)
        await visitor.arrive()
        (url,) = await visitor.addresses(["a.nii"])
        place = urlsplit(meeting.server.address)
        _, line = await asyncio.open_connection(place.hostname, place.port)
        line.write(
            f"PUT {url.upload_url} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Cookie: {XSRF_COOKIE}={visitor.cookie}\r\nX-Xsrftoken: {visitor.cookie}\r\nContent-Length: 8000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'.encode()
        )
        line.write(np.random.default_rng(0).bytes(4_000_000))
        await line.drain()
        await asyncio.sleep(1)
        during = opened(meeting.server)
        line.close()
        await visitor.leave()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and temporary(opened(meeting.server)):
            await asyncio.sleep(0.2)
        return during, opened(meeting.server)

    def temporary(paths: list[str]) -> list[str]:
        return [path for path in paths if path.startswith(f"{meeting.folder}/tmp/")]

    during, after = visited(upload_half())
    assert any(path.startswith("socket:") for path in during)
    assert all(path.endswith(" (deleted)") for path in temporary(during))
    assert temporary(after) == []


def test_an_upload_without_the_token_is_refused(meeting):
    assert meeting.cookie
    assert meeting.refused == 403


def test_the_page_asks_nobody_else(meeting):
    for seen in (meeting.leaver, meeting.stayer):
        outside = [url for url in seen.requests if not url.startswith((meeting.server.address, "data:", "blob:"))]
        assert outside == []


def test_texts_of_files_are_no_markup(chromium, address):
    """Names of files, descriptions in DICOM, in what is listed and in what is refused."""
    context = chromium.new_context(viewport=WINDOW)
    seen = _visit(context, address)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number, modality in enumerate(("MR", "MR", "CT")):
            tags = {"SeriesDescription": MARKUP, "Modality": modality, "ProtocolName": MARKUP, **PERSON}
            files = series(brainlike((40, 44, 20), seed=number), tags=tags, uid=f"1.2.3.{number}")
            for name, content in files:
                archive.writestr(f"{MARKUP.replace('/', '')}/{number}{name}", content)
    name = f"{MARKUP.replace('/', '')}.zip"
    seen.page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "", "buffer": stream.getvalue()}
    )
    seen.page.get_by_text("Series", exact=True).wait_for()
    seen.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    seen.page.get_by_role("combobox", name="Series").click()
    seen.page.get_by_role("option").first.wait_for()
    assert seen.page.get_by_role("option").count() == 2
    assert seen.page.locator("#planted, img[src=x]").count() == 0
    assert seen.page.locator("strong, b, em").filter(has_text="planted").count() == 0
    assert seen.dialogs == []
    assert says(seen.page.inner_text("body").encode()) == []
    context.close()
