"""The pictures of a report: a slice of each plane, bare and segmented."""

from dataclasses import dataclass

import numpy as np

from mriseg.core.scan import Scan
from mriseg.core.tissue import ABNORMAL, LABELS
from mriseg.image.morphology import bounding_box
from mriseg.image.orientation import orient, reorient
from mriseg.plotting import slices as render
from mriseg.plotting.slices import AnatomicalPlane, View
from mriseg.segmentation.result import Result

OPACITY = 0.35  # of the tissues' colors; their contours are drawn in full
BESIDE = 1 / 12  # of the brain's width: the sagittal slice lies so far beside the fissure, which shows little but fluid
MARGIN = 0.12  # shown around the brain, in sides of its box
# Pixels: all planes together are so wide, and none higher. On A4 that is 130 to the inch, more than the scan has, and
# even a noisy one, which packs badly, stays below a megabyte. Under colors 64 gray levels show no less than 256.
ROW_WIDTH, LARGEST_HEIGHT, COARSE = 900, 450, np.uint8(0b11111100)
STRIP = 0.2  # height over width below which a plane is left out
SAMPLED = 1_000_000  # voxels that say which intensity is shown white


@dataclass(frozen=True)
class Picture:
    """One slice, as it came and segmented; both of one size.

    Attributes
    ----------
    title : str
        The plane and the number of the slice.
    original, segmented : ndarray of uint8, shape (rows, columns) or (rows, columns, 3)
    """

    title: str
    original: np.ndarray
    segmented: np.ndarray

    @property
    def width(self) -> int:
        return self.original.shape[1]

    @property
    def height(self) -> int:
        return self.original.shape[0]


def pictures(scan: Scan, result: Result, *, opacity: float = OPACITY, finer: int = 1) -> tuple[Picture, ...]:
    """The slices through the middle of the brain, or through most of what is abnormal; cropped, all in one scale.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
    opacity : float
        Of the tissues' colors within their contours, 0 to 1.
    finer : int
        How many pixels across stand for one of the report's.

    Returns
    -------
    tuple of Picture
        One for each plane that shows more than a strip; of a picture the one.
    """
    scan, orientation = orient(scan)
    labels, mask = (reorient(array, orientation) for array in (result.labels, result.mask))
    step = (slice(None, None, max(1, round((mask.size / SAMPLED) ** (1 / mask.ndim)))),) * mask.ndim
    limits = render.window(scan.data[step], mask[step] if mask[step].any() else np.ones(mask[step].shape, bool))
    box = _with_margin(bounding_box(mask), mask.shape)
    views = [View(None)]
    if scan.spacing is not None:
        views = [
            View(plane, _telling(labels, mask, plane), sides_known=result.sides_known) for plane in AnatomicalPlane
        ]
        views = [view for view in views if not _is_strip(box, scan.spacing, view)]
    sides = [render.pixel_sides(scan.spacing, view) for view in views]
    boxed = [[_boxed(array, box, view) for array in (scan.data, labels)] for view in views]
    heights = [piece.shape[0] * side[0] for (piece, _), side in zip(boxed, sides, strict=True)]
    widths = [piece.shape[1] * side[1] for (piece, _), side in zip(boxed, sides, strict=True)]
    columns = max(2, len(views))  # the two halves of a single picture stand side by side
    scale = finer * min(ROW_WIDTH / sum(widths) * len(views) / columns, LARGEST_HEIGHT / max(heights))
    side_mm = result.settings.pixel_size if scan.spacing is None else 1.0
    pixel_mm = None if side_mm is None else side_mm / scale
    slices = []
    frames = [
        (max(1, round(height * scale)), max(1, round(width * scale)))
        for height, width in zip(heights, widths, strict=True)
    ]
    for view, side, frame, (piece, piece_labels) in zip(views, sides, frames, boxed, strict=True):
        levels = render.enlarge(render.gray(piece, limits), side, frame, smooth=True)
        enlarged = render.enlarge(piece_labels, side, frame, smooth=False)
        colored = _contoured(render.colored(levels & COARSE, enlarged, opacity), enlarged)
        slices.append(
            Picture(
                _title(view, scan, result.planes_known),
                render.annotated(levels, view, pixel_mm, finer),
                render.annotated(colored, view, pixel_mm, finer),
            )
        )
    return tuple(slices)


def _telling(labels: np.ndarray, mask: np.ndarray, plane: AnatomicalPlane) -> int:
    """The slice that shows most of what is abnormal; where nothing is, the middle one."""
    abnormal = np.count_nonzero(labels == ABNORMAL.number, tuple(axis for axis in range(3) if axis != plane.axis))
    return int(abnormal.argmax()) if abnormal.any() else _middle(mask, plane)


def _middle(mask: np.ndarray, plane: AnatomicalPlane) -> int:
    """The slice that has half of the brain on either side; of sagittal ones one beside it."""
    below = np.count_nonzero(mask, tuple(axis for axis in range(3) if axis != plane.axis)).cumsum()
    middle = int(np.searchsorted(below, below[-1] / 2))
    if plane is AnatomicalPlane.SAGITTAL:
        width = np.count_nonzero(np.diff(below, prepend=0))
        middle -= round(BESIDE * width)
    return middle


def _with_margin(box: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """A box with a margin around it, within the image."""
    wider = []
    for part, n in zip(box, shape, strict=True):
        margin = round(MARGIN * (part.stop - part.start))
        wider.append(slice(max(0, part.start - margin), min(n, part.stop + margin)))
    return tuple(wider)


def _is_strip(box: tuple[slice, ...], spacing: tuple[float, ...], view: View) -> bool:
    """Whether so little of a slab is seen in a plane that it shows nothing."""
    assert view.plane is not None
    low, high = sorted((box[k].stop - box[k].start) * spacing[k] for k in range(3) if k != view.plane.axis)
    return low < STRIP * high


def _boxed(array: np.ndarray, box: tuple[slice, ...], view: View) -> np.ndarray:
    """The part of a slice that lies in the box."""
    if view.plane is None:
        return array[box]
    across = slice(view.index, view.index + 1)
    within = tuple(across if axis == view.plane.axis else part for axis, part in enumerate(box))
    return render.cut(array[within], View(view.plane, 0, view.radiological))


def _contoured(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The picture with the border of each tissue and of what is abnormal, inside of it, in its full color."""
    padded = np.pad(labels, 1, mode="edge")
    inner = np.ones(labels.shape, bool)
    for neighbor in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        inner &= neighbor == labels
    image = image.copy()
    for label in LABELS:
        image[(labels == label.number) & ~inner] = label.rgb
    return image


def _title(view: View, scan: Scan, planes_known: bool) -> str:
    if view.plane is None:
        return "The picture"
    return f"{view.plane.caption(planes_known)}, slice {view.index + 1} of {scan.data.shape[view.plane.axis]}"
