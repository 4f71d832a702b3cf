"""What a compressed picture says of itself, before a decoder is let loose on it.

JPEG and JPEG-LS are chains of segments that begin with FF and a marker; one of them, the start of frame, holds the
size. JPEG 2000 holds it in its first segment, and in others how finely it is divided into tiles, precincts and code
blocks, each of which costs a decoder memory however small it is.
"""

import struct
from dataclasses import dataclass
from struct import unpack_from
from typing import Literal

JPEG, JPEG_2000 = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
JP2_BOX = b"\x00\x00\x00\x0cjP  "  # a file around the code, which DICOM forbids and some write
BEGINNINGS = (JPEG, JPEG_2000, JP2_BOX)
MOST_JP2_BYTES = 4_096  # of its boxes in front of the code
# Start of frame: baseline, extended and lossless JPEG, and JPEG-LS. Progressive JPEG is retired from DICOM, and a small
# file of it can keep a decoder busy for hours with scans.
SEQUENTIAL = {0xC0: "jpeg", 0xC1: "jpeg", 0xC3: "jpeg", 0xF7: "jpeg-ls"}
OTHER_FRAMES = frozenset((0xC2, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
WITHOUT_LENGTH = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
SCAN, END = 0xDA, 0xD9
TILE_PART, TILE_DATA, END_2000 = 0xFF90, 0xFF93, 0xFFD9
# The segments that say how a tile or one color of it is divided, and where in them the style and the levels stand.
DEFAULTS = 0xFF52
DIVISIONS = {DEFAULTS: (4, 9), 0xFF53: (5, 6)}
# A slice of 512 x 512 in tiles of 64 is 64 of them; encoders use precincts of 128 and code blocks of 32 or 64.
MOST_TILES = 1_024
LEAST_PRECINCT_BITS = 5  # 32 pixels
LEAST_BLOCK_BITS = 8  # both sides together: 16 x 16
MOST_TILE_PARTS = 4 * MOST_TILES
MOST_LAYERS = 64  # of quality; an encoder that makes any makes about ten


@dataclass(frozen=True)
class Announced:
    """What a code announces.

    Attributes
    ----------
    kind : {"jpeg", "jpeg-ls", "jpeg 2000"}
    rows, columns, samples, bits : int
    offset : int
        Where in the bytes given the code begins.
    """

    kind: Literal["jpeg", "jpeg-ls", "jpeg 2000"]
    rows: int
    columns: int
    samples: int
    bits: int
    offset: int = 0


def announced(code: bytes) -> Announced | None:
    """What the code of a picture announces.

    Parameters
    ----------
    code : bytes
        As a slice or tile stores it.

    Returns
    -------
    Announced or None
        None if it is neither JPEG, JPEG-LS nor JPEG 2000, damaged at its beginning, or of a kind that is not read.
    """
    try:
        if code.startswith(JPEG):
            return _jpeg(code)
        start = code.find(JPEG_2000, 0, MOST_JP2_BYTES) if code.startswith(JP2_BOX) else 0
        if code.startswith(JPEG_2000, max(start, 0)):
            return _jpeg_2000(code, start)
    except (struct.error, IndexError):  # it ends within what was to be read
        pass
    return None


def _jpeg(code: bytes) -> Announced | None:
    position = 2
    while True:
        # As the decoder does: what is between segments is passed over, and FF may be repeated.
        position = code.find(b"\xff", position)
        if position < 0 or position + 1 >= len(code):
            return None
        position += 1
        marker = code[position]
        if marker in (0x00, 0xFF):
            continue
        position += 1
        if marker in SEQUENTIAL:
            bits, rows, columns, samples = unpack_from(">xxBHHB", code, position)
            return Announced(SEQUENTIAL[marker], rows, columns, samples=samples, bits=bits)  # type: ignore[arg-type]
        if marker in OTHER_FRAMES or marker in (SCAN, END):
            return None
        if marker not in WITHOUT_LENGTH:
            position += max(2, unpack_from(">H", code, position)[0])


def _jpeg_2000(code: bytes, start: int) -> Announced | None:
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, samples, bits, across, down = unpack_from(
        ">8xLLLLLLLLHBBB", code, start
    )
    if 0 in (tile_width, tile_height) or (across, down) != (1, 1):
        return None
    if -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height) > MOST_TILES:
        return None
    if not _is_coarse(code, start + 2):
        return None
    return Announced("jpeg 2000", bottom - top, right - left, samples=samples, bits=(bits & 0x7F) + 1, offset=start)


def _is_coarse(code: bytes, position: int) -> bool:
    """Whether no part is divided more finely than encoders do, after the main header and those of all tile parts."""
    tile_parts, next_part = 0, 0
    while position + 2 <= len(code):
        (marker,) = unpack_from(">H", code, position)
        if marker == END_2000:
            return True
        if marker == TILE_DATA:
            if not next_part:  # the last part goes on to the end
                return True
            position = next_part
            continue
        (length,) = unpack_from(">H", code, position + 2)
        if marker == TILE_PART:
            (part_length,) = unpack_from(">6xL", code, position)
            next_part = position + part_length if part_length else 0
            tile_parts += 1
            if tile_parts > MOST_TILE_PARTS or 0 < part_length < 14:
                return False
        elif marker == DEFAULTS and unpack_from(">6xH", code, position)[0] > MOST_LAYERS:
            return False
        elif marker in DIVISIONS:
            style_at, levels_at = DIVISIONS[marker]
            if not _divides_coarsely(code, position + levels_at, code[position + style_at]):
                return False
        position += 2 + max(2, length)
    return True


def _divides_coarsely(code: bytes, position: int, style: int) -> bool:
    levels, width_bits, height_bits = unpack_from(">BBB", code, position)
    if width_bits + height_bits + 4 < LEAST_BLOCK_BITS:
        return False
    if not style & 1:  # precincts are as large as can be
        return True
    sizes = code[position + 5 : position + 6 + levels]
    # The first is of the coarsest level, where the picture itself is small.
    return all(size & 0xF >= LEAST_PRECINCT_BITS and size >> 4 >= LEAST_PRECINCT_BITS for size in sizes)
