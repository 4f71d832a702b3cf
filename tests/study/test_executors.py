"""Many scans at a time. The workers of these tests do what they are told in a word."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mriseg
from mriseg import MrisegError, Settings, Tissue
from mriseg.datasets import phantom
from mriseg.export.images import encode_scan
from mriseg.study.executors import in_processes, on_cluster
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


def obey(word: str, folder: Path) -> str | int:
    """What a worker does: die, die the first time, want memory, or answer."""
    mark = folder / word
    if word.startswith("die once") and not mark.exists():
        mark.touch()
        os._exit(1)
    if word.startswith("die always"):
        os._exit(1)
    if word == "much memory":
        try:
            np.ones(1_500_000_000, np.uint8)
        except MemoryError:
            return "too much"
    if word == "wait":
        time.sleep(0.2)
    if word == "at work":
        mark.touch()
        time.sleep(PATIENCE)
    if word == "pid":
        return os.getpid()
    return word.upper()


def answers(folder, words, workers=2, **options):
    return dict(in_processes(partial(obey, folder=folder), words, workers, **options))


def test_each_task_comes_back_with_its_result(tmp_path):
    words = [f"{number}" for number in range(20)]
    assert answers(tmp_path, words) == {word: word for word in words}


@pytest.mark.slow
def test_a_worker_that_dies_is_tried_once_more_and_takes_nobody_with_it(tmp_path):
    dying = {"die always": None, "die always too": None}
    living = {word: word.upper() for word in ("a", "b", "c", "wait", "die once")}
    words = ["a", "die once", "wait", "die always", "b", "die always too", "c"]
    assert answers(tmp_path, words) == dying | living


@pytest.mark.slow
def test_a_worker_that_dies_while_it_has_nothing_to_do_is_replaced(tmp_path):
    finished = in_processes(partial(obey, folder=tmp_path), ["a", "pid", "b", "c"], 1)
    assert next(finished) == ("a", "A")
    _, pid = next(finished)
    os.kill(pid, 9)
    end = time.monotonic() + PATIENCE
    while _is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert list(finished) == [("b", "B"), ("c", "C")]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux bounds what a process allocates.")
def test_the_memory_of_a_worker_is_bounded(tmp_path):
    assert answers(tmp_path, ["much memory"], 1, most_bytes=1_000_000_000) == {"much memory": "too much"}
    assert answers(tmp_path, ["much memory"], 1) == {"much memory": "MUCH MEMORY"}


def test_tasks_are_taken_as_workers_become_free(tmp_path):
    taken = 0

    def tasks():
        nonlocal taken
        for number in range(50):
            taken += 1
            yield str(number)

    finished = in_processes(partial(obey, folder=tmp_path), tasks(), 2)
    next(finished)
    assert taken <= 3
    finished.close()


@pytest.mark.slow
def test_workers_do_not_outlive_who_started_them(tmp_path):
    mark = tmp_path / "at work"
    code = (
        "from functools import partial\nfrom pathlib import Path\n"
        "from mriseg.study.executors import in_processes\nfrom tests.study.test_executors import obey\n"
        f"for _ in in_processes(partial(obey, folder=Path({str(tmp_path)!r})), ['{mark.name}'], 1):\n pass\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)

    def children() -> list[str]:
        found = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        return [line for line in found.splitlines() if f" {driver.pid} " in line and "loky" in line]

    end = time.monotonic() + PATIENCE
    while not children():
        assert time.monotonic() < end
        time.sleep(0.1)
    while not mark.exists():  # until it is at work
        assert time.monotonic() < end
        time.sleep(0.1)
    pids = [int(line.split()[0]) for line in children()]
    driver.kill()
    driver.wait()
    end = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{pid}").exists() and _is_alive(pid) for pid in pids):
        assert time.monotonic() < end
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two processes, which gives a task up after the first death."""
    distributed = pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0, "distributed.worker.daemon": False}),
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
def test_a_cluster_gives_the_same(cluster, tmp_path):
    words = [*"abc", "wait", "die always"]
    finished = on_cluster(partial(obey, folder=tmp_path), words, cluster)
    assert dict(finished) == {"a": "A", "b": "B", "c": "C", "wait": "WAIT", "die always": None}


def test_a_cluster_without_mriseg_is_told(cluster):
    def missing(task):
        raise ModuleNotFoundError("No module named 'mriseg'")

    with pytest.raises(MrisegError, match="Install the same version"):
        list(on_cluster(missing, ["a"], cluster))


@pytest.mark.slow
def test_a_cluster_that_gives_the_work_back_is_told(cluster):
    finished = on_cluster(time.sleep, [0, 60], cluster)
    next(finished)
    cluster.restart(timeout=300)  # seconds: a busy machine takes its time, and what comes after needs the workers
    with pytest.raises(MrisegError, match="resumes"):
        next(finished)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_many_scans_have_the_figures_of_one(where, coarse, cluster, tmp_path):
    scan = phantom.simulate(coarse, mriseg.Contrast.T1)
    good, bad = tmp_path / "good.nii.gz", tmp_path / "bad.nii.gz"
    good.write_bytes(encode_scan(scan))
    bad.write_bytes(b"nothing")
    settings = Settings(mask="all", use_position=False)
    client = cluster if where == "cluster" else None
    found = {record.path: record for record in mriseg.segment_many([good, str(bad)], settings, client, 1)}
    result = mriseg.segment(mriseg.read(good), settings)
    record = found[str(good)]
    assert record.failure is None
    assert record.volumes_ml == result.volumes_ml
    assert record.quality == result.quality
    assert record.fractions[Tissue.GM] == result.fractions[Tissue.GM]
    assert "not an image" in found[str(bad)].failure or "not of that kind" in found[str(bad)].failure
