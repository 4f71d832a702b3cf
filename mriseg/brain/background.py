"""What the background of a scan is: one value that fills it, padding around the field of view, or air.

Everything after it counts intensities from no signal, for a coil's shading multiplies signals. So where the background
lies in the middle of the intensities, as after a z-score of the brain alone, or below zero with all that is dark, they
are first moved above it. Single broken voxels, a thousand times as bright as all others, are cut off on the way.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from mriseg.core.decimals import decimal
from mriseg.image.morphology import bounding_box, large_pieces
from mriseg.image.panels import find_scan

# One exact value that this share of the outer faces and of the whole image holds was set by a mask or by padding:
# values of air and tissue each repeat in less than a hundredth.
FILLED = 0.2
PADDED = 0.9  # of the box around what is not filled: a field of view is a box, a head or brain fills half of one
# Of the range of intensities: what resampling leaves below a background of 0 reaches 0.03, a z-score of the brain 0.3
# and more.
BELOW = 0.05
LEAST_RANGE = 1e-4  # of the largest value: less is rounding, not anatomy
RANGE_PERCENTILES = (1.0, 99.0)  # of what is not background, between which its intensities range
DARKEST_PERCENTILE = 2.0  # of the outer faces: air, unless tissue fills all of them
# Broken are voxels that lie beyond these percentiles by more than so many times their distance from the median:
# vessels and fat reach 4 times.
EXTREME_PERCENTILES, BROKEN = (0.1, 99.9), 10.0
# Intensities that range over less or more than this lose digits in float32, and are multiplied by a power of two to
# range over about a thousand.
LEAST_EXTENT, MOST_EXTENT, USUAL_EXTENT = 1e-5, 1e9, 1024.0
SAMPLES = 1_000_000  # voxels that percentiles are taken of
# Where the background lies among the tissues, nothing says which intensity would be no signal. The darkest tissue gives
# a tenth to a half of the brightest one's signal, so it is put this share of the range below the darkest voxels.
DARKEST_SIGNAL = 0.15
# Where a brain on such a background was moved, resampled or smoothed, its rim is a blend of both, and splines ripple
# beyond it. Ripples are weaker than this share of the range. The mean distance from the background is, in the outermost
# layer, 0.01 to 0.8 of that in the next one where they are blended, 1.2 to 1.8 where a mask cut them apart.
RIPPLE, BLENDED, MOST_BLENDED_LAYERS = 0.02, 0.9, 2

# What surrounds the brain: up to so much of its extent away, near enough to leave out a frame around the picture. Its
# darkest voxels are black, less a few that may be broken.
MARGIN_SHARE = 0.25
BACKGROUND_PERCENTILE = 5.0
# Of the air's interquartile range: to the range of the brain's intensities, 0.7 and more in a ratio of images, below
# 0.05 where air is only bright; and the typical step between neighbors to it, 0.4 and more in noise, 0.1 in anatomy.
NOISE_SPREAD, NOISE_STEP = 0.3, 0.2


@dataclass(frozen=True)
class Background:
    """What the background of a scan is, in the unit of its intensities.

    Attributes
    ----------
    filled : float or None
        The one value that fills it; None where it is air.
    to_zero : bool
        Whether that value stands for no signal only by name: it lies among the intensities of the rest or far from
        them, as 0 after a z-score and a mark such as -9999 do.
    zero : float
        No signal, from which intensities are to be counted; 0 where they already are.
    limits : tuple of float
        What lies beyond these is broken.
    scale : float
        By what the counted intensities are multiplied.
    """

    filled: float | None = None
    to_zero: bool = False
    zero: float = 0.0
    limits: tuple[float, float] = (-np.inf, np.inf)
    scale: float = 1.0

    @property
    def filling(self) -> float | None:
        """The value that fills it, counted from no signal; None where it is air."""
        if self.filled is None:
            return None
        return 0.0 if self.to_zero else (self.filled - self.zero) * self.scale

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the intensities, in sentences."""
        notes = []
        if self.zero:
            notes.append(
                f"The intensity of the background is not the lowest or not 0; {decimal(self.zero, 4)} was taken as no "
                "signal."
            )
        if np.isfinite(self.limits).any():
            notes.append(
                "Single voxels are many times as bright or dark as all others; their intensities were clipped."
            )
        if self.scale != 1:
            notes.append(f"The intensities are very small or large numbers; they were multiplied by {self.scale:.3g}.")
        return tuple(notes)


