"""Lesions of known shape and signal, put into label maps of heads and into BrainWeb.

Nothing is displaced. Noise and bias are those of the same head without its lesion, so that what a segmentation changes
outside of it is the lesion's doing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import scipy
from methods import values

from mriseg.core.scan import Scan, volume
from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.lesions import MIDDLE_SHARE, irregular_shape

OUTER, INNER = 900, 901  # labels of a lesion's rim and middle in a label map; free in those that are handed
CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)  # columns of signals
# Of the label maps: where lesions grow, what plaques lie beside, and matter deep enough for a tumor's middle.
CEREBRUM = (2, 41, 3, 42, 10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58)
LATERAL_VENTRICLES = (4, 43)
WHITE = (2, 41)
DEEP_MM = 15.0
PLAQUES_MM = (2.0, 12.0)  # from the lateral ventricles
SMALLEST_PLAQUE_ML, LARGEST_PLAQUE_ML = 0.05, 3.0
MM3_PER_ML = 1000
BRAINWEB_NOISE = 0.03  # of white matter, as its scan has it
POINT_SPREAD = 0.55  # voxels, as `simulate_head.py` has it


@dataclass(frozen=True)
class Kind:
    """A kind of lesion.

    Attributes
    ----------
    title : str
    ml : float
        Of all of it.
    outer, inner : tuple of float
        Signals in `CONTRASTS`, where white matter gives 100, 45, 75 and 62, gray matter 70, 62, 92 and 80, fluid 22,
        130, 96 and 14.
    parts : int
        More than one lie around the lateral ventricles, with volumes spread evenly in their logarithm.
    """

    title: str
    ml: float
    outer: tuple[float, float, float, float]
    inner: tuple[float, float, float, float]
    parts: int = 1


EDEMA = (58, 100, 100, 112)
KINDS = (
    Kind("tumor, 40 mL", 40, EDEMA, EDEMA),
    Kind("ring with agent, 40 mL", 40, (125, 74, 92, 96), (32, 122, 98, 40)),
    Kind("dark cyst, 20 mL", 20, (24, 128, 97, 18), (24, 128, 97, 18)),
    Kind("30 plaques, 15 mL", 15, (66, 95, 102, 104), (66, 95, 102, 104), parts=30),
)


@dataclass(frozen=True, eq=False)
class Planted:
    """A scan with a lesion, the same without it, and the truth.

    Attributes
    ----------
    scan, without : Scan
    lesion : ndarray of bool
    """

    scan: Scan
    without: Scan
    lesion: np.ndarray


def shapes(kind: Kind, allowed: np.ndarray, centers: np.ndarray, spacing: np.ndarray, seed: int) -> np.ndarray:
    """Depth in the lesion, from above 0 at its surface to 1 in the middle of each part; 0 outside.

    Parameters
    ----------
    kind : Kind
    allowed : ndarray of bool
        Where it may lie.
    centers : ndarray of bool
        Where the middle of a part may lie.
    spacing : ndarray
        Sides of a voxel, mm.
    seed : int
    """
    rng = np.random.default_rng(seed)
    ratio = LARGEST_PLAQUE_ML / SMALLEST_PLAQUE_ML
    sizes = ratio ** np.linspace(0, 1, kind.parts) if kind.parts > 1 else np.ones(1)
    possible = np.argwhere(centers)
    depth = np.zeros(allowed.shape, np.float32)
    for part, ml in enumerate(kind.ml * sizes / sizes.sum()):
        voxels = max(1, round(ml * MM3_PER_ML / spacing.prod()))
        center = possible[rng.integers(len(possible))]
        part_depth = irregular_shape(allowed & (depth == 0), center, voxels, spacing=spacing, seed=seed + part)
        np.maximum(depth, part_depth, out=depth)
    return depth


def lesion_labels(kind: Kind, labels: np.ndarray, seed: int) -> np.ndarray:
    """The label map of a head at 1 mm with a lesion in it."""
    white = np.isin(labels, WHITE)
    if kind.parts > 1:
        far = scipy.ndimage.distance_transform_edt(~np.isin(labels, LATERAL_VENTRICLES))
        centers = white & (far > PLAQUES_MM[0]) & (far < PLAQUES_MM[1])
        allowed = white
    else:
        allowed = np.isin(labels, CEREBRUM)
        centers = white & (scipy.ndimage.distance_transform_edt(labels > 0) > DEEP_MM + 15)
    depth = shapes(kind, allowed, centers, np.ones(3), seed)
    return np.where(depth > 1 - MIDDLE_SHARE, INNER, np.where(depth > 0, OUTER, labels)).astype(labels.dtype)


def simulated_head(
    tool: Any,
    labels: np.ndarray,
    affine: np.ndarray,
    contrast: Contrast,
    *,
    noise: float = 3,
    bias: float = 20,
    seed: int = 0,
    stripped: bool = False,
    thick: int = 1,
) -> tuple[Scan, np.ndarray]:
    """A scan of a label map, which may hold a lesion, and its truth.

    Parameters
    ----------
    tool : module
        `simulate_head.py`; what it knows of lesions, `tell_signals` told it.
    labels : ndarray of int16
    affine : ndarray
    contrast : Contrast
    noise, bias : float
        Percent.
    seed : int
    stripped : bool
        Whether all but the cranial cavity is 0.
    thick : int
        Voxels that a slice is the mean of.

    Returns
    -------
    Scan
    ndarray of uint8
        1 GM, 2 WM, 3 CSF, 255 not scored, which a lesion is too.
    """
    data, truth, cavity = tool.simulate(labels, contrast.setting, noise, bias, seed)
    if stripped:
        data = data * (cavity == 1)
    if thick > 1:
        data, affine = thick_slices(data, affine, thick)
        truth = truth[:, :, thick // 2 : data.shape[2] * thick : thick]
    return volume(data.astype(np.float32), affine), truth


def thick_slices(data: np.ndarray, affine: np.ndarray, thick: int) -> tuple[np.ndarray, np.ndarray]:
    """Each slice across the last axis the mean of so many; and the affine of that."""
    number = data.shape[2] // thick
    mean = data[:, :, : number * thick].reshape(*data.shape[:2], number, thick).mean(-1)
    wide = affine @ np.diag([1, 1, thick, 1.0])
    wide[:3, 3] += affine[:3, 2] * (thick - 1) / 2
    return mean, wide


def tell_signals(tool: Any, kind: Kind) -> None:
    """Let the simulator know how bright a kind of lesion is, and that it is no tissue."""
    tool.INTENSITY[OUTER], tool.INTENSITY[INNER] = kind.outer, kind.inner
    tool.UNSCORED = sorted({*tool.UNSCORED, OUTER, INNER})


def planted_head(tool: Any, path: Path, kind: Kind, contrast: Contrast, seed: int) -> Planted:
    """A whole head with and without a lesion, at 1 mm, 3 % noise and 20 % bias."""
    labels, affine = head_labels(path)
    changed = lesion_labels(kind, labels, seed)
    tell_signals(tool, kind)
    without, _ = simulated_head(tool, labels, affine, contrast, seed=seed)
    scan, _ = simulated_head(tool, changed, affine, contrast, seed=seed)
    return Planted(scan, without, changed >= OUTER)


def head_labels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A label map in canonical axes, and its affine."""
    image = nibabel.as_closest_canonical(nibabel.nifti1.load(path))
    return np.asanyarray(image.dataobj).astype(np.int16), image.affine


