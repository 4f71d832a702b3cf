"""From the entries of a DICOM header to frames: how each is stored, where it lies, and what may be said of it.

The entries are looked at while a source is listed and then dropped; what stays with a scan is where its slices are
stored and lie. Names, numbers and places of the person are read for one purpose, to withhold a description that holds
one of them.
"""

import re
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from unicodedata import combining, normalize

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.catalog import NOT_MR
from mriseg.io.dicom.dictionary import RLE
from mriseg.io.dicom.elements import DAMAGED, TOO_MANY_FRAMES, Budget, Elements, Value
from mriseg.io.dicom.pixels import Pixels
from mriseg.io.dicom.plane import DicomSlice, SlicePosition
from mriseg.io.dicom.series_name import shown_name
from mriseg.io.dicom.siemens_mosaic import NOT_UNFOLDED, unfold
from mriseg.io.file import CUT_SHORT, File

Tags = Mapping[str, Value]

NO_IMAGE = "The DICOM file holds no image but a report, a plan, a drawing or the like. Choose the MR series itself."
INDEX = "This is the index of a DICOM disc, which holds no images. Give the whole folder or disc."
IN_COLOR = "The DICOM slices are in color, as screenshots and fused maps are. Choose the gray series they show."
UNUSUAL = "The DICOM slices store their pixels in an unusual way. Export the series again, as MR images."
DISC_INDEX = "1.2.840.10008.1.3.10"
# What has pixels, or rows and columns, and yet is no image: segmentations, doses, spectra and presentations of images.
NO_IMAGE_CLASSES = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.481", "1.2.840.10008.5.1.4.1.1.4.2")
NO_IMAGE_MODALITIES = frozenset(("SEG", "SR", "KO", "PR", "RTDOSE", "RTSTRUCT", "RTPLAN", "REG", "FID", "RWV", "DOC"))
# Secondary captures often say "other" of what they were captured from.
MR_OR_UNSAID = frozenset(("MR", "OT", "SC", ""))
X_RAY = "an X-ray image"
MODALITIES = {
    "CT": "computed tomography (CT)",
    "PT": "positron emission tomography (PET)",
    "NM": "scintigraphy",
    "US": "ultrasound",
    **dict.fromkeys(("CR", "DX", "RG", "RF", "XA", "MG"), X_RAY),
}
# Of a title that has to fit in a list of choices.
MOST_DESCRIPTION_CHARACTERS = 60
# Bytes that are looked at: the standard allows 64 characters, of 4 bytes each at most.
MOST_DESCRIPTION_BYTES = 256
DATE_OR_NUMBER = re.compile(r"\d{6}|(?<!\d)\d{1,4}([./-])\d{1,2}\1\d{1,4}(?!\d)")  # of birth, of a patient
WORD = r"[^\W_]+"
# Other entries than these hold codes and titles of two letters.
LEAST_LETTERS = dict.fromkeys(("PatientName", "OtherPatientNames", "PatientBirthName"), 2)
IDENTIFYING = (
    *("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName"),
    *("AccessionNumber", "InstitutionName", "ReferringPhysicianName", "PhysiciansOfRecord"),
    *("PerformingPhysicianName", "OperatorsName"),
)
CHARACTER_SETS = {"ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}
LONGEST_COSINE_ERROR = 0.02  # of directions that should be at right angles and of length 1; headers round to 4 digits
FARTHEST_MM = 1e4  # from a scanner's center
MOST_WHOLE = 10**9
STEEPEST_SCALE = 1e30  # what is beyond cannot be held in float32 any more


@dataclass(frozen=True, eq=False)
class Frame:
    """A slice with what its header says of it, while it is sorted in."""

    plane: DicomSlice
    tags: Tags


def is_index(elements: Elements) -> bool:
    """Whether the file lists others, as on a disc.

    Parameters
    ----------
    elements : Elements
        What is wanted of a file's header.
    """
    return elements.entries.get("MediaStorageSOPClassUID") == DISC_INDEX


def is_image(elements: Elements) -> bool:
    """Whether the file holds an image, be it readable or not.

    Parameters
    ----------
    elements : Elements
        What is wanted of a file's header.
    """
    tags = elements.entries
    if text(tags, "SOPClassUID").startswith(NO_IMAGE_CLASSES) or text(tags, "Modality") in NO_IMAGE_MODALITIES:
        return False
    return elements.pixels is not None or "Rows" in tags


def frames_of(file: File, elements: Elements, budget: Budget) -> list[Frame]:
    """The slices of a file.

    Parameters
    ----------
    file : File
    elements : Elements
        What is wanted of a file's header.
    budget : Budget
        What the headers of one source may still cost.

    Returns
    -------
    list of Frame

    Raises
    ------
    ReadError
        If it is no gray-scale MR image, damaged, or holds less than its header announces.
    TooLargeError
        If a slice or the number of slices is too large.
    """
    tags = elements.entries
    vendor_header = tags.pop("CSAImageHeader", b"")  # long, and needed only here
    assert isinstance(vendor_header, bytes)
    modality = text(tags, "Modality").upper()
    if modality not in MR_OR_UNSAID:
        raise ReadError(NOT_MR.format(MODALITIES.get(modality, "another kind of image")))
    kind = text(tags, "PhotometricInterpretation").upper()
    if number(tags, "SamplesPerPixel", 1) != 1 or kind not in ("MONOCHROME1", "MONOCHROME2", ""):
        raise ReadError(IN_COLOR)
    pixels = _pixels(file, elements)
    if not elements.frames:
        _count(pixels.count, budget)
    elif len(elements.frames) != pixels.count:
        raise ReadError(DAMAGED)
    pixels.check(elements.length)
    groups = elements.frames or [{} for _ in range(pixels.count)]
    every = [ChainMap(group, elements.shared, tags) for group in groups]
    # What the header says of the file's place cannot be true of each of several frames.
    is_placed = bool(elements.frames) or pixels.count == 1
    frames = [
        Frame(DicomSlice(pixels, index, _scaling(tags), _place(tags) if is_placed else None), tags)
        for index, tags in enumerate(every)
    ]
    if "MOSAIC" not in words(tags, "ImageType"):
        return frames
    if len(frames) > 1:  # scanners write each mosaic into a file of its own; the tiles of many could be millions
        raise ReadError(NOT_UNFOLDED)
    tiles = [Frame(tile, frame.tags) for frame in frames for tile in unfold(frame.plane, vendor_header)]
    _count(len(tiles), budget)
    return tiles


def _count(frames: int, budget: Budget) -> None:
    budget.frames -= frames
    if budget.frames < 0:
        raise TooLargeError(TOO_MANY_FRAMES)


def _pixels(file: File, elements: Elements) -> Pixels:
    tags = elements.entries
    if elements.pixels is None:
        raise ReadError(CUT_SHORT)
    rows, columns = whole(tags, "Rows"), whole(tags, "Columns")
    limits.check_shape((rows, columns))
    allocated = {"float": 32, "double": 64}.get(elements.pixels) or whole(tags, "BitsAllocated")
    stored = whole(tags, "BitsStored", allocated) if elements.pixels == "integer" else allocated
    high_bit = whole(tags, "HighBit", stored - 1) if elements.pixels == "integer" else stored - 1
    if allocated not in (8, 16, 32, 64) or (allocated == 64 and elements.pixels == "integer"):
        raise ReadError(UNUSUAL)
    if not 1 <= stored <= high_bit + 1 <= allocated:
        raise ReadError(DAMAGED)
    code = "f" if elements.pixels != "integer" else "i" if whole(tags, "PixelRepresentation", 0) else "u"
    count = whole(tags, "NumberOfFrames", 1)
    if count < 1:
        raise ReadError(DAMAGED)
    return Pixels(
        file=file,
        offset=elements.offset,
        deflated_at=elements.deflated_at,
        is_plain=elements.length is not None,
        is_rle=tags.get("TransferSyntaxUID") == RLE,
        shape=(rows, columns),
        count=count,
        dtype=np.dtype(f"{'>' if elements.big_endian else '<'}{code}{allocated // 8}"),
        bits_stored=stored,
        high_bit=high_bit,
        swapped_words=elements.swapped_words,
        is_inverted=text(tags, "PhotometricInterpretation").upper() == "MONOCHROME1",
    )


def _scaling(tags: Tags) -> tuple[float, float]:
    slope, intercept = number(tags, "RescaleSlope", 1), number(tags, "RescaleIntercept", 0)
    # A slope of zero, or one that no number survives, was never meant.
    if not 0 < abs(slope) < STEEPEST_SCALE or not abs(intercept) < STEEPEST_SCALE:
        return 1.0, 0.0
    return slope, intercept


def _place(tags: Tags) -> SlicePosition | None:
    position = numbers(tags, "ImagePositionPatient", 3)
    directions = numbers(tags, "ImageOrientationPatient", 6)
    spacing = numbers(tags, "PixelSpacing", 2)
    low, high = limits.VOXEL_SIDES_MM
    if position is None or directions is None or spacing is None:
        return None
    if (
        max(map(abs, position)) > FARTHEST_MM
        or max(map(abs, directions)) > 1 + LONGEST_COSINE_ERROR
        or not all(low < side < high for side in spacing)
    ):
        return None
    across, down = np.array(directions[:3]), np.array(directions[3:])
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(across @ down)) > LONGEST_COSINE_ERROR:
        return None
    apart, thickness = (
        side if low < (side := abs(number(tags, keyword, 0))) < high else None
        for keyword in ("SpacingBetweenSlices", "SliceThickness")
    )
    units = (*(across / lengths[0]).tolist(), *(down / lengths[1]).tolist())
    return SlicePosition(position, units, (spacing[1], spacing[0]), thickness=thickness, apart=apart)


