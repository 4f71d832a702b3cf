"""Which results in a folder an earlier run wrote, and of which scan: its JSON of the figures says so.

Only what is still as it was written is replaced or removed. A JSON that somebody changed vouches for nothing, nor does
it say a path: it lists what follows the stem in the names of our own files.
"""

import hashlib
import json
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mriseg.core.errors import TakenError
from mriseg.core.limits import MAX_UNPACKED_BYTES
from mriseg.core.scan import Scan
from mriseg.export import confined
from mriseg.export.names import SUFFIX

STATS = "_desc-tissue_stats.json"
ORIGIN = "origin"  # key of the JSON
MOST_STATS_BYTES = 4_000_000  # a JSON of the figures has 10 to 30 kB
NOT_OURS = (
    "{} lies in the folder of results, and mriseg did not write it or it was changed since, so it is kept. Write over "
    "it with --overwrite, or give another folder with --out."
)
ANOTHER_SCAN = (
    "{} in the folder of results is of another scan of the same name, so it is kept. Write over it with --overwrite, "
    "or give another folder with --out."
)
A_FOLDER = "{} in the folder of results is itself a folder. Remove it, or give another folder with --out."


@dataclass(frozen=True)
class Origin:
    """What the JSON of an earlier result says of the files beside it.

    Attributes
    ----------
    scan : str
        Digest of the intensities that were segmented.
    files : mapping of str to collection of str
        By what follows the stem in the name of each file: the digests that it may have. They are two while a new file
        takes the place of an old one.
    """

    scan: str
    files: Mapping[str, Collection[str]] = field(default_factory=dict)


def scan_digest(scan: Scan) -> str:
    """What tells a scan from others of the same name: a digest of its intensities, whatever the file around them says.

    Parameters
    ----------
    scan : Scan

    Returns
    -------
    str
        Hexadecimal.
    """
    hashed = hashlib.blake2b(repr(scan.data.shape).encode(), digest_size=16)
    for part in np.moveaxis(scan.data, -1, 0):
        hashed.update(part.tobytes(order="F"))
    return hashed.hexdigest()


def digest(content: bytes) -> str:
    """What tells the content of a file from others.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    str
        Hexadecimal.
    """
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def signed(figures: Mapping[str, Any], origin: Origin) -> bytes:
    """The JSON of the figures with what it says of the files beside it, and a digest of itself.

    Parameters
    ----------
    figures : mapping
        From `mriseg.export.statistics.stats`.
    origin : Origin

    Returns
    -------
    bytes
    """
    said = {"scan": origin.scan, "files": {suffix: list(digests) for suffix, digests in origin.files.items()}}
    own = digest(_json({**figures, ORIGIN: said}))
    return _json({**figures, ORIGIN: {**said, "digest": own}})


def read_origin(folder: Path, name: str) -> Origin | None:
    """What the JSON of an earlier result says of the files beside it.

    Parameters
    ----------
    folder : Path
        Of the results.
    name : str
        How the file names begin.

    Returns
    -------
    Origin or None
        None where there is no such JSON, or it is not as mriseg wrote it.
    """
    try:
        figures = json.loads(confined.read(folder, f"{name}{STATS}", MOST_STATS_BYTES))
        said = figures[ORIGIN]
        own = said.pop("digest")
        if own != digest(_json(figures)):
            return None
        files = {suffix: tuple(digests) for suffix, digests in said["files"].items() if SUFFIX.fullmatch(suffix)}
        return Origin(str(said["scan"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def giving_way(
    folder: Path, name: str, *, scan: str, suffixes: Iterable[str], overwrite: bool = False
) -> dict[str, str | None]:
    """The files that a new result replaces or that belong to an earlier one.

    Parameters
    ----------
    folder : Path
        Of the results.
    name : str
        How the file names begin.
    scan : str
        Digest of the scan whose result is new.
    suffixes : iterable of str
        What follows the stem in the names of the new files.
    overwrite : bool
        Whether files give way that mriseg did not write, or of another scan.

    Returns
    -------
    dict of str to (str or None)
        By what follows the stem, the digest of each; None of what is no ordinary file, such as a link.

    Raises
    ------
    TakenError
        If one of them is not ours, or not of this scan.
    """
    origin = read_origin(folder, name)
    earlier: Mapping[str, Collection[str]] = {} if origin is None else origin.files
    yielding: dict[str, str | None] = {}
    for suffix in dict.fromkeys([*suffixes, *earlier]):
        file = f"{name}{suffix}"
        found = confined.status(folder, file)
        if found is None:
            continue
        if stat.S_ISDIR(found.st_mode):
            raise TakenError(A_FOLDER.format(file))
        yielding[suffix] = _digest_of(folder, file)
        is_ours = origin is not None and (suffix == STATS or yielding[suffix] in earlier.get(suffix, ()))
        if not is_ours and not overwrite:
            raise TakenError(NOT_OURS.format(file))
        if origin is not None and origin.scan != scan and not overwrite:
            raise TakenError(ANOTHER_SCAN.format(file))
    return yielding


def _digest_of(folder: Path, file: str) -> str | None:
    try:
        with confined.opened(folder, file, MAX_UNPACKED_BYTES) as stream:
            return hashlib.file_digest(stream, partial(hashlib.blake2b, digest_size=16)).hexdigest()
    except OSError:  # a link, a pipe, or longer than any result
        return None


def _json(figures: Mapping[str, Any]) -> bytes:
    return (json.dumps(figures, indent=2, allow_nan=False) + "\n").encode()
