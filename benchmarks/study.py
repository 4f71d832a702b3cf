"""What a study costs: two workers against one, Dask against processes, being killed, and ten thousand scans.

1. workers: the command line over a study of simulated heads with one worker and with two, in turn. How far two
   processes that only compute get on this machine stands beside it: what no program can pass.
2. dask: the same study by two processes and by a Dask cluster of two, in turn. Starting the cluster is not counted: it
   is there already.
3. killed: the command line with two workers is killed ten times at random moments with all its processes, started
   anew each time, and left alone at last. Every file must be that of an undisturbed run, to the byte, and
   after no kill may a file lie under its name that is not whole.
4. many: 10 000 scans with the engine replaced by a stub (that of the tests): time, the driver's memory, the table.
5. memory: the largest resident memory of a worker over a head of 256 x 256 x 256 voxels and over the largest volume
   that is read, from which `mriseg.study.resources.WORKER_BYTES` follows.

    OMP_NUM_THREADS=1 python benchmarks/study.py [--parts workers dask killed many memory] [--scans 30] [--runs 3]

Needs `requirements-dev.txt`. Takes 20 minutes.
"""

import argparse
import csv
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from table import ROOT, print_table, run_measured

from mriseg import Contrast, Settings
from mriseg.core import limits
from mriseg.core.scan import Scan, volume
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.export.images import encode_scan
from mriseg.study import bids, derivatives
from mriseg.study import run as cohort
from mriseg.study.executors import in_processes, on_cluster
from tests import stub_study

SPACING_MM = 2.5  # of the simulated heads: some seconds each
KILLS = 10
MANY = """
import resource, sys
sys.path.insert(0, ".")
from tests import stub_study
stub_study.main(*sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ONE = """
import sys
from pathlib import Path
from mriseg import Settings, bids, derivatives
from mriseg.study.record import attempt
file, out = map(Path, sys.argv[1:])
scan = bids.StudyScan(file, "sub-1", "sub-1/anat", file.name, False)
record = attempt(file, Settings(), lambda image, result: derivatives.write(out, scan, image, result) and None)
assert record.failure is None, record.failure
"""


def main() -> None:
    """Print the tables asked for."""
    parts: dict[str, Callable[[Path, argparse.Namespace], None]] = {
        "workers": workers,
        "dask": dask,
        "killed": killed,
        "many": many,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--scans", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    for part in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            print(f"\n{part}\n")
            parts[part](Path(folder), options)


def make_study(folder: Path, count: int) -> Path:
    """A BIDS dataset of simulated heads, each of another noise."""
    phantom = make_phantom(0, SPACING_MM)
    for number in range(count):
        anatomy = folder / f"sub-{number:03d}" / "anat"
        anatomy.mkdir(parents=True)
        scan = simulate(phantom, Contrast.T1, seed=number)
        (anatomy / f"sub-{number:03d}_T1w.nii.gz").write_bytes(encode_scan(scan))
    return folder


def command(study: Path, out: Path, count: int) -> list[str]:
    """The command line, as one types it."""
    return [sys.executable, "-m", "mriseg", "cohort", str(study), str(out), "--workers", str(count)]


def workers(folder: Path, options: argparse.Namespace) -> None:
    """Two workers against one."""
    study = make_study(folder / "study", options.scans)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for run in range(options.runs):
        for count in seconds:
            began = time.perf_counter()
            subprocess.run(
                command(study, folder / f"out-{run}-{count}", count), check=True, capture_output=True, cwd=ROOT
            )
            seconds[count].append(time.perf_counter() - began)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    rows = [(count, *(f"{s:.1f}" for s in found)) for count, found in seconds.items()]
    print_table(["workers", *(f"run {run + 1}, s" for run in range(options.runs))], rows)
    print(f"\nthroughput of two over one: {', '.join(f'{r:.2f}' for r in ratios)}")
    print(f"two processes that only compute, over one: {', '.join(f'{ceiling():.2f}' for _ in range(options.runs))}")


def ceiling() -> float:
    """How much more two processes do than one on this machine, with arrays that fit into no cache as the engine's."""
    one = _compute_together(1)
    return 2 * one / _compute_together(2)


def _compute_together(count: int) -> float:
    context = multiprocessing.get_context("spawn")
    with context.Pool(count) as pool:
        pool.map(_compute, [1] * count, 1)  # until all are there
        began = time.perf_counter()
        pool.map(_compute, [40] * count, 1)
        return time.perf_counter() - began


def _compute(times: int) -> float:
    data = np.linspace(1, 2, 2_000_000, dtype=np.float32)
    for _ in range(times):
        data = np.exp(-data) + data.mean()
    return float(data[0])


