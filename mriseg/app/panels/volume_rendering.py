"""The brain in three dimensions, by NiiVue in the browser; made when it is asked for."""

import base64
import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import streamlit as st
import streamlit.components.v1 as components

from mriseg.app import texts
from mriseg.app.session import Analysis
from mriseg.core.tissue import ABNORMAL, BACKGROUND, LABELS, Label, Tissue
from mriseg.image.orientation import orient, reorient
from mriseg.plotting import slices as render

# Why there are two viewers: the linked slices (`mriseg/app/viewer`) are our own, since they are sent one by one as they
# come into view, are joined with the histogram and show pictures, too. NiiVue wants a whole volume and 3 MB of script
# in the browser, but renders in three dimensions, which nobody should write again; so it comes only when asked for.
MOST_VOXELS = 1_500_000  # 4 MB to the browser as colors; finer is not seen in a rendering
HEIGHT = 600  # pixels
COLOR = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])  # a NIfTI of colors
FAINTEST = 0.55  # brightness of the darkest voxel: fluid is dark on T1, and would not be seen
SPEED = 1  # of gzip
# Percent of the brain from the side that is taken away. NiiVue first shows it from the left: there the first cut shows
# cortex, white matter, nuclei and a ventricle.
FIRST_PLANE, FIRST_CUT = "SAGITTAL", 36
FRAME = Path(__file__).parent / "rendering"


def show_rendering(analysis: Analysis) -> None:
    """Draw the brain in its tissues' colors, to be turned and cut open.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    if analysis.scan.kind == "picture":
        st.caption(texts.NO_RENDERING)
        return
    there: tuple[Tissue | Label, ...] = tuple(Tissue) if analysis.result.abnormal is None else LABELS
    first = (Tissue.GM, Tissue.WM) if analysis.result.abnormal is None else (Tissue.GM, Tissue.WM, ABNORMAL)
    shown = st.segmented_control(
        texts.RENDERED,
        there,
        selection_mode="multi",
        default=first,
        format_func=lambda label: label.title,
        key="rendered",
        label_visibility="collapsed",
    )
    is_cut_open = ABNORMAL in shown
    st.caption(f"{texts.RENDERING_WORDS} {texts.RENDERING_CUT if is_cut_open else ''}")
    which = "".join(label.abbreviation for label in shown)
    _frame()(
        nifti_data=base64.b64encode(colored_volume(analysis, tuple(shown))).decode(),
        filename=f"{analysis.key}{which}.nii.gz",  # the viewer keeps what it has by its name
        height=HEIGHT,
        view_mode="3d",
        styled=False,
        settings={"crosshair": False},
        update_interval_ms=None,
        words={"plane": texts.CUT_PLANE, "depth": texts.CUT_DEPTH, "planes": texts.CUT_PLANES},
        cut={"plane": "" if is_cut_open else FIRST_PLANE, "percent": FIRST_CUT},
        default=None,
        key=f"rendering {analysis.key} {which}",
    )


@cache
def _frame() -> Callable[..., Any]:
    """NiiVue in a frame of our own, which loads it from where its component serves it."""
    # Half a megabyte of the server's memory and the viewer's 3 MB in the browser only where somebody wants to see it.
    import niivue_component  # noqa: F401, its import is what serves the scripts

    return components.declare_component("rendering", path=FRAME)


def colored_volume(analysis: Analysis, shown: tuple[Tissue | Label, ...]) -> bytes:
    """The brain as a NIfTI of colors, in canonical axes, thinned to what a rendering shows.

    Parameters
    ----------
    analysis : Analysis
        Of a volume.
    shown : tuple of Tissue and Label
        Everything else is left empty.

    Returns
    -------
    bytes
        Compressed. Each voxel has its tissue's color, darkened as the scan is dark there. Where abnormal tissue is
        shown, the others are left out to the left of its middle.
    """
    scan, orientation = orient(analysis.scan)
    assert scan.affine is not None  # only a picture has none
    labels = reorient(analysis.result.labels, orientation)
    step = max(1, int(np.ceil((analysis.result.mask.sum() / MOST_VOXELS) ** (1 / 3))))
    filled = [np.flatnonzero(labels.any(tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    first = np.array([along[0] for along in filled])
    part = tuple(slice(along[0], along[-1] + 1, step) for along in filled)
    brightness = FAINTEST + (1 - FAINTEST) * render.gray(scan.data[part], analysis.limits) / 255
    table = np.zeros((max(label.number for label in LABELS) + 1, 3))
    for label in shown:
        table[label.number] = label.rgb
    table[BACKGROUND] = 0
    labels = labels[part]
    colors = (table[labels] * brightness[..., None]).astype(np.uint8)
    abnormal = labels == ABNORMAL.number
    if ABNORMAL in shown and abnormal.any():
        # It lies within the brain, which is first seen from the left: the tissues are cut open at its middle.
        left = slice(0, int(np.argwhere(abnormal)[:, 0].mean()))
        colors[left][~abnormal[left]] = 0
    affine = scan.affine @ np.diag([step, step, step, 1.0])
    affine[:3, 3] = (scan.affine @ [*first, 1])[:3]
    image = nibabel.Nifti1Image(np.ascontiguousarray(colors).view(COLOR)[..., 0], affine)
    return gzip.compress(image.to_bytes(), SPEED)
