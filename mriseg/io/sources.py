"""The files that a user gives: one, several dropped together, a folder, or what a zip archive holds.

Nothing is unpacked to disk. Names only tell which files belong together and how their kind is spelt; they are never
opened as paths, so an archive cannot reach outside itself, and never shown, since hospitals put names of patients in
them.
"""

import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError

GZIP_MAGIC, ZIP_MAGIC = b"\x1f\x8b", b"PK\x03\x04"
DAMAGED = "The compressed file is damaged. Copy or download it again."
CUT_SHORT = "The file is cut short: it holds less than its header announces. Copy or download it again."
# What operating systems leave in folders and archives.
LITTER = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
# Formats in two halves: what the headers are called, and what their voxels.
HEADERS, VOXELS = (".hdr", ".mhd", ".nhdr", ".par"), (".img", ".raw", ".zraw", ".rec")
# Pack methods whose memory is known beforehand; LZMA lets an archive ask for gigabytes of it.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
PLAIN = (io.BytesIO, io.BufferedReader)
PACKED = (gzip.GzipFile, zipfile.ZipExtFile)
ENCRYPTED = 0x1  # bit of a member's flags


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
        with _told(), self.content() as stream:
            gzipped = stream.read(2) == GZIP_MAGIC
            stream.seek(0)
            unpacked = gzip.GzipFile(fileobj=stream) if gzipped else stream
            if most is None:
                most = limits.MAX_UNPACKED_BYTES if isinstance(unpacked, PACKED) else self.size
            yield io.BufferedReader(Bounded(unpacked, most))

    @contextmanager
    def open_anywhere(self) -> Iterator[BinaryIO]:
        """Open the file to read here and there; what is packed is unpacked into memory, where going back is free."""
        with _told(), self.content() as stream:
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
        with _told(), self.content() as stream:
            return stream.read(2) == GZIP_MAGIC

    @property
    def most_unpacked(self) -> int:
        """Bytes that its content can have at most: no packing is denser than DEFLATE's densest."""
        return self.size * (limits.MAX_DEFLATE_RATIO if self.is_packed else 1)

    def start(self) -> bytes:
        """The first `limits.START_BYTES` bytes of its content."""
        with self.open() as stream:
            return stream.read(limits.START_BYTES)


# What may still be spent on the listing that goes on, in bytes that are unpacked; None while none does.
_left: ContextVar[list[int] | None] = ContextVar("left", default=None)


@contextmanager
def listing() -> Iterator[None]:
    """Within, all files together cost no more than `limits.MAX_LISTED_BYTES`: thousands of them can each be a bomb."""
    token = _left.set([limits.MAX_LISTED_BYTES])
    try:
        yield
    finally:
        _left.reset(token)


def spend(count: int) -> None:
    """Count what the listing that goes on costs, in bytes that could be unpacked in that time.

    Raises
    ------
    TooLargeError
        If it has cost enough.
    """
    left = _left.get()
    if left is None:
        return
    left[0] -= count
    if left[0] < 0:
        raise TooLargeError(
            "Finding out what all the files hold takes too long. Give the folder or archive of one series."
        )


@contextmanager
def _told() -> Iterator[None]:
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


TOO_LONG = (
    f"The file unpacks to more than {limits.MAX_UNPACKED_BYTES // 10**6} MB, or holds more than its header announces. "
    "Crop the scan to the head, or save one volume of it."
)


def files(source: bytes | str | Path | Sequence[tuple[str, bytes]], name: str | None = None) -> list[File]:
    """The files of a source, archives opened, in the order of their names.

    Parameters
    ----------
    source : bytes, str, Path or sequence of (str, bytes)
        The content of a file, the path of a file or folder, or the names and contents of several files.
    name : str, optional
        What the file was called whose content is given.

    Raises
    ------
    ReadError
        If it cannot be opened, is damaged or empty, or an archive is encrypted or packed in an unusual way.
    TooLargeError
        If there are more files than `limits.MAX_FILES`.
    """
    if isinstance(source, bytes):
        found = _unzipped(_in_memory(name or "", source))
    elif isinstance(source, str | Path):
        found = _on_disk(Path(source))
    else:
        _check_number(len(source))
        found = []
        for called, content in source:
            found += _unzipped(_in_memory(called, content))
            _check_number(len(found))
    if not found:
        raise ReadError("There is no file in it. Choose the folder or archive that holds the scan.")
    return sorted(found, key=lambda file: (file.folder, file.name.lower(), file.name))


def partner(file: File, among: Sequence[File], *endings: str) -> File | None:
    """The file that is called as another but for its ending, such as the .img of a .hdr.

    Parameters
    ----------
    file : File
    among : sequence of File
    *endings : str
        In lower case, with their dot; the first that is found counts.
    """
    return next(filter(None, (called(f"{_stem(file.name)}{ending}", file, among) for ending in endings)), None)


