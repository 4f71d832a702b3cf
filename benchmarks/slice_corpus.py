"""Slices of known contrast in three planes, drawn and real, healthy and with abnormal tissue: what slices are named by.

Heads of label maps are drawn slice by slice: signals of the tissues vary about the contrast's, as sequences do, and the
slice is windowed, rounded and compressed as exports are. Slices of real volumes are varied the same way. In half of all
a blob or a ring of another signal is put where the brain is; vessels, dura and choroid plexus are raised for a contrast
agent.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import scipy
from PIL import Image

import mriseg
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import make_phantom, simulate

AGENT = "T1w with agent"
NONE = "none"
KINDS = ("T1w", AGENT, "T2w", "PDw", "FLAIR")
LEVELS = (0.25, 0.85)  # of the brain's extent across the slices
LEAST_BRAIN = 1500.0  # mm2 in a slice
WHITE, GRAY, DEEP = (
    (2, 41, 7, 46, 16, 28, 60, 85, 77),
    (3, 42, 8, 47, 17, 53, 18, 54),
    (10, 11, 12, 13, 26, 49, 50, 51, 52, 58),
)
FLUID, EYE, PLEXUS, VESSELS = (4, 5, 14, 15, 24, 43, 44, 72), (508,), (31, 63), (30, 62, 502, 514)
FAT, MUSCLE, MUCOSA, BONE, MARROW = (507,), (511, 506), (509, 530), (515,), (516,)
LESION = (25, 57)
OUTER_FLUID = 24
# Signals over that of white matter, from and to: gray, deep gray between the two, fluid, fat, muscle, bone's marrow,
# mucosa, vessels, and an abnormal part.
SIGNALS = {
    "T1w": ((0.60, 0.90), (0.12, 0.48), (0.9, 2.0), (0.45, 0.75), (0.5, 1.3), (0.4, 0.8), (0.2, 0.8), (0.30, 0.85)),
    AGENT: ((0.70, 0.97), (0.12, 0.50), (0.9, 2.0), (0.5, 0.9), (0.5, 1.3), (1.0, 2.2), (1.2, 2.5), (1.2, 2.6)),
    "T2w": ((1.12, 1.75), (1.9, 3.8), (0.7, 2.4), (0.3, 0.8), (0.5, 1.6), (1.0, 2.5), (0.1, 0.8), (1.3, 3.2)),
    "PDw": ((1.10, 1.35), (0.95, 1.45), (0.6, 1.4), (0.5, 0.9), (0.4, 1.0), (0.8, 1.3), (0.1, 0.8), (1.15, 1.6)),
    "FLAIR": ((1.05, 1.40), (0.06, 0.45), (0.6, 2.2), (0.4, 0.9), (0.4, 1.2), (0.8, 1.8), (0.1, 0.7), (1.35, 2.8)),
}


@dataclass(frozen=True, eq=False)
class Slice:
    """A picture whose contrast is known.

    Attributes
    ----------
    source, subject : str
        Where it comes from.
    kind : str
        One of `KINDS`, or `NONE`: it shows no brain, or one in no contrast that is known.
    image : ndarray of shape (rows, columns)
        As it would be dropped, upright.
    brain : ndarray of bool, same shape, or None
        Where it is known.
    lesion : ndarray of bool, same shape
        What was put in.
    """

    source: str
    subject: str
    kind: str
    image: np.ndarray
    brain: np.ndarray | None
    lesion: np.ndarray


def upright(volume: np.ndarray, axis: int, index: int) -> np.ndarray:
    """A slice of a volume in canonical axes as a picture."""
    return np.ascontiguousarray(np.moveaxis(volume, axis, 0)[index].T[::-1])


def drawn_slices(path: Path, rng: np.random.Generator, count: int) -> Iterator[Slice]:
    """Slices of one label map, of all kinds in turn."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    labels = np.asanyarray(image.dataobj).astype(np.int16)
    cavity = np.isin(labels, (*WHITE, *GRAY, *DEEP, *FLUID, *PLEXUS, *LESION))
    pieces, _ = scipy.ndimage.label(cavity)
    cavity = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    for n in range(count):
        kind, axis = KINDS[n % len(KINDS)], (2, 2, 1, 0)[(n // len(KINDS)) % 4]
        index = _level(cavity, axis, rng)
        thick = int(rng.integers(1, 6))
        at = slice(max(index - thick // 2, 0), index - thick // 2 + thick)
        slab = np.moveaxis(labels, axis, 0)[at].transpose(0, 2, 1)[:, ::-1]
        brain = upright(cavity, axis, index)
        if brain.sum() < LEAST_BRAIN:
            continue
        yield _drawn(slab, brain, kind, path.name[:7], rng)


def _level(cavity: np.ndarray, axis: int, rng: np.random.Generator) -> int:
    filled = np.flatnonzero(cavity.any(tuple(a for a in range(3) if a != axis)))
    low, high = LEVELS if axis else (0.3, 0.7)
    return int(filled[0] + rng.uniform(low, high) * (filled[-1] - filled[0]))


def _drawn(slab: np.ndarray, brain: np.ndarray, kind: str, subject: str, rng: np.random.Generator) -> Slice:
    gray, fluid, fat, muscle, marrow, mucosa, vessel, odd = (rng.uniform(*range_) for range_ in SIGNALS[kind])
    mean = np.full(1024, muscle, np.float32)
    mean[0] = 0.02
    deep = gray + rng.uniform(0.2, 0.7) * (1 - gray)
    plexus = mucosa if kind == AGENT else gray
    of_labels = (
        (WHITE, 1.0), (GRAY, gray), (DEEP, deep), (FLUID, fluid), (EYE, fluid), (PLEXUS, plexus), (VESSELS, vessel),
        (FAT, fat), (MUSCLE, muscle), (MUCOSA, mucosa), (BONE, rng.uniform(0.03, 0.2)), (MARROW, marrow),
        (LESION, odd if rng.random() < 0.5 else 1.0),
    )  # fmt: skip
    for which, signal in of_labels:
        mean[list(which)] = signal
    mean *= 1 + 0.03 * rng.standard_normal(1024).astype(np.float32)
    image = mean[slab].mean(0)
    if kind == AGENT:
        image = _with_agent(image, brain & (slab[len(slab) // 2] == OUTER_FLUID), brain, vessel, rng)
    lesion = np.zeros(brain.shape, bool)
    if rng.random() < 0.55:
        image, lesion = with_lesion(image, brain, kind, odd, fluid, rng)
    texture = _smooth(image.shape, 6, rng)
    fatty = np.isin(slab[len(slab) // 2], FAT)
    image = image * (1 + np.where(fatty, 0.15, 0.02) * texture)
    image = scipy.ndimage.gaussian_filter(image, rng.uniform(0.4, 1.0))
    shading = _smooth(image.shape, 60, rng)
    shading = (shading - shading.min()) / np.ptp(shading) - 0.5
    image = image * (1 + rng.uniform(0, 0.4) * shading)
    noise = rng.uniform(0.005, 0.06) * max(1.0, gray)
    image = np.hypot(image + noise * rng.standard_normal(image.shape), noise * rng.standard_normal(image.shape))
    source = "drawn"
    if rng.random() < 0.45:
        source = "drawn, stripped"
        image = stripped(image, brain, np.isin(slab[len(slab) // 2], FLUID), rng)
        brain = brain & (image > 0)
    image, brain, lesion = exported(image, brain, lesion, rng)
    return Slice(source, subject, kind, image, brain, lesion)


def _smooth(shape: tuple[int, ...], width: float, rng: np.random.Generator) -> np.ndarray:
    """A random field whose details are so wide, of mean 0 and standard deviation 1."""
    step = max(1.0, width / 3)
    coarse = rng.standard_normal([int(np.ceil(n / step)) + 4 for n in shape])
    coarse = scipy.ndimage.gaussian_filter(coarse, width / step)
    field = scipy.ndimage.zoom(coarse, step, order=1)[tuple(slice(0, n) for n in shape)]
    return (field - field.mean()) / field.std()


def stripped(image: np.ndarray, brain: np.ndarray, fluid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The brain alone, with more or less of the fluid around it."""
    left = brain & ~(fluid & (scipy.ndimage.distance_transform_edt(brain) <= rng.uniform(0, 8)))
    left = scipy.ndimage.binary_fill_holes(scipy.ndimage.binary_opening(left, iterations=2))
    return image * left


def _with_agent(
    image: np.ndarray, sulci: np.ndarray, brain: np.ndarray, vessel: float, rng: np.random.Generator
) -> np.ndarray:
    """Bright dots of vessels in the sulci, and the dura in stretches at the rim and between the hemispheres."""
    image = image.copy()
    depth = scipy.ndimage.distance_transform_edt(brain)
    places = np.argwhere(sulci & (depth > 1))
    if len(places):
        spots = np.zeros(image.shape)
        chosen = places[rng.integers(len(places), size=int(rng.uniform(0.001, 0.008) * brain.sum()) + 4)]
        spots[tuple(chosen.T)] = 1
        spots = scipy.ndimage.gaussian_filter(spots, rng.uniform(0.6, 1.1))
        spots = np.minimum(spots / np.percentile(spots[spots > 1e-4], 90), 1)
        image += spots * np.maximum(vessel - image, 0)
    away = scipy.ndimage.distance_transform_edt(~brain)
    stretch = _smooth(image.shape, 15, rng)
    dura = (away > 0) & (away < 2.5) & (stretch > np.quantile(stretch, rng.uniform(0.3, 0.9)))
    image[dura] = np.maximum(image[dura], rng.uniform(0.8, 1.0) * vessel)
    return image


def _as_with_agent(image: np.ndarray, brain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A T1-weighted slice with less contrast of gray and white matter, vessels in what is thin and dark, and dura."""
    bulk = np.median(image[brain])
    from_level = rng.uniform(0.6, 0.9) * bulk
    image = np.where(brain & (image > from_level), from_level + rng.uniform(0.4, 1) * (image - from_level), image)
    local = scipy.ndimage.gaussian_filter(image, 0.7) - scipy.ndimage.gaussian_filter(image, 3)
    sulci = brain & (local < np.percentile(local[brain], 8))
    return _with_agent(image, sulci, brain, rng.uniform(*SIGNALS[AGENT][-2]) * bulk, rng)


def with_lesion(
    image: np.ndarray, brain: np.ndarray, kind: str, odd: float, fluid: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A blob, a ring or a few spots in the brain; signals in the unit of the image."""
    rows, columns = np.indices(image.shape)
    mask = np.zeros(image.shape, bool)
    wavy = rng.uniform(0.1, 0.3) * _smooth(image.shape, 7, rng)
    share = rng.choice([0.005, 0.02, 0.06, 0.12, 0.2, 0.3], p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.1]) * rng.uniform(0.6, 1.3)
    radius = np.sqrt(share * brain.sum() / np.pi)
    where = np.argwhere(brain)
    center = where[rng.integers(len(where))]
    distance = np.hypot((rows - center[0]) / rng.uniform(0.8, 1.25), columns - center[1]) / radius + wavy
    core = scipy.ndimage.gaussian_filter((brain & (distance < 1)).astype(float), 0.8)
    image = image.copy()
    shape = rng.choice(["blob", "ring", "dark"], p=[0.5, 0.4, 0.1])
    texture = 1 + rng.uniform(0, 0.2) * _smooth(image.shape, 3, rng)
    if kind == "T1w" or (kind != "T2w" and shape == "dark"):
        image += core * (rng.uniform(0.5, 0.9) * texture - image)
    elif shape == "ring":
        hole = scipy.ndimage.gaussian_filter((brain & (distance < rng.uniform(0.55, 0.85))).astype(float), 0.8)
        inner = (
            rng.uniform(fluid, 0.8) if kind in ("FLAIR", AGENT) else rng.uniform(0.8, fluid if kind == "T2w" else 1.5)
        )
        halo = scipy.ndimage.gaussian_filter((brain & (distance < rng.uniform(1.0, 1.7))).astype(float), 1.5)
        around = rng.uniform(0.6, 0.85) if kind == AGENT else 0.5 * (1 + odd)
        image += halo * (around - image)
        image += core * (odd * texture - image)
        image += hole * (inner - image)
        mask |= halo > 0.5
    else:
        image += core * rng.uniform(0.7, 1.0) * (odd * texture - image)
    return image, mask | (core > 0.5)


def exported(
    image: np.ndarray, brain: np.ndarray | None, lesion: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """The slice windowed, resampled, rounded and compressed as exports are."""
    inside = image[brain] if brain is not None and brain.any() else image[image > np.percentile(image, 50)]
    low = rng.uniform(0, 0.06) * np.median(inside) if rng.random() < 0.4 else 0.0
    top = np.percentile(image, rng.uniform(98.5, 100)) if rng.random() < 0.6 else image.max()
    top = max(top, rng.uniform(0.95, 1.2) * np.percentile(inside, 98))
    image = np.clip((image - low) / (top - low), 0, 1) ** rng.uniform(0.8, 1.2)
    size = rng.uniform(0.8, 1.6)

    def grown(values: np.ndarray) -> np.ndarray:
        return scipy.ndimage.zoom(values.astype(np.float32), size, order=1)

    image = np.rint(255 * np.clip(grown(image), 0, 1)).astype(np.uint8)
    if rng.random() < 0.4:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "JPEG", quality=int(rng.integers(40, 95)))
        image = np.asarray(Image.open(stream))
    if rng.random() < 0.5:
        mirror = (slice(None), slice(None, None, -1))
    else:
        mirror = (slice(None), slice(None))
    return (
        image[mirror].astype(np.float32),
        None if brain is None else (grown(brain) > 0.5)[mirror],
        (grown(lesion) > 0.5)[mirror],
    )


def real_slices(
    source: str, subject: str, kind: str, volume: nibabel.Nifti1Image, rng: np.random.Generator,
    count: int, brain: np.ndarray | None = None, planes: tuple[int, ...] = (2, 1, 0), odd: bool = True,
    agent: bool = False,
) -> Iterator[Slice]:  # fmt: skip
    """Slices of a real volume, as they are and with something put in.

    Parameters
    ----------
    brain : ndarray of bool
        On the canonical grid; what is not 0 of a stripped volume if not given.
    planes : tuple of int
        Axes across which it is cut.
    odd : bool
        Whether something may be put in.
    agent : bool
        Whether a T1-weighted scan is to look as if an agent had been given.
    """
    canonical = nibabel.as_closest_canonical(volume)
    data = np.squeeze(np.asanyarray(canonical.dataobj)).astype(np.float32)
    data = np.maximum(data, 0)
    spacing = canonical.header.get_zooms()[:3]
    known = brain is not None
    inside = brain if known else data > 0.1 * np.percentile(data, 95)
    for n in range(count):
        axis = planes[n % len(planes)]
        index = _level(inside, axis, rng)
        image, region = upright(data, axis, index), upright(inside, axis, index)
        rows, columns = [spacing[a] for a in range(3) if a != axis][::-1]
        side = min(rows, columns)
        image = scipy.ndimage.zoom(image, (rows / side, columns / side), order=1)
        region = scipy.ndimage.zoom(region.astype(np.float32), (rows / side, columns / side), order=1) > 0.5
        if region.sum() * side**2 < LEAST_BRAIN:
            continue
        lesion = np.zeros(region.shape, bool)
        name = source + ", agent" * agent
        if agent:
            image = _as_with_agent(image, region, rng)
        if odd and known and rng.random() < 0.5:
            bulk = np.median(image[region])
            signals = SIGNALS[kind]
            image, lesion = with_lesion(
                image / bulk, region, kind, rng.uniform(*signals[-1]), rng.uniform(*signals[1]), rng
            )
            image, name = image * bulk, name + ", lesion"
        image, region, lesion = exported(image, region if known else None, lesion, rng)
        yield Slice(name, subject, kind, image, region, lesion)


def textures(rng: np.random.Generator, count: int) -> Iterator[Slice]:
    """What is no brain: noise, smooth fields and blocks of all sizes, in a head or without."""
    for n in range(count):
        size = int(rng.integers(120, 260))
        row, column = np.indices((size, size)) - size / 2
        brain = np.hypot(row / rng.uniform(0.8, 1.2), column) + 4 * _smooth((size, size), 20, rng) < 0.33 * size
        scale = np.exp(rng.uniform(np.log(1), np.log(25)))
        if n % 3 == 0:
            image = rng.rayleigh(0.5, (size, size))
        elif n % 3 == 1:
            image = np.abs(1 + rng.uniform(0.1, 0.5) * _smooth((size, size), scale, rng))
        else:
            step = int(np.ceil(scale))
            image = np.kron(rng.uniform(0.1, 1, [size // step + 1] * 2), np.ones((step, step)))[:size, :size]
        if rng.random() < 0.5:
            image = image * brain
        image, brain, _ = exported(image + 1e-3, brain, np.zeros(brain.shape, bool), rng)
        yield Slice("texture", f"texture {n}", NONE, image, brain, np.zeros(image.shape, bool))


def phantom_slices(seed: int, rng: np.random.Generator) -> Iterator[Slice]:
    """Slices of the package's phantom in four contrasts."""
    phantom = make_phantom(seed)
    for contrast in (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR):
        scan = simulate(phantom, contrast, 5, 40, seed)
        image = nibabel.Nifti1Image(scan.data, scan.affine)
        yield from real_slices("phantom", f"phantom {seed}", contrast.suffix, image, rng, 9, brain=phantom.truth > 0)


def corpus(folder: Path, rng: np.random.Generator) -> Iterator[Slice]:
    """All slices, of the data folder's scans and of the package's phantoms."""
    for path in sorted((folder / "heads").glob("head_??.nii.gz")):
        yield from drawn_slices(path, rng, 200)
    yield from textures(rng, 240)
    for seed in range(1, 7):
        yield from phantom_slices(seed, rng)
    yield from _healthy(folder, rng)
    yield from _clinical(folder, rng)
    yield from _with_tumors(folder / "lesions", rng)
    for path in sorted((folder / "seed").glob("*_t2*.*")):
        image = mriseg.read(path).data
        yield Slice("seed", path.stem, "T2w", image, None, np.zeros(image.shape, bool))


def _stripped(path: Path) -> tuple[nibabel.Nifti1Image, np.ndarray]:
    """A volume and its brain, which is all that is not 0, in canonical axes."""
    volume = nibabel.load(path)
    return volume, np.squeeze(np.asanyarray(nibabel.as_closest_canonical(volume).dataobj)) > 0


def _healthy(folder: Path, rng: np.random.Generator) -> Iterator[Slice]:
    for path in sorted((folder / "ibsr").glob("IBSR_??.nii.gz")):
        volume, brain = _stripped(path)
        yield from real_slices("ibsr", path.name[:7], "T1w", volume, rng, 15, brain)
        yield from real_slices("ibsr", path.name[:7], AGENT, volume, rng, 9, brain, agent=True)
    for path in sorted((folder / "slabs").glob("slab_*_t1.nii.gz")):
        _, brain = _stripped(path.with_name(path.name.replace("_t1", "_labels")))
        subject = path.name.split("_t1")[0]
        yield from real_slices("slab", subject, "T1w", nibabel.load(path), rng, 6, brain, planes=(2,))
    for source, subject, file, count in (
        ("brainweb", "brainweb", "brainweb/t1_1mm_pn3_rf20.nii.gz", 18),
        ("colin", "ch2", "colin27/ch2.nii.gz", 18),
        ("fs01", "fs01", "consistency/fs01_T1w.mgz", 24),
    ):
        yield from real_slices(source, subject, "T1w", nibabel.load(folder / file), rng, count)
    volume, brain = _stripped(folder / "colin27" / "ch2bet.nii.gz")
    yield from real_slices("colin", "ch2bet", "T1w", volume, rng, 18, brain)
    for kind in ("T1w", "T2w", "FLAIR"):
        volume, brain = _stripped(folder / "consistency" / f"healthy113_{kind}.nii.gz")
        yield from real_slices("healthy113", "healthy113", kind, volume, rng, 60, brain)
        if kind == "T1w":
            yield from real_slices("healthy113", "healthy113", AGENT, volume, rng, 45, brain, agent=True)


def _clinical(folder: Path, rng: np.random.Generator) -> Iterator[Slice]:
    for kind, name in (("T1w", "T1"), ("T2w", "T2"), ("FLAIR", "FLAIR")):
        volume, brain = _stripped(folder / "clinical" / f"ms07_stripped_{name}.nii.gz")
        yield from real_slices("ms07", "ms07", kind, volume, rng, 45, brain)
        if kind == "T1w":
            yield from real_slices("ms07", "ms07", AGENT, volume, rng, 30, brain, agent=True)
        full = nibabel.load(folder / "clinical" / f"ms12_{name if kind == 'FLAIR' else name + 'W'}.nii.gz")
        yield from real_slices("ms12", "ms12", kind, full, rng, 14, planes=(2,))
    for kind in ("T1w", "FLAIR"):
        yield from real_slices("ms19", "ms19", kind, nibabel.load(folder / f"lesions/ms19_{kind}.nii.gz"), rng, 60)


def _with_tumors(folder: Path, rng: np.random.Generator) -> Iterator[Slice]:
    """Volumes, slices and pictures of tumors, the pictures also varied."""
    for path in sorted(folder.glob("glioma??_*.nii.gz")):
        kind = {"FLAIR": "FLAIR", "T1wCE": AGENT}.get(path.name.split("_")[1].split(".")[0])
        if kind:
            volume, brain = _stripped(path)
            subject = path.name[:8]
            yield from real_slices("glioma", subject, kind, volume, rng, 90, brain, odd=False)
    for path in sorted(folder.glob("glioma_slice_*_FLAIR.png")) + sorted(folder.glob("glioma_slice_*_T1c.png")):
        image = mriseg.read(path).data
        kind, subject = "FLAIR" if "FLAIR" in path.name else AGENT, "glioma0" + path.name.split("_")[2]
        yield Slice("glioma slice", subject, kind, image, None, np.zeros(image.shape, bool))
    for line in (folder / "pictures" / "contrast.tsv").read_text().splitlines()[1:]:
        name, kind, seen = line.split("\t")
        path = next(path for path in (folder / "pictures").iterdir() if path.stem == name.split(".")[0])
        image = mriseg.read(path).data
        none = np.zeros(image.shape, bool)
        kind = AGENT if "agent" in seen else kind
        yield Slice("picture", path.stem, kind, image, None, none)
        for _ in range(6):
            yield Slice("picture varied", path.stem, kind, exported(image, None, none, rng)[0], None, none)
