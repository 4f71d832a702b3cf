"""The modules of the viewer's script, each by itself: what their functions make of arrays, coordinates and requests.

In the Chromium that the page is tested with anyway, so that nothing more is installed, on a page without a server.
"""

import base64
import itertools
import re
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from mriseg import Contrast, segment
from mriseg.app.scripts import APP, joined_modules
from mriseg.app.viewer.slices import FORMAT_VERSION, LEVELS, PICTURE, SliceSource, encode
from mriseg.app.viewer.viewer import MODULES, SliceRequest, _details, _planes, _slice_request
from mriseg.core.tissue import ABNORMAL, LABELS, Tissue
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.image.orientation import orient, reorient

pytestmark = pytest.mark.browser
ADDRESS = "http://viewer.test/"  # answered by the test itself
WINDOW = (10.0, 90.0)
*TISSUES, UNLIKE = ({"number": t.number, "title": t.title, "short": t.abbreviation, "rgb": t.rgb} for t in LABELS)
SIGNAL = {"zero": 0, "scale": 1, "invertedAbout": None}
HEADER = {
    "tissues": TISSUES,
    "abnormal": UNLIKE,
    "isAbnormal": True,
    "range": [0, 1023],
    "levels": LEVELS,
    "field": [-1, 1],
    **SIGNAL,
}
STATE = {
    "opacity": 0.6,
    "contours": False,
    "outline": False,
    "hidden": [],
    "highlighted": None,
    "layer": "segmented",
    "window": {"black": 0, "white": 1023},
}
SHAPE = (7, 9, 11)
SPACING = [1.0, 2.0, 3.0]
LAYERS = ["levels", "labels", "gray", "white", "abnormal", "field", "other"]
PREPARE = """async ([modules, layers]) => {
    for (const name of modules) Object.assign(window, await import(`./${name}`));
    window.bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    window.sliceOf = (slice) => {
        const empty = Array(slice.rows * slice.columns).fill(0);
        return {...Object.fromEntries(layers.map((name) => [name, empty])), ...slice};
    };
    window.stateOf = (state) => ({...state, hidden: new Set(state.hidden)});
    window.plain = (pixels) => pixels && [...new Uint8Array(pixels.buffer)];
}"""


@pytest.fixture(scope="module")
def script(chromium):
    """A page in which the functions of all modules are known by their names."""
    page = chromium.contexts[0].new_page()

    def answer(route):
        name = route.request.url.removeprefix(ADDRESS)
        if name == "joined.js":
            route.fulfill(content_type="text/javascript", body=joined_modules(MODULES))
        elif name in MODULES:
            route.fulfill(content_type="text/javascript", body=(APP / name).read_text("utf-8"))
        else:
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><title>viewer</title>")

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    page.evaluate(PREPARE, [MODULES, LAYERS])
    yield page
    page.close()


@pytest.fixture(scope="module")
def head(coarse):
    scan = simulate(coarse, Contrast.T1)
    return scan, segment(scan)


