"""The figures of quality: what each is called, means and usually is."""

from dataclasses import dataclass
from typing import Literal


# Where no other source is given, what is usual was measured on T1-weighted scans: BrainWeb's with 3 % noise, Colin 27,
# eight children's slabs, seven of IBSR and two with multiple sclerosis (`benchmarks/quality.py` prints them).
@dataclass(frozen=True)
class Figure:
    """What a figure is, for those who read it.

    Attributes
    ----------
    key : str
        In `Result.quality`.
    title : str
        In a clinician's words.
    unit : str
        "" for a ratio, "%" for a share to be shown in percent, "mm".
    meaning : str
        In one sentence.
    good : {"high", "low", "one", "none"}
        Which values are good: high, low, those near 1; "none" where it describes rather than judges.
    usual : tuple of float or None
        Least and largest value that is usual in a T1-weighted scan.
    source : str
        Of what is usual; "" without it.
    needs_air : bool
        Whether it is absent where no noise of air can be seen.
    is_certainty : bool
        Whether it is a probability by our own model, which is never shown as 100 %.
    """

    key: str
    title: str
    unit: str
    meaning: str
    good: Literal["high", "low", "one", "none"]
    usual: tuple[float, float] | None = None
    source: str = ""
    needs_air: bool = False
    is_certainty: bool = False


