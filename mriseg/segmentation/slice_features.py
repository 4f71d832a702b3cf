"""What the contrast of a single slice shows in, whatever else lies in the brain: figures without a unit.

A tumor, its edema and a contrast agent change which classes a histogram has, but not the thin dark or bright fluid of
the sulci, what is bright on both sides alike, how the signal runs from the cortex inward, and what surrounds the brain.
All figures are of the slice on a grid on which the brain has one size, from no signal and the brain's own bulk, so they
do not hang on the unit, the window or the size of the picture.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.image.morphology import bounding_box, distance_to_background
from mriseg.segmentation.abnormal_slice import BRAIN_SIDE, SMOOTH, Bulk, bulk_of, one_sided
from mriseg.segmentation.slice_tissues import tissue_levels

PIXEL = (1.0, 1.0)
FINEST = 3  # pixels of the picture along one of the grid; of finer ones every so many-th is enough
MARGIN = 30  # pixels of the grid around it: skull and scalp
SPREAD_LIMIT = 12.0  # spreads of the bulk: farther off says no more
THIN, BROAD = (0.7, 2.5), (1.5, 6.0)  # pixels: sulci and vessels; ventricles and gyri
ZONES = ((0.0, 0.12), (0.12, 0.35), (0.35, 0.65), (0.65, 1.01))  # of the rank of the depth
TAILS = (0.02, 0.1, 0.5, 0.9, 0.98)
FROM_EDGES = ((1.0, 2.5), (2.5, 4.5), (4.5, 8.0), (8.0, 30.0))  # pixels from dark or bright structures and the rim
EDGE = 1.5  # spreads by which thin structures stand out
RINGS = ((0.5, 2.5), (2.5, 6.0), (6.0, 12.0))  # pixels from the brain: fluid and inner bone, bone, scalp
RING_TAILS = (0.1, 0.5, 0.9)
SYMMETRIC_BLUR = 2.0  # pixels: no head is symmetric to a pixel
LIMIT = 3.0  # of a logarithm
LEAST_WEIGHT = 1e-3  # of a mean around a pixel
SHARES = (0.01, 0.05, 0.2, 0.8, 0.95, 0.99)  # of the brain below the levels that are asked
BLACK, MOST_BULK, FEW = 0.03, 4.0, 20  # of the bulk's level; spreads from it that are still bulk; pixels of a mean


@dataclass(frozen=True, eq=False)
class SliceView:
    """A slice on the grid on which the brain has one size.

    Attributes
    ----------
    signal : ndarray of float32, shape (rows, columns)
        From no signal.
    brain : ndarray of bool, same shape
    """

    signal: np.ndarray
    brain: np.ndarray


def view_slice(
    data: np.ndarray, mask: np.ndarray, *, background_level: float, inverted: bool, spacing: tuple[float, ...] = PIXEL
) -> SliceView:
    """Bring a slice to the grid on which the brain has one size.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
    mask : ndarray of bool, same shape
        The brain, not empty.
    background_level : float
        Intensity of no signal.
    inverted : bool
        Whether that is the bright end of the scale.
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.

    Returns
    -------
    SliceView
    """
    extent = max((part.stop - part.start) * side for part, side in zip(bounding_box(mask), spacing, strict=True))
    factors = [BRAIN_SIDE * side / extent for side in spacing]
    box = bounding_box(mask, margin=round(MARGIN / min(factors)))
    thinned = [max(1, int(1 / factor / FINEST)) for factor in factors]
    box = tuple(slice(along.start, along.stop, step) for along, step in zip(box, thinned, strict=True))
    factors = [factor * step for factor, step in zip(factors, thinned, strict=True)]
    part, brain = data[box], mask[box]
    signal = np.maximum((background_level - part) if inverted else (part - background_level), 0).astype(np.float32)
    signal = scipy.ndimage.gaussian_filter(signal, [max(0.0, 0.5 * (1 / factor - 1)) for factor in factors])
    shape = [max(8, round(n * factor)) for n, factor in zip(signal.shape, factors, strict=True)]
    by = [m / n for m, n in zip(shape, signal.shape, strict=True)]
    signal, inside = (
        scipy.ndimage.zoom(values, by, order=1, mode="nearest", grid_mode=True)
        for values in (signal, brain.astype(np.float32))
    )
    return SliceView(signal, inside > 0.5)


def features(view: SliceView) -> dict[str, float]:
    """The figures.

    Parameters
    ----------
    view : SliceView

    Returns
    -------
    dict of str to float
        By name, in the order of `mriseg.segmentation.slice_contrast_tables.COEFFICIENTS`.
    """
    signal, brain = view.signal, view.brain
    depth = distance_to_background(brain, PIXEL, at_border="edge").astype(np.float32)
    bulk = bulk_of(signal, brain, depth)
    z = np.clip((signal - bulk.level) / bulk.spread, -SPREAD_LIMIT, SPREAD_LIMIT).astype(np.float32)
    rank = _ranks(depth, brain)
    figures: dict[str, float] = {"spread": _log(bulk.spread / bulk.level)}
    _symmetric(figures, z, brain, rank)
    brain = brain & ~one_sided(_blur(z, brain.astype(np.float32), SMOOTH), brain)
    rank[~brain] = -1
    ordered = np.sort(signal[brain])
    for share in SHARES:
        value = ordered[int(share * (len(ordered) - 1))]
        figures[f"level {share}"] = _log(value / bulk.level)
        figures[f"z {share}"] = _squash((value - bulk.level) / bulk.spread)
    _local(figures, z, brain, rank)
    _profile(figures, z, brain, rank)
    _levels(figures, signal / bulk.level, brain, rank)
    _around_edges(figures, z, brain, depth)
    _by_average_brain(figures, z, view.brain, _ranks(depth, view.brain), usual=brain)
    _outside(figures, signal, view.brain, bulk)
    return figures


def _log(ratio: float) -> float:
    return float(np.clip(np.log(max(ratio, 1e-3)), -LIMIT, LIMIT))


def _squash(value: float) -> float:
    """Large deviations on a logarithmic scale."""
    return float(np.arcsinh(value))


def _ranks(depth: np.ndarray, brain: np.ndarray) -> np.ndarray:
    """0 at the rim of the brain, 1 at its deepest point; -1 outside."""
    rank = np.full(brain.shape, -1.0, np.float32)
    inside = depth[brain]
    order = np.empty(len(inside), np.float32)
    order[np.argsort(inside, kind="stable")] = (np.arange(len(inside)) + 0.5) / len(inside)
    rank[brain] = order
    return rank


def _blur(values: np.ndarray, weight: np.ndarray, width: float) -> np.ndarray:
    """Mean over the brain around each pixel."""
    sums, share = (scipy.ndimage.gaussian_filter(part, width, truncate=3) for part in (values * weight, weight))
    mean: np.ndarray = sums / np.maximum(share, LEAST_WEIGHT)
    return mean


def _quantiles(values: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Of no values they are 0."""
    found: np.ndarray = np.quantile(values, shares) if len(values) else np.zeros(len(shares))
    return found