def message(scan, result, slices, other=None, **more) -> bytes:
    source = SliceSource.of(scan, result, other)
    analysis = SimpleNamespace(source="scan", widest=tuple(n // 2 for n in scan.data.shape), result=result)
    details = {"result": "result", "comparedWith": None, "count": 0, **_details(analysis, _planes(source.scan)), **more}
    return encode(source, slices, window=WINDOW, details=details)


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def rgba(values, shape) -> np.ndarray:
    """Pixels as the script makes them, as rows, columns and red, green, blue, opacity."""
    return np.array(values, np.uint8).reshape(*shape, 4)


def small(layers: dict[str, np.ndarray]) -> dict[str, object]:
    """A slice of a few pixels."""
    rows, columns = next(iter(layers.values())).shape
    return {"rows": rows, "columns": columns, **{name: layer.ravel().tolist() for name, layer in layers.items()}}


def layer_of(script, layers, layer, **state):
    """The pixels that a layer lays over a slice."""
    shape = next(iter(layers.values())).shape
    pixels = script.evaluate(
        "([slice, layer, header, state]) => plain(layerPixels(sliceOf(slice), layer, {header, state: stateOf(state)}))",
        [small(layers), layer, HEADER, STATE | state],
    )
    return rgba(pixels, shape)


# What the browser reads is what the engine found.


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_voxel_is_read_as_the_engine_has_it(script, head, axis):
    scan, result = head
    canonical, orientation = orient(scan)
    other = np.where(result.labels == 1, 2, result.labels).astype(np.uint8)
    mask, labels = reorient(result.mask, orientation), reorient(result.labels, orientation)
    index = int(np.flatnonzero(mask.any(tuple(a for a in range(3) if a != axis))).mean())
    voxels = [voxel for voxel in np.ndindex(mask.shape) if voxel[axis] == index][::13]
    inside = np.array([mask[tuple(voxel)] for voxel in voxels])
    assert 10 < inside.sum() < len(voxels)
    read = script.evaluate(
        """async ([bytes, axis, voxels]) => {
            const {header, slices: [slice]} = await decode(bytesOf(bytes));
            return voxels.map((voxel) => {
                const [row, column] = pixelOfVoxel(voxel, axis, slice);
                const at = row * slice.columns + column;
                return {...valuesAt(slice, at, header), label: slice.labels[at], other: slice.other[at]};
            });
        }""",
        [text(message(scan, result, [(axis, index)], other)), axis, voxels],
    )
    found = {name: np.array([one[name] for one in read]) for name in read[0]}
    at = tuple(np.transpose(voxels))
    step = np.ptp(canonical.data) / (LEVELS - 1)
    assert np.abs(found["intensity"] - canonical.data[at]).max() <= 0.51 * step
    assert (found["label"] == labels[at]).all()
    assert (found["other"] == reorient(other, orientation)[at]).all()
    assert (found["inside"] == inside).all()
    posteriors = reorient(result.posteriors, orientation)[at]
    assert np.abs(found["posteriors"][:, :3] - posteriors)[inside].max() < 0.006
    assert (found["posteriors"][:, 3] == 0).all()
    bias = reorient(result.bias, orientation)[at]
    assert np.abs(found["shading"] / bias - 1)[inside].max() < 0.01
    assert np.abs(found["corrected"] * bias / canonical.data[at] - 1)[inside].max() < 0.03


def test_a_picture_is_read_as_the_engine_has_it(script):
    scan, _ = SAMPLES["slice-t1"].make()
    result = segment(scan)
    kind, axis, shape, labels = script.evaluate(
        """async (bytes) => {
            const {header, slices: [slice]} = await decode(bytesOf(bytes));
            return [header.kind, slice.axis, [slice.rows, slice.columns], [...slice.labels]];
        }""",
        text(message(scan, result, [(PICTURE, 0)])),
    )
    assert (kind, axis, tuple(shape)) == ("picture", PICTURE, scan.data.shape)
    assert (np.reshape(labels, shape) == result.labels).all()


def test_several_slices_of_a_message_that_begins_amid_a_buffer(script, head):
    scan, result = head
    content = message(scan, result, [(2, 20), (0, 31)])
    found = script.evaluate(
        """async ([bytes, skipped]) => {
            const whole = bytesOf(bytes);
            const {slices} = await decode(new Uint8Array(whole.buffer, skipped));
            return slices.map(({axis, index, rows, columns}) => [axis, index, rows, columns]);
        }""",
        [text(b"before " + content), 7],
    )
    across, along, up = orient(scan)[0].data.shape
    assert found == [[2, 20, along, across], [0, 31, up, along]]


def test_the_version_of_the_bytes_is_the_same_on_both_sides(script):
    assert script.evaluate("FORMAT_VERSION") == FORMAT_VERSION


@pytest.mark.parametrize("version", [FORMAT_VERSION - 1, FORMAT_VERSION + 1, 2**32 - 1])
def test_bytes_of_another_version_are_refused(script, head, version):
    content = struct.pack("<I", version) + message(*head, [])[4:]
    error = script.evaluate(
        "bytes => decode(bytesOf(bytes)).then(() => null, (error) => [error instanceof FormatError, error.message])",
        text(content),
    )
    assert error[0]
    assert "Reload the page" in error[1]


def test_the_signal_of_an_inverted_scan_is_its_negative(script):
    assert script.evaluate("signalOf(30, {zero: 0, scale: 1, invertedAbout: 100})") == 70
    assert script.evaluate("signalOf(30, {zero: -5, scale: 2, invertedAbout: null})") == 70
    for header in ("{zero: -5, scale: 1, invertedAbout: null}", "{zero: -5, scale: 4, invertedAbout: 100}"):
        assert script.evaluate(f"intensityOf(signalOf(30, {header}), {header})") == 30


# Pixels.


def test_the_window_is_black_at_one_end_and_white_at_the_other(script):
    shown = script.evaluate("[-50, 20, 40, 50, 60, 80, 900].map((x) => grayOf(x, {black: 20, white: 80}))")
    assert shown == [0, 0, 85, 128, 170, 255, 255]


def test_a_scan_is_gray_and_corrected_by_its_field_within_the_brain(script):
    layers = {
        "levels": np.array([[100, 100, 200]]),
        "labels": np.array([[0, 1, 1]]),
        "field": np.array([[255, 255, 0]]),  # times e, and times 1 / e
    }
    shown = {
        layer: rgba(
            script.evaluate(
                "([slice, layer, header, state]) => plain(grayPixels(sliceOf(slice), layer, {header, state}))",
                [small(layers), layer, HEADER, STATE],
            ),
            (1, 3),
        )
        for layer in ("original", "corrected", "posterior-gm")
    }
    scale = 255 / 1023
    assert shown["original"][0, :, 0].tolist() == [round(x * scale) for x in (100, 100, 200)]
    assert shown["corrected"][0, :, 0].tolist() == [round(x * scale) for x in (100, 100 / np.e, 200 * np.e)]
    assert not shown["posterior-gm"][..., :3].any()
    for pixels in shown.values():
        assert (pixels[..., :3] == pixels[..., :1]).all()
        assert (pixels[..., 3] == 255).all()


def test_labels_have_their_tissues_colors_at_the_chosen_opacity(script):
    labels = np.array([[0, 1, 2, 3]])
    shown = layer_of(script, {"labels": labels}, "segmented", opacity=0.6)
    assert shown[0, 0].tolist() == [0, 0, 0, 0]
    for pixel, tissue in zip(shown[0, 1:], Tissue, strict=True):
        assert pixel.tolist() == [*tissue.rgb, 153]


def test_a_hidden_tissue_is_left_out_and_a_highlighted_one_stands_alone(script):
    labels = np.array([[0, 1, 2, 3]])
    hidden = layer_of(script, {"labels": labels}, "segmented", hidden=[2])
    assert (hidden[0, :, 3] > 0).tolist() == [False, True, False, True]
    highlighted = layer_of(script, {"labels": labels}, "segmented", hidden=[2], highlighted=2, contours=True)
    assert highlighted[0, :, 3].tolist() == [0, 0, 255, 0]


def rim(mask: np.ndarray) -> np.ndarray:
    """What of a mask has not all four neighbors in it, by another hand."""
    return mask & ~ndimage.binary_erosion(mask)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (9, 9), (12, 7)])
