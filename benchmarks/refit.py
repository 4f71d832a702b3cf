"""What turning one knob costs in CPU seconds, from nothing and from an earlier result, whose labels must be the same.

A simulated head of 256 x 256 x 256 voxels is segmented with the default settings; then each setting in turn is
changed, once from nothing and once with what the first result holds. No label may differ.

    OMP_NUM_THREADS=1 python benchmarks/refit.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--head head_01] [--contrast t1] [--runs 3]

Needs the data folder and the simulator. Takes 4 minutes.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from table import DATA, print_table

import mriseg
from mriseg.core.scan import volume

NOISE, BIAS, SEED = 3, 20, 0
CHANGES: tuple[dict[str, object], ...] = (
    {"smoothness": 0.5},
    {"classes": 4},
    {"classes": 2},
    {"bias_strength": 3.0},
    {"correct_bias": False},
    {"contrast": "other"},
    {"use_position": False},
    {"margin": 2.0},
    {"mask": "none"},
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--head", default="head_01")
    parser.add_argument("--contrast", default="t1", choices=("t1", "t2", "pd", "flair"))
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    path = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    spec = importlib.util.spec_from_file_location("simulator", path)
    assert spec is not None
    assert spec.loader is not None
    simulator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(simulator)
    image = nibabel.funcs.as_closest_canonical(nibabel.nifti1.load(options.data / "heads" / f"{options.head}.nii.gz"))
    anatomy = np.asanyarray(image.dataobj).astype(np.int16)
    data, _, _ = simulator.simulate(anatomy, options.contrast, NOISE, BIAS, SEED)
    scan = volume(data.astype(np.float32), image.affine)

    first = mriseg.segment(scan)
    rows: list[tuple[object, ...]] = [("default", timed(lambda: mriseg.segment(scan), 1)[1], "", "", "", "")]
    for change in CHANGES:
        if change.get("contrast") == "other":
            change = {"contrast": "t2" if options.contrast == "t1" else "t1"}
        settings = mriseg.Settings(**change)  # type: ignore[arg-type]
        scratch, of_scratch, _ = timed(lambda: mriseg.segment(scan, settings), 1)  # noqa: B023
        again, of_again, wall = timed(lambda: mriseg.segment(scan, settings, earlier=first), options.runs)  # noqa: B023
        longest = max(again.seconds, key=again.seconds.__getitem__)
        title = ", ".join(f"{knob} {value}" for knob, value in change.items())
        rows.append((title, of_scratch, of_again, wall, longest, int((scratch.labels != again.labels).sum())))
    columns = ("CPU s from nothing", "CPU s again", "wall s again", "most in", "labels that differ")
    print_table((f"{options.contrast} of {options.head}, {scan.data.shape}", *columns), rows)


def timed(run: Callable[[], mriseg.Result], runs: int) -> tuple[mriseg.Result, float, float]:
    """What it returns, and the median CPU and wall seconds of some runs."""
    cpu, wall = [], []
    for _ in range(runs):
        began, since = time.process_time(), time.perf_counter()
        result = run()
        cpu.append(time.process_time() - began)
        wall.append(time.perf_counter() - since)
    return result, round(statistics.median(cpu), 2), round(statistics.median(wall), 2)


if __name__ == "__main__":
    main()
