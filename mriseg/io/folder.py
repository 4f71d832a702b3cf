"""What a folder on disk holds: the files to read, and what is left out of them and why.

A link to a file is read as that file, for whole archives are kept so. A link to a folder is not followed: it could lead
in a circle or to all of the disk. What is no file is never opened: a pipe would be waited for for ever.
"""

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mriseg.io.archive import check_file_count, is_litter

# Images that anybody's segmentation writes, as BIDS names them.
SEGMENTATION = re.compile(
    r"((.*_)?(dseg|probseg|mask)|.*_desc-tissues_mosaic)\.[a-z]+(\.gz)?", re.IGNORECASE | re.DOTALL
)


class LeftOut(Enum):
    """What is left out of a folder: one of it, several, and why and what to do."""

    LINKED_FOLDER = "link to a folder", "links to folders", "not followed; give the folder itself"
    LOST_LINK = "link that leads nowhere", "links that lead nowhere", "fetch or copy the files that they stand for"
    PIPE = "pipe", "pipes", "never opened"
    SOCKET = "socket", "sockets", "never opened"
    DEVICE = "device", "devices", "never opened"
    SEGMENTATION = "map of labels or probabilities", "maps of labels or probabilities", "no scan; give the file itself"
    CLOSED_FOLDER = "folder", "folders", "may not be read; ask whoever owns it"


@dataclass(frozen=True)
class Folder:
    """What a folder holds, with the folders in it.

    Attributes
    ----------
    files : tuple of Path
        In the order of their names, folder by folder; without what operating systems leave behind, and without what a
        segmentation wrote if there is anything else.
    left_out : str
        How many of what else is in it, and why that is not read, in a sentence; "" if there is nothing else.
    """

    files: tuple[Path, ...]
    left_out: str


def look_through(folder: Path) -> Folder:
    """What a folder holds; nothing is opened.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Folder

    Raises
    ------
    OSError
        If it cannot be read itself.
    TooLargeError
        If there are more files than `limits.MAX_FILES`.
    """
    files: list[Path] = []
    closed: list[OSError] = []
    others: Counter[LeftOut] = Counter()
    for parent, below, names in os.walk(os.fspath(folder), onerror=closed.append):
        below.sort()
        others[LeftOut.LINKED_FOLDER] += sum(Path(parent, name).is_symlink() for name in below)
        for path in (Path(parent, name) for name in sorted(names) if not is_litter(name)):
            if (why := _why(path)) is None:
                files.append(path)
            else:
                others[why] += 1
        check_file_count(len(files))
    if closed and closed[0].filename == os.fspath(folder):
        raise closed[0]
    others[LeftOut.CLOSED_FOLDER] = len(closed)
    # A folder may hold the results of an earlier run beside its scans; one that holds nothing else is asked for them.
    scans = [path for path in files if not is_segmentation(path.name)] or files
    others[LeftOut.SEGMENTATION] = len(files) - len(scans)
    return Folder(tuple(scans), _sentence(others))


def is_segmentation(name: str) -> bool:
    """Whether a file is called as labels, probabilities and masks are, and so shows no signal.

    Parameters
    ----------
    name : str
        Of the file, without its folder.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_segmentation("sub-01_T1w_label-GM_probseg.nii.gz"), is_segmentation("sub-01_T1w.nii.gz")
    (True, False)
    """
    return SEGMENTATION.fullmatch(name) is not None


def _why(path: Path) -> LeftOut | None:
    """Why what is no folder is left out; None of a file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return LeftOut.LOST_LINK
    if stat.S_ISREG(mode):
        return None
    return LeftOut.PIPE if stat.S_ISFIFO(mode) else LeftOut.SOCKET if stat.S_ISSOCK(mode) else LeftOut.DEVICE


def _sentence(others: Counter[LeftOut]) -> str:
    parts = []
    for kind in LeftOut:
        one, several, why = kind.value
        if count := others[kind]:
            parts.append(f"{count} {one if count == 1 else several} ({why})")
    return f"Left out of the folder: {', '.join(parts)}." if parts else ""
