"""How likely each intensity at each depth belongs to the brain rather than to the skull and scalp around it.

The atlas says how deep each voxel probably lies, but not how much fluid this person has between cortex and skull. So
the share of brain at each depth is estimated from the scan: the histogram of each layer is taken apart into tissue
and fluid, whose histograms come from deep in the brain, and bone and the rest, whose histograms come from outside.
Like a mixture of Gaussians, but with measured histograms for components and with shares that depend on depth. It runs
on counts, so its cost does not grow with the scan.

References
----------
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (intensities weighed against tissue maps).
Hofmann: Unsupervised learning by probabilistic latent semantic analysis. Machine Learning 42, 2001 (mixtures of
histograms with shares for each layer).
"""

import numpy as np
import scipy

LEVELS = 48
LAYERS_MM = np.arange(-14.0, 13.0)  # borders of the layers, from outside to inside
FLUID_FROM, TISSUE_FROM = 12.0, 6.0  # mm: as deep, fluid is that of the ventricles, tissue holds no bone
OUTSIDE_TO = -4.0  # mm: farther out there is little brain
USUAL_WEIGHT = 1.0  # of a voxel, for each voxel of a layer: what is usual against what the scan says
USUAL_FLUID, FLUID_WEIGHT = 0.5, 0.2  # share of fluid in the brain of a layer, and its weight
USUAL_BONE, BONE_WEIGHT = 0.5, 0.02
BONE_POWER, REST_POWER = 6, 2  # bone is the darkest sixth of what is outside, in any contrast; the rest is brighter
ROUNDS = 12  # the histogram of fluid is to be adapted, not replaced
FLUID_PACE = 0.5  # of the adaptation, each round
BONE_PACE, DARKER_POWER = 0.2, 2  # the same for bone, which stays darker than fluid and tissue
RARE_FLUID = 0.2  # of the commonest level in the ventricles: rarer ones stay rare in fluid, or it would turn to bone
PURE_PERCENT = 20  # of the tissue lies at levels that are as rare in the ventricles as among tissue, or rarer
BLUR_LEVELS = 0.7
LARGEST_RATIO = 4.0  # nats: one voxel's intensity says no more than this
LEAST_SHARE, LEAST_FREQUENCY = 0.002, 1e-4


