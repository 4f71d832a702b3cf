"""The tab Story on the real page: it gets the viewer's slice, plays, and goes by keys."""

import pytest

from tests.browser.conftest import assert_whole, keep, opened, wait_until

pytestmark = pytest.mark.browser
CLASS_PIXELS = """canvas => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += i * (data[i] + 2 * data[i + 1] + 3 * data[i + 2]) % 9973;
    return sum; }"""


@pytest.fixture(scope="module")
def story_page(chromium, address):
    """The page as it opens, for tests that leave it so."""
    page = opened(chromium, address)
    yield page
    page.close()


@pytest.fixture
def story(story_page):
    """The story at its first step."""
    story = story_page.locator(".mriseg-story")
    story.scroll_into_view_if_needed()
    story.locator("canvas").first.wait_for()
    story.focus()
    story_page.keyboard.press("Home")
    return story


def step(story) -> str | None:
    return story.get_attribute("data-step")


def test_it_is_first_among_the_tabs_and_shows_the_slice_of_the_viewer(story_page, story):
    assert story_page.get_by_role("tab").first.inner_text() == "Story"
    shape = story.locator("canvas").evaluate("canvas => [canvas.height, canvas.width]")
    assert f"{shape[0]} rows and {shape[1]} columns" in story.inner_text()
    keep(story_page, "story-picture")
    assert_whole(story_page)


def test_arrow_keys_go_from_step_to_step(story_page, story):
    for name in ("gray", "line", "mixture", "labels", "lessons"):
        story_page.keyboard.press("ArrowRight")
        assert step(story) == name
    story_page.keyboard.press("ArrowLeft")
    assert step(story) == "labels"
    assert story.locator("[aria-current=step]").inner_text() == "5"


def test_playing_runs_the_fit_and_recolors_the_slice(story_page, story):
    for _ in range(3):
        story_page.keyboard.press("ArrowRight")
    canvas, iteration = story.locator("canvas").first, story.locator("output")
    assert iteration.inner_text().startswith("Iteration 0 of")
    before, table = canvas.evaluate(CLASS_PIXELS), story.locator("table").first.inner_text()
    story.get_by_label("Speed").select_option("4")
    story.get_by_role("button", name="Play").click()
    wait_until(story_page, lambda: not iteration.inner_text().startswith("Iteration 0 of"))
    wait_until(story_page, lambda: canvas.evaluate(CLASS_PIXELS) != before)
    story.get_by_role("button", name="Pause").click()
    assert step(story) == "mixture"
    assert story.locator("table").first.inner_text() != table
    assert story.locator("math").count() > 3
    canvas.hover(position={"x": 30, "y": 40})
    pointed = story.locator(".story-belonging").inner_text()
    canvas.hover(position={"x": 100, "y": 120})
    assert story.locator(".story-belonging").inner_text() != pointed
    keep(story_page, "story-mixture")
    assert_whole(story_page)


def test_what_each_step_buys_is_worked_out_when_it_is_opened(story_page, story):
    table = story_page.locator(".mriseg-ladder")
    assert table.count() == 0
    story_page.get_by_text("What each step buys").click()
    table.wait_for()
    means = [float(row.locator("td").last.inner_text()) for row in table.locator("tbody tr").all()]
    assert means[0] == min(means)  # the plain mixture of the whole picture
    assert means[-1] > means[0] + 0.2
    table.scroll_into_view_if_needed()
    keep(story_page, "story-ladder")
    assert_whole(story_page)
