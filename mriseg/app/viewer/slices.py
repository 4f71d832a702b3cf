"""Slices as the viewer in the browser takes them: everything that it draws or probes there, as bytes.

With the intensities, the labels, the posteriors and the bias field of a slice in the browser, window, opacity, probing
and highlighting need no server. Only a slice that has not been seen yet is sent, deflated.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import imagecodecs
import numpy as np

from mriseg.app.viewer.histogram_header import describe_histogram
from mriseg.core.scan import Scan
from mriseg.core.tissue import ABNORMAL, BRAIN_TISSUE, Label, Tissue
from mriseg.image.orientation import orient, reorient, reorient_box
from mriseg.plotting import slices as render
from mriseg.plotting.slices import AnatomicalPlane, View
from mriseg.segmentation.bias_field import evaluate_bias_field
from mriseg.segmentation.joined import join_gray_white
from mriseg.segmentation.result import Result
from mriseg.segmentation.tissue_maps import temperatures_of

FORMAT_VERSION = 3  # of the bytes, the same as in `slice_store.js`: a change of the format is one of both
LEVELS = 1024  # of intensity: quantized far finer than the noise of any scan, and two thirds of 16 bits when deflated
FULL = 255  # byte of a posterior of 1
SPEED = 1  # level 5 saves 4 % and takes twice as long; zlib itself takes half as long again and packs worse
FIELD_SAMPLES = 32  # along each axis show how far a smooth field reaches
FLAT = 1e-6  # a field that varies less in its logarithm is none
HEAD_MM = 25.0  # that skull and scalp take around the brain
HEAD_SHARE = 0.15  # the same of a brain whose size is unknown
PICTURE = -1  # stands for the axis across a picture, which has none


@dataclass(frozen=True)
class SliceSource:
    """What slices are cut from: a scan and its result, in canonical axes as far as they are needed whole.

    Attributes
    ----------
    scan : Scan
        In canonical axes.
    orientation : ndarray
        From the scan's own axes to these, as `orient` gives it.
    result : Result
        In its own axes.
    labels, other : ndarray of uint8
        Labels of the result, and those to compare with, if any, in canonical axes.
    joined : bool
        Whether gray and white matter have one label in both, that of gray matter.
    box : tuple of slice
        The part of the canonical grid that holds the brain.
    intensity_range : tuple of float
        Least and largest intensity.
    field_range : tuple of float
        The same of the logarithm of the bias field.
    """

    scan: Scan
    orientation: np.ndarray
    result: Result
    labels: np.ndarray
    other: np.ndarray | None
    joined: bool
    box: tuple[slice, ...]
    intensity_range: tuple[float, float]
    field_range: tuple[float, float]

    @classmethod
    def of(cls, scan: Scan, result: Result, other: np.ndarray | None = None, *, joined: bool = False) -> Self:
        """Prepare a scan, its result, and labels to compare with, all in the scan's own axes."""
        canonical, orientation = orient(scan)
        box = reorient_box(result.box, result.labels.shape, orientation)
        every = tuple(slice(None, None, max(1, (part.stop - part.start) // FIELD_SAMPLES)) for part in box)
        field = _log_field(result, box, every)
        return cls(
            scan=canonical,
            orientation=orientation,
            result=result,
            labels=reorient(join_gray_white(result.labels) if joined else result.labels, orientation),
            other=None if other is None else reorient(join_gray_white(other) if joined else other, orientation),
            joined=joined,
            box=box,
            intensity_range=(float(canonical.data.min()), float(canonical.data.max())),
            field_range=(float(field.min()), float(field.max())),
        )


def encode(
    source: SliceSource,
    slices: Sequence[tuple[int, int]],
    *,
    window: tuple[float, float],
    details: Mapping[str, object],
) -> bytes:
    """Slices with what the viewer must know to draw them, as `slice_store.js` decodes them.

    Parameters
    ----------
    source : SliceSource
    slices : sequence of (int, int)
        Canonical axis across the slice and its index; `PICTURE` and 0 for a picture.
    window : tuple of float
        Intensities shown black and white at first.
    details : mapping of str to object
        Further entries of the header, as JSON takes them.

    Returns
    -------
    bytes
        `FORMAT_VERSION` and the length of the header as four bytes each, least first; the header as JSON; the slices
        one after the other, each as `encode_slice` makes it.
    """
    encoded = [(axis, index, *encode_slice(source, axis, index)) for axis, index in slices]
    described = [
        {"axis": axis, "index": index, "shape": shape, "length": len(content)}
        for axis, index, shape, content in encoded
    ]
    header = json.dumps({**details, **_header(source), "window": window, "slices": described}).encode()
    prefix = struct.pack("<2I", FORMAT_VERSION, len(header))
    return b"".join([prefix, header, *(content for *_, content in encoded)])


def encode_slice(source: SliceSource, axis: int, index: int) -> tuple[tuple[int, int], bytes]:
    """Cut a slice out and deflate it.

    Parameters
    ----------
    source : SliceSource
    axis, index : int
        Canonical axis across the slice, and which one; `PICTURE` and 0 for a picture.

    Returns
    -------
    shape : tuple of int
        Rows and columns.
    content : bytes
        Deflated: levels of intensity (two bytes a pixel, least first), labels, posteriors of gray matter, of white
        matter and of what is abnormal, the bias field and the other labels (a byte each); rows from the top, columns in
        the radiological convention.
    """
    view = View(next((plane for plane in AnatomicalPlane if plane.axis == axis), None), index)
    low, high = source.intensity_range
    intensities = render.cut(source.scan.data, view)
    # In float64: the range may be that of very small numbers.
    levels = ((intensities - low) * np.float64((LEVELS - 1) / (high - low)) + 0.5).astype("<u2")
    posteriors = source.result.posteriors if axis == PICTURE else _posteriors_across(source, axis, index)
    labels = render.cut(source.labels, view)
    abnormal = np.zeros(posteriors.shape[:-1], np.float32)
    if source.result.abnormal is not None:
        total = posteriors.sum(-1)
        abnormal = np.where(_in_brain(source, axis, index), np.clip(1 - total, 0, 1), 0)
    shares = (posteriors[..., 0], posteriors[..., 1], abnormal, _field_share(source, axis, index))
    layers = [
        labels,
        *(render.cut((share * FULL + 0.5).astype(np.uint8), View(view.plane)) for share in shares),
        np.zeros_like(labels) if source.other is None else render.cut(source.other, view),
    ]
    plain = b"".join([levels.tobytes(), *(layer.tobytes() for layer in layers)])
    rows, columns = levels.shape
    return (rows, columns), bytes(imagecodecs.deflate_encode(plain, SPEED))


def _header(source: SliceSource) -> dict[str, object]:
    """What the viewer must know of a scan and its result to draw any slice of them."""
    scan, stages = source.scan, source.result.stages
    background, tissues = stages.background, stages.tissues
    return {
        "kind": scan.kind,
        "shape": scan.data.shape,
        "spacing": scan.spacing,
        "pixelSize": source.result.settings.pixel_size if scan.kind == "picture" else None,
        "affine": None if scan.affine is None else scan.affine.tolist(),
        "sidesKnown": source.result.sides_known,
        "levels": LEVELS,
        "range": source.intensity_range,
        "field": source.field_range,
        "zero": background.zero,
        "scale": background.scale,
        "invertedAbout": tissues.background_level if tissues.assignment.inverted else None,
        "tissues": [_described(tissue, tissue.title) for tissue in Tissue],
        "abnormal": _described(ABNORMAL, ABNORMAL.title),
        "isAbnormal": source.result.abnormal is not None,
        "legend": [_described(label, title) for label, title in _legend(source)],
        "headBox": _head_box(source.box, scan),
        "temperatures": temperatures_of(source.result.mixture, max(scan.spacing or (1.0,))),
        "histogram": describe_histogram(source.result, joined=source.joined),
    }


def _described(label: Tissue | Label, title: str) -> dict[str, object]:
    return {"number": label.number, "title": title, "short": label.abbreviation, "rgb": label.rgb}


def _legend(source: SliceSource) -> list[tuple[Tissue | Label, str]]:
    """What has a label of its own, and what it is called."""
    shown: list[tuple[Tissue | Label, str]] = [(tissue, tissue.title) for tissue in Tissue]
    if source.joined:
        shown = [(Tissue.GM, BRAIN_TISSUE), (Tissue.CSF, Tissue.CSF.title)]
    is_seen = source.result.abnormal is not None or (
        source.other is not None and (source.other == ABNORMAL.number).any()
    )
    return [*shown, (ABNORMAL, ABNORMAL.title)] if is_seen else shown


def _log_field(result: Result, box: tuple[slice, ...], within: tuple[slice, ...]) -> np.ndarray:
    """Logarithm of the bias field in a part of the box that holds the brain."""
    extent = tuple(part.stop - part.start for part in box)
    return np.log(evaluate_bias_field(result.stages.bias_correction.coefficients[0], extent, within))


def _field_share(source: SliceSource, axis: int, index: int) -> np.ndarray:
    """Where the bias field of a slice lies in its range, 0 to 1, in canonical axes with one along the slice's own."""
    box, (flattest, steepest) = source.box, source.field_range
    # Of the slice within the box, empty where it lies beyond.
    here = [slice(max(index - part.start, 0), max(index + 1 - part.start, 0)) for part in box]
    field = _log_field(source.result, box, tuple(here[a] if a == axis else slice(None) for a in range(len(box))))
    share = np.zeros([1 if a == axis else n for a, n in enumerate(source.labels.shape)], np.float32)
    if field.size:
        inside = tuple(slice(0, 1) if a == axis else part for a, part in enumerate(box))
        share[inside] = np.clip((field - flattest) / max(steepest - flattest, FLAT), 0, 1)
    return share


def _posteriors_across(source: SliceSource, axis: int, index: int) -> np.ndarray:
    """The posteriors of a slice across a canonical axis, in canonical axes."""
    result, orientation = source.result, source.orientation
    own = int(np.flatnonzero(orientation[:, 0] == axis)[0])
    if orientation[own, 1] < 0:
        index = result.labels.shape[own] - 1 - index
    return reorient(result.posteriors_across(own, index), orientation)


def _in_brain(source: SliceSource, axis: int, index: int) -> np.ndarray:
    """The mask of a slice, in canonical axes with one along the slice's own."""
    labels = source.labels if axis == PICTURE else source.labels.take([index], axis)
    return labels > 0


def _head_box(box: tuple[slice, ...], canonical: Scan) -> list[tuple[int, int]]:
    """Along each axis from where to where the head around the brain reaches, as far as the image does."""
    spacing = canonical.spacing if canonical.kind == "volume" else None
    ends = []
    for axis, (part, n) in enumerate(zip(box, canonical.data.shape, strict=True)):
        margin = HEAD_SHARE * (part.stop - part.start) if spacing is None else HEAD_MM / spacing[axis]
        ends.append((max(0, part.start - round(margin)), min(n, part.stop + round(margin))))
    return ends
