"""From the drop of a scan to its result: nothing of another scan is shown meanwhile, whatever comes of the drop."""

import io
import re

import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast
from mriseg.app.arrival.arrival import MODULES
from mriseg.app.scripts import joined_modules
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from tests.browser.conftest import CANVAS, assert_whole, keep, shown_result, wait_for_another

pytestmark = pytest.mark.browser
ADDRESS = "http://arrival.test/"  # answered by the test itself
NAME = "Doe_Jane_head.nii.gz"
SIDEBAR, SIDEBAR_BUTTON = '[data-testid="stSidebar"]', 'button[aria-controls="stSidebar"]'

# What a visitor could take for an answer: verdict, pictures, histogram and figures, and whether a veil lies over them.
LOOK = """() => {
    const part = document.querySelector('.st-key-results'), veil = document.documentElement.className;
    const style = part && getComputedStyle(part);
    const figures = [...document.querySelectorAll('[data-testid="stMetricValue"]')].map(each => each.innerText);
    const alerts = [...(part?.querySelectorAll('[data-testid="stAlert"]') ?? [])].map(each => each.innerText);
    const shown = [document.querySelector('.mriseg-viewer')?.dataset.result?.split(' ')[0],
        document.querySelector('.st-key-histogram .js-plotly-plot')?.layout?.meta];
    return {figures: figures.join(), alerts: alerts.join(), shown,
        veiled: Boolean(part) && style.filter.includes('blur') && style.pointerEvents === 'none'
            && part.getAttribute('aria-busy') === 'true'};
}"""
# Looks every so often, in the page itself: each look from outside would wait for the page.
WATCH = f"""() => {{ const look = {LOOK}; window.looks = []; window.lines = [];
    window.watching = setInterval(() => {{
        window.looks.push(look());
        const line = document.querySelector('.mriseg-work');
        if (line?.checkVisibility())
            window.lines.push([line.getBoundingClientRect().bottom, line.querySelector('button').checkVisibility()]);
    }}, 50); }}"""


@pytest.fixture(scope="module")
def script(chromium):
    """A page in which the functions of the component are known by their names."""
    page = chromium.contexts[0].new_page()
    body = re.sub(r"^export default ", "", joined_modules(MODULES), flags=re.MULTILINE)
    page.route(f"{ADDRESS}**", lambda route: route.fulfill(content_type="text/html", body="<!DOCTYPE html><body>"))
    page.goto(ADDRESS)
    page.add_script_tag(content=body)
    yield page
    page.close()


def veils(script, steps) -> list[str]:
    """The veil after each of some steps: a time in ms, and either "drop" or what a look at the page shows."""
    return script.evaluate(
        """steps => { let state = atRest(); return steps.map(([now, what]) => {
            state = what === 'drop' ? afterDrop(state, now) : afterLook(state, what, now);
            return veilOf(state, now); }) }""",
        steps,
    )


def sight(phase="stands", drops=0, *, together=True, running=False, uploading=False, other=True) -> dict:
    mark = None if phase is None else {"phase": phase, "drops": drops, "result": "x", "isOtherScan": other}
    return {"mark": mark, "isTogether": together, "isRunning": running, "isUploading": uploading}


class TestState:
    """When a veil lies over the results."""

    def test_from_the_drop_until_the_result_stands_with_all_that_belongs_to_it(self, script):
        steps = [
            (0, sight()),
            (10, "drop"),
            (60, sight(uploading=True)),
            (5000, sight(uploading=True)),
            (5050, sight(running=True)),
            (5100, sight(None, running=True)),
            (5150, sight("work", 1, running=True)),
            (9000, sight("stands", 1, together=False, running=True)),
            (9050, sight("stands", 1)),
        ]
        assert veils(script, steps) == ["none", *["full"] * 7, "none"]

    def test_a_fast_result_whose_work_nobody_saw_is_waited_for_all_the_same(self, script):
        steps = [(0, sight()), (10, "drop"), (60, sight("stands", 1, together=False)), (110, sight("stands", 1))]
        assert veils(script, steps) == ["none", "full", "full", "none"]

    def test_the_run_of_an_earlier_drop_does_not_lift_the_veil_of_a_later_one(self, script):
        steps = [
            (0, sight()),
            (10, "drop"),
            (60, sight("work", 1, running=True)),
            (70, "drop"),
            (500, sight("stands", 1)),
            (600, sight("work", 2, running=True)),
            (900, sight("stands", 2)),
        ]
        assert veils(script, steps) == ["none", *["full"] * 5, "none"]

    def test_where_all_of_a_drop_was_refused_the_veil_is_lifted_after_a_while(self, script):
        steps = [(0, sight()), (10, "drop"), (2900, sight()), (3100, sight())]
        assert veils(script, steps) == ["none", "full", "full", "none"]

    def test_a_setting_of_the_same_scan_is_veiled_lightly_and_only_if_it_takes_a_while(self, script):
        steps = [
            (0, sight()),
            (100, sight("work", running=True, other=False)),
            (350, sight("work", running=True, other=False)),
            (450, sight("work", running=True, other=False)),
            (600, sight("stands", together=False)),
            (650, sight("stands")),
        ]
        assert veils(script, steps) == ["none", "none", "none", "light", "light", "none"]

    def test_a_part_that_never_comes_does_not_leave_the_page_veiled(self, script):
        steps = [(0, sight("work", running=True)), (100, sight("stands", together=False))]
        assert veils(script, [*steps, (11000, sight("stands", together=False))])[1:] == ["full", "none"]

    def test_time_ticks(self, script):
        shown = script.evaluate("[0, 999, 1000, 59900, 65000].map(elapsedText)")
        assert shown == ["0 s", "0 s", "1 s", "59 s", "1 min 5 s"]


