"""A DICOM file as what it is made of: elements, each a tag, a type, a length and a value, some of them nested.

A header holds hundreds of elements, most of them about the person, the hospital and the machine. Only those of `KNOWN`
are kept, and of nested sequences only those that describe the frames of a multi-frame image (`GROUPS`); everything else
is stepped over. So a header costs what its few wanted entries cost, however much else is in it: pydicom, which makes an
object of every nested element, takes 6 s and 340 MB for a hostile header of 4 MB.

What writers get wrong and is still understood: no preamble, no file meta group, another encoding than announced, single
elements or whole sequences in implicit encoding within an explicit file, sequences of unknown type.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.dicom.dictionary import (
    BINARY,
    DEFLATED,
    EXPLICIT_BIG,
    GE_BIG_PIXELS,
    GROUPS,
    KNOWN,
    LONG,
    PER_FRAME,
    PIXELS,
    PRIVATE,
    SHARED,
)
from mriseg.io.file import File
from mriseg.io.streams import Inflated

Value = str | tuple[float, ...] | bytes
Entries = dict[str, Value]

DAMAGED = "The DICOM file is damaged. Export or download the series again."
TOO_MUCH = "The DICOM headers in it are longer than any scanner writes. Give the folder or archive of one series."
TOO_MANY_FRAMES = (
    f"There are more than {limits.MAX_DICOM_FRAMES} DICOM slices in it. Give the folder or archive of one series."
)

ITEM, ITEM_END, SEQUENCE_END, UNDEFINED = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFFFFFF
MOST_NUMBERS = 6  # of one element; none that is wanted has more
MOST_TEXT_BYTES = 1_024
MOST_PRIVATE_BYTES = 1_000_000  # Siemens' own header, needed to unfold a mosaic, has about 100 kB


@dataclass
class Budget:
    """What the headers of one source may still cost, however many files it has.

    Attributes
    ----------
    elements : int
        To look at; a microsecond each.
    header_bytes : int
        To read or step over, which in an archive means to unpack.
    frames : int
        To keep a record of.
    """

    elements: int = limits.MAX_DICOM_ELEMENTS
    header_bytes: int = limits.MAX_DICOM_HEADERS_BYTES
    frames: int = limits.MAX_DICOM_FRAMES


@dataclass(frozen=True, eq=False)
class Elements:
    """What is wanted of one file.

    Attributes
    ----------
    entries : dict
        By keyword: text as a str with its backslashes, numbers as a tuple of float. Bytes of text stand for the
        characters of the same number, whatever character set the file uses.
    shared : dict
        The same of the functional groups that all frames share.
    frames : list of dict
        The same of the functional groups of each frame.
    pixels : {"integer", "float", "double"} or None
        What the pixels are; None if the file has none.
    offset : int
        Of the first byte of the pixels in the (inflated) content.
    length : int or None
        Of the pixels in bytes; None if they are encapsulated, in fragments.
    big_endian : bool
        The byte order of the pixels.
    swapped_words : bool
        Whether pixels of 8 bits come in pairs in the wrong order.
    deflated_at : int or None
        From where on the file is deflated, if it is.
    """

    entries: Entries
    shared: Entries
    frames: list[Entries]
    pixels: Literal["integer", "float", "double"] | None
    offset: int
    length: int | None
    big_endian: bool
    swapped_words: bool
    deflated_at: int | None


def is_dicom(start: bytes) -> bool:
    """Whether a file that starts with these bytes is DICOM, with or without its preamble of 128 bytes.

    Without it, three elements in ascending order must make sense, of the groups that every file begins with.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    if start[128:132] == b"DICM":
        return True
    big_endian = start[:1] == b"\x00"
    order = ">" if big_endian else "<"
    position, last = 0, -1
    for _ in range(3):
        head = start[position : position + 12]
        if len(head) < 12:
            return False
        group, element, length = struct.unpack(f"{order}HHL", head[:8])
        tag, size = group << 16 | element, 8
        if _is_type(head[4:6]):
            size, length = _explicit_length(head, order)
        elif big_endian:
            return False
        if group not in (0x0002, 0x0008) or tag <= last or length > len(start):
            return False
        position, last = position + size + length, tag
    return True


