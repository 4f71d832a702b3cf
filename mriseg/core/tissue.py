"""Tissues and contrasts: the only place that knows label numbers, names, colors and their order.

Numbers follow the BIDS common segmentation labels (1 gray matter, 2 white matter, 3 cerebrospinal
fluid); colors are three of the Okabe-Ito palette, chosen so that their luminance rises as the tissues
do on a T1-weighted scan and that they stay apart for color-blind readers and in a gray-scale print.
"""

from dataclasses import dataclass
from enum import Enum


class Tissue(Enum):
    """A tissue of the brain, in the order in which posteriors are stored.

    Examples
    --------
    >>> [(tissue.number, tissue.abbreviation) for tissue in Tissue]
    [(1, 'GM'), (2, 'WM'), (3, 'CSF')]
    """

    GM = (1, "Gray matter", "#E69F00")
    WM = (2, "White matter", "#F0E442")
    CSF = (3, "Cerebrospinal fluid", "#0072B2")

    def __init__(self, number: int, title: str, color: str) -> None:
        self.number = number
        self.title = title
        self.color = color

    @property
    def abbreviation(self) -> str:
        """Short name as in file names and JSON keys: GM, WM, CSF."""
        return self.name

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The color as red, green, blue in 0 to 255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue


@dataclass(frozen=True)
class Label:
    """What a label that is no tissue is called and drawn in.

    Attributes
    ----------
    number : int
        In label images, by the BIDS common segmentation labels.
    abbreviation : str
    title : str
    color : str
        As #RRGGBB.
    """

    number: int
    abbreviation: str
    title: str
    color: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The color as red, green, blue in 0 to 255."""
        red, green, blue = bytes.fromhex(self.color[1:])
        return red, green, blue


# What is unlike any of the tissues: BIDS calls it a lesion. Reddish purple is of the same palette as the tissues.
ABNORMAL = Label(7, "L", "Abnormal tissue", "#CC79A7")
LABELS = (*Tissue, ABNORMAL)  # all that a label in the brain can say, in the order in which it is listed
# What gray and white matter are called where they are counted as one; their color is then that of gray matter.
BRAIN_TISSUE, BRAIN_TISSUE_SHORT = "Gray and white matter", "GM+WM"
BACKGROUND = 0  # the label of everything outside the brain
NO_TISSUE = "No tissue"  # what voxels of the brain are called that no tissue explains, such as vessels and bone


class Contrast(Enum):
    """What the scan is weighted by, and with it the tissues from dark to bright.

    `UNKNOWN` is what a scan gets whose evidence fits none of the others; its order is then taken from the
    likeliest of them and the result says so.

    Examples
    --------
    >>> [tissue.name for tissue in Contrast.T1.dark_to_bright]
    ['CSF', 'GM', 'WM']
    """

    T1 = ("t1", "T1w", "T1-weighted", (Tissue.CSF, Tissue.GM, Tissue.WM))
    T2 = ("t2", "T2w", "T2-weighted", (Tissue.WM, Tissue.GM, Tissue.CSF))
    PD = ("pd", "PDw", "PD-weighted", (Tissue.WM, Tissue.GM, Tissue.CSF))
    FLAIR = ("flair", "FLAIR", "FLAIR", (Tissue.CSF, Tissue.WM, Tissue.GM))
    UNKNOWN = ("unknown", "unknown", "Unknown", ())

    def __init__(self, setting: str, suffix: str, title: str, dark_to_bright: tuple[Tissue, ...]) -> None:
        self.setting = setting
        self.suffix = suffix  # in file names and JSON, as BIDS has it
        self.title = title  # for people
        self.dark_to_bright = dark_to_bright

    @property
    def fluid_is_dark(self) -> bool:
        """Whether fluid gives the least signal of the three tissues; else it gives the most."""
        return self.dark_to_bright[:1] == (Tissue.CSF,)


# Of the tissues from dark to bright, as the contrasts have them.
ORDERS = tuple(dict.fromkeys(contrast.dark_to_bright for contrast in Contrast if contrast.dark_to_bright))
