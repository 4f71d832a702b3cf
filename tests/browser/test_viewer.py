"""The viewer: everything that it does without the server, and the slices that it asks the server for."""

import re

import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast
from mriseg.core.scan import volume
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from mriseg.image.orientation import orient
from tests.browser.conftest import (
    CANVAS,
    assert_whole,
    colors,
    drop,
    keep,
    open_anew,
    wait_until,
    wait_until_nothing_moves,
)
from tests.patience import PATIENCE

pytestmark = pytest.mark.browser


@pytest.fixture
def head(head_page):
    """The page with a head, its viewer as it opens."""
    viewer = head_page.locator(".mriseg-viewer")
    for name, value in (("Layout", "side"), ("Map", "segmented"), ("Plane", "2")):
        viewer.get_by_label(name, exact=True).select_option(value)
    for button in viewer.get_by_role("button", pressed=False).all():
        if button.inner_text() in ("Gray matter", "White matter", "Cerebrospinal fluid"):
            button.click()
    head_page.mouse.move(1, 1)
    settle(head_page)
    return head_page


def settle(page) -> None:
    """Wait for the next frames."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def pixels(page, panel: int = 1) -> str:
    return page.locator(CANVAS).nth(panel).evaluate("canvas => canvas.toDataURL()")


def drawn(page, panel: int = 0) -> str:
    return page.locator(CANVAS).nth(panel).get_attribute("data-drawn")


def test_three_planes_are_linked(head):
    keep(head, "viewer")
    assert head.locator(CANVAS).count() == 4  # the plane twice, and the two others
    small = pixels(head, 2)
    head.locator(CANVAS).nth(1).click(position={"x": 120, "y": 120})
    head.wait_for_function(
        "before => document.querySelectorAll('.mriseg-panel canvas')[2].toDataURL() !== before", arg=small
    )
    assert_whole(head)


def test_arrow_keys_move_through_slices_and_back(head):
    canvas = head.locator(CANVAS).first
    canvas.focus()
    first = drawn(head)
    seen = {first}
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        before = drawn(head)
        head.keyboard.press(key)
        head.wait_for_function(
            "before => document.querySelector('.mriseg-panel canvas').dataset.drawn !== before", arg=before
        )
        seen.add(drawn(head))
    assert len(seen) == 4
    head.keyboard.press("ArrowDown")
    head.keyboard.press("ArrowDown")
    head.keyboard.press("ArrowLeft")
    settle(head)
    assert drawn(head) == first
    assert_whole(head)


@pytest.mark.parametrize("name", ["Overlay opacity", "Window", "Level"])
def test_opacity_and_window_change_the_picture_without_the_server(head, name):
    asked = head.evaluate("document.querySelector('.mriseg-viewer').dataset.requested")
    shown, original = pixels(head), pixels(head, 0)
    head.get_by_text("Display options").click()
    head.locator(".mriseg-viewer").get_by_label(name, exact=True).focus()
    for _ in range(4):
        head.keyboard.press("ArrowLeft")
    settle(head)
    keep(head, f"slider-{name.split()[-1].lower()}")
    assert pixels(head) != shown
    assert (pixels(head, 0) == original) == (name == "Overlay opacity")
    for _ in range(4):
        head.keyboard.press("ArrowRight")
    head.get_by_text("Display options").click()
    settle(head)
    assert head.evaluate("document.querySelector('.mriseg-viewer').dataset.requested") == asked


@pytest.mark.parametrize(
    "layer", ["posterior-gm", "posterior-wm", "posterior-csf", "entropy", "corrected", "field", "mask"]
)
def test_every_map_is_its_own_view(head, layer):
    segmented, original = pixels(head), pixels(head, 0)
    head.locator(".mriseg-viewer").get_by_label("Map", exact=True).select_option(layer)
    settle(head)
    keep(head, f"map-{layer}")
    assert pixels(head) != segmented
    assert pixels(head, 0) == original  # beside it the scan stays as it is
    assert_whole(head)


@pytest.mark.parametrize(("layout", "panels"), [("overlay", 3), ("swipe", 3), ("three", 3), ("original", 3)])
def test_layouts(head, layout, panels):
    head.locator(".mriseg-viewer").get_by_label("Layout", exact=True).select_option(layout)
    settle(head)
    head.wait_for_function(
        "[...document.querySelectorAll('.mriseg-panel canvas')].every(canvas => canvas.dataset.drawn)"
    )
    keep(head, f"layout-{layout}")
    assert head.locator(CANVAS).count() == panels
    orange = [colors(head, panel)["orange"] for panel in range(panels)]
    assert not any(orange) if layout == "original" else all(orange)
    assert_whole(head)


def test_a_tissue_is_switched_off_and_on(head):
    button = head.locator(".mriseg-viewer").get_by_role("button", name="White matter")
    whole = colors(head, 1)
    button.click()
    head.mouse.move(1, 1)
    settle(head)
    assert colors(head, 1)["yellow"] < 0.1 * whole["yellow"]
    assert colors(head, 1)["blue"] > 0.9 * whole["blue"]
    button.click()
    head.mouse.move(1, 1)
    settle(head)
    assert colors(head, 1) == whole


def test_contours_leave_the_inside_gray(head):
    whole = colors(head, 1)
    head.get_by_text("Display options").click()
    head.get_by_role("button", name="Contours").click()
    settle(head)
    keep(head, "contours")
    assert 0 < colors(head, 1)["yellow"] < 0.6 * whole["yellow"]
    head.get_by_role("button", name="Contours").click()
    head.get_by_text("Display options").click()


def test_the_voxel_under_the_pointer_is_marked_on_the_histogram_with_its_posteriors(head):
    box = head.locator(CANVAS).nth(1).bounding_box()
    places = []
    for x, y in ((0.5, 0.45), (0.35, 0.3)):
        head.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        settle(head)
        places.append(head.locator(".mriseg-mark").evaluate("mark => mark.style.left"))
    keep(head, "probe")
    assert places[0] != places[1]
    said = head.locator(".mriseg-probe").inner_text()
    assert "mm" in said
    shares = [int(part.split("%")[0].split()[-1]) for part in said.split("\n") if "%" in part] or [
        int(word) for word in said.replace("%", " % ").split() if word.isdigit()
    ][-3:]
    assert sum(shares) == pytest.approx(100, abs=2)
    assert head.locator(".mriseg-meter").count() == 3


def test_the_mark_stands_at_its_intensity_also_after_the_plot_became_narrower(head):
    place = """() => {
        const plot = document.querySelector('.st-key-histogram .js-plotly-plot');
        const mark = plot.querySelector('.mriseg-mark');
        const {xaxis} = plot._fullLayout;
        return [xaxis._length, xaxis.p2l(mark.offsetLeft - xaxis._offset)];
    }"""
    said = head.locator(".mriseg-probe").inner_text()
    corrected = float(re.search(r"corrected ([\d.]+)", said)[1])
    wide, before = head.evaluate(place)
    try:
        head.set_viewport_size({"width": 1024, "height": 900})
        head.wait_for_function(f"wide => ({place})()[0] < wide - 50", arg=wide)
        wait_until_nothing_moves(head)
        _, after = head.evaluate(place)
    finally:
        head.set_viewport_size({"width": 1440, "height": 900})
        wait_until_nothing_moves(head)
    assert before == pytest.approx(corrected, rel=0.02)
    assert after == pytest.approx(corrected, rel=0.02)


def magnification(page) -> float:
    return float(page.locator(".mriseg-viewer").get_attribute("data-magnification") or 1)


def test_keys_wheel_and_drag_zoom_and_move_and_a_key_brings_all_back(head):
    canvas = head.locator(CANVAS).nth(1)
    canvas.focus()
    seen = [pixels(head)]
    for key in ("+", "+", "-"):
        head.keyboard.press(key)
        settle(head)
        seen.append(pixels(head))
    assert len(set(seen)) == 4 - 1  # larger and smaller again by the same
    assert seen[1] == seen[3]
    box = canvas.bounding_box()
    head.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    head.keyboard.down("Control")
    head.mouse.wheel(0, -200)
    head.keyboard.up("Control")
    settle(head)
    assert magnification(head) > 1.5
    assert head.evaluate("visualViewport.scale * devicePixelRatio") == 1  # the page itself stays as it is
    keep(head, "zoomed")
    before, cursor = pixels(head), drawn(head, 1)
    head.keyboard.down(" ")
    head.mouse.down()
    head.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 + 20)
    head.mouse.up()
    head.keyboard.up(" ")
    settle(head)
    assert pixels(head) != before
    assert drawn(head, 1) == cursor  # the slice was moved, and not the cursor
    head.keyboard.press("0")
    settle(head)
    assert magnification(head) == 1
    assert pixels(head) == seen[0]


def test_the_slice_says_its_number_of_how_many(head):
    count = int(head.locator(".mriseg-viewer input[aria-label='Slice']").get_attribute("max"))
    number = int(drawn(head).split()[-1]) + 1
    said = f"{number} of {count}"
    assert head.locator(".mriseg-bar output", has_text=said).count() == 1
    assert said in head.locator(".mriseg-panel figcaption").first.inner_text()
    for slider in head.locator(".mriseg-viewer > .mriseg-bar > label input[type=range]").all():
        assert slider.bounding_box()["width"] >= 120


def test_full_screen_is_filled_by_the_slices(head):
    head.locator(CANVAS).first.focus()
    head.keyboard.press("f")
    head.wait_for_function("document.fullscreenElement?.classList.contains('mriseg-viewer')")
    settle(head)
    keep(head, "full-screen")
    row = head.locator(".mriseg-panels").bounding_box()
    assert row["height"] > 0.8 * head.evaluate("innerHeight")
    assert row["width"] > 0.95 * head.evaluate("innerWidth")
    head.keyboard.press("f")
    head.wait_for_function("!document.fullscreenElement")
    wait_until_nothing_moves(head)
    assert_whole(head)


def test_keys_are_listed_and_escape_closes_the_list(head):
    head.locator(CANVAS).first.focus()
    head.keyboard.press("?")
    dialog = head.get_by_role("dialog")
    dialog.wait_for()
    keep(head, "keys")
    assert "Full screen" in dialog.inner_text()
    head.keyboard.press("Escape")
    assert dialog.count() == 0
    head.get_by_role("button", name="Keys", exact=True).click()
    dialog.get_by_role("button", name="Close").click()
    assert dialog.count() == 0


def test_keys_do_nothing_while_something_else_has_the_keyboard(head):
    head.evaluate("document.activeElement.blur()")
    for key in ("f", "?", "+"):
        head.keyboard.press(key)
    settle(head)
    assert head.get_by_role("dialog").count() == 0
    assert head.evaluate("document.fullscreenElement") is None
    assert magnification(head) == 1


def test_all_slices_are_seen_at_once_and_a_click_goes_to_one(head):
    head.get_by_role("button", name="All slices").click()
    dialog = head.get_by_role("dialog")
    in_view = """() => {
        const room = document.querySelector('.mriseg-lightbox').getBoundingClientRect();
        const cells = [...document.querySelectorAll('.mriseg-grid button')].filter((cell) => {
            const box = cell.getBoundingClientRect();
            return box.bottom > room.top && box.top < room.bottom;
        });
        return cells.length > 10 && cells.every((cell) => cell.dataset.shown);
    }"""
    head.wait_for_function(in_view)
    keep(head, "all-slices")
    number = int(drawn(head).split()[-1]) + 1
    assert dialog.locator("[aria-current]").inner_text() == str(number)
    dialog.get_by_role("button", name=f"Slice {number + 3}", exact=True).click()
    assert dialog.count() == 0
    head.wait_for_function(
        "drawn => document.querySelector('.mriseg-panel canvas').dataset.drawn?.endsWith(drawn)", arg=f" 2 {number + 2}"
    )
    head.get_by_role("button", name="All slices").click()
    head.keyboard.press("Escape")
    assert dialog.count() == 0
    head.locator(CANVAS).first.focus()
    for _ in range(3):
        head.keyboard.press("ArrowDown")
    settle(head)
    assert_whole(head)


def test_the_saved_picture_has_a_caption_and_no_holes(head):
    row = head.locator(".mriseg-panels").bounding_box()
    with head.expect_download() as waiting:
        head.get_by_role("button", name="Save picture").click()
    assert re.fullmatch(r"mriseg_segmented_axial_\d+\.png", waiting.value.suggested_filename)
    picture = PIL.Image.open(waiting.value.path())
    assert picture.width == pytest.approx(2 * (row["width"] + 24), abs=2)
    assert picture.height > 2 * row["height"] + 100  # title, key and origin
    assert picture.mode == "RGB" or picture.getchannel("A").getextrema() == (255, 255)
    values = np.asarray(picture.convert("RGB")).astype(int)
    below = values[(-2 * 60) :]
    for tissue in Tissue:
        assert (np.abs(below - tissue.rgb).sum(-1) < 12).sum() > 200  # its swatch
    assert (values.sum(-1) < 150)[:60].sum() > 200  # the title


def test_controls_that_do_nothing_in_a_map_are_gray(head):
    viewer = head.locator(".mriseg-viewer")
    tissue = viewer.get_by_role("button", name="White matter")
    opacity = viewer.get_by_label("Overlay opacity", exact=True)
    for layer, uses_tissues, uses_opacity in (
        ("segmented", True, True),
        ("entropy", False, True),
        ("posterior-wm", False, False),
    ):
        viewer.get_by_label("Map", exact=True).select_option(layer)
        assert (tissue.is_enabled(), opacity.is_enabled()) == (uses_tissues, uses_opacity)
        assert (viewer.locator(".mriseg-key").count() > 0) == (layer != "segmented")


def test_what_is_pointed_out_elsewhere_on_the_page_is_shown(head):
    place = [int(drawn(head, panel).split()[-1]) for panel in (3, 2, 0)]
    moved = [place[0] - 4, place[1] + 3, place[2] + 1]
    detail = {"voxel": moved, "layer": "entropy", "outline": True}
    head.evaluate("detail => document.dispatchEvent(new CustomEvent('mriseg-go', {detail}))", detail)
    head.locator(".mriseg-ring").first.wait_for()
    keep(head, "pointed-out")
    assert [int(drawn(head, panel).split()[-1]) for panel in (3, 2, 0)] == moved
    viewer = head.locator(".mriseg-viewer")
    assert viewer.get_by_label("Map", exact=True).input_value() == "entropy"
    assert viewer.locator(".mriseg-key").count() == 2  # of the map and of the outline
    back = {"voxel": place, "layer": "segmented", "outline": False}
    head.evaluate("detail => document.dispatchEvent(new CustomEvent('mriseg-go', {detail}))", back)
    head.wait_for_function("!document.querySelector('.mriseg-ring')")


def test_on_a_telephone_nothing_is_cut_off_and_two_fingers_zoom(chromium, address):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(address)
    page.wait_for_selector(f"{CANVAS}[data-drawn]")
    wait_until_nothing_moves(page)
    keep(page, "telephone")
    beside = page.evaluate(
        """() => [...document.querySelectorAll('.mriseg-viewer *')].filter((part) => part.checkVisibility()
            && (part.getBoundingClientRect().right > innerWidth || part.getBoundingClientRect().left < 0))
            .map((part) => `${part.tagName} ${part.className}`)"""
    )
    assert beside == []
    canvas = page.locator(CANVAS).first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = context.new_cdp_session(page)
    for kind, spread in (("touchStart", 15), ("touchMove", 30), ("touchMove", 45), ("touchEnd", None)):
        fingers = [] if spread is None else [{"x": x - spread, "y": y, "id": 0}, {"x": x + spread, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    settle(page)
    keep(page, "telephone-zoomed")
    assert magnification(page) == pytest.approx(3, rel=0.1)
    assert page.evaluate("visualViewport.scale") == 1
    context.close()


def test_swipe_shows_the_original_on_its_left(head):
    head.locator(".mriseg-viewer").get_by_label("Layout", exact=True).select_option("swipe")
    settle(head)
    box = head.locator(CANVAS).first.bounding_box()
    middle = box["y"] + box["height"] / 2
    right, center = box["x"] + box["width"] - 2, box["x"] + box["width"] / 2
    for begin, end, colored in ((center, right, False), (right, center, True)):
        head.mouse.move(begin, middle)
        head.mouse.down()
        head.mouse.move(end, middle, steps=5)
        head.mouse.up()
        # Left of the line the scan is as it was.
        wait_until(head, lambda colored=colored: (colors(head, 0)["orange"] > 0) == colored)


def test_a_fast_drag_of_the_slice_leaves_layout_and_plane_as_they_are(head):
    viewer = head.locator(".mriseg-viewer")
    viewer.get_by_label("Plane", exact=True).select_option("1")
    viewer.get_by_label("Layout", exact=True).select_option("overlay")
    head.evaluate(
        """async () => {
            for (let index = 20; index < 80; index += 1) {
                const slider = document.querySelector(".mriseg-viewer input[aria-label='Slice']");
                slider.value = index;
                slider.dispatchEvent(new Event('input', {bubbles: true}));
                await new Promise(done => setTimeout(done, 30));
            }
        }"""
    )
    head.wait_for_function("document.querySelector('.mriseg-panel canvas').dataset.drawn?.endsWith('1 78')")
    assert viewer.get_by_label("Plane", exact=True).input_value() == "1"
    assert viewer.get_by_label("Layout", exact=True).input_value() == "overlay"
    assert_whole(head)


def test_folded_controls_stay_folded_when_the_layout_changes_in_the_same_moment(head):
    """The event that tells of folding comes later than the next change."""
    still_open = head.evaluate(
        """() => {
            const open = () => document.querySelector('.mriseg-more').open;
            const change = (layout) => {
                const select = document.querySelector(".mriseg-viewer select[aria-label='Layout']");
                select.value = layout;
                select.dispatchEvent(new Event('change'));
            };
            const found = [];
            for (const layout of ['overlay', 'side']) {
                document.querySelector('.mriseg-more > summary').click();
                change(layout);
                found.push(open());
            }
            return found;
        }"""
    )
    assert still_open == [True, False]


def test_the_keyboard_stays_where_it_was_when_the_layout_changes(head):
    layout = head.locator(".mriseg-viewer").get_by_label("Layout", exact=True)
    layout.focus()
    layout.select_option("overlay")
    settle(head)
    assert head.evaluate("document.activeElement.getAttribute('aria-label')") == "Layout"


def test_a_click_on_a_picture_stays_marked(page):
    box = page.locator(CANVAS).nth(1).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 0.4 * box["height"])
    page.mouse.move(1, 1)
    settle(page)
    keep(page, "clicked")
    before = page.locator(".mriseg-probe").inner_text()
    assert "Pixel" in before
    assert page.locator(".mriseg-mark").count() == 1
    page.locator(CANVAS).nth(1).focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.locator(".mriseg-probe").inner_text() != before


def test_the_name_of_a_dropped_file_stands_beside_the_page_alone(page):
    drop(page, "DOE_JANE_1970.png", encode_scan(SAMPLES["slice-t1"].make()[0]))
    assert page.locator("[data-testid=stSidebar]").get_by_text("DOE_JANE").count() > 0  # on its chip
    assert "DOE_JANE" not in page.locator("[data-testid=stMain]").evaluate("main => main.outerHTML")
    assert "DOE_JANE" not in page.url
    assert "DOE_JANE" not in page.title()
    keep(page, "own-name-alone")


@pytest.fixture(scope="module")
def marked(phantom):
    """A head with thick slices in an odd axis order and a bright cube at its left forehead; where that lies in mm."""
    scan = simulate(phantom, Contrast.T1)
    data = scan.data[:, :, ::2].copy()
    affine = scan.affine @ np.diag([1, 1, 2, 1])
    mask = phantom.truth[:, :, ::2] > 0
    ends = [np.flatnonzero(mask.any(tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    # The phantom's axes run from left to right, from back to front and from bottom to top.
    cube = np.array([ends[0][0] + 2, ends[1][-1] - 4, ends[2][len(ends[2]) * 2 // 3]])
    data[tuple(slice(c - 2, c + 3) for c in cube)] = 1.5 * data.max()
    order = (2, 0, 1)
    moved = data.transpose(order)[:, ::-1]
    turn = np.zeros((4, 4))
    for new, old in enumerate(order):
        turn[old, new] = 1
    turn[3, 3] = 1
    flip = np.eye(4)
    flip[1, 1], flip[1, 3] = -1, moved.shape[1] - 1
    return volume(np.ascontiguousarray(moved), affine @ turn @ flip), (affine @ [*cube, 1])[:3]


def brightest(page, panel: int) -> tuple[float, float]:
    """Center of what is whitest in a panel, in shares of its width and height."""
    return (
        page.locator(CANVAS)
        .nth(panel)
        .evaluate(
            """canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let [x, y, n] = [0, 0, 0];
            for (let i = 0; i < data.length; i += 4) if (Math.min(data[i], data[i + 1], data[i + 2]) === 255) {
                x += (i / 4) % canvas.width; y += Math.floor(i / 4 / canvas.width); n += 1;
            }
            return [x / n / canvas.width, y / n / canvas.height];
        }"""
        )
    )


@pytest.fixture(scope="module")
def marked_page(tab, address, marked):
    """The page with the marked head, its window so wide that nothing but the cube is white."""
    open_anew(tab, address)
    drop(tab, "head.nii.gz", encode_scan(marked[0]))
    tab.locator(".mriseg-viewer").get_by_label("Layout", exact=True).select_option("original")
    tab.evaluate(
        """() => { for (const name of ['Window', 'Level']) {
            const slider = document.querySelector(`.mriseg-viewer input[aria-label='${name}']`);
            slider.value = name === 'Window' ? slider.max : (Number(slider.min) + Number(slider.max)) / 2 - 1;
            slider.dispatchEvent(new Event('input', {bubbles: true}));
        } }"""
    )
    return tab


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("radiological", [True, False])
def test_what_is_pointed_at_is_what_is_there(marked_page, marked, near, radiological):
    page, (scan, place) = marked_page, marked
    viewer = page.locator(".mriseg-viewer")
    page.get_by_text("Display options").click()
    page.wait_for_selector(".mriseg-more[open]")
    for wanted, name in ((near, "Zoom to the head"), (radiological, "Radiological")):
        button = page.get_by_role("button", name=name)
        if (button.get_attribute("aria-pressed") == "true") != wanted:
            button.click()
    page.get_by_text("Display options").click()
    canonical, _ = orient(scan)
    voxel = np.rint(np.linalg.inv(canonical.affine) @ [*place, 1])[:3].astype(int)
    for axis in (2, 1, 0):
        viewer.get_by_label("Plane", exact=True).select_option(str(axis))
        page.evaluate(
            """index => { const slider = document.querySelector(".mriseg-viewer input[aria-label='Slice']");
                slider.value = index + 1; slider.dispatchEvent(new Event('input', {bubbles: true})); }""",
            int(voxel[axis]),
        )
        page.wait_for_function(
            "drawn => document.querySelector('.mriseg-panel canvas').dataset.drawn?.endsWith(drawn)",
            arg=f" {axis} {voxel[axis]}",
        )
        settle(page)
        x, y = brightest(page, 0)
        if axis > 0:
            assert (x > 0.5) == radiological  # the patient's left is at the right of the screen
        else:
            assert x < 0.5  # the front is at the left
        box = page.locator(CANVAS).first.bounding_box()
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        settle(page)
        said = page.locator(".mriseg-probe").inner_text()
        found = [int(number) for number in re.findall(r"-?\d+", said.split("mm")[0])]
        assert np.abs(np.array(found) - place).max() <= 1 + max(scan.spacing) / 2
        keep(page, f"marked-{axis}-{'near' if near else 'whole'}-{'radiological' if radiological else 'neurological'}")


def test_pointing_at_a_gaussian_lights_its_voxels(head):
    whole = colors(head, 1)
    plot = head.locator(".st-key-histogram .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    # The mean of white matter on the screen, from the fitted curve that the plot draws.
    place = plot.evaluate(
        """plot => {
            const curve = plot._fullData.find(trace => trace.name === 'White matter');
            const best = curve.y.reduce((top, y, i) => (y > curve.y[top] ? i : top), 0);
            const axes = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            return [box.left + axes.xaxis._offset + axes.xaxis.l2p(curve.x0 + best * curve.dx),
                    box.top + axes.yaxis._offset + axes.yaxis._length / 2];
        }"""
    )
    head.mouse.move(*place)
    head.wait_for_function("document.querySelector('.mriseg-viewer').dataset.highlighted === '2'")
    settle(head)
    keep(head, "lit")
    lit = colors(head, 1)
    assert lit["yellow"] > 0.9 * whole["yellow"]
    assert lit["orange"] + lit["blue"] < 0.1 * (whole["orange"] + whole["blue"])
    head.mouse.move(1, 1)
    head.wait_for_function("document.querySelector('.mriseg-viewer').dataset.highlighted === ''")


def test_every_canvas_says_what_it_shows(head):
    said = [canvas.get_attribute("aria-label") for canvas in head.locator(CANVAS).all()]
    assert said[0].startswith("Original, Axial, Slice ")
    assert said[1].startswith("Segmented, Axial, Slice ")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_overlaps_or_is_cut_off_at_any_width(tab, address, theme):
    open_anew(tab, address, theme)
    ground = tab.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    assert (int(re.findall(r"\d+", ground)[0]) < 128) == (theme == "dark")
    for width in (1440, 1024, 768):
        tab.set_viewport_size({"width": width, "height": 900})
        wait_until_nothing_moves(tab)
        keep(tab, f"opening-{width}-{theme}")
        assert_whole(tab)
        assert tab.evaluate(SCROLLS) <= 0
        assert tab.evaluate(OVERLAPS) == []


def panel_boxes(page) -> list[dict[str, float]]:
    return [panel.bounding_box() for panel in page.locator(".mriseg-panel").all()]


def test_slices_grow_with_the_window_as_far_as_they_need(head):
    heights = []
    for width, height in ((1280, 720), (1440, 900), (1920, 1080)):
        head.set_viewport_size({"width": width, "height": height})
        head.wait_for_timeout(300)
        settle(head)
        row = head.locator(".mriseg-panels").bounding_box()
        heights.append(row["height"])
        assert 200 <= row["height"] <= max(200, height - 300)  # there is room for the histogram
        boxes = panel_boxes(head)
        assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=1)
        assert all(box["y"] + box["height"] <= row["y"] + row["height"] + 1 for box in boxes)
    assert heights[0] < heights[1] < heights[2]
    head.set_viewport_size({"width": 1024, "height": 2000})  # far higher than the slices are at this width
    head.wait_for_timeout(300)
    settle(head)
    main = panel_boxes(head)[0]
    assert 0.6 < main["width"] / main["height"] < 1.2
    head.set_viewport_size({"width": 1440, "height": 900})
    wait_until_nothing_moves(head)


def test_nothing_overlaps_with_the_controls_of_a_volume(head):
    for width in (1024, 768, 1440):
        head.set_viewport_size({"width": width, "height": 900})
        wait_until_nothing_moves(head)
        keep(head, f"volume-{width}")
        assert head.evaluate(SCROLLS) <= 0
        assert head.evaluate(OVERLAPS) == []


# By how much the page could be moved sideways.
SCROLLS = (
    "Math.max(...[document.scrollingElement, document.querySelector('[data-testid=stMain]')]"
    ".map(element => element.scrollWidth - element.clientWidth))"
)
# Pairs of visible controls, figures and texts of the page that lie over each other, and texts that are cut off.
OVERLAPS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const kinds = ['.mriseg-bar > *', '.mriseg-legend > *', '.mriseg-panel', '.mriseg-probe', '.js-plotly-plot',
        'table', '[data-testid=stMetric]', '[data-testid=stMarkdown] p'];
    const parts = [...main.querySelectorAll(kinds.join(', '))].filter(part => part.checkVisibility());
    const boxes = parts.map(part => part.getBoundingClientRect());
    const names = parts.map(part => `${part.tagName} ${part.className} ${part.textContent.slice(0, 40)}`);
    const found = [];
    parts.forEach((part, i) => {
        parts.slice(i + 1).forEach((other, k) => {
            if (part.contains(other) || other.contains(part)) return;
            const [a, b] = [boxes[i], boxes[i + 1 + k]];
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 2 && high > 2) found.push(['overlap', names[i], names[i + 1 + k]]);
        });
        if (boxes[i].right > main.getBoundingClientRect().right + 1) found.push(['past the edge', names[i]]);
        const hidden = getComputedStyle(part).overflowX !== 'visible';
        if (hidden && part.clientWidth && part.scrollWidth > part.clientWidth + 2) found.push(['cut off', names[i]]);
    });
    return found;
}"""
