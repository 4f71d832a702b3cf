"""From the slices of a series to stacks: which belong to one volume, in which order, and where its voxels lie.

A series holds whatever one press of the button gave: one volume, the three planes of a localizer, several echoes or
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
from mriseg.core.decimals import decimal
from mriseg.core.errors import ReadError
from mriseg.io.dicom.elements import Budget
from mriseg.io.dicom.geometry import Grid, arrange, slice_position
from mriseg.io.dicom.header import Frame, Tags, number, text, words
from mriseg.io.dicom.pixels import Pixels, codes
from mriseg.io.dicom.plane import DicomSlice

SAME_TURN = 1e-3  # direction cosines, and sides in mm: what headers round
SAME_MM = 0.01  # two slices as near as this lie at one position
FULL_SHARE = 0.75  # of all positions that the volumes of a series must have on average for an entry to number them
NO_PLACE = "The header does not say where the slice lies: it is read as a picture, without a size in mm."


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
class VolumeKey:
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


VOLUME_KEYS = (
    VolumeKey(lambda tags: round(echo_time(tags), 2), "TE {} ms"),
    VolumeKey(lambda tags: inversion_time(tags), "TI {} ms"),
    VolumeKey(lambda tags: number(tags, "DiffusionBValue", 0), "b {}"),
    VolumeKey(lambda tags: number(tags, "TemporalPositionIndex", number(tags, "TemporalPositionIdentifier", 0))),
    VolumeKey(lambda tags: number(tags, "AcquisitionNumber", 0)),
    VolumeKey(lambda tags: number(tags, "TriggerTime", 0)),
)


def echo_time(tags: Tags) -> float:
    """In ms; 0 if the header does not say.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.

    Returns
    -------
    float
        ms
    """
    return number(tags, "EffectiveEchoTime", number(tags, "EchoTime", 0))


def inversion_time(tags: Tags) -> float:
    """In ms; 0 if the header does not say or nothing was inverted.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.

    Returns
    -------
    float
        ms
    """
    return number(tags, "InversionTimes", number(tags, "InversionTime", 0))


def image_type(tags: Tags) -> tuple[str, ...]:
    """What kind of image the slice is, such as original, primary, magnitude.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.

    Returns
    -------
    tuple of str
    """
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
    complete: list[Stack] = []
    kinds: dict[Any, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=_order):
        kinds[_kind(frame)].append(frame)
    for kind in sorted(kinds):
        placed = [frame for frame in kinds[kind] if frame.plane.place is not None]
        for turned in _alike(placed):
            complete.extend(_volumes(turned, budget))
        complete.extend(
            Stack(Grid((frame.plane,), None, notes=(NO_PLACE,)), None, 1, frame.tags)
            for frame in kinds[kind]
            if frame.plane.place is None
        )
    return complete[: limits.MAX_ITEMS]


def _order(frame: Frame) -> tuple[Any, ...]:
    """An order of slices that depends on nothing but what they are."""
    plane, tags = frame.plane, frame.tags
    numbers = [number(tags, keyword, 0) for keyword in ("AcquisitionNumber", "InstanceNumber")]
    file = plane.pixels.file
    return (*numbers, text(tags, "SOPInstanceUID"), plane.index, file.folder, file.name, _corner(plane))


def _corner(plane: DicomSlice) -> tuple[int, int]:
    rows, columns = plane.window
    return rows.start or 0, columns.start or 0


def _kind(frame: Frame) -> tuple[Any, ...]:
    tags = frame.tags
    component, stack = text(tags, "ComplexImageComponent"), text(tags, "StackID")
    return frame.plane.shape, image_type(tags), component, stack, frame.plane.pixels.is_inverted


def _alike(frames: Sequence[Frame]) -> Iterator[list[Frame]]:
    """Slices turned alike, with pixels of one size."""
    left = np.arange(len(frames))
    positions = [slice_position(frame.plane) for frame in frames]
    turns = np.array([(*position.directions, *position.sides) for position in positions])
    for _ in range(limits.MAX_ITEMS):
        if not left.size:
            return
        is_near = np.abs(turns[left] - turns[left[0]]).max(1) < SAME_TURN
        yield [frames[index] for index in left[is_near]]
        left = left[~is_near]


def _volumes(frames: list[Frame], budget: Budget) -> Iterator[Stack]:
    """Stacks of slices that are turned alike."""
    normal = slice_position(frames[0].plane).normal
    heights = np.array([slice_position(frame.plane).position for frame in frames]) @ normal
    order = np.argsort(heights, kind="stable")
    numbers = np.empty(len(frames), int)
    numbers[order] = np.cumsum(np.diff(heights[order], prepend=heights[order[0]]) > SAME_MM)
    placed = list(zip(frames, numbers.tolist(), strict=True))
    distinct = _without_copies(placed, budget)
    notes = []
    if len(distinct) < len(placed):
        count = len(placed) - len(distinct)
        came = "1 slice came" if count == 1 else f"{count} slices came"
        notes.append(f"{came} twice with the same content and {'is' if count == 1 else 'are'} read once.")
    volumes = list(_split(distinct, VOLUME_KEYS, ""))
    labels = [label for label, _ in volumes]
    seen: dict[str, int] = defaultdict(int)
    for label, volume in volumes[: limits.MAX_ITEMS]:
        seen[label] += 1
        several = f"volume {seen[label]} of {labels.count(label)}" if labels.count(label) > 1 else ""
        label = ", ".join(filter(None, (label, several)))
        try:
            grid = arrange([frame.plane for frame in volume])
            grid = replace(grid, notes=(*notes, *grid.notes))
            yield Stack(grid, None, len(volume), tags=volume[0].tags, label=label)
        except ReadError as error:
            yield Stack(None, str(error), len(volume), tags=volume[0].tags, label=label)


def _split(
    placed: Sequence[tuple[Frame, int]], marks: Sequence[VolumeKey], label: str
) -> Iterator[tuple[str, list[Frame]]]:
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
                label_text = ", ".join(
                    filter(None, (label, mark.label.format(decimal(value, 6)) if mark.label else ""))
                )
                yield from _split(parts[value], marks[number_of:], label_text)
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
        buckets[position, *(mark.value(frame.tags) for mark in VOLUME_KEYS)].append(frame)
        counts[position] += 1
    typical = mode(counts.values())
    suspected = []
    for (position, *_), frames in buckets.items():
        uids = {(text(frame.tags, "SOPInstanceUID"), frame.plane.index) for frame in frames}
        if len(uids) < len(frames) or (len(frames) > 1 and counts[position] > typical):
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


def _digests(planes: Sequence[DicomSlice], budget: Budget) -> dict[DicomSlice, bytes]:
    """Of what is stored of each slice, but for those that cannot be read or come after comparing has cost enough."""
    digests: dict[DicomSlice, bytes] = {}
    of_files: dict[Pixels, dict[int, list[DicomSlice]]] = defaultdict(lambda: defaultdict(list))
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
                    digests[plane] = blake2b(code + repr((plane.scaling, _corner(plane))).encode()).digest()
    return digests
