"""Dragging a curve of the histogram on the page: what repaints, what says that it is no result, and what ends it."""

import io

import numpy as np
import pytest
from PIL import Image

from mriseg.app import texts
from mriseg.datasets.samples import SAMPLES
from tests.browser.conftest import CANVAS, assert_whole, drop, keep, opened, wait_until_nothing_moves
from tests.browser.test_viewer import pixels, settle

pytestmark = pytest.mark.browser
SOON = 50  # ms from the pointer's move to the repainted slice
# From each pointer move to the last image that is laid on a canvas after it, ms.
WATCH = """() => {
    window.delays = [];
    let moved = null;
    document.addEventListener('pointermove', (event) => { moved = event.timeStamp; }, true);
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...given) {
        draw.apply(this, given);
        if (moved === null) return;
        window.last = performance.now() - moved;
        clearTimeout(window.saved);
        window.saved = setTimeout(() => { window.delays.push(window.last); moved = null; });
    };
}"""


@pytest.fixture(scope="module")
def sample(chromium, address):
    """The page with its sample, for all tests here: each leaves it as the fit has it."""
    page = opened(chromium, address)
    page.locator(".mriseg-overlay").wait_for(state="attached")
    wait_until_nothing_moves(page)
    yield page
    page.close()


@pytest.fixture
def histogram(sample):
    """The same with the pointer away from it."""
    sample.mouse.move(1, 1)
    settle(sample)
    assert not is_what_if(sample)
    return sample


def middle(page, selector: str, number: int = 0) -> tuple[float, float]:
    box = page.locator(selector).nth(number).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start: tuple[float, float], by: tuple[float, float], moves: int = 8) -> None:
    """Take hold of something and move it; it is not let go of."""
    page.mouse.move(*start)
    page.mouse.down()
    for n in range(1, moves + 1):
        page.mouse.move(start[0] + by[0] * n / moves, start[1] + by[1] * n / moves)
        settle(page)


def is_what_if(page) -> bool:
    return page.locator(".mriseg-viewer").get_attribute("data-what-if") == "on"


def back(page) -> None:
    page.wait_for_function("document.querySelector('.mriseg-viewer').dataset.whatIf === ''")
    settle(page)


def test_the_hint_stands_at_the_histogram_and_there_is_something_to_take_hold_of(histogram):
    assert "Drag a curve" in histogram.locator(".mriseg-hint").inner_text()
    assert histogram.locator(".mriseg-mean").count() == 3
    assert histogram.locator(".mriseg-width").count() == 3
    assert histogram.locator(".mriseg-threshold").count() == 2
    assert histogram.locator(".mriseg-short").all_text_contents() == ["CSF", "GM", "WM"]
    assert not histogram.locator(".mriseg-what-if").is_visible()
    cursors = histogram.locator(".mriseg-overlay [data-handle]").evaluate_all(
        "all => all.map(one => getComputedStyle(one).cursor)"
    )
    assert set(cursors) <= {"grab", "ew-resize", "auto"}
    for slider in histogram.locator(".mriseg-overlay [role=slider]").all():
        assert slider.get_attribute("aria-label")
        assert float(slider.get_attribute("aria-valuenow")) > 0


