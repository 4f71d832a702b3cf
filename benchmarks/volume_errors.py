"""How far the volumes of scans with a known truth are off, and what the engine knew of each scan.

One row a scan: its kind and subject, what it is for (`split.py`), contrast, sides of a voxel, figures of quality, and
the volume of each tissue as it was measured and as it is. The brain is searched, as it is for users, so that the errors
of the mask count. The scans: simulated heads in four contrasts, thin and thick, with little and much noise and shading;
BrainWeb; IBSR; slabs of children, and slices of such as pictures; and heads scanned in several contrasts, whose T2 and
FLAIR are held against their T1.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import skimage.io
from methods import values
from naming import simulator_tool
from split import FIRST_TEST_SEED, Split, belonging
from tissues import FROM_FLUID_FIRST, KNOWN_VOLUMES, UNSCORED, brainweb_truth

import mriseg
from mriseg.core.scan import Scan, volume
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.morphology import bounding_box

# Percent of noise and of shading of the simulated scans of each contrast, each of the next head.
MADE = {
    Contrast.T1: ((1, 20), (3, 20), (3, 40), (5, 40), (5, 60), (7, 40), (9, 60), (9, 40)),
    Contrast.T2: ((3, 20), (5, 40), (3, 40), (9, 60), (5, 20)),
    Contrast.PD: ((3, 20), (5, 40), (7, 40), (3, 40)),
    Contrast.FLAIR: ((5, 40), (3, 20), (7, 60), (5, 20)),
}
AIR_VOXELS = 15  # around a head: enough to see the noise in, and cheaper than all that the label maps have
THICK_MM = (5, 3, 5, 2)  # each is also averaged into slices of the next of these


@dataclass(frozen=True)
class Job:
    """A scan to be segmented: how to make it, and its truth (a label map on its grid; None: that of its T1)."""

    kind: str
    subject: str
    title: str
    split: Split
    contrast: Contrast
    make: Callable[[], tuple[Scan, np.ndarray | None]]
    every: int = 1
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True)
class Error:
    """A scan whose volumes are known, and what was measured on it.

    Attributes
    ----------
    kind, subject, title : str
        Where it comes from.
    split : str
        Value of a `Split`.
    contrast : str
        Name of the `Contrast` that it has; the engine may think otherwise.
    spacing : list of float
        Sides of a voxel, mm; empty for a picture.
    quality : dict of str to float
        Of the result, with `contrast_confidence` and `mask_confidence`.
    named : str
        Name of the `Contrast` that the engine took it for.
    measured, true : dict of str to float
        In mL by a tissue's abbreviation, where the truth is known.
    """

    kind: str
    subject: str
    title: str
    split: str
    contrast: str
    spacing: list[float]
    quality: dict[str, float]
    named: str
    measured: dict[str, float]
    true: dict[str, float]


def errors(data: Path, simulator: Path, table: Path, kinds: Sequence[str]) -> list[Error]:
    """The rows of a table (a JSON object a line); scans that it lacks are segmented, told and added to it."""
    rows = [Error(**json.loads(line)) for line in table.read_text().splitlines()] if table.exists() else []
    done = {row.title: row for row in rows}
    for kind in kinds:
        for job in KINDS[kind](data, simulator):
            if job.title in done:
                continue
            scan, truth = job.make()
            result = mriseg.segment(scan, job.settings)
            print(job.title, file=sys.stderr, flush=True)
            measured, true = compared(job, result, truth)
            confidences = {
                "contrast_confidence": result.contrast_confidence,
                "mask_confidence": result.brain.confidence,
            }
            row = Error(
                job.kind,
                job.subject,
                job.title,
                job.split.value,
                job.contrast.name,
                spacing=[float(side) for side in scan.spacing or ()],
                quality={**result.quality, **confidences},
                named=result.contrast.name,
                measured=measured,
                true=true,
            )
            done[job.title] = row
            with table.open("a") as lines:
                lines.write(json.dumps(asdict(row)) + "\n")
    return list(done.values())


def compared(job: Job, result: mriseg.Result, truth: np.ndarray | None) -> tuple[dict[str, float], dict[str, float]]:
    """Volumes in mL as measured and as they are, of what the truth knows."""
    assert result.volumes_ml is not None
    if truth is None:
        return {tissue.abbreviation: ml for tissue, ml in result.volumes_ml.items()}, {}
    every = (slice(None, None, job.every),) * truth.ndim
    fractions = result.partial_volumes[every]
    common = tuple(slice(0, min(sizes)) for sizes in zip(fractions.shape[:-1], truth.shape, strict=True))
    scored = truth[common] != UNSCORED
    voxel_ml = job.every**truth.ndim * result.brain_ml / result.mask.sum()
    measured, true = {}, {}
    for channel, tissue in enumerate(Tissue):
        if tissue in KNOWN_VOLUMES.get(job.kind, Tissue):
            measured[tissue.abbreviation] = fractions[common][scored][:, channel].sum(dtype=float) * voxel_ml
            true[tissue.abbreviation] = np.count_nonzero(truth[common][scored] == tissue.number) * voxel_ml
    return measured, true


def heads(data: Path, simulator: Path) -> Iterator[Job]:
    """Simulated heads; for tuning, more of them."""
    tool = simulator_tool(simulator)
    for split, first_seed in ((Split.TUNING, 1), (Split.TEST, FIRST_TEST_SEED + 50)):
        paths = belonging((data / "heads").glob("head_??.nii.gz"), split)
        number = 0
        for contrast, made in MADE.items():
            for noise, bias in made[: None if split is Split.TUNING else -1]:
                path, thick = paths[number % len(paths)], THICK_MM[number % len(THICK_MM)]
                simulated = cache(partial(_simulated, tool, path, contrast, noise, bias, first_seed + number))
                for mm in (1, thick):
                    title = f"{path.name[:7]}, {contrast.name}, noise {noise} %, bias {bias} %, slices {mm} mm"
                    make = partial(_sliced, simulated, mm)
                    yield Job("heads", path.name[:7], title, split, contrast, make)
                number += 1


def _simulated(tool: Any, path: Path, contrast: Contrast, noise: float, bias: float, seed: int):
    """A simulated head of 1 mm, its truth and affine."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    labels = np.asanyarray(image.dataobj).astype(np.int16)
    box = bounding_box(labels > 0, margin=AIR_VOXELS)
    data, truth, _ = tool.simulate(labels[box], contrast.setting, noise, bias, seed)
    return data, truth, image.affine


