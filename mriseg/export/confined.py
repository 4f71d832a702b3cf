"""Files in a folder of results, reached without following a link: whatever lies in the folder, nothing leads out of it.

Each part of a path is opened in the folder that was opened before it, and never through a link. So it stays true if
somebody puts a link in place of a folder meanwhile. Windows opens no files that way: there each part is looked at
before it is used.
"""

import errno
import os
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from mriseg.core.errors import TakenError

OWN = ".mriseg"  # folder of what only mriseg reads
HAS_DESCRIPTORS = {os.open, os.stat, os.mkdir, os.unlink, os.rmdir, os.rename} <= os.supports_dir_fd
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # a pipe without another end is not waited for
CLOSED_ON_EXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
NO_FOLDER = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)  # of a link, as Linux, macOS and FreeBSD say it
LINK = (
    "{} in the folder of results is a link or no folder, and results are never written through links. Remove it, or "
    "give another folder."
)
ANOTHERS = "{} in the folder of results belongs to another user and is not trusted. Remove it, or give another folder."
NO_FILE = "{} in the folder of results is a link or no ordinary file. Remove it, or give another folder."
OUTSIDE = "A name leads out of the folder of results. Give another folder."


@dataclass(frozen=True)
class _Folder:
    """A folder that is open: by its descriptor or, where the system has none, by its path."""

    path: Path
    descriptor: int | None

    def at(self, name: str) -> str | Path:
        """What the system's functions take for a file in it, with `dir_fd` as the descriptor."""
        return name if self.descriptor is not None else self.path / name

    def status(self, name: str) -> os.stat_result:
        return os.stat(self.at(name), dir_fd=self.descriptor, follow_symlinks=False)

    def names(self) -> list[str]:
        return sorted(os.listdir(self.path if self.descriptor is None else self.descriptor))


@contextmanager
def opened(root: Path, name: str, most: int) -> Iterator[BufferedReader]:
    """Open an ordinary file to read.

    Parameters
    ----------
    root : Path
        The folder of results.
    name : str
        Path of the file in it.
    most : int
        Bytes; a longer file is not opened.

    Yields
    ------
    file object

    Raises
    ------
    OSError
        If there is no such file, it is a link or no ordinary file, or it is longer.
    TakenError
        If the path to it leads through a link.
    """
    *folders, last = parts(name)
    flags = os.O_RDONLY | NO_LINK | AT_ONCE | CLOSED_ON_EXEC
    with _opened(root, folders) as folder:
        if not stat.S_ISREG(folder.status(last).st_mode):  # a device may act on being opened
            raise OSError(errno.EINVAL, "No ordinary file")
        with open(os.open(folder.at(last), flags, dir_fd=folder.descriptor), "rb") as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > most:
                raise OSError(errno.EFBIG, "Too large, or no ordinary file")
            yield stream


def read(root: Path, name: str, most: int) -> bytes:
    """The content of an ordinary file.

    Parameters
    ----------
    root, name, most
        As for `opened`.

    Returns
    -------
    bytes

    Raises
    ------
    OSError, TakenError
        As of `opened`.
    """
    with opened(root, name, most) as stream:
        return stream.read(os.fstat(stream.fileno()).st_size)  # for as much as is asked for, memory is taken


