"""Where the slices of a stack lie: their order along the normal, their spacing, and the affine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mriseg.core import limits
from mriseg.core.decimals import decimal
from mriseg.core.errors import ReadError
from mriseg.io.dicom.plane import DicomSlice, SlicePosition
from mriseg.io.raw_volume import LPS_TO_RAS, is_plausible

EVEN, NEARLY_EVEN = 0.01, 0.1  # of the distance of slices: silently taken as equal, and with a note
SLANT_DEGREES, SLANT_MM = 0.5, 0.1  # a slant less than both is rounding
SHIFT_SHARE = 0.1  # of a pixel: slices shifted against each other by more are told of
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

    planes: tuple[DicomSlice, ...]
    affine: np.ndarray | None
    is_slanted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        rows, columns = self.planes[0].shape
        return columns, rows, len(self.planes)


def arrange(planes: Sequence[DicomSlice]) -> Grid:
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
    normal = slice_position(planes[0]).normal
    heights = np.array([slice_position(plane).position for plane in planes]) @ normal
    order = np.argsort(heights, kind="stable")
    ordered, notes = [planes[index] for index in order], []
    if len(planes) > 1:
        first, last, note = _longest_part(np.diff(heights[order]))
        ordered, notes = ordered[first : last + 1], [note] if note else []
    position = slice_position(ordered[0])
    positions = np.array([slice_position(plane).position for plane in ordered])
    if len(ordered) == 1:
        thickness = position.apart or position.thickness
        if thickness is None:
            return Grid((ordered[0],), None, notes=(*notes, NO_THICKNESS))
        step, slanted = normal * thickness, ""
    else:
        step = (positions[-1] - positions[0]) / (len(ordered) - 1)
        slanted = _slant(step, normal, len(ordered))
        notes += filter(None, (slanted, *_irregularities(positions, step, position)))
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(position.directions[:3], position.sides[0])
    affine[:3, 1] = np.multiply(position.directions[3:], position.sides[1])
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    affine = LPS_TO_RAS @ affine
    if not is_plausible(affine):
        raise ReadError(NOT_BEHIND)
    grid = Grid(tuple(ordered), affine, bool(slanted), tuple(notes))
    limits.check_shape(grid.shape)
    return grid


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
    typical_gap = float(np.sort(gaps)[(len(gaps) - 1) // 2])  # a gap that there is, not the mean of two
    is_usual = np.abs(gaps / typical_gap - 1) <= NEARLY_EVEN
    if is_usual.all():
        return 0, len(gaps), ""
    first = last = start = 0
    for slice_number, follows in enumerate(is_usual, 1):
        if not follows:
            start = slice_number
        elif slice_number - start > last - first:
            first, last = start, slice_number
    missing = gaps[~is_usual] / typical_gap
    count, whole_steps = last - first + 1, np.round(missing)
    if (np.abs(missing - whole_steps) <= NEARLY_EVEN).all() and whole_steps.min() > 1:
        lost = int(whole_steps.sum()) - len(missing)
        why = "1 slice of the series is missing" if lost == 1 else f"{lost} slices of the series are missing"
    else:
        why = f"The slices are unevenly spaced, {decimal(gaps.min())} to {decimal(gaps.max())} mm apart"
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


def _irregularities(positions: np.ndarray, step: np.ndarray, position: SlicePosition) -> Iterator[str]:
    """Notes of how the slices depart from a regular grid.

    Raises
    ------
    ReadError
        If it is by more than a pixel sideways.
    """
    normal = position.normal
    distance = float(step @ normal)
    off = np.abs(np.diff(positions @ normal) - distance).max()
    if off > EVEN * distance:
        yield (
            f"The slices are unevenly spaced, by up to {decimal(off, 2)} mm; their mean distance, "
            f"{decimal(distance, 4)} mm, is used."
        )
    aside = positions - positions[0] - np.arange(len(positions))[:, None] * step
    aside -= (aside @ normal)[:, None] * normal
    shift = float(np.linalg.norm(aside, axis=1).max())
    if shift > max(position.sides):
        raise ReadError(NOT_BEHIND)
    if shift > SHIFT_SHARE * min(position.sides):
        yield (
            f"The slices are shifted sideways against each other by up to {decimal(shift, 2)} mm, which the grid "
            "leaves out."
        )
    # Where the distance told is less than the thickness it is only the gap.
    if position.apart is not None and position.apart >= (position.thickness or 0):
        steps = distance / position.apart
        if round(steps) > 1 and abs(steps - round(steps)) <= EVEN:
            yield (
                f"The slices lie {decimal(distance)} mm apart where the header says {decimal(position.apart)} mm: "
                "those in between may be missing."
            )


def slice_position(plane: DicomSlice) -> SlicePosition:
    """The place of a slice that has one.

    Parameters
    ----------
    plane : DicomSlice
        With a position.

    Returns
    -------
    SlicePosition
        In mm.
    """
    assert plane.place is not None
    return plane.place
