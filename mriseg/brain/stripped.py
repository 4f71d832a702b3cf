"""Whether a scan came skull-stripped: one value fills its surroundings, or no dark bone lies around the brain."""

import numpy as np
import scipy
import skimage

from mriseg.brain.slice import shrink
from mriseg.image.morphology import large_pieces

# Of the directions from the center outwards, the share that crosses a dark band with something bright beyond it in
# their last quarter. Heads show 0.3 to 1, stripped brains (where a sulcus can look like a skull) 0 to 0.25.
SKULL_SHARE = 0.27
MM3_PER_ML = 1000
SKULL_FROM = 0.75  # of the way to the surface
LARGEST_BRAIN_ML = 2500.0  # averages in standard space reach 2100; whole heads have 3000 and more
SKULL_SIDE = 256  # pixels: in more of them a skull is not seen better
# A stripped scan was multiplied by a mask: at least this share of what is outside the brain is one value.
CONSTANT_SHARE = 0.98
SAME = 0.002  # of the intensity range, to either side: what splines leave around a brain that was resampled
DARK, BRIGHT = 0.35, 0.5  # of the median of the foreground: bone and air are below, scalp and brain above
AIR = 0.03  # of the intensity range above the background: what a mask or a resampling leaves around a brain
FAINT = 0.3  # of Otsu's threshold: scalp and brain are brighter, the noise of the air is not


def is_stripped(data: np.ndarray, spacing: tuple[float, ...]) -> bool:
    """Whether an image shows a brain whose skull and surroundings were already set to one value.

    Parameters
    ----------
    data : ndarray of float32, 2-D or 3-D
        Intensities, air darker than tissue.
    spacing : tuple of float
        Sides of a pixel or voxel in mm.

    Returns
    -------
    bool
    """
    foreground = above_level(data, FAINT * skimage.filters.threshold_otsu(data))
    outside = data[~scipy.ndimage.binary_dilation(foreground, iterations=3)]
    if not outside.size:
        return False
    apart = np.abs(outside - np.median(outside))
    if np.mean(apart <= SAME * (np.percentile(data, 99.5) - data.min())) < CONSTANT_SHARE:
        return False
    if data.ndim == 2:
        return _skull_share(data, foreground, spacing) < SKULL_SHARE
    if foreground.sum() * np.prod(spacing) > LARGEST_BRAIN_ML * MM3_PER_ML:
        return False
    shares = []
    for axis in range(3):
        area = foreground.sum(tuple(a for a in range(3) if a != axis))
        at = (slice(None),) * axis + (int(area.argmax()),)
        in_plane = tuple(s for a, s in enumerate(spacing) if a != axis)
        if min(foreground[at].shape) > 1:
            shares.append(_skull_share(data[at], foreground[at], in_plane))
    return float(np.mean(shares)) < SKULL_SHARE


def stripped_mask(data: np.ndarray) -> np.ndarray:
    """All that a mask left of a stripped scan: what differs from its background, holes filled.

    Parameters
    ----------
    data : ndarray of float32, 2-D or 3-D

    Returns
    -------
    ndarray of bool, same shape
    """
    background = np.median(data[[0, -1]])
    return above_level(data, background + AIR * (np.percentile(data, 99.5) - background))


def above_level(data: np.ndarray, level: float) -> np.ndarray:
    """The large pieces above a level, their holes filled.

    Parameters
    ----------
    data : ndarray of float32, 2-D or 3-D
    level : float
        In the unit of `data`.

    Returns
    -------
    ndarray of bool, same shape
    """
    return scipy.ndimage.binary_fill_holes(large_pieces(data > level))


def _skull_share(data: np.ndarray, foreground: np.ndarray, spacing: tuple[float, ...]) -> float:
    """Share of the directions from the center that cross a dark band with something bright beyond it."""
    image = shrink(np.where(foreground, data - data.min(), 0), spacing)
    body = shrink(foreground.astype(np.float32), spacing) > 0.5
    if not body.any():
        return 0.0
    typical = np.median(image[body])
    center = scipy.ndimage.center_of_mass(body)
    polar = skimage.transform.warp_polar(image, center, radius=max(image.shape), output_shape=(180, max(image.shape)))
    within = skimage.transform.warp_polar(
        body.astype(np.float32), center, radius=max(image.shape), output_shape=polar.shape
    )
    crossed = 0
    for profile, inside in zip(polar, within > 0.5, strict=True):
        edge = int(np.flatnonzero(inside)[-1]) + 1 if inside.any() else 0
        outer = profile[int(SKULL_FROM * edge) : edge]
        beyond = np.maximum.accumulate(outer[::-1])[::-1]
        crossed += bool(((outer < DARK * typical) & (beyond > BRIGHT * typical)).any())
    return crossed / len(polar)
