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
    """

    key: str
    title: str
    unit: str
    meaning: str
    good: Literal["high", "low", "one", "none"]
    usual: tuple[float, float] | None = None
    source: str = ""
    needs_air: bool = False


_OWN = "T1-weighted scans of 19 people, measured with mriseg"
_ABIDE = "57 T1-weighted scans of four sites of ABIDE, in the table that MRIQC's authors published"
FIGURES = (
    Figure(
        "brain_parenchymal_fraction",
        "Brain parenchyma",
        "%",
        "Gray and white matter as a share of the cranial cavity; it falls with age and atrophy.",
        "none",
    ),
    Figure("gm_wm_ratio", "Gray to white matter", "", "Volume of gray matter over that of white matter.", "none"),
    Figure("icvs_gm", "Gray matter in the cavity", "%", "Gray matter as a share of the cranial cavity.", "none"),
    Figure("icvs_wm", "White matter in the cavity", "%", "White matter as a share of the cranial cavity.", "none"),
    Figure("icvs_csf", "Fluid in the cavity", "%", "Cerebrospinal fluid as a share of the cranial cavity.", "none"),
    Figure(
        "tissue_contrast",
        "Gray against white matter",
        "",
        "How far the brightness of gray matter lies from that of white matter, in their joint spread; below 1 the "
        "border between them is a guess.",
        "high",
        (1.9, 6.5),
        _OWN,
    ),
    Figure(
        "cnr",
        "Contrast to noise",
        "",
        "The difference of gray and white matter over the spread of both and the noise of the air together.",
        "high",
        (1.6, 2.0),
        _OWN,
        needs_air=True,
    ),
    Figure(
        "cjv",
        "Joint variation of gray and white matter",
        "",
        "The spreads of gray and white matter over the difference between them; movement and shading raise it.",
        "low",
        (0.4, 0.9),
        _OWN,
    ),
    Figure(
        "snr_total",
        "Signal to spread",
        "",
        "Brightness of a tissue over its own spread, mean of the three; in a picture it also depends on how black and "
        "white were set.",
        "high",
        (5.0, 9.0),
        _OWN,
    ),
    Figure("snr_gm", "Signal to spread, gray matter", "", "Brightness of gray matter over its own spread.", "high"),
    Figure("snr_wm", "Signal to spread, white matter", "", "Brightness of white matter over its own spread.", "high"),
    Figure("snr_csf", "Signal to spread, fluid", "", "Brightness of the fluid over its own spread.", "high"),
    Figure(
        "snrd_total",
        "Signal to noise",
        "",
        "Brightness of a tissue over the noise of the scanner, which the air around the head shows; mean of the three.",
        "high",
        (14.0, 70.0),
        _ABIDE,
        needs_air=True,
    ),
    Figure(
        "snrd_gm",
        "Signal to noise, gray matter",
        "",
        "Brightness of gray matter over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "snrd_wm",
        "Signal to noise, white matter",
        "",
        "Brightness of white matter over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "snrd_csf",
        "Signal to noise, fluid",
        "",
        "Brightness of the fluid over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "wm2max",
        "White matter against the brightest",
        "",
        "Brightness of white matter over that of the brightest voxels, which are fat and vessels in a T1-weighted scan "
        "of a whole head.",
        "none",
        (0.35, 0.67),
        _ABIDE,
    ),
    Figure(
        "inu_range",
        "Shading, 90 % of the brain",
        "",
        "By how much the sensitivity of the coil differs over the brain, its outermost twentieths left out; it was "
        "divided out.",
        "low",
        (0.19, 0.68),
        _ABIDE,
    ),
    Figure(
        "inu_med",
        "Typical shading",
        "",
        "The median of the coil's sensitivity over the brain, relative to its mean.",
        "one",
    ),
    Figure(
        "bias_range",
        "Shading, whole brain",
        "%",
        "By how much the brightest place of one tissue exceeds its darkest for the coil's sake; it was divided out.",
        "low",
        (0.05, 0.5),
        _OWN,
    ),
    Figure(
        "mixed_share",
        "Mixed voxels",
        "%",
        "Share of the brain's voxels that hold two tissues at once; it rises with the size of the voxels.",
        "low",
        (0.3, 0.5),
        _OWN,
    ),
    Figure(
        "mean_posterior",
        "Certainty of the labels",
        "%",
        "How sure the model is of a voxel's tissue, on average; a third would be a guess.",
        "high",
        (0.95, 1.0),
        _OWN,
    ),
    Figure(
        "efc",
        "Ghosts and blur",
        "",
        "Entropy of the whole image, 0 to 1: movement spreads light from the head into the air and raises it.",
        "low",
        (0.5, 0.9),
        _ABIDE,
        needs_air=True,
    ),
    Figure(
        "fber",
        "Head against air",
        "",
        "Energy of a voxel in the head over that of one in the air.",
        "high",
        (35.0, 4200.0),
        _ABIDE,
        needs_air=True,
    ),
    Figure("spacing_x", "Voxel from left to right", "mm", "Side of a voxel across the head.", "none"),
    Figure("spacing_y", "Voxel from back to front", "mm", "Side of a voxel along the head.", "none"),
    Figure("spacing_z", "Voxel from bottom to top", "mm", "Side of a voxel along the body.", "none"),
)
