"""Whether images can be segmented at all, and together."""

from collections.abc import Sequence

from mriseg.core.decimals import decimal
from mriseg.core.errors import MrisegError, SettingsError
from mriseg.core.scan import Scan, farthest_apart_mm
from mriseg.segmentation.label_map import FEW_LEVELS, Content, content

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
        If one is of one value, or a map of labels or of probabilities, or of too few gray levels.
    SettingsError
        If they do not lie on one grid.
    """
    for image in (scan, *channels):
        if not image.data.max() > image.data.min():
            raise MrisegError(
                f"Every voxel has the same value ({decimal(image.data.flat[0], 6)}), so there is nothing to segment. "
                "Check that the export held the image."
            )
        if image.data.ndim == 3:  # a picture says too little to tell
            _check_content(image)
        if image.data.shape != scan.data.shape or farthest_apart_mm(image, scan) > SAME_GRID_MM:
            raise SettingsError(
                "The contrasts do not lie on one grid. Register them and resample one on the other first."
            )


def _check_content(image: Scan) -> None:
    """Refuse a volume that holds no intensities, or next to none."""
    holds = content(image.data)
    if holds is Content.MAP:
        raise MrisegError(
            "This is a map of labels or of probabilities, not a scan: large regions of it hold one value. Give the "
            "scan that it was made from."
        )
    if holds is Content.FEW_LEVELS:
        raise MrisegError(
            f"The volume holds no more than {FEW_LEVELS} gray levels, too few to tell three tissues apart; maps of "
            "labels have as few. Export the scan again with 32 or more, such as in 8 or 16 bits."
        )
