"""Streams that are not trusted: bounded in what they give, counted in what they cost, their errors told in words."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError

DAMAGED = "The compressed file is damaged. Copy or download it again."
PLAIN = (io.BytesIO, io.BufferedReader)
PACKED = (gzip.GzipFile, zipfile.ZipExtFile)
# What may still be spent on the listing that goes on, in bytes that are unpacked; None while none does.
_budget: ContextVar[list[int] | None] = ContextVar("left", default=None)
TOO_LONG = (
    f"The file unpacks to more than {limits.MAX_UNPACKED_BYTES // 10**6} MB, or holds more than its header announces. "
    "Crop the scan to the head, or save one volume of it."
)


PACKED_BYTES, SKIPPED_BYTES = 64_000, 500_000  # taken from a packed stream, or read over in it, at a time


@contextmanager
def listing() -> Iterator[None]:
    """Within, all files together cost no more than `limits.MAX_LISTED_BYTES`: thousands of them can each be a bomb."""
    token = _budget.set([limits.MAX_LISTED_BYTES])
    try:
        yield
    finally:
        _budget.reset(token)


def spend(count: int) -> None:
    """Count what the listing that goes on costs, in bytes that could be unpacked in that time.

    Parameters
    ----------
    count : int
        Bytes.

    Raises
    ------
    TooLargeError
        If it has cost enough.
    """
    left = _budget.get()
    if left is None:
        return
    left[0] -= count
    if left[0] < 0:
        raise TooLargeError(
            "Finding out what all the files hold takes too long. Give the folder or archive of one series."
        )


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """What can go wrong while a file is read, in words."""
    try:
        yield
    except (zlib.error, zipfile.BadZipFile, EOFError) as error:
        raise ReadError(DAMAGED) from error
    except OSError as error:
        if error.strerror is None:  # not the system's, but that of gzip and bz2 for what they cannot unpack
            raise ReadError(DAMAGED) from error
        raise ReadError(f"The file cannot be opened: {error.strerror}.") from error


class Bounded(io.RawIOBase):
    """A stream of which no more than a number of bytes from its beginning can be read."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, most: int) -> None:
        self._stream = stream
        self._most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        # Where a packed stream ends can only be found by unpacking it, which must not go on for ever.
        if whence == io.SEEK_END and isinstance(self._stream, PACKED):
            while self.read(limits.BLOCK_BYTES):
                pass
            whence, offset = io.SEEK_CUR, min(offset, 0)
        target = offset + (self._stream.tell() if whence == io.SEEK_CUR else 0)
        if whence != io.SEEK_END and target > self._most:
            raise TooLargeError(TOO_LONG)
        if whence != io.SEEK_END and not isinstance(self._stream, PLAIN):
            here = self._stream.tell()
            spend(target - here if target >= here else target)  # to go back all is unpacked again
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = self._most - self._stream.tell()
        data = self._stream.read(min(len(buffer), left + 1))
        if len(data) > left:
            raise TooLargeError(TOO_LONG)
        buffer[: len(data)] = data
        spend(len(data))
        return len(data)


class Inflated(io.RawIOBase):
    """The rest of a stream, inflated as it is read and no faster. To go back it begins anew.

    Parameters
    ----------
    stream : binary file
        At the first packed byte; closed with this one.
    wbits : int
        As `zlib.decompressobj` takes it: negative for DEFLATE without a frame.
    damaged : str
        What is wrong and what to do, where it cannot be inflated.
    """

    def __init__(self, stream: BinaryIO, *, wbits: int = zlib.MAX_WBITS, damaged: str = DAMAGED) -> None:
        self._stream = stream
        self._start = stream.tell()
        self._wbits = wbits
        self._damaged = damaged
        self._begin()

    def _begin(self) -> None:
        self._stream.seek(self._start)
        self._inflate = zlib.decompressobj(self._wbits)
        self._packed = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if target < self._position:
            self._begin()
        while self._position < target and self.read(min(target - self._position, SKIPPED_BYTES)):
            pass
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._inflate.eof:
            self._packed = self._packed or self._stream.read(PACKED_BYTES)
            is_cut_short = not self._packed
            try:
                data = self._inflate.decompress(self._packed, len(buffer))
            except zlib.error as error:
                raise ReadError(self._damaged) from error
            self._packed = self._inflate.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                self._position += len(data)
                return len(data)
            if is_cut_short:
                raise ReadError(self._damaged)
        return 0

    def close(self) -> None:
        self._stream.close()
        super().close()
