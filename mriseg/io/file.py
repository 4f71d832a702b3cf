"""One file, wherever it lies: in memory, on disk or in an archive."""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import copyfileobj
from typing import BinaryIO

from mriseg.core import limits
from mriseg.io.streams import PACKED, Bounded, translate_os_errors

GZIP_MAGIC = b"\x1f\x8b"
CUT_SHORT = "The file is cut short: it holds less than its header announces. Copy or download it again."


@dataclass(frozen=True, eq=False)
class File:
    """One file, wherever it lies.

    Attributes
    ----------
    name : str
        Of the file without its folder.
    size : int
        In bytes, as the folder or archive says.
    content : callable
        Opens it at its beginning; seekable.
    folder : tuple of str
        Where it lies among the others.
    is_beside : bool
        Whether it was not given itself, but lies beside a file that was and may be the other half of it.
    """

    name: str = field(repr=False)
    size: int
    content: Callable[[], BinaryIO] = field(repr=False)
    folder: tuple[str, ...] = field(default=(), repr=False)
    is_beside: bool = False

    @contextmanager
    def open(self, most: int | None = None) -> Iterator[BinaryIO]:
        """Open the file; where it is packed by gzip, its unpacked content.

        Parameters
        ----------
        most : int, optional
            Bytes from the beginning past which reading is refused, so that no announced length is trusted; for what
            is packed `limits.MAX_UNPACKED_BYTES` unless told.

        Raises
        ------
        ReadError
            If it cannot be opened, or its packing proves damaged while it is read.
        """
        with translate_os_errors(), self.content() as stream:
            gzipped = stream.read(2) == GZIP_MAGIC
            stream.seek(0)
            unpacked = gzip.GzipFile(fileobj=stream) if gzipped else stream
            if most is None:
                most = limits.MAX_UNPACKED_BYTES if isinstance(unpacked, PACKED) else self.size
            yield io.BufferedReader(Bounded(unpacked, most))

    @contextmanager
    def open_anywhere(self) -> Iterator[BinaryIO]:
        """Open the file to read here and there; what is packed is unpacked into memory, where going back is free."""
        with translate_os_errors(), self.content() as stream:
            if not isinstance(stream, PACKED) and stream.read(2) != GZIP_MAGIC:
                stream.seek(0)
                yield stream
                return
        unpacked = io.BytesIO()
        with self.open() as content:
            copyfileobj(content, unpacked, limits.BLOCK_BYTES)  # asked for all, a stream would hold it twice
        unpacked.seek(0)
        yield unpacked

    @property
    def is_packed(self) -> bool:
        """Whether it is packed by gzip."""
        with translate_os_errors(), self.content() as stream:
            return stream.read(2) == GZIP_MAGIC

    @property
    def most_unpacked(self) -> int:
        """Bytes that its content can have at most: no packing is denser than DEFLATE's densest."""
        return self.size * (limits.MAX_DEFLATE_RATIO if self.is_packed else 1)

    def start(self) -> bytes:
        """The first `limits.START_BYTES` bytes of its content."""
        with self.open() as stream:
            return stream.read(limits.START_BYTES)
