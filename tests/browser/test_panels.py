"""What the page shows besides the viewer: fit, comparison, rendering, report, address."""

import io
import re
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import scipy

from mriseg.app.session import OPENING_SAMPLE
from mriseg.core.scan import volume
from mriseg.core.tissue import Contrast
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from tests.browser.conftest import (
    CANVAS,
    assert_whole,
    colors,
    drop,
    keep,
    open_anew,
    opened,
    rest,
    shown_result,
    wait_for_another,
    wait_until,
)

pytestmark = pytest.mark.browser
CURVES = (
    "[...document.querySelectorAll(`${key} .js-plotly-plot .scatterlayer path.js-line`)].map(p => p.getAttribute('d'))"
)


def curves(page, key: str = ".st-key-histogram") -> str:
    """The curves of a plot, as drawn."""
    return page.evaluate(f"key => {CURVES}.join()", key)


def wait_for_other_curves(page, before: str, key: str = ".st-key-histogram") -> None:
    page.wait_for_function(f"([key, before]) => {CURVES}.join() !== before", arg=[key, before])


@pytest.fixture(scope="module")
def sample(chromium, address):
    """The page as it opens, for tests that leave it so."""
    page = opened(chromium, address)
    yield page
    page.close()


def reset(page, first: str) -> None:
    """Bring every setting back."""
    before = shown_result(page)
    page.get_by_role("button", name="Reset settings").click()
    wait_for_another(page, before)
    assert shown_result(page) == first


@pytest.mark.parametrize(("label", "steps"), [("Spatial smoothing strength", 12), ("Bias field correction", 2)])
def test_dragging_a_knob_moves_the_image(sample, label, steps):
    before, pixels = shown_result(sample), colors(sample, 1)
    knob = sample.locator(f'[role="group"][aria-label="{label}"] input').first
    knob.scroll_into_view_if_needed()
    knob.focus()
    for _ in range(steps):
        sample.keyboard.press("ArrowRight")
    wait_for_another(sample, before)
    sample.wait_for_timeout(500)  # the last step may still be under way
    rest(sample)
    keep(sample, f"knob-{label.split()[0].lower()}")
    assert_whole(sample)
    assert colors(sample, 1) != pixels
    reset(sample, before)


def test_typing_another_number_of_classes_changes_the_fit(sample):
    before, drawn = shown_result(sample), curves(sample)
    box = sample.get_by_label("Number of tissue classes", exact=True)
    box.fill("5")
    box.press("Enter")
    wait_for_another(sample, before)
    wait_for_other_curves(sample, drawn)
    keep(sample, "five-classes")
    assert_whole(sample)
    reset(sample, before)
    assert box.input_value() == "3"


def test_counts_are_shown_logarithmic_and_before_correction(sample):
    drawn = curves(sample)
    for name in ("Logarithmic counts", "Before bias correction"):
        sample.locator("[data-testid=stCheckbox]").filter(has_text=name).locator("label").click()
        wait_for_other_curves(sample, drawn)
        drawn = curves(sample)
    keep(sample, "logarithmic")
    assert_whole(sample)
    for name in ("Logarithmic counts", "Before bias correction"):
        sample.locator("[data-testid=stCheckbox]").filter(has_text=name).locator("label").click()
        wait_for_other_curves(sample, drawn)
        drawn = curves(sample)


def test_expectation_maximization_step_by_step(sample):
    sample.get_by_role("tab", name="How this was computed").click()
    sample.get_by_text("Step by step").click()
    sample.locator(".st-key-steps .js-plotly-plot .scatterlayer path").first.wait_for(state="attached")
    drawn = curves(sample, ".st-key-steps")
    slider = sample.locator('[role="group"][aria-label="Iteration"] input').first
    slider.scroll_into_view_if_needed()
    slider.focus()
    for _ in range(5):
        sample.keyboard.press("ArrowRight")
    wait_for_other_curves(sample, drawn, ".st-key-steps")
    keep(sample, "steps")
    assert_whole(sample)


@pytest.mark.parametrize(("label", "start"), [("Report (HTML)", b"<!"), ("Report (PDF)", b"%PDF")])
def test_the_report_is_one_file(sample, label, start):
    with sample.expect_download() as waiting:
        sample.get_by_role("button", name=label).click()
    content = waiting.value.path().read_bytes()
    assert content.lower().startswith(start.lower())
    assert len(content) < 1_000_000
    assert b"http://" not in content.replace(b"http://www.w3.org", b"")


def test_a_simpler_method_stands_beside_the_model(sample):
    sample.get_by_role("tab", name="Compare").click()
    before = shown_result(sample)
    sample.get_by_role("combobox", name="Compare with").click()
    sample.get_by_role("option", name="A simpler method").click()
    wait_for_another(sample, before)
    # What was chosen is shown at once.
    assert sample.locator(".mriseg-viewer").get_by_label("Layout", exact=True).input_value() == "compare"
    sample.wait_for_function(
        "canvases => document.querySelectorAll(canvases).length === 3", arg=f"{CANVAS}[data-drawn]"
    )
    # Without a mask the air and the scalp become tissue: that is what the method does wrong.
    wait_until(sample, lambda: sum(colors(sample, 0).values()) > 1.2 * sum(colors(sample, 1).values()))
    keep(sample, "simpler")
    assert_whole(sample)


