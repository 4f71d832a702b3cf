"""The script of the rendering's frame by itself: what its functions make of planes, messages and a viewer."""

import pytest

from mriseg.app.panels.volume_rendering import FIRST_PLANE, FRAME

pytestmark = pytest.mark.browser
ADDRESS = "http://frame.test/"  # answered by the test itself


@pytest.fixture(scope="module")
def script(chromium):
    page = chromium.contexts[0].new_page()

    def answer(route):
        if route.request.url.endswith(".js"):
            route.fulfill(content_type="text/javascript", body=(FRAME / "frame.js").read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>frame</title>")

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate("async () => Object.assign(window, await import('./frame.js'))")
    yield page
    page.close()


def test_a_plane_lies_where_its_share_of_the_brain_ends(script):
    assert script.evaluate(f"clipPlane('{FIRST_PLANE}', 50)")[0] == 0  # in the middle
    for percent in (0, 20, 100):
        distance, azimuth, elevation = script.evaluate(f"clipPlane('AXIAL', {percent})")
        assert (azimuth, elevation) == (0, 90)
        assert script.evaluate(f"percentOf({distance})") == percent


def test_without_a_plane_nothing_is_cut(script):
    assert script.evaluate("clipPlane('', 36)")[0] > 1.8  # NiiVue's limit


@pytest.mark.parametrize(("distance", "percent"), [(2, 0), (0.7, 0), (-3, 100)])
def test_what_the_wheel_moves_out_of_the_brain_stays_at_its_ends(script, distance, percent):
    assert script.evaluate(f"percentOf({distance})") == percent


def test_other_messages_hold_no_arguments(script):
    assert script.evaluate("argumentsOf({type: 'streamlit:render', args: {height: 3}})") == {"height": 3}
    assert script.evaluate("argumentsOf({type: 'other', args: {height: 3}})") is None
    assert script.evaluate("argumentsOf('text')") is None
    assert script.evaluate("argumentsOf(null)") is None


def test_the_viewer_is_found_when_it_binds_a_listener_and_binding_is_as_before(script):
    found = script.evaluate(
        """() => {
            const before = Function.prototype.bind;
            let seen = null;
            whenMade((viewer) => { seen = viewer; });
            const other = (function () { return this.name; }).bind({name: 'other'});
            const isNone = seen === null;
            const viewer = {setClipPlane() {}, setClipPlaneColor() {}, name: 'viewer'};
            const bound = (function (a, b) { return this.name + a + b; }).bind(viewer, 1);
            return [isNone, other(), seen === viewer, bound(2), Function.prototype.bind === before];
        }"""
    )
    assert found == [True, "other", True, "viewer12", True]
