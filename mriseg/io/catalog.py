"""What a source holds: each scan in it that can be chosen, or the reason why it cannot.

A folder of a scanner holds several series, a file may hold several volumes. One of them is segmented; by default the
one that shows the tissues best.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from mriseg.core.errors import ReadError
from mriseg.core.scan import Scan
from mriseg.core.tissue import Contrast

# Of two whole heads the finer counts; T1 and T2 tell three tissues apart better than proton density.
PREFERENCE = {Contrast.T1: 0.0, Contrast.T2: -0.7, Contrast.FLAIR: -0.8, Contrast.PD: -1.0, Contrast.UNKNOWN: -1.2}
# A brain is at least as long in every direction; a field of view that is longer does not help. A slab through a part of
# it is of little use however fine it is: half of the brain is worth a quarter of the resolution.
BRAIN_MM, MISSING_WEIGHT = 120.0, 2.0
NOT_MR = "The header says that this is {}, not MR, and only on MR are tissues told apart here. Choose an MR series."
# What a header calls a map is refused as a scan, and read as a mask or a map of labels all the same.
MAP = (
    "The header says that this is a map of {}, not a scan. Give the T1-weighted, T2-weighted, PD or FLAIR scan of the "
    "same head. If the header is wrong, set it right."
)
PICTURE_RANK, LARGE_PICTURE_PIXELS = -16.0, 2e6  # less than a slice that is 1 mm thick


@dataclass(frozen=True, eq=False)
class ScanEntry:
    """One scan that a source holds.

    Attributes
    ----------
    title : str
        What it is, in words: description, plane, size, contrast as its header says. Names nobody.
    rank : float
        The higher, the better for telling tissues apart; among the entries of one source.
    load : callable
        Reads it. Raises ReadError if it cannot be read after all.
    refusal : str or None
        Why it cannot be segmented; None if nothing in its header speaks against it.
    is_picture : bool
        Whether it has two axes.
    load_map : callable or None
        Reads it as what it is where it is refused as a scan but can be read, for masks and labels.
    left_out : str
        What of its source was not looked at and why, in a sentence; "" if all was.
    """

    title: str
    rank: float
    load: Callable[[], Scan] = field(repr=False)
    refusal: str | None = None
    is_picture: bool = False
    load_map: Callable[[], Scan] | None = field(default=None, repr=False)
    left_out: str = ""


def refused(title: str, why: str) -> ScanEntry:
    """An entry that is only listed.

    Parameters
    ----------
    title : str
        What it is, in words.
    why : str
        The reason, as the user reads it.

    Returns
    -------
    ScanEntry
    """

    def load() -> Scan:
        raise ReadError(why)

    return ScanEntry(title, -np.inf, load, why)


def refused_as_scan(entry: ScanEntry, why: str) -> ScanEntry:
    """The entry of something that can be read, but whose header says that it is no scan.

    Parameters
    ----------
    entry : ScanEntry
    why : str
        The reason, as the user reads it, such as `MAP`.

    Returns
    -------
    ScanEntry
        Refused; `load_map` still reads it.
    """
    return replace(refused(entry.title, why), load_map=entry.load, is_picture=entry.is_picture)


def of_part(entry: ScanEntry, left_out: str) -> ScanEntry:
    """The entry of a source of which something was not looked at; its scan has a note of that.

    Parameters
    ----------
    entry : ScanEntry
    left_out : str
        What and why, in a sentence.

    Returns
    -------
    ScanEntry
    """

    def load() -> Scan:
        scan = entry.load()
        return replace(scan, notes=(*scan.notes, left_out))

    return replace(entry, load=load, left_out=left_out)


def rank(
    shape: tuple[int, ...], spacing: tuple[float, ...] | None = None, contrast: Contrast = Contrast.UNKNOWN
) -> float:
    """How well a scan of this size and contrast will show the tissues, in units of a doubled resolution.

    Parameters
    ----------
    shape : tuple of int
        Pixels or voxels along each axis.
    spacing : tuple of float, optional
        Their sides in mm; 1 if not known.
    contrast : Contrast
        What the header says of it.

    Returns
    -------
    float
        The higher, the better.
    """
    if len(shape) == 2:
        share = min(float(np.prod(shape)) / LARGE_PICTURE_PIXELS, 1.0)
        return float(np.log2(share) + PICTURE_RANK + PREFERENCE[contrast])
    spacing = spacing or (1.0,) * len(shape)
    seen = np.minimum(np.multiply(shape, spacing) / BRAIN_MM, 1.0)
    coarseness = max(max(spacing), 1.0)  # the thickest side: 5 mm slices mix tissues however fine their pixels are
    return float(MISSING_WEIGHT * np.log2(seen).sum() - np.log2(coarseness) + PREFERENCE[contrast])


def most_suitable(entries: tuple[ScanEntry, ...], most: int) -> tuple[ScanEntry, ...]:
    """The entries of the highest rank if there are too many to list, in the order given.

    Parameters
    ----------
    entries : tuple of ScanEntry
    most : int
        How many at the most.

    Returns
    -------
    tuple of ScanEntry
    """
    if len(entries) <= most:
        return entries
    listed = sorted(range(len(entries)), key=lambda index: -entries[index].rank)[:most]
    return tuple(entries[index] for index in sorted(listed))


def best(entries: tuple[ScanEntry, ...]) -> ScanEntry:
    """The entry to take if nobody chooses: that of the highest rank, of equals the first that can be read.

    Parameters
    ----------
    entries : tuple of ScanEntry

    Returns
    -------
    ScanEntry
    """
    return max(entries, key=lambda entry: (entry.rank, entry.load_map is not None))
