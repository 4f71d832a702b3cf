"""Slices as pictures for the screen: gray levels, tissues in their colors, letters for the sides of the body.

Everything here takes canonical axes (left to right, posterior to anterior, inferior to superior), so that a slice
is upright whatever the axis order of the file.
"""

import io
from dataclasses import dataclass
from enum import Enum

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from mriseg.core.tissue import ABNORMAL, BACKGROUND, LABELS, Tissue

LETTER_SIZE, LETTER_MARGIN = 18, 6  # pixels of the picture on the screen
LETTER_GRAY, SHADE_GRAY = 235, 0
SCALE_BAR_MM = 50
STRIPE = 3  # pixels: as wide are the stripes of abnormal tissue, told apart by them where colors are not, and the gaps
WHITE_PERCENTILE = 99.8  # of the brain: the brightest of it is white, fat around it may be cut off
BLACK_PERCENTILE = 1.0  # of the whole image: air


class AnatomicalPlane(Enum):
    """A plane of the body: the canonical axis across it, and the letters at left, right, top and bottom.

    Letters are those of the radiological convention: who looks at the slice faces the patient or stands at the feet,
    so that the patient's right is at the left of the screen.
    """

    AXIAL = ("Axial", 2, ("R", "L", "A", "P"))
    CORONAL = ("Coronal", 1, ("R", "L", "S", "I"))
    SAGITTAL = ("Sagittal", 0, ("A", "P", "S", "I"))

    def __init__(self, title: str, axis: int, letters: tuple[str, str, str, str]) -> None:
        self.title = title
        self.axis = axis
        self.letters = letters

    def caption(self, planes_known: bool) -> str:
        """What the plane is called, or where the header's axes are wrong its number.

        Parameters
        ----------
        planes_known : bool
            As of `mriseg.segmentation.result.Result`.

        Returns
        -------
        str
        """
        return self.title if planes_known else f"Plane {self.axis + 1}"

    @property
    def shows_sides(self) -> bool:
        """Whether left and right of the body lie in the plane."""
        return self is not AnatomicalPlane.SAGITTAL


@dataclass(frozen=True)
class View:
    """How a scan is shown.

    Attributes
    ----------
    plane : AnatomicalPlane or None
        None for a picture, which is shown as it came.
    index : int
        Of the slice along the plane's axis.
    radiological : bool
        Whether the patient's right is at the left of the screen.
    sides_known : bool
        Whether the file says which side is left; without that no letter is drawn.
    """

    plane: AnatomicalPlane | None
    index: int = 0
    radiological: bool = True
    sides_known: bool = True

    @property
    def letters(self) -> tuple[str, str, str, str] | None:
        """What to write at left, right, top and bottom; None for a picture."""
        if self.plane is None or not self.sides_known:
            return None
        left, right, top, bottom = self.plane.letters
        if self.plane.shows_sides and not self.radiological:
            left, right = right, left
        return left, right, top, bottom


def default_plane(spacing: tuple[float, ...]) -> AnatomicalPlane:
    """The plane in which a volume was acquired, across its thickest voxel side; axial if they are alike.

    Parameters
    ----------
    spacing : tuple of float
        Voxel sides along canonical axes, mm.

    Returns
    -------
    AnatomicalPlane

    Examples
    --------
    >>> default_plane((1.0, 5.0, 1.0))
    <AnatomicalPlane.CORONAL: ('Coronal', 1, ('R', 'L', 'S', 'I'))>
    """
    thickest = max(range(3), key=lambda axis: (spacing[axis], axis))
    return next(plane for plane in AnatomicalPlane if plane.axis == thickest)


def cut(array: np.ndarray, view: View) -> np.ndarray:
    """One slice as rows and columns, upright.

    Parameters
    ----------
    array : ndarray of shape (i, j, k) or (i, j, k, channels) in canonical axes, or (rows, columns) of a picture
    view : View

    Returns
    -------
    ndarray of shape (rows, columns) or (rows, columns, channels)
        A view of `array`.
    """
    if view.plane is None:
        return array
    # Indexed, not taken: numpy's `take` first copies all of an array that is a flipped view.
    piece = np.swapaxes(np.moveaxis(array, view.plane.axis, 0)[view.index], 0, 1)[::-1]
    # The first column of canonical axes is left or posterior; the radiological order is right or anterior first.
    mirrored = view.radiological or not view.plane.shows_sides
    return piece[:, ::-1] if mirrored else piece


def pixel_sides(spacing: tuple[float, ...] | None, view: View) -> tuple[float, float]:
    """Height and width of a pixel of the slice in mm, or 1 and 1 where unknown.

    Parameters
    ----------
    spacing : tuple of float or None
        Voxel sides along canonical axes, mm.
    view : View

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> pixel_sides((1.0, 2.0, 3.0), View(AnatomicalPlane.SAGITTAL))
    (3.0, 2.0)
    """
    if view.plane is None or spacing is None:
        return 1.0, 1.0
    width, height = (side for axis, side in enumerate(spacing) if axis != view.plane.axis)
    return height, width


