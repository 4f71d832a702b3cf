"""A PNG that its decoder cannot fail on.

Pillow rounds colors of 16 bits to 8; libpng, by imagecodecs, keeps them. But what libpng thinks of a damaged file it
prints, and each failure of imagecodecs.png_decode gives back one reference to None too many, of which Python has a few
thousand before it ends itself. So a PNG is first proved sound, which takes about as long as decoding it.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBBBBB")  # columns, rows, bits, kind of color, and three methods
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # of gray, colors, gray and opacity, colors and opacity; palettes need no care
TRANSPARENT_BYTES = {0: 2, 2: 6}  # of the level or color that is see-through
MOST_FILTER = 4
MOST_CHUNKS = 100_000  # libpng cuts pixels into pieces of 8 kB; a million empty ones take 350 MB


DAMAGED = "The picture is damaged or of an unusual kind. Open it in a viewer and save it as PNG."


def is_interlaced(start: bytes) -> bool:
    """Whether a PNG that starts with these bytes comes in seven passes, which `sound_png` does not know.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start[28] != 0


def check_chunks(stream: BinaryIO) -> None:
    """Refuse a PNG of more chunks than any program writes: Pillow passes over each at the pace of Python.

    Parameters
    ----------
    stream : binary file
        Seekable, at its beginning.

    Raises
    ------
    ReadError
        If there are more than `MOST_CHUNKS`.
    """
    stream.seek(len(SIGNATURE))
    for _ in range(MOST_CHUNKS):
        if len(head := stream.read(8)) < 8 or head[4:] == b"IEND":
            return
        stream.seek(int.from_bytes(head[:4], "big") + 4, 1)
    raise ReadError(DAMAGED)


def sound_png(content: bytes) -> bytes:
    """The same pixels in a PNG of nothing but what they need.

    Parameters
    ----------
    content : bytes
        Gray or colors, not interlaced.

    Returns
    -------
    bytes

    Raises
    ------
    ReadError
        If anything about it would make a decoder fail.
    """
    chunks = list(_chunks(content))
    header = dict(chunks).get(b"IHDR", b"")
    if not content.startswith(SIGNATURE) or len(header) != HEADER.size:
        raise ReadError(DAMAGED)
    columns, rows, bits, kind, *methods = HEADER.unpack(header)
    if bits not in (8, 16) or kind not in CHANNELS or any(methods) or not columns or not rows:
        raise ReadError(DAMAGED)
    _check_pixels([body for name, body in chunks if name == b"IDAT"], rows, 1 + columns * CHANNELS[kind] * bits // 8)
    transparent = dict(chunks).get(b"tRNS", b"")
    parts = [(b"IHDR", header), *((name, body) for name, body in chunks if name == b"IDAT"), (b"IEND", b"")]
    if transparent and len(transparent) == TRANSPARENT_BYTES.get(kind):
        parts.insert(1, (b"tRNS", transparent))
    return SIGNATURE + b"".join(
        struct.pack(">I4s", len(body), name) + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the chunks as far as they are whole."""
    at, left = len(SIGNATURE), MOST_CHUNKS
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        if content[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(name + body)):
            return
        yield name, body
        at += 12 + length
        if (left := left - 1) < 0:
            raise ReadError(DAMAGED)


def _check_pixels(packed: list[bytes], rows: int, row_bytes: int) -> None:
    """Refuse pixels that do not unpack to the rows announced, each with a filter that there is."""
    unpack, count = zlib.decompressobj(), 0
    try:
        for piece in packed:
            while piece and not unpack.eof:
                block = unpack.decompress(piece, limits.BLOCK_BYTES)
                piece = unpack.unconsumed_tail
                if max(block[-count % row_bytes :: row_bytes], default=0) > MOST_FILTER:
                    raise ReadError(DAMAGED)
                count += len(block)
                if count > rows * row_bytes:
                    raise ReadError(DAMAGED)
    except zlib.error as error:
        raise ReadError(DAMAGED) from error
    if count != rows * row_bytes or not unpack.eof:
        raise ReadError(DAMAGED)
