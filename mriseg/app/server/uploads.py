"""What the visitor dropped, and the scans in it."""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

import streamlit as st

from mriseg.app import texts
from mriseg.app.server import budget
from mriseg.app.server.arrivals import arrivals
from mriseg.app.server.memory import most_voxels
from mriseg.app.server.streamlit_internals import UploadedFile, session_id
from mriseg.core.errors import MrisegError
from mriseg.core.faults import explain
from mriseg.core.limits import at_most
from mriseg.io.catalog import ScanEntry, best
from mriseg.io.reader import contents

logger = logging.getLogger(__name__)

KEPT, NUMBERS, TAKEN = "listings", "numbers of uploads", "taken uploads"


class Boxes:
    """What a visitor dropped: for each box names and contents, packed as they came, so that another scan can be chosen.

    Parameters
    ----------
    session : str
        Of the visitor.

    Attributes
    ----------
    files : dict
        By box, and in it by what Streamlit calls each file.
    """

    def __init__(self, session: str) -> None:
        self.session = session
        self.files: dict[str, dict[str, tuple[str, bytes]]] = {}
        budget.count_in(self)

    def upload_bytes(self, session: str | None) -> int:
        """What it holds of a visitor; of any for None. Others may change while they are counted."""
        if session not in (None, self.session):
            return 0
        return sum(len(content) for files in list(self.files.values()) for _, content in list(files.values()))

    def result_bytes(self) -> int:
        """Nothing is made here."""
        return 0


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


@dataclass(frozen=True, eq=False)
class Drop:
    """Files that were dropped together and stand in their box still.

    Attributes
    ----------
    number : int
        Of all drops of the visit, from 1; that of a drop that was taken away is not given again.
    files : list of UploadedFile
    places : list of (str, int)
        Where each stands: its box, by its key, and which of the files in it.
    size : int
        Bytes of all of them; 0 if they were not taken.
    """

    number: int
    files: list[UploadedFile] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)
    size: int = 0

    @property
    def title(self) -> str:
        """What it is called; what its files are called is shown by the browser alone."""
        return texts.UPLOADED.format(self.number, f" ({size_text(self.size)})" if self.size else "")


def size_text(size: int) -> str:
    """A number of bytes as it is shown.

    Parameters
    ----------
    size : int

    Returns
    -------
    str

    Examples
    --------
    >>> size_text(3_140_000), size_text(1_001)
    ('3.1 MB', '2 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{ceil(size / 1e3)} kB"


def numbered(ids: Iterable[str]) -> dict[str, int]:
    """With which drop each file came: those that were not seen before came together.

    Parameters
    ----------
    ids : iterable of str
        What Streamlit calls the files that stand in the boxes.

    Returns
    -------
    dict of str to int
    """
    numbers: dict[str, int] = st.session_state.setdefault(NUMBERS, {})
    latest = max(numbers.values(), default=0) + 1
    numbers.update({file_id: latest for file_id in ids if file_id not in numbers})
    return numbers


def drops(box: str, dropped: Mapping[str, Sequence[UploadedFile]]) -> list[Drop]:
    """What stands in some boxes, by the drops that it came with.

    Parameters
    ----------
    box : str
        Under which `listing` holds all of them.
    dropped : mapping of str to sequence of UploadedFile
        What stands in each.

    Returns
    -------
    list of Drop
        The latest first.
    """
    numbers = numbered([file.file_id for files in dropped.values() for file in files])
    found: dict[int, Drop] = {}
    for name, files in dropped.items():
        for index, file in enumerate(files):
            number = numbers[file.file_id]
            drop = found.get(number, Drop(number))
            found[number] = Drop(
                number, [*drop.files, file], [*drop.places, (name, index)], drop.size + _size(box, file)
            )
    return [found[number] for number in sorted(found, reverse=True)]


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
        if refusal := arrivals.refusal(session_id(), ids[1]):
            listings[box] = ids, replace(NOTHING, error=refusal.sentence)
            return listings[box][1]
        uploads = _taken(box, dropped)
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
        refusal = arrivals.refusal(session_id(), [file.file_id])
        listings[box] = file.file_id, refusal.sentence if refusal else ""
        if refusal is None:
            _taken(box, [file])
    if error := listings[box][1]:
        raise MrisegError(error)
    return _boxes().files[box][file.file_id][1]


def forget(*boxes: str) -> None:
    """Let go of what was dropped into boxes."""
    for box in boxes:
        st.session_state.get(KEPT, {}).pop(box, None)
        _boxes().files.pop(box, None)


def _size(box: str, file: UploadedFile) -> int:
    taken = _boxes().files.get(box, {}).get(file.file_id)
    return len(read_upload(file) if taken is None else taken[1])


def read_upload(file: UploadedFile) -> bytes:
    """The content of an upload, which is held further until `arrivals.release` or `forget_upload`.

    Parameters
    ----------
    file : UploadedFile
        As a script has it.

    Returns
    -------
    bytes
    """
    content = arrivals.content(session_id(), file.file_id)
    return file.getvalue() if content is None else content  # in a test nothing arrives


def _boxes() -> Boxes:
    if TAKEN not in st.session_state:
        st.session_state[TAKEN] = Boxes(session_id())
    boxes: Boxes = st.session_state[TAKEN]
    return boxes


def _taken(box: str, dropped: Sequence[UploadedFile]) -> dict[str, tuple[str, bytes]]:
    """Names and contents of all files in a box, by their ids, which are then held here."""
    boxes = _boxes()
    before = boxes.files.get(box, {})
    files = {file.file_id: before.get(file.file_id) or (file.name, read_upload(file)) for file in dropped}
    boxes.files[box] = files
    for file_id in files:
        arrivals.release(boxes.session, file_id)
    return files


def _listed(uploads: Mapping[str, tuple[str, bytes]], dropped: Sequence[UploadedFile]) -> Listing:
    files = [uploads[file.file_id] for file in dropped]
    digest = hashlib.blake2b()
    for _, content in files:
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    try:
        with at_most(most_voxels(budget.uploaded(session_id()))):
            every_entry = contents(files)
    except Exception as error:  # whatever a hostile file provokes, the visitor gets a sentence and the page goes on
        return Listing(digest.hexdigest(), (), best=0, refusals=(), error=explain(error, logger))
    entries = tuple(entry for entry in every_entry if not entry.refusal)
    refusals = tuple(dict.fromkeys(entry.refusal for entry in every_entry if entry.refusal))
    return Listing(digest.hexdigest(), entries, best=entries.index(best(entries)), refusals=refusals, error="")