def _sliced(simulated: Callable, mm: int) -> tuple[Scan, np.ndarray]:
    """The head in slices of so many mm, as the simulator averages them; of the truth the middle of each."""
    data, truth, affine = simulated()
    if mm > 1:
        n = data.shape[2] // mm * mm
        data = data[:, :, :n].reshape(*data.shape[:2], -1, mm).mean(-1)
        truth, affine = truth[:, :, mm // 2 : n : mm], affine @ np.diag([1.0, 1.0, mm, 1.0])
    return volume(data.astype(np.float32), affine), truth


def brainweb(data: Path, simulator: Path) -> Iterator[Job]:
    for split in Split:
        for path in belonging((data / "brainweb").glob("t1_*.nii.gz"), split):
            make = partial(_with_truth, path, lambda path: brainweb_truth(path)[0])
            yield Job("BrainWeb", "BrainWeb", "BrainWeb", split, Contrast.T1, make, every=2)


def ibsr(data: Path, simulator: Path) -> Iterator[Job]:
    yield from _labeled("IBSR", data / "ibsr", "IBSR_??.nii.gz", ".nii", "_seg.nii")


def slabs(data: Path, simulator: Path) -> Iterator[Job]:
    yield from _labeled("children, slabs", data / "slabs", "slab_*_t1.nii.gz", "_t1", "_labels")


def _labeled(kind: str, folder: Path, pattern: str, of_scan: str, of_truth: str) -> Iterator[Job]:
    """Scans with a label map beside each."""

    def truth(path: Path) -> np.ndarray:
        return FROM_FLUID_FIRST[values(path.with_name(path.name.replace(of_scan, of_truth))).astype(int)]

    for split in Split:
        for path in belonging(folder.glob(pattern), split):
            title = path.name.removesuffix(".nii.gz")
            yield Job(kind, title, title, split, Contrast.T1, partial(_with_truth, path, truth))


def _with_truth(path: Path, truth: Callable[[Path], np.ndarray | None]) -> tuple[Scan, np.ndarray | None]:
    """A scan of a file, and its truth."""
    return mriseg.read(path), truth(path)


def pictures(data: Path, simulator: Path) -> Iterator[Job]:
    """Axial slices of children as pictures of 8 bits."""

    def truth(path: Path) -> np.ndarray:
        labels = path.with_name(path.name.replace("_t1_axial_8bit", "_labels_csf1_gm2_wm3"))
        return FROM_FLUID_FIRST[skimage.io.imread(labels).astype(int)]

    for split in Split:
        for path in belonging((data / "slices").glob("jlf*_t1_axial_8bit.png"), split):
            make = partial(_with_truth, path, truth)
            sized = Settings(pixel_size=1.0)
            yield Job("pictures", path.stem, path.stem, split, Contrast.T1, make, settings=sized)


def several(data: Path, simulator: Path) -> Iterator[Job]:
    """Heads in several contrasts, of which the T1 is what the others are judged by."""
    for folder, pattern in (("clinical", "ms*.nii.gz"), ("consistency", "*")):
        paths = [path for path in (data / folder).glob(pattern) if "mask" not in path.name]
        for split in Split:
            for path in belonging(paths, split, lambda path: path.name.split("_")[0]):
                if path.suffix != ".gz":
                    continue  # a head of one contrast, which takes part in the order of the subjects only
                subject, suffix = path.name.removesuffix(".nii.gz").replace("_stripped", "").split("_")
                contrast = Contrast.FLAIR if suffix == "FLAIR" else Contrast[suffix[:2]]
                make = partial(_with_truth, path, lambda _: None)
                yield Job("several contrasts", subject, f"{subject}, {contrast.name}", split, contrast, make)


KINDS = {"heads": heads, "brainweb": brainweb, "ibsr": ibsr, "slabs": slabs, "pictures": pictures, "several": several}
