"""Whether true volumes lie in the intervals of 95 %, how wide these are, and what their constants should be.

    python benchmarks/intervals.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--table FILE] [--kinds heads brainweb ibsr slabs pictures several] [--calibrate]

Each scan of `volume_errors.py` is segmented with its brain searched; `--table` keeps what was measured, so that a
second run need not segment again (after a change of labels begin a new one). The first table: by contrast and
thickness, how many of the known volumes lie in their interval, and its half width, for tuning and test scans.
`--calibrate` prints the constants of `mriseg/segmentation/volumes.py` from the tuning scans, and how many volumes of
each source of scans the constants of the others would hold. Takes a quarter of an hour of CPU.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from split import Split
from table import DATA, print_table
from volume_errors import KINDS, MADE, Error, errors

from mriseg.core.tissue import Contrast, Tissue
from mriseg.segmentation.volumes import BETWEEN_CONTRASTS, OF_PICTURES, REACH, error_growth, intervals

PROBABILITY = 0.95
THICK_MM = 2.5  # from there on a slice is called thick in the tables


@dataclass(frozen=True)
class Volume:
    """A known volume and what the engine made of it.

    Attributes
    ----------
    error : Error
        The scan.
    tissue : Tissue
    measured, true : float
        mL.
    """

    error: Error
    tissue: Tissue
    measured: float
    true: float

    @property
    def contrast(self) -> Contrast:
        """What the engine took the scan for: all that it can go by."""
        return Contrast[self.error.named]

    @property
    def thickness_mm(self) -> float | None:
        """Largest side of a voxel; None of a picture."""
        return max(self.error.spacing, default=None)

    @property
    def growth(self) -> float:
        """By how much errors of such a scan are larger than of a good one."""
        return error_growth(self.tissue, self.thickness_mm, self.error.quality.get("tissue_contrast", np.nan))

    @property
    def log_ratio(self) -> float:
        """Of the true to the measured volume."""
        return float(np.log(self.true / self.measured))

    @property
    def is_thick(self) -> bool:
        """Whether the slices are."""
        return self.thickness_mm is None or self.thickness_mm >= THICK_MM

    def interval(self) -> tuple[float, float]:
        """As the engine says it."""
        found = intervals(
            {self.tissue: self.measured},
            self.contrast,
            thickness_mm=self.thickness_mm,
            tissue_contrast=self.error.quality.get("tissue_contrast", np.nan),
        )
        assert found is not None
        return found[self.tissue]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    with tempfile.TemporaryDirectory() as scratch:
        table = options.table or Path(scratch) / "errors.jsonl"
        rows = errors(options.data, simulator, table, options.kinds)
    volumes = known_volumes(rows)
    print_coverage(volumes)
    if options.calibrate:
        tuning = [volume for volume in volumes if volume.error.split == Split.TUNING.value]
        print()
        print_constants(tuning)
        print()
        print_left_out(tuning)


def known_volumes(rows: Sequence[Error]) -> list[Volume]:
    """Of all scans; those in T2 and FLAIR without a truth are held against the T1 of the same head."""
    t1 = {row.subject: row.measured for row in rows if not row.true and row.contrast == Contrast.T1.name}
    volumes = []
    for row in rows:
        true = row.true or (t1[row.subject] if row.contrast != Contrast.T1.name else {})
        volumes += [
            Volume(row, tissue, row.measured[tissue.name], true[tissue.name])
            for tissue in Tissue
            if tissue.name in true
        ]
    return volumes


def print_coverage(volumes: Sequence[Volume]) -> None:
    """How many known volumes lie in their interval, and how wide it is: mean half width in the measured volume."""
    groups: dict[tuple[str, ...], list[Volume]] = {}
    for volume in volumes:
        error = volume.error
        slices = "thick slices" if volume.is_thick else "thin slices"
        groups.setdefault((error.split, error.kind, volume.contrast.name, slices), []).append(volume)
        groups.setdefault((error.split, "all", "", ""), []).append(volume)
    rows = []
    for group, members in sorted(groups.items()):
        cells = [sum(map(holds, members)), len(members), f"{np.mean([*map(holds, members)]):.0%}"]
        for tissue in Tissue:
            of_tissue = [volume for volume in members if volume.tissue is tissue]
            cells += [f"{np.mean([*map(half_width, of_tissue)]):.1%}" if of_tissue else ""]
        rows.append((*group, *cells))
    halves = (f"half width {tissue.name}" for tissue in Tissue)
    print_table(("for", "scans", "contrast", "slices", "held", "of", "share", *halves), rows)
    print()
    outside = [
        (
            v.error.split,
            v.error.title,
            v.tissue.name,
            f"{v.log_ratio:+.3f}",
            *np.round(np.log(v.interval()) - np.log(v.measured), 3),
        )
        for v in volumes
        if not holds(v)
    ]
    print_table(("for", "outside", "tissue", "log of true to measured", "interval from", "to"), outside)


def holds(volume: Volume) -> bool:
    """Whether the truth lies in the interval."""
    low, high = volume.interval()
    return low <= volume.true <= high


def half_width(volume: Volume) -> float:
    """Of the interval, as a share of the measured volume."""
    low, high = volume.interval()
    return (high - low) / 2 / volume.measured


def calibrated(volumes: Sequence[Volume]) -> dict[Contrast, dict[Tissue, float]]:
    """How far true volumes reach from measured ones: split-conformal, on a scale of each contrast and tissue.

    The scale is what the log ratios over their growth would lie within if they were normal; what 95 % of all volumes
    lie within is how many times it counts.
    """
    known = [volume for volume in volumes if volume.error.kind not in ("several contrasts", "pictures")]
    cells = {(contrast, tissue): scale(known, contrast, tissue) for contrast in MADE for tissue in Tissue}
    times = conformal_quantile([abs(v.log_ratio) / v.growth / cells[v.contrast, v.tissue] for v in known])
    return {contrast: {tissue: times * cells[contrast, tissue] for tissue in Tissue} for contrast in MADE}


def scale(volumes: Sequence[Volume], contrast: Contrast, tissue: Tissue) -> float:
    """Of the log ratios of a contrast and tissue over their growth."""
    return normal_reach([v.log_ratio / v.growth for v in volumes if (v.contrast, v.tissue) == (contrast, tissue)])


def normal_reach(logs: Sequence[float]) -> float:
    """Within which 95 % of some errors would lie if they were normal about their mean."""
    return float(stats.foldnorm.ppf(PROBABILITY, abs(np.mean(logs)) / np.std(logs), scale=np.std(logs)))


def conformal_quantile(scores: Sequence[float]) -> float:
    """Below which the next score lies with a probability of 95 %."""
    rank = int(np.ceil((len(scores) + 1) * PROBABILITY))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def print_constants(volumes: Sequence[Volume]) -> None:
    """The constants that the scans ask for, beside those that are in use."""
    rows = [
        (contrast.name, tissue.name, f"{reach:.3f}", REACH[contrast][tissue])
        for contrast, of_tissue in calibrated(volumes).items()
        for tissue, reach in of_tissue.items()
    ]
    print_table(("contrast", "tissue", "reach", "in use"), rows)
    print()
    pictures = [volume for volume in volumes if volume.error.kind == "pictures"]
    rows_of_pictures = [
        (tissue.name, f"{normal_reach([v.log_ratio for v in pictures if v.tissue is tissue]):.3f}", OF_PICTURES[tissue])
        for tissue in Tissue
    ]
    print_table(("tissue", "reach in pictures", "in use"), rows_of_pictures)


def print_left_out(volumes: Sequence[Volume]) -> None:
    """Of each source of scans, how many volumes the constants of all others would hold."""
    rows = []
    volumes = [
        volume for volume in volumes if volume.error.kind != "pictures"
    ]  # what they are held by is of them alone
    for source in sorted({source_of(volume) for volume in volumes}):
        reach = calibrated([volume for volume in volumes if source_of(volume) != source])
        own = [volume for volume in volumes if source_of(volume) == source]
        held = [
            abs(v.log_ratio)
            <= max(v.growth * reach[v.contrast][v.tissue], BETWEEN_CONTRASTS.get(v.contrast, {}).get(v.tissue, 0))
            for v in own
        ]
        rows.append((source, sum(held), len(held), f"{np.mean(held):.0%}"))
    print_table(("left out", "held by the constants of the others", "of", "share"), rows)


def source_of(volume: Volume) -> str:
    """A simulated head by its anatomy, other scans by their kind."""
    return volume.error.subject if volume.error.kind == "heads" else volume.error.kind


if __name__ == "__main__":
    main()
