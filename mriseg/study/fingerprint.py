"""What the results of a scan depend on: its bytes, the settings and the version, so that nothing is done twice."""

import hashlib
import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from mriseg.core.errors import ReadError
from mriseg.core.settings import Settings
from mriseg.core.version import __version__
from mriseg.io.archive import check_file_count
from mriseg.io.sidecar import halves
from mriseg.study.bids import StudyScan

# Of a scan's bytes, in 3 s. What is larger is known by its size, time and ends: nobody waits for 30 GB to be read.
MOST_HASHED_BYTES, END_BYTES = 2_000_000_000, 1_000_000


def digest(path: Path) -> str:
    """What tells the content of a scan from others: of every byte, and of the names in a folder or of several files.

    Of what is past `MOST_HASHED_BYTES`, size, time of change and ends stand for the bytes.

    Parameters
    ----------
    path : Path
        Of a file or folder.

    Returns
    -------
    str

    Raises
    ------
    OSError, ReadError
        If it cannot be read.
    """
    hashed = hashlib.blake2b(digest_size=16)
    if path.is_dir():
        files = []
        for folder, _, names in os.walk(path):
            files += [file for name in names if (file := Path(folder) / name).is_file()]
            check_file_count(len(files))
        files.sort()
    else:
        if path.exists() and not path.is_file():
            raise ReadError("This is neither a file nor a folder. Choose the scan itself.")
        files = [path, *halves(path)]
    left = MOST_HASHED_BYTES
    for file in files:
        if file != path:
            hashed.update(os.fsencode(os.path.relpath(file, path)) + b"\0")
        with file.open("rb") as stream:
            found = os.fstat(stream.fileno())
            if found.st_size <= left:
                left -= found.st_size
                hashed.update(hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=16)).digest())
                continue
            hashed.update(f"{found.st_size} {found.st_mtime_ns}".encode() + stream.read(END_BYTES))
            stream.seek(-END_BYTES, os.SEEK_END)
            hashed.update(stream.read(END_BYTES))
    return hashed.hexdigest()


def identity(scan: StudyScan, settings: Settings) -> dict[str, Any]:
    """On what the results of a scan depend: where these are equal, nothing need be done anew.

    Parameters
    ----------
    scan : StudyScan
    settings : Settings

    Returns
    -------
    dict
        Path in the study, digest of the content, settings and version of mriseg.

    Raises
    ------
    ReadError
        If the scan cannot be opened.
    """
    try:
        content = digest(scan.path)
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror}.") from error
    return {"source": scan.source, "digest": content, "settings": asdict(settings), "version": __version__}