def test_the_rendering_is_made_when_opened_and_shows_the_brain(head_page):
    page = head_page
    assert page.locator("iframe").count() == 0
    page.get_by_role("tab", name="3-D").click()
    canvas = page.frame_locator("iframe").locator("canvas").first
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    wait_until(page, lambda: colored_share(canvas.screenshot()) > 0.05)  # it draws when its shaders stand
    frame = page.frame_locator("iframe")
    assert canvas.bounding_box()["width"] > 0.95 * page.locator("iframe").bounding_box()["width"]
    assert not frame.get_by_text(re.compile(r"\d+ x \d+")).is_visible()  # no voxel under the pointer
    assert not frame.get_by_role("button").all()  # and nothing that takes the brain away
    wait_until(page, lambda: frame.get_by_label("Cut open").is_visible())
    cut_open = yellow_share(canvas.screenshot())
    keep(page, "rendering")
    frame.get_by_label("Depth of the cut").focus()
    page.keyboard.press("End")
    wait_until(page, lambda: colored_share(canvas.screenshot()) < 0.01)  # all of it is taken away
    frame.get_by_label("Cut open").select_option("Whole")
    wait_until(page, lambda: colored_share(canvas.screenshot()) > 0.05)
    assert yellow_share(canvas.screenshot()) < cut_open / 2  # white matter lies within
    assert page.requests_outside == []
    page.get_by_role("tab", name="Numbers and trust").click()
    rest(page)


def colored_share(png: bytes) -> float:
    """Share of the pixels of a screenshot that are colored."""
    pixels = np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return float(((pixels.max(-1) - pixels.min(-1)) > 40).mean())


def yellow_share(png: bytes) -> float:
    """Share of the pixels of a screenshot that have white matter's color: nearly as green as red."""
    red, green, blue = np.moveaxis(np.asarray(PIL.Image.open(io.BytesIO(png)).convert("RGB")).astype(int), -1, 0)
    return float(((red - blue > 60) & (green > 0.85 * red)).mean())


def test_a_reference_is_compared_on_the_same_slice(head_page, phantom):
    page = head_page
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("combobox", name="Compare with").click()
    page.get_by_role("option", name="Upload reference labels").click()
    before = shown_result(page)
    reference = encode_scan(volume(phantom.truth.astype("float32"), phantom.affine))
    box = page.get_by_test_id("stFileUploader").filter(has_text="reference").locator("input[type=file]")
    box.set_input_files({"name": "truth.nii.gz", "mimeType": "", "buffer": reference})
    wait_for_another(page, before)
    page.wait_for_function("document.querySelectorAll('.mriseg-panel canvas').length === 3")
    keep(page, "compare")
    page.get_by_role("tab", name="Compare").scroll_into_view_if_needed()
    keep(page, "compare-figures")
    assert_whole(page)
    assert min(colors(page, 0).values()) > 200  # the reference has all tissues
    assert sum(colors(page, 2).values()) < sum(colors(page, 0).values())  # less disagreement than tissue
    shown = page.locator("table", has_text="Jaccard").inner_text()
    found = re.search(r"White matter\s+(0\.\d+)", shown)
    assert found
    assert float(found[1]) > 0.85


def test_a_mask_of_ones_own_is_held_while_a_knob_moves(page):
    """The server keeps it, and not Streamlit: a later run must not find it empty."""
    scan, truth = SAMPLES[OPENING_SAMPLE].make()
    page.get_by_role("combobox", name="Brain extraction", exact=True).click()
    page.get_by_role("option", name="My own mask").click()
    inner = scipy.ndimage.binary_erosion(truth > 0, iterations=5)
    box = page.get_by_test_id("stFileUploader").filter(has_text="Drop the brain mask").locator("input[type=file]")
    before = shown_result(page)
    mask = {"name": "mask.nii.gz", "mimeType": "", "buffer": encode_scan(replace(scan, data=inner.astype("float32")))}
    box.set_input_files(mask)
    wait_for_another(page, before)
    given = shown_result(page)
    knob = page.locator('[role="group"][aria-label="Spatial smoothing strength"] input').first
    knob.focus()
    for key in ("ArrowRight", "ArrowLeft"):
        before = shown_result(page)
        page.keyboard.press(key)
        wait_for_another(page, before)
    keep(page, "mask")
    assert shown_result(page) == given
    assert_whole(page)


def test_the_address_opens_the_same_state(page):
    before = shown_result(page)
    page.get_by_role("combobox", name="Scan").click()
    page.get_by_role("option", name=SAMPLES["slice-t2"].title).click()
    wait_for_another(page, before)
    before = shown_result(page)
    box = page.get_by_label("Number of tissue classes", exact=True)
    box.fill("4")
    box.press("Enter")
    wait_for_another(page, before)
    assert page.url.endswith("?scan=slice-t2&classes=4")
    before = shown_result(page)
    open_anew(page, page.url)
    keep(page, "shared")
    assert shown_result(page) == before
    drop(page, "slice.png", encode_scan(SAMPLES["slice-t1"].make()[0]))
    assert "?" not in page.url


def test_a_second_scan_replaces_one_that_is_still_at_work(page, scanned):
    before = shown_result(page)
    box = page.locator("input[type=file]").first
    head = {"name": "head.nii.gz", "mimeType": "", "buffer": encode_scan(scanned(Contrast.T1))}
    box.set_input_files(head)
    page.get_by_text(re.compile("Finding the brain|Reading the scan|Finding out")).first.wait_for()
    slice_ = {"name": "slice.png", "mimeType": "", "buffer": encode_scan(SAMPLES["slice-t2"].make()[0])}
    box.set_input_files(slice_)
    wait_for_another(page, before)
    page.wait_for_function("document.querySelectorAll('.mriseg-panel canvas').length === 2")  # a picture has no planes
    page.wait_for_timeout(1000)
    keep(page, "replaced")
    assert page.locator(CANVAS).count() == 2
    assert page.get_by_text("T2-weighted").count() > 0
    assert_whole(page)