_OWN = "T1-weighted scans of 19 people, measured with mriseg"
_ABIDE = "57 T1-weighted scans of four sites of ABIDE, in the table that MRIQC's authors published"
FIGURES = (
    Figure(
        "brain_parenchymal_fraction",
        "Brain parenchyma",
        "%",
        meaning="Gray and white matter as a share of the cranial cavity, abnormal tissue left out; it falls with age "
        "and atrophy.",
        good="none",
    ),
    Figure(
        "gm_wm_ratio",
        "Gray to white matter",
        "",
        meaning="Volume of gray matter over that of white matter.",
        good="none",
    ),
    Figure(
        "icvs_gm",
        "Gray matter in the cavity",
        "%",
        meaning="Gray matter as a share of the cranial cavity.",
        good="none",
    ),
    Figure(
        "icvs_wm",
        "White matter in the cavity",
        "%",
        meaning="White matter as a share of the cranial cavity.",
        good="none",
    ),
    Figure(
        "icvs_csf",
        "Fluid in the cavity",
        "%",
        meaning="Cerebrospinal fluid as a share of the cranial cavity.",
        good="none",
    ),
    Figure(
        "tissue_contrast",
        "Gray against white matter",
        "",
        meaning=(
            "How far the brightness of gray matter lies from that of white matter, in their joint spread; below 1 "
            "the border between them is a guess."
        ),
        good="high",
        usual=(1.9, 6.5),
        source=_OWN,
    ),
    Figure(
        "fluid_contrast",
        "Fluid against gray matter",
        "",
        meaning=(
            "How far the brightness of fluid lies from that of gray matter, in their joint spread; below 2 the border "
            "between them is a guess."
        ),
        good="high",
        usual=(3.0, 9.0),
        source=_OWN,
    ),
    Figure(
        "cnr",
        "Contrast to noise",
        "",
        meaning="The difference of gray and white matter over the spread of both and the noise of the air together.",
        good="high",
        usual=(1.6, 2.0),
        source=_OWN,
        needs_air=True,
    ),
    Figure(
        "cjv",
        "Joint variation of gray and white matter",
        "",
        meaning="The spreads of gray and white matter over the difference between them; movement and shading raise it.",
        good="low",
        usual=(0.4, 0.9),
        source=_OWN,
    ),
    Figure(
        "snr_total",
        "Signal to spread",
        "",
        meaning=(
            "Brightness of a tissue over its own spread, mean of the three; in a picture it also depends on how "
            "black and white were set."
        ),
        good="high",
        usual=(5.0, 9.0),
        source=_OWN,
    ),
    Figure(
        "snr_gm",
        "Signal to spread, gray matter",
        "",
        meaning="Brightness of gray matter over its own spread.",
        good="high",
    ),
    Figure(
        "snr_wm",
        "Signal to spread, white matter",
        "",
        meaning="Brightness of white matter over its own spread.",
        good="high",
    ),
    Figure(
        "snr_csf", "Signal to spread, fluid", "", meaning="Brightness of the fluid over its own spread.", good="high"
    ),
    Figure(
        "snrd_total",
        "Signal to noise",
        "",
        meaning=(
            "Brightness of a tissue over the noise of the scanner, which the air around the head shows; mean of the "
            "three."
        ),
        good="high",
        usual=(14.0, 70.0),
        source=_ABIDE,
        needs_air=True,
    ),
    Figure(
        "snrd_gm",
        "Signal to noise, gray matter",
        "",
        meaning="Brightness of gray matter over the noise of the scanner.",
        good="high",
        needs_air=True,
    ),
    Figure(
        "snrd_wm",
        "Signal to noise, white matter",
        "",
        meaning="Brightness of white matter over the noise of the scanner.",
        good="high",
        needs_air=True,
    ),
    Figure(
        "snrd_csf",
        "Signal to noise, fluid",
        "",
        meaning="Brightness of the fluid over the noise of the scanner.",
        good="high",
        needs_air=True,
    ),
    Figure(
        "wm2max",
        "White matter against the brightest",
        "",
        meaning=(
            "Brightness of white matter over that of the brightest voxels, which are fat and vessels in a "
            "T1-weighted scan of a whole head."
        ),
        good="none",
        usual=(0.35, 0.67),
        source=_ABIDE,
    ),
    Figure(
        "inu_range",
        "Shading, 90 % of the brain",
        "",
        meaning=(
            "By how much the sensitivity of the coil differs over the brain, its outermost twentieths left out; it "
            "was divided out."
        ),
        good="low",
        usual=(0.19, 0.68),
        source=_ABIDE,
    ),
    Figure(
        "inu_med",
        "Typical shading",
        "",
        meaning="The median of the coil's sensitivity over the brain, relative to its mean.",
        good="one",
    ),
    Figure(
        "bias_range",
        "Shading, whole brain",
        "%",
        meaning=(
            "By how much the brightest place of one tissue exceeds its darkest for the coil's sake; it was divided out."
        ),
        good="low",
        usual=(0.05, 0.5),
        source=_OWN,
    ),
    Figure(
        "mixed_share",
        "Mixed voxels",
        "%",
        meaning="Share of the brain's voxels that hold two tissues at once; it rises with the size of the voxels.",
        good="low",
        usual=(0.3, 0.5),
        source=_OWN,
    ),
    Figure(
        "misfit",
        "Misfit of the curves",
        "%",
        meaning="Share of the brain's voxels that lie at another intensity than the fitted curves say.",
        good="low",
        usual=(0.005, 0.05),
        source=_OWN,
    ),
    Figure(
        "misfit_by_chance",
        "Misfit by chance alone",
        "%",
        meaning="What the misfit would be if the curves were right: a histogram of few voxels is ragged.",
        good="none",
    ),
    Figure(
        "misfit_below",
        "Misfit below all tissues",
        "%",
        meaning="The part of the misfit that lies below the mean of the darkest tissue.",
        good="low",
    ),
    Figure(
        "misfit_between",
        "Misfit between the tissues",
        "%",
        meaning="The part of the misfit that lies between the means of the tissues.",
        good="low",
    ),
    Figure(
        "misfit_above",
        "Misfit above all tissues",
        "%",
        meaning="The part of the misfit that lies above the mean of the brightest tissue.",
        good="low",
    ),
    Figure(
        "position_weight",
        "Say of the average brain",
        "",
        meaning=(
            "By how much gray or white matter, whichever more, would be another without the average brain: the "
            "logarithm of the ratio, 0 if not at all."
        ),
        good="low",
        usual=(0.02, 0.25),
        source=_OWN,
    ),
    Figure(
        "mean_posterior",
        "Certainty of the labels",
        "%",
        meaning="How sure the model is of a voxel's tissue, on average; a third would be a guess.",
        good="high",
        usual=(0.95, 1.0),
        source=_OWN,
        is_certainty=True,
    ),
    Figure(
        "efc",
        "Ghosts and blur",
        "",
        meaning="Entropy of the whole image, 0 to 1: movement spreads light from the head into the air and raises it.",
        good="low",
        usual=(0.5, 0.9),
        source=_ABIDE,
        needs_air=True,
    ),
    Figure(
        "fber",
        "Head against air",
        "",
        meaning="Energy of a voxel in the head over that of one in the air.",
        good="high",
        usual=(35.0, 4200.0),
        source=_ABIDE,
        needs_air=True,
    ),
    Figure("spacing_x", "Voxel from left to right", "mm", meaning="Side of a voxel across the head.", good="none"),
    Figure("spacing_y", "Voxel from back to front", "mm", meaning="Side of a voxel along the head.", good="none"),
    Figure("spacing_z", "Voxel from bottom to top", "mm", meaning="Side of a voxel along the body.", good="none"),
)
