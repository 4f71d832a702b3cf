"""A reference segmentation that somebody gives: whole numbers on a scan's grid, or the colors of a picture.

Which number is which tissue is not known here, see `mriseg.evaluation.agreement.match_labels`.
"""

import numpy as np
import PIL.Image

from mriseg.core.errors import ColorError, ReadError
from mriseg.core.scan import Scan
from mriseg.core.tissue import BACKGROUND, LABELS
from mriseg.io.file import File
from mriseg.io.guards.png import DAMAGED
from mriseg.io.pictures.colormap import MARKS, TINTED
from mriseg.io.pictures.grayscale import LUMINANCE
from mriseg.io.pictures.picture import FORMATS, is_picture, read_picture
from mriseg.io.reader import Source, check_shape, read_on_grid
from mriseg.io.silence import quiet
from mriseg.io.sources import files

MOST_LABELS = 64  # FreeSurfer's aseg has 45; scans have more gray levels, and so have pictures with blurred borders
MOST_NUMBER = np.iinfo(np.uint16).max  # FreeSurfer's go up to 14 175
ROUNDING = 1e-3  # scaled by a factor in the header, whole numbers come out a little off
OPAQUE = 128  # of 255
REFERENCE = "reference segmentation"
EMPTY = "The reference segmentation is 0 everywhere. Give the file that the labels are in."
FRACTIONS = (
    "The reference segmentation holds values that are no whole numbers from 0 to 65535, as maps of probabilities and "
    "scans do. Give the map of labels."
)
TOO_MANY = (
    f"The reference segmentation holds more than {MOST_LABELS} different {{}}, so it is a scan or too fine a division "
    "to be one of tissues. Give a map of fewer labels{}."
)
COLORS = "The reference segmentation is in colors that are not read from a file of its kind. Save it as PNG."
NUMBERS, GRAYS = ("numbers", ""), ("gray levels or colors", ", as PNG: JPEG blurs their borders")


def read_labels(source: Source, scan: Scan) -> np.ndarray:
    """Read a reference segmentation: an image on the grid of a scan whose numbers are labels.

    Parameters
    ----------
    source
        As for `mriseg.io.reader`.
    scan : Scan
        That it belongs to.

    Returns
    -------
    ndarray of uint16, shape of the scan
        Numbers as stored, the levels of a gray picture among them and the indices of a palette that has our tissues'
        colors at their numbers; 0 is background. The colors of other pictures are numbered from 1 by their luminance;
        black and what is transparent are 0.

    Raises
    ------
    ReadError
        If it cannot be read, lies on another grid, or is no map of labels.
    """
    given = [file for file in files(source) if not file.is_beside] if scan.kind == "picture" else []
    if len(given) == 1 and is_picture(given[0].start()):
        numbers = _numbered(_pixels(given[0], scan))
    else:
        numbers = _image(source, scan).data
    if numbers.min() < -ROUNDING or numbers.max() > MOST_NUMBER:
        raise ReadError(FRACTIONS)
    labels = np.rint(numbers).astype(np.uint16)
    off = numbers - labels
    if max(off.max(), -off.min()) > ROUNDING:
        raise ReadError(FRACTIONS)
    is_there = np.zeros(MOST_NUMBER + 1, bool)
    is_there[labels.ravel(order="K")] = True
    if not is_there[1:].any():
        raise ReadError(EMPTY)
    if np.count_nonzero(is_there[1:]) > MOST_LABELS:
        raise ReadError(TOO_MANY.format(*(GRAYS if scan.kind == "picture" else NUMBERS)))
    return labels


def _image(source: Source, scan: Scan) -> Scan:
    """An image of numbers: a volume, or a picture in gray."""
    try:
        image = read_on_grid(source, scan, REFERENCE)
    except ColorError as error:
        raise ReadError(COLORS) from error
    if {MARKS, TINTED} & set(image.notes):
        raise ReadError(COLORS)
    return image


def _pixels(file: File, scan: Scan) -> np.ndarray:
    """A picture as it is stored: gray levels, or red, green, blue and opacity. The first one of an animation."""
    read_picture(file, ())  # refuses what is too large or costs more than it should
    with file.open_anywhere() as stream, quiet("PIL"):
        try:
            with PIL.Image.open(stream, formats=FORMATS) as image:
                is_gray = image.mode in ("1", "L", "F") or image.mode.startswith("I") or _is_our_palette(image)
                pixels = np.asarray(image if is_gray and not image.has_transparency_data else image.convert("RGBA"))
        except Exception as error:  # Pillow raises whatever its format libraries think of
            raise ReadError(DAMAGED) from error
    check_shape(pixels.shape[:2], scan, REFERENCE)
    return pixels


def _is_our_palette(image: PIL.Image.Image) -> bool:
    """Whether a picture's palette has the colors of the tissues at their numbers: its indices are labels."""
    palette = image.getpalette() if image.mode == "P" else None
    if palette is None:
        return False
    colors = {BACKGROUND: (0, 0, 0)} | {label.number: label.rgb for label in LABELS}
    used = [index for index, count in enumerate(image.histogram()) if count]
    return all(tuple(palette[3 * index : 3 * index + 3]) == colors.get(index) for index in used)


def _numbered(pixels: np.ndarray) -> np.ndarray:
    """The number of each pixel: its gray level, or in a picture with colors the rank of its color by luminance."""
    if pixels.ndim == 2:
        return pixels.astype(np.int32)
    code = np.zeros(pixels.shape[:2], np.int32)
    for channel in range(3):
        code = code << 8 | pixels[..., channel]
    code[pixels[..., 3] < OPAQUE] = 0
    is_there = np.zeros(1 << 24, bool)
    is_there[code.ravel()] = True
    codes = np.flatnonzero(is_there)
    red, green, blue = codes >> 16, codes >> 8 & 255, codes & 255
    if (red == green).all() and (green == blue).all():
        return code & 255
    if len(codes) > MOST_LABELS + 1:
        raise ReadError(TOO_MANY.format(*GRAYS))
    luminance = np.stack([red, green, blue], 1) @ LUMINANCE
    numbers = np.zeros(1 << 24, np.uint8)
    numbers[codes[np.argsort(luminance, kind="stable")]] = np.arange(len(codes)) + (codes[0] != 0)
    return numbers[code]
