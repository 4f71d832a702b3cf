"""Dice of the brain mask in single slices, by plane and contrast, and CPU milliseconds for each slice.

The slices: simulated heads in four contrasts (truth: the cranial cavity); slabs of children and pictures made from
them (automatic labels); BrainWeb (voxels more than half tissue); Colin27 (stripped by hand); a scan of multiple
sclerosis with its brain mask. They are taken from the central 60 % of the brain. Two of the heads and three of the
slabs were set apart at first, but their figures were looked at as well when the last constants were chosen; they have
a table of their own.

    python benchmarks/brain_slices.py [--data ../shared/data] [--simulator ../shared/tools/simulate_head.py]

Needs the data folder and the simulator. Takes 4 minutes, most of it for the simulation.
"""

import argparse
import importlib.util
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import scipy
from table import DATA, print_table

import mriseg
from mriseg.brain.extraction import extract
from mriseg.core.errors import BrainNotFoundError

PLANES = ("sagittal", "coronal", "axial")
SHARES = (0.2, 0.35, 0.5, 0.65, 0.8)  # of the brain's length along the axis across
SLAB_SLICES = (6, 8, 10, 11)  # of 18; the outermost hold rests of interpolation
NOISE_AND_BIAS = {"t1": (3, 20), "t2": (5, 40), "pd": (7, 30), "flair": (4, 40)}  # percent
SET_APART = {"head_05", "head_13", "slab_13", "slab_30", "slab_55", "jlf13", "jlf30"}  # jlf: the slabs as pictures
UNSCORED = 255


@dataclass(frozen=True, eq=False)
class Slice:
    """A slice as a picture, upright, with the truth (1 inside, 0 outside, 255 not scored).

    `kind` is what it is counted with, `source` the head that it comes from.
    """

    kind: str
    source: str
    plane: str
    contrast: str
    image: np.ndarray
    truth: np.ndarray
    spacing: tuple[float, ...] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--simulator", type=Path)
    options = parser.parse_args()
    simulate = simulator(options.simulator or options.data.parent / "tools" / "simulate_head.py")
    cases = [*simulated(options.data, simulate), *slabs(options.data), *real(options.data), *pictures(options.data)]
    figures = [judge(case) for case in cases]
    for title, set_apart in (("Developed on", False), ("Set apart", True)):
        rows: dict[tuple[str, str, str], list[tuple[float, ...]]] = defaultdict(list)
        for group in (lambda case: (case.kind, case.plane, case.contrast), lambda case: ("all", case.plane, "all")):
            for case, figure in zip(cases, figures, strict=True):
                if (case.source in SET_APART) == set_apart:
                    rows[group(case)].append(figure)
        head = ("slices", "plane", "contrast", "n", "Dice", "worst", "recall", "precision", "CPU ms")
        print(f"{title}:\n")
        print_table(head, [(*row, *summary(np.array(found))) for row, found in rows.items()])
        print()


def judge(case: Slice) -> tuple[float, ...]:
    """Dice, recall and precision of the mask that is found, and CPU milliseconds."""
    start = time.process_time()
    try:
        found = extract(case.image, case.spacing).mask
    except BrainNotFoundError:
        found = np.zeros(case.image.shape, bool)
    milliseconds = 1000 * (time.process_time() - start)
    mask, truth = found[case.truth != UNSCORED], case.truth[case.truth != UNSCORED] == 1
    common = (mask & truth).sum()
    return (
        2 * common / (mask.sum() + truth.sum()),
        common / truth.sum(),
        common / max(1, mask.sum()),
        milliseconds,
    )


def summary(figures: np.ndarray) -> tuple[str, ...]:
    """Number, mean and worst Dice, mean recall and precision, and the median time."""
    dice, recall, precision, milliseconds = figures.T
    numbers = (dice.mean(), dice.min(), recall.mean(), precision.mean())
    return (str(len(dice)), *(f"{number:.3f}" for number in numbers), f"{np.median(milliseconds):.0f}")


def simulator(path: Path) -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    specification = importlib.util.spec_from_file_location("simulate_head", path)
    if specification is None or specification.loader is None:
        raise SystemExit(f"There is no simulator at {path}. Give it with --simulator.")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.simulate


