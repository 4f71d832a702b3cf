"""Where in a scan the evidence for a finding is best seen.

Everything is looked for on a grid of at most some dozens of voxels along each axis: a place is where people begin to
look, not a measurement.
"""

from collections.abc import Callable

import numpy as np
import scipy

from mriseg.core.findings import Finding, FindingCode
from mriseg.core.scan import Scan
from mriseg.core.tissue import ABNORMAL
from mriseg.image.orientation import orient, reorient
from mriseg.segmentation.bias_field import evaluate_bias_field
from mriseg.segmentation.result import Result

MOST_SAMPLES = 48  # along an axis: a head of 1 mm is looked at every 4 mm, within some milliseconds
NEIGHBORHOOD = 5  # samples across, over which the sharpness of the border is averaged

Voxel = tuple[int, ...]


def voxel_of(scan: Scan, result: Result, finding: Finding) -> Voxel | None:
    """The voxel at which to look for what a finding says.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
    finding : Finding
        Of that result.

    Returns
    -------
    tuple of int or None
        In canonical axes, of a picture row and column; None where one place tells no more than another.

    Examples
    --------
    A slice of a head made for tests, part of whose labels is taken for abnormal:

    >>> from dataclasses import replace
    >>> from mriseg import Contrast, Settings, segment
    >>> from mriseg.core.findings import Level
    >>> from mriseg.core.scan import picture
    >>> from mriseg.datasets.phantom import make_phantom, simulate
    >>> phantom = make_phantom(spacing=4.0)
    >>> scan = picture(simulate(phantom, Contrast.T2).data[:, :, 25])
    >>> result = segment(scan, Settings(contrast="t2"), mask=phantom.truth[:, :, 25] > 0)
    >>> result.labels[20:25, 30:35] = ABNORMAL.number
    >>> voxel_of(scan, result, Finding(FindingCode.ABNORMAL_TISSUE, Level.CARE, "There is much of it."))
    (22, 31)
    """
    find = _FINDERS.get(finding.code, _weakest_border if finding.code.startswith("mask-") else None)
    if find is None or not result.stages.region.mask.any():
        return None
    return find(orient(scan)[0].data, result)


def _abnormal(data: np.ndarray, result: Result) -> Voxel | None:
    """Within the largest part of what is abnormal."""
    box, _ = _sampled(result)
    return _middle(reorient(result.labels, result.orientation)[box] == ABNORMAL.number, box)


def _left_out(data: np.ndarray, result: Result) -> Voxel | None:
    """Within the largest part of the region that was given to no tissue."""
    box, inside = _sampled(result)
    return _middle(inside & (reorient(result.labels, result.orientation)[box] == 0), box)


def _moved(data: np.ndarray, result: Result) -> Voxel | None:
    """Where the mask differs most from the one that was found; on its weakest border where that is not known."""
    box, inside = _sampled(result)
    return _middle(inside ^ result.brain.mask[box], box) or _weakest_border(data, result)


def _asymmetric(data: np.ndarray, result: Result) -> Voxel | None:
    """Where the mask has no counterpart on the other side of its middle."""
    box, inside = _sampled(result)
    return _middle(inside & ~inside[::-1], box)


def _cut_face(data: np.ndarray, result: Result) -> Voxel | None:
    """In the middle of the largest end of the mask."""
    box, inside = _sampled(result)
    ends = [(axis, index) for axis in range(inside.ndim) for index in (0, -1)]
    axis, index = max(ends, key=lambda end: np.count_nonzero(inside.take(end[1], end[0])))
    end = np.zeros_like(inside)
    at = tuple(slice(None) if a != axis else index for a in range(inside.ndim))
    end[at] = inside[at]
    return _middle(end, box)


def _cut_away(data: np.ndarray, result: Result) -> Voxel | None:
    """At the end of the brain on the side where a piece is missing."""
    piece = result.cut_away
    if piece is None:
        return None
    box, inside = _sampled(result)
    far = np.flatnonzero(inside.any(tuple(a for a in range(inside.ndim) if a != piece.axis)))[
        -1 if piece.forward else 0
    ]
    end = np.zeros_like(inside)
    at = tuple(slice(None) if a != piece.axis else far for a in range(inside.ndim))
    end[at] = inside[at]
    return _middle(end, box)


