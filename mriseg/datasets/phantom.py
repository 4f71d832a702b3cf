"""A digital phantom of a head: seeded anatomy with known tissues, and what a scanner would see of it.

The gross shape (surface, deep gray matter, ventricles) is the MNI average brain, bent by a random smooth warp that
differs with the seed. The folds of the cortex are its own: sulci run along the zero surfaces of a random field, and
gray matter lines them. Bone, scalp, eyes, nose, face and neck go around it. Signals come from relaxation times and
the equations of the sequences. `mriseg.datasets.lesions` puts lesions into it.

References
----------
Kwan, Evans, Pike: MRI simulation-based evaluation of image-processing and classification methods. IEEE Trans Med
Imaging 18, 1999 (relaxation times at 1.5 T and sequence parameters).
Gudbjartsson, Patz: The Rician distribution of noisy MRI data. Magn Reson Med 34, 1995.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.core.scan import Scan, volume
from mriseg.core.tissue import ABNORMAL, BACKGROUND, Contrast, Tissue
from mriseg.registration.atlas import ATLAS_MM, atlas

# Matter of the head besides the three tissues, numbered on from them; the last three are lesions.
AIR, BONE, MARROW, FAT, MUSCLE, SKIN, VITREOUS = 0, 4, 5, 6, 7, 8, 9
EDEMA, CYST, ENHANCED = 10, 11, 12
GM, WM, CSF = Tissue.GM.number, Tissue.WM.number, Tissue.CSF.number

# Proton density, T1 and T2 in ms.
MATTER = {
    AIR: (0.0, 1000, 1000),
    GM: (0.86, 833, 83),
    WM: (0.77, 500, 70),
    CSF: (1.0, 2569, 329),
    BONE: (0.05, 500, 50),
    MARROW: (0.77, 500, 70),
    FAT: (1.0, 350, 70),
    MUSCLE: (1.0, 900, 47),
    SKIN: (0.9, 569, 60),
    VITREOUS: (1.0, 2500, 300),
    EDEMA: (0.95, 1250, 140),  # also plaques and solid tumor: bright on T2 and FLAIR, between fluid and gray on T1
    CYST: (1.0, 2400, 300),  # fluid with some protein, also what is left of an old infarct
    ENHANCED: (0.9, 250, 75),  # with contrast agent: twice white matter on T1, near gray matter elsewhere
}

# The field of view in MNI space, mm: head and the beginning of the neck, with some air around.
FIELD_OF_VIEW = ((-98.0, 98.0), (-134.0, 98.0), (-92.0, 108.0))
WARP_MM, WARP_SCALE_MM, STRETCH = 6.0, 45.0, 0.04
FOLD_SCALE_MM, FOLD_DEPTH_MM = 7.5, 18.0
CORTEX_MM, SULCUS_MM, SURFACE_FLUID_MM = 2.8, 0.6, 1.5
SKULL_MM, SCALP_MM = 7.0, 13.0  # outer surfaces, from that of the brain
MARROW_MM = (3.0, 5.0)  # within them: dura and the inner table, both dark, are 3 mm, the outer table 2 mm
FULL_SIGNAL = 1000.0  # arbitrary units that a proton density of 1 without relaxation would give


@dataclass(frozen=True)
class Sequence:
    """A pulse sequence of a scanner.

    Attributes
    ----------
    repetition, echo : float
        Times, ms.
    flip : float
        Angle, degrees.
    inversion : float
        Inversion time, ms; 0 for none.
    """

    repetition: float
    echo: float
    flip: float = 90.0
    inversion: float = 0.0

    def signal(self, density: float, t1: float, t2: float) -> float:
        """Magnitude of the steady-state signal of matter.

        Parameters
        ----------
        density : float
            Proton density, 1 for water.
        t1, t2 : float
            Relaxation times, ms.

        Returns
        -------
        float
            1 for a density of 1 without relaxation.

        Examples
        --------
        A long inversion time of 1.7 s leaves nothing of fluid, whose T1 is 2.6 s:

        >>> flair = SEQUENCES[Contrast.FLAIR]
        >>> round(flair.signal(*MATTER[CSF]), 2), round(flair.signal(*MATTER[GM]), 2)
        (0.0, 0.12)
        """
        left = np.exp(-self.repetition / t1)
        angle = np.deg2rad(self.flip)
        if self.inversion:
            magnetization = 1 - 2 * np.exp(-self.inversion / t1) + left
        else:
            magnetization = np.sin(angle) * (1 - left) / (1 - np.cos(angle) * left)
        return float(density * abs(magnetization) * np.exp(-self.echo / t2))


SEQUENCES = {
    Contrast.T1: Sequence(18, 10, flip=30),  # spoiled gradient echo
    Contrast.T2: Sequence(4000, 90),
    Contrast.PD: Sequence(5000, 15),
    Contrast.FLAIR: Sequence(9000, 140, inversion=1700),  # where the signal of fluid crosses zero
}


@dataclass(frozen=True, eq=False)
class Phantom:
    """An anatomy.

    Attributes
    ----------
    matter : ndarray of uint8, shape (i, j, k)
        Number of the matter in each voxel: a tissue's label, or one of the others of `MATTER`.
    affine : ndarray of shape (4, 4)
        To RAS+ mm.
    """

    matter: np.ndarray
    affine: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """Labels as a perfect segmentation has them: 0 background, then the tissues, 7 lesion."""
        tissues = np.where(self.matter <= CSF, self.matter, BACKGROUND).astype(np.uint8)
        tissues[self.matter >= EDEMA] = ABNORMAL.number
        return tissues


def make_phantom(seed: int = 0, spacing: float = 1.5, heights: tuple[float, float] | None = None) -> Phantom:
    """Make the anatomy of a head.

    Parameters
    ----------
    seed : int
        Equal seeds give equal heads.
    spacing : float
        Side of a voxel, mm.
    heights : tuple of float, optional
        Lowest and highest slice in MNI mm; the whole field of view by default.

    Returns
    -------
    Phantom
    """
    rng = np.random.default_rng(seed)
    ranges = (*FIELD_OF_VIEW[:2], heights or FIELD_OF_VIEW[2])
    axes = [np.arange(low, high + spacing / 2, spacing).astype(np.float32) for low, high in ranges]
    warp = [WARP_MM * smooth_noise(axes, WARP_SCALE_MM, rng) for _ in axes]
    stretch = 1 + STRETCH * rng.standard_normal(3).astype(np.float32)
    folds = smooth_noise(axes, FOLD_SCALE_MM, rng)
    x, y, z = (s * a + w for s, a, w in zip(stretch, np.meshgrid(*axes, indexing="ij", sparse=True), warp, strict=True))
    del warp
    gray, white, depth = _gross_anatomy(x, y, z)

    slope = np.sqrt(sum(g**2 for g in np.gradient(folds, spacing)))
    cerebellum = (z < -20) & (y < -30)
    to_sulcus = np.abs(folds) / (slope + 0.02) * np.where(cerebellum, 1.6, 1.0) - SULCUS_MM
    below_surface = depth - SURFACE_FLUID_MM
    to_fluid = np.where(depth < FOLD_DEPTH_MM, np.minimum(to_sulcus, below_surface), below_surface)
    brain = depth > 0
    matter = _around_the_brain(x, y, z, depth)
    matter[brain] = WM
    matter[brain & ((to_fluid < CORTEX_MM) | ((gray > 0.5) & (depth > FOLD_DEPTH_MM - 2)))] = GM
    fissure = (np.abs(x) < 1) & (gray > 0.3) & (z > -10)
    ventricle = (gray + white < 0.5) & (depth > FOLD_DEPTH_MM - 4)
    matter[brain & ((to_fluid < 0) | fissure | ventricle)] = CSF
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [axis[0] for axis in axes]
    return Phantom(matter, affine)


def simulate(phantom: Phantom, contrast: Contrast, noise: float = 3.0, bias: float = 20.0, seed: int = 0) -> Scan:
    """Scan a phantom.

    Parameters
    ----------
    phantom : Phantom
    contrast : Contrast
        One of `SEQUENCES`.
    noise : float
        Standard deviation of the Rician noise, percent of the brightest tissue.
    bias : float
        Peak-to-peak range of the multiplicative bias field, percent.
    seed : int
        Of noise and bias.

    Returns
    -------
    Scan
        Volume in arbitrary units.
    """
    rng = np.random.default_rng(seed)
    sequence = SEQUENCES[contrast]
    signal = np.array([sequence.signal(*MATTER[number]) for number in sorted(MATTER)], np.float32)
    image = scipy.ndimage.gaussian_filter(FULL_SIGNAL * signal[phantom.matter], 0.5)  # partial volume, point spread
    axes = [np.arange(n, dtype=np.float32) for n in phantom.matter.shape]
    field = smooth_noise(axes, max(phantom.matter.shape) / 2, rng)
    field -= field.min()
    image *= 1 + bias / 100 * (field / field.max() - 0.5)
    sd = np.float32(noise / 100 * FULL_SIGNAL * signal[[GM, WM, CSF]].max())
    image += sd * rng.standard_normal(image.shape, np.float32)
    image = np.hypot(image, sd * rng.standard_normal(image.shape, np.float32))
    return volume(image, phantom.affine)


def _gross_anatomy(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gray and white matter (0 to 1) of the average brain at MNI positions, and the depth in it, mm."""
    average = atlas()
    at = [(p - np.float32(o)) / np.float32(ATLAS_MM) for p, o in zip((x, y, z), average.origin, strict=True)]
    maps = (average.gray, average.white, average.depth)
    gray, white, depth = (scipy.ndimage.map_coordinates(m, at, np.float32, order=1, mode="nearest") for m in maps)
    return gray, white, depth


