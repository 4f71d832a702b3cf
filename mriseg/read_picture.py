"""PNG, JPEG and TIFF pictures as gray levels, by the decoders that scikit-image stands on.

`skimage.io.imread` itself hands out CMYK as if it were RGB with transparency, the first page of many and
16-bit colours as 8 bits without saying so; asking Pillow and tifffile directly tells these cases apart.
"""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

import numpy as np
import PIL.Image
import skimage
import tifffile
from tifffile import PHOTOMETRIC

from mriseg import limits
from mriseg.errors import ReadError
from mriseg.files import File
from mriseg.item import Item, suitability
from mriseg.scan import Scan, picture

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
DAMAGED = "The picture is damaged or of an unusual kind. Open it in a viewer and save it as PNG."
SEVERAL = "The file holds several pictures. Save one of them as PNG and try again."


def is_picture(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a PNG, JPEG or TIFF."""
    return start.startswith((PNG, JPEG, *TIFF))


def read_picture(file: File, among: Sequence[File]) -> tuple[Item, ...]:
    """List the pictures of a file.

    Parameters
    ----------
    file : File
    among : sequence of File
        Not looked at: a picture stands for itself.
    """
    return (Item("picture", suitability((1, 1)), partial(_load, file)),)


def _load(file: File) -> Scan:
    """Read a picture as gray levels of its own range.

    Colours become luminance (Rec. 709) and a transparent background black, as air is on an MR image. Levels
    keep their units: 0 to 255 for 8 bits, 0 to 65535 for 16, as stored for floating point.

    Raises
    ------
    ReadError
        If it is damaged, too large, or not one picture.
    """
    with file.open() as stream:
        is_tiff = stream.read(4) in TIFF
        stream.seek(0)
        try:
            pixels = _gray(_decode_tiff(stream) if is_tiff else _decode(stream))
        except ReadError:
            raise
        except Exception as error:  # the decoders raise whatever their format libraries think of
            raise ReadError(DAMAGED) from error
    return picture(pixels)


def _decode(stream: BinaryIO) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # our own limit is lower
        image = PIL.Image.open(stream)
    with image:
        limits.check_shape((image.height, image.width))
        if getattr(image, "n_frames", 1) > 1:
            raise ReadError(SEVERAL)
        if image.mode.startswith(("I", "F")):
            return np.asarray(image)
        if image.mode in ("1", "L"):
            return np.asarray(image.convert("L"))
        return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _decode_tiff(stream: BinaryIO) -> np.ndarray:
    with tifffile.TiffFile(stream) as tiff:
        page = tiff.pages.first
        if len(tiff.pages) > 1 or page.axes not in ("YX", "YXS", "SYX") or page.samplesperpixel > 4:
            raise ReadError(SEVERAL)
        limits.check_shape((page.imagelength, page.imagewidth))
        if page.photometric in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB):
            try:
                pixels = np.asarray(page.asarray())
            except ValueError:  # a compression that Pillow knows and tifffile needs another package for
                pass
            else:
                if page.photometric == PHOTOMETRIC.MINISWHITE:
                    pixels = (np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels.max()) - pixels
                # Colours are stored as triples or as three planes.
                return np.moveaxis(pixels, 0, -1) if page.axes == "SYX" else pixels
    stream.seek(0)
    return _decode(stream)


def _gray(pixels: np.ndarray) -> np.ndarray:
    """Gray levels of shape (rows, columns) from an image of 1 to 4 channels."""
    if pixels.ndim == 2:
        return pixels.astype(np.float32)
    channels = pixels.shape[2]
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    if channels in (2, 4):
        pixels = pixels[..., :-1] * (pixels[..., -1:].astype(np.float32) / full)
    if (pixels == pixels[..., :1]).all():  # gray stored as colour: keep the levels exact
        return pixels[..., 0].astype(np.float32)
    return (skimage.color.rgb2gray(pixels.astype(np.float32) / full) * full).astype(np.float32)