def text(tags: Tags, keyword: str) -> str:
    """The text of an entry; empty without one.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    keyword : str
        Of the DICOM dictionary.

    Returns
    -------
    str
    """
    value = tags.get(keyword, "")
    return value if isinstance(value, str) else ""


def words(tags: Tags, keyword: str) -> tuple[str, ...]:
    """The values of an entry of several, in capitals.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    keyword : str
        Of the DICOM dictionary.

    Returns
    -------
    tuple of str
        In capitals.
    """
    return tuple(word.strip().upper() for word in text(tags, keyword).split("\\") if word.strip())


def number(tags: Tags, keyword: str, default: float) -> float:
    """The first number of an entry; the default where there is none.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    keyword : str
        Of the DICOM dictionary.
    default : float
        What stands for an entry that is absent or no number.

    Returns
    -------
    float
    """
    values = numbers(tags, keyword, 1)
    return default if values is None else values[0]


def numbers(tags: Tags, keyword: str, count: int) -> tuple[float, ...] | None:
    """The first numbers of an entry; None if it has fewer or one of them is none.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    keyword : str
        Of the DICOM dictionary.
    count : int
        How many are wanted.

    Returns
    -------
    tuple of float or None
    """
    value = tags.get(keyword)
    if not isinstance(value, tuple) or len(value) < count or not all(map(isfinite, value[:count])):
        return None
    return value[:count]


