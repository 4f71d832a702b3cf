"""Scans that are segmented one after the other beside the page, and what is kept of them: figures and packed files.

The work is done in a thread of its own, so that the page answers while it goes on and a control that is moved
interrupts nothing. The thread knows its study by a weak reference only: with the visitor's session the study is gone,
and the thread ends at its next stage.
"""

import io
import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

import PIL.Image

from mriseg.app import texts
from mriseg.app.server import budget
from mriseg.app.server.memory import most_voxels, work_bytes
from mriseg.app.server.queues import WHOLE
from mriseg.app.server.sessions import evict_to_fit
from mriseg.app.server.streamlit_internals import session_id
from mriseg.core.faults import log_fault
from mriseg.core.limits import START_BYTES, at_most
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.export.writer import outputs
from mriseg.io.catalog import ScanEntry, best
from mriseg.io.dicom.reader import is_dicom
from mriseg.io.reader import contents
from mriseg.plotting import mosaic
from mriseg.segmentation.result import Result
from mriseg.study.attempt import LoadedScan, try_segment
from mriseg.study.record import Record

logger = logging.getLogger(__name__)

MOST_SCANS = 10  # of one visitor: 10 heads take two to three minutes; for more there is the command line
# Of one visitor, packed as they came, until they are segmented: 10 heads of 7 million voxels, gzipped.
MOST_WAITING_BYTES = 200_000_000
# Of finished scans, of one visitor and of all together. A head of 9 million voxels has 19 MB of probabilities and
# 0.5 MB of labels, mask and picture. A zip is made beside what is kept, so a visitor takes up to twice this of 1 GB.
MOST_KEPT_BYTES, MOST_KEPT_BYTES_OF_ALL = 80_000_000, 160_000_000
THUMBNAIL_PIXELS, THUMBNAIL_QUALITY = 1080, 60  # width, of the JPEG
READ, TURN, WRITE = "read", "turn", "write"  # stages besides those of `mriseg.segmentation.pipeline.STAGES`
PROBABILITIES = "_probseg"  # in the names of the files that are left out first

Load = Callable[[], tuple[Scan, int]]  # reads a scan, and says among how many it was chosen


