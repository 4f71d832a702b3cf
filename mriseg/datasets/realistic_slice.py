"""An axial slice of a head that looks like one, with known tissues.

Where `mriseg.datasets.phantom` makes flat patches to measure with, this makes a slice to look at, and to try everything
on: the folds, nuclei and ventricles of the average brain bent into those of one person, vessels, membranes, skull and
scalp, texture within each kind of matter, a coil's shading, the scanner's finite resolution and its noise.

References
----------
Gudbjartsson, Patz: The Rician distribution of noisy MRI data. Magn Reson Med 34, 1995.
Fonov et al.: Unbiased average age-appropriate atlases for pediatric studies. NeuroImage 54, 2011 (the average brain).
"""

from dataclasses import dataclass

import numpy as np

from mriseg.core.tissue import BACKGROUND, Contrast, Tissue
from mriseg.datasets.slice_brain import SlicePlane, make_brain, ramp
from mriseg.datasets.slice_surroundings import distance_to_cranium, edge, falx, layers, plexus, sinus, vessels

PIXEL_MM, FINER = 0.8, 2  # side of a pixel, and into how many it is divided while the anatomy is made
FIELD_OF_VIEW = ((-92.0, 92.0), (-126.0, 98.0))  # mm to the right and to the front
HEIGHT_MM = 9.0  # MNI: ventricles, basal ganglia, thalamus, insula
# Signal of each kind of matter as a share of the brightest tissue, as usual scans show it: of a prepared gradient echo
# (T1), where blood flows in bright, and of a turbo spin echo (T2), from which it has flowed out. The equations of
# `phantom.Sequence` leave out both, and the fat that such sequences keep bright or suppress.
SIGNAL = {
    Contrast.T1: {
        "GM": 0.68,
        "WM": 1.0,
        "CSF": 0.22,
        "dura": 0.42,
        "bone": 0.06,
        "marrow": 0.66,
        "muscle": 0.52,
        "fat": 1.22,
        "skin": 0.62,
        "vessel": 1.35,
        "plexus": 0.5,
        "falx": 0.42,
        "sinus": 0.75,
    },
    Contrast.T2: {
        "GM": 0.46,
        "WM": 0.34,
        "CSF": 1.0,
        "dura": 0.1,
        "bone": 0.04,
        "marrow": 0.34,
        "muscle": 0.16,
        "fat": 0.58,
        "skin": 0.24,
        "vessel": 0.04,
        "plexus": 0.64,
        "falx": 0.12,
        "sinus": 0.08,
    },
}
# Standard deviations of what varies within a matter, as a share of its signal, and over how many mm.
TEXTURE = {
    "GM": ((0.006, 14.0), (0.018, 2.2)),
    "WM": ((0.009, 18.0), (0.012, 2.6), (0.012, 1.3)),
    "CSF": ((0.05, 10.0), (0.05, 2.2)),
    "marrow": ((0.13, 30.0), (0.09, 7.0), (0.12, 1.8)),
    "muscle": ((0.06, 6.0), (0.10, 2.0)),
    "fat": ((0.05, 7.0), (0.08, 1.8)),
    "skin": ((0.10, 1.8),),
    "sinus": ((0.06, 2.2),),
}
FAINT_SHARE = 1e-3
FIELD_SD = 0.5  # of `SlicePlane.noise`
MYELIN, MYELIN_MM = 0.28, 2.5  # of the way from gray to white, that the cortex is nearer to it at its inner side
STREAKS = 0.5  # share of fat in the streaks of a muscle
SEPTA = 0.25  # by which fat is darker between its lobules
SHADING, RINGING = (0.09, 0.10), 0.7  # of the coil, uneven and toward the rim; share of k-space left as it was
NOISE = {Contrast.T1: 0.034, Contrast.T2: 0.027}  # standard deviation, as a share of the brightest tissue


@dataclass(frozen=True, eq=False)
class RealisticSlice:
    """The anatomy of a slice, on a grid `FINER` than its pixels.

    Attributes
    ----------
    matter : dict of str to ndarray of float32, shape (x, y)
        Share of each kind of matter; axes to the right and to the front.
    truth : ndarray of uint8, shape (rows, columns)
        Tissue that most of a pixel is, 0 outside the skull; as a radiologist hangs it: front at the top, the patient's
        left at the right. Vessels and membranes count as the fluid that they lie in.
    seed : int
    """

    matter: dict[str, np.ndarray]
    truth: np.ndarray
    seed: int


