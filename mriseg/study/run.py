"""A study: each scan of a folder segmented once, its results as BIDS derivatives, a table and a report of all.

The unit is one scan: paths go to a worker and figures come back, volumes never travel. What is done already the worker
finds out, which has to read the scan for it.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mriseg.core.errors import MrisegError, WriteError
from mriseg.core.faults import explain
from mriseg.core.log import log_collected
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.version import __version__
from mriseg.export import atomic_files, confined
from mriseg.segmentation.result import Result
from mriseg.study import derivatives, fingerprint, group_report
from mriseg.study import table as study_table
from mriseg.study.attempt import try_segment
from mriseg.study.bids import StudyScan
from mriseg.study.executors import TRIES
from mriseg.study.record import WORKER_DIED, Record
from mriseg.study.table import Row

logger = logging.getLogger(__name__)

BEGUN = "begun"  # a file among the notes
ANOTHER = (
    "OUT_DIR holds the results of another scan under this name, such as of another contrast, and keeps them. Give each "
    "its own OUT_DIR."
)


@dataclass(frozen=True)
class Task:
    """One scan for a worker.

    Attributes
    ----------
    scan : StudyScan
    out : Path
        The folder of results, which the worker sees by the same path.
    settings : Settings
    version : str
        Of mriseg, which the worker must have too.
    marks : str
        Where the run notes which scans were begun, a path in the folder of results.
    overwrite : bool
        Whether files that no record lists give way.
    """

    scan: StudyScan
    out: Path
    settings: Settings
    version: str
    marks: str
    overwrite: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one scan.

    Attributes
    ----------
    scan : StudyScan
    record : Record
    is_new : bool
        Whether it was segmented now, and not by an earlier run.
    seconds : float
        That the worker took.
    log : tuple of LogRecord
        What the worker logged of it.
    """

    scan: StudyScan
    record: Record
    is_new: bool = True
    seconds: float = 0.0
    log: tuple[logging.LogRecord, ...] = ()


Run = Callable[[Callable[[Task], Outcome], Iterable[Task]], Generator[tuple[Task, Outcome | None], None, None]]


def segment_study(
    scans: Sequence[StudyScan], out: Path, settings: Settings, run: Run, *, overwrite: bool = False
) -> Generator[Outcome, None, None]:
    """Segment the scans of a study that are not segmented yet, and give what becomes of each as it finishes.

    Parameters
    ----------
    scans : sequence of StudyScan
        From `bids.find`.
    out : Path
        The folder of results. It may hold those of earlier runs.
    settings : Settings
    run : callable
        Does the tasks: `executors.in_processes` or `executors.on_cluster` with all but work and tasks given.
    overwrite : bool
        Whether files that no record lists give way.

    Yields
    ------
    Outcome
        In the order in which they finish.

    Raises
    ------
    MrisegError
        If the folder cannot be written to.
    """
    marks = atomic_files.staging_name()
    tasks = (
        Task(scan, out, settings=settings, version=__version__, marks=marks, overwrite=overwrite) for scan in scans
    )
    with atomic_files.translate_os_errors():
        atomic_files.clear(out)
        atomic_files.write(
            out, f"{marks}/{BEGUN}", b""
        )  # so that it is known at once whether the folder can be written to
    try:
        with closing(run(segment_one, tasks)) as finished:
            for task, outcome in finished:
                # It got as far as to begin, so what an earlier run left is stale.
                yield outcome or Outcome(task.scan, _failed(task, WORKER_DIED, is_stale=True))
    finally:
        confined.remove_tree(out, marks)


def segment_one(task: Task) -> Outcome:
    """Segment one scan of a study and put its files into place, unless an earlier run did just that.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Outcome
        With what was logged: the log is written by who runs the study, from whose worker it may be far away.
    """
    with log_collected() as log:
        outcome = _segment_one(task)
    return replace(outcome, log=tuple(log))


