"""Files that appear under their names whole or not at all, though the program may be killed at any moment.

They are written in a folder beside the results and moved. What a run that was killed left there, the next one removes;
what one that still goes on has there, on this machine or on another, it leaves alone.
"""

import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mriseg.core.errors import WriteError

OWN = ".mriseg"  # folder of what only mriseg reads
FOLDER, LOCKS = f"{OWN}/unfinished", f"{OWN}/locks"
ABANDONED_AFTER = 24 * 3600  # seconds; whether a process of another machine still runs cannot be asked


def staging_path(root: Path) -> Path:
    """A path below the results that nobody else writes to; its name says whose it is. Nothing is made.

    Parameters
    ----------
    root : Path
        The folder of results.

    Returns
    -------
    Path
    """
    return root / FOLDER / f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex}"


def write(file: Path, content: bytes) -> None:
    """Write a file that nobody looks for yet, and its folder.

    Parameters
    ----------
    file : Path
    content : bytes
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())  # a name must not outlive its content when the machine goes down


def move(file: Path, to: Path) -> None:
    """Give a file its name, in place of what had it.

    Parameters
    ----------
    file, to : Path
        On one file system.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    os.replace(file, to)


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
    path = staging_path(root)
    try:
        write(path, content)
        move(path, root / name)
    finally:
        path.unlink(missing_ok=True)


def clear(root: Path) -> None:
    """Remove what programs that no longer run left unfinished.

    Parameters
    ----------
    root : Path
        The folder of results.
    """
    try:
        left = list((root / FOLDER).iterdir())
    except OSError:  # there is no such folder
        return
    for path in left:
        if _is_abandoned(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    machine, _, rest = path.name.partition("-") if path.name.count("-") == 2 else ("", "", "")
    process = rest.partition("-")[0]
    if machine == _machine() and os.name == "posix" and process.isdecimal():
        try:
            os.kill(int(process), 0)  # asks only whether there is such a process
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return _has_ended(process)
    try:
        return time.time() - path.stat().st_mtime > ABANDONED_AFTER
    except OSError:
        return False


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
    file = root / LOCKS / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        with suppress(ImportError, OSError):  # Windows and some file systems of networks have none: then it is on trust
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
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
