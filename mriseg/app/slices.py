"""Row one: the scan and its segmentation side by side, on one plane and slice."""

import numpy as np
import streamlit as st

from mriseg import render
from mriseg.app import texts
from mriseg.app.analysis import KEPT, Analysis
from mriseg.orient import orient, reorient
from mriseg.render import Plane, View
from mriseg.scan import Scan

FRAME = (330, 410)  # rows and columns of a picture on the screen: two of them and the figures fit on a laptop
OPACITY = 0.7
SLIDER_WIDTH = 105  # pixels: all controls stand in one row
GAP = 8  # pixels between the two pictures in a saved view


@st.fragment
def show_slices() -> None:
    """Draw the controls and the two pictures; only this part runs again when a control moves."""
    analysis: Analysis | None = st.session_state.get(KEPT)
    if analysis is None:  # the fragment may run once more after its scan is gone
        return
    scan, orientation = orient(analysis.scan)
    view, opacity, outline = _controls(analysis, scan)
    original, segmented = _pictures(analysis, scan, orientation, view, opacity, outline)
    for column, title, picture in zip(
        st.columns(2), (texts.ORIGINAL, texts.SEGMENTED), (original, segmented), strict=True
    ):
        column.image(render.png(picture), alt=title, caption=title)
    gap = np.zeros((original.shape[0], GAP, 3), np.uint8)
    both = np.concatenate(
        [original if original.ndim == 3 else np.repeat(original[..., None], 3, -1), gap, segmented], 1
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            texts.SAVE_VIEW,
            lambda: render.png(both),
            "mriseg_view.png",
            "image/png",
            on_click="ignore",
            type="tertiary",
        )
        st.caption(_where(scan, view))


def _controls(analysis: Analysis, scan: Scan) -> tuple[View, float, bool]:
    """Plane, slice, side and colour, as far as the scan leaves a choice."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = View(None)
        if scan.spacing is not None:
            default = render.default_plane(scan.spacing)
            # A volume of a single slice is worth showing in its own plane alone.
            planes = [plane for plane in Plane if 1 not in scan.data.shape or scan.data.shape[plane.axis] == 1]
            plane = st.segmented_control(
                texts.PLANE,
                planes,
                default=default if default in planes else planes[0],
                required=True,
                format_func=lambda plane: plane.title,
                key=f"plane {analysis.source}",
            )
            index, count = analysis.widest[plane.axis], scan.data.shape[plane.axis]
            if count > 1:  # shown from 1, as people count slices
                index = (
                    st.slider(
                        texts.SLICE,
                        1,
                        count,
                        index + 1,
                        key=f"slice {analysis.source} {plane.name}",
                        width=SLIDER_WIDTH,
                    )
                    - 1
                )
            radiological = st.toggle(texts.RADIOLOGICAL, True, help=texts.RADIOLOGICAL_HELP)
            view = View(plane, index, radiological, scan.sides_known)
        # A mask that is doubted shows its border without being asked.
        doubtful = analysis.result.brain.doubtful
        outline = st.toggle(texts.OUTLINE, doubtful, key=f"outline {analysis.source}", help=texts.OUTLINE_HELP)
        opacity = st.slider(texts.OPACITY, 0.0, 1.0, OPACITY, 0.05, help=texts.OPACITY_HELP, width=SLIDER_WIDTH)
    return view, opacity, outline


def _pictures(
    analysis: Analysis, scan: Scan, orientation: np.ndarray, view: View, opacity: float, outline: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The slice in gray, with the outline of the brain if wanted, and with the tissues in colour; same size."""
    sides = render.pixel_sides(scan.spacing, view)
    piece = render.cut(scan.data, view)
    levels = render.gray(piece, analysis.limits)
    labels = render.cut(reorient(analysis.result.labels, orientation), view)
    levels = render.enlarge(levels, sides, FRAME, smooth=True)
    labels = render.enlarge(labels, sides, FRAME, smooth=False)
    pixel_mm = None if view.plane is None else piece.shape[0] * sides[0] / levels.shape[0]
    original = render.outlined(levels, labels > 0) if outline else levels
    return (
        render.annotated(original, view, pixel_mm),
        render.annotated(render.coloured(levels, labels, opacity), view, pixel_mm),
    )


def _where(scan: Scan, view: View) -> str:
    """Position of the slice in words."""
    if view.plane is None or scan.affine is None:
        return texts.SIDES_UNKNOWN
    centre = (np.array(scan.data.shape) - 1) / 2
    centre[view.plane.axis] = view.index
    position = (scan.affine @ [*centre, 1])[view.plane.axis]
    words = f"{view.plane.title} slice {view.index + 1} of {scan.data.shape[view.plane.axis]} at {position:.0f} mm"
    return words if view.sides_known or not view.plane.shows_sides else f"{words}. {texts.SIDES_UNKNOWN}"