def find_background(data: np.ndarray) -> Background:
    """Find out what the background of an image is, and from where its intensities count.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities, finite.

    Returns
    -------
    Background

    Examples
    --------
    A brain whose own intensities were z-scored, in a background of 0:

    >>> scan = np.zeros((20, 20, 20), np.float32)
    >>> brain = np.linalg.norm(np.indices(scan.shape) - 9.5, axis=0) < 7
    >>> scan[brain] = np.linspace(-3, 3, brain.sum())
    >>> background = find_background(scan)
    >>> background.filled, background.zero < -3
    (0.0, True)
    """
    if not np.ptp(data) > LEAST_RANGE * np.abs(data).max():
        return Background()
    sample = _thinned(data)
    filled = _filling(data, sample)
    if filled is None:
        return _of_air(data)
    inside = sample != np.float32(filled)
    if data.ndim == 2 and find_scan(data).framed:  # the page of a figure is no background
        return _of_range(data, sample)
    low, high = np.percentile(sample[inside], RANGE_PERCENTILES)
    stands_out = np.abs(sample - np.float32(filled)) > RIPPLE * (high - low)
    is_among = low + BELOW * (high - low) < filled < high
    apart = stands_out if is_among and stands_out.any() else inside
    if apart[bounding_box(apart)].mean() > PADDED:  # a field of view in padding
        return _of_padded(data, filled)
    low, high = np.percentile(sample[apart], RANGE_PERCENTILES)
    extent, background = high - low, replace(_of_range(data, sample[apart]), filled=filled)
    if low - extent <= filled <= low + BELOW * extent:
        return replace(background, zero=filled if abs(filled) > BELOW * (high - filled) else 0.0)
    brightest = min(float(data.max()), background.limits[1])
    if brightest - BELOW * extent <= filled <= high + extent:  # the negative of a scan
        return background
    zero = 0.0 if low >= -BELOW * extent else float(low - DARKEST_SIGNAL * extent)
    return replace(background, to_zero=filled != zero, zero=zero)


def above_background(data: np.ndarray, background: Background) -> np.ndarray:
    """Intensities counted from no signal, a filled background at 0 unless it is bright, broken voxels cut off.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns) or (i, j, k)
        Intensities that `find_background` has seen.
    background : Background

    Returns
    -------
    ndarray of float32, same shape
        The array itself where nothing was to be done.
    """
    if not background.to_zero:
        return counted(data, background)
    return np.where(_content(data, np.float32(background.filled)), counted(data, background), np.float32(0))


def counted(data: np.ndarray, background: Background) -> np.ndarray:
    """Intensities counted from no signal, without broken voxels; the background is not looked for.

    Parameters
    ----------
    data : ndarray of float32
        Intensities in the unit of the scan.
    background : Background

    Returns
    -------
    ndarray of float32, same shape
        The array itself where nothing was to be done.
    """
    if np.isfinite(background.limits).any():
        data = np.clip(data, *background.limits)
    if background.zero:
        data = data - np.float32(background.zero)
    if background.scale != 1:
        data = (data * np.float64(background.scale)).astype(np.float32)
    # What is darker than all tissue still is none of the background, which is at 0.
    return np.maximum(data, np.finfo(np.float32).tiny) if background.to_zero else data


def _content(data: np.ndarray, filled: np.float32) -> np.ndarray:
    """What lies on a background of one value among the intensities, without the layers that are a blend of both."""
    content = np.asarray(scipy.ndimage.binary_fill_holes(data != filled))
    inner = _peeled(data, content, filled)
    if inner is None:
        return content
    low, high = np.percentile(_thinned(data), RANGE_PERCENTILES)
    content = scipy.ndimage.binary_fill_holes(large_pieces(np.abs(data - filled) > RIPPLE * (high - low)))
    for _ in range(MOST_BLENDED_LAYERS):
        inner = _peeled(data, content, filled)
        if inner is None:
            break
        content = inner
    return content


def _peeled(data: np.ndarray, content: np.ndarray, filled: np.float32) -> np.ndarray | None:
    """What is left without its outermost layer; None where that is no blend with the background, or all there is."""
    inner = scipy.ndimage.binary_erosion(content)
    outer, following = content & ~inner, inner & ~scipy.ndimage.binary_erosion(inner)
    if not following.any():
        return None
    outermost, beneath = (float(np.abs(data[layer] - filled).mean()) for layer in (outer, following))
    return inner if outermost < BLENDED * beneath else None


def _of_padded(data: np.ndarray, filled: float) -> Background:
    """Of a field of view in padding, which may have any value."""
    within = data[bounding_box(data != np.float32(filled))]
    of_air = _of_air(within)
    low, high = np.percentile(_thinned(within), RANGE_PERCENTILES)
    stands_out = not low - (high - low) <= filled <= of_air.zero + BELOW * (high - low)
    return replace(of_air, filled=filled, to_zero=stands_out)


def _of_air(data: np.ndarray) -> Background:
    """Of an image that goes on as air to its faces."""
    sample = _thinned(data)
    darkest, high = np.percentile(sample, [DARKEST_PERCENTILE, RANGE_PERCENTILES[1]])
    low = float(min(darkest, np.percentile(_faces(data), DARKEST_PERCENTILE)))
    zero = low if low < -BELOW * (high - low) else 0.0
    return replace(_of_range(data, sample), zero=zero)


