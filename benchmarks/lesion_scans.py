"""Scans of patients with their lesions, and of healthy heads, for `lesions.py`: which there are, and for what.

The rule of the choice, written before anything was tuned: of the patients, `glioma01` with its slices and `ms07` are
for tuning, and of the label maps heads 01, 03 and 05; for the rest `split.py` says it, so that of IBSR, the slabs and
the web pictures every other one is for tuning, and a kind of a single subject (BrainWeb, Colin27, healthy113, fs01) for
testing. Simulated lesions follow their heads.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lesion_simulation import CONTRASTS, head_labels, simulated_head, thick_slices
from methods import values
from split import Split, belonging

import mriseg
from mriseg.core.scan import Scan, picture, volume
from mriseg.core.tissue import Contrast
from mriseg.image.orientation import orient

TUNING_PATIENTS = ("glioma01", "glioma_slice_1_", "ms07")
TUNING_HEADS = ("head_01", "head_03", "head_05")
THICK = 5  # slices of 1 mm
SUFFIXES = (("T1w", Contrast.T1), ("T2w", Contrast.T2), ("FLAIR", Contrast.FLAIR))
HEIGHTS = (0.4, 0.55, 0.7)  # in the brain, of slices that are cut from a volume
NOISE_AND_BIAS = ((3, 20), (5, 40))  # percent


@dataclass(frozen=True, eq=False)
class Case:
    """A scan of known contrast, whose lesion is known too: empty where the head is healthy.

    Attributes
    ----------
    split : Split
    kind, title : str
    contrast : Contrast
    scan : Scan
    lesion : ndarray of bool, or None
        None where nobody knows.
    channels : tuple of Scan
    """

    split: Split
    kind: str
    title: str
    contrast: Contrast
    scan: Scan
    lesion: np.ndarray | None
    channels: tuple[Scan, ...] = ()


def patients(data: Path) -> Iterator[Case]:
    """Volumes of patients: each contrast alone, and T1 and FLAIR jointly."""
    lesions, clinical = data / "lesions", data / "clinical"
    subjects = {
        name: (lesions / f"{name}_T1wCE", lesions / f"{name}_FLAIR", lesions / f"{name}_labels")
        for name in ("glioma01", "glioma03", "glioma05")
    }
    subjects["ms07"] = (clinical / "ms07_stripped_T1", clinical / "ms07_stripped_FLAIR", lesions / "ms07_lesions")
    subjects["ms19"] = (lesions / "ms19_T1w", lesions / "ms19_FLAIR", lesions / "ms19_lesions")
    for name, paths in subjects.items():
        scan, further, truth = (path.with_name(f"{path.name}.nii.gz") for path in paths)
        t1, flair, lesion = mriseg.read(scan), mriseg.read(further), values(truth) > 0
        split = Split.TUNING if name in TUNING_PATIENTS else Split.TEST
        disease, agent = ("glioma", " with agent") if name.startswith("glioma") else ("MS", "")
        yield Case(split, f"{disease}, FLAIR", f"{name} FLAIR", Contrast.FLAIR, flair, lesion)
        yield Case(split, f"{disease}, T1{agent}", f"{name} T1", Contrast.T1, t1, lesion)
        yield Case(split, f"{disease}, T1{agent} and FLAIR", f"{name} T1 + FLAIR", Contrast.T1, t1, lesion, (flair,))


def slices(data: Path) -> Iterator[Case]:
    """Single slices of the patients with glioma, and of healthy heads."""
    for path in sorted((data / "lesions").glob("glioma_slice_*_truth.png")):
        stem = path.name.removesuffix("_truth.png")
        split = Split.TUNING if stem.startswith(TUNING_PATIENTS) else Split.TEST
        lesion = mriseg.read(path).data > 127
        for suffix, contrast in (("FLAIR", Contrast.FLAIR), ("T1c", Contrast.T1)):
            kind = f"glioma slice, {'T1 with agent' if contrast is Contrast.T1 else 'FLAIR'}"
            scan = mriseg.read(path.with_name(f"{stem}_{suffix}.png"))
            yield Case(split, kind, f"{stem.removeprefix('glioma_')} {suffix}", contrast, scan, lesion)
    yield from healthy_slices(data)


def healthy_slices(data: Path) -> Iterator[Case]:
    """Single slices of heads without lesions: children's and BrainWeb's T1, and axial ones of healthy113."""
    kind = "healthy slice, T1"
    for pattern in ("jlf*_t1_axial_8bit.png", "brainweb_t1_*.png"):
        for split in Split:
            for path in belonging((data / "slices").glob(pattern), split):
                yield _healthy(split, kind, path.stem, Contrast.T1, mriseg.read(path))
    for suffix, contrast in SUFFIXES:
        canonical, _ = orient(mriseg.read(data / "consistency" / f"healthy113_{suffix}.nii.gz"))
        filled = np.flatnonzero((canonical.data > 0).any((0, 1)))
        for height in HEIGHTS:
            index = round(filled[0] + height * (filled[-1] - filled[0]))
            scan = picture(np.ascontiguousarray(canonical.data[:, ::-1, index].T))
            title = f"healthy113 {suffix} at {height:.0%}"
            yield _healthy(Split.TEST, f"healthy slice, {contrast.name}", title, contrast, scan)


def pictures(data: Path) -> Iterator[Case]:
    """Slices from the web; what of them is a lesion nobody drew."""
    folder = data / "lesions" / "pictures"
    rows = [line.split("\t") for line in (folder / "contrast.tsv").read_text().splitlines()[1:]]
    # By the name without its ending, of whose letters the table and the files disagree.
    named = {Path(name).stem: next(c for c in Contrast if c.suffix == suffix) for name, suffix, _ in rows}
    for split in Split:
        for path in belonging((p for p in folder.iterdir() if p.stem in named), split):
            contrast = named[path.stem]
            yield Case(split, f"web picture, {contrast.suffix}", path.name, contrast, mriseg.read(path), None)


def healthy(data: Path, tool: Any) -> Iterator[Case]:
    """Heads without lesions: real ones, BrainWeb, and simulated ones, stripped or not, in thick slices or thin."""
    sources: list[tuple[str, Contrast, list[Path]]] = [
        ("stripped T1, IBSR", Contrast.T1, sorted((data / "ibsr").glob("IBSR_??.nii.gz"))),
        ("T1, slabs of children", Contrast.T1, sorted((data / "slabs").glob("slab_*_t1.nii.gz"))),
        ("T1, BrainWeb", Contrast.T1, sorted((data / "brainweb").glob("t1_*.nii.gz"))),
        ("T1, Colin27", Contrast.T1, [data / "colin27" / "ch2.nii.gz"]),
        ("stripped T1, Colin27", Contrast.T1, [data / "colin27" / "ch2bet.nii.gz"]),
        ("T1, fs01", Contrast.T1, [data / "consistency" / "fs01_T1w.mgz"]),
    ]
    for suffix, contrast in SUFFIXES:
        path = data / "consistency" / f"healthy113_{suffix}.nii.gz"
        sources.append((f"stripped {contrast.name}, healthy113", contrast, [path]))
    for kind, contrast, paths in sources:
        for split in Split:
            for path in belonging(paths, split):
                scan = mriseg.read(path)
                yield _healthy(split, kind, path.name.split(".")[0], contrast, scan)
                if kind.endswith(("healthy113", "BrainWeb")):
                    yield _healthy(split, f"{kind}, {THICK} mm", path.name.split(".")[0], contrast, thickened(scan))
    yield from healthy_heads(data, tool)


def healthy_heads(data: Path, tool: Any) -> Iterator[Case]:
    """Each combination of contrast, stripping and thickness on one head of each split, which takes its turn."""
    for split in Split:
        heads = [p for p in head_paths(data) if head_split(p) is split]
        every = itertools.product(CONTRASTS, (False, True), (1, THICK))
        for number, (contrast, stripped, thick) in enumerate(every):
            path = heads[(number + number // len(heads)) % len(heads)]
            noise, bias = NOISE_AND_BIAS[(number // 2) % 2]
            scan, _ = simulated_head(
                tool, *head_labels(path), contrast, noise=noise, bias=bias, seed=number, stripped=stripped, thick=thick
            )
            kind = f"{'stripped ' * stripped}{contrast.name}, simulated, {thick} mm"
            yield _healthy(split, kind, path.name[:7], contrast, scan)


def _healthy(split: Split, kind: str, title: str, contrast: Contrast, scan: Scan) -> Case:
    return Case(split, kind, title, contrast, scan, np.zeros(scan.data.shape, bool))


def thickened(scan: Scan) -> Scan:
    """In axial slices of the mean of five."""
    canonical, _ = orient(scan)
    assert canonical.affine is not None
    return volume(*thick_slices(canonical.data, canonical.affine, THICK))


def head_paths(data: Path) -> list[Path]:
    """Label maps of whole heads."""
    return sorted((data / "heads").glob("head_??.nii.gz"))


def head_split(path: Path) -> Split:
    """What a label map is for."""
    return Split.TUNING if path.name.startswith(TUNING_HEADS) else Split.TEST
