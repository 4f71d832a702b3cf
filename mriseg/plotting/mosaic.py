"""A segmentation in one small picture, to be checked by eye among many.

Above lie bare slices, below the same in the colors of their tissues: a wrong mask shows below, as brain without color
or color without brain, and a wrong border of tissues by comparison. Where the mask ends early what lies around it is
shown all the same, as far as a usual brain would reach.
"""

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from mriseg.core.scan import Scan
from mriseg.image.orientation import orient, reorient, reorient_box
from mriseg.plotting import slices
from mriseg.plotting.slices import AnatomicalPlane, View
from mriseg.segmentation.result import Result

WIDTH, HEIGHT = 1440, 292  # pixels: 1.3 mm each for a usual head
QUALITY = 65  # of the JPEG: its blocks are not seen, its ripples hardly
OPACITY = 0.65  # of the tissues' colors: white matter that is dark must still be yellow
SLICES = ((AnatomicalPlane.AXIAL, 8), (AnatomicalPlane.CORONAL, 2), (AnatomicalPlane.SAGITTAL, 2))
FIRST, LAST = 0.15, 0.93  # of the brain from its lower, back or left end: where the outermost axial slices lie
BESIDE = (0.3, 0.7)  # the others: beside the fissure and the thalami, where cortex, ventricles and white matter show
MARGIN_MM = 8.0  # around the brain: its skull
USUAL_MM = (140.0, 175.0, 130.0)  # of an adult's brain: a mask that is smaller may have missed a part
SAMPLED = 100_000  # voxels that say which intensity is shown white
LETTER_SIZE, LETTER_MARGIN = 13, 3  # pixels


def jpeg(scan: Scan, result: Result) -> bytes:
    """Slices of a scan, bare and with its tissues.

    Parameters
    ----------
    scan : Scan
        A volume, or a picture, which is shown once beside its segmentation.
    result : Result
        Of `scan`.

    Returns
    -------
    bytes
        A JPEG of `WIDTH` by `HEIGHT` pixels; the patient's right is at the left. The same scan and result give the same
        bytes.
    """
    canonical, orientation = orient(scan)
    labels = reorient(result.labels, orientation)
    limits = _window(canonical.data, labels)
    if canonical.spacing is None:
        return _encoded(_side_by_side(slices.gray(canonical.data, limits), labels))
    brain = reorient_box(result.box, result.labels.shape, orientation)
    shown = _field_of_view(brain, labels.shape, canonical.spacing)
    views = [View(plane, index) for plane, count in SLICES for index in _indices(brain[plane.axis], plane, count)]
    sides = [slices.pixel_sides(canonical.spacing, view) for view in views]
    pieces = [(slices.gray(_cut(canonical.data, shown, view), limits), _cut(labels, shown, view)) for view in views]
    sizes = [(levels.shape[0] * h, levels.shape[1] * w) for (levels, _), (h, w) in zip(pieces, sides, strict=True)]
    total = sum(width for _, width in sizes)
    scale = min(WIDTH / total, HEIGHT / 2 / max(height for height, _ in sizes))
    page = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    left = 0.0
    for (levels, tissues), side, (height, width) in zip(pieces, sides, sizes, strict=True):
        slot = WIDTH * width / total
        frame = (max(1, round(height * scale)), max(1, round(width * scale)))
        for row, image in enumerate((np.repeat(levels[..., None], 3, -1), slices.colored(levels, tissues, OPACITY))):
            _put(page, slices.enlarge(image, side, frame, smooth=True), HEIGHT / 4 * (2 * row + 1), left + slot / 2)
        left += slot
    return _encoded(_lettered(page) if result.sides_known else page)


def _window(data: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Intensities shown black and white, from some of the voxels."""
    step = (slice(None, None, max(1, round((data.size / SAMPLED) ** (1 / data.ndim)))),) * data.ndim
    mask = labels[step] > 0
    return slices.window(data[step], mask if mask.any() else np.ones_like(mask))


def _side_by_side(levels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    page = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for half, image in enumerate((np.repeat(levels[..., None], 3, -1), slices.colored(levels, labels, OPACITY))):
        enlarged = slices.enlarge(image, (1, 1), (HEIGHT, WIDTH // 2), smooth=True)
        _put(page, enlarged, HEIGHT / 2, WIDTH / 4 * (2 * half + 1))
    return page


def _field_of_view(brain: tuple[slice, ...], shape: tuple[int, ...], spacing: tuple[float, ...]) -> list[slice]:
    """What is shown: the brain, or about its middle as much as a usual one takes, as far as the image reaches."""
    shown = []
    for part, length, side, usual in zip(brain, shape, spacing, USUAL_MM, strict=True):
        margin = round((max(usual - (part.stop - part.start) * side, 0) / 2 + MARGIN_MM) / side)
        shown.append(slice(max(0, part.start - margin), min(length, part.stop + margin)))
    return shown


def _indices(part: slice, plane: AnatomicalPlane, count: int) -> list[int]:
    """Slices spread over the brain; fewer where it has not as many."""
    shares = np.linspace(FIRST, LAST, count) if plane is AnatomicalPlane.AXIAL else np.array(BESIDE)
    return sorted({int(index) for index in np.floor(part.start + shares * (part.stop - part.start))})


def _cut(array: np.ndarray, box: list[slice], view: View) -> np.ndarray:
    """The part of a slice that lies in the box."""
    assert view.plane is not None
    within = [slice(view.index, view.index + 1) if axis == view.plane.axis else part for axis, part in enumerate(box)]
    return slices.cut(array[tuple(within)], View(view.plane))


def _put(page: np.ndarray, image: np.ndarray, row: float, column: float) -> None:
    """Put a picture on the page with its middle at a place."""
    top, left = (max(0, round(at - n / 2)) for at, n in zip((row, column), image.shape, strict=False))
    page[top : top + image.shape[0], left : left + image.shape[1]] = image[: HEIGHT - top, : WIDTH - left]


def _lettered(page: np.ndarray) -> np.ndarray:
    """With the letter of the side at which all slices but the sagittal ones have it."""
    canvas = PIL.Image.fromarray(page)
    gray, shade = ((level,) * 3 for level in (slices.LETTER_GRAY, slices.SHADE_GRAY))
    PIL.ImageDraw.Draw(canvas).text(
        (LETTER_MARGIN, LETTER_MARGIN),
        AnatomicalPlane.AXIAL.letters[0],
        fill=gray,
        font=PIL.ImageFont.load_default(LETTER_SIZE),
        anchor="lt",
        stroke_width=1,
        stroke_fill=shade,
    )
    return np.asarray(canvas)


def _encoded(page: np.ndarray) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(page).save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()