def halves(path: Path) -> list[Path]:
    """The files beside a header that may hold its voxels: of its name or, where the header says which, any such."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending not in HEADERS:
        return []
    found = []
    for other in sorted(path.parent.iterdir()):
        is_of_voxels = Path(other.name.lower().removesuffix(".gz")).suffix in VOXELS
        if is_of_voxels and (ending in (".mhd", ".nhdr") or _stem(other.name) == _stem(path.name)) and other.is_file():
            found.append(other)
    return found


def called(name: str, beside: File, among: Sequence[File]) -> File | None:
    """The file of a name in the folder of another. Of a name with folders only the last part counts."""
    wanted = PurePosixPath(name.replace("\\", "/")).name.lower()
    for file in among:
        if file.folder == beside.folder and file.name.lower() == wanted:
            return file
    return None


def _stem(name: str) -> str:
    base = name[: -len(name.rpartition(".")[2]) - 1] if name.lower().endswith((".gz", ".bz2")) else name
    return base.rpartition(".")[0] or base


def _in_memory(name: str, content: bytes) -> File:
    *folder, base = name.replace("\\", "/").split("/")
    return File(base, len(content), partial(io.BytesIO, content), tuple(folder))


def _on_disk(path: Path) -> list[File]:
    if "\0" in str(path):  # which the system's functions do not take
        raise ReadError("There is no file of this name. Choose the scan again.")
    try:
        if not path.is_dir():
            if not stat.S_ISREG(path.stat().st_mode):
                raise ReadError("This is neither a file nor a folder. Choose the scan itself.")
            given = _unzipped(_of_path(path))
            return given if len(given) > 1 else [*given, *_beside(path)]
        found: list[File] = []
        for folder, below, names in os.walk(path):
            below.sort()
            for name in sorted(names):
                file = Path(folder) / name
                # A pipe or a device would be waited for; a link that leads nowhere is passed over.
                if not is_litter(name) and file.exists() and stat.S_ISREG(file.stat().st_mode):
                    found.append(_of_path(file, Path(folder).relative_to(path).parts))
            _check_number(len(found))
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror or 'unknown reason'}.") from error
    return [unzipped for file in found for unzipped in (_unzipped(file) if len(found) == 1 else [file])]


def _of_path(path: Path, folder: tuple[str, ...] = ()) -> File:
    return File(path.name, path.stat().st_size, lambda: path.open("rb"), folder)


def _beside(path: Path) -> list[File]:
    """What lies beside a file that may come in two halves: its header, or what a header could name."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending not in (*HEADERS, *VOXELS):
        return []
    found = []
    for other in islice(sorted(path.parent.iterdir()), limits.MAX_FILES):
        is_header = Path(other.name.lower().removesuffix(".gz")).suffix in HEADERS
        belongs = _stem(other.name) == _stem(path.name) if ending in VOXELS else not is_header
        if belongs and other != path and other.is_file():
            # Voxels stand for the volume whose header lies beside them.
            found.append(replace(_of_path(other), is_beside=not is_header))
    return found


def _unzipped(file: File) -> list[File]:
    """The members of an archive, or the file itself if it is none."""
    with file.content() as stream:
        if stream.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
            return [file]
    try:
        content = _Archive(file.content())  # type: ignore[arg-type]
        archive = zipfile.ZipFile(content)
        content.is_listed = True
    except ReadError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ReadError("The zip archive is damaged or of an unusual kind. Pack or download it again.") from error
    members = [member for member in archive.infolist() if _is_wanted(member)]
    _check_number(len(members))
    found = []
    for member in sorted(members, key=lambda member: member.filename):
        if member.flag_bits & ENCRYPTED:
            raise ReadError("The zip archive is protected by a password. Unpack it and drop the folder inside.")
        if member.compress_type not in METHODS:
            raise ReadError("The zip archive is packed in an unusual way. Pack it again as an ordinary zip.")
        *folder, name = member.filename.replace("\\", "/").split("/")
        found.append(File(name, member.file_size, partial(_member, archive, member), tuple(folder)))
    return found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    try:
        return archive.open(member)  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:
        raise ReadError(DAMAGED) from error


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    is_folder = member.filename.endswith("/") or not member.filename
    return not is_folder and not is_link and not any(map(is_litter, member.filename.split("/")))


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is what operating systems leave behind."""
    return name.lower() in LITTER or name.startswith("._")


def _check_number(count: int) -> None:
    if count > limits.MAX_FILES:
        raise TooLargeError(
            f"There are more than {limits.MAX_FILES} files in it. Give the folder or archive of one series."
        )


class _Archive(io.BufferedReader):
    """An archive whose list of contents is not read if it is longer than `limits.MAX_FILES` entries can be.

    `zipfile` reads that list in one piece and makes an object of each entry, before anyone can ask how many there are.
    """

    is_listed = False

    def read(self, size: int | None = -1, /) -> bytes:
        if self.is_listed:
            return super().read(size)
        if size is None or size < 0:  # what is behind the list, at the end of the file
            size = limits.MAX_ZIP_DIRECTORY_BYTES
        if size > limits.MAX_ZIP_DIRECTORY_BYTES:
            raise TooLargeError(
                f"The archive lists more than {limits.MAX_FILES} files. Give the archive of one series."
            )
        return super().read(size)
