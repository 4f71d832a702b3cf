"""From the slices of a series to stacks: which belong to one volume, in which order, and where its voxels lie.

A series holds whatever one press of the button gave: one volume, the three planes of a localiser, several echoes or
times of the same slices, magnitudes and phases. Slices are told apart first by what they are and how they are turned;
only where one position then comes up more than once are they told apart by echo, time and so on, since scanners number
those in too many ways to trust them without need. Neither names nor instance numbers put slices in order: their place
along the normal does.

Coordinates: DICOM counts to the left, the back and up, in mm; the affine made here to the right, the front and up. Its
first axis is the column number, its second the row number, its third goes from slice to slice along the normal, so that
the three are right-handed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from statistics import median, mode
from typing import Any

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.dicom.elements import Budget
from mriseg.io.dicom.header import Frame, Tags, number, text, words
from mriseg.io.dicom.pixels import Pixels, codes
from mriseg.io.dicom.plane import Place, Plane
from mriseg.io.raw_volume import is_plausible

LPS_TO_RAS = np.diag([-1.0, -1, 1, 1])
SAME_TURN = 1e-3  # direction cosines, and sides in mm: what headers round
SAME_MM = 0.01  # two slices as near as this lie at one position
EVEN, NEARLY_EVEN = 0.01, 0.1  # of the distance of slices: silently taken as equal, and with a note
FULL_SHARE = 0.75  # of all positions that the volumes of a series must have on average for an entry to number them
SLANT_DEGREES, SLANT_MM = 0.5, 0.1  # a slant less than both is rounding
SHIFT_SHARE = 0.1  # of a pixel: slices shifted against each other by more are told of
NO_PLACE = "The header does not say where the slice lies: it is read as a picture, without a size in mm."
NO_THICKNESS = "The header does not say how thick the single slice is: it is read as a picture, without a size in mm."
NOT_BEHIND = "The slices do not lie behind one another, so that they make no volume. Choose another series."


@dataclass(frozen=True, eq=False)
class Grid:
    """Slices in order, as a grid of voxels.

    Attributes
    ----------
    planes : tuple of Plane
    affine : ndarray of shape (4, 4) or None
        From (column, row, slice) to RAS+ mm; None for a slice that is only a picture.
    is_slanted : bool
        Whether the third axis is not at right angles to the slices.
    notes : tuple of str
        What the user should know of the grid.
    """

    planes: tuple[Plane, ...]
    affine: np.ndarray | None
    is_slanted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        rows, columns = self.planes[0].shape
        return columns, rows, len(self.planes)


@dataclass(frozen=True, eq=False)
class Stack:
    """What a series holds of one kind, while it is listed.

    Attributes
    ----------
    grid : Grid or None
    refusal : str or None
        Why there is no grid.
    count : int
        Slices that belong to it, read or not.
    tags : mapping
        The entries of its first slice.
    label : str
        Which of several volumes of the series it is, such as "TE 80 ms".
    """

    grid: Grid | None
    refusal: str | None
    count: int
    tags: Tags
    label: str = ""


@dataclass(frozen=True)
class Mark:
    """What can tell the volumes of a series apart that lie at the same place.

    Attributes
    ----------
    value : callable
        Of the entries of a slice.
    label : str
        A pattern for the title; empty if the value itself says nothing.
    """

    value: Callable[[Tags], float]
    label: str = ""


MARKS = (
    Mark(lambda tags: round(echo_time(tags), 2), "TE {:g} ms"),
    Mark(lambda tags: inversion_time(tags), "TI {:g} ms"),
    Mark(lambda tags: number(tags, "DiffusionBValue", 0), "b {:g}"),
    Mark(lambda tags: number(tags, "TemporalPositionIndex", number(tags, "TemporalPositionIdentifier", 0))),
    Mark(lambda tags: number(tags, "AcquisitionNumber", 0)),
    Mark(lambda tags: number(tags, "TriggerTime", 0)),
)


def echo_time(tags: Tags) -> float:
    """In ms; 0 if the header does not say."""
    return number(tags, "EffectiveEchoTime", number(tags, "EchoTime", 0))


def inversion_time(tags: Tags) -> float:
    """In ms; 0 if the header does not say or nothing was inverted."""
    return number(tags, "InversionTimes", number(tags, "InversionTime", 0))


def image_type(tags: Tags) -> tuple[str, ...]:
    """What kind of image the slice is, such as original, primary, magnitude."""
    return words(tags, "FrameType") or words(tags, "ImageType")


def stacks(frames: Sequence[Frame], budget: Budget) -> list[Stack]:
    """The stacks of one series.

    Parameters
    ----------
    frames : sequence of Frame
        All slices of the series, in any order.
    budget : Budget
        Of what may still be read, to compare slices that come up twice.

    Returns
    -------
    list of Stack
        At most `limits.MAX_ITEMS`, in an order that does not depend on that of the slices.
    """
    found: list[Stack] = []
    kinds: dict[Any, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=_order):
        kinds[_kind(frame)].append(frame)
    for kind in sorted(kinds):
        placed = [frame for frame in kinds[kind] if frame.plane.place is not None]
        for turned in _alike(placed):
            found.extend(_volumes(turned, budget))
        found.extend(
            Stack(Grid((frame.plane,), None, notes=(NO_PLACE,)), None, 1, frame.tags)
            for frame in kinds[kind]
            if frame.plane.place is None
        )
    return found[: limits.MAX_ITEMS]


def arrange(planes: Sequence[Plane]) -> Grid:
    """Put the slices of one volume in order and find its affine.

    Parameters
    ----------
    planes : sequence of Plane
        Turned alike and each at a position of its own, in any order.

    Returns
    -------
    Grid
        Of the longest part without a gap, if there are gaps.

    Raises
    ------
    ReadError
        If the slices make no volume, or too large or too small a one.
    """
    normal = _place(planes[0]).normal
    heights = np.array([_place(plane).position for plane in planes]) @ normal
    order = np.argsort(heights, kind="stable")
    ordered, notes = [planes[index] for index in order], []
    if len(planes) > 1:
        first, last, note = _longest_part(np.diff(heights[order]))
        ordered, notes = ordered[first : last + 1], [note] if note else []
    place = _place(ordered[0])
    positions = np.array([_place(plane).position for plane in ordered])
    if len(ordered) == 1:
        thickness = place.apart or place.thickness
        if thickness is None:
            return Grid((ordered[0],), None, notes=(*notes, NO_THICKNESS))
        step, slanted = normal * thickness, ""
    else:
        step = (positions[-1] - positions[0]) / (len(ordered) - 1)
        slanted = _slant(step, normal, len(ordered))
        notes += filter(None, (slanted, *_irregularities(positions, step, place)))
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(place.directions[:3], place.sides[0])
    affine[:3, 1] = np.multiply(place.directions[3:], place.sides[1])
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    affine = LPS_TO_RAS @ affine
    if not is_plausible(affine):
        raise ReadError(NOT_BEHIND)
    grid = Grid(tuple(ordered), affine, bool(slanted), tuple(notes))
    limits.check_shape(grid.shape)
    return grid


def _order(frame: Frame) -> tuple[Any, ...]:
    """An order of slices that depends on nothing but what they are."""
    plane, tags = frame.plane, frame.tags
    numbers = [number(tags, keyword, 0) for keyword in ("AcquisitionNumber", "InstanceNumber")]
    file = plane.pixels.file
    return (*numbers, text(tags, "SOPInstanceUID"), plane.index, file.folder, file.name, _corner(plane))


def _corner(plane: Plane) -> tuple[int, int]:
    rows, columns = plane.window
    return rows.start or 0, columns.start or 0


def _kind(frame: Frame) -> tuple[Any, ...]:
    tags = frame.tags
    component, stack = text(tags, "ComplexImageComponent"), text(tags, "StackID")
    return frame.plane.shape, image_type(tags), component, stack, frame.plane.pixels.is_inverted


def _alike(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Slices turned alike, with pixels of one size."""
    left = np.arange(len(frames))
    places = [_place(frame.plane) for frame in frames]
    turns = np.array([(*place.directions, *place.sides) for place in places])
    for _ in range(limits.MAX_ITEMS):
        if not left.size:
            return
        is_near = np.abs(turns[left] - turns[left[0]]).max(1) < SAME_TURN
        yield [frames[index] for index in left[is_near]]
        left = left[~is_near]


