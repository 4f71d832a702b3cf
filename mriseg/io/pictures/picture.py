"""PNG, JPEG, BMP, WebP and GIF pictures as gray levels, decoded by Pillow.

A picture does not say how large its pixels are on the patient. Where it has a resolution in dots per inch, that is the
printer's and must not be taken for one in mm.

Reading takes, counted in float32 pictures with the result itself: 1.3 to 1.5 for gray, 2.3 for colors (Pillow keeps
them in four bytes), 2.7 for colors of 16 bits, 3.3 for a later frame of an animation, drawn over those before it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import prod
from typing import BinaryIO

import numpy as np
import PIL.ExifTags
import PIL.Image

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.core.scan import Scan, picture
from mriseg.io.catalog import ScanEntry
from mriseg.io.file import File
from mriseg.io.guards.jpeg import check_scans, check_segments
from mriseg.io.guards.png import DAMAGED, check_chunks, is_interlaced, sound_png
from mriseg.io.pictures.exif_orientation import TURNED, upright, upright_shape
from mriseg.io.pictures.grayscale import Canvas
from mriseg.io.pictures.pages import NO_VOXEL_SIZE, is_stack, page_items, page_notes
from mriseg.io.silence import quiet

PNG, JPEG, GIF, BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", (b"GIF87a", b"GIF89a"), b"BM"
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes, in each version of the format: two letters tell too little
PNG_BITS = 24  # where the header of a PNG says how many bits a level has
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF")  # of Pillow, which knows dozens that nobody exports a scan in
MOST_GIF_BLOCKS = 1_000_000  # of up to 255 bytes; of a comment in pieces of one byte Pillow makes 40 times its size
# Frames of an animation are drawn over one another, so the last one costs as much as all. Pillow does about 100 million
# pixels in a second.
MAX_PIXELS_BEFORE = 20 * limits.MAX_PIXELS


def is_picture(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a PNG, JPEG, BMP, WebP or GIF.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    is_bmp = start.startswith(BMP) and int.from_bytes(start[14:18], "little") in BMP_HEADERS
    return is_bmp or start.startswith((PNG, JPEG, *GIF)) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def read_picture(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the pictures of a file: one, the frames of an animation, or the shots of a camera that stores several.

    No pixels are decoded.

    Parameters
    ----------
    file : File
    among : sequence of File
        Not looked at: a picture stands for itself.

    Returns
    -------
    tuple of ScanEntry

    Raises
    ------
    ReadError
        If it is damaged, or every picture in it is too small or too large.
    """
    with _opened(file) as (stream, image):
        shapes, count = _shapes(stream, image)
    why_no_volume = NO_VOXEL_SIZE if is_stack(shapes) else ""
    return page_items(
        shapes, count, lambda number: partial(_load, file, number, count=count, why_no_volume=why_no_volume)
    )


def _load(file: File, number: int, *, count: int, why_no_volume: str) -> Scan:
    """Read a picture as gray levels of its own range; see `Canvas` for colors and transparency."""
    with _opened(file) as (stream, image):
        for before in range(1, number + 1):
            image.seek(before)
            limits.check_shape((image.height, image.width))
        canvas = Canvas(image.height, image.width)
        exact = _decoded_whole(stream, image.format) if count == 1 else None
        if exact is not None:
            canvas.put(exact[0], white=exact[1])
        else:
            for row, block in _blocks(image):
                canvas.put(block, row)
        orientation = _orientation(image)
    turned = (TURNED,) if orientation > 1 else ()
    notes = (*page_notes(number, count, why_no_volume), *turned, *canvas.notes())
    return picture(upright(canvas.gray, orientation), notes, copy=False)


@contextmanager
def _opened(file: File) -> Iterator[tuple[BinaryIO, PIL.Image.Image]]:
    """The content of a file and the picture that Pillow sees in it, whose size is what is read."""
    if file.size > limits.MAX_PICTURE_BYTES:
        raise TooLargeError("The file is larger than any picture that is read. Save the picture as PNG.")
    with file.open_anywhere() as stream, quiet("PIL"):
        try:
            start = stream.read(len(PNG))
            stream.seek(0)
            if start == PNG:
                check_chunks(stream)
            elif start.startswith(GIF):
                _gif_frames(stream, (0, 0))
            elif start.startswith(JPEG):
                check_scans(stream)
                stream.seek(0)
                check_segments(stream)
            stream.seek(0)
            with PIL.Image.open(stream, formats=FORMATS) as image:
                yield stream, image
        except ReadError:
            raise
        except PIL.Image.DecompressionBombError as error:
            raise TooLargeError(
                f"The picture announces more pixels than the {limits.MAX_PIXELS // 10**6} million that are read. "
                "Scale it down and try again."
            ) from error
        except Exception as error:  # Pillow raises whatever its format libraries think of
            raise ReadError(DAMAGED) from error


