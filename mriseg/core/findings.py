"""What there is to say of how far a result can be used: each finding by its code, with its sentences for people.

Programs read the code and the level; the sentences may change from version to version.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How far something can be used, the worse the higher."""

    GOOD = 0
    CARE = 1
    NOT = 2


class Topic(StrEnum):
    """What a finding is about; the value is its title for people."""

    OUTLINE = "Brain outline"
    NAMES = "Contrast"
    MISSING = "Missing tissue"
    CONTRAST = "Gray and white matter"
    LEVELS = "Gray levels"
    FLUID = "Fluid and gray matter"
    NOISE = "Noise"
    MIXED = "Partial volume"
    THICKNESS = "Thick slices"
    SIZE = "Size of the brain"
    SIDES = "Left, right and axes"
    PART = "Part of a brain"
    RATIO = "Ratio of gray to white matter"
    SHARES = "Share of fluid"
    ABNORMAL = "Abnormal tissue"
    SHADING = "Bias field"
    CLASSES = "Number of classes"
    SLICE = "Single slice"
    FIT = "Fit of the model"
    NOTE = "Note"


class Aspect(StrEnum):
    """What of a result a topic belongs to; the value is its title for people, in the order in which they are told."""

    FIT = "Fit of the model"
    CONTRAST = "Contrast evidence"
    OUTLINE = "Brain outline"
    PLAUSIBILITY = "Plausibility"
    IMAGE = "Image quality"


ASPECTS = {
    Topic.FIT: Aspect.FIT,
    Topic.CLASSES: Aspect.FIT,
    Topic.MISSING: Aspect.FIT,
    Topic.NAMES: Aspect.CONTRAST,
    Topic.NOTE: Aspect.CONTRAST,  # another contrast in the header, a scan stored inverted
    Topic.OUTLINE: Aspect.OUTLINE,
    Topic.PART: Aspect.OUTLINE,
    Topic.SIZE: Aspect.PLAUSIBILITY,
    Topic.SIDES: Aspect.PLAUSIBILITY,
    Topic.RATIO: Aspect.PLAUSIBILITY,
    Topic.SHARES: Aspect.PLAUSIBILITY,
    Topic.ABNORMAL: Aspect.PLAUSIBILITY,
    Topic.SLICE: Aspect.PLAUSIBILITY,
    Topic.CONTRAST: Aspect.IMAGE,
    Topic.FLUID: Aspect.IMAGE,
    Topic.LEVELS: Aspect.IMAGE,
    Topic.NOISE: Aspect.IMAGE,
    Topic.MIXED: Aspect.IMAGE,
    Topic.THICKNESS: Aspect.IMAGE,
    Topic.SHADING: Aspect.IMAGE,
}


