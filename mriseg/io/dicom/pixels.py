"""The pixels of DICOM frames: where they lie in a file, how large they may be, and how one is decoded.

A frame lies in the file either as its plain values or as a compressed code, split into fragments. The code itself says
what it is, and how large; what the header and the transfer syntax say of it is only compared with that, before a
decoder is asked to make room for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from struct import unpack
from typing import BinaryIO

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.dicom.elements import ITEM, SEQUENCE_END, opened
from mriseg.io.file import CUT_SHORT, File
from mriseg.io.guards.codestream import BEGINNINGS, Announced, announced

DAMAGED_PIXELS = "The compressed pixels of a DICOM slice are damaged. Export or download the series again."
OTHER_SIZE = "The compressed pixels of a DICOM slice are not of the size that its header announces. Export it again."
UNREAD_CODE = (
    "The DICOM slices are compressed in a way that is not read here. Export the series uncompressed, or as JPEG, "
    "JPEG-LS, JPEG 2000 or RLE."
)
# How much longer than the plain values a compressed code can be; encoders of noise exceed them by a few per cent.
MOST_CODE_SHARE, MOST_CODE_EXTRA_BYTES = 2, 65_536
# A frame of a megabyte may be split into pieces of a kilobyte; more is a bomb of empty fragments.
MOST_FRAGMENTS_PER_FRAME = 4_096
END_OF_IMAGE, MOST_BYTES_AFTER = b"\xff\xd9", 1_024  # fragments are filled up with zeros


@dataclass(frozen=True, eq=False)
class Pixels:
    """How one file stores its frames.

    Attributes
    ----------
    file : File
    offset : int
        Of the first byte, in the content that is inflated from `deflated_at` on, if that is not None.
    is_plain : bool
        Whether the values lie there as they are, one frame after the other; else they are fragments of codes.
    is_rle : bool
        Whether codes that do not say what they are, are DICOM's run lengths.
    shape : (int, int)
        Rows and columns of a frame.
    count : int
        Frames.
    dtype : dtype
        Of one stored value, in the byte order of the file.
    bits_stored, high_bit : int
        Which bits of a stored integer are the pixel's; old files keep overlays in the others.
    swapped_words : bool
        Whether values of 8 bits come in pairs in the wrong order.
    is_inverted : bool
        Whether the least value is meant to be white.
    """

    file: File = field(repr=False)
    offset: int
    deflated_at: int | None
    is_plain: bool
    is_rle: bool
    shape: tuple[int, int]
    count: int
    dtype: np.dtype
    bits_stored: int
    high_bit: int
    swapped_words: bool
    is_inverted: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame's plain values."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def most_code_bytes(self) -> int:
        """Bytes that the code of one frame can have."""
        return MOST_CODE_SHARE * self.frame_bytes + MOST_CODE_EXTRA_BYTES

    def check(self, length: int | None) -> None:
        """Refuse pixels that cannot be as many as announced.

        Parameters
        ----------
        length : int or None
            Bytes of all frames, as the file says, if they are plain.

        Raises
        ------
        ReadError
            If they do not fit into their element or their file.
        """
        # Of fragments at least the head of one for each frame must be there.
        needed = self.count * (self.frame_bytes if self.is_plain else 8)
        most = self.file.most_unpacked
        if self.deflated_at is not None:
            most *= limits.MAX_DEFLATE_RATIO
        if self.offset + needed > most or (length is not None and needed > length):
            raise ReadError(CUT_SHORT)


def decoded(pixels: Pixels, indices: Sequence[int]) -> Iterator[np.ndarray]:
    """The values of some frames, before any rescaling.

    Parameters
    ----------
    pixels : Pixels
    indices : sequence of int
        The frames, ascending, so that a packed file is read over once.

    Yields
    ------
    ndarray of shape (rows, columns)
        Integers or floating point.

    Raises
    ------
    ReadError
        If a frame is cut short, damaged, or not what the header announces.
    """
    for code in codes(pixels, indices):
        if pixels.is_plain:
            yield _values(np.frombuffer(code, pixels.dtype), pixels)
        else:
            yield _decode(code, pixels)


def codes(pixels: Pixels, indices: Sequence[int]) -> Iterator[bytes]:
    """What is stored of some frames, plain or compressed; parameters and errors as of `decoded`.

    Parameters
    ----------
    pixels : Pixels
    indices : sequence of int
        Of the frames.

    Returns
    -------
    iterator of bytes
    """
    with opened(pixels.file, pixels.deflated_at) as stream:
        if pixels.is_plain:
            for index in indices:
                stream.seek(pixels.offset + index * pixels.frame_bytes)
                code = stream.read(pixels.frame_bytes)
                if len(code) < pixels.frame_bytes:
                    raise ReadError(CUT_SHORT)
                yield code
        else:
            frames = _fragments_of_frames(stream, pixels)
            for index in indices:
                if sum(length for _, length in frames[index]) > pixels.most_code_bytes:
                    raise ReadError(DAMAGED_PIXELS)
                yield b"".join(_piece(stream, *fragment) for fragment in frames[index])


def _fragments_of_frames(stream: BinaryIO, pixels: Pixels) -> list[list[tuple[int, int]]]:
    """Where the pieces of each frame's code lie and how long they are.

    The table of offsets in front of them is often left empty and sometimes wrong; the codes themselves say where one
    begins.
    """
    fragments: list[tuple[int, int]] = []
    position, most = pixels.offset, max(pixels.most_code_bytes, 4 * pixels.count)
    while len(fragments) <= MOST_FRAGMENTS_PER_FRAME + 2 * pixels.count:
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            break
        group, element, length = unpack("<HHL", head)
        if group << 16 | element != ITEM:
            if group << 16 | element != SEQUENCE_END:
                raise ReadError(DAMAGED_PIXELS)
            break
        if length > most:
            raise ReadError(DAMAGED_PIXELS)
        fragments.append((position + 8, length))
        position += 8 + length
    del fragments[:1]  # the table
    if len(fragments) == pixels.count:
        return [[fragment] for fragment in fragments]
    if pixels.count == 1 and fragments:
        return [fragments]
    frames: list[list[tuple[int, int]]] = []
    for fragment in fragments:
        stream.seek(fragment[0])
        if stream.read(len(max(BEGINNINGS, key=len))).startswith(BEGINNINGS):
            frames.append([])
        if frames:
            frames[-1].append(fragment)
    if len(frames) != pixels.count:
        raise ReadError(CUT_SHORT if len(frames) < pixels.count else DAMAGED_PIXELS)
    return frames


def _piece(stream: BinaryIO, position: int, length: int) -> bytes:
    stream.seek(position)
    piece = stream.read(length)
    if len(piece) < length:
        raise ReadError(CUT_SHORT)
    return piece


def _decode(code: bytes, pixels: Pixels) -> np.ndarray:
    # Only needed for compressed files.
    import imagecodecs

    stated = announced(code)
    if stated is None and not pixels.is_rle:
        raise ReadError(UNREAD_CODE)
    if stated is not None:
        _compare(stated, pixels)
        decode = {
            "jpeg": imagecodecs.jpeg8_decode,
            "jpeg-ls": imagecodecs.jpegls_decode,
            "jpeg 2000": imagecodecs.jpeg2k_decode,
        }[stated.kind]
        # A code of JPEG that is cut short is decoded without a word, what is missing as gray.
        if stated.kind == "jpeg" and END_OF_IMAGE not in code[-MOST_BYTES_AFTER:]:
            raise ReadError(DAMAGED_PIXELS)
    try:
        if stated is None:
            plain = imagecodecs.dicomrle_decode(code, pixels.dtype.newbyteorder("<"), out=pixels.frame_bytes)
            return _values(np.frombuffer(plain, pixels.dtype.newbyteorder("<")), pixels)
        image = np.asarray(decode(code[stated.offset :]))
    except Exception as error:  # the decoders raise whatever their libraries think of
        raise ReadError(DAMAGED_PIXELS) from error
    if image.shape != pixels.shape or image.dtype.kind not in "iu":
        raise ReadError(OTHER_SIZE)
    if image.dtype.kind == "i":
        return image
    # A code of unsigned numbers stands for the bits of the pixels, whatever their sign, the lowest first.
    bits = image.astype(f"u{pixels.dtype.itemsize}").view(f"{pixels.dtype.kind}{pixels.dtype.itemsize}")
    return _own_bits(bits, pixels.bits_stored, pixels.bits_stored - 1)


def _compare(stated: Announced, pixels: Pixels) -> None:
    if (stated.rows, stated.columns) != pixels.shape or stated.samples != 1 or pixels.dtype.kind == "f":
        raise ReadError(OTHER_SIZE)
    if stated.bits > 8 * pixels.dtype.itemsize:
        raise ReadError(OTHER_SIZE)


def _values(stored: np.ndarray, pixels: Pixels) -> np.ndarray:
    if pixels.swapped_words and stored.dtype.itemsize == 1 and stored.size % 2 == 0:
        stored = stored.reshape(-1, 2)[:, ::-1]
    stored = stored.reshape(pixels.shape)
    if stored.dtype.kind == "f":
        return stored
    return _own_bits(stored, pixels.bits_stored, pixels.high_bit)


def _own_bits(stored: np.ndarray, bits_stored: int, high_bit: int) -> np.ndarray:
    """The number in the pixel's own bits: shifting up drops what is above, shifting down what is below."""
    bits = 8 * stored.dtype.itemsize
    if bits_stored == bits:
        return stored
    # A signed type keeps its sign on the way down.
    return (stored.astype(stored.dtype.newbyteorder("=")) << (bits - 1 - high_bit)) >> (bits - bits_stored)