def _local(figures: dict[str, float], z: np.ndarray, brain: np.ndarray, rank: np.ndarray) -> None:
    """Whether thin and broad structures are dark or bright, near the rim and deep."""
    weight = brain.astype(np.float32)
    for scale, (fine, coarse) in (("thin", THIN), ("broad", BROAD)):
        band = _blur(z, weight, fine) - _blur(z, weight, coarse)
        for number, (low, high) in enumerate(ZONES):
            dark, darkish, _, brightish, bright = _quantiles(band[(rank >= low) & (rank < high)], TAILS)
            figures[f"{scale} {number} dark"] = _squash(dark)
            figures[f"{scale} {number} bright"] = _squash(bright)
            figures[f"{scale} {number} skew"] = float((bright + dark) / (bright - dark + 0.1))
            figures[f"{scale} {number} inner skew"] = float((brightish + darkish) / (brightish - darkish + 0.1))


def _profile(figures: dict[str, float], z: np.ndarray, brain: np.ndarray, rank: np.ndarray) -> None:
    """How the signal runs from the rim inward."""
    for number, (low, high) in enumerate(ZONES):
        dark, darkish, middle, brightish, bright = _quantiles(z[(rank >= low) & (rank < high)], TAILS)
        for name, value in (("p02", dark), ("p10", darkish), ("p50", middle), ("p90", brightish), ("p98", bright)):
            figures[f"zone {number} {name}"] = _squash(value)


