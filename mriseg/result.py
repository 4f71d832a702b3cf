"""What a segmentation is: everything that the page, the command line and Python show comes from here."""

from dataclasses import dataclass, field

import numpy as np

from mriseg.evidence import Sorted
from mriseg.extract import Brain
from mriseg.histogram import Histogram
from mriseg.mixture import Mixture
from mriseg.settings import Settings
from mriseg.stages import Stages
from mriseg.tissue import Contrast, Tissue


@dataclass(frozen=True, eq=False)
class Joint:
    """Joint histogram of the first two channels in the brain.

    Attributes
    ----------
    counts : ndarray of shape (levels of the first, levels of the second)
        Voxels.
    bars : tuple of Histogram
        Of each channel.
    """

    counts: np.ndarray = field(repr=False)
    bars: tuple[Histogram, ...] = field(repr=False)

    @classmethod
    def of(cls, found: Sorted, inside: np.ndarray) -> "Joint":
        """From voxels sorted by two or three channels, and the brain."""
        shape = [len(b.levels) for b in found.bars]
        counts = np.bincount(found.index[inside], minlength=int(np.prod(shape))).reshape(shape)
        return cls(counts.sum(tuple(range(2, len(shape)))), found.bars)


@dataclass(frozen=True, eq=False)
class Result:
    """A segmented scan, on the grid and in the axis order of the input.

    Attributes
    ----------
    labels : ndarray of uint8, shape of the scan
        0 outside the brain, 1 gray matter, 2 white matter, 3 cerebrospinal fluid.
    mask : ndarray of bool, shape of the scan
        The brain: all three tissues.
    brain : Brain
        How the mask came about, and how far it can be trusted; in canonical axes, before `Settings.margin`.
    mixture : Mixture
        Fitted to the brain's intensities, its classes named.
    histogram : Histogram
        The intensities that it was fitted to, after bias correction; of the first channel.
    joint : Joint or None
        Where several channels were fitted together.
    contrast : Contrast
        Given by the user or found.
    contrast_confidence : float
        Probability that the tissues are named rightly; 1 where the user said the contrast.
    volumes_ml : dict of Tissue to float, or None
        Sum of the partial volumes times the volume of a voxel, in mL; for a picture with a pixel size, in mL for
        each mm of slice thickness; None where the pixel size is unknown.
    volume_intervals_ml : dict of Tissue to (float, float), or None
        Between which volumes the truth lies with a probability of 95 %, if the mask is right.
    fractions : dict of Tissue to float
        Of the cranial cavity (the mask), from the partial volumes; sums to 1.
    quality : dict of str to float
        Figures that say how far to trust the result, see `mriseg.quality`.
    notes, warnings : tuple of str
        What was done, and what to doubt, in sentences.
    settings : Settings
        That it was made with.
    seconds : dict of str to float
        Wall time of each stage.
    box : tuple of slice
        The part of the grid that holds the brain; posteriors and field are stored there only.
    box_posteriors : ndarray of float32, shape of the box and 3
    box_fractions : ndarray of uint8, shape of the box and 3
        Partial volumes times 255.
    box_bias : ndarray of float32, shape of the box
    stages : Stages
        What `mriseg.segment` need not find again where only some settings change.
    """

    labels: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    brain: Brain = field(repr=False)
    mixture: Mixture
    histogram: Histogram = field(repr=False)
    joint: Joint | None
    contrast: Contrast
    contrast_confidence: float
    volumes_ml: dict[Tissue, float] | None
    volume_intervals_ml: dict[Tissue, tuple[float, float]] | None
    fractions: dict[Tissue, float]
    quality: dict[str, float]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    settings: Settings
    seconds: dict[str, float]
    box: tuple[slice, ...] = field(repr=False)
    box_posteriors: np.ndarray = field(repr=False)
    box_fractions: np.ndarray = field(repr=False)
    box_bias: np.ndarray = field(repr=False)
    stages: Stages = field(repr=False)

    @property
    def posteriors(self) -> np.ndarray:
        """Probability that a voxel is mostly each tissue, float32, shape of the scan and 3 (GM, WM, CSF).

        Sums to 1 in the brain, 0 outside. How much of each tissue a voxel holds is another question, which
        `partial_volumes` answers: of a voxel that is surely half gray and half white the posterior may be 0.5 or 1.

        Made anew at each call: a full grid of them is twelve times the size of the labels.
        """
        posteriors = np.zeros((*self.labels.shape, len(Tissue)), np.float32)
        posteriors[self.box] = self.box_posteriors
        return posteriors

    @property
    def partial_volumes(self) -> np.ndarray:
        """Fraction of each voxel that each tissue fills, as expected, float32, shape of the scan and 3.

        Sums to 1 in the brain within a hundredth, 0 outside; kept in steps of 1/255. Volumes are its sums before that.
        """
        fractions = np.zeros((*self.labels.shape, len(Tissue)), np.float32)
        fractions[self.box] = self.box_fractions * np.float32(1 / 255)
        return fractions

    @property
    def entropy(self) -> np.ndarray:
        """How unsure each label is, float32, shape of the scan: 0 sure, 1 all tissues alike; 0 outside the brain.

        Shannon's entropy of the posteriors over its largest value, log 3.
        """
        entropy = np.zeros(self.labels.shape, np.float32)
        total = np.zeros(self.box_posteriors.shape[:-1], np.float32)
        for channel in range(len(Tissue)):
            p = self.box_posteriors[..., channel]
            total -= p * np.log(np.maximum(p, np.float32(1e-12)))
        entropy[self.box] = np.clip(total / np.float32(np.log(len(Tissue))), 0, 1)
        return entropy

    @property
    def bias(self) -> np.ndarray:
        """The field that the scan was divided by, float32, shape of the scan; 1 outside the brain's box."""
        bias = np.ones(self.labels.shape, np.float32)
        bias[self.box] = self.box_bias
        return bias

    @property
    def brain_ml(self) -> float | None:
        """Volume of the mask in mL, the sum of the tissues; None where the pixel size is unknown."""
        return None if self.volumes_ml is None else sum(self.volumes_ml.values())
