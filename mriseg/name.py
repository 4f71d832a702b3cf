"""Which tissue each class is, by evidence and with a confidence; never by its rank alone.

Fluid lies at the rim of the brain and in the ventricles, white matter deep and away from the rim, gray matter in
between. That holds on any contrast, so it tells a T1-weighted scan (fluid dark, white matter bright) from its
inversion. Where the classes lie and how large they are decides the order of the tissues; how their mean
intensities are spaced tells apart contrasts that share an order, and helps.

The expectations below are means and spreads over 397 brains and slices in three planes: six anatomies simulated
in four contrasts, IBSR, BrainWeb, children's slabs and multiple sclerosis scans. `benchmarks/naming.py` prints
them, and how often the names come out right.
"""

from dataclasses import dataclass

import numpy as np

from mriseg.mixture import Mixture
from mriseg.morphology import depth
from mriseg.tissue import Contrast, Tissue

CANDIDATES = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)

# Depth is the rank of a voxel's distance to the brain's surface: 0 at the rim, 1 at the deepest point. Each pair is
# what is expected and its spread, over subjects, slices and planes.
MEAN_DEPTH = {Tissue.CSF: (0.32, 0.10), Tissue.GM: (0.475, 0.05), Tissue.WM: (0.615, 0.06)}
OUTER = 0.2  # the shallowest fifth of the brain
SHARE_OUTER = {Tissue.CSF: (0.52, 0.15), Tissue.GM: (0.20, 0.08), Tissue.WM: (0.06, 0.07)}
SHARE_OF_BRAIN = {Tissue.CSF: (0.19, 0.12), Tissue.GM: (0.43, 0.13), Tissue.WM: (0.38, 0.12)}
# Where the middle class lies between the outer two: (middle - dark) / (bright - dark).
MIDDLE_POSITION = {
    Contrast.T1: (0.57, 0.10),
    Contrast.T2: (0.24, 0.10),
    Contrast.PD: (0.57, 0.10),
    Contrast.FLAIR: (0.79, 0.06),
}
# Dark over bright: a proton-density scan is the only one whose tissues differ by a fifth.
DARK_TO_BRIGHT = {
    Contrast.T1: (0.28, 0.14),
    Contrast.T2: (0.36, 0.10),
    Contrast.PD: (0.75, 0.08),
    Contrast.FLAIR: (0.20, 0.10),
}
DARK_TO_BRIGHT_WEIGHT = 0.5  # a picture's window may have shifted its intensities
FARTHEST = 3.0  # spreads: farther off says no more, so that one odd value cannot decide
TEMPER = 0.6  # the pieces of evidence overlap; with this power the confidences are calibrated
STRANGE = 35.0  # sum of squared deviations past which no contrast fits: 99 % of the brains above are below
WORKING_MM = 2.0  # finer voxels are thinned for the depth


@dataclass(frozen=True)
class Naming:
    """What the classes of a mixture are.

    Attributes
    ----------
    contrast : Contrast
        The likeliest, or `UNKNOWN` where none fits the evidence.
    tissues : tuple of Tissue
        Of the classes, from dark to bright.
    confidence : float
        Probability, 0 to 1, that the tissues are named rightly; 1 where the user said the contrast.
    """

    contrast: Contrast
    tissues: tuple[Tissue, ...]
    confidence: float


def name(mixture: Mixture, posteriors: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...]) -> Naming:
    """Name the classes by where they lie, how large they are and how their intensities are spaced.

    Parameters
    ----------
    mixture : Mixture
        As fitted.
    posteriors : ndarray of shape (3, i, j) or (3, i, j, k)
        Of the classes, from dark to bright, in the brain's box.
    mask : ndarray of bool, shape (i, j) or (i, j, k)
        The brain.
    spacing : tuple of float
        Voxel sides in mm.

    Returns
    -------
    Naming
    """
    where = _where(posteriors, mask, spacing)
    dark, middle, bright = mixture.means
    position = (middle - dark) / (bright - dark)
    ratio = dark / bright if bright > 0 else 1.0
    scores, strangeness = [], []
    for contrast in CANDIDATES:
        evidence = [
            (position, MIDDLE_POSITION[contrast], 1.0),
            (ratio, DARK_TO_BRIGHT[contrast], DARK_TO_BRIGHT_WEIGHT),
        ]
        for (share, mean_depth, outer), tissue in zip(where, contrast.dark_to_bright, strict=True):
            evidence += [
                (share, SHARE_OF_BRAIN[tissue], 1.0),
                (mean_depth, MEAN_DEPTH[tissue], 1.0),
                (outer, SHARE_OUTER[tissue], 1.0),
            ]
        squares = [
            weight * min(abs(value - mean) / spread, FARTHEST) ** 2 for value, (mean, spread), weight in evidence
        ]
        spreads = [weight * np.log(spread) for _, (_, spread), weight in evidence]
        scores.append(-0.5 * sum(squares) - sum(spreads))
        strangeness.append(sum(squares))
    probabilities = np.exp(TEMPER * (np.array(scores) - max(scores)))
    probabilities /= probabilities.sum()
    best = int(probabilities.argmax())
    tissues = CANDIDATES[best].dark_to_bright
    confidence = sum(p for p, c in zip(probabilities, CANDIDATES, strict=True) if c.dark_to_bright == tissues)
    contrast = Contrast.UNKNOWN if strangeness[best] > STRANGE else CANDIDATES[best]
    return Naming(contrast, tissues, float(confidence))


def _where(posteriors: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...]) -> list[tuple[float, float, float]]:
    """For each class its share of the brain, its mean depth, and its share in the outer part."""
    steps = [
        max(1, int(WORKING_MM / side)) if mask.ndim == 3 and n > 32 else 1
        for n, side in zip(mask.shape, spacing, strict=True)
    ]
    steps = [
        max(1, int(WORKING_MM / side)) if mask.ndim == 3 and n > 32 else 1
        for n, side in zip(mask.shape, spacing, strict=True)
    ]
    steps = [
        max(1, int(WORKING_MM / side)) if mask.ndim == 3 and n > 32 else 1
        for n, side in zip(mask.shape, spacing, strict=True)
    ]
    thin = tuple(slice(None, None, step) for step in steps)
    classes, mask = posteriors[:, *thin].argmax(0), mask[thin]
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    # Where the field of view cuts the brain is no rim of it.
    to_surface = depth(mask, sides, at_border="edge")[mask]
    rank = np.empty(len(to_surface))
    rank[np.argsort(to_surface, kind="stable")] = (np.arange(len(to_surface)) + 0.5) / len(to_surface)
    classes = classes[mask]
    size = np.maximum(np.bincount(classes, minlength=3), 1)
    mean_depth = np.bincount(classes, rank, 3) / size
    outer = np.bincount(classes, rank < OUTER, 3) / size
    return list(zip(size / len(classes), mean_depth, outer, strict=True))
