"""Dice of gray matter, white matter and fluid, CPU seconds and peak memory, beside the peers that pip installs.

Each method segments the same scan in a process of its own whose whole cost is counted: start, imports, reading,
segmenting. Those with the brain given get the same mask. Of our own methods also how far the curves miss the bars of
the histogram, what chance would, how far three plain Gaussians miss the same bars, the share of the known volumes that
lie in their intervals of 95 %, and their half width. The scans: BrainWeb's (truth by its fractions at 2 mm); IBSR's
(manual; fluid in sulci is labeled gray matter, so judge white matter first); slabs of children (automatic); simulated
heads in four contrasts with exact truth. Those that nothing may be tuned by, or with `--split tuning` the others, see
`split.py`.

    python benchmarks/tissues.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--split tuning|test] [--groups brainweb ibsr slabs heads] [--methods NAME ...] [--docs]

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
from split import FIRST_TEST_SEED, Split, belonging
from table import DATA, ROOT, print_table, run_measured, table_text

from mriseg.core.tissue import Contrast, Tissue
from mriseg.evaluation.agreement import dice
from mriseg.mixture.estimator import HistogramGaussianMixture
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.tissue_densities import BARS, misfit

# Label map, contrast, percent noise, percent bias, mm between slices; the seeds count up from `FIRST_SEEDS`.
HEADS = {
    Split.TUNING: (
        ("head_01", Contrast.T1, 5, 40, 1),
        ("head_05", Contrast.T1, 9, 60, 1),
        ("head_13", Contrast.T1, 3, 20, 5),
        ("head_13", Contrast.T1, 3, 20, 1),
        ("head_05", Contrast.T2, 5, 40, 1),
        ("head_13", Contrast.T2, 5, 40, 1),
        ("head_01", Contrast.T2, 3, 20, 5),
        ("head_01", Contrast.PD, 3, 20, 1),
        ("head_13", Contrast.PD, 5, 40, 1),
        ("head_05", Contrast.FLAIR, 5, 40, 1),
    ),
    Split.TEST: (
        ("head_03", Contrast.T1, 5, 40, 1),
        ("head_09", Contrast.T1, 9, 60, 1),
        ("head_17", Contrast.T1, 9, 60, 1),
        ("head_03", Contrast.T1, 3, 20, 5),
        ("head_17", Contrast.T1, 3, 20, 5),
        ("head_09", Contrast.T1, 3, 20, 1),
        ("head_03", Contrast.T2, 5, 40, 1),
        ("head_17", Contrast.T2, 5, 40, 1),
        ("head_09", Contrast.T2, 3, 20, 5),
        ("head_09", Contrast.PD, 3, 20, 1),
        ("head_17", Contrast.PD, 3, 20, 1),
        ("head_03", Contrast.PD, 5, 40, 1),
        ("head_09", Contrast.FLAIR, 5, 40, 1),
        ("head_17", Contrast.FLAIR, 5, 40, 1),
    ),
}
FIRST_SEEDS = {Split.TUNING: 1, Split.TEST: FIRST_TEST_SEED + 1}
# Tissues whose volume the truth of a kind knows, where not all: IBSR calls the fluid in sulci gray matter, and the
# fluid of the slabs is what another program made of their T1.
KNOWN_VOLUMES = {"IBSR": (Tissue.WM,), "children, slabs": (Tissue.GM, Tissue.WM)}
# IBSR and the slabs number fluid, gray matter, white matter, deep gray matter.
FROM_FLUID_FIRST = np.array([0, *(t.number for t in (Tissue.CSF, Tissue.GM, Tissue.WM, Tissue.GM))], np.uint8)
UNSCORED = 255
MM3_PER_ML = 1000
COLUMNS = {
    **{tissue.abbreviation: "{:.4f}" for tissue in Tissue},
    "CPU s": "{:.1f}",
    "peak MB": "{:.0f}",
    "misfit": "{:.3f}",
    "by chance": "{:.3f}",
    "of a plain mixture": "{:.3f}",
    "intervals hold": "{:.0%}",
    "half width, GM and WM": "{:.1%}",
}
COSTS = slice(3, 5)
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
    parser.add_argument("--split", type=Split, default=Split.TEST, help="tuning or test")
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
            for case in GROUPS[group](options.data, simulator, Path(scratch), options.split):
                for method in options.methods:
                    figures = judge(case, method, Path(scratch))
                    found.setdefault(case.kind, {}).setdefault(method, []).append(figures)
                    rows.append((case.title, method, *printed(figures)))
                    print(*rows[-1], file=sys.stderr, flush=True)
    for kind, methods in found.items():
        average = {method: np.mean(measured, 0) for method, measured in methods.items()}
        for method, measured in methods.items():
            ratio = [f"{r:.1f}" for r in average[method][COSTS] / next(iter(average.values()))[COSTS]]
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
    """What the columns say of a method on a scan, NaN for what it does not say."""
    script, out = Path(__file__).with_name("methods.py"), scratch / "arrays.npz"
    cost = run_measured(str(script), method, str(case.scan), str(case.brain), case.contrast.name, str(out))
    arrays = dict(np.load(out))
    labels = arrays["labels"][(slice(None, None, case.every),) * 3]
    common = tuple(slice(0, min(sizes)) for sizes in zip(labels.shape, case.truth.shape, strict=True))
    scored = case.truth[common] != UNSCORED
    overlap = dice(labels[common][scored], case.truth[common][scored])
    fit, within = (np.nan,) * 3, (np.nan,) * 2
    if "fit" in arrays:
        fit = (*arrays["fit"], plain_misfit(Histogram(arrays["levels"], arrays["counts"])))
        within = judge_intervals(case, arrays, labels[common], case.truth[common])
    return (*(overlap[tissue] for tissue in Tissue), *cost, *fit, *within)


def plain_misfit(histogram: Histogram) -> float:
    """Misfit of three plain Gaussians, fitted to the bars that a misfit is measured on."""
    bars = histogram.rebin(BARS)
    column = bars.levels[:, None]
    plain = HistogramGaussianMixture(len(Tissue)).fit(column, sample_weight=bars.counts)
    return misfit(bars, np.exp(plain.score_samples(column)))[0]


def judge_intervals(
    case: Case, arrays: dict[str, np.ndarray], labels: np.ndarray, truth: np.ndarray
) -> tuple[float, float]:
    """Share of the known volumes that lie in their intervals; mean half width of gray and white matter."""
    voxel_ml = np.prod(nibabel.nifti1.load(case.scan).header.get_zooms()[:3]) * case.every**3 / MM3_PER_ML
    scored, volumes, intervals = truth != UNSCORED, arrays["volumes"], arrays["intervals"]
    held = []
    for tissue in KNOWN_VOLUMES.get(case.kind, Tissue):
        k = list(Tissue).index(tissue)
        of_tissue = labels == tissue.number
        covered = np.count_nonzero(of_tissue & scored) / max(1, np.count_nonzero(of_tissue))
        low, high = intervals[k] * covered
        held.append(low <= np.count_nonzero(truth == tissue.number) * voxel_ml <= high)
    half = (intervals[:, 1] - intervals[:, 0]) / 2 / volumes
    return float(np.mean(held)), float(half[:2].mean())


def printed(figures: Sequence[float]) -> list[str]:
    """Each with the places that it deserves; nothing for what is not known."""
    forms = COLUMNS.values()
    return ["" if np.isnan(figure) else form.format(figure) for form, figure in zip(forms, figures, strict=True)]


def brainweb(data: Path, simulator: Path, scratch: Path, split: Split = Split.TEST) -> Iterator[Case]:
    for scan in belonging((data / "brainweb").glob("t1_*.nii.gz"), split):
        truth, brain = brainweb_truth(scan)
        yield Case("BrainWeb", "BrainWeb", scan, saved(brain, scan, scratch), truth, every=2)


def brainweb_truth(scan: Path) -> tuple[np.ndarray, np.ndarray]:
    """What every other voxel is most, and the brain on the scan's grid."""
    maps = [values(scan.with_name(f"truth_2mm_{t.abbreviation.lower()}_fraction.nii.gz")) for t in Tissue]
    total = np.sum(maps, 0)
    truth = ((np.argmax(maps, 0) + 1) * (total > 0.5)).astype(np.uint8)
    fine = truth > 0
    for axis in range(3):
        fine = fine.repeat(2, axis)
    return truth, fine[tuple(slice(0, n) for n in values(scan).shape)]  # an odd axis is one longer twice


def ibsr(data: Path, simulator: Path, scratch: Path, split: Split = Split.TEST) -> Iterator[Case]:
    for scan in belonging((data / "ibsr").glob("IBSR_??.nii.gz"), split):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace(".nii", "_seg.nii"))).astype(int)]
        yield Case("IBSR", scan.name[:7], scan, saved(values(scan) > 0, scan, scratch), truth)


def slabs(data: Path, simulator: Path, scratch: Path, split: Split = Split.TEST) -> Iterator[Case]:
    for scan in belonging((data / "slabs").glob("slab_*_t1.nii.gz"), split):
        truth = FROM_FLUID_FIRST[values(scan.with_name(scan.name.replace("_t1", "_labels"))).astype(int)]
        yield Case(
            "children, slabs", scan.name.removesuffix("_t1.nii.gz"), scan, saved(truth > 0, scan, scratch), truth
        )


def heads(data: Path, simulator: Path, scratch: Path, split: Split = Split.TEST) -> Iterator[Case]:
    for seed, (head, contrast, noise, bias, slices) in enumerate(HEADS[split], FIRST_SEEDS[split]):
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