class FindingCode(StrEnum):
    """What was found; the value is the code in files, which stays from version to version.

    Attributes
    ----------
    topic : Topic
    meaning : str
        In a sentence, for whoever reads the code.
    """

    topic: Topic
    meaning: str

    def __new__(cls, code: str, topic: Topic, meaning: str) -> "FindingCode":
        member = str.__new__(cls, code)
        member._value_ = code
        member.topic = topic
        member.meaning = meaning
        return member

    MASK_GIVEN = "mask-given", Topic.OUTLINE, "The user gave the mask, or chose to use everything."
    MASK_CONTRADICTED = "mask-contradicted", Topic.OUTLINE, "Much of the given mask lies outside the brain."
    MASK_LEAVES_OUT = "mask-leaves-out", Topic.OUTLINE, "The given mask leaves out much of the brain."
    MASK_PLAUSIBLE = "mask-plausible", Topic.OUTLINE, "The brain outline is plausible."
    MASK_UNSURE = "mask-unsure", Topic.OUTLINE, "The brain outline may be wrong in places."
    MASK_DOUBTFUL = "mask-doubtful", Topic.OUTLINE, "The region found may not be a brain."
    MASK_MISFIT = "mask-misfit", Topic.OUTLINE, "The standard brain hardly fits the volume."
    MASK_OUT_OF_VIEW = "mask-out-of-view", Topic.OUTLINE, "Much of the brain lies outside the image."
    MASK_ASYMMETRIC = "mask-asymmetric", Topic.OUTLINE, "The mask differs between left and right."
    MASK_NOT_A_HEAD = "mask-not-a-head", Topic.OUTLINE, "The picture hardly looks like a slice of a head."
    MASK_NOT_A_BRAIN = "mask-not-a-brain", Topic.OUTLINE, "The picture without skull is hardly arranged like a brain."
    MASK_NOT_COMPARED = "mask-not-compared", Topic.OUTLINE, "The scan holds too little to compare it with a brain."
    MASK_BRIGHT_SKULL = "mask-bright-skull", Topic.OUTLINE, "What surrounds the brain is as bright as bone in a CT."
    MASK_NO_ANATOMY = "mask-no-anatomy", Topic.OUTLINE, "What lies in the mask is not arranged like a brain's tissues."
    RIM_LEFT_OUT = "rim-left-out", Topic.OUTLINE, "The rim of a scan without skull holds bone, which is no tissue."
    VESSELS_LEFT_OUT = "vessels-left-out", Topic.OUTLINE, "Vessels and dura hold contrast agent and were left out."
    CONTRAST_GIVEN = "contrast-given", Topic.NAMES, "The user chose the contrast, and the scan agrees."
    CONTRAST_CONTRADICTED = (
        "contrast-contradicted",
        Topic.NAMES,
        "The scan contradicts the contrast that the user chose.",
    )
    CONTRAST_FOUND = "contrast-found", Topic.NAMES, "The contrast was found with enough confidence."
    CONTRAST_UNKNOWN = "contrast-unknown", Topic.NAMES, "The intensities fit no known contrast."
    CONTRAST_UNSURE = "contrast-unsure", Topic.NAMES, "The contrast, and with it the tissues, may be wrong."
    ECHO_PLANAR = "echo-planar", Topic.NAMES, "The scan looks like an image of a functional or diffusion series."
    CONTRAST_NOT_AS_STATED = "contrast-not-as-stated", Topic.NOTE, "The header states another contrast than was used."
    INVERTED = "inverted", Topic.NOTE, "The scan is stored inverted, and its negative was segmented."
    MISSING_TISSUE = "missing-tissue", Topic.MISSING, "No class looks like one of the tissues."
    GRAY_WHITE_APART = "gray-white-apart", Topic.CONTRAST, "Gray and white matter are well separated."
    GRAY_WHITE_CLOSE = "gray-white-close", Topic.CONTRAST, "Gray and white matter differ little."
    GRAY_WHITE_ALIKE = "gray-white-alike", Topic.CONTRAST, "Gray and white matter hardly differ."
    GRAY_WHITE_ONE = (
        "gray-white-one",
        Topic.CONTRAST,
        "Gray and white matter cannot be separated; their sum can be used.",
    )
    CLIPPED = "clipped", Topic.LEVELS, "A part of the brain is cut off at the brightest or darkest value."
    FEW_LEVELS = "few-levels", Topic.LEVELS, "The brain has few gray levels."
    EQUALIZED = "equalized", Topic.LEVELS, "The intensities of the image were equalized."
    FLUID_GRAY_CLOSE = "fluid-gray-close", Topic.FLUID, "Fluid and gray matter differ little."
    FLUID_GRAY_ALIKE = "fluid-gray-alike", Topic.FLUID, "Fluid and gray matter hardly differ."
    NOISE_HARMLESS = "noise-harmless", Topic.NOISE, "Noise does not limit the segmentation."
    NOISY = "noisy", Topic.NOISE, "Noise makes cortex and thin layers of fluid approximate."
    TOO_NOISY = "too-noisy", Topic.NOISE, "Noise makes the borders of the tissues unreliable."
    MOSTLY_MIXED = "mostly-mixed", Topic.MIXED, "Most voxels hold two tissues."
    THICK_SLICES = "thick-slices", Topic.THICKNESS, "Slices are thicker than cortex."
    UNUSUAL_SIZE = "unusual-size", Topic.SIZE, "A whole brain is outside the sizes of human brains."
    INFANT_SIZE = "infant-size", Topic.SIZE, "A whole brain is smaller than an adult's."
    TEMPLATE_SPACE = "template-space", Topic.SIZE, "Volumes are those of a template space, not of the person."
    TWO_VOXEL_SIZES = "two-voxel-sizes", Topic.SIZE, "The header states two sizes of the voxels."
    TWO_ORIENTATIONS = "two-orientations", Topic.SIDES, "The header states two orientations that contradict each other."
    HEADER_AXES_WRONG = "header-axes-wrong", Topic.SIDES, "The head lies otherwise than the axes of the header say."
    PARTIAL_BRAIN = "partial-brain", Topic.PART, "The image holds only a part of the brain."
    BRAIN_CUT_AWAY = "brain-cut-away", Topic.PART, "A piece of the brain was cut away and filled with one value."
    UNUSUAL_RATIO = "unusual-ratio", Topic.RATIO, "The proportion of gray and white matter is unusual."
    TOO_MUCH_FLUID = "too-much-fluid", Topic.SHARES, "There is more fluid than in a living brain, or hardly less."
    TOO_LITTLE_FLUID = "too-little-fluid", Topic.SHARES, "There is less fluid than in a brain with what surrounds it."
    ABNORMAL_TISSUE = "abnormal-tissue", Topic.ABNORMAL, "Some of the brain is unlike any of the three tissues."
    MOSTLY_ABNORMAL = "mostly-abnormal", Topic.ABNORMAL, "Too much of the brain is unlike any of the three tissues."
    STRONG_SHADING = "strong-shading", Topic.SHADING, "Strong intensity non-uniformity was corrected."
    SHADING_LEFT = "shading-left", Topic.SHADING, "The scan has intensity non-uniformity, and its correction is off."
    CLASSES_DISAGREE = (
        "classes-disagree",
        Topic.CLASSES,
        "With another number of classes than three much is labeled otherwise.",
    )
    SINGLE_SLICE = "single-slice", Topic.SLICE, "Figures are those of one slice."
    NO_PIXEL_SIZE = "no-pixel-size", Topic.SLICE, "Figures are those of one slice whose pixel size is unknown."
    NOT_CONVERGED = "not-converged", Topic.FIT, "The fit had not converged."
    HISTOGRAM_MISSED = "histogram-missed", Topic.FIT, "The fitted curves do not follow the histogram."
    POSITION_DECIDES = "position-decides", Topic.FIT, "The anatomical prior decides, not the intensities."


