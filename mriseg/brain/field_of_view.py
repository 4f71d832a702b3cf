"""Whether a volume can show a head at all, by how large it is in millimeters, and where in a large one something lies.

Voxel sizes come from headers, and headers err: centimeters are written as millimeters, and a whole body or an organ
under a microscope is dropped as well. None of it is searched for a brain, which costs minutes and ends in a sentence
about something else.
"""

import numpy as np
import skimage

from mriseg.core.decimals import decimal
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.remedies import TAKE_AS_IT_IS
from mriseg.image.morphology import bounding_box, largest_component
from mriseg.image.resampling import block_mean

# A head with neck and shoulders as the largest coils see it; scanners' fields of view end at 500 mm.
LARGEST_MM = 600.0
SMALLEST_MM = 60.0  # of the longest side of the field of view: a newborn's brain is 100 mm long
BLOCKS = 128  # along the longest side, in which what lies in a large volume is looked for
FAINT = 0.25  # of the way from the mean of what Otsu's threshold calls dark to that of the bright: heads are brighter
MARGIN_MM = 30.0  # of air left around it
NAMES = ("wide", "long", "high")  # along canonical axes


def head_box(data: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, ...]:
    """The part of a volume to search for a brain: all of it, unless no head is as large.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, air darker than tissue.
    spacing : tuple of float
        Sides of a voxel, mm.

    Returns
    -------
    tuple of slice
        Along each axis, with both ends given.

    Raises
    ------
    BrainNotFoundError
        If the volume is far smaller than a head, or what it shows is far larger.
    """
    extent = np.array(data.shape) * spacing
    sides = " x ".join(decimal(side) for side in spacing)
    if extent.max() < SMALLEST_MM:
        by = " x ".join(decimal(length) for length in extent)
        raise BrainNotFoundError(
            f"The volume is {by} mm large, far smaller than a head. If the header's voxel size ({sides} mm) is wrong, "
            "correct it and try again; brains of animals and parts of a brain are not searched.",
            TAKE_AS_IT_IS,
        )
    whole = tuple(slice(0, n) for n in data.shape)
    if extent.max() <= LARGEST_MM:
        return whole
    image, blocks, first = block_mean(data, spacing, float(extent.max()) / BLOCKS)
    bright = image > skimage.filters.threshold_otsu(image)
    if not bright.any() or bright.all():
        return whole
    dark_mean, bright_mean = float(image[~bright].mean()), float(image[bright].mean())
    box = bounding_box(largest_component(image > dark_mean + FAINT * (bright_mean - dark_mean)))
    lengths = np.array([(part.stop - part.start) * side for part, side in zip(box, blocks, strict=True)])
    if lengths.max() > LARGEST_MM:
        longest = int(lengths.argmax())
        raise BrainNotFoundError(
            f"What the volume shows is {decimal(lengths[longest])} mm {NAMES[longest]}, far larger than a head. If it "
            f"shows the body, crop it to the head; if the header's voxel size ({sides} mm) is wrong, correct it and "
            "try again."
        )
    return tuple(
        slice(
            max(0, int((start + side * part.start - MARGIN_MM) / voxel)),
            min(n, int(np.ceil((start + side * part.stop + MARGIN_MM) / voxel))),
        )
        for part, side, voxel, start, n in zip(box, blocks, spacing, first, data.shape, strict=True)
    )
