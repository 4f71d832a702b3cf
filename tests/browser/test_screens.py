"""The page on screens from a phone to a projector: what is seen without scrolling, and that nothing covers anything."""

import itertools

import pytest
from axe_playwright_python.sync_playwright import Axe

from mriseg import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.export.images import encode_scan
from tests.browser.conftest import CANVAS, blank, drop, open_anew, sync_api, wait_until_nothing_moves

pytestmark = pytest.mark.browser
PROJECTOR, LAPTOP, DESK, TABLET, PHONE = (1280, 720), (1440, 900), (1920, 1080), (1024, 1366), (390, 844)
FIRST_SCREENS = (PROJECTOR, LAPTOP, DESK)
SCREENS = (*FIRST_SCREENS, TABLET, PHONE)
THEMES = ("light", "dark")
# What stands on the first screen, each in a box of its own.
PARTS = (
    ".mriseg-header",
    "[class*=st-key-verdict]",
    ".mriseg-panels",
    ".mriseg-viewer > .mriseg-bar *:is(button, select, output)",
    ".mriseg-probe",
    ".st-key-histogram",
    "[data-testid=stMetric]",
)
# Of a slice's short side on a projector; on larger screens slices are larger.
LEAST_SLICE = 220
SERIOUS = {"serious", "critical"}
BOXES = """selectors => selectors.flatMap(selector => [...document.querySelectorAll(selector)])
    .filter(part => part.checkVisibility())
    .map(part => { const box = part.getBoundingClientRect();
        return {name: part.className.toString(), x: box.x, y: box.y, right: box.right, bottom: box.bottom}; })"""
# Letters that their own element cuts off, but for what is meant to scroll or to end in an ellipsis.
CLIPPED = """() => [...document.querySelectorAll('[data-testid=stMainBlockContainer] *')].filter(part => {
    const style = getComputedStyle(part);
    return part.checkVisibility() && part.children.length === 0 && part.textContent.trim()
        && style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && part.clientWidth > 1
        && part.scrollWidth > part.clientWidth + 1; }).map(part => part.textContent)"""


@pytest.fixture(scope="module", params=["picture", "volume"])
def shown(request, chromium, address, coarse):
    """The page with a picture or a volume in it."""
    page = blank(chromium, address)
    open_anew(page, address)
    if request.param == "volume":
        drop(page, "head.nii.gz", encode_scan(simulate(coarse, Contrast.T1)))
    yield page
    page.close()


def overlaps(a: dict[str, float], b: dict[str, float]) -> bool:
    """Whether two boxes share more than a rim of a pixel."""
    return (
        min(a["right"], b["right"]) - max(a["x"], b["x"]) > 1
        and min(a["bottom"], b["bottom"]) - max(a["y"], b["y"]) > 1
    )


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("screen", SCREENS, ids=lambda size: "x".join(map(str, size)))
def test_nothing_is_clipped_covered_or_out_of_sight(shown, screen, theme):
    width, height = screen
    shown.emulate_media(color_scheme=theme)
    shown.set_viewport_size({"width": width, "height": height})
    wait_until_nothing_moves(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.evaluate(CLIPPED) == []
    boxes = shown.evaluate(BOXES, list(PARTS))
    assert len(boxes) >= len(PARTS)
    for a, b in itertools.combinations(boxes, 2):
        assert not overlaps(a, b), (a, b)
    assert all(box["x"] >= 0 and box["right"] <= width for box in boxes)
    plot, column = (
        shown.locator(f".st-key-histogram {inner}").first.bounding_box()["width"] for inner in (".main-svg", "> *")
    )
    assert plot <= column + 1
    if screen in FIRST_SCREENS:
        assert max(box["bottom"] for box in boxes) <= height
        slices = [canvas.bounding_box() for canvas in shown.locator(CANVAS).all()[:2]]
        assert min(min(box["width"], box["height"]) for box in slices) >= LEAST_SLICE


def test_slices_grow_with_the_window(shown):
    heights = []
    for width, height in FIRST_SCREENS:
        shown.set_viewport_size({"width": width, "height": height})
        wait_until_nothing_moves(shown)
        heights.append(shown.locator(CANVAS).first.bounding_box()["height"])
    assert heights == sorted(heights)
    assert heights[-1] > 1.5 * heights[0]


def serious(page) -> list[str]:
    """The rules of accessibility that a page breaks in a way that keeps somebody out, and where."""
    broken = [rule for rule in Axe().run(page).response["violations"] if rule["impact"] in SERIOUS]
    nodes = [(rule["help"], node) for rule in broken for node in rule["nodes"]]
    return [f"{node['any'][0]['message'] if node['any'] else help_}: {node['html'][:200]}" for help_, node in nodes]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious(shown, theme):
    shown.emulate_media(color_scheme=theme)
    shown.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    wait_until_nothing_moves(shown)
    assert serious(shown) == []
    assert shown.locator("h1").all_inner_texts() == ["mriseg"]


def test_axe_finds_nothing_serious_in_any_tab(page):
    for tab in page.locator("[role=tab]").all():
        tab.click()
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        wait_until_nothing_moves(page)
        assert serious(page) == [], tab.inner_text()


def test_on_a_phone_the_sidebar_is_folded_when_the_page_opens(chromium: "sync_api.Browser", address: str):
    page = chromium.contexts[0].new_page()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(address)
    page.locator(CANVAS).first.wait_for()
    assert page.locator(CANVAS).first.bounding_box()["x"] < PHONE[0] / 2
    assert page.evaluate("document.elementFromPoint(195, 20).closest('[data-testid=stSidebar]') === null")
    page.close()
