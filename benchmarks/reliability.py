"""Whether the posteriors mean what they say: of the voxels given 0.8, how many are right.

Truths are exact: simulated heads in four contrasts, and BrainWeb (see `split.py`). The brain is
given, so that only tissues are judged. A second table says for each kind of scans by how much posteriors are off on
average over the bins (expected calibration error); a third holds the volumes from partial volumes and from labels
against the true ones, and how many true volumes lie in their intervals of 95 %.

    python benchmarks/reliability.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--split tuning|test]

Needs the data folder and the simulator. Takes 3 minutes.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from methods import values
from split import Split
from table import DATA, print_table
from tissues import UNSCORED, Case, brainweb, heads

import mriseg
from mriseg.core.tissue import Tissue

EDGES = np.array([1 / 3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--split", type=Split, default=Split.TEST, help="tuning or test")
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    sums: dict[str, np.ndarray] = {}
    volumes: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for group in (brainweb, heads):
            for case in group(options.data, simulator, Path(scratch), options.split):
                reliability, rows = judge(case)
                sums[case.kind] = sums.get(case.kind, 0) + reliability
                volumes += rows
    rows = []
    for kind, (count, posterior, right) in sums.items():
        for k in np.flatnonzero(count):
            between = f"{EDGES[k]:.2f} to {min(EDGES[k + 1], 1):.2f}"
            of_all = f"{count[k] / count.sum():.1%}"
            rows.append((kind, between, of_all, f"{posterior[k] / count[k]:.3f}", f"{right[k] / count[k]:.3f}"))
    print_table(("scans", "posterior of the label", "of voxels", "mean posterior", "right"), rows)
    print()
    errors = [
        (kind, f"{np.abs(posterior - right).sum() / count.sum():.3f}")
        for kind, (count, posterior, right) in sums.items()
    ]
    print_table(("scans", "expected calibration error"), errors)
    print()
    print_table(("scan", "tissue", "true mL", "from partial volumes", "from labels", "interval", "holds"), volumes)
    print(f"\n{np.mean([row[-1] == 'yes' for row in volumes]):.0%} of {len(volumes)} intervals hold the truth.")


def judge(case: Case) -> tuple[np.ndarray, list[tuple[object, ...]]]:
    """Counts, posteriors and hits by posterior, shape (3, bins); and a row for each tissue's volume."""
    scan = mriseg.read(case.scan)
    result = mriseg.segment(scan, mask=values(case.brain) == 1)
    every = (slice(None, None, case.every),) * 3
    labels, posteriors = result.labels[every], result.posteriors[every]
    fractions = result.partial_volumes[every]
    common = tuple(slice(0, min(sizes)) for sizes in zip(labels.shape, case.truth.shape, strict=True))
    truth = case.truth[common]
    scored = (truth > 0) & (truth != UNSCORED) & (labels[common] > 0)
    largest = posteriors[common][scored].max(-1)
    right = labels[common][scored] == truth[scored]
    part = np.digitize(largest, EDGES[1:-1])
    reliability = np.stack([np.bincount(part, w, len(EDGES) - 1) for w in (np.ones(len(part)), largest, right)])
    rows: list[tuple[object, ...]] = []
    assert scan.voxel_ml is not None
    assert result.volume_intervals_ml is not None
    assert result.volumes_ml is not None
    voxel_ml = scan.voxel_ml * case.every**3
    for channel, tissue in enumerate(Tissue):
        true = np.count_nonzero(truth[scored] == tissue.number) * voxel_ml
        partial = fractions[common][scored][:, channel].sum(dtype=float) * voxel_ml
        hard = np.count_nonzero(labels[common][scored] == tissue.number) * voxel_ml
        scored_part = partial / result.volumes_ml[tissue]  # what is scored may be less than the whole
        low, high = (bound * scored_part for bound in result.volume_intervals_ml[tissue])
        off = [f"{value / true - 1:+.1%}" for value in (partial, hard)]
        between = f"{low:.0f} to {high:.0f}"
        rows.append(
            (case.title, tissue.abbreviation, f"{true:.0f}", *off, between, "yes" if low <= true <= high else "no")
        )
    return reliability, rows


if __name__ == "__main__":
    main()