def make_slice(seed: int = 0) -> RealisticSlice:
    """Make the anatomy of a slice.

    Parameters
    ----------
    seed : int
        Equal seeds give equal slices.

    Returns
    -------
    RealisticSlice

    Raises
    ------
    MrisegError
        If the installed nilearn does not hold the average brain.
    """
    plane = _plane(seed)
    brain = make_brain(plane)
    outside = distance_to_cranium(plane, brain)
    cranial = edge(-outside)
    tissues = {
        "GM": brain.gray * cranial,
        "WM": brain.white * cranial,
        "CSF": np.where(brain.mask, brain.fluid, 1) * cranial,
    }
    truth = _truth(tissues)
    matter = tissues | layers(plane, outside)
    for name, part in (("vessel", vessels), ("plexus", plexus), ("falx", falx)):
        _put(matter, name, part(plane, brain))
    _put(matter, "sinus", sinus(plane, brain, outside))
    return RealisticSlice(matter, truth, seed)


def simulate_slice(anatomy: RealisticSlice, contrast: Contrast) -> np.ndarray:
    """Scan a slice.

    Parameters
    ----------
    anatomy : RealisticSlice
    contrast : Contrast
        T1 or T2.

    Returns
    -------
    ndarray of float, shape (rows, columns)
        Magnitudes, 1 for the brightest tissue; pixels of `PIXEL_MM`, hung as the truth is.
    """
    plane, signal = _plane(anatomy.seed, "texture"), SIGNAL[contrast]
    image = np.zeros((len(plane.x), len(plane.y)), np.float32)
    for name, share in anatomy.matter.items():
        level = np.full(share.shape, signal[name], np.float32)
        for sd, scale in TEXTURE.get(name, ()):
            level *= 1 + sd / FIELD_SD * plane.noise(scale)
        if name == "GM":
            inner = plane.blurred(anatomy.matter["WM"], MYELIN_MM) - 0.35
            level += MYELIN * (signal["WM"] - signal["GM"]) * np.clip(inner, -0.35, 0.35)
        elif name == "muscle":
            level += STREAKS * (signal["fat"] - level) * ramp(0.55, 1.3, plane.noise(5.0) + 0.6 * plane.noise(2.2))
        elif name == "fat":
            level *= 1 - SEPTA * ramp(0.4, 0.05, np.abs(plane.noise(4.0)))
        image += share * level
    image *= _shading(plane)
    return _hung(_scanned(image, NOISE[contrast], plane.rng))


def _plane(seed: int, what: str = "anatomy") -> SlicePlane:
    """The grid of the anatomy, with a chance of its own for what is made on it."""
    side = PIXEL_MM / FINER
    x, y = (np.arange(low + side / 2, high, side, dtype=np.float32) for low, high in FIELD_OF_VIEW)
    return SlicePlane(x, y, HEIGHT_MM, np.random.default_rng([seed, *what.encode()]))


def _put(matter: dict[str, np.ndarray], name: str, share: np.ndarray) -> None:
    """Put something in the place of what was there, whose shares are changed."""
    there = share > FAINT_SHARE
    for other in matter.values():
        other[there] *= 1 - share[there]
    matter[name] = np.where(there, share, 0)


def _truth(tissues: dict[str, np.ndarray]) -> np.ndarray:
    """The tissue that most of each pixel is."""
    first = next(iter(tissues.values()))
    rows, columns = (n // FINER for n in first.shape)
    shares = np.stack(
        [tissues[t.abbreviation].reshape(rows, FINER, columns, FINER).mean((1, 3)) for t in Tissue]  # in their order
    )
    numbers = np.array([tissue.number for tissue in Tissue], np.uint8)
    return _hung(np.where(shares.sum(0) > 0.5, numbers[shares.argmax(0)], np.uint8(BACKGROUND)))


def _shading(plane: SlicePlane) -> np.ndarray:
    """By which the coil multiplies the signal: surface coils see the rim of a head brighter than its middle."""
    x, y = plane.grid
    uneven, rim = SHADING
    return 1 + uneven * plane.noise(110.0) + rim * ((x / 90) ** 2 + ((y + 14) / 110) ** 2 - 0.6)


def _scanned(image: np.ndarray, sd: float, rng: np.random.Generator) -> np.ndarray:
    """What a scanner makes of an image: it samples the middle of its Fourier transform, with noise."""
    frequencies = np.fft.fftshift(np.fft.fft2(image))
    for axis, n in enumerate(image.shape):
        kept, first = n // FINER, (n - n // FINER) // 2
        frequencies = np.take(frequencies, np.arange(first, first + kept), axis)
        # From the middle of a pixel of the fine grid to that of the coarse.
        cycles = np.arange(kept) - (n // 2 - first)
        shift = np.exp(2j * np.pi * cycles / n * (FINER - 1) / 2)
        edge = ramp(1.08, RINGING, np.abs(cycles) / (kept / 2))
        frequencies *= np.expand_dims(shift * edge, 1 - axis)
    signal = np.fft.ifft2(np.fft.ifftshift(frequencies)) / FINER**2
    noise = rng.standard_normal((2, *signal.shape))
    return np.abs(signal + sd * (noise[0] + 1j * noise[1]))


def _hung(image: np.ndarray) -> np.ndarray:
    """From axes to the right and to the front, to rows from the front and columns from the patient's right."""
    return np.ascontiguousarray(image[::-1, ::-1].T)