def test_contours_are_the_rims_of_the_tissues(script, shape):
    labels = ndimage.zoom(np.random.default_rng(len(shape)).integers(0, 4, (4, 4)), (3, 3), order=0)
    labels = np.pad(labels, 4, mode="wrap")[: shape[0], : shape[1]]
    shown = layer_of(script, {"labels": labels}, "segmented", contours=True)[..., 3] > 0
    assert (shown == sum(rim(labels == tissue.number) for tissue in Tissue).astype(bool)).all()


def test_the_contour_of_a_square_is_its_border(script):
    labels = np.zeros((9, 9), int)
    labels[2:7, 2:7] = 1
    shown = layer_of(script, {"labels": labels}, "segmented", contours=True)[..., 3] > 0
    border = labels.astype(bool)
    border[3:6, 3:6] = False
    assert (shown == border).all()


def test_the_outline_is_the_rim_of_the_brain(script):
    labels = np.random.default_rng(5).integers(0, 4, (15, 14))
    labels[4:12, 3:11] += 1
    labels[labels > 3] = 3
    shown = script.evaluate("slice => plain(outlinePixels(sliceOf(slice)))", small({"labels": labels}))
    assert ((rgba(shown, labels.shape)[..., 3] > 0) == rim(labels > 0)).all()


def test_a_map_of_a_posterior_is_as_opaque_as_it_is_likely(script):
    layers = {
        "labels": np.array([[1, 1, 1, 0]]),
        "gray": np.array([[255, 100, 0, 90]]),
        "white": np.array([[0, 50, 0, 90]]),
        "abnormal": np.array([[0, 30, 60, 0]]),
    }
    for layer, label, shares in (
        ("posterior-gm", Tissue.GM, [255, 100, 0, 0]),
        ("posterior-wm", Tissue.WM, [0, 50, 0, 0]),
        ("posterior-csf", Tissue.CSF, [0, 75, 195, 0]),
        ("posterior-abnormal", ABNORMAL, [0, 30, 60, 0]),
    ):
        shown = layer_of(script, layers, layer)[0]
        assert shown[:, 3].tolist() == shares
        assert shown[1, :3].tolist() == list(label.rgb)


def test_what_is_abnormal_is_told_by_stripes_too(script):
    labels = np.full((8, 8), ABNORMAL.number)
    shown = layer_of(script, {"labels": labels}, "segmented")
    assert (shown[..., :3] == ABNORMAL.rgb).all()
    stripes = (np.add(*np.indices(labels.shape)) % 4) < 2
    assert (shown[..., 3][stripes] == 255).all()
    assert (shown[..., 3][~stripes] == 77).all()  # half of 0.6, as an opacity


def test_entropy_is_none_of_a_certain_voxel_and_full_of_one_that_may_be_anything(script):
    layers = {
        "labels": np.ones((1, 4), int),
        "gray": np.array([[255, 85, 128, 64]]),
        "white": np.array([[0, 85, 127, 64]]),
        "abnormal": np.array([[0, 0, 0, 64]]),
    }
    found = script.evaluate(
        "slice => [0, 1, 2, 3].map((at) => entropyAt(sliceOf(slice), at))",
        small(layers),
    )
    assert found == pytest.approx([0, 1, np.log(2) / np.log(3), 1], abs=1e-3)
    colors = script.evaluate("shares => shares.map(paletteOf(UNCERTAINTY_COLORS))", found)
    shown = layer_of(script, layers, "entropy", opacity=0.6)[0]
    assert shown.tolist() == [[*color, 153] for color in colors]
    brightness = shown[[0, 2, 1], :3].sum(-1)
    assert (np.diff(brightness.astype(int)) > 100).all()  # lighter, the less is known