def whole(tags: Tags, keyword: str, default: float = 0) -> int:
    """The whole number of an entry, within what is told apart of absurd ones.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.
    keyword : str
        Of the DICOM dictionary.
    default : float
        What stands for an entry that is absent or no number.

    Returns
    -------
    int
    """
    return int(max(-MOST_WHOLE, min(number(tags, keyword, default), MOST_WHOLE)))


def description(tags: Tags) -> str:
    """What the series is called, up to `MOST_DESCRIPTION_CHARACTERS`, without what is no word of such names.

    Empty where it holds a name, number or place that the header has of the person, which may be such a word, too.

    Parameters
    ----------
    tags : Tags
        The entries of a header, by keyword.

    Returns
    -------
    str
    """
    called = _decoded(tags, "SeriesDescription") or _decoded(tags, "ProtocolName")
    if DATE_OR_NUMBER.search(called):
        return ""
    for keyword in IDENTIFYING:
        least = LEAST_LETTERS.get(keyword, 3)
        if any(
            _holds(spelled(called), spelled(_decoded(tags, keyword)), least) for spelled in (_plain, _without_umlauts)
        ):
            return ""
    return shown_name(called)[:MOST_DESCRIPTION_CHARACTERS].strip()


def _decoded(tags: Tags, keyword: str) -> str:
    codec = CHARACTER_SETS.get(text(tags, "SpecificCharacterSet").split("\\")[0], "ascii")
    return text(tags, keyword)[:MOST_DESCRIPTION_BYTES].encode("latin-1").decode(codec, "ignore").strip()


def _plain(text: str) -> str:
    """In small letters without accents."""
    return "".join(letter for letter in normalize("NFKD", text.casefold()) if not combining(letter))


def _without_umlauts(text: str) -> str:
    """The same with the letters that German writes for an umlaut made one."""
    return re.sub("([aou])e", r"\1", _plain(text))


def _holds(called: str, names: str, least: int) -> bool:
    """Whether a text holds one of some names as a word, and of the longer ones as a part of a word."""
    words = set(re.findall(WORD, called))
    for name in re.findall(WORD, names):
        if len(name) >= least and (name in words or (len(name) > 3 and name in called)):
            return True
        if len(name) == 3 and any(len(word) == 4 and name in word for word in words):  # with an initial
            return True
    return False
