"""What a source holds: each scan in it that can be chosen, or the reason why it cannot.

A folder of a scanner holds several series, a file may hold several volumes. One of them is segmented; by default the
one that shows the tissues best.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mriseg.errors import ReadError
from mriseg.scan import Scan
from mriseg.tissue import Contrast

# Of two whole heads the finer counts; T1 and T2 tell three tissues apart better than proton density.
PREFERENCE = {Contrast.T1: 0.0, Contrast.T2: -0.7, Contrast.FLAIR: -0.8, Contrast.PD: -1.0, Contrast.UNKNOWN: -0.5}
WHOLE_HEAD_ML = 2000.0  # field of view: a larger one does not help
SINGLE_SLICE = -4.0


@dataclass(frozen=True, eq=False)
class Item:
    """One scan that a source holds.

    Attributes
    ----------
    title : str
        What it is, in words: description, plane, size, contrast as its header says. Names nobody.
    suitability : float
        The higher, the better for telling tissues apart; among the items of one source.
    load : callable
        Reads it. Raises ReadError if it cannot be read after all.
    refusal : str or None
        Why it cannot be segmented; None if nothing in its header speaks against it.
    """

    title: str
    suitability: float
    load: Callable[[], Scan] = field(repr=False)
    refusal: str | None = None


def refused(title: str, why: str) -> Item:
    """An item that is only listed."""

    def load() -> Scan:
        raise ReadError(why)

    return Item(title, -np.inf, load, why)


def suitability(
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
    """
    spacing = spacing or (1.0,) * len(shape)
    voxel_ml = float(np.prod(spacing)) / 1000
    seen_ml = min(float(np.prod(shape)) * voxel_ml, WHOLE_HEAD_ML)
    coarseness = max(max(spacing), 1.0)  # the thickest side: 5 mm slices mix tissues however fine their pixels are
    worth = np.log2(max(seen_ml, 1e-6) / WHOLE_HEAD_ML) - np.log2(coarseness) + PREFERENCE[contrast]
    return float(worth + (SINGLE_SLICE if len(shape) == 2 or min(shape) == 1 else 0.0))


def most_suitable(items: tuple[Item, ...], most: int) -> tuple[Item, ...]:
    """The items that are worth listing if there are too many: the most suitable, in the order given."""
    if len(items) <= most:
        return items
    kept = sorted(range(len(items)), key=lambda index: -items[index].suitability)[:most]
    return tuple(items[index] for index in sorted(kept))


def best(items: tuple[Item, ...]) -> Item:
    """The item to segment if nobody chooses: the most suitable, of equals the first."""
    return max(items, key=lambda item: item.suitability)
