"""Dice of gray matter, white matter and fluid, CPU seconds and peak memory, beside a plain Gaussian mixture.

Each method segments the same scan in a process of its own whose whole cost is counted: start, imports, reading,
segmenting. Those with the brain given get the same mask. The scans: BrainWeb's (truth by its fractions at 2 mm);
IBSR's (manual; fluid in sulci is labelled gray matter, so judge white matter first); slabs of children (automatic);
simulated heads in four contrasts with exact truth.

    python benchmarks/tissues.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--groups brainweb ibsr slabs heads] [--methods NAME ...]

Needs the data folder, and for the heads the simulator. Takes 8 minutes. More methods go into `methods.py`.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from methods import METHODS, values
from table import DATA, print_table, run_measured

from mriseg.compare import dice
from mriseg.tissue import Contrast, Tissue

# Label map, contrast, percent noise, percent bias, mm between slices.
HEADS = (
    ("head_01", Contrast.T1, 9, 60, 1),
    ("head_03", Contrast.T1, 7, 40, 1),
    ("head_05", Contrast.T2, 5, 40, 1),
    ("head_17", Contrast.T2, 3, 20, 5),
    ("head_09", Contrast.PD, 3, 30, 1),
    ("head_13", Contrast.FLAIR, 5, 30, 1),
)
# IBSR and the slabs number fluid, gray matter, white matter, deep gray matter.
FROM_FLUID_FIRST = np.array([0, *(t.number for t in (Tissue.CSF, Tissue.GM, Tissue.WM, Tissue.GM))], np.uint8)
UNSCORED = 255
COLUMNS = (*(tissue.abbreviation for tissue in Tissue), "CPU s", "peak MB")
FORMATS = ("{:.4f}",) * 3 + ("{:.1f}", "{:.0f}")


@dataclass(frozen=True, eq=False)
class Case:
    """A scan with its brain (1 inside), and the truth on every so many of its voxels."""

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
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    rows: list[tuple[object, ...]] = []
    means: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for group in options.groups:
            found: dict[str, list[tuple[float, ...]]] = {method: [] for method in options.methods}
            for case in GROUPS[group](options.data, simulator, Path(scratch)):
                for method in options.methods:
                    figures = judge(case, method, Path(scratch))
                    found[method].append(figures)
                    rows.append((case.title, method, *printed(figures)))
            for method, measured in found.items():
                if measured:
                    means.append((group, len(measured), method, *printed(np.mean(measured, 0).tolist())))
    print_table(("scan", "method", *COLUMNS), rows)
    print()
    print_table(("mean of", "n", "method", *COLUMNS), means)


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
    yield Case("BrainWeb", scan, saved(brain, scan, scratch), truth, every=2)


def ibsr(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for scan in sorted((data / "ibsr").glob("IBSR_??.nii.gz")):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace(".nii", "_seg.nii"))).astype(int)]
        yield Case(scan.name[:7], scan, saved(values(scan) > 0, scan, scratch), truth)


def slabs(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for scan in sorted((data / "slabs").glob("slab_*_t1.nii.gz")):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace("_t1", "_labels"))).astype(int)]
        yield Case(scan.name.removesuffix("_t1.nii.gz"), scan, saved(truth > 0, scan, scratch), truth)


def heads(data: Path, simulator: Path, scratch: Path) -> Iterator[Case]:
    for seed, (head, contrast, noise, bias, slices) in enumerate(HEADS):
        command = [sys.executable, simulator, data / "heads" / f"{head}.nii.gz", scratch / head]
        command += ["--contrast", contrast.setting, "--noise", noise, "--bias", bias, "--seed", seed]
        command += ["--spacing", 1, 1, slices]
        subprocess.run([str(word) for word in command], check=True)
        scan, brain, truth = (scratch / f"{head}_{kind}.nii.gz" for kind in ("scan", "mask", "truth"))
        title = f"{head} {contrast.suffix}, noise {noise} %, bias {bias} %, slices {slices} mm"
        yield Case(title, scan, brain, values(truth), contrast)


def saved(brain: np.ndarray, scan: Path, scratch: Path) -> Path:
    """Write a mask on the grid of a scan."""
    path = scratch / "brain.nii.gz"
    nibabel.nifti1.Nifti1Image(brain.astype(np.uint8), nibabel.nifti1.load(scan).affine).to_filename(path)
    return path


GROUPS = {"brainweb": brainweb, "ibsr": ibsr, "slabs": slabs, "heads": heads}


if __name__ == "__main__":
    main()