def create(root: Path, name: str) -> int:
    """Make a file that was not there, and its folders.

    Parameters
    ----------
    root, name
        As for `opened`.

    Returns
    -------
    int
        A descriptor to write to, which the caller closes.

    Raises
    ------
    OSError
        If something has the name.
    TakenError
        If the path to it leads through a link.
    """
    *folders, last = parts(name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | CLOSED_ON_EXEC
    with _opened(root, folders, make=True) as folder:
        return os.open(folder.at(last), flags, 0o666, dir_fd=folder.descriptor)


def open_to_lock(root: Path, name: str) -> int:
    """Open a file that only stands for something, or make it, and its folders. Its content is left as it is.

    Parameters
    ----------
    root, name
        As for `opened`.

    Returns
    -------
    int
        A descriptor, which the caller closes.

    Raises
    ------
    TakenError
        If the path leads through a link, or what has the name is no ordinary file or another user's.
    """
    *folders, last = parts(name)
    flags = os.O_RDWR | os.O_CREAT | NO_LINK | AT_ONCE | CLOSED_ON_EXEC
    with _opened(root, folders, make=True) as folder, _opened(root, ()) as top:
        with suppress(FileNotFoundError):
            _check_file(folder.status(last), top, name)
        try:
            descriptor = os.open(folder.at(last), flags, 0o666, dir_fd=folder.descriptor)
        except OSError as error:
            if error.errno in NO_FOLDER:
                raise TakenError(NO_FILE.format(name)) from error
            raise
        try:
            _check_file(os.fstat(descriptor), top, name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _check_file(found: os.stat_result, top: _Folder, name: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise TakenError(NO_FILE.format(name))
    if not _is_own(found, top):
        raise TakenError(ANOTHERS.format(name))


def move(root: Path, name: str, to: str) -> None:
    """Give a file another name, in place of what had it; a link that had it is replaced itself.

    Parameters
    ----------
    root, name
        As for `opened`.
    to : str
        Path in the folder of results; its folders are made.

    Raises
    ------
    OSError, TakenError
        As of `create`; if a folder has the name.
    """
    *folders, last = parts(name)
    *others, new = parts(to)
    with _opened(root, folders) as source, _opened(root, others, make=True) as target:
        os.replace(source.at(last), target.at(new), src_dir_fd=source.descriptor, dst_dir_fd=target.descriptor)


def remove(root: Path, name: str) -> None:
    """Remove a file, or a link itself, if there is one.

    Parameters
    ----------
    root, name
        As for `opened`.

    Raises
    ------
    OSError, TakenError
        As of `opened`; if it is a folder.
    """
    *folders, last = parts(name)
    with suppress(FileNotFoundError), _opened(root, folders) as folder:
        os.unlink(folder.at(last), dir_fd=folder.descriptor)


def remove_tree(root: Path, name: str) -> None:
    """Remove a file, or a folder with all that is in it, as far as that can be done; links are removed themselves.

    Parameters
    ----------
    root, name
        As for `opened`.
    """
    *folders, last = parts(name)
    # Folders nested deeper than this program can go are left.
    with suppress(OSError, TakenError, RecursionError), _opened(root, folders) as folder:
        _remove_tree(folder, last)


def _remove_tree(parent: _Folder, name: str) -> None:
    if stat.S_ISDIR(parent.status(name).st_mode):
        with suppress(OSError, TakenError), _entered(parent, name, name) as folder:
            for below in folder.names():
                with suppress(OSError):
                    _remove_tree(folder, below)
        os.rmdir(parent.at(name), dir_fd=parent.descriptor)
    else:
        os.unlink(parent.at(name), dir_fd=parent.descriptor)


def names(root: Path, name: str = "") -> list[str]:
    """What lies in a folder, by name; nothing where there is no such folder.

    Parameters
    ----------
    root : Path
        The folder of results.
    name : str
        Path of the folder in it; "" for the folder of results itself.

    Returns
    -------
    list of str

    Raises
    ------
    TakenError
        If the path leads through a link.
    """
    try:
        with _opened(root, parts(name) if name else ()) as folder:
            return folder.names()
    except FileNotFoundError:
        return []


def status(root: Path, name: str) -> os.stat_result | None:
    """What the system says of a file, folder or link; None where there is nothing.

    Parameters
    ----------
    root, name
        As for `opened`.

    Returns
    -------
    os.stat_result or None
        Of a link itself.

    Raises
    ------
    TakenError
        If the path to it leads through a link.
    """
    *folders, last = parts(name)
    try:
        with _opened(root, folders) as folder:
            return folder.status(last)
    except FileNotFoundError:
        return None


def is_own(root: Path, name: str) -> bool:
    """Whether a file or folder is there and belongs to who runs this.

    Parameters
    ----------
    root, name
        As for `opened`.

    Returns
    -------
    bool
    """
    found = status(root, name)
    if found is None:
        return False
    with _opened(root, ()) as top:
        return _is_own(found, top)


def check_folder(root: Path, name: str) -> None:
    """Refuse a folder that is a link or, below `OWN`, another user's; that there is none is well.

    Parameters
    ----------
    root, name
        As for `opened`.

    Raises
    ------
    TakenError
    """
    with suppress(FileNotFoundError), _opened(root, parts(name)):
        pass


def parts(name: str) -> list[str]:
    """The parts of a path in a folder of results.

    Parameters
    ----------
    name : str
        Separated by "/".

    Returns
    -------
    list of str

    Raises
    ------
    TakenError
        If it could lead out of the folder.

    Examples
    --------
    >>> parts("sub-01/anat/sub-01_dseg.nii.gz")
    ['sub-01', 'anat', 'sub-01_dseg.nii.gz']
    """
    listed = name.split("/")
    strange = "\0" if os.name == "posix" else "\0\\:"
    if any(part in ("", ".", "..") or any(sign in part for sign in strange) for part in listed):
        raise TakenError(OUTSIDE)
    return listed


@contextmanager
def _opened(root: Path, folders: Sequence[str], make: bool = False) -> Iterator[_Folder]:
    """A folder below that of the results, each on the way opened in the one before."""
    if make:
        root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # That of the results was named by the user and may well be a link.
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | CLOSED_ON_EXEC) if HAS_DESCRIPTORS else None
        if descriptor is not None:
            stack.callback(os.close, descriptor)
        top = folder = _Folder(root, descriptor)
        for depth, part in enumerate(folders, start=1):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(folder.at(part), dir_fd=folder.descriptor)
            shown = "/".join(folders[:depth])
            folder = stack.enter_context(_entered(folder, part, shown))
            if folders[0] == OWN and not _is_own(_status_of(folder), top):
                raise TakenError(ANOTHERS.format(shown))
        yield folder


@contextmanager
def _entered(parent: _Folder, name: str, shown: str) -> Iterator[_Folder]:
    if parent.descriptor is None:
        found = parent.status(name)
        is_junction = bool(getattr(found, "st_reparse_tag", 0))
        if not stat.S_ISDIR(found.st_mode) or is_junction:
            raise TakenError(LINK.format(shown))
        yield _Folder(parent.path / name, None)
        return
    flags = os.O_RDONLY | os.O_DIRECTORY | NO_LINK | CLOSED_ON_EXEC
    try:
        descriptor = os.open(name, flags, dir_fd=parent.descriptor)
    except OSError as error:
        if error.errno in NO_FOLDER:
            raise TakenError(LINK.format(shown)) from error
        raise
    try:
        yield _Folder(parent.path / name, descriptor)
    finally:
        os.close(descriptor)


def _status_of(folder: _Folder) -> os.stat_result:
    return os.stat(folder.path) if folder.descriptor is None else os.fstat(folder.descriptor)


def _is_own(found: os.stat_result, top: _Folder) -> bool:
    """Whether something belongs to who runs this; on a network's file system, who a new file belongs to."""
    if not hasattr(os, "geteuid") or found.st_uid == os.geteuid():
        return True
    name = f"{OWN}-{uuid.uuid4().hex}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | CLOSED_ON_EXEC
        descriptor = os.open(top.at(name), flags, 0o600, dir_fd=top.descriptor)
    except OSError:
        return False
    try:
        return os.fstat(descriptor).st_uid == found.st_uid
    finally:
        os.close(descriptor)
        os.unlink(top.at(name), dir_fd=top.descriptor)
