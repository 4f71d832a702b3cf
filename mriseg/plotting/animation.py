"""A segmentation as an animated GIF: a picture is wiped from original to segmented, a volume is gone through.

A GIF has 256 colors. They are laid out so that nothing has to be approximated: some gray levels, and each of them under
the color of each label.
"""

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from mriseg.core.scan import Scan
from mriseg.core.tissue import LABELS
from mriseg.image.orientation import orient, reorient, reorient_box
from mriseg.plotting import slices
from mriseg.plotting.slices import View
from mriseg.segmentation.joined import join_gray_white
from mriseg.segmentation.result import Result

OPACITY = 0.6  # of the tissues' colors, as on the page
LEVELS = 48  # gray levels; noise packs badly, and under colors more are not seen
MOST_BYTES = 3_000_000  # what mail and slides take without a word
HEIGHTS = (420, 340, 280, 220)  # of a frame, pixels: the first that is small enough
MOST_WIDTH = 900  # pixels
WIPE_STEPS, MOST_SLICES = 16, 48  # frames
WIPE_MS, SLICE_MS, REST_MS = 60, 120, 900  # how long a frame is shown; the ends of a wipe for longer
MARGIN = 0.1  # shown around the brain, in sides of its box
GAP = 4  # pixels between original and segmented
LETTER_SIZE, LETTER_MARGIN = 14, 4
SAMPLED = 200_000  # voxels that say which intensity is shown white

_SLOTS = {0: 0} | {label.number: slot for slot, label in enumerate(LABELS, 1)}
_STRIPE = LEVELS * len(_SLOTS)  # the full color of what is abnormal
_WHITE, _BLACK = _STRIPE + 1, 0


def gif(scan: Scan, result: Result) -> bytes:
    """Animate a segmentation.

    Parameters
    ----------
    scan : Scan
        That was segmented; of several channels the first.
    result : Result

    Returns
    -------
    bytes
        A GIF that repeats, of at most `MOST_BYTES` unless the smallest frames take more. Of a picture the segmentation
        is drawn over the original from left to right and taken away again; of a volume the slices of the plane in which
        it was acquired follow each other, each beside its segmentation. The same scan and result give the same bytes.
    """
    canonical, orientation = orient(scan)
    shown = result.labels if result.gray_white_apart else join_gray_white(result.labels)
    labels = reorient(shown, orientation)
    box = reorient_box(result.box, result.labels.shape, orientation)
    step = (slice(None, None, max(1, round((labels.size / SAMPLED) ** (1 / labels.ndim)))),) * labels.ndim
    inside = labels[step] > 0
    limits = slices.window(canonical.data[step], inside if inside.any() else np.ones_like(inside))
    content = b""
    for height in HEIGHTS:
        if canonical.spacing is None:
            frames, times = _wipe(slices.gray(canonical.data, limits), labels, height)
        else:
            frames, times = _slices(canonical, labels, box, limits, height, result.sides_known)
        content = _encoded(frames, times)
        if len(content) <= MOST_BYTES:
            break
    return content


def _wipe(levels: np.ndarray, labels: np.ndarray, height: int) -> tuple[list[np.ndarray], list[int]]:
    """The frames of a picture, and how long each is shown, ms."""
    original, segmented = _drawn(levels, labels, (1.0, 1.0), (height, MOST_WIDTH))
    width = original.shape[1]
    frames = []
    for share in np.linspace(0, 1, WIPE_STEPS + 1):
        border = round(share * width)
        frame = np.where(np.arange(width) < border, segmented, original)
        if 0 < border < width:
            frame[:, border - 1 : border + 1] = _WHITE
        frames.append(frame)
    times = [REST_MS, *[WIPE_MS] * (WIPE_STEPS - 1), REST_MS, *[WIPE_MS] * (WIPE_STEPS - 1)]
    return [*frames, *frames[-2:0:-1]], times