def _shapes(stream: BinaryIO, image: PIL.Image.Image) -> tuple[list[tuple[int, int]], int]:
    """The shape of each picture that can be listed, and how many there are."""
    shape = (image.height, image.width)
    count = 1 if image.format == "GIF" else getattr(image, "n_frames", 1)
    if image.format == "MPO":  # a JPEG of several shots, each of its own size
        shapes = [upright_shape(shape, _orientation(image))]
        with suppress(Exception):  # a phone's second shot, often a map for its own viewer, must not spoil the first
            for number in range(1, min(count, limits.MAX_ITEMS)):
                image.seek(number)
                shapes.append(upright_shape((image.height, image.width), _orientation(image)))
        return shapes, len(shapes)
    if image.format == "GIF":
        shape, count = _gif_frames(stream, shape)
    listed = min(count, limits.MAX_ITEMS, max(1, MAX_PIXELS_BEFORE // prod(shape)))
    return [upright_shape(shape, _orientation(image))] * listed, count


def _gif_frames(stream: BinaryIO, shape: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """The shape that the frames of a GIF fill, which may exceed the announced one, and how many there are.

    Pillow enlarges the picture as frames come, which is too late to refuse them, and counts them by decoding.
    """
    (rows, columns), count, blocks = shape, 0, 0
    stream.seek(6)
    flags = stream.read(7)[4]
    stream.seek(_palette_bytes(flags), 1)
    while (kind := stream.read(1)) not in (b";", b""):
        if kind == b",":
            left, top, width, height = np.frombuffer(stream.read(8), "<u2").tolist()
            rows, columns, count = max(rows, top + height), max(columns, left + width), count + 1
            stream.seek(_palette_bytes(stream.read(1)[0]), 1)
        if kind not in (b",", b"!") and (blocks := blocks + 1) > MOST_GIF_BLOCKS:  # what is no block is read over
            raise ReadError(DAMAGED)
        if kind in (b",", b"!"):
            stream.seek(1, 1)  # how many bits a code has, or what an extension is
            while (size := stream.read(1)) not in (b"\x00", b""):
                stream.seek(size[0], 1)
                if (blocks := blocks + 1) > MOST_GIF_BLOCKS:
                    raise ReadError(DAMAGED)
    return (rows, columns), count


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _decoded_whole(stream: BinaryIO, kind: str | None) -> tuple[np.ndarray, float] | None:
    """The pixels and the level of white where Pillow would round colors of 16 bits to 8, or need twice the memory."""
    import imagecodecs

    stream.seek(0)
    start = stream.read(limits.START_BYTES)
    if kind == "WEBP":
        return imagecodecs.webp_decode(start + stream.read()), 255
    if kind == "PNG" and start[PNG_BITS] == 16 and not is_interlaced(start):
        return imagecodecs.png_decode(sound_png(start + stream.read())), 65535
    return None


def _orientation(image: PIL.Image.Image) -> int:
    """How the picture is to be turned, by EXIF; asked only where Pillow need not decode the pixels to find it."""
    orientation = image.getexif().get(PIL.ExifTags.Base.Orientation, 1) if "exif" in image.info else 1
    return orientation if orientation in range(1, 9) else 1


def _blocks(image: PIL.Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    """The picture in blocks of rows, each with its first row; Pillow itself converts only the whole."""
    height = max(1, limits.BLOCK_BYTES // (4 * image.width))
    for top in range(0, image.height, height):
        yield top, _levels(image.crop((0, top, image.width, min(top + height, image.height))))


def _levels(image: PIL.Image.Image) -> np.ndarray:
    """Gray, gray and opacity, color, or color and opacity."""
    if image.mode.startswith(("I", "F")):
        return np.asarray(image)
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return np.asarray(image.convert("LA" if gray else "RGBA"))
    return np.asarray(image.convert("L" if gray else "RGB"))
