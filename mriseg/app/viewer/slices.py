"""Slices as the viewer in the browser takes them: everything that it draws or probes there, packed into bytes.

With the intensities, the labels, the posteriors and the bias field of a slice in the browser, window, opacity, probing
and highlighting need no server. Only a slice that has not been seen yet is sent, deflated.
"""

import json
from collections.abc import Sequence

import imagecodecs
import numpy as np

from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.image.orientation import orient, reorient, reorient_box
from mriseg.plotting import slices as render
from mriseg.plotting.slices import AnatomicalPlane, View
from mriseg.segmentation.bias_field import evaluate_bias_field
from mriseg.segmentation.result import Result

LEVELS = 1024  # of intensity: quantized far finer than the noise of any scan, and two thirds of 16 bits when deflated
FULL = 255  # byte of a posterior of 1
SPEED = 1  # level 5 saves 4 % and takes twice as long; zlib itself takes half as long again and packs worse
FIELD_SAMPLES = 32  # along each axis show how far a smooth field reaches
FLAT = 1e-6  # a field that varies less in its logarithm is none
AROUND_MM = 25.0  # that skull and scalp take around the brain
AROUND_SHARE = 0.15  # the same of a brain whose size is unknown
PICTURE = -1  # stands for the axis across a picture, which has none


def pack(
    scan: Scan,
    result: Result,
    limits: tuple[float, float],
    slices: Sequence[tuple[int, int]],
    words: dict[str, object],
    other: np.ndarray | None = None,
) -> bytes:
    """Slices with what the viewer must know to draw them.

    Parameters
    ----------
    scan : Scan
    result : Result
        Of `scan`.
    limits : tuple of float
        Intensities shown black and white at first.
    slices : sequence of (int, int)
        Canonical axis across the slice and its index; `PICTURE` and 0 for a picture.
    words : dict
        Further entries of the header.
    other : ndarray of uint8, shape of the scan, optional
        Labels to compare with.

    Returns
    -------
    bytes
        Length of the header as four bytes, least first; the header as JSON; for each slice its deflated content: levels
        of intensity (two bytes a pixel), labels, posteriors of gray and of white matter, the bias field and the other
        labels (a byte each), rows from the top, columns in the radiological convention.
    """
    canonical, orientation = orient(scan)
    named = result.stages.named
    low, high = float(canonical.data.min()), float(canonical.data.max())
    corrected = result.stages.corrected
    assert corrected is not None
    coefficients = corrected.coefficients[0]
    box = reorient_box(result.box, result.labels.shape, orientation)
    extent = tuple(part.stop - part.start for part in box)
    sparse = evaluate_bias_field(
        coefficients, extent, tuple(slice(None, None, max(1, n // FIELD_SAMPLES)) for n in extent)
    )
    flattest, steepest = float(np.log(sparse.min())), float(np.log(sparse.max()))
    labels = reorient(result.labels, orientation)
    others = None if other is None else reorient(other, orientation)
    parts, contents = [], []
    for axis, index in slices:
        view = View(next((plane for plane in AnatomicalPlane if plane.axis == axis), None), index)
        levels = render.cut(canonical.data, view)
        steps = ((levels - low) * ((LEVELS - 1) / (high - low)) + 0.5).astype("<u2")
        if axis == PICTURE:
            posteriors, within = result.posteriors, tuple(slice(None) for _ in extent)
        else:
            posteriors = _across(result, orientation, axis, index)
            here = slice(max(index - box[axis].start, 0), max(index + 1 - box[axis].start, 0))
            within = tuple(here if a == axis else slice(None) for a in range(3))
        field = np.log(evaluate_bias_field(coefficients, extent, within))
        shading = np.zeros(posteriors.shape[:-1], np.float32)
        if field.size:
            place = tuple(slice(0, 1) if a == axis else part for a, part in enumerate(box))
            shading[place] = np.clip((field - flattest) / max(steepest - flattest, FLAT), 0, 1)
        bytewise = [render.cut(labels, view)]
        shares = (posteriors[..., 0], posteriors[..., 1], shading)
        bytewise += [render.cut((share * FULL + 0.5).astype(np.uint8), View(view.plane)) for share in shares]
        bytewise.append(np.zeros_like(bytewise[0]) if others is None else render.cut(others, view))
        plain = b"".join([steps.tobytes(), *(layer.tobytes() for layer in bytewise)])
        content = imagecodecs.deflate_encode(plain, SPEED)
        parts.append({"axis": axis, "index": index, "shape": levels.shape, "length": len(content)})
        contents.append(content)
    header = json.dumps(
        {
            **words,
            "kind": scan.kind,
            "shape": canonical.data.shape,
            "spacing": canonical.spacing,
            "affine": None if canonical.affine is None else canonical.affine.tolist(),
            "sides": scan.sides_known,
            "levels": LEVELS,
            "range": (low, high),
            "window": limits,
            "field": (flattest, steepest),
            "black": named.black if named is not None and named.naming.inverted else None,
            "tissues": [{"number": t.number, "title": t.title, "short": t.abbreviation, "rgb": t.rgb} for t in Tissue],
            "around": _around(box, canonical),
            "parts": parts,
        }
    ).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *contents])


def _across(result: Result, orientation: np.ndarray, axis: int, index: int) -> np.ndarray:
    """The posteriors of a slice across a canonical axis, in canonical axes."""
    own = int(np.flatnonzero(orientation[:, 0] == axis)[0])
    if orientation[own, 1] < 0:
        index = result.labels.shape[own] - 1 - index
    return reorient(result.posteriors_across(own, index), orientation)


def _around(box: tuple[slice, ...], canonical: Scan) -> list[tuple[int, int]]:
    """Along each axis from where to where the head around the brain reaches, as far as the image does."""
    spacing = canonical.spacing if canonical.kind == "volume" else None
    found = []
    for axis, (part, n) in enumerate(zip(box, canonical.data.shape, strict=True)):
        margin = AROUND_SHARE * (part.stop - part.start) if spacing is None else AROUND_MM / spacing[axis]
        found.append((max(0, part.start - round(margin)), min(n, part.stop + round(margin))))
    return found