def test_the_field_has_its_ends_at_its_colors_and_is_white_where_it_changes_nothing(script):
    layers = {"labels": np.ones((1, 3), int), "field": np.array([[0, 128, 255]])}
    first, *_, last = script.evaluate("FIELD_COLORS")
    dark, flat, bright = layer_of(script, layers, "field", opacity=1)[0].tolist()
    assert dark == [*first, 255]
    assert bright == [*last, 255]
    assert min(flat[:3]) >= 240


def test_two_segmentations_disagree_where_their_labels_differ(script):
    labels, other = np.array([[0, 1, 2, 0, 3]]), np.array([[0, 1, 3, 2, 0]])
    other_shown, differing = script.evaluate(
        """([slice, header, state]) => [otherPixels, disagreementPixels].map((pixels) =>
            plain(pixels(sliceOf(slice), {header, state: stateOf(state)})))""",
        [small({"labels": labels, "other": other}), HEADER, STATE | {"hidden": [3]}],
    )
    assert rgba(other_shown, labels.shape)[0, :, 3].tolist() == [0, 153, 0, 153, 0]
    differing = rgba(differing, labels.shape)[0]
    assert differing[:, 3].tolist() == [0, 0, 255, 255, 255]
    assert differing[2, :3].tolist() == list(Tissue.WM.rgb)  # what this segmentation says
    assert differing[3, :3].tolist() not in [list(tissue.rgb) for tissue in Tissue]  # which says nothing here


@pytest.mark.parametrize("mirrored", [False, True])
def test_an_overlay_is_blended_by_its_opacity_and_lies_on_the_same_pixels(script, mirrored):
    labels = np.array([[1, 0, 2], [0, 3, 0]])
    levels = np.array([[300, 300, 600], [900, 900, 0]])
    drawn = script.evaluate(
        """([slice, header, state, mirrored]) => {
            const context = new OffscreenCanvas(30, 20).getContext('2d');
            const viewport = {x: 0, y: 0, scaleX: 10, scaleY: 10, rows: 2, columns: 3, mirrored};
            const view = {header, state: stateOf(state)};
            for (const image of imagesOf(sliceOf(slice), 'layer', view)) {
                drawPixels(context, {...image, smooth: false}, {viewport, divider: 0});
            }
            return [...context.getImageData(0, 0, 30, 20).data];
        }""",
        [small({"labels": labels, "levels": levels}), HEADER, STATE, mirrored],
    )
    shown = rgba(drawn, (20, 30))[5::10, 5::10, :3].astype(float)
    if mirrored:
        shown = shown[:, ::-1]
    gray = np.repeat(np.round(levels * (255 / 1023))[..., None], 3, -1)
    color = np.array([(0, 0, 0), *(tissue.rgb for tissue in Tissue)])[labels]
    expected = np.where(labels[..., None] > 0, 0.6 * color + 0.4 * gray, gray)
    assert np.abs(shown - expected).max() <= 1.5


def test_the_divider_leaves_the_original_on_its_left(script):
    drawn = script.evaluate(
        """([slice, header, state]) => {
            const context = new OffscreenCanvas(40, 10).getContext('2d');
            const viewport = {x: 0, y: 0, scaleX: 10, scaleY: 10, rows: 1, columns: 4, mirrored: false};
            const view = {header, state: stateOf(state)};
            for (const image of imagesOf(sliceOf(slice), 'swipe', view)) {
                drawPixels(context, {...image, smooth: false}, {viewport, divider: 20});
            }
            return [...context.getImageData(0, 0, 40, 10).data];
        }""",
        [small({"labels": np.ones((1, 4), int)}), HEADER, STATE],
    )
    assert rgba(drawn, (10, 40))[5, 5::10, :3].any(-1).tolist() == [False, False, True, True]


# Coordinates.

MAPPED = """([axis, shape, box, spacing, mirrored, voxels]) => {
    const [across, up] = inPlaneAxes(axis);
    const slice = axis === PICTURE ? {rows: shape[0], columns: shape[1]} : {rows: shape[up], columns: shape[across]};
    const size = {width: 317, height: 203};
    const part = visiblePart(slice, {axis, mirrored, box});
    const viewport = fitViewport(slice, {part, pixel: pixelSize(axis, spacing), mirrored, ...size});
    return voxels.map((voxel) => {
        const point = pointOfPixel(pixelOfVoxel(voxel, axis, slice), viewport);
        const near = [[-0.49, -0.49], [0.49, 0.49], [0, 0]].map(([dx, dy]) =>
            pixelOfPoint([point[0] + dx * viewport.scaleX, point[1] + dy * viewport.scaleY], viewport));
        const cursor = voxel.map((index, a) => a === axis ? index : -1);
        const back = near.map((pixel) => voxelOfPixel(pixel, axis, slice, cursor));
        return {point, back};
    });
}"""