def saved(page) -> np.ndarray:
    """The picture that is saved."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=texts.SAVE_PICTURE).click()
    return np.array(Image.open(waiting.value.path()))


def test_a_dragged_curve_recolors_the_slice_and_escape_brings_all_back(histogram):
    page = histogram
    original, segmented = pixels(page, 0), pixels(page, 1)
    page.evaluate("() => { window.told = 0; document.addEventListener('mriseg-slice', () => { window.told += 1; }); }")
    drag(page, middle(page, ".mriseg-mean", 1), (60, 10))
    assert is_what_if(page)
    assert pixels(page, 1) != segmented
    assert pixels(page, 0) == original
    assert page.locator(".mriseg-what-if").is_visible()
    assert "not the result" in page.locator(".mriseg-what-if").inner_text()
    assert "slice" in page.locator(".mriseg-hint").inner_text()
    faded = page.locator(".st-key-histogram .scatterlayer").first.evaluate("one => getComputedStyle(one).opacity")
    assert float(faded) < 0.5
    keep(page, "dragged")
    page.mouse.up()
    picture = saved(page)
    # What is shown otherwise follows, too.
    page.locator(".mriseg-viewer").get_by_label(texts.LAYER, exact=True).select_option("entropy")
    settle(page)
    doubt = pixels(page, 1)
    page.keyboard.press("Escape")
    back(page)
    assert pixels(page, 1) != doubt
    page.locator(".mriseg-viewer").get_by_label(texts.LAYER, exact=True).select_option("segmented")
    settle(page)
    page.mouse.move(1, 1)
    settle(page)
    assert pixels(page, 1) == segmented
    assert not page.locator(".mriseg-what-if").is_visible()
    assert "Drag a curve" in page.locator(".mriseg-hint").inner_text()
    assert (picture == saved(page)).all()  # the result's, also amid a what-if
    assert page.evaluate("window.told") == 0  # the story of the picture is that of the result
    assert_whole(page)


def test_widths_thresholds_and_the_curve_itself_are_dragged(histogram):
    page = histogram
    segmented = pixels(page, 1)
    box = page.locator(".mriseg-threshold").first.bounding_box()
    line = (box["x"] + box["width"] / 2, box["y"] + 0.4 * box["height"])
    for start, by in ((middle(page, ".mriseg-width", 1), (40, 0)), (line, (70, 0))):
        drag(page, start, by)
        page.mouse.up()
        assert pixels(page, 1) != segmented
        page.keyboard.press("Escape")
        back(page)
    drag(page, point_of_curve(page), (50, 0))
    page.mouse.up()
    assert is_what_if(page)
    page.get_by_role("button", name="Back to the fit").click()
    back(page)
    page.mouse.move(1, 1)
    settle(page)
    assert pixels(page, 1) == segmented


def highlighted(page) -> str:
    return page.locator(".mriseg-viewer").get_attribute("data-highlighted") or ""


def point_of_curve(page) -> tuple[float, float]:
    """A point of the second curve's line, beside its handles."""
    return page.evaluate(
        """() => {
            const line = document.querySelector('.mriseg-grip[data-handle="mean 1"]');
            const at = [...Array(400).keys()].map((n) => line.getPointAtLength(n * line.getTotalLength() / 400));
            const top = at.reduce((best, one) => (one.y < best.y ? one : best));
            const beside = at.find((one) => one.x > top.x - 30);
            const box = line.ownerSVGElement.getBoundingClientRect();
            return [box.left + beside.x, box.top + beside.y];
        }"""
    )


def test_what_a_drag_changes_is_not_covered_by_a_tissue_that_is_pointed_at(histogram):
    page = histogram
    page.mouse.move(*point_of_curve(page))
    settle(page)
    assert highlighted(page)
    knob = middle(page, ".mriseg-mean", 1)
    page.mouse.move(*knob)
    settle(page)
    assert not highlighted(page)
    drag(page, knob, (60, 10))
    page.mouse.up()
    settle(page)
    dragged = pixels(page, 1)
    for place in (middle(page, ".mriseg-mean", 1), point_of_curve(page), middle(page, ".st-key-histogram .nsewdrag")):
        page.mouse.move(*place)
        page.mouse.move(place[0] + 1, place[1])
        settle(page)
        assert not highlighted(page)
    assert pixels(page, 1) == dragged
    page.keyboard.press("Escape")
    back(page)


