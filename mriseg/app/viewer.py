"""The scan and its segmentation in linked planes: mounts `viewer.js` and sends it the slices that it asks for."""

from pathlib import Path

import streamlit as st

from mriseg import render
from mriseg.app import texts
from mriseg.app.analysis import KEPT, Analysis
from mriseg.app.comparison import compared
from mriseg.app.planes import PICTURE, pack
from mriseg.orient import orient
from mriseg.render import Plane
from mriseg.scan import Scan

HEIGHT = 330  # pixels of a plane on the screen: with the histogram below they fit a laptop
MOST_AT_ONCE = 3  # slices that one answer holds
VIEWER = "viewer"
_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "mriseg_viewer",
    html='<div class="mriseg-viewer"></div>',
    css=(_HERE / "viewer.css").read_text("utf-8"),
    js=(_HERE / "viewer.js").read_text("utf-8"),
    isolate_styles=False,  # the viewer marks the histogram, which stands outside it
)


@st.fragment
def show_viewer() -> None:
    """Draw the viewer; only this part runs again when it asks for a slice."""
    analysis: Analysis | None = st.session_state.get(KEPT)
    if analysis is None:  # the fragment may run once more after its scan is gone
        return
    scan, _ = orient(analysis.scan)
    planes = _planes(scan)
    want = st.session_state.get(VIEWER, {}).get("want") or {}
    other = compared(analysis)
    which = analysis.key if other is None else f"{analysis.key} {other.key}"
    shape = scan.data.shape
    cursor = analysis.widest
    slices = None
    if want.get("scan") == analysis.source and _inside(want.get("cursor"), shape):
        cursor = want["cursor"]
        if want.get("result") == which:
            slices = [tuple(asked) for asked in want["slices"][:MOST_AT_ONCE] if _is_slice(asked, shape)]
    if slices is None:
        slices = [(plane.axis, cursor[plane.axis]) for plane in planes] or [(PICTURE, 0)]
    title, labels = (None, None) if other is None else (other.title, other.labels)
    words = {"result": which, "other": title, **_words(analysis, planes)}
    _mount(
        key=VIEWER,
        data=pack(analysis.scan, analysis.result, analysis.limits, slices, words, labels),
        on_want_change=lambda: None,
    )


def _planes(scan: Scan) -> list[Plane]:
    """The planes worth showing, that in which the scan was acquired first; none for a picture."""
    if scan.spacing is None or scan.kind == "picture":
        return []
    first = render.default_plane(scan.spacing)
    # A volume of a single slice is worth showing in its own plane alone.
    planes = [plane for plane in Plane if 1 not in scan.data.shape or scan.data.shape[plane.axis] == 1]
    return sorted(planes, key=lambda plane: plane is not first)


def _inside(cursor: object, shape: tuple[int, ...]) -> bool:
    """Whether what the browser sent as its cursor is a voxel of the scan."""
    return (
        isinstance(cursor, list)
        and len(cursor) == len(shape)
        and all(isinstance(index, int) and 0 <= index < n for index, n in zip(cursor, shape, strict=True))
    )


def _is_slice(asked: object, shape: tuple[int, ...]) -> bool:
    """Whether what the browser asked for is a slice of the scan: an axis and an index."""
    if not isinstance(asked, list) or len(asked) != 2 or not all(isinstance(part, int) for part in asked):
        return False
    axis, index = asked
    return 0 <= axis < len(shape) and 0 <= index < shape[axis]


def _words(analysis: Analysis, planes: list[Plane]) -> dict[str, object]:
    """What the viewer says, and where it begins."""
    return {
        "scan": analysis.source,
        "start": analysis.widest,
        "plane": planes[0].axis if planes else PICTURE,
        "planes": [(plane.axis, plane.title) for plane in planes],
        "letters": {plane.axis: plane.letters for plane in planes},
        "doubtful": analysis.result.brain.doubtful,
        "height": HEIGHT,
        "words": {
            "plane": texts.PLANE,
            "slice": texts.SLICE,
            "layout": texts.LAYOUT,
            "layouts": texts.LAYOUTS,
            "layer": texts.LAYER,
            "layers": texts.LAYERS,
            "titles": texts.LAYERS | {"segmented": texts.SEGMENTED},
            "opacity": texts.OPACITY,
            "opacityHelp": texts.OPACITY_HELP,
            "width": texts.WINDOW_WIDTH,
            "level": texts.WINDOW_LEVEL,
            "contours": texts.CONTOURS,
            "outline": texts.OUTLINE,
            "outlineHelp": texts.OUTLINE_HELP,
            "near": texts.NEAR,
            "nearHelp": texts.NEAR_HELP,
            "radiological": texts.RADIOLOGICAL,
            "radiologicalHelp": texts.RADIOLOGICAL_HELP,
            "save": texts.SAVE_VIEW,
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
        },
    }