# Findings that are warnings too, as before the codes, in the order in which the warnings stand.
WARNING_CODES = (
    FindingCode.MASK_MISFIT,
    FindingCode.MASK_OUT_OF_VIEW,
    FindingCode.MASK_ASYMMETRIC,
    FindingCode.MASK_NOT_A_HEAD,
    FindingCode.MASK_NOT_A_BRAIN,
    FindingCode.MASK_NOT_COMPARED,
    FindingCode.MASK_BRIGHT_SKULL,
    FindingCode.MASK_NO_ANATOMY,
    FindingCode.MASK_CONTRADICTED,
    FindingCode.CONTRAST_UNKNOWN,
    FindingCode.CONTRAST_UNSURE,
    FindingCode.CONTRAST_CONTRADICTED,
    FindingCode.ECHO_PLANAR,
    FindingCode.CONTRAST_NOT_AS_STATED,
    FindingCode.INVERTED,
    FindingCode.MISSING_TISSUE,
    FindingCode.GRAY_WHITE_ALIKE,
    FindingCode.GRAY_WHITE_ONE,
    FindingCode.FLUID_GRAY_CLOSE,
    FindingCode.FLUID_GRAY_ALIKE,
    FindingCode.NOT_CONVERGED,
    FindingCode.HISTOGRAM_MISSED,
    FindingCode.TOO_MUCH_FLUID,
    FindingCode.ABNORMAL_TISSUE,
    FindingCode.MOSTLY_ABNORMAL,
    FindingCode.UNUSUAL_SIZE,
    FindingCode.CLIPPED,
    FindingCode.FEW_LEVELS,
    FindingCode.EQUALIZED,
    FindingCode.INFANT_SIZE,
    FindingCode.TEMPLATE_SPACE,
    FindingCode.TWO_VOXEL_SIZES,
    FindingCode.TWO_ORIENTATIONS,
    FindingCode.HEADER_AXES_WRONG,
    FindingCode.BRAIN_CUT_AWAY,
)


@dataclass(frozen=True)
class Finding:
    """One thing that can be trusted or not.

    Attributes
    ----------
    code : FindingCode
    level : Level
    statement : str
        What can be trusted here or what not, with the figure behind it, in whole sentences.
    action : str
        What to do about it, in a sentence; "" where nothing need be done.
    """

    code: FindingCode
    level: Level
    statement: str
    action: str = ""

    @property
    def text(self) -> str:
        """All that is said to people, in whole sentences."""
        return f"{self.statement} {self.action}" if self.action else self.statement

    @property
    def titled_text(self) -> str:
        """The same under the title of its topic, for lists."""
        return f"{self.code.topic}: {self.text}"

    def to_plain(self) -> dict[str, str]:
        """Code, level and text, ready for JSON.

        Examples
        --------
        >>> Finding(FindingCode.NOISY, Level.CARE, "The scan is noisy.").to_plain()
        {'code': 'noisy', 'level': 'CARE', 'text': 'The scan is noisy.'}
        """
        return {"code": self.code.value, "level": self.level.name, "text": self.text}
