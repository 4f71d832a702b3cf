"""The figures of quality: what each is called, means and usually is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mriseg.core.tissue import Contrast


class Group(StrEnum):
    """What a figure tells of; the value is the heading for people."""

    VOLUMES = "Volumes"
    IMAGE = "Image quality"
    MODEL = "Model"


class Mark(StrEnum):
    """Where a value lies beside what is usual; the value is what people read."""

    NONE = ""
    BELOW = "below usual"
    ABOVE = "above usual"


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
    group : Group
    letters : str
        By which neuroimagers know it, MRIQC's where it is MRIQC's figure; "" without any.
    usual : tuple of float or None
        Least and largest value that is usual in a T1-weighted volume; see `usual_of`.
    source : str
        Of what is usual; "" without it.
    needs_air : bool
        Whether it is absent where no noise of air can be seen.
    is_certainty : bool
        Whether it is a probability by our own model, which is never shown as 100 %.
    is_part : bool
        Whether it says in parts what another figure says as a whole.
    """

    key: str
    title: str
    unit: str
    meaning: str
    good: Literal["high", "low", "one", "none"]
    group: Group
    letters: str = ""
    usual: tuple[float, float] | None = None
    source: str = ""
    needs_air: bool = False
    is_certainty: bool = False
    is_part: bool = False

    @property
    def name(self) -> str:
        """Title and letters."""
        return f"{self.title} ({self.letters})" if self.letters else self.title

    def usual_of(self, contrast: Contrast, dimensions: int) -> tuple[float, float] | None:
        """What is usual in scans of this kind, where that was measured.

        Parameters
        ----------
        contrast : Contrast
        dimensions : int
            2 for a picture, whose gray levels were chosen by whoever saved it; 3 for a volume.

        Returns
        -------
        tuple of float or None
            Least and largest value.

        Examples
        --------
        >>> cjv = next(figure for figure in FIGURES if figure.letters == "CJV")
        >>> cjv.usual_of(Contrast.T1, 3), cjv.usual_of(Contrast.FLAIR, 3), cjv.usual_of(Contrast.T1, 2)
        ((0.4, 0.9), None, None)
        """
        return self.usual if contrast is Contrast.T1 and dimensions > 2 else None


def mark(value: float, usual: tuple[float, float] | None) -> Mark:
    """Where a value lies beside what is usual.

    Parameters
    ----------
    value : float
    usual : tuple of float or None
        Least and largest; None where that is not known.

    Returns
    -------
    Mark

    Examples
    --------
    >>> [mark(value, (0.4, 0.9)).value for value in (0.3, 0.4, 1.0)]
    ['below usual', '', 'above usual']
    """
    if usual is None or usual[0] <= value <= usual[1]:
        return Mark.NONE
    return Mark.BELOW if value < usual[0] else Mark.ABOVE


def usual_text(figure: Figure, usual: tuple[float, float]) -> str:
    """What is usual as people read it.

    Parameters
    ----------
    figure : Figure
    usual : tuple of float
        Least and largest value.

    Returns
    -------
    str

    Examples
    --------
    >>> usual_text(FIGURES[0], (0.7, 0.9))
    '70–90 %'
    """
    low, high = usual
    if figure.unit == "%":
        return f"{100 * low:g}–{100 * high:g} %"
    return f"{low:g}–{high:g}"