def _of_range(data: np.ndarray, values: np.ndarray) -> Background:
    """What follows from the range of the intensities alone: which are broken, and how they are to be scaled."""
    low, high = (float(level) for level in np.percentile(values, EXTREME_PERCENTILES))
    extent = high - low
    if not extent > 0:
        return Background()
    lowest, highest = low - BROKEN * extent, high + BROKEN * extent
    limits = (lowest if data.min() < lowest else -np.inf, highest if data.max() > highest else np.inf)
    is_usual = LEAST_EXTENT <= extent <= MOST_EXTENT
    return Background(limits=limits, scale=1.0 if is_usual else 2.0 ** round(np.log2(USUAL_EXTENT / extent)))


def _filling(data: np.ndarray, sample: np.ndarray) -> float | None:
    """The one value that fills the faces and much of the image; None where there is none, or nothing else."""
    levels, counts = np.unique(_faces(data), return_counts=True)
    filled = levels[counts.argmax()]
    share = np.mean(sample == filled)
    return float(filled) if counts.max() > FILLED * counts.sum() and FILLED < share < 1 else None


def _faces(data: np.ndarray) -> np.ndarray:
    """Intensities of the outermost voxels along each axis that has more than one."""
    axes = [axis for axis, length in enumerate(data.shape) if length > 1]
    return np.concatenate([np.moveaxis(data, axis, 0)[index].ravel() for axis in axes for index in (0, -1)])


def _thinned(data: np.ndarray) -> np.ndarray:
    """Every so many-th voxel along each axis."""
    step = max(1, round((data.size / SAMPLES) ** (1 / data.ndim)))
    return data[tuple(slice(None, None, min(step, n)) for n in data.shape)]


def background_level(data: np.ndarray, mask: np.ndarray) -> float:
    """Intensity of no signal: of the air, the bone or the filling around a brain; 0 where nothing is around it.

    Parameters
    ----------
    data : ndarray, shape (i, j) or (i, j, k)
        Intensities.
    mask : ndarray of bool, same shape
        The brain; at least one voxel.

    Returns
    -------
    float
        In the unit of `data`.
    """
    around = _around(data, mask)
    if around is None:
        return 0.0
    margin, brain = around.values[~around.inside], around.values[around.inside]
    is_bright = np.median(margin) > np.median(brain) and not _is_noise(data, around)
    return float(np.percentile(margin, 100 - BACKGROUND_PERCENTILE if is_bright else BACKGROUND_PERCENTILE))


def is_noise_over_range(data: np.ndarray, mask: np.ndarray) -> bool:
    """Whether what surrounds a brain is noise over the whole range of its intensities, as air is in a ratio of images.

    The noise of a single image never reaches so far: of Rayleigh's distribution the spread is a fifth at most.

    Parameters
    ----------
    data : ndarray, shape (i, j) or (i, j, k)
        Intensities.
    mask : ndarray of bool, same shape
        The brain; at least one voxel.

    Returns
    -------
    bool

    References
    ----------
    Marques et al.: MP2RAGE, a self bias-field corrected sequence for improved segmentation and T1-mapping at high
    field. NeuroImage 49, 2010.
    """
    around = _around(data, mask)
    return around is not None and _is_noise(data, around)


@dataclass(frozen=True, eq=False)
class _Around:
    """A sample of a brain and its surroundings, of both at least one voxel.

    Attributes
    ----------
    chosen : list of ndarray
        Evenly chosen voxels along each axis.
    values : ndarray
        Intensities there.
    inside : ndarray of bool, same shape
        Which of them are brain.
    """

    chosen: list[np.ndarray]
    values: np.ndarray
    inside: np.ndarray


def _around(data: np.ndarray, mask: np.ndarray) -> _Around | None:
    """The sample; None where nothing is around the brain."""
    near = bounding_box(mask, margin=int(MARGIN_SHARE * max(part.stop - part.start for part in bounding_box(mask))))
    chosen = [np.arange(part.start, part.stop, 1 + (part.stop - part.start) // 64) for part in near]
    values, inside = data[np.ix_(*chosen)], mask[np.ix_(*chosen)]
    return None if inside.all() or not inside.any() else _Around(chosen, values, inside)


def _is_noise(data: np.ndarray, around: _Around) -> bool:
    """Whether the surroundings are noise over the range of the brain's intensities."""
    low, high = np.percentile(around.values[around.inside], RANGE_PERCENTILES)
    quarter, three_quarters = np.percentile(around.values[~around.inside], [25, 75])
    steps = []
    for axis, along in enumerate(around.chosen):
        beside = np.where(along + 1 < data.shape[axis], along + 1, along - 1)
        next_to = data[np.ix_(*(beside if a == axis else c for a, c in enumerate(around.chosen)))]
        steps.append(np.median(np.abs(next_to - around.values)[~around.inside]))
    spread = three_quarters - quarter
    return bool(spread > NOISE_SPREAD * (high - low) and np.mean(steps) > NOISE_STEP * spread)
