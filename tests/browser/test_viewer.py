"""The viewer: everything that it does without the server, and the slices that it asks the server for."""

import pytest

from tests.browser.conftest import CANVAS, assert_whole, colours, keep, opened

pytestmark = pytest.mark.browser


@pytest.fixture
def head(head_page):
    """The page with a head, its viewer as it opens."""
    viewer = head_page.locator(".mriseg-viewer")
    for name, value in (("Layout", "side"), ("Show", "segmented"), ("Plane", "2")):
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


def test_opacity_and_window_change_the_picture_without_the_server(head):
    asked = head.evaluate("document.querySelector('.mriseg-viewer').dataset.asked")
    shown, original = pixels(head), pixels(head, 0)
    for name in ("Colour", "Window", "Level"):
        if name == "Window":
            head.get_by_text("Window, contours").click()
        head.locator(".mriseg-viewer").get_by_label(name, exact=True).focus()
        for _ in range(4):
            head.keyboard.press("ArrowLeft")
        settle(head)
        assert pixels(head) != shown
        shown = pixels(head)
        keep(head, "window")
        for _ in range(4):
            head.keyboard.press("ArrowRight")
        if name != "Colour":
            assert pixels(head, 0) != original
        settle(head)
    head.get_by_text("Window, contours").click()
    assert head.evaluate("document.querySelector('.mriseg-viewer').dataset.asked") == asked


@pytest.mark.parametrize(
    "layer", ["posterior-gm", "posterior-wm", "posterior-csf", "entropy", "corrected", "field", "mask"]
)
def test_every_map_is_its_own_view(head, layer):
    segmented, original = pixels(head), pixels(head, 0)
    head.locator(".mriseg-viewer").get_by_label("Show", exact=True).select_option(layer)
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
    assert (colours(head, 0)["orange"] == 0) == (layout == "original")
    assert_whole(head)


def test_a_tissue_is_switched_off_and_on(head):
    button = head.locator(".mriseg-viewer").get_by_role("button", name="White matter")
    whole = colours(head, 1)
    button.click()
    head.mouse.move(1, 1)
    settle(head)
    assert colours(head, 1)["yellow"] < 0.1 * whole["yellow"]
    assert colours(head, 1)["blue"] > 0.9 * whole["blue"]
    button.click()
    head.mouse.move(1, 1)
    settle(head)
    assert colours(head, 1) == whole


def test_contours_leave_the_inside_gray(head):
    whole = colours(head, 1)
    head.get_by_text("Window, contours").click()
    head.get_by_role("button", name="Contours").click()
    settle(head)
    keep(head, "contours")
    assert 0 < colours(head, 1)["yellow"] < 0.6 * whole["yellow"]
    head.get_by_role("button", name="Contours").click()
    head.get_by_text("Window, contours").click()


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


def test_pointing_at_a_gaussian_lights_its_voxels(head):
    whole = colours(head, 1)
    plot = head.locator(".st-key-histogram .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    # The mean of white matter on the screen, from the fitted curve that the plot draws.
    place = plot.evaluate(
        """plot => {
            const curve = plot._fullData.find(trace => trace.name === 'White matter');
            const best = curve.y.reduce((top, y, i) => (y > curve.y[top] ? i : top), 0);
            const axes = plot._fullLayout;
            const box = plot.getBoundingClientRect();
            return [box.left + axes.xaxis._offset + axes.xaxis.l2p(curve.x[best]),
                    box.top + axes.yaxis._offset + axes.yaxis._length / 2];
        }"""
    )
    head.mouse.move(*place)
    head.wait_for_function("document.querySelector('.mriseg-viewer').dataset.lit === '2'")
    settle(head)
    keep(head, "lit")
    lit = colours(head, 1)
    assert lit["yellow"] > 0.9 * whole["yellow"]
    assert lit["orange"] + lit["blue"] < 0.1 * (whole["orange"] + whole["blue"])
    head.mouse.move(1, 1)
    head.wait_for_function("document.querySelector('.mriseg-viewer').dataset.lit === ''")


def test_every_canvas_says_what_it_shows(head):
    said = [canvas.get_attribute("aria-label") for canvas in head.locator(CANVAS).all()]
    assert said[0].startswith("Original, Axial, Slice ")
    assert said[1].startswith("Segmented, Axial, Slice ")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 768])
def test_nothing_overlaps_or_is_cut_off(chromium, address, width, theme):
    page = opened(chromium, address, viewport={"width": width, "height": 900}, color_scheme=theme)
    if width == 768:
        page.wait_for_timeout(500)  # the sidebar folds away
    keep(page, f"opening-{width}-{theme}")
    assert_whole(page)
    assert (
        page.evaluate(
            "Math.max(...[document.scrollingElement, document.querySelector('[data-testid=stMain]')]"
            ".map(element => element.scrollWidth - element.clientWidth))"
        )
        <= 0
    )
    overlaps = page.evaluate(OVERLAPS)
    assert overlaps == []
    page.close()


# Pairs of visible controls, figures and texts of the page that lie over each other, and texts that are cut off.
OVERLAPS = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const kinds = ['.mriseg-bar > *', '.mriseg-panel', '.mriseg-probe', '.js-plotly-plot', 'table',
        '[data-testid=stMetric]', '[data-testid=stMarkdown] p'];
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