def dask(folder: Path, options: argparse.Namespace) -> None:
    """Dask against processes, both with what they need running already."""
    from distributed import Client, LocalCluster

    study = make_study(folder / "study", options.scans)
    scans = bids.find(study)
    rows = []
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.run(__import__, "mriseg.study.run")
        for run in range(options.runs):
            seconds = []
            for name, do in (
                ("processes", lambda work, tasks: in_processes(work, tasks, 2)),
                ("dask", lambda work, tasks: on_cluster(work, tasks, client)),
            ):
                began = time.perf_counter()
                found = list(cohort.segment_study(scans, folder / f"{name}-{run}", Settings(), do))
                assert all(outcome.is_new and outcome.record.failure is None for outcome in found)
                seconds.append(time.perf_counter() - began)
            rows.append((run + 1, *(f"{s:.1f}" for s in seconds), f"{seconds[1] / seconds[0] - 1:+.1%}"))
    print_table(["run", "processes, s", "Dask, s", "overhead"], rows)


def killed(folder: Path, options: argparse.Namespace) -> None:
    """Ten kills at random moments, and what lies there after each and at last."""
    study = make_study(folder / "study", 8)
    began = time.perf_counter()
    subprocess.run(command(study, folder / "undisturbed", 2), check=True, capture_output=True, cwd=ROOT)
    whole = time.perf_counter() - began
    expected, out = tree(folder / "undisturbed"), folder / "out"
    rng, partial, kills = random.Random(0), 0, 0
    for _ in range(KILLS):
        process = subprocess.Popen(
            command(study, out, 2),
            cwd=ROOT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.1, 0.6) * whole)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        found = tree(out)
        partial += sum(found[name] != expected[name] for name in found if not name.startswith((".", "group", "tissue")))
    subprocess.run(command(study, out, 2), check=True, capture_output=True, cwd=ROOT)
    found = tree(out)
    differing = sorted(name for name in found | expected if found.get(name) != expected.get(name))
    print(
        f"{kills} kills, {partial} files that were not whole, {len(differing)} of {len(expected)} files differ at last"
    )
    print("\n".join(differing))


def tree(out: Path) -> dict[str, bytes]:
    """Every file of a folder of results but the logs."""
    files = (file for file in out.rglob("*") if file.is_file() and "logs" not in file.relative_to(out).parts)
    return {file.relative_to(out).as_posix(): file.read_bytes() for file in files}


def many(folder: Path, options: argparse.Namespace) -> None:
    """Ten thousand stubs."""
    rows = []
    for count in (1_000, 10_000):
        study, out = stub_study.make_study(folder / f"study-{count}", count), folder / f"out-{count}"
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", MANY, study, out, "2", "2000"], check=True, capture_output=True, text=True, cwd=ROOT
        )
        seconds = time.perf_counter() - began
        with (out / derivatives.TABLE).open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file, delimiter="\t"))
        right = [row["scan"] for row in table] == [f"sub-{number:05d}" for number in range(count)]
        size = (out / derivatives.REPORT).stat().st_size
        rows.append((count, f"{seconds:.0f}", int(done.stdout) // 1000, "yes" if right else "NO", f"{size / 1e6:.1f}"))
    print_table(["scans", "seconds", "driver's peak, MB", "table right", "report, MB"], rows)


def memory(folder: Path, options: argparse.Namespace) -> None:
    """The largest memory of a process that segments one scan and writes its files."""
    phantom = make_phantom(0, 1.0)
    scan = simulate(phantom, Contrast.T1)
    rows = []
    for title, most in (("256 x 256 x 256", 256**3), ("the largest that is read", limits.MAX_VOXELS)):
        side = round(most ** (1 / 3) - 0.5)
        file = folder / f"{side}.nii.gz"
        file.write_bytes(encode_scan(_stretched(scan, side)))
        costs = [run_measured("-c", ONE, str(file), str(folder / "out")) for _ in range(options.runs)]
        seconds, peak = (statistics.median(found) for found in zip(*costs, strict=True))
        rows.append((title, f"{side}^3", f"{seconds:.1f}", f"{peak:.0f}"))
    print_table(["scan", "voxels", "CPU, s", "peak, MB"], rows)


def _stretched(scan: Scan, side: int) -> Scan:
    """A head on a finer grid of so many voxels a side, by its nearest voxels and some noise between them."""
    places = [np.minimum(np.arange(side) * n // side, n - 1) for n in scan.data.shape]
    data = scan.data[np.ix_(*places)]
    data = data + np.random.default_rng(0).normal(0, 1, data.shape).astype(np.float32)
    assert scan.affine is not None
    scale = np.diag([*(n / side for n in scan.data.shape), 1.0])
    return volume(np.maximum(data, 0), scan.affine @ scale)


if __name__ == "__main__":
    main()