def _volumes(frames: list[Frame], budget: Budget) -> Iterator[Stack]:
    """Stacks of slices that are turned alike."""
    heights = np.array([_place(frame.plane).position for frame in frames]) @ _place(frames[0].plane).normal
    order = np.argsort(heights, kind="stable")
    numbers = np.empty(len(frames), int)
    numbers[order] = np.cumsum(np.diff(heights[order], prepend=heights[order[0]]) > SAME_MM)
    placed = list(zip(frames, numbers.tolist(), strict=True))
    kept = _without_copies(placed, budget)
    notes = []
    if len(kept) < len(placed):
        count = len(placed) - len(kept)
        came = "1 slice came" if count == 1 else f"{count} slices came"
        notes.append(f"{came} twice with the same content and {'is' if count == 1 else 'are'} read once.")
    volumes = list(_split(kept, MARKS, ""))
    labels = [label for label, _ in volumes]
    seen: dict[str, int] = defaultdict(int)
    for label, volume in volumes[: limits.MAX_ITEMS]:
        seen[label] += 1
        several = f"volume {seen[label]} of {labels.count(label)}" if labels.count(label) > 1 else ""
        label = ", ".join(filter(None, (label, several)))
        try:
            grid = arrange([frame.plane for frame in volume])
            grid = replace(grid, notes=(*notes, *grid.notes))
            yield Stack(grid, None, len(volume), volume[0].tags, label)
        except ReadError as error:
            yield Stack(None, str(error), len(volume), volume[0].tags, label)


