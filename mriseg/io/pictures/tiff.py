"""TIFF pictures and stacks as gray levels, by tifffile: single pages, and a volume where ImageJ or OME say its voxels.

Strips and tiles are decoded one by one into the gray picture, each after a look at what it announces. Reading takes 1.1
to 1.3 times the picture in float32; where one packed strip is all of it, its samples as stored on top, so 2 for gray
and 3 for colors of 16 bits in three planes.
"""

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
import skimage
import tifffile
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.core.scan import Scan, picture, volume
from mriseg.io.catalog import ScanEntry, rank, refused
from mriseg.io.file import File
from mriseg.io.guards.codestream import announced
from mriseg.io.guards.jpeg import check_scans, check_segments
from mriseg.io.guards.png import DAMAGED, check_chunks, sound_png
from mriseg.io.guards.tiff import count_pages
from mriseg.io.pictures.exif_orientation import TURNED, upright, upright_shape
from mriseg.io.pictures.grayscale import Canvas
from mriseg.io.pictures.pages import NO_VOXEL_SIZE, is_stack, page_items, page_notes
from mriseg.io.raw_volume import in_words
from mriseg.io.silence import quiet

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
GRAY = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK)
TOO_LARGE_AT_ONCE = "The picture is too large to be unpacked in one piece. Save it in gray of 16 bits, or as PNG."
CHANNELS = "The picture holds several channels that are no colors. Save one of them as PNG and try again."
# Decoders that write no more than they are asked for. LZMA is not among them: it lets a file ask for gigabytes.
BOUNDED = frozenset(
    (
        COMPRESSION.NONE,
        COMPRESSION.LZW,
        COMPRESSION.ADOBE_DEFLATE,
        COMPRESSION.DEFLATE,
        COMPRESSION.PACKBITS,
        COMPRESSION.ZSTD,
        COMPRESSION.CCITTRLE,
        COMPRESSION.CCITTFAX3,
        COMPRESSION.CCITTFAX4,
    )
)
# Pictures within the picture: their own header is asked what they unpack to.
PICTURES = frozenset((COMPRESSION.JPEG, COMPRESSION.PNG, COMPRESSION.WEBP, COMPRESSION.JPEG2000))
MOST_CHANNELS_WITHIN = 4  # JPEG 2000 allows 16 384, each as large as the picture
MOST_SEGMENTS = 100_000  # the largest picture in tiles of 16 x 16
# Decoded in one piece: the largest picture in gray of 64 bits or in color and opacity of 16.
MOST_SEGMENT_BYTES = 8 * limits.MAX_PIXELS
SPARE_PIXELS = 1 << 20  # a tile may be larger than the picture; this much is one of 1024 x 1024
MOST_DESCRIPTION = 1_000_000  # characters that are searched for a voxel size
# The units in which ImageJ and OME tell lengths, in mm. No inches: in those ImageJ keeps a printer's dots per inch.
UNITS_MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1e3, "nm": 1e-6} | dict.fromkeys(
    ("um", "\u00b5m", "\u03bcm", "micron", "microns", "micrometer", "\\u00B5m"), 1e-3
)
STACKED = (
    "The file does not say how its pages lie in space. They were taken as axial slices from below upwards, the face at "
    "the top and the patient's left at the right; left and right are not certain."
)


