"""What the stages of a segmentation found, in small: kept so that another setting need not ask all of them again."""

from dataclasses import dataclass

import numpy as np

from mriseg.brain.background import Background
from mriseg.brain.extraction import Brain
from mriseg.core.settings import Settings
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.segmentation.contrast import TissueAssignment

# The settings that each stage hangs on besides what the stages before it found. The smoothness is asked only by the
# Markov field, of which nothing is kept.
STAGE_SETTINGS = {
    "brain": ("mask",),
    "place": ("margin", "pixel_size", "use_position"),
    "named": ("contrast",),
    "corrected": ("correct_bias", "bias_strength"),
    "around": (),
    "fitted": (),
    "mixture": ("classes",),
}


@dataclass(frozen=True, eq=False)
class BrainRegion:
    """Where in the canonical grid the brain lies.

    Attributes
    ----------
    mask : ndarray of bool, shape of the canonical scan
        The brain, its border moved as the settings say.
    box : tuple of slice
        The part of the grid that holds it.
    zones : Zones
        What the average brain expects in the box, if it could be laid over the brain by its outline.
    """

    mask: np.ndarray
    box: tuple[slice, ...]
    zones: PriorZones


@dataclass(frozen=True, eq=False)
class IdentifiedTissues:
    """Which tissue each class is, and what to expect where.

    Attributes
    ----------
    naming : Naming
        Tissues from dark to bright as the mixture has them.
    black : float
        Intensity of no signal.
    zones : Zones
        Those of `BrainRegion`, or of a slab that its tissues told the place of.
    """

    naming: TissueAssignment
    black: float
    zones: PriorZones

    def signal(self, data: np.ndarray) -> np.ndarray:
        """Intensities counted from black, which shading multiplies: of a scan that is stored inverted, its negative."""
        return np.maximum(np.float32(self.black) - data, 0) if self.naming.inverted else data


@dataclass(frozen=True, eq=False)
class BiasCorrection:
    """The bias field of each channel.

    Attributes
    ----------
    coefficients : tuple of ndarray of float32
        Of each channel's field, for `mriseg.segmentation.bias_field.evaluate_bias_field`.
    start : Mixture or None
        Where to begin the fit to the corrected intensities.
    """

    coefficients: tuple[np.ndarray, ...]
    start: Mixture | None


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage found; None from the first on that has to be run.

    Attributes
    ----------
    brain : Brain
    place : Place
    named : Named
    corrected : Corrected
    around : Surroundings
    fitted : Mixture
        Of the three tissues.
    mixture : Mixture
        The same, or of another number of classes.
    """

    brain: Brain | None = None
    place: BrainRegion | None = None
    named: IdentifiedTissues | None = None
    corrected: BiasCorrection | None = None
    around: Background | None = None
    fitted: Mixture | None = None
    mixture: Mixture | None = None


def reusable_stages(stages: Stages, before: Settings, now: Settings) -> Stages:
    """What remains of stages that were run with other settings: all before the first that hangs on a changed one."""
    kept = {}
    for stage, knobs in STAGE_SETTINGS.items():
        if any(getattr(before, knob) != getattr(now, knob) for knob in knobs):
            break
        kept[stage] = getattr(stages, stage)
    return Stages(**kept)