def log_odds(level: np.ndarray, depth: np.ndarray, fluid: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Evidence that a voxel belongs to the brain, by its level and its layer, and how usual the brain is so deep.

    Parameters
    ----------
    level : ndarray of int
        Intensities as levels 0 to `LEVELS` - 1.
    depth : ndarray of float32, same shape
        Likely distance to the inner skull, mm, negative outside.
    fluid : ndarray of bool, same shape
        Where the atlas has fluid.
    spread : float
        How far, mm, the inner skull usually lies from where the atlas puts it.

    Returns
    -------
    by_intensity : ndarray of float32
        Log of the density of the level in the brain over that outside, at the voxel's layer, at most
        `LARGEST_RATIO` either way.
    by_depth : ndarray of float32
        Log of the share of brain at the voxel's depth over that of the rest.
    """
    tissue_histogram = _frequencies(np.bincount(level[~fluid & (depth > TISSUE_FROM)], minlength=LEVELS))
    ventricles = _frequencies(np.bincount(level[fluid & (depth > FLUID_FROM)], minlength=LEVELS))
    fluid_histogram = _without(tissue_histogram, ventricles)
    layer = np.clip(np.floor(depth - LAYERS_MM[0]), 0, len(LAYERS_MM) - 2).astype(np.intp)
    near = (depth > LAYERS_MM[0]) & (depth < LAYERS_MM[-1])
    counts = np.bincount(layer[near] * LEVELS + level[near], minlength=(len(LAYERS_MM) - 1) * LEVELS)
    middle_mm = (LAYERS_MM[:-1] + LAYERS_MM[1:]) / 2
    expected_share = scipy.special.expit(middle_mm / spread)
    in_brain, outside, share = _fit(
        counts.reshape(-1, LEVELS).astype(float), expected_share, tissue_histogram, fluid_histogram
    )
    ratio = np.clip(np.log(in_brain / outside), -LARGEST_RATIO, LARGEST_RATIO).astype(np.float32)
    share = np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE)
    by_depth = np.interp(depth, middle_mm, np.log(share / (1 - share)))
    return ratio[layer, level], by_depth.astype(np.float32)


def _fit(
    counts: np.ndarray, expected_share: np.ndarray, tissue_histogram: np.ndarray, fluid_histogram: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Densities inside and outside in each layer, and the share of brain in it, by expectation-maximization."""
    beyond = counts[LAYERS_MM[1:] <= OUTSIDE_TO].sum(0) + 1
    up_to = np.cumsum(beyond) / beyond.sum()
    bone_histogram, rest_histogram = (
        _frequencies(beyond * (1 - up_to) ** BONE_POWER),
        _frequencies(beyond * up_to**REST_POWER),
    )
    total = counts.sum(1)
    share = expected_share
    fluid_share, bone_share = np.full((2, len(expected_share)), [[USUAL_FLUID], [USUAL_BONE]])
    likely_fluid = fluid_histogram / (fluid_histogram + RARE_FLUID * fluid_histogram.max())
    darker = ((1 - np.cumsum(fluid_histogram)) * (1 - np.cumsum(tissue_histogram))) ** DARKER_POWER
    for _ in range(ROUNDS):
        inside = np.outer(1 - fluid_share, tissue_histogram) + np.outer(fluid_share, fluid_histogram)
        outside = np.outer(1 - bone_share, rest_histogram) + np.outer(bone_share, bone_histogram)
        both = share[:, None] * inside + (1 - share)[:, None] * outside
        brain = share[:, None] * inside / both * counts
        skull = counts - brain
        fluid = brain * np.outer(fluid_share, fluid_histogram) / inside
        bone = skull * np.outer(bone_share, bone_histogram) / outside
        share = np.maximum.accumulate(_share(brain, counts, expected=expected_share, weight=USUAL_WEIGHT * total))
        fluid_share = _share(fluid, brain, expected=USUAL_FLUID, weight=FLUID_WEIGHT * total)
        bone_share = _share(bone, skull, expected=USUAL_BONE, weight=BONE_WEIGHT * total)
        rest_histogram = _frequencies((skull - bone).sum(0))
        bone_histogram = (1 - BONE_PACE) * bone_histogram + BONE_PACE * _frequencies(bone.sum(0) * darker)
        fluid_histogram = (1 - FLUID_PACE) * fluid_histogram + FLUID_PACE * _frequencies(fluid.sum(0) * likely_fluid)
    return inside, outside, share


def _without(tissue_histogram: np.ndarray, ventricles: np.ndarray) -> np.ndarray:
    """Frequencies of pure fluid: what the atlas takes for ventricles holds some tissue, which is taken away."""
    ratio = ventricles / tissue_histogram
    order = np.argsort(ratio)
    up_to = np.cumsum(tissue_histogram[order]) / tissue_histogram.sum()
    contamination = ratio[order][np.searchsorted(up_to, PURE_PERCENT / 100)]
    pure = np.maximum(ventricles - contamination * tissue_histogram, LEAST_FREQUENCY)
    return pure / pure.sum()


def _share(part: np.ndarray, whole: np.ndarray, *, expected: np.ndarray | float, weight: np.ndarray) -> np.ndarray:
    """Share of a part in each layer, drawn to what is usual by as many voxels as the weight says."""
    return (part.sum(1) + weight * expected + 1e-9) / (whole.sum(1) + weight + 2e-9)


def _frequencies(counts: np.ndarray) -> np.ndarray:
    """Smoothed relative frequencies of the levels, none of them zero."""
    return scipy.ndimage.gaussian_filter1d((counts + 1) / (counts + 1).sum(), BLUR_LEVELS)
