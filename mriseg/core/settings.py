"""Every knob of the engine with its default, in one frozen object.

The page, the command line and Python build the same `Settings`; equal settings and equal bytes give
equal labels.
"""

from dataclasses import dataclass

from mriseg.core.errors import SettingsError
from mriseg.core.tissue import Contrast, Tissue

CONTRASTS = ("auto", *(c.setting for c in Contrast if c is not Contrast.UNKNOWN))
CLASSES = range(2, 7)
MASKS = ("auto", "none", "all")
LARGEST_MARGIN_MM = 10.0  # farther than this from a found border there is no inner skull
BIAS_STRENGTHS = (0.1, 10.0)
PIXEL_SIZES_MM = (0.01, 20.0)  # from a microscope's field to a scout's: outside, a typing error


@dataclass(frozen=True)
class Settings:
    """How a scan is to be segmented.

    Parameters
    ----------
    contrast : {"auto", "t1", "t2", "pd", "flair"}
        What the scan is weighted by. "auto" decides from where the classes lie.
    mask : {"auto", "none", "all"}
        "auto" finds the brain; "none" says that the scan is already skull-stripped: the brain is then all that
        is not background; "all" takes the whole image.
    margin : float
        By how much the brain mask is made looser (above 0) or tighter (below), in mm.
    pixel_size : float or None
        Side of a pixel of a picture, in mm. A picture without one has no volumes. Ignored for volumes,
        whose header says it.
    smoothness : float
        Strength of the Markov random field, as a multiple of what the scan's noise asks for (see
        `mriseg.segmentation.markov_field.coupling_strength`). 0 decides each voxel by itself.
    correct_bias : bool
        Whether a smooth multiplicative bias field is estimated and divided out.
    bias_strength : float
        How freely the bias field may bend, 0.1 to 10: the penalty on its slope is divided by it. Without `correct_bias`
        it says nothing.
    use_position : bool
        Whether the average brain says which tissue to expect where, in volumes that it could be laid over.
    lesions : bool
        Whether what is unlike any of the tissues is looked for and set apart, see `mriseg.abnormal`.
    classes : int
        Gaussians of pure tissue, 2 to 6. Other than 3, each is given to the tissue it looks like, and neither
        position nor what a brain holds is asked.

    Raises
    ------
    SettingsError
        If a value is outside what is listed.

    Examples
    --------
    >>> Settings(contrast="t2", margin=-1).margin
    -1
    >>> Settings(smoothness=11)
    Traceback (most recent call last):
    mriseg.core.errors.SettingsError: The smoothness must lie between 0 and 10.
    """

    contrast: str = "auto"
    mask: str = "auto"
    margin: float = 0.0
    pixel_size: float | None = None
    smoothness: float = 1.0
    correct_bias: bool = True
    bias_strength: float = 1.0
    use_position: bool = True
    lesions: bool = True
    classes: int = len(Tissue)

    def __post_init__(self) -> None:
        if self.contrast not in CONTRASTS:
            raise SettingsError(f"The contrast must be one of {', '.join(CONTRASTS)}.")
        if self.mask not in MASKS:
            raise SettingsError(f"The mask must be one of {', '.join(MASKS)}.")
        if not abs(self.margin) <= LARGEST_MARGIN_MM:
            raise SettingsError(f"The margin must lie between {-LARGEST_MARGIN_MM:g} and {LARGEST_MARGIN_MM:g} mm.")
        low, high = PIXEL_SIZES_MM
        if self.pixel_size is not None and not low <= self.pixel_size <= high:
            raise SettingsError(f"The pixel size must lie between {low:g} and {high:g} mm.")
        if self.classes not in CLASSES:
            raise SettingsError(f"The number of classes must lie between {CLASSES[0]} and {CLASSES[-1]}.")
        if not 0 <= self.smoothness <= 10:
            raise SettingsError("The smoothness must lie between 0 and 10.")
        low, high = BIAS_STRENGTHS
        if not low <= self.bias_strength <= high:
            raise SettingsError(f"The strength of the bias correction must lie between {low:g} and {high:g}.")
