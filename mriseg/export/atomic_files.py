"""Files that appear under their names whole or not at all, though the program may be killed at any moment.

They are written in a folder beside the results and moved. What a run that was killed left there, the next one removes;
what one that still goes on has there, on this machine or on another, it leaves alone.
"""

import os
import platform
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mriseg.core.errors import WriteError
from mriseg.export import confined
from mriseg.export.confined import OWN

FOLDER, LOCKS = f"{OWN}/unfinished", f"{OWN}/locks"
STAGING = f"{FOLDER}/"  # paths of what is unfinished begin with it, unless told
BESIDE = f"{OWN}-"  # what is unfinished beside results that have no folder of their own begins with
STAGED = re.compile("([0-9A-Za-z.]*)-([0-9]+)-([0-9a-f]+)")  # machine, process and what tells one from another
ABANDONED_AFTER = 24 * 3600  # seconds; whether a process of another machine still runs cannot be asked


def staging_name(begin: str = STAGING) -> str:
    """A path below the results that nobody else writes to; it says whose it is. Nothing is made.

    Parameters
    ----------
    begin : str
        What it begins with: a study's folder of unfinished files, or `BESIDE`.

    Returns
    -------
    str
    """
    return f"{begin}{_machine()}-{os.getpid()}-{uuid.uuid4().hex}"


def write(root: Path, name: str, content: bytes) -> None:
    """Write a file that was not there and nobody looks for yet, and its folder.

    Parameters
    ----------
    root : Path
        The folder of results.
    name : str
        Path of the file in it.
    content : bytes
    """
    with open(confined.create(root, name), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())  # a name must not outlive its content when the machine goes down


def replace(root: Path, name: str, content: bytes) -> None:
    """Write a file of which there is at any time the old content or the new one.

    Parameters
    ----------
    root : Path
        The folder of results.
    name : str
        Path of the file in it.
    content : bytes
    """
    staged = staging_name()
    try:
        write(root, staged, content)
        confined.move(root, staged, name)
    finally:
        confined.remove(root, staged)


def clear(root: Path, begin: str = STAGING) -> None:
    """Remove what programs that no longer run left unfinished.

    Parameters
    ----------
    root : Path
        The folder of results.
    begin : str
        As for `staging_name`.
    """
    folder, _, start = begin.rpartition("/")
    with suppress(OSError):  # nothing there is needed
        for name in confined.names(root, folder):
            path = f"{folder}/{name}".lstrip("/")
            if name.startswith(start) and _is_abandoned(root, path, name.removeprefix(start)):
                confined.remove_tree(root, path)


def _is_abandoned(root: Path, path: str, name: str) -> bool:
    staged = STAGED.fullmatch(name)
    if staged is None or not confined.is_own(root, path):
        return False
    machine, process, _ = staged.groups()
    if machine == _machine() and os.name == "posix":
        try:
            os.kill(int(process), 0)  # asks only whether there is such a process
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return _has_ended(process)
    found = confined.status(root, path)
    return found is not None and time.time() - found.st_mtime > ABANDONED_AFTER


def _has_ended(process: str) -> bool:
    """Whether a process is over and only nobody has asked how it ended: in a container that may stay so for long."""
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):  # not Linux, or gone meanwhile
        return False
    return state in {"Z", "X"}


def _machine() -> str:
    """What tells the processes that a process number can mean: those of this machine or, in a container, of that."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:  # not Linux
        namespace = ""
    return re.sub("[^0-9A-Za-z.]", "", f"{platform.node()}.{namespace}")


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Within, no other run writes the results of a scan; the system takes the lock away when a program ends.

    Parameters
    ----------
    root : Path
        The folder of results.
    name : str
        Of the scan.
    """
    with open(confined.open_to_lock(root, f"{LOCKS}/{name}"), "r+b") as stream:
        with suppress(ImportError, OSError):  # Windows and some file systems of networks have none: then it is on trust
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def folder_locked(root: Path) -> Iterator[None]:
    """Within, no other run puts files into a folder of results that has no folder of locks.

    Parameters
    ----------
    root : Path
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # as for `locked`; Windows opens no folders either
            import fcntl

            descriptor = os.open(root, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Within, what goes wrong while results are written becomes a sentence.

    Raises
    ------
    WriteError
    """
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"The results cannot be written: {error.strerror or 'unknown reason'}. Choose another folder, or make room "
            "and run the command again."
        ) from error