def _split(placed: Sequence[tuple[Frame, int]], marks: Sequence[Mark], label: str) -> Iterator[tuple[str, list[Frame]]]:
    """Volumes in which no position comes up twice, with what tells them apart.

    Parameters
    ----------
    placed : sequence of (Frame, int)
        Slices and the number of their position.
    marks : sequence of Mark
        What may still tell them apart.
    """
    positions = {position for _, position in placed}
    if len(positions) == len(placed):
        yield label, [frame for frame, _ in placed]
        return
    for number_of, mark in enumerate(marks, 1):
        parts: dict[float, list[tuple[Frame, int]]] = defaultdict(list)
        for frame, position in placed:
            parts[mark.value(frame.tags)].append((frame, position))
        covered = median(len({position for _, position in part}) for part in parts.values())
        if len(parts) > 1 and covered >= FULL_SHARE * len(positions):
            for value in sorted(parts):
                told = ", ".join(filter(None, (label, mark.label.format(value) if mark.label else "")))
                yield from _split(parts[value], marks[number_of:], told)
            return
    # Nothing numbers them but the order in which the scanner made the slices of each position.
    volumes: list[list[Frame]] = []
    turn: dict[int, int] = defaultdict(int)
    for frame, position in placed:
        if turn[position] == len(volumes):
            volumes.append([])
        volumes[turn[position]].append(frame)
        turn[position] += 1
    for volume in volumes:
        yield label, volume


def _without_copies(placed: Sequence[tuple[Frame, int]], budget: Budget) -> list[tuple[Frame, int]]:
    """Without the slices that are there before with the same content.

    Only those are compared that could be copies: under the same number of the scanner, or at a position that has more
    slices than the others.
    """
    buckets: dict[tuple[Any, ...], list[Frame]] = defaultdict(list)
    counts: dict[int, int] = defaultdict(int)
    for frame, position in placed:
        buckets[position, *(mark.value(frame.tags) for mark in MARKS)].append(frame)
        counts[position] += 1
    usual = mode(counts.values())
    suspected = []
    for (position, *_), frames in buckets.items():
        uids = {(text(frame.tags, "SOPInstanceUID"), frame.plane.index) for frame in frames}
        if len(uids) < len(frames) or (len(frames) > 1 and counts[position] > usual):
            suspected.append(frames)
    digests = _digests([frame.plane for frames in suspected for frame in frames], budget)
    copies = set()
    for frames in suspected:
        seen = set()
        for frame in frames:
            digest = digests.get(frame.plane)
            if digest in seen:
                copies.add(id(frame))
            elif digest is not None:
                seen.add(digest)
    return [(frame, position) for frame, position in placed if id(frame) not in copies]


