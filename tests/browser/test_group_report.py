"""The report of a study in a real Chromium, opened as a file."""

import csv
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from mriseg.study import group_report
from mriseg.study.record import Record
from mriseg.study.table import Row
from tests.browser.conftest import sync_api
from tests.study.test_table import changed, record

pytestmark = pytest.mark.browser
HOSTILE = 'sub-<img src=x onerror="document.title=1">'
COUNT = 230  # more than a page shows


def usual(number: int) -> Record:
    """Figures that differ from scan to scan, and none far."""
    head, part = record(np.random.default_rng(0)), (37 * number % 101) / 100
    volumes = {tissue: ml + 100 * part for tissue, ml in head.volumes_ml.items()}
    return replace(head, volumes_ml=volumes, brain_ml=sum(volumes.values()), quality={"snrd_total": 30 + part})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study whose first scan lies apart, whose second has a hostile name, and whose last failed."""
    place = tmp_path_factory.mktemp("study")
    rows = [Row(f"sub-{n:03}", "x", usual(n)) for n in range(COUNT)]
    rows[0] = changed(rows[0], snrd_total=5.0)
    rows[1] = Row(HOSTILE, "x", rows[1].record)
    rows[-1] = Row(rows[-1].name, "x", Record("x", "It is cut short."))
    pictures = {row.name: f"pictures/{n} #é.jpg" for n, row in enumerate(rows[:-1])}
    (place / "pictures").mkdir()
    for path in pictures.values():
        PIL.Image.new("RGB", (48, 10), (90, 60, 30)).save(place / path)
    (place / "group_report.html").write_bytes(group_report.html(rows, {}, pictures).encode())
    return place


@pytest.fixture
def page(chromium, folder):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith("file:") else errors.append(request.url))
    opened.goto((folder / "group_report.html").as_uri())
    yield opened
    assert errors == []
    context.close()


def numbers(page: "sync_api.Page", column: int) -> list[float]:
    return [float(text) for text in page.locator(f"#table tbody td:nth-child({column})").all_inner_texts() if text]


def test_a_click_on_a_heading_sorts_and_another_turns_the_order(page):
    page.click("[data-view=table]")
    heading = page.get_by_role("button", name="Gray matter, mL", exact=True)
    for order, sign in (("ascending", 1), ("descending", -1)):
        heading.click()
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == order
        found = numbers(page, 4)
        assert len(found) == 200
        assert found == sorted(found, key=lambda value: sign * value)


def test_searching_and_choosing_leave_the_scans_that_are_meant(page):
    page.fill("#find", "sub-12")
    assert page.inner_text("#count") == "10 of 230"
    page.fill("#find", "cut short")
    assert page.inner_text("#count") == "1 of 230"
    page.fill("#find", "")
    page.select_option("#which", "flagged")
    assert page.locator("#mosaics figure .name").all_inner_texts() == ["sub-000"]
    page.select_option("#which", "failed")
    assert page.locator("#mosaics figure .name").all_inner_texts() == ["sub-229"]
    page.fill("#find", "nothing has this")
    assert "No scan is as asked for" in page.inner_text("#mosaics")


def test_pages_hold_all_scans_once(page):
    seen = page.locator("#mosaics .name").all_inner_texts()
    page.click("#after")
    seen += page.locator("#mosaics .name").all_inner_texts()
    assert len(seen) == len(set(seen)) == COUNT
    assert page.is_disabled("#after")


def test_pictures_are_found_whatever_their_names_and_names_are_no_markup(page):
    page.locator("#mosaics figure").nth(1).scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('#mosaics img')[1].naturalWidth === 48")
    assert page.locator("#mosaics .name").nth(1).inner_text() == HOSTILE
    page.click("[data-view=table]")
    assert "Brain tissue" in page.title()


def test_keys_step_through_the_scans_enlarged_mark_them_and_the_marks_last(page):
    page.keyboard.press("j")
    name = page.locator("dialog strong")
    assert name.inner_text() == "sub-000"
    page.keyboard.press("ArrowRight")
    assert name.inner_text() == HOSTILE
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert name.inner_text() == "sub-002"
    page.locator("dialog input").check()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    page.wait_for_timeout(500)  # Chromium hands what is kept to another process, and does not say when that has it
    page.reload()
    assert page.inner_text("#save") == "Save those not usable (2)"
    page.select_option("#which", "marked")
    assert page.locator("#mosaics .name").all_inner_texts() == [HOSTILE, "sub-002"]


def test_what_is_marked_can_be_saved(page, tmp_path):
    page.locator("#mosaics figure").nth(3).get_by_role("checkbox").check()
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "not_usable.tsv"
    download.value.save_as(tmp_path / "saved.tsv")
    with open(tmp_path / "saved.tsv", encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream, delimiter="\t")) == [{"participant_id": "sub-003", "scan": "sub-003"}]


def test_what_lies_apart_opens_from_its_plot(page):
    page.locator("#distributions svg a").first.click()
    assert page.locator("dialog strong").inner_text() == "sub-000"
    assert "signal to noise against air (SNRd) 5.0" in page.inner_text("dialog ul")
    page.click("dialog .close")


@pytest.mark.parametrize("width", [400, 800, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_reaches_beyond_the_window(page, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    for view in ("mosaics", "table"):
        page.click(f"[data-view={view}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