def _slices(
    scan: Scan,
    labels: np.ndarray,
    box: tuple[slice, ...],
    limits: tuple[float, float],
    height: int,
    sides_known: bool,
) -> tuple[list[np.ndarray], list[int]]:
    """The frames of a volume, and how long each is shown, ms."""
    assert scan.spacing is not None
    plane = slices.default_plane(scan.spacing)
    shown = []
    for axis, (part, length) in enumerate(zip(box, labels.shape, strict=True)):
        margin = 0 if axis == plane.axis else round(MARGIN * (part.stop - part.start))
        shown.append(slice(max(0, part.start - margin), min(length, part.stop + margin)))
    through = shown[plane.axis]
    count = min(MOST_SLICES, through.stop - through.start)
    indices = np.unique(np.linspace(through.start, through.stop - 1, count).round().astype(int))
    frames = []
    for index in indices:
        view = View(plane, sides_known=sides_known)
        within = tuple(slice(index, index + 1) if axis == plane.axis else part for axis, part in enumerate(shown))
        levels = slices.gray(slices.cut(scan.data[within], view), limits)
        halves = _drawn(
            levels,
            slices.cut(labels[within], view),
            slices.pixel_sides(scan.spacing, view),
            (height, (MOST_WIDTH - GAP) // 2),
        )
        gap = np.zeros((halves[0].shape[0], GAP), np.uint8)
        frames.append(_lettered(np.hstack([halves[0], gap, halves[1]]), view, f"{index + 1}"))
    return frames, [SLICE_MS] * len(frames)


def _drawn(
    levels: np.ndarray, labels: np.ndarray, sides: tuple[float, float], frame: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A slice without and with its tissues, as indices of the palette."""
    gray = slices.enlarge(levels, sides, frame, smooth=True).astype(np.uint16) * LEVELS // 256
    labels = slices.enlarge(labels, sides, frame, smooth=False)
    slots = np.zeros(max(_SLOTS) + 1, np.uint16)
    for number, slot in _SLOTS.items():
        slots[number] = slot
    colored = slots[labels] * LEVELS + gray
    abnormal = LABELS[-1].number
    colored[(labels == abnormal) & slices.stripes(labels.shape)] = _STRIPE
    return gray.astype(np.uint8), colored.astype(np.uint8)


def _lettered(frame: np.ndarray, view: View, number: str) -> np.ndarray:
    """With the number of the slice, and the letter of the side at the left."""
    canvas = PIL.Image.fromarray(frame)
    draw, font = PIL.ImageDraw.Draw(canvas), PIL.ImageFont.load_default(LETTER_SIZE)
    draw.fontmode = "1"  # letters of one color: the palette has none between
    marks = [((LETTER_MARGIN, LETTER_MARGIN), number, "la")]
    if view.letters is not None:
        marks.append(((LETTER_MARGIN, frame.shape[0] // 2), view.letters[0], "lm"))
    for at, text, anchor in marks:
        draw.text(at, text, fill=_WHITE, font=font, anchor=anchor, stroke_width=1, stroke_fill=_BLACK)
    return np.asarray(canvas)


def _palette() -> np.ndarray:
    gray = np.repeat(np.linspace(0, 255, LEVELS)[:, None], 3, -1)
    colors = [gray, *((1 - OPACITY) * gray + OPACITY * np.array(label.rgb) for label in LABELS)]
    return np.rint(np.vstack([*colors, LABELS[-1].rgb, (255, 255, 255)])).astype(np.uint8)


def _encoded(frames: list[np.ndarray], times: list[int]) -> bytes:
    palette = _palette().tobytes()
    images = []
    for frame in frames:
        image = PIL.Image.frombytes("P", (frame.shape[1], frame.shape[0]), np.ascontiguousarray(frame).tobytes())
        image.putpalette(palette)
        images.append(image)
    stream = io.BytesIO()
    images[0].save(stream, "GIF", save_all=True, append_images=images[1:], duration=times, loop=0, optimize=False)
    return stream.getvalue()