def _digests(planes: Sequence[Plane], budget: Budget) -> dict[Plane, bytes]:
    """Of what is stored of each slice, but for those that cannot be read or come after comparing has cost enough."""
    found: dict[Plane, bytes] = {}
    of_files: dict[Pixels, dict[int, list[Plane]]] = defaultdict(lambda: defaultdict(list))
    for plane in planes:
        of_files[plane.pixels][plane.index].append(plane)
    for pixels, of_frames in of_files.items():
        indices = sorted(of_frames)
        budget.header_bytes -= pixels.offset + (indices[-1] + 1) * pixels.frame_bytes  # a zip starts anew
        if budget.header_bytes < 0:
            break
        with suppress(ReadError):
            for index, code in zip(indices, codes(pixels, indices), strict=True):
                for plane in of_frames[index]:
                    found[plane] = blake2b(code + repr((plane.scaling, _corner(plane))).encode()).digest()
    return found


def _longest_part(gaps: np.ndarray) -> tuple[int, int, str]:
    """The first and last slice of the longest part whose slices are nearly evenly spaced, and a note if it is not all.

    Parameters
    ----------
    gaps : ndarray of shape (slices - 1,)
        From one slice to the next, in mm.

    Raises
    ------
    ReadError
        If it holds less than half of the slices.
    """
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])  # a gap that there is, not the mean of two
    is_usual = np.abs(gaps / usual - 1) <= NEARLY_EVEN
    if is_usual.all():
        return 0, len(gaps), ""
    first = last = start = 0
    for slice_number, follows in enumerate(is_usual, 1):
        if not follows:
            start = slice_number
        elif slice_number - start > last - first:
            first, last = start, slice_number
    missing = gaps[~is_usual] / usual
    count, whole_steps = last - first + 1, np.round(missing)
    if (np.abs(missing - whole_steps) <= NEARLY_EVEN).all() and whole_steps.min() > 1:
        lost = int(whole_steps.sum()) - len(missing)
        why = "1 slice of the series is missing" if lost == 1 else f"{lost} slices of the series are missing"
    else:
        why = f"The slices are unevenly spaced, {gaps.min():.3g} to {gaps.max():.3g} mm apart"
    if 2 * count < len(gaps) + 1:
        raise ReadError(f"{why}, and no part without a gap holds half of it. Export the whole series again.")
    return first, last, (
        f"{why}: the longest part without a gap, {count} of {len(gaps) + 1} slices, is read. "
        "Export the whole series again to see all of it."
    )  # fmt: skip


def _slant(step: np.ndarray, normal: np.ndarray, count: int) -> str:
    """A note if the slices are stacked at a slant; else empty."""
    along = float(step @ normal)
    aside = float(np.linalg.norm(step - along * normal))
    degrees = float(np.degrees(np.arctan2(aside, along)))
    if degrees < SLANT_DEGREES or aside * (count - 1) < SLANT_MM:
        return ""
    return f"The slices are stacked at a slant of {degrees:.2g} degrees, as with a tilted gantry; the grid keeps it."


def _irregularities(positions: np.ndarray, step: np.ndarray, place: Place) -> Iterator[str]:
    """Notes of how the slices depart from a regular grid.

    Raises
    ------
    ReadError
        If it is by more than a pixel sideways.
    """
    normal = place.normal
    distance = float(step @ normal)
    off = np.abs(np.diff(positions @ normal) - distance).max()
    if off > EVEN * distance:
        yield f"The slices are unevenly spaced, by up to {off:.2g} mm; their mean distance, {distance:.4g} mm, is used."
    aside = positions - positions[0] - np.arange(len(positions))[:, None] * step
    aside -= (aside @ normal)[:, None] * normal
    shift = float(np.linalg.norm(aside, axis=1).max())
    if shift > max(place.sides):
        raise ReadError(NOT_BEHIND)
    if shift > SHIFT_SHARE * min(place.sides):
        yield f"The slices are shifted sideways against each other by up to {shift:.2g} mm, which the grid leaves out."
    # Where the distance told is less than the thickness it is only the gap.
    if place.apart is not None and place.apart >= (place.thickness or 0):
        steps = distance / place.apart
        if round(steps) > 1 and abs(steps - round(steps)) <= EVEN:
            yield (
                f"The slices lie {distance:.3g} mm apart where the header says {place.apart:.3g} mm: those in between "
                "may be missing."
            )


def _place(plane: Plane) -> Place:
    """The place of a slice that has one."""
    assert plane.place is not None
    return plane.place