def _segment_one(task: Task) -> Outcome:
    began = time.perf_counter()
    scan, out = task.scan, task.out
    if task.version != __version__:
        why = f"The worker has mriseg {__version__}, the study is run with {task.version}. Install the same on both."
        return Outcome(scan, Record(str(scan.path), why, is_final=False))
    if scan.refusal is not None:
        return Outcome(scan, _failed(task, scan.refusal))
    staging = atomic_files.staging_name()
    is_stale = False  # whether results of an earlier run are known to be of other bytes or settings
    try:
        identity = fingerprint.identity(scan, task.settings)
        with atomic_files.translate_os_errors(), atomic_files.locked(out, scan.name):
            earlier = derivatives.cached_record(out, scan, identity)
            if earlier is not None:
                return Outcome(scan, earlier, is_new=False)
            if derivatives.is_of_another(out, scan):
                return Outcome(scan, Record(str(scan.path), ANOTHER, is_final=False))
            is_stale = True
            with _noted(out, f"{task.marks}/{scan.name}"):
                files: dict[str, int] = {}

                def write(image: Scan, result: Result) -> None:
                    with atomic_files.translate_os_errors():
                        files.update(derivatives.write(out, staging, scan=scan, image=image, result=result))

                record = try_segment(scan.path, task.settings, use=write)
                derivatives.finish(
                    out, scan, record, identity=identity, staging=staging, files=files, overwrite=task.overwrite
                )
    except Exception as error:  # whatever a hostile name or file provokes, the others go on
        record = _failed(task, explain(error, logger), is_stale)
    finally:
        confined.remove_tree(out, staging)
    return Outcome(scan, record, seconds=time.perf_counter() - began)


@contextmanager
def _noted(out: Path, mark: str) -> Iterator[None]:
    """Note that a scan is begun. A worker that dies leaves the note, so that the others know how often that was.

    Raises
    ------
    MrisegError
        If so many workers died over it that it is given up. Clusters have their own limit, often a higher one.
    """
    note = confined.status(out, mark)
    begun = 0 if note is None else note.st_size
    if begun >= TRIES:
        raise MrisegError(WORKER_DIED)
    confined.remove(out, mark)
    atomic_files.write(out, mark, b"." * (begun + 1))
    try:
        yield
    finally:
        confined.remove(out, mark)


def _failed(task: Task, why: str, is_stale: bool = False) -> Record:
    """Record a failure that lies in the machine or the file system, so that another run tries again.

    Results of an earlier run stay unless they are stale: that a disk is away for an hour is no reason to lose them.
    """
    record = Record(str(task.scan.path), why, is_final=False)
    if is_stale or not derivatives.is_done(task.out, task.scan):
        with suppress(OSError, WriteError):  # on a full disk nothing can be recorded
            identity, staging = {"source": task.scan.source}, atomic_files.staging_name()
            derivatives.finish(task.out, task.scan, record, identity=identity, staging=staging, files={})
    return record


def summarize(out: Path, study: Path, settings: Settings, is_bids: bool) -> list[Row]:
    """Write the table, its dictionary and the report of all scans that the folder of results holds.

    Several runs may share the folder, such as the tasks of a Slurm array: if a scan was added meanwhile all is written
    again, so that the last to finish leaves a whole table.

    Parameters
    ----------
    out : Path
        The folder of results.
    study : Path
        That of the study.
    settings : Settings
    is_bids : bool
        Whether the study is named by BIDS.

    Returns
    -------
    list of Row
        What the table holds.

    Raises
    ------
    MrisegError
        If the folder cannot be written to.
    """
    with atomic_files.translate_os_errors():
        derivatives.describe(out, study, is_bids)
        while True:
            before = derivatives.state(out)
            rows = [Row(*entry) for entry in derivatives.records(out)]
            atomic_files.replace(out, derivatives.TABLE, study_table.table(rows).encode("utf-8", "replace"))
            atomic_files.replace(out, derivatives.DICTIONARY, study_table.dictionary().encode())
            pictures = {row.name: derivatives.picture(row.name) for row in rows if row.record.failure is None}
            atomic_files.replace(
                out, derivatives.REPORT, group_report.html(rows, asdict(settings), pictures).encode("utf-8", "replace")
            )
            if derivatives.state(out) == before:
                atomic_files.clear(out)
                return rows
