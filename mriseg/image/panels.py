"""Figures of several panels: where the panels of a picture lie, and which of them is the scan.

Panels are set apart by bands of the frame's color, or of air, from side to side. Cutting along such bands again and
again is the classical way to take a printed page apart; what is left over are panels, titles and letters, which
differ in size.

References
----------
Nagy, Seth, Viswanathan: A prototype document image analysis system for technical journals. Computer 25, 1992
(the recursive X-Y cut).
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
import skimage

from mriseg.core.limits import MIN_PICTURE_SIDE

Box = tuple[slice, slice]

SAME_COLOR = 0.04  # of the range: JPEG leaves ripples in a plain frame
PLAIN = 0.9  # share of a side of the picture that has the color of a bar or frame: others run into its corners
FAINT = 0.3  # of Otsu's threshold: heads are brighter, the noise of the air is not
AIR_SIDE = 256  # pixels: heads are told from air on a picture reduced to about this
# Of the narrower neighbor, between heads in air: more than lies between the halves of a stripped brain.
AIR_BAND = 0.08
PANEL_SHARE = 0.25  # of the area of the largest piece; titles and letters are smaller
FILLED = 0.9  # of the edge of a panel on a frame: it is a rectangle, where a head is round
SLENDER = 0.5  # ratio of the sides: a head is wider than this in every plane, half a brain is not
DETAIL = 0.6  # of the entropy of the panel with the most gray levels: a result has a handful of them
# A frame of thin lines: each runs along this share of a side, within this share of the picture from its edge, and what
# lies as many pixels farther in is none.
LINE, LINE_MARGIN, LINE_PIXELS = 0.6, 0.2, 4
AS_LARGE = 0.7  # of the largest scan; of several the first is taken


@dataclass(frozen=True)
class Panel:
    """The part of a picture that is the scan.

    Attributes
    ----------
    box : tuple of slice
        Rows and columns that it fills.
    count : int
        How many panels the picture holds.
    position : str
        Where among them it lies, in words.
    framed : bool
        Whether a plain frame that is no air lies around it.
    """

    box: Box
    count: int
    position: str
    framed: bool


def is_inverted(data: np.ndarray) -> bool:
    """Whether air, which lies around a head, is bright in a picture.

    Parameters
    ----------
    data : ndarray of shape (rows, columns)

    Returns
    -------
    bool

    Examples
    --------
    >>> is_inverted(np.pad(np.zeros((4, 4)), 2, constant_values=9))
    True
    """
    return bool(np.median(_edge(data)) > (data.min() + data.max()) / 2)


def find_scan(data: np.ndarray) -> Panel:
    """Find the scan in a picture: the whole of it, what a plain frame encloses, or one of several panels.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)

    Returns
    -------
    Panel
    """
    whole = (slice(0, data.shape[0]), slice(0, data.shape[1]))
    framed = _on_frame(data) or _within_lines(data)
    boxes = [head for box in framed or [whole] for head in _in_air(data, box)]
    boxes = _in_reading_order(boxes)
    details = np.array([_detail(data[box]) for box in boxes])
    areas = np.array([_area(box) for box in boxes]) * (details >= DETAIL * details.max())
    chosen = int(np.argmax(areas >= AS_LARGE * areas.max()))
    return Panel(boxes[chosen], len(boxes), _position(boxes, chosen), bool(framed))


def _edge(data: np.ndarray) -> np.ndarray:
    return np.concatenate([data[0], data[-1], data[:, 0], data[:, -1]])


def _on_frame(data: np.ndarray) -> list[Box]:
    """The rectangles on a plain frame, between bars or in a window; none where only air lies along the sides."""
    tolerance = SAME_COLOR * np.ptp(data)
    darkest_frame = data.min() + FAINT * (skimage.filters.threshold_otsu(data) - data.min())
    content = np.ones(data.shape, bool)
    for side in (data[0], data[-1], data[:, 0], data[:, -1]):
        color = np.median(side)
        if color > darkest_frame and np.mean(np.abs(side - color) <= tolerance) >= PLAIN:
            content &= np.abs(data - color) > tolerance
    if content.all():
        return []
    boxes = [_without_ticks(content, box) for box in _large(_cut(content, 0))]
    boxes = [box for box in boxes if min(_sides(box)) >= MIN_PICTURE_SIDE and _is_rectangle(content[box])]
    if len(boxes) == 1 and _sides(boxes[0]) != data.shape:  # what lies between bars can lie on a frame of its own
        rows, columns = boxes[0]
        return [_moved(box, rows.start, columns.start) for box in _on_frame(data[boxes[0]])] or boxes
    return boxes


def _within_lines(data: np.ndarray) -> list[Box]:
    """What a thin bright line encloses that runs around the picture; none where there is no such line on all sides."""
    middle = (data.min() + data.max()) / 2
    tolerance = SAME_COLOR * np.ptp(data)
    sides = []
    for lines in (data, data.T):
        margin = int(LINE_MARGIN * len(lines))
        first, last = (_last_line(part[:margin], middle, tolerance) for part in (lines, lines[::-1]))
        if first is None or last is None:
            return []
        sides.append(slice(first + 1, len(lines) - last - 1))
        for number in (first + LINE_PIXELS, len(lines) - last - LINE_PIXELS - 1):
            if np.mean(lines[number] > middle) >= LINE:
                return []
    rows, columns = sides
    return [(rows, columns)] if min(_sides((rows, columns))) >= MIN_PICTURE_SIDE else []


def _last_line(lines: np.ndarray, middle: float, tolerance: float) -> int | None:
    """Number of the last of some rows that is bright and of one color along most of its length."""
    for number in np.flatnonzero(np.mean(lines > middle, axis=1) >= LINE)[::-1]:
        line = lines[number]
        if np.mean(np.abs(line - np.median(line[line > middle])) <= tolerance) >= LINE:
            return int(number)
    return None


def _moved(box: Box, row: int, column: int) -> Box:
    rows, columns = box
    return slice(rows.start + row, rows.stop + row), slice(columns.start + column, columns.stop + column)


def _in_air(data: np.ndarray, box: Box) -> list[Box]:
    """The heads in a picture that air or ruled lines set apart, each with some air; the whole box if it is one scan."""
    image = data[box]
    if is_inverted(image):
        image = image.max() - image
    ruled = [np.ptp(image, axis) <= SAME_COLOR * np.ptp(image) for axis in (1, 0)]
    image = np.where(ruled[0][:, None] | ruled[1], image.min(), image)
    step = max(1, max(image.shape) // AIR_SIDE)
    image = scipy.ndimage.uniform_filter(image, max(3, step))[::step, ::step]
    head = image - image.min() > FAINT * (skimage.filters.threshold_otsu(image) - image.min())
    heads = _large(_cut(head, AIR_BAND))
    if len(heads) < 2 or any(min(_sides(part)) < SLENDER * max(_sides(part)) for part in heads):
        return [box]
    margin = int(AIR_BAND / 2 * min(side for part in heads for side in _sides(part)))
    return [(_widened(rows, margin, step, box[0]), _widened(columns, margin, step, box[1])) for rows, columns in heads]


def _widened(part: slice, margin: int, step: int, whole: slice) -> slice:
    """A stretch of every `step`-th pixel of another, with a margin and in pixels of the picture."""
    return slice(
        whole.start + max(0, part.start - margin) * step, min(whole.stop, whole.start + (part.stop + margin) * step)
    )


def _cut(content: np.ndarray, least_band: float, row: int = 0, column: int = 0) -> list[Box]:
    """Boxes of content that empty bands from side to side set apart.

    Parameters
    ----------
    content : ndarray of bool, shape (rows, columns)
    least_band : float
        Width from which an empty band is a cut, as a share of the narrower stretch of content beside it.
    row, column : int
        What the first row and column are to be counted as.
    """
    rows, columns = (_stretches(np.flatnonzero(content.any(axis)), least_band) for axis in (1, 0))
    pieces = [(top, bottom, left, right) for top, bottom in rows for left, right in columns]
    if len(pieces) == 1:
        top, bottom, left, right = pieces[0]
        return [(slice(row + top, row + bottom), slice(column + left, column + right))]
    boxes = []
    for top, bottom, left, right in pieces:
        boxes += _cut(content[top:bottom, left:right], least_band, row + top, column + left)
    return boxes


def _stretches(filled: np.ndarray, least_band: float) -> list[tuple[int, int]]:
    """Where runs of ascending numbers begin and end, those with little between them joined."""
    runs = np.split(filled, np.flatnonzero(np.diff(filled) > 1) + 1) if filled.size else []
    stretches: list[tuple[int, int]] = []
    for start, end in ((int(run[0]), int(run[-1]) + 1) for run in runs):
        if stretches and start - stretches[-1][1] < least_band * min(stretches[-1][1] - stretches[-1][0], end - start):
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
    return stretches


def _sides(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def _area(box: Box) -> int:
    rows, columns = _sides(box)
    return rows * columns


def _large(boxes: list[Box]) -> list[Box]:
    largest = max(map(_area, boxes), default=0)
    return [box for box in boxes if _area(box) >= PANEL_SHARE * largest]


def _without_ticks(content: np.ndarray, box: Box) -> Box:
    """A box without the rows and columns at its ends that are mostly empty: ticks of axes."""
    filled = [np.flatnonzero(content[box].mean(1 - axis) > 0.5) for axis in (0, 1)]
    if not all(map(len, filled)):
        return box
    rows, columns = (slice(b.start + int(f[0]), b.start + int(f[-1]) + 1) for b, f in zip(box, filled, strict=True))
    return rows, columns


def _is_rectangle(content: np.ndarray) -> bool:
    return min(content[[0, -1]].mean(), content[:, [0, -1]].mean()) >= FILLED


def _detail(data: np.ndarray) -> float:
    """Entropy in bits of the gray levels that are not air."""
    level = data - data.min()
    bright = level[level > FAINT * skimage.filters.threshold_otsu(level)]
    shares = np.bincount(np.rint(bright * (255 / max(float(level.max()), 1e-12))).astype(np.intp)) / max(len(bright), 1)
    return float(-(shares * np.log2(np.maximum(shares, 1e-12))).sum())


def _in_reading_order(boxes: list[Box]) -> list[Box]:
    """Row by row from the top, each from left to right."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box[0].start):
        if rows and box[0].start < (rows[-1][0][0].start + rows[-1][0][0].stop) / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda box: box[1].start)]


def _position(boxes: list[Box], chosen: int) -> str:
    """Where one of the boxes lies among the others."""
    in_row = all(before[1].stop <= after[1].start for before, after in pairwise(boxes))
    in_column = all(before[0].stop <= after[0].start for before, after in pairwise(boxes))
    if in_row and chosen in (0, len(boxes) - 1):
        return "at the right" if chosen else "at the left"
    if in_column and chosen in (0, len(boxes) - 1):
        return "at the bottom" if chosen else "at the top"
    return f"that is number {chosen + 1} in reading order"
