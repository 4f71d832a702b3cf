"""The scan and its segmentation in linked planes: mounts `viewer.js` and sends it the slices that it requests."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.comparison import compared
from mriseg.app.panels.metrics import is_joined
from mriseg.app.scan_id import scan_id
from mriseg.app.scripts import joined_modules
from mriseg.app.session import Analysis, current
from mriseg.app.viewer.slices import PICTURE, SliceSource, encode
from mriseg.core.scan import Scan
from mriseg.core.version import __version__
from mriseg.image.orientation import orient
from mriseg.plotting import slices as render
from mriseg.plotting.slices import AnatomicalPlane

MOST_AT_ONCE = 3  # slices that one answer holds
VIEWER = "viewer"
_HERE = Path(__file__).parent
# The script, in the order in which its modules import each other.
MODULES = (
    "viewer/navigation.js",
    "viewer/slice_store.js",
    "viewer/pixels.js",
    "viewer/color_keys.js",
    "viewer/what_if_frame.js",
    "viewer/painter.js",
    "viewer/elements.js",
    "viewer/drawing.js",
    "viewer/readout.js",
    "viewer/gestures.js",
    "viewer/legend.js",
    "viewer/help.js",
    "viewer/lightbox.js",
    "viewer/snapshot.js",
    "viewer/controls.js",
    "viewer/what_if.js",
    "viewer/what_if_slice.js",
    "viewer/expectation_maximization.js",
    "viewer/histogram_overlay.js",
    "viewer/histogram_handles.js",
    "viewer/what_if_bar.js",
    "viewer/what_if_session.js",
    "viewer/histogram_link.js",
    "viewer/slice_announcer.js",
    "viewer/reasons.js",
    "viewer/show_place.js",
    "viewer/viewer.js",
)
STYLES = ("viewer.css", "what_if.css")

_mount = st.components.v2.component(
    "mriseg_viewer",
    html='<div class="mriseg-viewer"></div>',
    css="\n".join((_HERE / name).read_text("utf-8") for name in STYLES),
    js=joined_modules(MODULES),
    isolate_styles=False,  # the viewer marks the histogram, which stands outside it
)


@st.fragment
def show_viewer() -> None:
    """Draw the viewer; only this part runs again when it requests a slice."""
    analysis = current()
    scan, _ = orient(analysis.scan)
    planes = _planes(scan)
    other = compared(analysis)
    joined = is_joined(analysis.result)
    shown = " ".join([analysis.key, *([] if other is None else [other.key]), *(["joined"] if joined else [])])
    request = _slice_request(st.session_state.get(VIEWER, {}).get("request"), scan.data.shape)
    cursor, slices = analysis.widest, None
    if request is not None and request.scan == analysis.source:
        cursor = request.cursor
        slices = request.slices if request.result == shown else None
    if slices is None:
        slices = tuple((plane.axis, cursor[plane.axis]) for plane in planes) or ((PICTURE, 0),)
    title, labels = (None, None) if other is None else (other.title, other.labels)
    source = SliceSource.of(analysis.scan, analysis.result, labels, joined=joined)
    count = request.count if request else 0
    details = {"result": shown, "comparedWith": title, "count": count, **_details(analysis, planes)}
    _mount(
        key=VIEWER,
        data=encode(source, slices, window=analysis.limits, details=details),
        on_request_change=lambda: None,
    )


def _planes(scan: Scan) -> list[AnatomicalPlane]:
    """The planes worth showing, that in which the scan was acquired first; none for a picture."""
    if scan.spacing is None or scan.kind == "picture":
        return []
    first = render.default_plane(scan.spacing)
    # A volume of a single slice is worth showing in its own plane alone.
    planes = [plane for plane in AnatomicalPlane if 1 not in scan.data.shape or scan.data.shape[plane.axis] == 1]
    return sorted(planes, key=lambda plane: plane is not first)


@dataclass(frozen=True)
class SliceRequest:
    """What the viewer requests: slices of a result, and where its cursor stands in the scan."""

    result: str
    scan: str
    cursor: tuple[int, ...]
    slices: tuple[tuple[int, int], ...]
    count: int


def _slice_request(sent: object, shape: tuple[int, ...]) -> SliceRequest | None:
    """What the browser sent, if it is what a viewer of a volume of this shape sends."""
    if not isinstance(sent, dict) or len(shape) != len(AnatomicalPlane):
        return None
    result, scan, count = sent.get("result"), sent.get("scan"), sent.get("count")
    cursor, slices = sent.get("cursor"), sent.get("slices")
    if not isinstance(result, str) or not isinstance(scan, str) or not _is_index(count, None):
        return None
    if not isinstance(cursor, list) or len(cursor) != len(shape) or not all(map(_is_index, cursor, shape)):
        return None
    if not isinstance(slices, list) or len(slices) > MOST_AT_ONCE:
        return None
    for requested in slices:
        if not isinstance(requested, list) or len(requested) != 2 or not _is_index(requested[0], len(shape)):
            return None
        if not _is_index(requested[1], shape[requested[0]]):
            return None
    return SliceRequest(
        result=result,
        scan=scan,
        cursor=tuple(cursor),
        slices=tuple((axis, index) for axis, index in slices),
        count=count,
    )


def _is_index(value: object, below: int | None) -> TypeGuard[int]:
    """Whether a value is a whole number from 0, and below another."""
    return type(value) is int and value >= 0 and (below is None or value < below)


def _details(analysis: Analysis, planes: list[AnatomicalPlane]) -> dict[str, object]:
    """Where the viewer begins, and its texts."""
    return {
        "scan": analysis.source,
        "scanId": scan_id(),
        "start": analysis.widest,
        "plane": planes[0].axis if planes else PICTURE,
        "planes": [(plane.axis, plane.caption(analysis.result.planes_known)) for plane in planes],
        "letters": {plane.axis: plane.letters for plane in planes},
        "contrast": analysis.result.contrast.title,
        "doubtful": analysis.result.brain.doubtful,
        "texts": _words(),
    }


def _words() -> dict[str, object]:
    """The viewer's texts, by the names that its script has for them."""
    return {
        "plane": texts.PLANE,
        "slice": texts.SLICE,
        "layout": texts.LAYOUT,
        "layouts": texts.LAYOUTS,
        "layer": texts.LAYER,
        "layers": texts.LAYERS,
        "opacity": texts.OPACITY,
        "opacityHelp": texts.OPACITY_HELP,
        "width": texts.WINDOW_WIDTH,
        "level": texts.WINDOW_LEVEL,
        "contours": texts.CONTOURS,
        "contoursHelp": texts.CONTOURS_HELP,
        "shading": texts.PROBED_SHADING,
        "outline": texts.OUTLINE,
        "outlineHelp": texts.OUTLINE_HELP,
        "zoom": texts.NEAR,
        "zoomHelp": texts.NEAR_HELP,
        "radiological": texts.RADIOLOGICAL,
        "radiologicalHelp": texts.RADIOLOGICAL_HELP,
        "of": texts.OF,
        "allSlices": texts.ALL_SLICES,
        "allSlicesHelp": texts.ALL_SLICES_HELP,
        "fullScreen": texts.FULL_SCREEN,
        "fullScreenHelp": texts.FULL_SCREEN_HELP,
        "save": texts.SAVE_PICTURE,
        "saveHelp": texts.SAVE_PICTURE_HELP,
        "help": texts.KEYS,
        "helpHelp": texts.KEYS_TITLE,
        "keysTitle": texts.KEYS_TITLE,
        "keys": texts.VIEWER_KEYS,
        "close": texts.CLOSE,
        "uncertaintyKey": texts.UNCERTAINTY_KEY,
        "uncertaintyEnds": texts.UNCERTAINTY_ENDS,
        "maskKey": texts.MASK_KEY,
        "outlineKey": texts.OUTLINE_KEY,
        "elsewhereKey": texts.ELSEWHERE_KEY,
        "origin": texts.ORIGIN.format(__version__),
        "more": texts.MORE_CONTROLS,
        "tissueHelp": texts.TISSUE_HELP,
        "probeHelp": texts.PROBE_HELP,
        "pixel": texts.PIXEL,
        "intensity": texts.PROBED_INTENSITY,
        "corrected": texts.PROBED_CORRECTED,
        "outside": texts.OUTSIDE,
        "original": texts.ORIGINAL,
        "disagreement": texts.DISAGREEMENT,
        "sidesUnknown": texts.SIDES_UNKNOWN,
        "canvasHelp": texts.CANVAS_HELP,
        "whatIf": texts.WHAT_IF,
    }