def _around_the_brain(x: np.ndarray, y: np.ndarray, z: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Matter outside the brain: scalp over skull over the surface, face and neck below, eyes and nose in front."""
    matter = np.full(depth.shape, AIR, np.uint8)
    below = (x / 66) ** 2 + ((y + 12) / 88) ** 2 + 0 * z
    neck = (z < -30) & (below < 1)
    matter[neck] = SKIN
    matter[neck & (below < 0.93)] = FAT
    matter[neck & (below < 0.8)] = MUSCLE
    scalp = depth > -SCALP_MM
    matter[scalp] = np.where(depth[scalp] > -SCALP_MM + 2, FAT, SKIN)
    matter[(depth > -SKULL_MM)] = BONE
    matter[(depth > -MARROW_MM[1]) & (depth < -MARROW_MM[0]) & (z > 0)] = MARROW
    for side in (-1, 1):
        eye = (x - side * 32) ** 2 + (y - 62) ** 2 + (z + 38) ** 2
        matter[(eye < 14**2) & (depth < -2)] = FAT
        matter[(eye < 12**2) & (depth < -2)] = VITREOUS
    nose = (x / 14) ** 2 + ((y - 58) / 26) ** 2 + ((z + 52) / 22) ** 2
    matter[(nose < 1) & (depth < -2)] = AIR
    return matter


def smooth_noise(axes: list[np.ndarray], scale: float, rng: np.random.Generator) -> np.ndarray:
    """Random field of unit order on a grid: cubic B-splines with random coefficients.

    Parameters
    ----------
    axes : list of ndarray of float32
        Positions along each axis, in any unit.
    scale : float
        Distance of its knots, over which it is smooth, in that unit.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, as long along each axis as its positions
    """
    field = rng.standard_normal([int((axis[-1] - axis[0]) / scale) + 4 for axis in axes], np.float32)
    for axis in axes:
        position = (axis - axis[0]) / np.float32(scale)
        cell = position.astype(int)
        f = position - cell
        weights = ((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3)
        # The first axis goes and comes back as the last: after three turns they are in order again.
        field = sum(np.moveaxis(np.take(field, cell + k, 0), 0, -1) * (w / 6) for k, w in enumerate(weights))
    return field
