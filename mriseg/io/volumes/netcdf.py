"""The header of a netCDF classic file, which MINC 1 is: what its variables are called and where their values lie.

The readers of nibabel and scipy take in every variable whole, an image of doubles five times over; this one takes the
header alone. Layout: https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass, replace
from math import prod
from typing import BinaryIO

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.file import CUT_SHORT
from mriseg.io.streams import spend

MAGIC = {b"CDF\x01": ">I", b"CDF\x02": ">Q"}  # and how an offset in the file is written
DAMAGED = "The header of the MINC file is damaged. Convert the volume again, for example with mnc2nii."
DIMENSIONS, VARIABLES, ATTRIBUTES = 10, 11, 12  # the tags before lists of each
TYPES = {1: ">i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8"}
CHAR = 2
MAX_VALUES = 200_000  # of a small variable, such as the brightest value of each slice of 500 volumes


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable and where its values lie, the last axis fastest.

    Attributes
    ----------
    axes : tuple of str
        Their names.
    shape : tuple of int
        Values along each of them.
    dtype : dtype
        As stored; the file says elsewhere if integers are unsigned.
    attributes : dict
        Text as bytes, numbers as an array.
    offset : int
        Of the first value, in bytes of the file.
    stride : int
        Bytes from one step along the first axis to the next.
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype
    attributes: dict[str, bytes | np.ndarray]
    offset: int
    stride: int


def variables(content: bytes, wanted: Collection[str]) -> dict[str, Variable]:
    """The variables of a file.

    Parameters
    ----------
    content : bytes
        The beginning of the file, at least its header.
    wanted : collection of str
        Names of variables; of others nothing is kept.

    Returns
    -------
    dict of str to Variable

    Raises
    ------
    ReadError
        If the header is damaged or longer than the content given.
    """
    try:
        return _variables(_Cursor(content), wanted)
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise ReadError(DAMAGED) from error


def values(variable: Variable, stream: BinaryIO) -> np.ndarray:
    """The values of a small variable.

    Parameters
    ----------
    variable : Variable
    stream : binary file

    Returns
    -------
    ndarray of float

    Raises
    ------
    ReadError
        If they are more than `MAX_VALUES` or not in the file.
    """
    if prod(variable.shape) > MAX_VALUES or 0 in variable.shape:
        raise ReadError(DAMAGED)
    steps = variable.shape[0] if variable.shape else 1
    size = prod(variable.shape[1:]) * variable.dtype.itemsize
    content = bytearray()
    for step in range(steps):
        stream.seek(variable.offset + step * variable.stride)
        content += stream.read(size)
    if len(content) < steps * size:
        raise ReadError(CUT_SHORT)
    return np.frombuffer(bytes(content), variable.dtype).reshape(variable.shape).astype(float)


def _variables(cursor: "_Cursor", wanted: Collection[str]) -> dict[str, Variable]:
    offset_format = MAGIC[cursor.take(4)]
    records = cursor.number()
    dimensions = [(cursor.name(), cursor.number()) for _ in range(cursor.count(DIMENSIONS))]
    cursor.attributes(keep=False)
    parsed, record_sizes = {}, []
    for _ in range(cursor.count(VARIABLES)):
        name = cursor.name()
        if (count := cursor.number()) > limits.MAX_AXES:
            raise ReadError(DAMAGED)
        axes = [dimensions[cursor.number()] for _ in range(count)]
        attributes = cursor.attributes(keep=name in wanted)
        dtype = np.dtype(TYPES[cursor.number()])
        cursor.number()  # the variable's size, which follows from the rest
        offset = cursor.unpack(offset_format)
        lengths = [length for _, length in axes]
        has_records = bool(lengths) and lengths[0] == 0  # an axis without an end, along which all variables take turns
        step = prod(lengths[1:]) * dtype.itemsize
        if has_records:
            record_sizes.append(step)
            lengths[0] = records
        if name in wanted:
            stride = 0 if has_records else step
            parsed[name] = Variable(
                tuple(axis for axis, _ in axes),
                tuple(lengths),
                dtype,
                attributes=attributes,
                offset=offset,
                stride=stride,
            )
    record = record_sizes[0] if len(record_sizes) == 1 else sum(_padded(size) for size in record_sizes)
    return {
        name: variable if variable.stride else replace(variable, stride=record) for name, variable in parsed.items()
    }


class _Cursor:
    """A place in the header that moves on with what is taken."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def take(self, count: int) -> bytes:
        part = self._content[self._position : self._position + count]
        if count < 0 or len(part) < count:
            raise ReadError(DAMAGED)
        self._position += _padded(count)
        spend(limits.PARSED_COST * count)
        return part

    def unpack(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def number(self) -> int:
        return self.unpack(">i")

    def name(self) -> str:
        return self.take(self.number()).decode("latin-1")

    def count(self, tag: int) -> int:
        """How many entries the list has that begins here; an empty one may go without its tag."""
        found, count = self.number(), self.number()
        if count and found != tag:
            raise ReadError(DAMAGED)
        return count

    def attributes(self, keep: bool) -> dict[str, bytes | np.ndarray]:
        parsed: dict[str, bytes | np.ndarray] = {}
        for _ in range(self.count(ATTRIBUTES)):
            name, kind, count = self.name(), self.number(), self.number()
            content = self.take(count * np.dtype(TYPES[kind]).itemsize)
            if keep:
                parsed[name] = content if kind == CHAR else np.frombuffer(content, TYPES[kind])
        return parsed


def _padded(size: int) -> int:
    return size + -size % 4
