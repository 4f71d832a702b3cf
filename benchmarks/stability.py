"""How far the labels of one scan move when only the scan's making changes.

One simulated head, segmented as it is and again with more noise, more bias, other units, axes flipped
and permuted, a coarser grid, and on a second run: Dice of each tissue against the first segmentation, and against the
truth where it is known on the same grid.

    python benchmarks/stability.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]
        [--head head_01]

Needs the data folder and the simulator. Takes 2 minutes.
"""

import argparse
import importlib.util
from pathlib import Path

import nibabel
import numpy as np
from table import DATA, print_table

import mriseg
from mriseg.core.scan import Scan, volume
from mriseg.core.tissue import Tissue
from mriseg.evaluation.agreement import dice

NOISE, BIAS, SEED = 3, 20, 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    parser.add_argument("--head", default="head_01")
    options = parser.parse_args()
    path = options.simulator or options.data.parent / "tools" / "simulate_head.py"
    spec = importlib.util.spec_from_file_location("simulator", path)
    assert spec is not None
    assert spec.loader is not None
    simulator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(simulator)
    image = nibabel.funcs.as_closest_canonical(nibabel.nifti1.load(options.data / "heads" / f"{options.head}.nii.gz"))
    anatomy = np.asanyarray(image.dataobj).astype(np.int16)
    data, truth, _ = simulator.simulate(anatomy, "t1", NOISE, BIAS, SEED)
    scan = volume(data.astype(np.float32), image.affine)
    first = mriseg.segment(scan).labels
    rows: list[tuple[object, ...]] = [row("as it is", first, first, truth)]

    def again(title: str, other: Scan, back=lambda labels: labels, target=first) -> None:
        rows.append(row(title, back(mriseg.segment(other).labels), target, truth if target is first else None))

    again("a second time", scan)
    again("times 1000", volume(data * np.float32(1000), image.affine))
    for noise, bias in ((5, 20), (9, 20), (3, 40), (3, 60), (9, 60)):
        other, _, _ = simulator.simulate(anatomy, "t1", noise, bias, SEED)
        again(f"noise {noise} %, bias {bias} %", volume(other.astype(np.float32), image.affine))
    for title, order, flips in (
        ("left for right", (0, 1, 2), (0,)),
        ("upside down, back to front", (0, 1, 2), (1, 2)),
        ("axes permuted", (2, 0, 1), ()),
    ):
        turned = np.flip(data, flips).transpose(order)
        matrix = np.eye(4)
        for axis in flips:
            matrix[axis] *= -1
            matrix[axis, 3] = data.shape[axis] - 1
        permuted = np.eye(4)
        permuted[:3, :3] = np.eye(3)[:, order]
        affine = image.affine @ matrix @ permuted

        def back(labels, order=order, flips=flips):
            return np.flip(labels.transpose(np.argsort(order)), flips)

        again(f"{title}, the affine saying so", volume(turned.astype(np.float32), affine), back)
    for step in ((2, 2, 2), (1, 1, 3)):  # against what is most in each block
        ends = [n // s * s for n, s in zip(data.shape, step, strict=True)]
        blocks = data[: ends[0], : ends[1], : ends[2]]
        shape = [x for n, s in zip(ends, step, strict=True) for x in (n // s, s)]
        coarse = blocks.reshape(shape).mean((1, 3, 5)).astype(np.float32)
        covered = first[: ends[0], : ends[1], : ends[2]]
        shares = [(covered == number).reshape(shape).mean((1, 3, 5)) for number in range(len(Tissue) + 1)]
        most = np.argmax(shares, 0).astype(np.uint8)
        again(f"voxels of {step} mm", volume(coarse, image.affine @ np.diag([*step, 1])), target=most)
    columns = [f"{of} {tissue.abbreviation}" for of in ("first", "truth") for tissue in Tissue]
    print_table(("T1 of " + options.head, "labels that differ", *columns), rows)


def row(title: str, labels: np.ndarray, first: np.ndarray, truth: np.ndarray | None) -> tuple[object, ...]:
    """Dice against the first segmentation and, where it lies on the same grid, the truth."""
    to_first = dice(labels, first)
    cells = [f"{to_first[tissue]:.4f}" for tissue in Tissue]
    if truth is not None:
        scored = truth != 255
        to_truth = dice(labels[scored], truth[scored])
        cells += [f"{to_truth[tissue]:.4f}" for tissue in Tissue]
    else:
        cells += [""] * len(Tissue)
    return (title, int((labels != first).sum()), *cells)


if __name__ == "__main__":
    main()