def read_elements(file: File, budget: Budget) -> Elements:
    """Read what is wanted of a file's header, up to its pixels.

    Parameters
    ----------
    file : File
    budget : Budget
        What the headers of one source may still cost.

    Returns
    -------
    Elements

    Raises
    ------
    ReadError
        If it is damaged.
    TooLargeError
        If it is longer than a header can be, or uses up what the headers of one source may cost.
    """
    with opened(file) as stream:
        start = stream.read(132)
        at = 132 if start[128:132] == b"DICM" else 0
        stream.seek(at)
        meta = _Walk(stream, budget, "<", at, only_group=0x0002)
        meta.dataset(meta.entries, implicit=False, end=None, depth=0)
        syntax = meta.entries.get("TransferSyntaxUID", "")
        stream.seek(meta.position)
        deflated_at = meta.position if syntax == DEFLATED else None
        if deflated_at is None:
            walk = _Walk(stream, budget, _order(stream, syntax), meta.position)
        else:
            walk = _Walk(io.BufferedReader(Inflated(stream, wbits=-zlib.MAX_WBITS, damaged=DAMAGED)), budget, "<", 0)
        walk.dataset(walk.entries, _is_implicit(walk.stream), end=None, depth=0)
    big_endian = walk.order == ">" or syntax == GE_BIG_PIXELS
    return Elements(
        entries={**meta.entries, **walk.entries},
        shared=walk.shared,
        frames=walk.frames,
        pixels=walk.pixels,  # type: ignore[arg-type]
        offset=walk.position,
        length=walk.pixel_length,
        big_endian=big_endian,
        swapped_words=walk.order == ">" and walk.pixel_type == b"OW",
        deflated_at=deflated_at,
    )


@contextmanager
def opened(file: File, deflated_at: int | None = None) -> Iterator[BinaryIO]:
    """The content that the offsets of `Elements` count in; to be read forwards, and to be found short at its end.

    Parameters
    ----------
    file : File
    deflated_at : int or None
        Where the packing by DEFLATE begins, in bytes; None where nothing is packed.
    """
    with file.open(max(file.size, limits.MAX_UNPACKED_BYTES)) as stream:
        if deflated_at is None:
            yield stream
        else:
            stream.seek(deflated_at)
            yield io.BufferedReader(Inflated(stream, wbits=-zlib.MAX_WBITS, damaged=DAMAGED))


@dataclass
class _Walk:
    """A way through the elements of a stream; what is kept on it, and where it stands."""

    stream: BinaryIO
    budget: Budget
    order: str
    position: int
    only_group: int | None = None
    entries: Entries = field(default_factory=dict)
    shared: Entries = field(default_factory=dict)
    frames: list[Entries] = field(default_factory=list)
    owners: dict[tuple[int, int], str] = field(default_factory=dict)
    pixels: str | None = None
    pixel_length: int | None = None
    pixel_type: bytes = b""

    def dataset(self, into: Entries | None, implicit: bool, end: int | None, depth: int) -> None:
        """Walk through elements up to `end`, or if that is None to the end of the item or the stream.

        What is wanted of them is put `into` a dict; nothing is wanted where that is None.
        """
        unpacked = struct.Struct(f"{self.order}HHL").unpack
        while end is None or self.position < end:
            head = self._head()
            if len(head) < 8:
                return
            group, element, length = unpacked(head)
            tag, kind = group << 16 | element, b""
            if self.only_group is not None and group != self.only_group:
                self.position -= 8
                return
            if tag in (ITEM_END, SEQUENCE_END):
                return
            if not implicit and _is_type(head[4:6]):
                kind = head[4:6]
                if kind in LONG:
                    (length,) = struct.unpack(f"{self.order}L", self._read(4).ljust(4, b"\0"))
                else:
                    (length,) = struct.unpack(f"{self.order}H", head[6:8])
            if depth == 0 and tag in PIXELS:
                self.pixels, self.pixel_type = PIXELS[tag], kind
                self.pixel_length = None if length == UNDEFINED else length
                return
            is_nested = tag in ((SHARED, PER_FRAME) if depth == 0 else GROUPS) and into is not None
            if length == UNDEFINED and kind not in (b"", b"SQ", b"UN"):
                self._skip_fragments()
            elif length == UNDEFINED or (is_nested and kind in (b"", b"SQ", b"UN")):
                # Of unknown type means written by a program that did not know the type: always implicit within.
                within = into if is_nested else None
                self._sequence(tag, within, implicit or kind == b"UN", length=length, depth=depth)
            elif into is not None and (tag in KNOWN or group % 2):
                self._element(tag, kind.decode(), length, into)
            elif length:
                self._skip(length)

    def _sequence(self, tag: int, into: Entries | None, implicit: bool, length: int, depth: int) -> None:
        if depth > limits.MAX_DICOM_DEPTH:
            raise ReadError(DAMAGED)
        end = None if length == UNDEFINED else self.position + length
        while end is None or self.position < end:
            head = self._head()
            if len(head) < 8:
                return
            group, element, item_length = struct.unpack(f"{self.order}HHL", head)
            mark = group << 16 | element
            if mark == SEQUENCE_END:
                return
            if mark != ITEM:
                raise ReadError(DAMAGED)
            item_end = None if item_length == UNDEFINED else self.position + item_length
            target = into
            if into is not None and tag == SHARED:
                target = self.shared
            elif into is not None and tag == PER_FRAME:
                target = {}
                self.frames.append(target)
                self.budget.frames -= 1
                if self.budget.frames < 0:
                    raise TooLargeError(TOO_MANY_FRAMES)
            if item_end is None or target is not None:
                self.dataset(target, implicit, item_end, depth + 1)
            if item_end is not None:
                if self.position > item_end:
                    raise ReadError(DAMAGED)
                self._skip(item_end - self.position)

    def _skip_fragments(self) -> None:
        while len(head := self._head()) == 8:
            group, element, length = struct.unpack(f"{self.order}HHL", head)
            if group << 16 | element != ITEM:
                return
            self._skip(length)

    def _element(self, tag: int, kind: str, length: int, into: Entries) -> None:
        group, element = tag >> 16, tag & 0xFFFF
        keyword, own_kind = KNOWN.get(tag, ("", ""))
        most = MOST_TEXT_BYTES
        if group % 2 and 0x10 <= element <= 0xFF and length <= MOST_TEXT_BYTES:
            self.owners[group, element] = _text(self._read(length))
            return
        if group % 2 and element > 0xFF:
            owner = self.owners.get((group, element >> 8), "")
            keyword = PRIVATE.get((group, owner, element & 0xFF), "")
            most = MOST_PRIVATE_BYTES
        if not keyword or length > most:
            self._skip(length)
            return
        value = self._read(length)
        if len(value) < length or keyword in into:
            return
        if group % 2:
            into[keyword] = value
        elif own_kind in BINARY or own_kind in ("DS", "IS"):
            into[keyword] = _numbers(value, kind if kind in BINARY or kind in ("DS", "IS") else own_kind, self.order)
        else:
            into[keyword] = _text(value)

    def _head(self) -> bytes:
        # Called millions of times on what is hostile, so it does at once what `_read` does by calls.
        budget, head = self.budget, self.stream.read(8)
        self.position += len(head)
        budget.elements -= 1
        budget.header_bytes -= 8
        if budget.elements < 0 or budget.header_bytes < 0 or self.position > limits.MAX_DICOM_HEADER_BYTES:
            raise TooLargeError(TOO_MUCH)
        return head

    def _read(self, length: int) -> bytes:
        self._step(length)
        value = self.stream.read(length)
        self.position -= length - len(value)
        return value

    def _skip(self, length: int) -> None:
        self._step(length)
        if length < limits.START_BYTES:  # what is in the buffer already is sooner read than sought
            self.stream.read(length)
        else:
            self.stream.seek(length, io.SEEK_CUR)

    def _step(self, length: int) -> None:
        self.position += length
        self.budget.header_bytes -= length
        if self.position > limits.MAX_DICOM_HEADER_BYTES or self.budget.header_bytes < 0:
            raise TooLargeError(TOO_MUCH)