def simulated(data: Path, simulate: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Iterator[Slice]:
    for path in sorted((data / "heads").glob("head_*.nii.gz")):
        labels, spacing = canonical(path)
        for seed, (contrast, (noise, bias)) in enumerate(NOISE_AND_BIAS.items()):
            scan, _, cavity = simulate(labels.astype(np.int16), contrast, noise, bias, seed)
            yield from slices("simulated", path.name.removesuffix(".nii.gz"), contrast, scan, cavity, spacing)


def slabs(data: Path) -> Iterator[Slice]:
    for path in sorted((data / "slabs").glob("slab_*_t1.nii.gz")):
        scan, spacing = canonical(path)
        labels, _ = canonical(path.with_name(path.name.replace("_t1", "_labels")))
        for index in SLAB_SLICES:
            truth = upright(scipy.ndimage.binary_fill_holes(labels[:, :, index] > 0).astype(np.uint8))
            source = path.name.removesuffix("_t1.nii.gz")
            yield Slice("slab", source, "axial", "t1", upright(scan[:, :, index]), truth, spacing[1::-1])


def real(data: Path) -> Iterator[Slice]:
    scan, spacing = canonical(data / "brainweb" / "t1_1mm_pn3_rf20.nii.gz")
    maps = [canonical(data / "brainweb" / f"truth_2mm_{kind}_fraction.nii.gz")[0] for kind in ("csf", "gm", "wm")]
    tissue = np.sum(maps, 0)
    nearest = [np.minimum((np.arange(n) + 1) // 2, m - 1) for n, m in zip(scan.shape, tissue.shape, strict=True)]
    yield from slices("BrainWeb", "brainweb", "t1", scan, tissue[np.ix_(*nearest)] > 0.5, spacing)

    scan, spacing = canonical(data / "colin27" / "ch2.nii.gz")
    pieces, _ = scipy.ndimage.label(scipy.ndimage.binary_opening(canonical(data / "colin27" / "ch2bet.nii.gz")[0] > 0))
    brain = scipy.ndimage.binary_fill_holes(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
    yield from slices("Colin27", "colin27", "t1", scan, brain, spacing)

    for kind in ("T1W", "T2W"):
        scan, spacing = canonical(data / "clinical" / f"ms12_{kind}.nii.gz")
        brain = canonical(data / "clinical" / f"ms12_{kind}_brainmask.nii.gz")[0] > 0
        yield from slices("MS", "ms12", kind[:2].lower(), scan, brain, spacing)


def pictures(data: Path) -> Iterator[Slice]:
    for path in sorted((data / "slices").glob("jlf*_t1_*")):
        image = mriseg.read(path).data
        truth = mriseg.read(path.with_name(path.name[:5] + "_labels_csf1_gm2_wm3.png")).data > 0
        times = max(1, image.shape[0] // truth.shape[0] if "3x" in path.name else 1)
        truth = truth.repeat(times, 0).repeat(times, 1)
        border = (image.shape[0] - truth.shape[0]) // 2
        yield Slice("picture", path.name[:5], "axial", "t1", image, np.pad(truth.astype(np.uint8), border), None)


def slices(
    kind: str, source: str, contrast: str, scan: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]
) -> Iterator[Slice]:
    """Slices of a volume in canonical axes in all planes; every other sagittal one looks to the left."""
    for axis, plane in enumerate(PLANES):
        filled = np.flatnonzero((truth == 1).any(tuple(other for other in range(3) if other != axis)))
        sides = tuple(side for other, side in enumerate(spacing) if other != axis)[::-1]
        for number, share in enumerate(SHARES):
            index = round(filled[0] + share * (filled[-1] - filled[0]))
            image, mask = (upright(volume.take(index, axis)) for volume in (scan, truth.astype(np.uint8)))
            if plane == "sagittal" and number % 2:
                image, mask = image[:, ::-1], mask[:, ::-1]
            yield Slice(kind, source, plane, contrast, np.ascontiguousarray(image), mask, sides)


def upright(section: np.ndarray) -> np.ndarray:
    """A section in canonical axes as a picture, whose rows run down."""
    return section.T[::-1]


def canonical(path: Path) -> tuple[np.ndarray, tuple[float, ...]]:
    """Values and voxel sides (mm) in axes to the right, anterior and superior."""
    image = nibabel.funcs.as_closest_canonical(nibabel.load(path))
    values = np.squeeze(np.asarray(image.dataobj, np.float32))
    return values, tuple(float(side) for side in image.header.get_zooms()[:3])


if __name__ == "__main__":
    main()
