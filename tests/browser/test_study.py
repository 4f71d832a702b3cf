"""A study as a visitor has it: drop, start, stop, go on, and take everything away."""

import gzip
import zipfile

import nibabel
import numpy as np
import pytest

from mriseg import Contrast, Result, read, segment
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.export.images import encode_scan
from tests.browser.conftest import assert_whole, blank, keep, open_anew
from tests.patience import PATIENCE

pytestmark = pytest.mark.browser

NAME = "Doe_Jane"  # of the files, which must be nowhere
ENDED = "2 done, 1 failed, 0 waiting."


@pytest.fixture(scope="module")
def heads(coarse) -> list[bytes]:
    return [encode_scan(simulate(coarse, Contrast.T1)), encode_scan(simulate(make_phantom(2, 4.0), Contrast.T2))]


@pytest.fixture(scope="module")
def results(heads) -> list[Result]:
    return [segment(read(content)) for content in heads]


@pytest.fixture(scope="module")
def study_page(chromium, address, heads):
    """The page with a study of three files that has ended; a control was moved while it ran."""
    page, frames = blank(chromium, address), []
    page.frames_received = frames
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))
    open_anew(page, address)
    page.get_by_role("tab", name="Study").click()
    page.get_by_text("Drop the scans of a study").wait_for()
    keep(page, "study-empty")
    contents = [heads[0], b"these words are no scan", heads[1]]
    page.locator('[data-testid="stMain"] input[type=file]').set_input_files(
        [
            {"name": f"{NAME}_{number}.nii.gz", "mimeType": "", "buffer": content}
            for number, content in enumerate(contents)
        ]
    )
    page.get_by_text("0 done, 0 failed, 3 waiting.").wait_for()
    keep(page, "study-queued")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("sub-01: ").wait_for()
    keep(page, "study-running")
    page.get_by_text("Before bias correction").click()
    page.get_by_text(ENDED).wait_for(timeout=1000 * PATIENCE)
    yield page
    page.close()


def test_the_table_fills_and_says_what_failed(study_page, results):
    keep(study_page, "study-done")
    table = study_page.locator(".mriseg-study")
    rows = table.inner_text()
    for result in results:
        for volume in result.volumes_ml.values():
            assert f"{volume:.0f} mL" in rows
    assert "its content is not of that kind" in rows
    pictures = table.locator("img")
    assert pictures.count() == 2
    for picture in pictures.all():
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    assert_whole(study_page)


def test_files_are_named_to_the_one_who_dropped_them_and_by_the_browser_alone(study_page):
    names = study_page.locator(".mriseg-study [data-bytes]").all_inner_texts()
    assert names == [f"{NAME}_{number}.nii.gz" for number in range(3)]
    received = b"".join(frame.encode() if isinstance(frame, str) else frame for frame in study_page.frames_received)
    assert b"sub-01" in received
    assert NAME.encode() not in received
    study_page.evaluate("document.querySelectorAll('.mriseg-study [data-bytes]').forEach(each => each.remove())")
    assert NAME not in study_page.content()


def test_the_zip_holds_what_the_engine_finds(study_page, results):
    with study_page.expect_download() as download:
        study_page.locator(".st-key-study_zip, .st-key-study-zip").get_by_role("button").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for name, result in zip(("sub-01", "sub-03"), results, strict=True):
        labels = nibabel.Nifti1Image.from_bytes(gzip.decompress(files[f"{name}/anat/{name}_dseg.nii.gz"]))
        np.testing.assert_array_equal(np.asarray(labels.dataobj), result.labels)
    assert {"tissue_volumes.tsv", "tissue_volumes.json", "group_report.html"} < files.keys()
    assert not any(NAME in name or NAME.encode() in content for name, content in files.items())
    assert NAME not in download.value.suggested_filename


@pytest.mark.parametrize("width", [1440, 1024, 768])
def test_nothing_is_wider_than_the_window(study_page, width):
    study_page.set_viewport_size({"width": width, "height": 900})
    main = study_page.locator('[data-testid="stMain"]')
    table = study_page.locator(".mriseg-study")
    assert main.evaluate("part => part.scrollWidth - part.clientWidth") == 0
    assert table.evaluate("table => table.scrollWidth - table.parentElement.clientWidth") <= 0
    for head in table.locator("thead th").all():
        assert head.evaluate("cell => cell.scrollWidth - cell.clientWidth") <= 0