def planted_brainweb(folder: Path, tool: Any, kind: Kind, contrast: Contrast, seed: int) -> Planted:
    """BrainWeb's anatomy, stripped, at 2 mm, in a contrast, with and without a lesion."""
    paths = [folder / f"truth_2mm_{tissue.abbreviation.lower()}_fraction.nii.gz" for tissue in Tissue]
    fractions = np.stack([values(path) for path in paths], -1).astype(np.float32)
    affine = nibabel.nifti1.load(paths[0]).affine
    column = CONTRASTS.index(contrast)
    signals = [tool.INTENSITY[label][column] for label in (3, 2, 24)]  # cortex, white matter, fluid
    spacing = np.full(3, 2.0)
    gray, white, fluid = np.moveaxis(fractions > 0.5, -1, 0)
    brain = fractions.sum(-1) > 0.5
    deep = scipy.ndimage.distance_transform_edt(brain, spacing) > DEEP_MM
    if kind.parts > 1:
        ventricles = largest_part(fluid & deep)
        far = scipy.ndimage.distance_transform_edt(~ventricles, spacing)
        depth = shapes(kind, white, white & (far > PLAQUES_MM[0]) & (far < PLAQUES_MM[1]), spacing, seed)
    else:
        depth = shapes(kind, gray | white, white & deep, spacing, seed)
    scans = []
    for present in (True, False):
        image = fractions @ np.array(signals, np.float32)
        if present:
            inner = depth > 1 - MIDDLE_SHARE
            image = blend(image, (depth > 0) & ~inner, kind.outer[column])
            image = blend(image, inner, kind.inner[column])
        scans.append(volume(brain * with_noise(image, tool, signals, seed), affine))
    return Planted(*scans, lesion=depth > 0)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Of those that hang together."""
    parts, _ = scipy.ndimage.label(mask)
    return parts == np.bincount(parts[mask]).argmax()


def blend(image: np.ndarray, where: np.ndarray, signal: float) -> np.ndarray:
    """The image with a signal there, its border spread as a scanner would."""
    weight = scipy.ndimage.gaussian_filter(where.astype(np.float32), POINT_SPREAD)
    return image * (1 - weight) + signal * weight


def with_noise(image: np.ndarray, tool: Any, signals: list[float], seed: int) -> np.ndarray:
    """The image with 20 % bias and 3 % Rician noise, as `simulate_head.py` makes them."""
    rng = np.random.default_rng(seed)
    image = image * (0.9 + 0.2 * tool.smooth_field(rng, image.shape, 45))
    sd = BRAINWEB_NOISE * max(signals)
    return np.hypot(*(part + sd * rng.standard_normal(image.shape, np.float32) for part in (image, 0))).astype(
        np.float32
    )
