"""The files that a user gives: one, several dropped together, a folder, or what a zip archive holds.

Nothing is unpacked to disk. Names only tell which files belong together and how their kind is spelled; they are never
opened as paths, so an archive cannot reach outside itself, and never shown, since hospitals put names of patients in
them.
"""

import io
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.archive import check_file_count, unzipped
from mriseg.io.file import File
from mriseg.io.folder import look_through
from mriseg.io.sidecar import HEADERS, VOXELS, base_name

NO_REGULAR_FILE = "This is neither a file nor a folder. Choose the scan itself."
NO_FILE = "There is no file in it. Choose the folder or archive that holds the scan."


def files(source: bytes | str | Path | Sequence[tuple[str, bytes]], name: str | None = None) -> list[File]:
    """The files of a source, archives opened, in the order of their names.

    Parameters
    ----------
    source : bytes, str, Path or sequence of (str, bytes)
        The content of a file, the path of a file or folder, or the names and contents of several files.
    name : str, optional
        What the file was called whose content is given.

    Returns
    -------
    list of File

    Raises
    ------
    ReadError
        If it cannot be opened, is damaged or empty, or an archive is encrypted or packed in an unusual way.
    TooLargeError
        If there are more files than `limits.MAX_FILES`.
    """
    if isinstance(source, bytes):
        unpacked = unzipped(_in_memory(name or "", source))
    elif isinstance(source, str | Path):
        unpacked = _on_disk(Path(source))
    else:
        check_file_count(len(source))
        unpacked = []
        for called, content in source:
            unpacked += unzipped(_in_memory(called, content))
            check_file_count(len(unpacked))
    if not unpacked:
        raise ReadError(NO_FILE)
    return sorted(unpacked, key=lambda file: (file.folder, file.name.lower(), file.name))


def left_out(source: bytes | str | Path | Sequence[tuple[str, bytes]]) -> str:
    """What of a folder is not read and why, such as links and pipes.

    Parameters
    ----------
    source
        As for `files`.

    Returns
    -------
    str
        In a sentence; "" of anything else than a folder, and where nothing is left out.
    """
    if not isinstance(source, str | Path) or not Path(source).is_dir():
        return ""
    with suppress(OSError, TooLargeError):  # which `files` tells
        return look_through(Path(source)).left_out
    return ""


def _in_memory(name: str, content: bytes) -> File:
    *folder, base = name.replace("\\", "/").split("/")
    return File(base, len(content), partial(io.BytesIO, content), tuple(folder))


def _on_disk(path: Path) -> list[File]:
    if "\0" in str(path):  # which the system's functions do not take
        raise ReadError("There is no file of this name. Choose the scan again.")
    try:
        if not path.is_dir():
            if not stat.S_ISREG(path.stat().st_mode):
                raise ReadError(NO_REGULAR_FILE)
            given = unzipped(_of_path(path))
            return given if len(given) > 1 else [*given, *_beside(path)]
        inside = look_through(path)
        files_below = [_of_path(file, file.parent.relative_to(path).parts) for file in inside.files]
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror or 'unknown reason'}.") from error
    return unzipped(files_below[0]) if len(files_below) == 1 else files_below


def _of_path(path: Path, folder: tuple[str, ...] = ()) -> File:
    return File(path.name, path.stat().st_size, partial(_opened, path), folder)


def _opened(path: Path) -> BinaryIO:
    """A file opened, and nothing else: what has become a pipe since it was looked at is not waited for."""
    stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise ReadError(NO_REGULAR_FILE)
    return stream


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _beside(path: Path) -> list[File]:
    """What lies beside a file that may come in two halves: its header, or what a header could name."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending not in (*HEADERS, *VOXELS):
        return []
    neighbors = []
    for other in islice(sorted(path.parent.iterdir()), limits.MAX_FILES):
        is_header = Path(other.name.lower().removesuffix(".gz")).suffix in HEADERS
        belongs = base_name(other.name) == base_name(path.name) if ending in VOXELS else not is_header
        if belongs and other != path and other.is_file():
            # Voxels stand for the volume whose header lies beside them.
            neighbors.append(replace(_of_path(other), is_beside=not is_header))
    return neighbors