class State(Enum):
    """What has become of a scan."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(eq=False)
class Upload:
    """One scan of a study. What its file was called is known to `load` alone, which is let go once it was used.

    Attributes
    ----------
    number : int
        In the order of upload, from 1.
    load : callable or None
        None once the scan is done or failed.
    size : int
        Bytes that were uploaded; `load` holds them.
    state : State
    stage : str
        Of a running scan.
    shape : tuple of int
        Voxels along each axis; empty until it was read.
    scans : int
        Among how many in its file it was chosen.
    record : Record or None
        Its figures, or why it failed.
    files : dict of str to bytes
        What follows the name in the name of each file, and its content.
    picture, thumbnail : bytes
        JPEG of its slices with their tissues; empty where there is none.
    is_complete : bool
        Whether there was room for all its files.
    """

    number: int
    load: Load | None = field(repr=False)
    size: int
    state: State = State.WAITING
    stage: str = ""
    shape: tuple[int, ...] = ()
    scans: int = 1
    record: Record | None = None
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    picture: bytes = field(default=b"", repr=False)
    thumbnail: bytes = field(default=b"", repr=False)
    is_complete: bool = True

    @property
    def name(self) -> str:
        """What the names of its files begin with."""
        return f"sub-{self.number:02d}"

    @property
    def kept_bytes(self) -> int:
        return sum(map(len, self.files.values())) + len(self.picture) + len(self.thumbnail)

    def finish(self, record: Record) -> None:
        """Take the figures and let go of what was uploaded."""
        self.record, self.load = record, None
        self.state = State.DONE
        if record.failure is not None:
            self.state, self.files, self.picture, self.thumbnail = State.FAILED, {}, b"", b""


class Study:
    """The scans of a visitor, in the order of upload.

    Attributes
    ----------
    uploads : list of Upload
    notes : list of str
        What was not taken, and why.
    """

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        self.notes: list[str] = []
        self._lock = threading.Lock()
        self._is_running = self._is_stopping = False
        self._session = session_id()
        _studies.add(self)
        budget.count_in(self)

    @property
    def is_running(self) -> bool:
        return self._is_running

    @property
    def is_stopping(self) -> bool:
        """Whether it will rest as soon as the stage is over that is being run."""
        return self._is_stopping

    @property
    def kept_bytes(self) -> int:
        return sum(upload.kept_bytes for upload in list(self.uploads))

    @property
    def waiting_bytes(self) -> int:
        """What was uploaded and is not segmented yet."""
        return sum(upload.size for upload in list(self.uploads) if upload.load is not None)

    def upload_bytes(self, session: str | None) -> int:
        """What waits of a visitor; of any for None."""
        return self.waiting_bytes if session in (None, self._session) else 0

    def result_bytes(self) -> int:
        return self.kept_bytes

    def count(self, state: State) -> int:
        return sum(upload.state is state for upload in self.uploads)

    def add(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Put the scans of files that were dropped together at the end, as far as there is room."""
        self.notes = []
        for load, size in self._found(files):
            if len(self.uploads) >= MOST_SCANS:
                note = texts.STUDY_TOO_MANY.format(MOST_SCANS)
            elif self.waiting_bytes + size > MOST_WAITING_BYTES:
                note = texts.STUDY_TOO_LARGE.format(MOST_WAITING_BYTES // 10**6)
            else:
                self.uploads.append(Upload(len(self.uploads) + 1, load, size))
                continue
            if note not in self.notes:
                self.notes.append(note)

    def start(self) -> None:
        """Segment what waits, from where it was left; if that goes on already, go on."""
        with self._lock:
            self._is_stopping = False
            if not self._is_running:
                self._is_running = True
                # A server that is shut down does not wait for it.
                threading.Thread(target=_work, args=(weakref.ref(self),), daemon=True).start()

    def stop(self) -> None:
        """Rest after the stage that is being run; the scan that it belongs to waits again, what is done is kept."""
        with self._lock:
            self._is_stopping = self._is_running

    def next(self) -> Upload | None:
        """The scan to segment now; None, and then nothing is run any more, if none waits or it was stopped."""
        with self._lock:
            waiting = (upload for upload in self.uploads if upload.state is State.WAITING)
            upload = None if self._is_stopping else next(waiting, None)
            if upload is None:
                self._is_running = self._is_stopping = False
            else:
                upload.state, upload.stage = State.RUNNING, TURN
            return upload

    def rest(self) -> None:
        """Nothing is run any more, for a reason that nobody foresaw; what was being run waits again."""
        with self._lock:
            self._is_running = self._is_stopping = False
            for upload in self.uploads:
                if upload.state is State.RUNNING:
                    upload.state = State.WAITING

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more may be kept."""
        of_all = sum(study.kept_bytes for study in list(_studies))
        most = min(MOST_KEPT_BYTES - self.kept_bytes, MOST_KEPT_BYTES_OF_ALL - of_all, budget.room())
        return size <= most

    def _found(self, files: Sequence[tuple[str, bytes]]) -> list[tuple[Load, int]]:
        """How to read each scan, and its bytes: a file is one, but DICOM files are together one for each series."""
        slices = [file for file in files if is_dicom(file[1][:START_BYTES])]
        loads: list[tuple[Load, int]] = []
        for file in files:
            if file not in slices:
                loads.append((partial(_best, [file]), len(file[1])))
            elif file is slices[0]:
                size = sum(len(content) for _, content in slices)
                series, refusals = _series(slices)
                self.notes += [f"{texts.NOT_SHOWN} {refusal}" for refusal in refusals]
                loads += [(load, size // len(series)) for load in series]
        return loads


_studies: "weakref.WeakSet[Study]" = weakref.WeakSet()


class _StoppedError(BaseException):
    """The visitor stopped the study, or left: no fault of a scan, so what catches those lets it pass."""


def _best(files: list[tuple[str, bytes]]) -> tuple[Scan, int]:
    """Of the scans in a file the one that shows the tissues best, and how many there are."""
    entries = contents(files)
    return best(entries).load(), len(entries)


def _only(entry: ScanEntry) -> tuple[Scan, int]:
    """A scan that stands for itself."""
    return entry.load(), 1


def _series(files: list[tuple[str, bytes]]) -> tuple[list[Load], tuple[str, ...]]:
    """How to read each series of loose DICOM files, and why others cannot be; if all cannot, one that says why."""
    try:
        entries = contents(files)
    except Exception as error:  # said in the words of any other scan, when its turn comes
        log_fault(error, logger, logging.DEBUG)
        return [partial(_best, files)], ()
    readable = [entry for entry in entries if not entry.refusal]
    return [partial(_only, entry) for entry in readable], tuple(
        dict.fromkeys(entry.refusal for entry in entries if entry.refusal)
    )


def _work(of: "weakref.ref[Study]") -> None:
    """Segment what waits, until nothing does, the visitor stops it or is gone."""
    try:
        while (study := of()) is not None and (upload := study.next()) is not None:
            del study  # while a scan is segmented only the visitor's session holds it
            _run(of, upload)
    except BaseException:
        if (study := of()) is not None:
            study.rest()
        raise


def _run(of: "weakref.ref[Study]", upload: Upload) -> None:
    def enter(stage: str) -> None:
        study = of()
        if study is None or study.is_stopping:
            raise _StoppedError
        upload.stage = stage

    def load() -> LoadedScan:
        assert upload.load is not None
        with at_most(most_voxels(budget.uploaded())):
            scan, upload.scans = upload.load()
        upload.shape = scan.data.shape
        room.enter_context(budget.reserved(work_bytes(scan.data.size) if scan.kind == "volume" else 0))
        evict_to_fit(0)
        return LoadedScan(scan)

    source, use = texts.STUDY_SOURCE.format(upload.number), partial(_keep, of, upload)
    room = ExitStack()
    try:
        with WHOLE.turn(lambda before: enter(TURN)), room:
            record = try_segment(source, Settings(), load=load, use=use, progress=enter)
    except _StoppedError:
        upload.state = State.WAITING
    else:
        upload.finish(record)


def _keep(of: "weakref.ref[Study]", upload: Upload, scan: Scan, result: Result) -> None:
    """Keep the files of a scan as far as there is room, first all but the probabilities, then those."""
    picture = mosaic.jpeg(scan, result)
    small, thumbnail = PIL.Image.open(io.BytesIO(picture)), io.BytesIO()
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small.save(thumbnail, "JPEG", quality=THUMBNAIL_QUALITY)
    upload.picture, upload.thumbnail = picture, thumbnail.getvalue()
    made = outputs(scan, result)
    probabilities = [suffix for suffix in made if PROBABILITIES in suffix]
    for suffixes in ([suffix for suffix in made if suffix not in probabilities], probabilities):
        group = {suffix: made[suffix]() for suffix in suffixes}
        study = of()
        upload.is_complete = study is not None and study.has_room(sum(map(len, group.values())))
        if not upload.is_complete:
            break
        upload.files |= group
