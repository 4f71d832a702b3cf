"""The buttons of the verdict: what a click asks of the viewer. In Chromium, on a page without a server."""

import pytest

from mriseg.app.scripts import APP

pytestmark = pytest.mark.browser
ADDRESS = "http://reasons.test/"
PAGE = """<!DOCTYPE html><title>reasons</title>
<button id="place" data-mriseg-go='{"voxel":[1,2,3],"layer":"mask","outline":true}'><b>Show</b></button>
<button id="fit" data-mriseg-go='{"histogram":true}'>Show</button>
<button id="other">Another</button>
<div style="height: 3000px"></div><div class="mriseg-viewer">pictures</div><div class="st-key-histogram">bars</div>"""
PREPARE = """async () => {
    const { followReasons } = await import("./reasons.js");
    window.went = [];
    document.addEventListener("mriseg-go", (event) => window.went.push(event.detail));
    window.stop = followReasons();
}"""


@pytest.fixture
def page(chromium):
    page = chromium.contexts[0].new_page()

    def answer(route):
        if route.request.url.endswith(".js"):
            route.fulfill(content_type="text/javascript", body=(APP / "viewer/reasons.js").read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body=PAGE)

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate(PREPARE)
    yield page
    page.close()


def in_view(page, selector):
    return page.evaluate(
        "(selector) => document.querySelector(selector).getBoundingClientRect().bottom <= innerHeight", selector
    )


def test_a_button_leads_the_viewer_to_its_place(page):
    page.click("#place b")  # what is clicked is within the button
    assert page.evaluate("went") == [{"voxel": [1, 2, 3], "layer": "mask", "outline": True}]
    assert in_view(page, ".mriseg-viewer")


def test_the_fit_is_shown_on_the_histogram_and_leaves_the_viewer_alone(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("went") == []
    assert in_view(page, ".st-key-histogram")
    assert page.evaluate("document.querySelector('.st-key-histogram').getAnimations().length") == 1


def test_other_buttons_lead_nowhere_and_after_its_end_none_does(page):
    page.click("#other")
    page.evaluate("stop()")
    page.click("#place")
    assert page.evaluate("went") == []