def _is_type(two: bytes) -> bool:
    """Whether two bytes can be the type of an element, which is two capital letters."""
    return len(two) == 2 and 65 <= two[0] <= 90 and 65 <= two[1] <= 90


def _explicit_length(head: bytes, order: str) -> tuple[int, int]:
    """How long an explicit element's head is, and how long its value."""
    if head[4:6] in LONG:
        return 12, struct.unpack(f"{order}L", head[8:12])[0]
    return 8, struct.unpack(f"{order}H", head[6:8])[0]


def _order(stream: BinaryIO, syntax: Value) -> str:
    """The byte order of what follows: as announced, or where nothing is, as the first group's number reads."""
    if syntax:
        return ">" if syntax == EXPLICIT_BIG else "<"
    return ">" if _peek(stream, 6)[:1] == b"\x00" else "<"


def _is_implicit(stream: BinaryIO) -> bool:
    """Whether elements come without their types; what is announced of this is wrong often enough."""
    return not _is_type(_peek(stream, 6)[4:6])


def _peek(stream: BinaryIO, count: int) -> bytes:
    position = stream.tell()
    start = stream.read(count)
    stream.seek(position)
    return start


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip(" \0")


def _numbers(value: bytes, kind: str, order: str) -> tuple[float, ...]:
    """Up to `MOST_NUMBERS` numbers; NaN for what is none."""
    if kind in BINARY:
        count = min(len(value) // struct.calcsize(f"={BINARY[kind]}"), MOST_NUMBERS)
        code = f"{order}{count}{BINARY[kind]}"
        return tuple(map(float, struct.unpack(code, value[: struct.calcsize(code)])))
    values = []
    for part in _text(value).split("\\")[:MOST_NUMBERS] if value.strip(b" \0") else []:
        try:
            values.append(float(part))
        except ValueError:
            values.append(float("nan"))
    return tuple(values)