def window(data: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Intensities that are shown black and white: from air to the brightest of the brain.

    Parameters
    ----------
    data : ndarray
        The whole image.
    mask : ndarray of bool, same shape
        The brain, not empty.

    Returns
    -------
    tuple of float
        In the unit of `data`.
    """
    low = float(np.percentile(data, BLACK_PERCENTILE))
    high = float(np.percentile(data[mask], WHITE_PERCENTILE))
    return (low, high) if high > low else (float(data.min()), float(data.max()))


def gray(piece: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """A slice in 256 gray levels.

    Parameters
    ----------
    piece : ndarray of shape (rows, columns)
        Intensities.
    limits : tuple of float
        Those shown black and white.

    Returns
    -------
    ndarray of uint8, same shape

    Examples
    --------
    >>> gray(np.array([[-5.0, 0.0, 50.0, 100.0, 120.0]]), (0.0, 100.0)).tolist()
    [[0, 0, 128, 255, 255]]
    """
    low, high = limits
    return (255 * np.clip((piece - low) / (high - low), 0, 1) + 0.5).astype(np.uint8)


def colored(levels: np.ndarray, labels: np.ndarray, opacity: float) -> np.ndarray:
    """Gray levels with the tissues in their colors over them, and stripes over what is abnormal.

    Parameters
    ----------
    levels, labels : ndarray of uint8, shape (rows, columns)
    opacity : float
        0 shows the gray level alone, 1 the color alone.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
    """
    colors = np.zeros((max(label.number for label in LABELS) + 1, 3), np.float32)
    for label in LABELS:
        colors[label.number] = label.rgb
    mixed = np.repeat(levels[..., None], 3, -1)
    inside = labels != BACKGROUND
    mixed[inside] = (1 - opacity) * mixed[inside] + opacity * colors[labels[inside]] + 0.5
    mixed[(labels == ABNORMAL.number) & stripes(labels.shape)] = ABNORMAL.rgb
    return mixed


def stripes(shape: tuple[int, ...]) -> np.ndarray:
    """Stripes that rise to the right.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    ndarray of bool, that shape

    Examples
    --------
    >>> stripes((2, 9)).astype(int).tolist()
    [[1, 1, 1, 0, 0, 0, 1, 1, 1], [1, 1, 0, 0, 0, 1, 1, 1, 0]]
    """
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows + columns) % (2 * STRIPE) < STRIPE


def enlarge(image: np.ndarray, sides: tuple[float, float], frame: tuple[int, int], smooth: bool) -> np.ndarray:
    """Scale a picture to square pixels so that it fills a frame, without cutting any of it off.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns) or (rows, columns, 3)
    sides : tuple of float
        Height and width of its pixels in mm.
    frame : tuple of int
        The most rows and columns of the result.
    smooth : bool
        Whether to interpolate; colors of labels must not.

    Returns
    -------
    ndarray of uint8
        With square pixels.
    """
    height, width = image.shape[0] * sides[0], image.shape[1] * sides[1]
    scale = min(frame[0] / height, frame[1] / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Where it shrinks each pixel must stand for all that it covers.
    shrinks = size[0] < image.shape[1] or size[1] < image.shape[0]
    smoothly = PIL.Image.Resampling.BOX if shrinks else PIL.Image.Resampling.BICUBIC
    method = smoothly if smooth else PIL.Image.Resampling.NEAREST
    return np.asarray(PIL.Image.fromarray(np.ascontiguousarray(image)).resize(size, method))


def annotated(image: np.ndarray, view: View, pixel_mm: float | None, size: int = 1) -> np.ndarray:
    """The picture with the letters of its sides and a bar of 50 mm.

    Parameters
    ----------
    image : ndarray of uint8
        With square pixels.
    view : View
    pixel_mm : float or None
        Side of a pixel; None where unknown, then there is no bar.
    size : int
        By which letters and bar are larger than on the screen.

    Returns
    -------
    ndarray of uint8, same shape
        The picture itself where there is nothing to write.
    """
    if view.letters is None and pixel_mm is None:
        return image
    canvas = PIL.Image.fromarray(image)
    draw = PIL.ImageDraw.Draw(canvas)
    ink, shade = ((g,) * 3 if canvas.mode == "RGB" else g for g in (LETTER_GRAY, SHADE_GRAY))
    width, height = canvas.size
    margin = LETTER_MARGIN * size
    if view.letters is not None:
        font = PIL.ImageFont.load_default(LETTER_SIZE * size)
        positions = (
            (margin, height / 2, "lm"),
            (width - margin, height / 2, "rm"),
            (width / 2, margin, "mt"),
            (width / 2, height - margin, "mb"),
        )
        for letter, (x, y, anchor) in zip(view.letters, positions, strict=True):
            draw.text((x, y), letter, fill=ink, font=font, anchor=anchor, stroke_width=2 * size, stroke_fill=shade)
    if pixel_mm is not None and SCALE_BAR_MM / pixel_mm < width / 2:
        x, y, end = margin, height - margin, margin + SCALE_BAR_MM / pixel_mm
        draw.rectangle((x - size, y - 4 * size, end + size, y + size - 1), shade)
        draw.rectangle((x, y - 3 * size, end, y - 1), ink)
        label = PIL.ImageFont.load_default(LETTER_SIZE * size * 2 / 3)
        text = f"{SCALE_BAR_MM} mm"
        draw.text((x, y - 6 * size), text, fill=ink, font=label, anchor="lb", stroke_width=2 * size, stroke_fill=shade)
    return np.asarray(canvas)


def emblem() -> PIL.Image.Image:
    """The page's icon: fluid around gray matter around white matter.

    Returns
    -------
    PIL.Image.Image
        RGBA, 64 by 64 pixels.
    """
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    radius = np.hypot(x, y)
    image = np.zeros((64, 64, 4), np.uint8)
    for tissue, reach in ((Tissue.CSF, 1.0), (Tissue.GM, 0.8), (Tissue.WM, 0.5)):
        image[radius < reach] = (*tissue.rgb, 255)
    return PIL.Image.fromarray(image)


def png(image: np.ndarray) -> bytes:
    """The picture as the bytes of a PNG.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns) or (rows, columns, 3)

    Returns
    -------
    bytes
    """
    stream = io.BytesIO()
    PIL.Image.fromarray(image).save(stream, "PNG", compress_level=3)
    return stream.getvalue()
