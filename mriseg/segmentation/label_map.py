"""Whether a volume holds intensities, or labels or shares of something: by its values and how they lie side by side.

Labels are flat regions whose borders jump between any two numbers; in a scan of few gray levels the levels follow each
other. Maps of probabilities are mostly exactly nothing and everything, with thin and smooth borders between; in a scan
whose brightest part was cut off, the rest is as noisy and as wide as in any scan.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

MOST_VOXELS = 250_000  # looked at: more say nothing new
BACKGROUND_SHARE = 0.5  # of the outermost voxels, that one value must have to be the background
# Dice of a T1 against itself in 32 gray levels is 0.98, in 16 0 to 0.98, in 8 0 to 0.86.
FEW_LEVELS = 12
SURELY_LABELS, MOST_LABELS = 6, 256  # with as few values nothing tells a scan; nobody labels with more numbers
# Of neighbors that are not both background or both at the largest value, those with one value: 0.68 and more in maps of
# labels.
FLAT = 0.6
# Of borders within, those between one value and the next: up to 0.4 in maps of many labels, from 0.66 in flat scans.
STEPWISE = 0.55
TOP_SHARE = 0.25  # of what is no background, at the largest value: 0.32 to 0.73 in maps of shares, 0.0001 in scans
INNER_SHARE, INNER_LEVELS = 0.15, 64  # the same at a value in between, where there are many; 0.34 in maps of mixtures
# Of the values in between: those in a row of three, and of these peaks and troughs. Maps of shares have 0.24 to 0.35
# and 0.2 to 0.5, or if they were smooth 0.5 to 0.9 and 0.1; scans that were cut off 0.46 to 0.94 and 0.2 to 0.7.
WIDE, NOISY = 0.45, 0.15


class Content(Enum):
    """What the values of a volume can be."""

    SCAN = "scan"
    MAP = "map"
    FEW_LEVELS = "few levels"


@dataclass(frozen=True)
class Texture:
    """How the values of a volume lie side by side; shares from 0 to 1.

    Attributes
    ----------
    levels : int
        How many values there are.
    flat : float
        Of neighbors that are not both background or both at the largest value, those with one value.
    stepwise : float
        Of neighbors that are no background and differ, those between which no other value lies.
    top, inner : float
        Of the voxels that are no background, those of the largest value, and of the most frequent one between the
        extremes.
    wide : float
        Of the voxels between background and largest value, those whose two neighbors are too.
    noisy : float
        Of those, peaks and troughs.
    """

    levels: int
    flat: float
    stepwise: float
    top: float
    inner: float
    wide: float
    noisy: float


def content(data: np.ndarray) -> Content:
    """What the values of a volume can be.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)

    Returns
    -------
    Content
    """
    texture = texture_of(data)
    if texture.levels <= SURELY_LABELS:
        return Content.MAP
    if texture.levels <= FEW_LEVELS:
        are_few = texture.stepwise >= STEPWISE and not (texture.top > TOP_SHARE and texture.wide < WIDE)
        return Content.FEW_LEVELS if are_few else Content.MAP
    if texture.stepwise >= STEPWISE:
        return Content.SCAN
    are_labels = texture.levels <= MOST_LABELS and texture.flat > FLAT
    are_mixtures = texture.levels > INNER_LEVELS and texture.inner > INNER_SHARE
    are_shares = texture.top > TOP_SHARE and not (texture.wide > WIDE and texture.noisy > NOISY)
    return Content.MAP if are_labels or are_mixtures or are_shares else Content.SCAN


def texture_of(data: np.ndarray) -> Texture:
    """Measure how the values in the middle of a volume lie side by side, along its longest axis.

    Parameters
    ----------
    data : ndarray of shape (i, j, k)

    Returns
    -------
    Texture
    """
    lines = _lines(data)
    values, ranks, counts = np.unique(lines, return_inverse=True, return_counts=True)
    ranks = ranks.reshape(lines.shape)
    background = np.flatnonzero(values == _background(data))
    shown = np.ones(len(values), bool)
    shown[background] = False
    last = len(values) - 1
    before, after = ranks[:-1], ranks[1:]
    either, both = shown[before] | shown[after], shown[before] & shown[after]
    counted = either & ~((before == last) & (after == last))
    border = both & (before != after)
    frequent = np.where(shown, counts, 0)
    total = max(int(frequent.sum()), 1)
    between = shown[ranks] & (ranks != last)
    middle = between[1:-1] & between[:-2] & between[2:]
    rising = after > before
    return Texture(
        levels=max(len(values), _levels(data)) if len(values) <= FEW_LEVELS else len(values),
        flat=_share(counted & (before == after), counted),
        stepwise=_share(border & (np.abs(after - before) == 1), border),
        top=int(frequent[last]) / total,
        inner=int(frequent[1:last].max(initial=0)) / total,
        wide=_share(middle, between[1:-1]),
        noisy=_share(middle & (before != after)[1:] & (before != after)[:-1] & (rising[1:] != rising[:-1]), middle),
    )


def _lines(data: np.ndarray) -> np.ndarray:
    """Lines of neighbors through the middle half of a volume, most of it the head, along the first axis of two."""
    part = data[tuple(slice(n // 4, n - n // 4) for n in data.shape)]
    part = np.moveaxis(part, int(np.argmax(part.shape)), 0)
    step = max(1, int(np.ceil(np.sqrt(part.size / MOST_VOXELS))))
    return part[:, ::step, ::step].reshape(len(part), -1)


def _levels(data: np.ndarray) -> int:
    """How many values the whole volume has: the head may not lie in its middle."""
    return len(np.unique(data[(slice(None, None, int(np.ceil((data.size / MOST_VOXELS) ** (1 / 3)))),) * 3]))


def _background(data: np.ndarray) -> float:
    """The value that most of the outermost voxels have; NaN if none has."""
    ends = [data[(slice(None),) * axis + (end,)] for axis in range(data.ndim) for end in (0, -1)]
    faces = np.concatenate([face[::2, ::2].ravel() for face in ends])
    values, counts = np.unique(faces, return_counts=True)
    return float(values[counts.argmax()]) if counts.max() > BACKGROUND_SHARE * faces.size else np.nan


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return int(np.count_nonzero(part)) / max(int(np.count_nonzero(whole)), 1)
