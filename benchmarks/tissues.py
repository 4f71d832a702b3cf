"""Dice of gray matter, white matter and fluid, CPU seconds and peak memory, beside the peers that pip installs.

Each method segments the same scan in a process of its own whose whole cost is counted: start, imports, reading,
segmenting. Those with the brain given get the same mask. The scans: BrainWeb's (truth by its fractions at 2 mm);
IBSR's (manual; fluid in sulci is labeled gray matter, so judge white matter first); slabs of children (automatic);
simulated heads in four contrasts with exact truth.

    python benchmarks/tissues.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--groups brainweb ibsr slabs heads] [--methods NAME ...] [--docs]

Needs the data folder, for the heads the simulator, and for the peers an environment of their own, since ANTsPy holds
back numpy and scipy: `python3 -m venv peers && peers/bin/pip install -r benchmarks/requirements.txt`, then
`peers/bin/python benchmarks/tissues.py`. Takes an hour and a half with all methods, 8 minutes with `--methods mriseg`.
`--docs` writes the table of means into docs/measured.md. More methods go into `methods.py`.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from methods import METHODS, values
from table import DATA, ROOT, print_table, run_measured, table_text

from mriseg.core.tissue import Contrast, Tissue
from mriseg.evaluation.agreement import dice

# Label map, contrast, percent noise, percent bias, mm between slices.
HEADS = (
    ("head_01", Contrast.T1, 5, 40, 1),
    ("head_05", Contrast.T1, 5, 40, 1),
    ("head_09", Contrast.T1, 5, 40, 1),
    ("head_01", Contrast.T1, 9, 60, 1),
    ("head_17", Contrast.T1, 9, 60, 1),
    ("head_03", Contrast.T2, 5, 40, 1),
    ("head_13", Contrast.T2, 5, 40, 1),
    ("head_17", Contrast.T2, 3, 20, 5),
    ("head_01", Contrast.PD, 5, 40, 1),
    ("head_09", Contrast.PD, 5, 40, 1),
    ("head_03", Contrast.FLAIR, 5, 40, 1),
    ("head_13", Contrast.FLAIR, 5, 40, 1),
)
# IBSR and the slabs number fluid, gray matter, white matter, deep gray matter.
FROM_FLUID_FIRST = np.array([0, *(t.number for t in (Tissue.CSF, Tissue.GM, Tissue.WM, Tissue.GM))], np.uint8)
UNSCORED = 255
COLUMNS = (*(tissue.abbreviation for tissue in Tissue), "CPU s", "peak MB")
FORMATS = ("{:.4f}",) * 3 + ("{:.1f}", "{:.0f}")
PLACE = re.compile(r"(<!-- tissues -->\n).*?(<!-- /tissues -->)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Case:
    """A scan of some kind with its brain (1 inside), and the truth on every so many of its voxels."""

    kind: str
    title: str
    scan: Path
    brain: Path
    truth: np.ndarray
    contrast: Contrast = Contrast.T1
    every: int = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--docs", action="store_true", help="write the table of means into docs/measured.md")
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    rows: list[tuple[object, ...]] = []
    means: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        found: dict[str, dict[str, list[tuple[float, ...]]]] = {}
        for group in options.groups:
            for case in GROUPS[group](options.data, simulator, Path(scratch)):
                for method in options.methods:
                    figures = judge(case, method, Path(scratch))
                    found.setdefault(case.kind, {}).setdefault(method, []).append(figures)
                    rows.append((case.title, method, *printed(figures)))
                    print(*rows[-1], file=sys.stderr, flush=True)
    for kind, methods in found.items():
        average = {method: np.mean(measured, 0) for method, measured in methods.items()}
        for method, measured in methods.items():
            ratio = [f"{r:.1f}" for r in average[method][3:] / next(iter(average.values()))[3:]]
            means.append((kind, len(measured), method, *printed(average[method].tolist()), *ratio))
    print_table(("scan", "method", *COLUMNS), rows)
    print()
    head = ("mean of", "n", "method", *COLUMNS, "times the CPU", "times the memory")
    print_table(head, means)
    if options.docs:
        page = ROOT / "docs" / "measured.md"
        table = table_text(head, means)
        page.write_text(PLACE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", page.read_text()))


def judge(case: Case, method: str, scratch: Path) -> tuple[float, ...]:
    """Dice of the three tissues, CPU seconds and peak MB of a method on a scan."""
    script, out = Path(__file__).with_name("methods.py"), scratch / "labels.npy"
    cost = run_measured(str(script), method, str(case.scan), str(case.brain), case.contrast.name, str(out))
    labels = np.load(out)[(slice(None, None, case.every),) * 3]
    common = tuple(slice(0, min(sizes)) for sizes in zip(labels.shape, case.truth.shape, strict=True))
    scored = case.truth[common] != UNSCORED
    overlap = dice(labels[common][scored], case.truth[common][scored])
    return (*(overlap[tissue] for tissue in Tissue), *cost)


def printed(figures: Sequence[float]) -> list[str]:
    """Dice, seconds and megabytes with the places that they deserve."""
    return [form.format(figure) for form, figure in zip(FORMATS, figures, strict=True)]


def brainweb(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    scan = data / "brainweb" / "t1_1mm_pn3_rf20.nii.gz"
    maps = [values(scan.with_name(f"truth_2mm_{t.abbreviation.lower()}_fraction.nii.gz")) for t in Tissue]
    total = np.sum(maps, 0)
    truth = ((np.argmax(maps, 0) + 1) * (total > 0.5)).astype(np.uint8)
    fine = truth > 0
    for axis in range(3):
        fine = fine.repeat(2, axis)
    brain = fine[tuple(slice(0, n) for n in values(scan).shape)]  # an odd axis is one longer twice
    yield Case("BrainWeb", "BrainWeb", scan, saved(brain, scan, scratch), truth, every=2)


def ibsr(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for scan in sorted((data / "ibsr").glob("IBSR_??.nii.gz")):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace(".nii", "_seg.nii"))).astype(int)]
        yield Case("IBSR", scan.name[:7], scan, saved(values(scan) > 0, scan, scratch), truth)


def slabs(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for scan in sorted((data / "slabs").glob("slab_*_t1.nii.gz")):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace("_t1", "_labels"))).astype(int)]
        yield Case(
            "children, slabs", scan.name.removesuffix("_t1.nii.gz"), scan, saved(truth > 0, scan, scratch), truth
        )


def heads(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for seed, (head, contrast, noise, bias, slices) in enumerate(HEADS):
        command = [sys.executable, simulator, data / "heads" / f"{head}.nii.gz", scratch / head]
        command += ["--contrast", contrast.setting, "--noise", noise, "--bias", bias, "--seed", seed]
        command += ["--spacing", 1, 1, slices]
        subprocess.run([str(word) for word in command], check=True)
        scan, brain, truth = (scratch / f"{head}_{kind}.nii.gz" for kind in ("scan", "mask", "truth"))
        kind = f"heads, {contrast.suffix}, noise {noise} %, bias {bias} %, slices {slices} mm"
        yield Case(kind, kind.replace("heads", head), scan, brain, values(truth), contrast)


def saved(brain: np.ndarray, scan: Path, scratch: Path) -> Path:
    """Write a mask on the grid of a scan."""
    path = scratch / "brain.nii.gz"
    nibabel.nifti1.Nifti1Image(brain.astype(np.uint8), nibabel.nifti1.load(scan).affine).to_filename(path)
    return path


GROUPS = {"brainweb": brainweb, "ibsr": ibsr, "slabs": slabs, "heads": heads}


if __name__ == "__main__":
    main()