def _steepest_field(data: np.ndarray, result: Result) -> Voxel | None:
    """Where the bias field is farthest from even."""
    box, inside = _sampled(result)
    return _largest(np.where(inside, np.abs(np.log(_field(result, box))), -1), box)


def _misfit(data: np.ndarray, result: Result) -> Voxel | None:
    """A voxel in the middle of the brain that has the intensity at which the curves miss the histogram most."""
    histogram = result.histogram
    expected = result.curves.density(histogram.levels) * histogram.counts.sum() * histogram.width
    level = histogram.levels[np.abs(scipy.ndimage.uniform_filter1d(histogram.counts - expected, NEIGHBORHOOD)).argmax()]
    box, inside = _sampled(result)
    away = np.abs(result.stages.signal(data[box]) / _field(result, box) - level)
    alike = inside & (away <= max(NEIGHBORHOOD * histogram.width, away[inside].min()))
    middle = np.array(inside.shape) / 2
    far = ((np.argwhere(alike) - middle) ** 2).sum(1)
    return _voxel(np.argwhere(alike)[far.argmin()], box)


def _weakest_border(data: np.ndarray, result: Result) -> Voxel | None:
    """Where the image changes least across the border of the brain."""
    box, inside = _sampled(result)
    border = inside & ~scipy.ndimage.binary_erosion(inside)
    values = result.stages.signal(data[box])
    sharpness = np.linalg.norm(np.gradient(values), axis=0) if min(values.shape) > 1 else np.zeros(values.shape)
    weight = scipy.ndimage.uniform_filter(border.astype(np.float32), NEIGHBORHOOD)
    mean = scipy.ndimage.uniform_filter(sharpness * border, NEIGHBORHOOD) / np.maximum(weight, 1e-6)
    return _largest(np.where(border, -mean, -np.inf), box)


_FINDERS: dict[FindingCode, Callable[[np.ndarray, Result], Voxel | None]] = {
    FindingCode.ABNORMAL_TISSUE: _abnormal,
    FindingCode.MOSTLY_ABNORMAL: _abnormal,
    FindingCode.RIM_LEFT_OUT: _left_out,
    FindingCode.VESSELS_LEFT_OUT: _left_out,
    FindingCode.MASK_CONTRADICTED: _moved,
    FindingCode.MASK_LEAVES_OUT: _moved,
    FindingCode.MASK_ASYMMETRIC: _asymmetric,
    FindingCode.MASK_OUT_OF_VIEW: _cut_face,
    FindingCode.PARTIAL_BRAIN: _cut_face,
    FindingCode.BRAIN_CUT_AWAY: _cut_away,
    FindingCode.STRONG_SHADING: _steepest_field,
    FindingCode.HISTOGRAM_MISSED: _misfit,
}


def _sampled(result: Result) -> tuple[tuple[slice, ...], np.ndarray]:
    """Every few voxels of the brain's box in canonical axes, and which of them are brain."""
    region = result.stages.region
    box = tuple(slice(p.start, p.stop, -(-(p.stop - p.start) // MOST_SAMPLES)) for p in region.box)
    return box, region.mask[box]


def _field(result: Result, box: tuple[slice, ...]) -> np.ndarray:
    """The bias field at samples of the box."""
    whole = result.stages.region.box
    every = tuple(slice(None, None, part.step) for part in box)
    coefficients = result.stages.bias_correction.coefficients[0]
    return evaluate_bias_field(coefficients, tuple(part.stop - part.start for part in whole), every)


def _middle(region: np.ndarray, box: tuple[slice, ...]) -> Voxel | None:
    """The voxel of the largest connected part of some samples that is nearest to its centroid."""
    labels, count = scipy.ndimage.label(region)
    if not count:
        return None
    points = np.argwhere(labels == 1 + np.bincount(labels.ravel())[1:].argmax())
    return _voxel(points[((points - points.mean(0)) ** 2).sum(1).argmin()], box)


def _largest(values: np.ndarray, box: tuple[slice, ...]) -> Voxel:
    return _voxel(np.array(np.unravel_index(values.argmax(), values.shape)), box)


def _voxel(sample: np.ndarray, box: tuple[slice, ...]) -> Voxel:
    return tuple(int(part.start + part.step * index) for part, index in zip(box, sample, strict=True))