def _levels(figures: dict[str, float], ratio: np.ndarray, brain: np.ndarray, rank: np.ndarray) -> None:
    """How dark the darkest and how bright the brightest is in each zone, from no signal, single pixels left out."""
    smooth = _blur(ratio, brain.astype(np.float32), THIN[0])
    for number, (low, high) in enumerate(ZONES):
        dark, darkish, _, brightish, bright = _quantiles(smooth[(rank >= low) & (rank < high)], TAILS)
        for name, value in (("p02", dark), ("p10", darkish), ("p90", brightish), ("p98", bright)):
            figures[f"ratio {number} {name}"] = _log(value + 0.02)


def _symmetric(figures: dict[str, float], z: np.ndarray, brain: np.ndarray, rank: np.ndarray) -> None:
    """What is bright or dark on both sides alike, and by how much they differ."""
    smooth = _blur(z, brain.astype(np.float32), SYMMETRIC_BLUR)
    column = np.flatnonzero(brain.any(0))
    center = (column[0] + column[-1]) / 2
    mirrored = np.clip(np.rint(2 * center - np.arange(brain.shape[1])).astype(int), 0, brain.shape[1] - 1)
    both = brain & brain[:, mirrored]
    other = smooth[:, mirrored]
    lower, upper, apart = (f(smooth, other)[both] for f in (np.minimum, np.maximum, lambda a, b: np.abs(a - b)))
    for name, values, shares in (
        ("both bright", lower, (0.5, 0.9, 0.97)),
        ("both dark", upper, (0.5, 0.1, 0.03)),
        ("differ", apart, (0.5, 0.9, 0.98)),
    ):
        for share, value in zip(shares, _quantiles(values, shares), strict=True):
            figures[f"{name} {share}"] = _squash(value)
    inner = rank[both] > ZONES[2][0]
    figures["deep both bright"] = _squash(_quantiles(lower[inner], (0.95,))[0])
    figures["deep both dark"] = _squash(_quantiles(upper[inner], (0.05,))[0])


def _around_edges(figures: dict[str, float], z: np.ndarray, brain: np.ndarray, depth: np.ndarray) -> None:
    """How the bulk's signal changes with the distance to thin dark and bright structures and to the rim."""
    weight = brain.astype(np.float32)
    smooth = _blur(z, weight, THIN[0])
    band = smooth - _blur(z, weight, THIN[1])
    of_bulk = brain & (np.abs(smooth) < MOST_BULK)
    for name, edge in (("dark", band < -EDGE), ("bright", band > EDGE), ("rim", np.zeros_like(brain))):
        away = scipy.ndimage.distance_transform_edt(brain & ~edge)
        levels = []
        for low, high in FROM_EDGES:
            at = of_bulk & (away >= low) & (away < high)
            levels.append(float(smooth[at].mean()) if at.sum() > FEW else np.nan)
        for number in range(len(FROM_EDGES) - 1):
            step = levels[number + 1] - levels[number]
            figures[f"from {name} {number}"] = float(np.clip(step, -3, 3)) if np.isfinite(step) else 0.0
        figures[f"share {name}"] = float(edge.sum() / brain.sum())


def _by_average_brain(
    figures: dict[str, float], z: np.ndarray, brain: np.ndarray, rank: np.ndarray, *, usual: np.ndarray
) -> None:
    """Which of the tissues is brighter, where the average brain expects them."""
    levels = tissue_levels(z, brain, rank, usual=usual)
    for name in ("ventricles", "sulci", "deep_gray", "cortex"):
        figures[f"{name} - white"] = getattr(levels, name) - levels.white
    figures["white"] = levels.white
    figures["median fluid - white"] = levels.fluid_median - levels.white_median
    figures["median gray - white"] = levels.gray_median - levels.white_median
    figures["median fluid - gray"] = levels.fluid_median - levels.gray_median
    figures["explained"] = levels.explained


def _outside(figures: dict[str, float], signal: np.ndarray, brain: np.ndarray, bulk: Bulk) -> None:
    """How bright what surrounds the brain is: fluid and inner bone, bone, scalp."""
    away = scipy.ndimage.distance_transform_edt(~brain)
    in_ring = (away > 0) & (away <= RINGS[-1][1])
    bare = float(np.mean(signal[in_ring] < BLACK * bulk.level)) if in_ring.any() else 1.0
    figures["bare"] = bare
    for number, (low, high) in enumerate(RINGS):
        values = signal[(away > low) & (away <= high)] / bulk.level
        for share, value in zip(RING_TAILS, _quantiles(values, RING_TAILS), strict=True):
            figures[f"ring {number} {share}"] = (1 - bare) * _log(float(value) + 0.05)