class TestNames:
    """The visitor's own names, which no server knows."""

    def test_an_upload_is_called_after_its_first_file(self, script):
        titles = script.evaluate(
            """() => [...titlesOf(
                [{title: 'Upload 2 (3 MB)', files: [['upload', 1], ['upload', 2]]},
                 {title: 'Upload 1 (1 MB)', files: [['folder', 0]]},
                 {title: 'Upload 3', files: [['upload', 9]]}],
                {upload: ['a.nii', 'b.nii', 'c.nii'], folder: ['study/head.dcm']}, '{} and {} more')]"""
        )
        assert titles == [["Upload 2 (3 MB)", "b.nii and 1 more"], ["Upload 1 (1 MB)", "head.dcm"]]

    def test_a_name_goes_when_what_it_stands_for_does(self, script):
        assert script.evaluate(
            """() => { const part = document.createElement('div'); part.textContent = 'Upload 1';
                const own = new Map([['Upload 1', '<b>a.nii</b>']]); const said = [];
                for (const text of ['Upload 1', 'Upload 2']) {
                    part.textContent = text; showTitles([part], own); said.push(part.dataset.ownName ?? null);
                }
                return said.concat(part.childElementCount); }"""
        ) == ["<b>a.nii</b>", None, 0]

    def test_scans_of_a_study_are_found_by_their_sizes_in_the_order_of_their_drop(self, script):
        names = script.evaluate(
            """() => studyNames([10, 20, 10, 30],
                [{name: 'a', size: 10}, {name: 'b', size: 10}, {name: 'c', size: 20}])"""
        )
        assert names == ["a", "c", "b", ""]


def test_files_of_dropped_folders_are_found_however_many(script):
    found = script.evaluate(
        """async () => {
            const file = name => ({isFile: true, file: done => done(new File(['x'], name))});
            const folder = (...children) => ({isDirectory: true, createReader: () => {
                const rest = [...children];
                return {readEntries: done => done(rest.splice(0, 100))};
            }});
            const many = Array.from({length: 250}, (_, n) => file(`${n}.dcm`));
            const tree = folder(...many, folder(file('inner.dcm'), file('.DS_Store')));
            const items = [{kind: 'file', webkitGetAsEntry: () => tree, getAsFile: () => null},
                {kind: 'string'},
                {kind: 'file', webkitGetAsEntry: () => null, getAsFile: () => new File(['y'], 'loose.nii')}];
            const files = await filesOf({items});
            return [files.length, files.at(-1).name, files.some(({name}) => name === 'inner.dcm')];
        }"""
    )
    assert found == [252, "loose.nii", True]


# ---------------------------------------------------------------- on the page


