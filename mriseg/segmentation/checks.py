"""Whether images can be segmented at all, and together."""

from collections.abc import Sequence

import numpy as np

from mriseg.core.decimals import decimal
from mriseg.core.errors import MrisegError, SettingsError
from mriseg.core.scan import Scan, farthest_apart_mm

# Of neighbors that are not both 0, the share with one value: 0.85 in maps of 50 labels, below 0.3 in scans of 8 bits.
LABEL_MAP = 0.6
MOST_LABELS = 256
SATURATED = 0.25  # of what is not 0, the share at the largest value: 0.32 to 0.61 in maps of shares, 0.0001 in scans
SAME_GRID_MM = 0.01  # farthest that a corner of one channel may lie from that of another


def check_images(scan: Scan, channels: Sequence[Scan]) -> None:
    """Refuse images that cannot be segmented, or not together.

    Parameters
    ----------
    scan : Scan
        The first contrast.
    channels : sequence of Scan
        Further contrasts of the same head.

    Raises
    ------
    MrisegError
        If one is of one value, or a map of labels or of probabilities.
    SettingsError
        If they do not lie on one grid.
    """
    for image in (scan, *channels):
        if not image.data.max() > image.data.min():
            raise MrisegError(
                f"Every voxel has the same value ({decimal(image.data.flat[0], 6)}), so there is nothing to segment. "
                "Check that the export held the image."
            )
        if _is_map(image.data):
            raise MrisegError(
                "This is a map of labels or of probabilities, not a scan: large regions of it hold one value. Give the "
                "scan that it was made from."
            )
        if image.data.shape != scan.data.shape or farthest_apart_mm(image, scan) > SAME_GRID_MM:
            raise SettingsError(
                "The contrasts do not lie on one grid. Register them and resample one on the other first."
            )


def _is_map(data: np.ndarray) -> bool:
    """Whether a volume holds labels, or shares that are mostly all or nothing. A picture says too little to tell."""
    if data.ndim == 2:
        return False
    part = data[tuple(slice(n // 4, n - n // 4) for n in data.shape)]  # most of it the head
    along = part.shape.index(max(part.shape))
    before, after = (part.take(range(first, first + part.shape[along] - 1), along) for first in (0, 1))
    shown = (before != 0) | (after != 0)
    even = np.count_nonzero((before == after) & shown) / max(int(np.count_nonzero(shown)), 1)
    if even > LABEL_MAP and (part == np.rint(part)).all() and np.unique(part).size <= MOST_LABELS:
        return True
    return bool(np.count_nonzero(part == part.max()) > SATURATED * np.count_nonzero(part))
