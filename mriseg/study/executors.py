"""Many scans at a time: in processes of this machine, or on a Dask cluster that exists already.

A task is small and so is what comes back; scans and results stay where they are read and written.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mriseg.core.errors import MrisegError
from mriseg.core.settings import Settings
from mriseg.study.attempt import try_segment
from mriseg.study.record import WORKER_DIED, Record
from mriseg.study.resources import fitting_workers

if TYPE_CHECKING:
    from distributed import Client
    from joblib.externals.loky import ProcessPoolExecutor

T = TypeVar("T")
R = TypeVar("R")
Finished = Generator[tuple[T, R | None], None, None]

TRIES = 2  # of a task whose worker dies
ORPHANED_WITHIN = 0.5  # seconds after which a worker notices that who started it is gone
# Tasks that a cluster is given at once: enough that it can grow to their number, few enough for the driver's memory.
MOST_ON_THE_WAY = 1000


def segment_many(
    paths: Iterable[str | Path],
    settings: Settings | None = None,
    client: "Client | None" = None,
    workers: int | None = None,
) -> Iterator[Record]:
    """Segment many scans and give the figures of each as it finishes.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, folders of DICOM or archives; of several scans in one the one that shows the tissues best is taken. It is
        read as it is needed.
    settings : Settings, optional
        The defaults if not given.
    client : distributed.Client, optional
        Of a Dask cluster whose workers have mriseg and see the same paths. Without it processes of this machine are
        used.
    workers : int, optional
        Processes; as many as cores and memory allow if not given.

    Yields
    ------
    Record
        In the order in which they finish. A scan that cannot be segmented has its `failure`, and the rest goes on.
    """
    work = partial(_segmented, settings=settings or Settings())
    finished = (
        in_processes(work, paths, workers or fitting_workers()) if client is None else on_cluster(work, paths, client)
    )
    for path, record in finished:
        yield record if record is not None else Record(str(path), WORKER_DIED, is_final=False)


def _segmented(path: str | Path, settings: Settings) -> Record:
    return try_segment(path, settings)


def in_processes(
    work: Callable[[T], R], tasks: Iterable[T], workers: int, most_bytes: int | None = None
) -> "Finished[T, R]":
    """Do tasks in processes of this machine and give each with its result as it finishes.

    Each worker is a pool of its own: in one common pool the death of a worker is that of all, and nobody can say whose
    task it was.

    Parameters
    ----------
    work : callable
        Of a module, so that a process can find it. It takes a task.
    tasks : iterable
        Taken as workers become free.
    workers : int
    most_bytes : int, optional
        What a worker may allocate; past it there is a MemoryError.

    Yields
    ------
    task, result
        The result is None where the worker died, and another when it was tried once more.
    """
    pools = [_pool(most_bytes) for _ in range(workers)]
    waiting, again = iter(tasks), deque[tuple[T, int]]()
    running: dict[Future[R], tuple[int, T, int]] = {}
    idle = list(range(workers))
    try:
        while True:
            while idle:
                following = again.popleft() if again else next(((task, 1) for task in waiting), None)
                if following is None:
                    break
                worker = idle.pop()
                task, tries = following
                try:
                    future = pools[worker].submit(work, task)
                except BrokenExecutor:  # it died while it had nothing to do
                    pools[worker] = _pool(most_bytes)
                    future = pools[worker].submit(work, task)
                running[future] = worker, task, tries
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                worker, task, tries = running.pop(future)
                idle.append(worker)
                try:
                    yield task, future.result()
                except BrokenExecutor:
                    pools[worker].shutdown(wait=False, kill_workers=True)
                    pools[worker] = _pool(most_bytes)
                    if tries < TRIES:
                        again.append((task, tries + 1))
                    else:
                        yield task, None
    finally:
        for pool in pools:
            pool.shutdown(wait=False, kill_workers=True)


def _pool(most_bytes: int | None) -> "ProcessPoolExecutor":
    # Loky's processes need no `if __name__ == "__main__"` in the caller's script, and can be killed.
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(1, initializer=_begin, initargs=(os.getpid(), most_bytes))


def _begin(parent: int, most_bytes: int | None) -> None:
    """What a worker does first: bound its memory, and watch that it does not outlive who started it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver is told, and ends the workers
    if most_bytes is not None:
        try:
            import resource

            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, hard))
        except (ImportError, ValueError, OSError):  # not a system that bounds it
            pass
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHANED_WITHIN)
    os._exit(1)


def on_cluster(work: Callable[[T], R], tasks: Iterable[T], client: "Client") -> "Finished[T, R]":
    """Do tasks on a Dask cluster and give each with its result as it finishes.

    Parameters
    ----------
    work, tasks
        As for `in_processes`.
    client : distributed.Client

    Yields
    ------
    task, result
        The result is None where workers died over it, as often as the cluster allows, and again when it was given once
        more, alone.

    Raises
    ------
    MrisegError
        If the cluster's workers do not have mriseg, or the cluster is gone.
    """
    from distributed import KilledWorker, as_completed

    waiting = iter(tasks)
    given: dict[Any, T] = {}

    def submit(count: int) -> list[Any]:
        futures = []
        for task in islice(waiting, count):
            future = client.submit(work, task, pure=False)
            given[future.key] = task
            futures.append(future)
        return futures

    running = as_completed(submit(MOST_ON_THE_WAY))
    suspects: list[T] = []
    for future in running:
        task = given.pop(future.key)
        try:
            result = _result_of(future)
        except KilledWorker:
            suspects.append(task)
        else:
            yield task, result
        running.update(submit(1))
    # The cluster blames a death on all that the worker was given, also on what only waited there. One at a time a death
    # is that of the task itself.
    for task in suspects:
        try:
            yield task, _result_of(client.submit(work, task, pure=False))
        except KilledWorker:
            yield task, None


def _result_of(future: Any) -> Any:
    """The result of a task on a cluster, which is then let go of.

    Raises
    ------
    MrisegError
        If the cluster's workers do not have mriseg, or the cluster is gone.
    """
    from concurrent.futures import CancelledError

    try:
        return future.result()
    except ImportError as error:
        raise MrisegError(
            f"A worker of the cluster cannot run mriseg: {error}. Install the same version for the workers."
        ) from error
    except CancelledError as error:
        raise MrisegError(
            "The cluster is gone or gave the work back. Look at its log and run the command again: it resumes."
        ) from error
    finally:
        future.release()
