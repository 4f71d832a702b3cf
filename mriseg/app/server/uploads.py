"""What the visitor dropped, and the scans in it."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from mriseg.app import texts
from mriseg.app.server.memory import MOST_VOXELS
from mriseg.app.server.sessions import held_by_others
from mriseg.app.server.streamlit_internals import UploadedFile, take_upload
from mriseg.core.errors import MrisegError
from mriseg.core.faults import explain
from mriseg.core.limits import at_most
from mriseg.io.catalog import ScanEntry, best
from mriseg.io.reader import contents

logger = logging.getLogger(__name__)

KEPT, SEEN, NEWEST, TAKEN = "listings", "seen uploads", "newest uploads", "taken uploads"


# Held of one box, packed as they came, so that another scan in it can be chosen: a study of a scanner, zipped.
MOST_TAKEN_BYTES = 250_000_000
# Of all visitors together, beside their segmentations; what is little is always taken, so that a picture never waits.
MOST_TAKEN_BYTES_OF_ALL, LITTLE_BYTES = 300_000_000, 2_000_000


@dataclass(frozen=True, eq=False)
class Listing:
    """The scans in what was dropped, or why there are none.

    Attributes
    ----------
    digest : str
        Of every byte: what tells these files from others. Nothing is sampled.
    items : tuple of Item
        That can be segmented.
    best : int
        Which of them is taken if nobody chooses.
    refusals : tuple of str
        Why others cannot.
    error : str
        Why there are none; empty if there are.
    """

    digest: str
    items: tuple[ScanEntry, ...]
    best: int
    refusals: tuple[str, ...]
    error: str

    @property
    def titles(self) -> tuple[str, ...]:
        """What tells the scans in it from each other."""
        return tuple(item.title.partition(":")[2] or item.title for item in self.items)


NOTHING = Listing("", (), best=0, refusals=(), error="")


def newest(dropped: Sequence[UploadedFile]) -> list[UploadedFile]:
    """Of all files in the box those that came last: a scan dropped after another replaces it.

    Parameters
    ----------
    dropped : sequence of UploadedFile
        What stands in it.

    Returns
    -------
    list of UploadedFile
    """
    ids = {file.file_id for file in dropped}
    added = ids - st.session_state.get(SEEN, set())
    st.session_state[SEEN] = ids
    st.session_state[NEWEST] = added or (st.session_state.get(NEWEST, ids) & ids) or ids
    return [file for file in dropped if file.file_id in st.session_state[NEWEST]]


def listing(box: str, latest: Sequence[UploadedFile], dropped: Sequence[UploadedFile]) -> Listing:
    """What the latest files of a box hold, or all of them together if those alone are no scan, such as half of one.

    It is kept until others are dropped into that box.

    Parameters
    ----------
    box : str
        By its key.
    latest : sequence of UploadedFile
        What came last.
    dropped : sequence of UploadedFile
        What stands in it.

    Returns
    -------
    Listing
    """
    listings = st.session_state.setdefault(KEPT, {})
    ids = {file.file_id for file in latest}, {file.file_id for file in dropped}
    if listings.get(box, (None,))[0] != ids:
        uploads = _taken(box, dropped)
        if error := _too_much():
            for file_id in uploads:
                uploads[file_id] = ("", b"")  # so that they are not asked for again while they stand in the box
            listings[box] = ids, replace(NOTHING, error=error)
            return listings[box][1]
        listed = _listed(uploads, latest)
        if listed.error and len(latest) < len(dropped):
            together = _listed(uploads, dropped)
            others = _listed(uploads, [file for file in dropped if file not in latest])
            # What adds nothing to the files before it is refused itself; another scan does not take its place.
            if not together.error and together.titles != others.titles:
                listed = together
        listings[box] = ids, listed
    return listings[box][1]


def content(box: str, file: UploadedFile | None) -> bytes | None:
    """What the one file in a box holds; None if there is none.

    It is kept until another is dropped into that box.

    Parameters
    ----------
    box : str
        By its key.
    file : UploadedFile or None
        As a script has it.

    Returns
    -------
    bytes or None

    Raises
    ------
    MrisegError
        The server cannot hold it.
    """
    if file is None:
        forget(box)
        return None
    listings = st.session_state.setdefault(KEPT, {})
    if listings.get(box, (None,))[0] != file.file_id:
        uploads = _taken(box, [file])
        listings[box] = file.file_id, _too_much()
        if listings[box][1]:
            uploads[file.file_id] = ("", b"")
    if error := listings[box][1]:
        raise MrisegError(error)
    stored: bytes = st.session_state[TAKEN][box][file.file_id][1]
    return stored


def forget(*boxes: str) -> None:
    """Let go of what was dropped into boxes."""
    for box in boxes:
        for key in (KEPT, TAKEN):
            st.session_state.get(key, {}).pop(box, None)


def _taken(box: str, dropped: Sequence[UploadedFile]) -> dict[str, tuple[str, bytes]]:
    """Names and contents of all files in a box, by their ids; Streamlit's own copies are let go of."""
    boxes = st.session_state.setdefault(TAKEN, {})
    before = boxes.get(box, {})
    new = [file for file in dropped if file.file_id not in before]
    ids = {file.file_id for file in dropped}
    boxes[box] = {key: content for key, content in before.items() if key in ids}
    boxes[box] |= {file.file_id: (file.name, take_upload(file)) for file in new}
    return boxes[box]


def taken_bytes() -> int:
    """What is held of what all visitors dropped.

    Returns
    -------
    int
    """
    return sum(map(_bytes, [st.session_state.get(TAKEN, {}), *held_by_others(TAKEN)]))


def _too_much() -> str:
    """Why the server cannot hold what was dropped, of this visitor or beside that of others; "" if it can."""
    mine = _bytes(st.session_state[TAKEN])
    if mine > MOST_TAKEN_BYTES:
        return texts.TOO_MUCH_DROPPED.format(MOST_TAKEN_BYTES // 10**6)
    return texts.NO_ROOM if mine > LITTLE_BYTES and taken_bytes() > MOST_TAKEN_BYTES_OF_ALL else ""


def _bytes(boxes: Mapping[str, Mapping[str, tuple[str, bytes]]]) -> int:
    """What was dropped into all boxes of a visitor; others may change while they are counted."""
    return sum(len(content) for files in list(boxes.values()) for _, content in list(files.values()))


def _listed(uploads: Mapping[str, tuple[str, bytes]], dropped: Sequence[UploadedFile]) -> Listing:
    files = [uploads[file.file_id] for file in dropped]
    digest = hashlib.blake2b()
    for _, content in files:
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    try:
        with at_most(MOST_VOXELS):
            every_entry = contents(files)
    except Exception as error:  # whatever a hostile file provokes, the visitor gets a sentence and the page goes on
        return Listing(digest.hexdigest(), (), best=0, refusals=(), error=explain(error, logger))
    entries = tuple(entry for entry in every_entry if not entry.refusal)
    refusals = tuple(dict.fromkeys(entry.refusal for entry in every_entry if entry.refusal))
    return Listing(digest.hexdigest(), entries, best=entries.index(best(entries)), refusals=refusals, error="")
