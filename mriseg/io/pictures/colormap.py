"""What the colors of a picture stand for, and whether its brightness tells as much as the gray picture would.

MR images are gray. One in color was drawn with a color map, covered with marks or labels, tinted by a camera or
paper, or is no MR image at all. Where color follows from brightness, as with sepia, copper, hot or viridis, the
brightness orders the tissues as the gray picture did. A map such as jet or a rainbow rises and falls in brightness: two
values far apart look equally bright, and only their color tells them apart.

So the question is put to the picture without knowing any map: among the pixels of one brightness, are there
several colors?
"""

import numpy as np

from mriseg.core.errors import ColorError
from mriseg.image.panels import find_scan

# All measures are of channels from 0 to 1; chroma is the difference between the largest and the smallest channel.
# Measured on 17 maps over six slices, lossless and as JPEG of quality 90 to 10, and on one-colored overlays of
# 30 to 100 % opacity over a quarter or more of the brain.
LIT = 0.2  # the brightest channel of what is not air: in the dark colors are noise
COLORED = 0.1  # chroma: film, cameras and JPEG tint gray by less
MARKS_SHARE = 2e-4  # of the picture: a letter of ten by seven pixels in a slice of 256 x 256
COLORED_SHARE = 0.25  # of what is lit around the middle: marks and outlined or tinted lesions cover less
MIDDLE = 0.2  # left out on each side of the scan: the writing, bars and buttons of viewers are there
# Where labels lie over a scan, both gray and strong colors are frequent. The lesser of their shares is up to 0.05
# where color follows from brightness, 0.09 and more with overlays.
GRAY, STRONG, OVERLAID_SHARE = 0.05, 0.25, 0.08
# Share of pixels whose color is not that of most pixels of their brightness: at the worst level, and the mean over
# levels. Maps that grow brighter with the value have up to 0.13 and 0.045, by noise of JPEG of quality 30 (quality 10
# gives up to 0.26 and 0.07), others 0.5 and 0.2 as a rule. Where they have less, the slice keeps to one branch of the
# map, as a dim one does in jet, and its brightness is in order.
WORST_SHARE, MEAN_SHARE = 0.2, 0.055
LEVELS, LEAST_FILLED = 32, 0.002  # levels of brightness; less than this share of the pixels tells nothing of a level
# Difference of red and of blue from the brightness that is another color. Blue adds so little to brightness that it
# may run through half its range within one level.
OTHER_RED, OTHER_BLUE = 0.2, 0.4
# Two images lie in red and green where neither follows the other (rank correlation below the first limit) and red does
# not follow from brightness (standard deviation about its mean in pixels as bright, above the second). Of contrasts of
# a brain -0.3 to 0.6 and 0.06 to 0.2; where color follows from brightness 0.63 and more or 0.05 and less, as JPEG.
RANKS, RED_SPREAD = 0.6, 0.055
LEAST_RANGE = 0.15  # from the 5th to the 95th percentile: a channel of less holds no image

MARKS = "Parts of the picture are in color (writing, marks or labels). They were read by their brightness."
TINTED = "The picture is drawn in colors that grow brighter with the value. Their brightness was taken as its gray."
OVERLAID = (
    "Colors cover a large part of the scan in this picture (labels, a map laid over it, other contrasts in other "
    "colors, or a photograph). Export one image in gray, without them."
)
UNORDERED = (
    "The colors of this picture stand for values that their brightness does not order, as in a rainbow map or where "
    "several contrasts are packed into red, green and blue. Export one image in gray."
)
PACKED = (
    "Red and green of this picture hold two different images, as where several contrasts are packed into one picture. "
    "Their mean shows none of them. Save one channel as a gray picture."
)


def judge(colors: np.ndarray, brightness: np.ndarray) -> tuple[str, ...]:
    """Tell what the colors of a picture mean for its gray levels.

    Parameters
    ----------
    colors : ndarray of float32, shape (rows, columns, 3)
        Red, green and blue from 0 to 1, of the picture or of every so-many-th pixel of it. Floating point pictures may
        have another white, the brightest is taken for it.
    brightness : ndarray of float32, shape (rows, columns)
        Luminance of the same pixels.

    Returns
    -------
    tuple of str
        A note where colors were taken for gray that are not gray.

    Raises
    ------
    ColorError
        If brightness does not tell what the colors stand for.
    """
    white = max(float(colors.max()), 1.0)
    chroma = np.ptp(colors, axis=2) / white
    is_colored = chroma > COLORED
    if not is_colored.mean() >= MARKS_SHARE:
        return ()
    scan = find_scan(brightness).box
    middle = _middle(scan)
    is_lit = colors[middle].max(2) > LIT * white
    seen = chroma[middle][is_lit]
    if not seen.size or np.mean(seen > COLORED) < COLORED_SHARE:
        return (MARKS,)
    if min(np.mean(seen < GRAY), np.mean(seen > STRONG)) > OVERLAID_SHARE:
        raise ColorError(OVERLAID)
    is_lit = colors[scan].max(2) > LIT * white
    shares = _other_colors(colors[scan][is_lit] / white, brightness[scan][is_lit] / white)
    if shares.max() > WORST_SHARE or shares.mean() > MEAN_SHARE:
        raise ColorError(UNORDERED)
    if _are_two_images(colors[scan][is_lit] / white, brightness[scan][is_lit] / white):
        raise ColorError(PACKED)
    return (TINTED,)


def _middle(box: tuple[slice, slice]) -> tuple[slice, slice]:
    margins = [int(MIDDLE * (part.stop - part.start)) for part in box]
    rows, columns = (slice(p.start + m, p.stop - m) for p, m in zip(box, margins, strict=True))
    return rows, columns


def _other_colors(colors: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """For each level of brightness, the share of its pixels that have another color than most of them."""
    level = np.minimum((brightness * LEVELS).astype(np.intp), LEVELS - 1)
    difference = colors[:, [0, 2]] - brightness[:, None]
    shares = []
    for number in np.flatnonzero(np.bincount(level) >= LEAST_FILLED * len(level)):
        here = difference[level == number]
        is_other = np.abs(here - np.median(here, 0)) > (OTHER_RED, OTHER_BLUE)
        shares.append(is_other.any(1).mean())
    return np.array(shares)


def _are_two_images(colors: np.ndarray, brightness: np.ndarray) -> bool:
    """Whether red and green do not rise and fall together, nor follow from their brightness."""
    red, green = colors[:, 0], colors[:, 1]
    if min(np.subtract(*np.percentile(channel, [95, 5])) for channel in (red, green)) < LEAST_RANGE:
        return False
    if abs(np.corrcoef(_ranks(red), _ranks(green))[0, 1]) > RANKS:
        return False
    level = np.minimum((brightness * 2 * LEVELS).astype(np.intp), 2 * LEVELS - 1)
    other = red - brightness
    mean = np.bincount(level, other) / np.maximum(np.bincount(level), 1)
    return bool(np.std(other - mean[level]) > RED_SPREAD)


def _ranks(values: np.ndarray) -> np.ndarray:
    """How many values are smaller than each, and half of its equals."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - counts / 2)[number]
    return ranks
