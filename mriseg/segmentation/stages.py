"""What each stage of a segmentation ends with, in small, so that another setting need not run all of them again."""

from dataclasses import dataclass, field, fields

import numpy as np

from mriseg.brain.background import Background, counted
from mriseg.brain.extraction import Brain
from mriseg.brain.surroundings import Surroundings
from mriseg.core.settings import Settings
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.segmentation.contrast import TissueAssignment


@dataclass(frozen=True, eq=False)
class BrainRegion:
    """Where in the canonical grid the brain lies.

    Attributes
    ----------
    mask : ndarray of bool, shape of the canonical scan
        The brain, its border moved as the settings say.
    box : tuple of slice
        The part of the grid that holds it.
    spatial_prior : PriorZones
        What the average brain expects in the box, if it could be laid over the brain by its outline.
    """

    mask: np.ndarray
    box: tuple[slice, ...]
    spatial_prior: PriorZones

    @property
    def box_mask(self) -> np.ndarray:
        """The brain in its box, bool."""
        return self.mask[self.box]


@dataclass(frozen=True, eq=False)
class AbnormalRegion:
    """What in the brain's box is unlike any tissue.

    Attributes
    ----------
    mask : ndarray of bool, shape of the box, or None
        None where nothing is, or nothing was looked for.
    """

    mask: np.ndarray | None = None

    def without(self, brain: np.ndarray) -> np.ndarray:
        """The part of a mask of the brain, bool, that is like its tissues."""
        return brain if self.mask is None else brain & ~self.mask


@dataclass(frozen=True, eq=False)
class IdentifiedTissues:
    """Which tissue each class is, and what to expect where.

    Attributes
    ----------
    assignment : TissueAssignment
        Tissues from dark to bright as the mixture has them.
    background_level : float
        Intensity of the air, the bone or the filling around the brain, counted from no signal.
    spatial_prior : PriorZones
        That of `BrainRegion`, or of a slab whose tissues told where in the brain it lies.
    """

    assignment: TissueAssignment
    background_level: float
    spatial_prior: PriorZones

    def signal(self, data: np.ndarray) -> np.ndarray:
        """What shading multiplies, of intensities counted from no signal: of an inverted scan its negative."""
        return np.maximum(np.float32(self.background_level) - data, 0) if self.assignment.inverted else data


@dataclass(frozen=True, eq=False)
class BiasCorrection:
    """The bias field of each channel.

    Attributes
    ----------
    coefficients : tuple of ndarray of float32
        Of each channel's field, for `mriseg.segmentation.bias_field.evaluate_bias_field`.
    start : Mixture or None
        Where to begin the fit to the corrected intensities.
    left : float
        Where the user asked for no correction: by how much the brightest place of one tissue exceeds its darkest for
        the coil's sake, in the first channel; else 0.
    """

    coefficients: tuple[np.ndarray, ...]
    start: Mixture | None
    left: float = 0.0


@dataclass(frozen=True, eq=False)
class PartialStages:
    """The stages up to the first that has to be run, from which on all are None; attributes as those of `Stages`."""

    background: Background | None = None
    brain: Brain | None = None
    region: BrainRegion | None = None
    suspected: AbnormalRegion | None = None
    tissues: IdentifiedTissues | None = None
    bias_correction: BiasCorrection | None = None
    abnormal: AbnormalRegion | None = None
    surroundings: Surroundings | None = None
    fitted: Mixture | None = None
    mixture: Mixture | None = None


def _depends_on(*settings: str) -> dict[str, tuple[str, ...]]:
    """Of a stage: the settings that it depends on besides what the stages before it ended with."""
    return {"settings": settings}


@dataclass(frozen=True, eq=False)
class Stages:
    """What each stage ended with, in the order in which they run.

    The smoothness is asked only by the Markov field, of which nothing is stored.

    Attributes
    ----------
    background : Background
    brain : Brain
    region : BrainRegion
    suspected : AbnormalRegion
        What is so far from any tissue that it shows before the bias field is divided out.
    tissues : IdentifiedTissues
    bias_correction : BiasCorrection
    abnormal : AbnormalRegion
        What is unlike any tissue after that.
    surroundings : Surroundings
    fitted : Mixture
        Of the three tissues.
    mixture : Mixture
        The same, or of another number of classes.
    """

    background: Background = field(metadata=_depends_on())
    brain: Brain = field(metadata=_depends_on("mask"))
    region: BrainRegion = field(metadata=_depends_on("margin", "pixel_size", "use_position"))
    suspected: AbnormalRegion = field(metadata=_depends_on("lesions"))
    tissues: IdentifiedTissues = field(metadata=_depends_on("contrast"))
    bias_correction: BiasCorrection = field(metadata=_depends_on("correct_bias", "bias_strength"))
    abnormal: AbnormalRegion = field(metadata=_depends_on())
    surroundings: Surroundings = field(metadata=_depends_on())
    fitted: Mixture = field(metadata=_depends_on())
    mixture: Mixture = field(metadata=_depends_on("classes"))

    def signal(self, data: np.ndarray) -> np.ndarray:
        """What the mixture is of, before bias correction.

        Parameters
        ----------
        data : ndarray
            Intensities in the brain, in the unit of the scan.

        Returns
        -------
        ndarray of float32, same shape
            Counted from no signal; of an inverted scan the negative.
        """
        return self.tissues.signal(counted(data, self.background))


# The settings that each stage depends on, by the name of the stage, in the order in which they run.
STAGE_SETTINGS: dict[str, tuple[str, ...]] = {stage.name: stage.metadata["settings"] for stage in fields(Stages)}


def reusable_stages(stages: Stages, before: Settings, now: Settings) -> PartialStages:
    """What remains of stages that were run with other settings.

    Parameters
    ----------
    stages : Stages
        Of an earlier segmentation of the same scan.
    before, now : Settings
        Those that it was made with, and those that are wanted.

    Returns
    -------
    PartialStages
        All stages before the first that depends on a changed setting.
    """
    reusable = {}
    for stage, settings in STAGE_SETTINGS.items():
        if any(getattr(before, setting) != getattr(now, setting) for setting in settings):
            break
        reusable[stage] = getattr(stages, stage)
    return PartialStages(**reusable)