@pytest.mark.parametrize("handle", ["mean", "width", "threshold", "curve"])
def test_a_finger_drags_as_far_as_it_goes(histogram, handle):
    page = histogram
    page.evaluate("() => { window.cancelled = 0; addEventListener('pointercancel', () => { cancelled += 1; }, true); }")
    touch = page.context.new_cdp_session(page)
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    x, y = point_of_curve(page) if handle == "curve" else middle(page, f".mriseg-{handle} :is(circle, line)")
    values = []
    for step in range(9):
        kind = "touchMove" if step else "touchStart"
        point = {"x": x + 3 * step, "y": y - 8 * step}  # upward as well, where the page would scroll
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        settle(page)
        values.append(page.locator(".mriseg-overlay [role=slider]:focus").get_attribute("aria-valuenow"))
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touch.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    touch.detach()
    assert page.evaluate("window.cancelled") == 0
    assert len(set(values[1:])) == len(values) - 1
    page.keyboard.press("Escape")
    back(page)


def test_keys_drag_too(histogram):
    page = histogram
    slider = page.get_by_role("slider", name="Gray matter: mean and share")
    before = float(slider.get_attribute("aria-valuenow"))
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    settle(page)
    assert float(slider.get_attribute("aria-valuenow")) > before
    assert slider.evaluate("one => one === document.activeElement")
    assert is_what_if(page)
    page.keyboard.press("Escape")
    back(page)
    assert float(slider.get_attribute("aria-valuenow")) == before


def test_the_fit_from_here_climbs_and_recolors(histogram):
    page = histogram
    drag(page, middle(page, ".mriseg-mean", 1), (50, 20))
    page.mouse.up()
    page.evaluate(
        """() => {
            const hint = document.querySelector('.mriseg-hint');
            window.said = [];
            const watch = new MutationObserver(() => window.said.push(hint.textContent));
            watch.observe(hint, {characterData: true, subtree: true});
        }"""
    )
    page.get_by_role("button", name="Fit from here").click()
    page.wait_for_function("document.querySelector('.mriseg-hint').textContent.includes('ended')")
    said = [text for text in page.evaluate("window.said") if "Iteration" in text]
    assert all("Plain EM with one Gaussian per tissue" in text for text in said)
    climbed = [float(text.rsplit(" ", 1)[1]) for text in said]
    assert len(climbed) > 3
    assert climbed == sorted(climbed)
    assert [int(text.split("Iteration ")[1].split(":")[0]) for text in said] == list(range(len(said)))
    assert is_what_if(page)
    page.get_by_role("button", name="Back to the fit").click()
    back(page)


def test_another_result_ends_it_and_nothing_of_it_is_sent(histogram):
    page = histogram
    before = page.locator(".mriseg-viewer").get_attribute("data-result")
    drag(page, middle(page, ".mriseg-mean", 1), (60, 0))
    page.mouse.up()
    assert page.locator(".mriseg-viewer").get_attribute("data-requested") is None
    drop(page, "slice.png", large_picture())
    assert page.locator(".mriseg-viewer").get_attribute("data-result") != before
    assert not is_what_if(page)
    assert not page.locator(".mriseg-what-if").is_visible()
    # The picture that stands now has 512 by 512 pixels.
    assert quartile_of_delays(page) < SOON


def large_picture() -> bytes:
    """A slice of 512 by 512 pixels."""
    data = SAMPLES["slice-t1"].make()[0].data
    picture = Image.fromarray(np.uint8(255 * data / data.max())).resize((512, 512), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def quartile_of_delays(page) -> float:
    """From pointer moves to the repainted slice, ms: what the faster of them take, for machines have more to do."""
    wait_until_nothing_moves(page)
    page.evaluate(WATCH)
    drag(page, middle(page, ".mriseg-mean", 1), (50, 10), moves=30)
    page.mouse.up()
    delays = page.evaluate("window.delays")
    assert len(delays) > 10
    page.keyboard.press("Escape")
    back(page)
    return float(np.quantile(delays, 0.25))


def test_the_slices_of_a_head_are_repainted_at_once(head_page):
    assert head_page.locator(CANVAS).count() == 4
    assert quartile_of_delays(head_page) < SOON