def give(page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": "", "buffer": content})


def drag(page, selector: str, kind: str, name: str = NAME, content: bytes = b"") -> None:
    """A drag over an element, or a drop on it, with a file."""
    page.evaluate(
        """([selector, kind, name, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(content)], name));
            const options = {bubbles: true, cancelable: true, dataTransfer: transfer};
            document.querySelector(selector).dispatchEvent(new DragEvent(kind, options));
        }""",
        [selector, kind, name, list(content)],
    )


def noise() -> bytes:
    stream = io.BytesIO()
    gray = np.random.default_rng(0).integers(0, 255, (120, 120), dtype=np.uint8)
    PIL.Image.fromarray(gray).save(stream, "PNG")
    return stream.getvalue()


def test_from_the_drop_on_nothing_of_the_old_scan_is_shown_and_the_new_result_comes_as_one(page, coarse):
    before, old = shown_result(page), page.evaluate(LOOK)
    page.evaluate(WATCH)
    give(page, NAME, encode_scan(simulate(coarse, Contrast.T2)))
    assert page.evaluate(LOOK)["veiled"]  # at once
    wait_for_another(page, before)
    page.wait_for_function("!document.documentElement.className.includes('mriseg-veil')")
    looks = page.evaluate("() => { clearInterval(window.watching); return window.looks; }")
    lines, new = page.evaluate("window.lines"), page.evaluate(LOOK)
    assert lines
    # Where the results will be, on the smallest of screens; with the way to cancel.
    assert all(bottom < 300 and cancel for bottom, cancel in lines)
    seen = [look for look in looks if not look["veiled"]]
    first = next(number for number, look in enumerate(looks) if look["veiled"])
    assert len(looks) > 5
    assert all(look == old for look in looks[:first])
    assert [look for look in looks[first:] if not look["veiled"]] == [new] * (len(seen) - first)
    assert new["figures"] != old["figures"]
    assert len({*new["shown"]}) == 1
    assert_whole(page)


def test_canceling_brings_the_earlier_scan_back(page, phantom):
    before, old = shown_result(page), page.evaluate(LOOK)
    give(page, NAME, encode_scan(simulate(phantom, Contrast.T1)))
    page.locator(".mriseg-words", has_text="brain").wait_for()
    page.locator(".mriseg-work").get_by_role("button", name="Cancel").click()
    page.wait_for_function("!document.documentElement.className.includes('mriseg-veil')")
    assert page.evaluate(LOOK) == old
    assert shown_result(page) == before
    opening = next(iter(SAMPLES.values())).title
    assert page.get_by_role("combobox", name="Scan", exact=True).input_value() == opening
    assert_whole(page)
    # Its upload is there still, by its own name in this browser alone.
    page.get_by_role("combobox", name="Scan", exact=True).click()
    option = page.get_by_role("option").first
    option.wait_for()
    page.wait_for_function("name => document.querySelector('[role=option]').dataset.ownName === name", arg=NAME)
    assert option.inner_text().startswith("Upload 1 (")
    keep(page, "own-name")
    option.click()
    wait_for_another(page, before)
    assert_whole(page)


def test_a_scan_is_dropped_anywhere_but_where_other_files_go(page):
    before = shown_result(page)
    sheet = page.locator(".mriseg-sheet")
    drag(page, ".st-key-results", "dragover")
    assert sheet.is_visible()
    keep(page, "sheet")
    sheet.wait_for(state="hidden")  # nothing is dragged any more
    page.get_by_role("tab", name="Study").click()
    page.get_by_text("Drop the scans of a study").wait_for()
    box = '[data-testid="stMain"] [data-testid="stFileUploaderDropzone"]'
    drag(page, box, "dragover")
    assert not sheet.is_visible()
    page.locator(SIDEBAR_BUTTON).dispatch_event("click")
    page.wait_for_selector(f"{SIDEBAR}[data-collapsed='true']", state="attached")
    drag(page, '[data-testid="stMain"]', "drop", content=encode_scan(SAMPLES["slice-t2"].make()[0]))
    wait_for_another(page, before)
    assert page.locator(f"{CANVAS}[data-drawn]").count() > 1
    assert page.get_by_text("Drop the scans of a study").count() == 1


def test_what_cannot_be_segmented_is_shown_with_what_may_help(page):
    give(page, "noise.png", noise())
    results = page.locator(".st-key-results")
    results.get_by_role("button", name="Use the whole image").wait_for()
    page.wait_for_function("!document.documentElement.className.includes('mriseg-veil')")
    keep(page, "refused")
    picture = results.locator("img")
    assert picture.evaluate("image => image.naturalWidth") > 50
    assert page.get_by_text("mask '").count() == 0
    results.get_by_role("button", name="Use the whole image").click()
    wait_for_another(page, None)
    assert page.get_by_role("combobox", name="Brain extraction", exact=True).input_value() == "Use the whole image"


def test_on_a_phone_a_scan_is_chosen_in_the_page_and_the_sidebar_closes_by_itself(page):
    page.set_viewport_size({"width": 390, "height": 844})
    before = shown_result(page)
    button = page.get_by_role("button", name="Choose a scan")
    button.wait_for()
    with page.expect_file_chooser() as chooser:
        button.click()
    page.locator(SIDEBAR_BUTTON).dispatch_event("click")
    page.wait_for_selector(f"{SIDEBAR}[data-collapsed='false']")
    content = encode_scan(SAMPLES["slice-t2"].make()[0])
    chooser.value.set_files({"name": "slice.png", "mimeType": "", "buffer": content})
    wait_for_another(page, before)
    assert page.locator(SIDEBAR).get_attribute("data-collapsed") == "true"
    keep(page, "phone-dropped")


def test_a_file_that_is_larger_than_the_page_takes_is_refused_where_it_was_dropped(page):
    old = page.evaluate(LOOK)
    page.evaluate(
        """() => { const file = new File(['x'], 'large.nii');
            Object.defineProperty(file, 'size', {value: 300e6});
            const input = document.querySelector('.st-key-upload input[type=file]');
            Object.defineProperty(input, 'files', {value: [file], configurable: true});
            input.dispatchEvent(new Event('change', {bubbles: true})); delete input.files; }"""
    )
    page.get_by_role("alert").get_by_text("larger than 200 MB").wait_for()
    assert page.evaluate(LOOK) == old