def is_tiff(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a TIFF or BigTIFF.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start.startswith(MAGIC)


def read_tiff(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the pages of a TIFF, and before them the volume that they make up where the size of a voxel is known.

    No pixels are decoded. Reduced copies of a page and masks are left out.

    Parameters
    ----------
    file : File
    among : sequence of File
        Not looked at: files that OME metadata names are not opened.

    Returns
    -------
    tuple of ScanEntry

    Raises
    ------
    ReadError
        If it is damaged, or every page is too small or too large.
    """
    with _opened(file) as (_, tiff, count):
        pages = [_Page.of(tiff.pages[number], number) for number in range(min(count, limits.MAX_ITEMS))]
        spacing = _spacing(tiff.pages.first, count)
    offered = [page for page in pages if not page.is_copy] or pages
    total = count - len(pages) + len(offered)
    shapes = [page.shape for page in offered]
    why_no_volume = NO_VOXEL_SIZE if is_stack(shapes) and spacing is None else ""
    listed = page_items(
        shapes,
        total,
        lambda index: partial(
            _load, file, offered[index].number, index=index, count=total, why_no_volume=why_no_volume
        ),
    )
    if spacing is None or not is_stack(shapes) or len(offered) < count or not all(page.is_gray for page in pages):
        return listed
    return (_volume_item(file, (count, *shapes[0]), spacing), *listed)


@dataclass(frozen=True)
class _Page:
    """What is asked of every page of a file before one of them is chosen."""

    number: int
    shape: tuple[int, int]
    is_copy: bool
    is_gray: bool

    @classmethod
    def of(cls, page: Any, number: int) -> "_Page":
        orientation = _orientation(page)
        is_gray = page.axes == "YX" and page.photometric in GRAY and orientation == 1
        shape = upright_shape((int(page.imagelength), int(page.imagewidth)), orientation)
        return cls(number, shape, page.is_reduced or page.is_mask, is_gray)


@contextmanager
def _opened(file: File) -> Iterator[tuple[BinaryIO, Any, int]]:
    """The content of a file, what tifffile sees in it, and the number of its pages."""
    with file.open_anywhere() as stream, quiet("tifffile"):
        try:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            count = count_pages(stream, size)
            stream.seek(0)
            # Told that it is of no kind whose pages tifffile would make up from what a description says.
            with tifffile.TiffFile(stream, is_scanimage=False, is_ndpi=False) as tiff:
                yield stream, tiff, count
        except ReadError:
            raise
        except Exception as error:  # tifffile and the codecs raise whatever they think of
            raise ReadError(DAMAGED) from error


def _load(file: File, number: int, *, index: int, count: int, why_no_volume: str) -> Scan:
    with _opened(file) as (stream, tiff, _):
        page = tiff.pages[number]
        canvas = _drawn(stream, page)
        orientation = _orientation(page)
    turned = (TURNED,) if orientation > 1 else ()
    notes = (*page_notes(index, count, why_no_volume), *turned, *canvas.notes())
    return picture(upright(canvas.gray, orientation), notes, copy=False)


def _volume_item(file: File, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> ScanEntry:
    """The pages as one volume.

    Parameters
    ----------
    file : File
    shape : tuple of int
        Pages, rows and columns.
    spacing : tuple of float
        Sides of a voxel along columns, rows and pages, in mm.
    """
    grid = (shape[2], shape[1], shape[0])
    title = f"Volume of {shape[0]} pages, {in_words(grid, spacing)}"
    try:
        limits.check_shape(grid)
    except ReadError as error:
        return refused(title, str(error))
    return ScanEntry(title, rank(grid, spacing), partial(_load_volume, file, shape, spacing))


def _load_volume(file: File, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Scan:
    data = np.empty(shape, np.float32)
    with _opened(file) as (stream, tiff, _):
        for number in range(len(data)):
            data[number] = _drawn(stream, tiff.pages[number]).gray
    # Columns run to the patient's left, rows to the back and pages upwards; the affine counts right, front and up.
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1])
    return volume(data.T, affine, notes=(STACKED,), sides_known=False, copy=False)


def _spacing(page: Any, count: int) -> tuple[float, float, float] | None:
    """Sides of a voxel along columns, rows and pages in mm, where ImageJ or OME say that the pages are one stack."""
    text = page.description[:MOST_DESCRIPTION]
    stated, sides = {}, [0.0] * 3
    if text.startswith("ImageJ="):
        stated = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        unit = UNITS_MM.get(stated.get("unit", ""), 0.0)
        resolution = [page.tags.valueof(code, (0, 1)) for code in (282, 283)]  # pixels in a unit, as a fraction
        sides = [unit * parts / max(pixels, 1e-9) for pixels, parts in resolution]
        sides.append(unit * _number(stated.get("spacing")))
    # Read by patterns, as a parser would expand what the file defines; each ends at the next mark of its own kind, so
    # that a hostile text is passed over once.
    elif len(elements := re.findall(r"<(?:\w+:)?Pixels\s[^<>]*>", text)) == 1:
        stated = dict(re.findall(r'\b(\w+)\s*=\s*"([^"]*)"', elements[0]))
        units = [UNITS_MM.get(html.unescape(stated.get(f"PhysicalSize{axis}Unit", "\u00b5m")), 0.0) for axis in "XYZ"]
        sides = [unit * _number(stated.get(f"PhysicalSize{axis}")) for axis, unit in zip("XYZ", units, strict=True)]
    several = any(_number(stated.get(name, "1")) != 1 for name in ("channels", "frames", "SizeC", "SizeT"))
    low, high = limits.VOXEL_SIDES_MM
    if several or _number(stated.get("SizeZ", str(count))) != count or not all(low < side < high for side in sides):
        return None
    return sides[0], sides[1], sides[2]


def _number(text: str | None) -> float:
    """A number that a description states; 0 where it states none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _orientation(page: Any) -> int:
    orientation = page.tags.valueof(274, 1)
    return int(orientation) if orientation in range(1, 9) else 1


def _drawn(stream: BinaryIO, page: Any) -> Canvas:
    """Decode a page, strip by strip or tile by tile."""
    limits.check_shape((page.imagelength, page.imagewidth))
    if page.axes not in ("YX", "YXS", "SYX") or (page.photometric in GRAY and page.samplesperpixel > 2):
        raise ReadError(CHANNELS)
    canvas = Canvas(page.imagelength, page.imagewidth)
    for row, column, block in _segments(stream, page):
        # Colors are converted in double precision, some rows at a time.
        step = max(1, limits.BLOCK_BYTES // (8 * block.shape[1] * block.shape[2]))
        for first in range(0, len(block), step):
            levels, white = _levels(block[first : first + step], page)
            canvas.put(levels, row + first, column, white)
    if page.photometric == PHOTOMETRIC.MINISWHITE and page.dtype.kind in "if":
        canvas.gray = canvas.gray.max() - canvas.gray
    return canvas


def _segments(stream: BinaryIO, page: Any) -> Iterator[tuple[int, int, np.ndarray]]:
    """Each strip or tile with its first row and column; of shape (rows, columns, samples)."""
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    planes = page.samplesperpixel if page.axes == "SYX" else 1
    count = -(-page.imagelength // rows) * -(-page.imagewidth // columns)
    extents = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if (
        page.compression not in BOUNDED | PICTURES
        or len(extents) != count * planes
        or len(extents) > MOST_SEGMENTS
        or rows * columns > 4 * page.imagelength * page.imagewidth + SPARE_PIXELS
        or sum(size for _, size in extents) > stream.seek(0, io.SEEK_END)
    ):
        raise ReadError(DAMAGED)
    if _is_plain(page):
        for number, extent in enumerate(extents):
            yield from _plain_rows(stream, page, number * rows, extent)
        return
    if rows * columns * page.samplesperpixel * page.dtype.itemsize > MOST_SEGMENT_BYTES:
        raise TooLargeError(TOO_LARGE_AT_ONCE)
    for number in range(count):
        row, column, block = _decoded(stream, page, number, shape=(rows, columns), places=extents)
        if planes > 1:  # red, green and blue one after the other
            joined = np.empty((*block.shape[:2], planes), block.dtype)
            joined[..., :1] = block
            for plane in range(1, planes):
                _, _, block = _decoded(stream, page, number + plane * count, shape=(rows, columns), places=extents)
                joined[..., plane : plane + 1] = block
            block = joined
        yield row, column, block


def _is_plain(page: Any) -> bool:
    """Whether the samples lie in the file as they are in memory."""
    is_stored = page.compression == COMPRESSION.NONE and page.predictor == 1 and page.fillorder == 1
    return is_stored and not page.is_tiled and page.axes != "SYX" and page.bitspersample in (8, 16, 32, 64)


def _plain_rows(
    stream: BinaryIO, page: Any, first: int, place: tuple[int, int]
) -> Iterator[tuple[int, int, np.ndarray]]:
    """The rows of a strip, some at a time: one strip can be the whole picture."""
    offset, size = place
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    in_row = page.imagewidth * page.samplesperpixel * dtype.itemsize
    rows = min(page.rowsperstrip, page.imagelength - first)
    if size < rows * in_row:
        raise ReadError(DAMAGED)
    step = max(1, limits.BLOCK_BYTES // in_row)
    for row in range(0, rows, step):
        stream.seek(offset + row * in_row)
        content = stream.read(min(step, rows - row) * in_row)
        yield first + row, 0, np.frombuffer(content, dtype).reshape(-1, page.imagewidth, page.samplesperpixel)


def _decoded(
    stream: BinaryIO, page: Any, number: int, shape: tuple[int, int], places: Sequence[tuple[int, int]]
) -> tuple[int, int, np.ndarray]:
    """One strip or tile: its first row, its first column and its samples."""
    offset, size = places[number]
    stream.seek(offset)
    content = stream.read(size)
    if not content or len(content) < size:
        raise ReadError(DAMAGED)
    if page.compression in PICTURES:
        content = _checked_within(content, page.compression, shape)
    tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
    block, (_, _, row, column, _), _ = page.decode(content, number, **tables)
    return row, column, block[0]


def _checked_within(content: bytes, kind: int, most: tuple[int, int]) -> bytes:
    """A picture within the picture, if it is of the kind announced, no larger, and costs no more than it should."""
    if kind == COMPRESSION.JPEG2000:
        stated = announced(content)
        if stated is None or stated.kind != "jpeg 2000" or stated.samples > MOST_CHANNELS_WITHIN:
            raise ReadError(DAMAGED)
        content, size = content[stated.offset :], (stated.rows, stated.columns)
    else:
        if kind == COMPRESSION.JPEG:
            check_scans(io.BytesIO(content))
            check_segments(io.BytesIO(content))
        elif kind == COMPRESSION.PNG:
            check_chunks(io.BytesIO(content))
        with PIL.Image.open(io.BytesIO(content), formats=[COMPRESSION(kind).name]) as within:
            size = within.height, within.width
    if size[0] > most[0] or size[1] > most[1]:
        raise ReadError(DAMAGED)
    return sound_png(content) if kind == COMPRESSION.PNG else content


def _levels(block: np.ndarray, page: Any) -> tuple[np.ndarray, float]:
    """Gray or colors, perhaps with opacity, and the level of white, of samples as they are stored."""
    photometric, bits = page.photometric, page.bitspersample
    white = 1.0
    if block.dtype.kind in "bu":
        white = float((1 << bits) - 1 if isinstance(bits, int) else np.iinfo(block.dtype).max)
    if bits == 1:
        block, white = block.astype(np.uint8) * 255, 255.0
    if photometric in GRAY:
        if photometric == PHOTOMETRIC.MINISWHITE and block.dtype.kind == "u":
            block = np.concatenate([white - block[..., :1].astype(np.float32), block[..., 1:]], axis=2)
        return block[..., : 1 + _is_see_through(page, 1)], white
    if photometric == PHOTOMETRIC.PALETTE:
        table = page.colormap
        return (table >> 8 if table.max() > 255 else table).T[block[..., 0]], 255.0
    if photometric == PHOTOMETRIC.SEPARATED and block.shape[2] >= 4:
        paper = white - block[..., :4].astype(np.float32)
        return paper[..., :3] * (paper[..., 3:] / np.float32(white)), white
    if photometric == PHOTOMETRIC.YCBCR and page.compression not in PICTURES:
        luma, blue, red = np.moveaxis(block[..., :3].astype(np.float32), 2, 0) - np.array([0, 128, 128])[:, None, None]
        rgb = np.stack([luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=2)
        return np.clip(rgb, 0, 255), 255.0
    if photometric == PHOTOMETRIC.CIELAB and block.dtype == np.uint8:
        lab = np.concatenate([block[..., :1] * (100 / 255), block[..., 1:3].view(np.int8)], axis=2)
        return skimage.color.lab2rgb(lab) * 255, 255.0
    if photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR) and block.shape[2] >= 3:
        return block[..., : 3 + _is_see_through(page, 3)], white
    raise ReadError(DAMAGED)


def _is_see_through(page: Any, colors: int) -> bool:
    """Whether opacity follows the colors that they were not multiplied by yet."""
    return page.samplesperpixel > colors and tuple(page.extrasamples)[:1] == (EXTRASAMPLE.UNASSALPHA,)
