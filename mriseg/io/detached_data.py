"""Where the voxels that a text header announces lie: behind it or in a file beside it, plain or packed.

A header is a hostile text. What it calls a file is looked for among the files that were given, in its own folder, and
never opened as a path; what it calls packed is unpacked as it is read, up to the usual bound.
"""

import bz2
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.file import File
from mriseg.io.sidecar import called
from mriseg.io.streams import Inflated, spend


def header_lines(file: File, most: int = limits.MAX_HEADER_BYTES) -> Iterator[bytes]:
    """The lines at the beginning of a file, each with its end.

    Parameters
    ----------
    file : File
    most : int
        Bytes that they may have together.

    Returns
    -------
    iterator of bytes

    Raises
    ------
    TooLargeError
        If there are more and still another line is asked for.
    """
    left = most
    with file.open() as stream:
        while line := stream.readline(left):
            spend(limits.PARSED_COST * len(line))
            yield line
            left -= len(line)
            if left <= 0:
                raise TooLargeError("The header is longer than any real one. Export the volume again.")


def beside(header: File, name: str, among: Sequence[File], half: str) -> File:
    """The file that a header names as the one with its voxels.

    Parameters
    ----------
    header : File
    name : str
        As the header spells it.
    among : sequence of File
        That were given together with the header.
    half : str
        What to say if it is not among them.

    Returns
    -------
    File

    Raises
    ------
    ReadError
        If the name leads out of the header's folder or stands for several files, or there is no such file.
    """
    name = name.removeprefix("./").removeprefix(".\\")
    if name.split()[:1] == ["LIST"] or "%" in name:
        raise ReadError("The header spreads its voxels over several files. Save the volume as a single .nii.gz.")
    if any(mark in name for mark in "/\\:"):
        raise ReadError(
            "The header names a file in another folder as the one with its voxels. "
            "Put both into one folder, let the header give the name alone, and drop both."
        )
    file = called(name, header, among)
    if file is None or file is header:
        raise ReadError(half)
    return file


def rest(file: File, offset: int) -> File:
    """What lies behind a header in its file, as a file of its own.

    Parameters
    ----------
    file : File
    offset : int
        Of its first byte, in the unpacked content.

    Returns
    -------
    File
    """
    if offset == 0:
        return file
    size = max(file.most_unpacked - offset, 0)
    return File(file.name, size, partial(_Rest, file, offset), file.folder)  # type: ignore[arg-type]


def inflated(file: File) -> File:
    """What a file holds that was packed by zlib, without the frame of gzip.

    Parameters
    ----------
    file : File

    Returns
    -------
    File
    """
    size = min(file.size * limits.MAX_DEFLATE_RATIO, limits.MAX_UNPACKED_BYTES)
    return File(file.name, size, partial(_inflate, file), file.folder)


def bunzipped(file: File) -> File:
    """What a file holds that was packed by bzip2, which knows no bound to how densely.

    Parameters
    ----------
    file : File

    Returns
    -------
    File
    """
    return File(file.name, limits.MAX_UNPACKED_BYTES, partial(_bunzip, file), file.folder)


def _inflate(file: File) -> BinaryIO:
    return Inflated(file.content())  # type: ignore[return-value]


def _bunzip(file: File) -> BinaryIO:
    return bz2.BZ2File(file.content())  # type: ignore[return-value]


class _Rest(io.RawIOBase):
    """A stream from an offset on."""

    def __init__(self, file: File, offset: int) -> None:
        self._closing = ExitStack()
        self._stream = self._closing.enter_context(file.open())
        self._offset = offset
        self._stream.seek(offset)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset + (self._offset if whence == io.SEEK_SET else 0), whence) - self._offset

    def tell(self) -> int:
        return self._stream.tell() - self._offset

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._closing.close()
        super().close()
