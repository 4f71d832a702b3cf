"""The pages of one file, such as a multi-page TIFF or an animated GIF: their titles, and which is shown first."""

from collections.abc import Callable, Sequence
from math import prod

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.scan import Scan
from mriseg.io.catalog import ScanEntry, rank, refused

Shape = tuple[int, int]
# As many equal pages are a stack through a head rather than a few figures.
LEAST_STACK = 8
# A page that is as good as the one that is shown first. Much less than a difference in size counts.
SECOND_CHOICE = 1e-3
NO_VOXEL_SIZE = (
    "The file does not say how large a voxel is, so its pages are not joined to a volume. "
    "A NIfTI or DICOM export of the same scan says it."
)


def page_items(shapes: Sequence[Shape], count: int, load: Callable[[int], Callable[[], Scan]]) -> tuple[ScanEntry, ...]:
    """List the pages of a file, best the one in the middle of the largest.

    Parameters
    ----------
    shapes : sequence of (rows, columns)
        Of the pages in their order.
    count : int
        How many there are, also those that are not listed.
    load : callable
        From the number of a page, from 0, to what reads it.

    Returns
    -------
    tuple of Item
        Pages that are too small are left out, if others are not; those that are too large have the reason.

    Raises
    ------
    ReadError
        If there is one page and it is too small or too large, or all are.
    """
    areas = [prod(shape) if _why_not(shape) is None else 0 for shape in shapes]
    if not any(areas):
        limits.check_shape(shapes[0])
    largest = [number for number, area in enumerate(areas) if area == max(areas)]
    first = largest[(len(largest) - 1) // 2]
    entries = []
    for number, shape in enumerate(shapes):
        which = f"Page {number + 1} of {count}, " if count > 1 else ""
        title = f"{which}picture of {shape[0]} x {shape[1]} pixels"
        why = _why_not(shape)
        if why is None:
            page_rank = rank(shape) - (0 if number == first else SECOND_CHOICE)
            entries.append(ScanEntry(title, page_rank, load(number), is_picture=True))
        elif prod(shape) > limits.MAX_PIXELS:
            entries.append(refused(title, why))
    return tuple(entries)


def page_notes(number: int, count: int, why_no_volume: str = "") -> tuple[str, ...]:
    """What the user of one page should know of the others.

    Parameters
    ----------
    number : int
        Which page, from 0.
    count : int
        Pages in the file.
    why_no_volume : str
        Why the pages are no volume; "" if they need not be one.

    Returns
    -------
    tuple of str
    """
    if count == 1:
        return ()
    notes = (f"The file holds {count} pictures; this is number {number + 1}.",)
    return (*notes, why_no_volume) if why_no_volume else notes


def is_stack(shapes: Sequence[Shape]) -> bool:
    """Whether pages of these shapes can be the slices of one volume.

    Parameters
    ----------
    shapes : sequence of Shape
        Of the pages: rows, columns.
    """
    return len(shapes) >= LEAST_STACK and len(set(shapes)) == 1


def _why_not(shape: Shape) -> str | None:
    try:
        limits.check_shape(shape)
    except ReadError as error:
        return str(error)
    return None
