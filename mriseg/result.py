"""What a segmentation is: everything that the page, the command line and Python show comes from here."""

from dataclasses import dataclass, field

import numpy as np

from mriseg.extract import Brain
from mriseg.histogram import Histogram
from mriseg.mixture import Mixture
from mriseg.settings import Settings
from mriseg.tissue import Contrast, Tissue


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
        The intensities that it was fitted to, after bias correction.
    contrast : Contrast
        Given by the user or found.
    contrast_confidence : float
        Probability that the tissues are named rightly; 1 where the user said the contrast.
    volumes_ml : dict of Tissue to float, or None
        Sum of the posteriors times the volume of a voxel, in mL; for a picture with a pixel size, in mL for
        each mm of slice thickness; None where the pixel size is unknown.
    fractions : dict of Tissue to float
        Of the cranial cavity (the mask); sums to 1.
    quality : dict of str to float
        Figures that say how far to trust the result, see `mriseg.measure`.
    notes, warnings : tuple of str
        What was done, and what to doubt, in sentences.
    settings : Settings
        That it was made with.
    seconds : dict of str to float
        Wall time of each stage.
    box : tuple of slice
        The part of the grid that holds the brain; posteriors and field are stored there only.
    box_posteriors : ndarray of float32, shape of the box and 3
    box_bias : ndarray of float32, shape of the box
    """

    labels: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    brain: Brain = field(repr=False)
    mixture: Mixture
    histogram: Histogram = field(repr=False)
    contrast: Contrast
    contrast_confidence: float
    volumes_ml: dict[Tissue, float] | None
    fractions: dict[Tissue, float]
    quality: dict[str, float]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    settings: Settings
    seconds: dict[str, float]
    box: tuple[slice, ...] = field(repr=False)
    box_posteriors: np.ndarray = field(repr=False)
    box_bias: np.ndarray = field(repr=False)

    @property
    def posteriors(self) -> np.ndarray:
        """Probability of each tissue, float32, shape of the scan and 3 (GM, WM, CSF); 0 outside the brain.

        Made anew at each call: a full grid of them is twelve times the size of the labels.
        """
        posteriors = np.zeros((*self.labels.shape, len(Tissue)), np.float32)
        posteriors[self.box] = self.box_posteriors
        return posteriors

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