def grid(axis: int) -> list[list[int]]:
    """All voxels of a slice in the middle."""
    if axis == PICTURE:
        return [list(voxel) for voxel in np.ndindex(SHAPE[:2])]
    return [list(voxel) for voxel in np.ndindex(SHAPE) if voxel[axis] == SHAPE[axis] // 2]


@pytest.mark.parametrize("axis", [PICTURE, 0, 1, 2])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("box", [None, [[1, 5], [2, 9], [0, 4]]])
def test_from_a_voxel_to_the_canvas_and_back(script, axis, mirrored, box):
    mirrored = mirrored and axis > 0
    voxels = grid(axis)
    mapped = script.evaluate(MAPPED, [axis, SHAPE, box, SPACING, mirrored, voxels])
    for voxel, to in zip(voxels, mapped, strict=True):
        assert to["back"] == [voxel] * 3
    points = {tuple(voxel): np.array(to["point"]) for voxel, to in zip(voxels, mapped, strict=True)}
    axes = [1, 0] if axis == PICTURE else [a for a in range(3) if a != axis]  # along columns, along rows
    pixels = [1.0, 1.0] if axis == PICTURE else [SPACING[a] for a in axes]
    signs = (1, 1) if axis == PICTURE else (1 if mirrored else -1, -1)  # the right of the patient is left, top is up
    start = voxels[len(voxels) // 2]
    steps = []
    for screen, (a, sign) in enumerate(zip(axes, signs, strict=True)):
        neighbor = [n + (1 if k == a else 0) for k, n in enumerate(start)]
        moved = points[tuple(neighbor)] - points[tuple(start)]
        assert moved[1 - screen] == 0
        assert moved[screen] * sign > 0
        steps.append(abs(moved[screen]))
    assert steps[0] / steps[1] == pytest.approx(pixels[0] / pixels[1])  # nothing is stretched
    ends = [(0, SHAPE[a]) for a in range(len(start))] if box is None else box
    corners = [
        points[tuple(voxel)]
        for voxel in itertools.product(
            *((ends[a][0], ends[a][1] - 1) if a in axes else (start[a],) for a in range(len(start)))
        )
    ]
    assert np.mean(corners, axis=0) == pytest.approx([317 / 2, 203 / 2])  # what is shown lies in the middle
    reach = np.ptp(corners, axis=0) + steps
    assert max(reach / [317, 203]) == pytest.approx(1)  # and fills the panel


@pytest.mark.parametrize("axis", [PICTURE, 0, 1, 2])
@pytest.mark.parametrize("zoom", [False, True])
def test_the_shape_of_a_panel_is_that_of_what_it_shows(script, axis, zoom):
    header = {"shape": SHAPE, "spacing": SPACING, "headBox": [[1, 5], [2, 9], [0, 4]]}
    extent = np.ptp(header["headBox"], axis=1) if zoom else np.array(SHAPE)
    millimeters = extent * (1 if axis == PICTURE else np.array(SPACING))
    wide, high = (1, 0) if axis == PICTURE else [a for a in range(3) if a != axis]
    found = script.evaluate("([axis, header, zoom]) => aspectOf(axis, header, {zoom})", [axis, header, zoom])
    assert found == pytest.approx(millimeters[wide] / millimeters[high])


def test_a_row_is_as_wide_as_its_panels_and_the_small_ones_beside_them(script):
    header = {"shape": [100, 50, 200], "spacing": [1, 1, 1], "headBox": None}
    panels = [{"axis": 2, "small": False}, {"axis": 1, "small": True}, {"axis": 0, "small": True}]
    found = script.evaluate("([panels, header]) => widthsOf(panels, header, {zoom: false})", [panels, header])
    assert found == {"aspects": [2, 0.5, 0.25], "side": 0.25, "total": 2.25}  # 2, and half of the wider small one
    alone = script.evaluate("([panels, header]) => widthsOf(panels, header, {zoom: false})", [panels[:1] * 2, header])
    assert alone == {"aspects": [2, 2], "side": 0, "total": 4}


def test_beside_a_slice_there_is_no_voxel(script):
    viewport = {"x": 10, "y": 20, "scaleX": 2, "scaleY": 3, "rows": 4, "columns": 5, "mirrored": True}
    points = [[9.9, 25], [20.1, 25], [15, 19.9], [15, 32.1], [10.1, 20.1], [19.9, 31.9]]
    found = script.evaluate("([points, v]) => points.map((point) => pixelOfPoint(point, v))", [points, viewport])
    assert found == [None, None, None, None, [0, 4], [3, 0]]


def test_millimeters_are_those_of_the_affine(script):
    affine = np.array([[-1, 0.2, 0, 90], [0, 2, 0.1, -126], [0.3, 0, 3, -72], [0, 0, 0, 1]])
    voxel = [3, 14, 15]
    found = script.evaluate("([affine, voxel]) => millimeters(affine, voxel)", [affine.tolist(), voxel])
    assert found == pytest.approx(affine[:3] @ [*voxel, 1])


def test_slices_end_where_the_volume_does(script):
    assert script.evaluate("[-10, -1, 0, 5, 9, 10, 99].map((index) => clampIndex(index, 10))") == [0, 0, 0, 5, 9, 9, 9]
    keys = ["ArrowUp", "ArrowLeft", "PageUp", "PageDown", "Tab"]
    steps = script.evaluate("keys => keys.map((key) => slicesOfKey(key) ?? null)", keys)
    assert steps == [1, -1, 10, -10, None]


def test_keys_walk_over_a_picture_and_stop_at_its_edge(script):
    walks = [
        ["ArrowUp", [0, 2]],
        ["ArrowDown", [0, 2]],
        ["ArrowLeft", [3, 0]],
        ["ArrowRight", [3, 4]],
        ["PageUp", [1, 1]],
    ]
    walked = script.evaluate("walks => walks.map(([key, pixel]) => pixelOfKey(key, pixel, [4, 5]))", walks)
    assert walked == [[0, 2], [1, 2], [3, 0], [3, 4], [1, 1]]


# Requests.

REQUESTED = """([here, view, times]) => {
    const store = new SliceStore(() => {});
    store.add(here.map(([axis, index]) => ({axis, index})));
    return times.map(([now, sent]) => {
        const slices = store.toRequest(view, now);
        if (sent) for (const [axis, index] of slices) store.pending.set(`${axis} ${index}`, now);
        return slices;
    });
}"""
VIEW = {"axes": [2, 0], "cursor": [3, 4, 5], "scroll": None, "shape": [10, 10, 10]}


def requested(script, here, times=((0, False),), **view):
    """What is requested with some slices here, at each of some times."""
    return script.evaluate(REQUESTED, [here, VIEW | view, [list(time) for time in times]])


def test_what_is_shown_and_not_here_is_requested(script):
    assert requested(script, []) == [[[2, 5], [0, 3]]]
    assert requested(script, [[2, 5]]) == [[[0, 3]]]
    assert requested(script, [[2, 5], [0, 3]]) == [[]]


def test_what_was_requested_is_awaited_for_a_while(script):
    times = [(0, True), (599, True), (600, True), (700, True)]
    assert requested(script, [[0, 3]], times) == [[[2, 5]], [], [[2, 5]], []]


def test_what_comes_next_in_the_direction_of_scrolling_is_requested_ahead(script):
    here = [[2, 5], [0, 3]]
    assert requested(script, here, scroll={"axis": 2, "step": 1}) == [[[2, 6], [2, 7], [2, 8]]]
    assert requested(script, here, scroll={"axis": 0, "step": -1}) == [[[0, 2], [0, 1], [0, 0]]]
    assert requested(script, [*here, [2, 6]], scroll={"axis": 2, "step": 1}) == [[[2, 7], [2, 8]]]
    assert requested(script, [*here, [2, 6], [2, 7]], scroll={"axis": 2, "step": 1}) == [[]]  # not one alone
    assert requested(script, [[0, 3]], scroll={"axis": 2, "step": 1}) == [[[2, 5]]]  # what is shown comes first


def test_nothing_is_requested_beyond_the_ends(script):
    top = {"axes": [2], "cursor": [0, 0, 8], "scroll": {"axis": 2, "step": 1}}
    assert requested(script, [[2, 8]], **top) == [[]]
    bottom = {"axes": [2], "cursor": [0, 0, 2], "scroll": {"axis": 2, "step": -1}}
    assert requested(script, [[2, 2]], **bottom) == [[[2, 1], [2, 0]]]


def test_what_came_and_is_gone_again_is_requested_at_once(script):
    found = script.evaluate(
        """([view, more]) => {
            const store = new SliceStore(() => {});
            store.pending.set('2 5', 0);
            const awaited = store.toRequest(view, 1);
            store.add([{axis: 2, index: 5}]);
            for (let index = 0; index < more; index += 1) store.add([{axis: 1, index}]);
            return [awaited, store.toRequest(view, 1)];
        }""",
        [VIEW | {"axes": [2]}, 192],
    )
    assert found == [[], [[2, 5]]]


def test_the_store_keeps_what_came_last(script):
    here = script.evaluate(
        """() => {
            const store = new SliceStore(() => {});
            for (let index = 0; index < 200; index += 1) store.add([{axis: 1, index}]);
            return [store.slices.size, store.has(1, 0), store.has(1, 199)];
        }"""
    )
    assert here == [192, False, True]


# Controls.


@pytest.mark.parametrize(
    ("before", "after", "begins"),
    [
        (None, "Another", True),
        ({"comparedWith": None}, "Another", True),
        ({"comparedWith": "One"}, "Another", False),  # whoever chose another layout meanwhile keeps it
        ({"comparedWith": "One"}, None, False),
        (None, None, False),
    ],
)
def test_the_comparison_is_shown_when_there_is_something_new_to_compare_with(script, before, after, begins):
    told = script.evaluate("([a, b]) => beginsToCompare(a, b)", [before, {"comparedWith": after}])
    assert told is begins


@pytest.mark.parametrize(
    ("header", "layouts"),
    [
        ({"kind": "volume", "comparedWith": None}, ["side", "swipe", "three"]),
        ({"kind": "picture", "comparedWith": None}, ["side", "swipe"]),
        ({"kind": "picture", "comparedWith": "Another"}, ["side", "swipe", "compare"]),
    ],
)
def test_only_layouts_that_make_sense_are_offered(script, header, layouts):
    texts = {"layouts": {"side": "Side", "swipe": "Swipe", "three": "Three", "compare": "Compare"}}
    found = script.evaluate("header => layoutsOf(header).map(([layout]) => layout)", header | {"texts": texts})
    assert found == layouts


@pytest.mark.parametrize(
    ("layout", "panels"),
    [
        ("side", ["1 original", "1 layer", "2 layer small", "0 layer small"]),
        ("overlay", ["1 layer", "2 layer small", "0 layer small"]),
        ("swipe", ["1 swipe", "2 layer small", "0 layer small"]),
        ("original", ["1 original", "2 original small", "0 original small"]),
        ("three", ["0 layer", "1 layer", "2 layer"]),
        ("compare", ["1 other", "1 layer", "1 disagreement"]),
    ],
)
def test_the_panels_of_a_layout(script, layout, panels):
    header = {"kind": "volume", "planes": [[0, "Sagittal"], [1, "Coronal"], [2, "Axial"]]}
    found = script.evaluate(
        """([header, state]) => panelsOf(header, state).map(
            ({axis, shows, small}) => `${axis} ${shows}${small ? ' small' : ''}`)""",
        [header, {"layout": layout, "plane": 1}],
    )
    assert found == panels


def test_a_dragged_window_moves_with_the_pointer_and_never_closes(script):
    drag = "([w, by]) => dragWindow(w, by, [0, 600])"
    assert script.evaluate(drag, [{"black": 100, "white": 300}, [20, 0]]) == {"black": 90, "white": 310}
    assert script.evaluate(drag, [{"black": 100, "white": 300}, [0, 20]]) == {"black": 80, "white": 280}
    assert script.evaluate(drag, [{"black": 100, "white": 300}, [-5000, 0]]) == {"black": 199.5, "white": 200.5}


def test_the_readout_says_where_a_voxel_is_and_which_tissue(script):
    values = {
        "intensity": 1234.5678,
        "corrected": 0.000123456,
        "shading": 1.256,
        "inside": True,
        "posteriors": [0.1, 0.9, 0],
    }
    texts = {
        "pixel": "Pixel",
        "intensity": "intensity",
        "corrected": "corrected",
        "outside": "outside",
        "shading": "field",
    }
    describe = "([voxel, values, header, state]) => describeVoxel(voxel, values, {header, state})"
    header = {"texts": texts, "affine": None, "tissues": TISSUES}
    found = script.evaluate(describe, [[6, 4], values, header, {"layer": "field"}])
    said = [item["text"] for item in found]
    assert said == ["Pixel 5, 7", "intensity 1235", "corrected 0.0001235", "field × 1.26", "GM", "WM", "CSF"]
    assert [item.get("share") for item in found[-3:]] == [0.1, 0.9, 0]
    affine = [[2, 0, 0, -9], [0, 2, 0, -0.4], [0, 0, 2, 1], [0, 0, 0, 1]]
    outside = values | {"inside": False, "intensity": 123456.7}
    found = script.evaluate(describe, [[1, 0, 2], outside, header | {"affine": affine}, {"layer": "field"}])
    assert [item["text"] for item in found] == ["-7, 0, 5 mm", "intensity 123457", "outside"]


def test_the_readout_calls_no_tissue_certain(script):
    items = [{"text": "GM", "rgb": [1, 2, 3], "share": share} for share in (0.999, 0.42, 0)]
    said = script.evaluate(
        "(items) => { const line = document.createElement('p'); showReadout(line, items); return line.innerText; }",
        items,
    )
    assert re.findall(r"\d+ %", said) == ["99 %", "42 %", "0 %"]


# The histogram.


def test_the_highest_curve_of_a_tissue_is_the_one_pointed_at(script):
    points = [
        {"y": 90, "data": {"name": "White matter"}},
        {"y": 20, "data": {"meta": {"tissue": 1}}},
        {"y": 30, "data": {"meta": {"tissue": 3}}},
    ]
    assert script.evaluate("points => highestTissue(points)", points) == 3
    assert script.evaluate("points => highestTissue(points)", points[:1]) is None


PLOT = """() => {
    document.body.innerHTML = '<div class="st-key-histogram"><div class="js-plotly-plot"></div></div>';
    const plot = document.querySelector('.js-plotly-plot');
    window.plotted = (slope, offset) => {
        const heard = {};
        plot.on = (event, handler) => { (heard[event] ??= []).push(handler); };
        plot.removeListener = (event, handler) => { heard[event] = heard[event].filter((one) => one !== handler); };
        plot.say = (event, data) => { for (const handler of heard[event] ?? []) handler(data); };
        plot.heard = heard;
        const xaxis = {l2p: (x) => slope * x, _length: 100, _offset: offset};
        plot._fullLayout = {xaxis, yaxis: {_offset: 7, _length: 50}};
        plot.append(document.createElement('svg'));
    };
    window.line = () => {
        const mark = plot.querySelector('.mriseg-mark');
        return mark && [mark.style.display, mark.style.left];
    };
}"""


def test_the_link_finds_a_plot_that_comes_later_and_one_that_is_made_anew(script):
    script.evaluate(PLOT)
    lines = script.evaluate(
        """async () => {
            const next = () => new Promise((done) => setTimeout(done));
            const plot = document.querySelector('.js-plotly-plot');
            const said = [], lines = [];
            const link = new HistogramLink((tissue) => said.push(tissue));
            link.mark(20);
            lines.push(line());
            plotted(2, 5);
            await next();
            lines.push(line());
            link.mark(51);
            lines.push(line());
            link.mark(20);
            plot._fullLayout.xaxis._offset = 11;
            plot.say('plotly_afterplot');
            lines.push(line());
            plotted(1, 5);
            await next();
            lines.push(line());
            plot.say('plotly_hover', {points: [{y: 1, data: {meta: {tissue: 2}}}]});
            plot.say('plotly_hover', {points: [{y: 1, data: {}}]});
            plot.say('plotly_unhover');
            link.mark(null);
            lines.push(line());
            link.mark(20);
            link.disconnect();
            plot.say('plotly_hover', {points: [{y: 1, data: {meta: {tissue: 2}}}]});
            lines.push(line());
            return [lines, said];
        }"""
    )
    assert lines == [
        [None, ["block", "45px"], ["none", "45px"], ["block", "51px"], ["block", "25px"], None, None],
        [2, None],
    ]


# The whole.


MOUNT = """async (bytes) => {
    document.body.innerHTML = '<div><div class="mriseg-viewer" style="width: 900px"></div></div>';
    const {default: mount} = await import('./joined.js');
    const root = document.querySelector('.mriseg-viewer');
    window.sent = [];
    const send = (name, value) => window.sent.push([name, value]);
    window.give = (bytes) => mount({data: bytesOf(bytes), parentElement: root.parentElement, setStateValue: send});
    window.give(bytes);
}"""
ALL_DRAWN = """(drawn) => [...document.querySelectorAll('canvas')].length
    && [...document.querySelectorAll('canvas')].every((canvas) => canvas.dataset.drawn?.startsWith(drawn))"""


def test_the_main_slice_is_announced_when_it_changes_and_to_whoever_asks(script, head):
    scan, result = head
    start = [n // 2 for n in orient(scan)[0].data.shape]
    both = [(2, start[2]), (2, start[2] + 1)]
    script.evaluate(
        """() => {
            window.heard = [];
            window.listen = ({detail: {header, slice}}) => heard.push([header.result, slice.axis, slice.index]);
            document.addEventListener('mriseg-slice', listen);
        }"""
    )
    script.evaluate(MOUNT, text(message(scan, result, [*both, (0, start[0]), (1, start[1])])))
    script.wait_for_function("heard.length === 1")
    script.locator("canvas").first.focus()
    script.keyboard.press("ArrowUp")
    script.wait_for_function("heard.length === 2")
    script.locator("canvas").first.dispatch_event("pointermove")
    script.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    script.evaluate("document.dispatchEvent(new CustomEvent('mriseg-slice-request'))")
    heard = script.evaluate("() => { document.removeEventListener('mriseg-slice', listen); return heard; }")
    assert heard == [["result", 2, start[2]], ["result", 2, start[2] + 1], ["result", 2, start[2] + 1]]


def test_the_joined_script_draws_and_requests_what_the_page_understands(script, head):
    scan, result = head
    shape = orient(scan)[0].data.shape
    start = [n // 2 for n in shape]
    script.evaluate(MOUNT, text(message(scan, result, [(axis, start[axis]) for axis in range(3)])))
    script.wait_for_function(ALL_DRAWN, arg="result ")
    assert script.locator("canvas").count() == 4
    script.locator("canvas").first.focus()
    script.keyboard.press("ArrowUp")
    script.wait_for_function("sent.length > 0")
    ((name, value),) = script.evaluate("sent")
    moved = [start[0], start[1], start[2] + 1]
    assert name == "request"
    assert _slice_request(value, shape) == SliceRequest("result", "scan", tuple(moved), ((2, moved[2]),), 1)
    script.evaluate("bytes => give(bytes)", text(message(scan, result, [(2, moved[2])], count=1)))
    script.wait_for_function(
        "drawn => document.querySelector('canvas').dataset.drawn === drawn", arg=f"result 2 {moved[2]}"
    )


def test_a_page_older_than_its_server_says_to_reload_it(script, head):
    scan, result = head
    good = message(scan, result, [(axis, n // 2) for axis, n in enumerate(orient(scan)[0].data.shape)])
    script.evaluate(MOUNT, text(good))
    script.wait_for_function(ALL_DRAWN, arg="result ")
    script.evaluate("bytes => give(bytes)", text(struct.pack("<I", FORMAT_VERSION + 1) + good[4:]))
    script.wait_for_selector(".mriseg-viewer [role=alert]")
    assert "Reload the page" in script.locator(".mriseg-viewer").inner_text()
    assert script.locator("canvas").count() == 0
    script.evaluate("bytes => give(bytes)", text(good))  # the server is as it was
    script.wait_for_function(ALL_DRAWN, arg="result ")