# Measured on T1-weighted volumes: BrainWeb's with 3 % noise, Colin 27, eight children's slabs, seven of IBSR and two
# with multiple sclerosis (`benchmarks/quality.py` prints them).
_OWN = "T1-weighted scans of 19 people, measured with mriseg"
_ABIDE = "57 T1-weighted scans of four sites of ABIDE, in the table that MRIQC's authors published"
FIGURES = (
    Figure(
        "brain_parenchymal_fraction",
        "Brain parenchymal fraction",
        "%",
        meaning="Gray and white matter as a share of intracranial volume, without abnormal tissue; it falls with age "
        "and atrophy.",
        good="none",
        group=Group.VOLUMES,
        letters="BPF",
    ),
    Figure(
        "gm_wm_ratio",
        "Gray/white ratio",
        "",
        meaning="Volume of gray matter divided by that of white matter.",
        good="none",
        group=Group.VOLUMES,
        letters="GM/WM",
    ),
    *(
        Figure(
            f"icvs_{key}",
            f"{title}, share of intracranial volume",
            "%",
            meaning=f"{title} as a share of intracranial volume.",
            good="none",
            group=Group.VOLUMES,
            is_part=True,
        )
        for key, title in (("gm", "Gray matter"), ("wm", "White matter"), ("csf", "Cerebrospinal fluid"))
    ),
    Figure(
        "tissue_contrast",
        "Separation of GM and WM",
        "",
        meaning="Distance of their mean intensities in units of their joint spread; below 1: not separable.",
        good="high",
        group=Group.IMAGE,
        usual=(1.9, 6.5),
        source=_OWN,
    ),
    Figure(
        "fluid_contrast",
        "Separation of CSF and GM",
        "",
        meaning="Distance of their mean intensities in units of their joint spread; below 2: hardly separable.",
        good="high",
        group=Group.IMAGE,
        usual=(3.0, 9.0),
        source=_OWN,
    ),
    Figure(
        "cnr",
        "Contrast to noise",
        "",
        meaning="Difference of gray and white matter divided by the spread of both and of the air.",
        good="high",
        group=Group.IMAGE,
        letters="CNR",
        usual=(1.6, 2.0),
        source=_OWN,
        needs_air=True,
    ),
    Figure(
        "cjv",
        "Joint variation of GM and WM",
        "",
        meaning="Spreads of both divided by their difference; motion and bias field raise it.",
        good="low",
        group=Group.IMAGE,
        letters="CJV",
        usual=(0.4, 0.9),
        source=_OWN,
    ),
    Figure(
        "snr_total",
        "Signal to noise within tissue",
        "",
        meaning="Intensity of a tissue divided by its own spread, mean of the three; windowing changes it.",
        good="high",
        group=Group.IMAGE,
        letters="SNR",
        usual=(5.0, 9.0),
        source=_OWN,
    ),
    *(
        Figure(
            f"snr_{key}",
            f"SNR within {title}",
            "",
            meaning=f"Intensity of {title} divided by its own spread.",
            good="high",
            group=Group.IMAGE,
            is_part=True,
        )
        for key, title in (("gm", "gray matter"), ("wm", "white matter"), ("csf", "cerebrospinal fluid"))
    ),
    Figure(
        "snrd_total",
        "Signal to noise against air",
        "",
        meaning="Intensity of a tissue divided by the noise in the air around the head, mean of the three.",
        good="high",
        group=Group.IMAGE,
        letters="SNRd",
        usual=(14.0, 70.0),
        source=_ABIDE,
        needs_air=True,
    ),
    *(
        Figure(
            f"snrd_{key}",
            f"SNRd of {title}",
            "",
            meaning=f"Intensity of {title} divided by the noise in the air.",
            good="high",
            group=Group.IMAGE,
            needs_air=True,
            is_part=True,
        )
        for key, title in (("gm", "gray matter"), ("wm", "white matter"), ("csf", "cerebrospinal fluid"))
    ),
    Figure(
        "wm2max",
        "White matter to maximum",
        "",
        meaning="Intensity of white matter divided by that of the brightest voxels, as of fat and vessels.",
        good="none",
        group=Group.IMAGE,
        letters="WM2MAX",
        usual=(0.35, 0.67),
        source=_ABIDE,
    ),
    Figure(
        "inu_range",
        "Bias field, 90 % of the brain",
        "",
        meaning="Intensity variation caused by the coil, 5th to 95th percentile, before correction.",
        good="low",
        group=Group.IMAGE,
        letters="INU range",
        usual=(0.19, 0.68),
        source=_ABIDE,
    ),
    Figure(
        "inu_med",
        "Bias field, median",
        "",
        meaning="Median of the bias field over the brain, relative to its mean.",
        good="one",
        group=Group.IMAGE,
        letters="INU median",
    ),
    Figure(
        "bias_range",
        "Bias field, full range",
        "%",
        meaning="Intensity variation within one tissue caused by the coil (bias field), before correction.",
        good="low",
        group=Group.IMAGE,
        usual=(0.05, 0.5),
        source=_OWN,
    ),
    Figure(
        "mixed_share",
        "Partial-volume voxels",
        "%",
        meaning="Share of the brain's voxels that hold two tissues; it rises with voxel size.",
        good="low",
        group=Group.MODEL,
        usual=(0.3, 0.5),
        source=_OWN,
    ),
    Figure(
        "misfit",
        "Misfit of the curves",
        "%",
        meaning="Share of the brain's voxels whose intensities the fitted curves do not explain.",
        good="low",
        group=Group.MODEL,
        usual=(0.005, 0.05),
        source=_OWN,
    ),
    Figure(
        "misfit_by_chance",
        "Misfit expected by chance",
        "%",
        meaning="What the misfit would be if the curves were right: a histogram of few voxels is ragged.",
        good="none",
        group=Group.MODEL,
    ),
    Figure(
        "misfit_below",
        "Misfit below all tissues",
        "%",
        meaning="The part of the misfit below the mean of the darkest tissue.",
        good="low",
        group=Group.MODEL,
        is_part=True,
    ),
    Figure(
        "misfit_between",
        "Misfit between the tissues",
        "%",
        meaning="The part of the misfit between the means of the tissues.",
        good="low",
        group=Group.MODEL,
        is_part=True,
    ),
    Figure(
        "misfit_above",
        "Misfit above all tissues",
        "%",
        meaning="The part of the misfit above the mean of the brightest tissue.",
        good="low",
        group=Group.MODEL,
        is_part=True,
    ),
    Figure(
        "position_weight",
        "Weight of the anatomical prior",
        "",
        meaning="Logarithm of the factor by which gray or white matter would differ without it; 0: not at all.",
        good="low",
        group=Group.MODEL,
        usual=(0.02, 0.25),
        source=_OWN,
    ),
    Figure(
        "mean_posterior",
        "Certainty of the labels",
        "%",
        meaning="Probability of the assigned tissue, mean over all voxels; 33 % = chance.",
        good="high",
        group=Group.MODEL,
        usual=(0.95, 1.0),
        source=_OWN,
        is_certainty=True,
    ),
    Figure(
        "efc",
        "Ghosting and blur",
        "",
        meaning="Entropy focus criterion of the whole image, 0 to 1; motion raises it.",
        good="low",
        group=Group.IMAGE,
        letters="EFC",
        usual=(0.5, 0.9),
        source=_ABIDE,
        needs_air=True,
    ),
    Figure(
        "fber",
        "Head to air",
        "",
        meaning="Foreground-to-background energy ratio: a voxel in the head over one in the air.",
        good="high",
        group=Group.IMAGE,
        letters="FBER",
        usual=(35.0, 4200.0),
        source=_ABIDE,
        needs_air=True,
    ),
    *(
        Figure(f"spacing_{axis}", f"Voxel size, {way}", "mm", meaning=meaning, good="none", group=Group.IMAGE)
        for axis, way, meaning in (
            ("x", "left to right", "Side of a voxel across the head."),
            ("y", "back to front", "Side of a voxel along the head."),
            ("z", "bottom to top", "Side of a voxel along the body."),
        )
    ),
)
