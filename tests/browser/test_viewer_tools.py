"""What the viewer's tools are made of, each function by itself: zoom, keys, colors and what they mean, pictures."""

import numpy as np
import pytest

from mriseg.app import texts
from mriseg.app.scripts import APP
from mriseg.app.viewer.viewer import MODULES, MOST_AT_ONCE
from mriseg.core.tissue import Tissue
from tests.browser.test_viewer_modules import ADDRESS, HEADER, LAYERS, PREPARE, STATE, small

pytestmark = pytest.mark.browser
TEXTS = {
    "layers": texts.LAYERS,
    "original": texts.ORIGINAL,
    "disagreement": texts.DISAGREEMENT,
    "slice": texts.SLICE,
    "of": texts.OF,
    "uncertaintyKey": texts.UNCERTAINTY_KEY,
    "uncertaintyEnds": texts.UNCERTAINTY_ENDS,
    "maskKey": texts.MASK_KEY,
    "outlineKey": texts.OUTLINE_KEY,
    "elsewhereKey": texts.ELSEWHERE_KEY,
}


@pytest.fixture(scope="module")
def script(chromium):
    """A page in which the functions of all modules are known by their names."""
    page = chromium.contexts[0].new_page()

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name in MODULES:
            route.fulfill(content_type="text/javascript", body=(APP / name).read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>viewer</title>")

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate(PREPARE, [MODULES, LAYERS])
    yield page
    page.close()


# Zoom.

VIEWED = """([view, axis, moves]) => {
    const slice = {rows: 90, columns: 70};
    const size = {width: 300, height: 200};
    const header = {spacing: [1, 2, 3], headBox: [[10, 60], [20, 80], [0, 40]], shape: [70, 100, 90]};
    const look = (state) => viewportOf(slice, {axis, ...size}, {header, state});
    let state = {...view, zoom: true, magnification: 1, focus: null};
    return moves.map(({from, to, factor}) => {
        const before = look(state);
        const middle = state.focus ?? centerOf(header, state);
        const placeOf = (point) => voxelOfPixel(placeOfPoint(point, before), axis, before, middle);
        const move = {from: placeOf(from), to: placeOf(to), factor};
        state = {...state, ...takeTo({magnification: state.magnification, focus: middle}, move, header.headBox)};
        const after = look(state);
        const then = voxelOfPixel(placeOfPoint(to, after), axis, after, middle);
        return {at: move.from, then, magnification: state.magnification, focus: state.focus,
            grown: after.scaleX / before.scaleX};
    });
}"""


@pytest.mark.parametrize("radiological", [True, False])
@pytest.mark.parametrize("axis", [1, 2])
def test_what_is_grabbed_stays_under_the_pointer_while_it_is_magnified_and_moved(script, axis, radiological):
    moves = [
        {"from": [120, 90], "to": [120, 90], "factor": 2},
        {"from": [150, 110], "to": [170, 95], "factor": 1},
        {"from": [140, 100], "to": [150, 90], "factor": 1.5},
    ]
    done = script.evaluate(VIEWED, [{"radiological": radiological}, axis, moves])
    for move, found in zip(moves, done, strict=True):
        in_plane = [a for a in range(3) if a != axis]
        assert np.array(found["then"])[in_plane] == pytest.approx(np.array(found["at"])[in_plane])
        assert found["grown"] == pytest.approx(move["factor"])
    assert done[-1]["magnification"] == pytest.approx(3)


def test_magnification_ends_at_once_and_the_middle_stays_on_the_head(script):
    back = [{"from": [100, 90], "to": [100, 90], "factor": factor} for factor in (3, 0.5, 0.5)]
    assert script.evaluate(VIEWED, [{"radiological": True}, 2, back])[-1] | {"at": 0, "then": 0} == {
        "at": 0,
        "then": 0,
        "magnification": 1,
        "focus": None,
        "grown": pytest.approx(1 / 1.5),
    }
    far = [{"from": [10, 10], "to": [10, 10], "factor": 1000}, {"from": [0, 0], "to": [90000, 90000]}]
    *_, last = script.evaluate(VIEWED, [{"radiological": True}, 2, far])
    assert last["magnification"] == 16
    box = np.array([(10, 60), (20, 80), (0, 40)])
    assert (last["focus"] >= box[:, 0]).all()
    assert (last["focus"] <= box[:, 1] - 1).all()


def test_a_pinch_magnifies_by_how_far_the_fingers_spread(script):
    found = script.evaluate("pinchOf([[0, 0], [30, 40]], [[10, 0], [70, 80]])")
    assert found == {"factor": 2, "from": [15, 20], "to": [40, 40]}


def test_the_wheel_magnifies_upwards_and_never_in_a_leap(script):
    up, none, down, leap = script.evaluate("[-10, 0, 10, -5000].map(factorOfWheel)")
    assert up * down == pytest.approx(1)
    assert (none, up > 1) == (1, True)
    assert leap < 1.5


@pytest.mark.parametrize(("scale", "width", "length"), [(1.2, 250, 50), (6, 250, 10), (3, 900, 100), (90, 200, 0)])
def test_the_scale_is_a_round_length_that_leaves_room_for_the_letter_in_the_middle(script, scale, width, length):
    assert script.evaluate("([scale, width]) => barLength(scale, width)", [scale, width]) == length
    assert length * scale < width / 2 - 20


SCALED = """([header, state]) => {
    const context = new OffscreenCanvas(300, 240).getContext('2d');
    const slice = sliceOf({rows: 80, columns: 100});
    paintPanel(context, {axis: PICTURE, shows: 'layer', width: 300, height: 240}, slice,
        {header, state: stateOf(state)});
    const row = [...context.getImageData(0, 240 - 8, 300, 1).data].filter((_, k) => k % 4 === 0);
    return row.filter((red) => red > 200).length;
}"""


@pytest.mark.parametrize(("size", "points"), [(None, 0), (0.8, 75), (2, 75)])
def test_a_picture_has_a_scale_where_the_size_of_its_pixels_is_known(script, size, points):
    """Three points are a pixel here, so 20 mm of 0.8 mm pixels are 75 points, and so are 50 mm of those of 2 mm."""
    state = STATE | {"swipe": 0.5, "zoom": False, "radiological": True, "clicked": False}
    header = HEADER | {"pixelSize": size, "range": [0, 1]}
    assert script.evaluate(SCALED, [header, state]) == points


def test_the_letter_at_the_top_clears_a_caption_that_reaches_it(script):
    top = "([width, right]) => topOfLetter({width, size: 16, caption: {right, bottom: 20}})"
    assert script.evaluate(top, [300, 100]) == 5
    assert script.evaluate(top, [200, 100]) > 20


# Keys.


@pytest.mark.parametrize(
    ("event", "typed", "action"),
    [
        ({"key": "f"}, False, "fullScreen"),
        ({"key": "?"}, False, "help"),
        ({"key": "+"}, False, "larger"),
        ({"key": "0"}, False, "reset"),
        ({"key": "a"}, False, "allSlices"),
        ({"key": "x"}, False, None),
        ({"key": "f"}, True, None),  # someone types it
        ({"key": "0", "ctrlKey": True}, False, None),  # the browser's own
        ({"key": "a", "metaKey": True}, False, None),
    ],
)
def test_a_key_acts_unless_it_is_typed_or_the_browsers_own(script, event, typed, action):
    assert script.evaluate("([event, typed]) => actionOfKey(event, typed) ?? null", [event, typed]) == action


# Colors.


def test_a_palette_goes_through_its_colors(script):
    found = script.evaluate("[-1, 0, 0.25, 0.5, 1, 2].map(paletteOf([[0, 0, 0], [100, 0, 200], [100, 80, 200]]))")
    black, last = [0, 0, 0], [100, 80, 200]
    assert found[0] == found[1] == black
    assert found[2] == pytest.approx([50, 0, 100], abs=1)
    assert found[3] == pytest.approx([100, 0, 200], abs=1)
    assert found[4] == found[5] == last


def hue_distance(colors: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far colors are from another, whatever their brightness: angle between what they have beyond gray, degrees."""
    chroma, other = colors - colors.mean(-1, keepdims=True), other - other.mean()
    length = np.linalg.norm(chroma, axis=-1)
    cosine = (chroma @ other) / np.maximum(length * np.linalg.norm(other), 1e-9)
    return np.where(length < 25, 180, np.degrees(np.arccos(np.clip(cosine, -1, 1))))  # gray has no hue


@pytest.mark.parametrize("name", ["UNCERTAINTY_COLORS", "FIELD_COLORS"])
def test_maps_have_none_of_the_colors_of_gray_and_white_matter(script, name):
    colors = np.array(script.evaluate(f"[...Array(50).keys()].map((k) => paletteOf({name})(k / 49))"), float)
    for tissue in (Tissue.GM, Tissue.WM):
        assert hue_distance(colors, np.array(tissue.rgb, float)).min() > 45


def keys(script, **state):
    header = HEADER | {"texts": TEXTS, "field": [-0.1, 0.2], "comparedWith": "Another"}
    found = script.evaluate(
        "([header, state]) => keysOf({header, state: stateOf(state)})",
        [header, STATE | {"layout": "side"} | state],
    )
    return [(key["title"], key["labels"]) for key in found]


def test_each_map_has_a_key_with_unit_and_range(script):
    assert keys(script) == []  # the tissues are named by their buttons
    for layer in texts.LAYERS:
        if layer.startswith("posterior"):
            assert keys(script, layer=layer) == [(texts.LAYERS[layer], ["0 %", "100 %"])]
    assert keys(script, layer="entropy") == [(texts.UNCERTAINTY_KEY, list(texts.UNCERTAINTY_ENDS))]
    assert keys(script, layer="field") == [("Bias field", ["× 0.82", "× 1.00", "× 1.22"])]
    assert keys(script, layer="mask") == [(texts.MASK_KEY, [])]
    assert keys(script, outline=True) == [(texts.OUTLINE_KEY, [])]
    assert keys(script, layout="original", layer="field") == []
    assert keys(script, layout="compare") == [("Background here, tissue in: Another", [])]


@pytest.mark.parametrize(
    ("layout", "layer", "used"),
    [
        ("side", "segmented", "contours layer opacity tissues window"),
        ("side", "entropy", "layer opacity window"),
        ("side", "posterior-gm", "layer window"),
        ("overlay", "posterior-gm", "layer"),
        ("three", "corrected", "layer window"),
        ("original", "segmented", "window"),
        ("compare", "corrected", "layer opacity tissues window"),
    ],
)
def test_controls_are_used_where_they_do_something(script, layout, layer, used):
    found = script.evaluate("state => usesOf(state)", {"layout": layout, "layer": layer})
    assert sorted(name for name, is_used in found.items() if is_used) == used.split()


def test_borders_run_along_every_side_between_two_tissues_and_no_other(script):
    labels = np.random.default_rng(3).integers(0, 4, (9, 7))
    lines = script.evaluate(
        "([slice, pair]) => bordersOf(slice, slice.labels, pair)", [small({"labels": labels}), [1, 2]]
    )
    found = set()
    for from_column, from_row, to_column, to_row in lines:
        for column in range(from_column, to_column):
            found.add(("below", from_row, column))
        for row in range(from_row, to_row):
            found.add(("beside", row, from_column))
    expected = set()
    for row, column in np.ndindex(labels.shape):
        for kind, before in (("below", (row - 1, column)), ("beside", (row, column - 1))):
            if min(before) >= 0 and {labels[row, column], labels[before]} == {1, 2}:
                expected.add((kind, row, column))
    assert found == expected
    assert len(lines) < len(expected)  # sides in a row are one line


def luminance(rgb) -> np.ndarray:
    """As WCAG has it."""
    share = np.asarray(rgb, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


PAINTED = """([slice, header, state, scale]) => {
    const [width, height] = [slice.columns * scale, slice.rows * scale];
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    const panel = {axis: PICTURE, shows: 'layer', width, height};
    paintPanel(context, panel, sliceOf(slice), {header, state: stateOf(state)});
    const {data} = context.getImageData(0, Math.floor(height / 2), width, 1);
    return [...Array(width).keys()].map((x) => [...data.slice(4 * x, 4 * x + 3)]);
}"""


@pytest.mark.parametrize("level", [0, 511, 1023])
@pytest.mark.parametrize("scale", [2, 3, 9])
def test_gray_and_white_matter_are_parted_by_a_line_of_three_to_one_on_any_scan(script, level, scale):
    labels = np.repeat([[1] * 8 + [2] * 8], 5, axis=0)
    slice_ = small({"labels": labels, "levels": np.full(labels.shape, level)})
    state = STATE | {"opacity": 0.7, "swipe": 0.5, "zoom": False, "radiological": True, "clicked": False}
    row = luminance(script.evaluate(PAINTED, [slice_, HEADER, state, scale]))
    gray, white, line = row[scale], row[-scale], row.min()
    assert (gray + 0.05) / (line + 0.05) >= 3
    assert (white + 0.05) / (line + 0.05) >= 3
    unseen = luminance(script.evaluate(PAINTED, [slice_, HEADER, state | {"opacity": 0}, scale]))
    assert np.ptp(unseen) == 0  # without colors there is no line either


# Pictures.


def test_the_title_of_a_picture_says_what_it_shows(script):
    header = {"texts": TEXTS, "planes": [[2, "Axial"]], "shape": [9, 9, 181], "contrast": "T1", "comparedWith": "Truth"}
    state = {"layer": "entropy", "plane": 2, "cursor": [1, 1, 74], "layout": "side"}
    panels = [{"shows": "original"}, {"shows": "layer"}, {"shows": "layer", "small": True}]
    title = "([panels, header, state]) => titleOfPicture(panels, {header, state})"
    assert script.evaluate(title, [panels, header, state]) == "Original | Uncertainty · Axial, slice 75 of 181 · T1"
    picture = [header | {"planes": [], "shape": [9, 9]}, state | {"plane": -1, "cursor": [1, 1]}]
    assert script.evaluate(title, [panels, *picture]) == "Original | Uncertainty · T1"


def test_the_name_of_a_picture_holds_the_typed_identity_and_nothing_a_file_system_minds(script):
    name = "([header, state]) => nameOfPicture({header, state})"
    header = {"planes": [[2, "Axial"]], "scanId": "Case 7/b"}
    state = {"layer": "segmented", "plane": 2, "cursor": [0, 0, 74]}
    assert script.evaluate(name, [header, state]) == "mriseg_case-7-b_segmented_axial_75.png"
    state = {"layer": "field", "plane": -1, "cursor": [0, 0]}
    assert script.evaluate(name, [header | {"scanId": ""}, state]) == "mriseg_field.png"


def test_lines_are_broken_between_words(script):
    broken = script.evaluate("brokenLines('one two three four', 8, (text) => text.length)")
    assert broken == ["one two", "three", "four"]


def test_items_of_a_key_go_on_in_the_next_line(script):
    assert script.evaluate("placesOf([40, 50, 30], 100, 10)") == [
        {"x": 0, "line": 0},
        {"x": 50, "line": 0},
        {"x": 0, "line": 1},
    ]


# All slices.


def test_slices_of_the_lightbox_are_requested_a_few_at_a_time(script):
    sent = script.evaluate(
        """() => {
            const sent = [];
            const store = new SliceStore((slices, cursor) => sent.push([slices, cursor]));
            const wanted = [...Array(10).keys()].map((index) => [2, index]);
            store.add([{axis: 2, index: 0}]);
            store.requestSome(wanted, [5, 5, 5]);
            store.requestSome(wanted, [5, 5, 5]);  // the first is still under way
            store.add([1, 2, 3].map((index) => ({axis: 2, index})));
            store.requestSome(wanted, [5, 5, 5]);
            return sent;
        }"""
    )
    assert sent == [[[[2, 1], [2, 2], [2, 3]], [5, 5, 5]], [[[2, 4], [2, 5], [2, 6]], [5, 5, 5]]]
    assert len(sent[0][0]) == MOST_AT_ONCE
