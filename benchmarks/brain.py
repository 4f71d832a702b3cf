"""Dice, recall and precision of the brain mask in volumes of whole heads, CPU seconds and peak memory, beside peers.

Each method masks the same scan in a process of its own whose whole cost is counted: start, imports, reading, masking.
The scans: simulated heads in four contrasts at 5 % noise and 40 % bias, and with thick slices (truth: the cranial
cavity, exact); BrainWeb (voxels more than half tissue or fluid); Colin27 (stripped by hand, tight); a scan of multiple
sclerosis with its brain masks. Two heads and BrainWeb were set apart at first, but their figures were looked at as
well when the last constants were chosen; they are marked.

    python benchmarks/brain.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--methods NAME ...] [--heads NAME ...]

Needs the data folder, the simulator and, for the peers, requirements-dev.txt. Takes half an hour, most of it theirs.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import scipy
from brain_methods import METHODS
from table import DATA, print_table, run_measured

HEADS = ("head_01", "head_03", "head_05", "head_09", "head_13", "head_17")
SET_APART = ("head_09", "head_13", "BrainWeb")
# Contrast, percent noise, percent bias, mm between slices.
SIMULATED = (
    ("t1", 5, 40, 1),
    ("t2", 5, 40, 1),
    ("pd", 5, 40, 1),
    ("flair", 5, 40, 1),
    ("t1", 4, 30, 5),
    ("t2", 4, 30, 4),
)
UNSCORED = 255
COLUMNS = ("Dice", "recall", "precision", "CPU s", "peak MB")
FORMATS = ("{:.3f}", "{:.3f}", "{:.3f}", "{:.1f}", "{:.0f}")


@dataclass(frozen=True, eq=False)
class Case:
    """A scan and its brain: 1 inside, 0 outside, 255 not scored."""

    title: str
    contrast: str
    scan: Path
    truth: np.ndarray
    set_apart: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--heads", nargs="*", choices=HEADS, default=list(HEADS))
    options = parser.parse_args()
    simulator = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    rows: list[tuple[object, ...]] = []
    groups: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases(options.data, simulator, options.heads, Path(scratch)):
            for method in options.methods:
                figures = judge(case, method, Path(scratch))
                rows.append((f"{case.title}{' *' * case.set_apart}", method, *printed(figures)))
                print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
                names = [case.contrast, "all", *(["set apart"] if case.set_apart else [])]
                for name in names:
                    groups.setdefault((name, method), []).append(figures)
    print_table(("scan (* set apart)", "method", *COLUMNS), rows)
    print()
    means = [
        (group, method, len(found), *printed(np.mean(found, 0)), f"{min(figures[0] for figures in found):.3f}")
        for (group, method), found in sorted(groups.items())
    ]
    print_table(("mean of", "method", "n", *COLUMNS, "worst Dice"), means)


def judge(case: Case, method: str, scratch: Path) -> tuple[float, ...]:
    """Dice, recall and precision of a method on a scan, CPU seconds and peak MB; zeros where it fails."""
    script, out = Path(__file__).with_name("brain_methods.py"), scratch / "mask.npy"
    try:
        cost = run_measured(str(script), method, str(case.scan), str(out))
    except subprocess.CalledProcessError:
        return (0.0,) * 3 + (np.nan,) * 2
    scored = case.truth != UNSCORED
    mask, truth = np.load(out)[scored], case.truth[scored] == 1
    common = (mask & truth).sum()
    return 2 * common / (mask.sum() + truth.sum()), common / truth.sum(), common / max(1, mask.sum()), *cost


def printed(figures: tuple[float, ...]) -> list[str]:
    return [form.format(figure) for form, figure in zip(FORMATS, figures, strict=True)]


def cases(data: Path, simulator: Path, heads: list[str], scratch: Path) -> Iterator[Case]:
    yield from real(data)
    for head in heads:
        for contrast, noise, bias, slices in SIMULATED:
            prefix = scratch / f"{head}_{contrast}_{slices}"
            command = [sys.executable, simulator, data / "heads" / f"{head}.nii.gz", prefix, "--contrast", contrast]
            command += ["--noise", noise, "--bias", bias, "--seed", int(head[-2:]), "--spacing", 1, 1, slices]
            subprocess.run([str(word) for word in command], check=True)
            title = f"{head} {contrast}, slices {slices} mm"
            scan, truth = Path(f"{prefix}_scan.nii.gz"), values(Path(f"{prefix}_mask.nii.gz"))
            yield Case(title, contrast, scan, truth, head in SET_APART)
            scan.unlink()


def real(data: Path) -> Iterator[Case]:
    scan = data / "brainweb" / "t1_1mm_pn3_rf20.nii.gz"
    tissue = np.sum([values(scan.with_name(f"truth_2mm_{kind}_fraction.nii.gz")) for kind in ("csf", "gm", "wm")], 0)
    brain = (tissue > 0.5).astype(np.uint8)
    # The truth lies on every other voxel; those between are not scored.
    truth = np.full(values(scan).shape, UNSCORED, np.uint8)
    truth[::2, ::2, ::2] = brain[tuple(slice(0, (n + 1) // 2) for n in truth.shape)]
    yield Case("BrainWeb t1", "t1", scan, truth, True)
    mask = scipy.ndimage.binary_opening(values(data / "colin27" / "ch2bet.nii.gz") > 0)
    pieces, _ = scipy.ndimage.label(mask)
    largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    brain = scipy.ndimage.binary_fill_holes(largest).astype(np.uint8)
    yield Case("Colin27 t1", "t1", data / "colin27" / "ch2.nii.gz", brain, False)
    for kind in ("T1W", "T2W"):
        scan = data / "clinical" / f"ms12_{kind}.nii.gz"
        brain = (values(scan.with_name(f"ms12_{kind}_brainmask.nii.gz")) > 0).astype(np.uint8)
        yield Case(f"MS {kind[:2].lower()}, slices 3 mm", kind[:2].lower(), scan, brain, False)


def values(path: Path) -> np.ndarray:
    return np.squeeze(np.asanyarray(nibabel.nifti1.load(path).dataobj))


if __name__ == "__main__":
    main()
