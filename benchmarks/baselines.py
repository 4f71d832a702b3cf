"""Dice of the page's baseline methods beside the full model: what each step buys.

The brain is searched once, by the full model, and all methods but the first use that mask. The scans are those of
`tissues.py` that nothing is tuned by.

    python benchmarks/baselines.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--groups brainweb ibsr slabs heads] [--each]

`--each` prints every scan before the means. Takes some minutes.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np
from table import DATA, print_table
from tissues import GROUPS, UNSCORED, Case

import mriseg
from mriseg.core.tissue import Tissue
from mriseg.evaluation.agreement import dice
from mriseg.evaluation.baselines import METHODS, segment_simply

TISSUES = [tissue.abbreviation for tissue in Tissue]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--each", action="store_true", help="print every scan too")
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    rows: list[tuple[object, ...]] = []
    kinds: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for group in options.groups:
            for case in GROUPS[group](options.data, simulator, Path(scratch)):
                figures = judge(case)
                kind = f"{group}, {case.contrast.suffix}"
                kinds.setdefault(kind, []).append(figures)
                rows += [(case.title, key, *printed(row)) for key, row in zip(METHODS, figures, strict=True)]
                print(case.title, file=sys.stderr, flush=True)
    if options.each:
        print_table(("scan", "method", *TISSUES, "CPU s"), rows)
        print()
    means = [
        (kind, len(found), key, *printed(row))
        for kind, found in kinds.items()
        for key, row in zip(METHODS, np.mean(found, 0), strict=True)
    ]
    print_table(("mean of", "n", "method", *TISSUES, "CPU s"), means)


def judge(case: Case) -> np.ndarray:
    """Dice of the three tissues and CPU seconds of each method, shape (methods, 4)."""
    scan = mriseg.read(case.scan)
    result = mriseg.segment(scan)
    figures = []
    for method in METHODS:
        begun = process_time()
        labels = segment_simply(scan, result, method)
        seconds = process_time() - begun
        labels = labels[(slice(None, None, case.every),) * 3]
        common = tuple(slice(0, min(sizes)) for sizes in zip(labels.shape, case.truth.shape, strict=True))
        scored = case.truth[common] != UNSCORED
        figures.append([*dice(labels[common][scored], case.truth[common][scored]).values(), seconds])
    return np.array(figures)


def printed(figures: np.ndarray) -> list[str]:
    """Dice and seconds with the places that they deserve."""
    *overlaps, seconds = figures
    return [*(f"{overlap:.3f}" for overlap in overlaps), f"{seconds:.2f}"]


if __name__ == "__main__":
    main()
