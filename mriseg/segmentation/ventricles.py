"""Whether the fluid of a brain is bright or dark, by where it surely lies: in the ventricles.

At the rim a voxel holds fluid, bone, dura and air at once, and stripped scans end there, so a dark rim says little. The
ventricles lie deep within, and the average brain says where. An affine leaves them some millimeters off, so
they are looked for nearby.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.morphology import distance_to_background
from mriseg.image.resampling import Grid, block_mean
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import atlas

FIGURES_MM = 3.0  # voxel side at which they are looked for
FLUID, DEEP_MM = 0.5, 18.0  # the average brain's ventricles: mostly fluid, and so deep
TISSUE, TISSUE_DEEP_MM, NEAR_MM = 0.15, 10.0, 12.0  # what lies around them: hardly any fluid, and so near
# How far from where the average brain has them they are looked for: to the sides, along and up, mm.
REACH_MM = (3.0, 9.0, 9.0)
LEAST_FLUID, LEAST_TISSUE = 15, 50  # voxels; fewer are not compared

# Brightness that speaks fully for and fully against a contrast, counted towards where its fluid should be. Measured:
# 0.20 to 0.41 on T1 and FLAIR, but -0.05 beside a tumor that closes the ventricles; 0.28 to 0.44 on T2; -0.07 to 0.36
# on PD. On functional images, taken for FLAIR by their dark rim, -0.15 to 0.03.
EXPECTED = {
    Contrast.T1: (-0.05, -0.15),
    Contrast.FLAIR: (-0.05, -0.15),
    Contrast.T2: (0.10, 0.0),
    Contrast.PD: (-0.12, -0.22),
}
# FLAIR is measured with pixels below this, mm; functional and diffusion images have larger ones and pass for FLAIR.
# There the ventricles must be seen dark, not only not bright.
COARSE_MM, EXPECTED_IF_COARSE = 1.7, {Contrast.FLAIR: (0.15, 0.05)}
AGAINST = 10.0  # nats, of full evidence against: as much as all other evidence together


@dataclass(frozen=True)
class Ventricles:
    """What the ventricles say of where fluid is on the scale.

    Attributes
    ----------
    brightness : float
        As from `ventricle_brightness`.
    coarse : bool
        Whether pixels are as large as those of functional images.
    """

    brightness: float
    coarse: bool

    def log_odds(self, contrast: Contrast, inverted: bool) -> float:
        """Nats that they count for a contrast.

        Parameters
        ----------
        contrast : Contrast
            A known one.
        inverted : bool
            Whether the scan is stored with its air bright.

        Returns
        -------
        float
            0 where fluid is where the contrast has it, down to `-AGAINST`.

        Examples
        --------
        >>> bright = Ventricles(brightness=0.3, coarse=False)
        >>> bright.log_odds(Contrast.FLAIR, inverted=False), bright.log_odds(Contrast.T2, inverted=False)
        (-10.0, 0.0)
        """
        demanded = (EXPECTED | EXPECTED_IF_COARSE if self.coarse else EXPECTED)[contrast]
        return self._log_odds(demanded, dark=contrast.fluid_is_dark != inverted)

    def allow(self, order: tuple[Tissue, ...]) -> bool:
        """Whether fluid may be where an order of the tissues has it: unless it is seen at the other end.

        Parameters
        ----------
        order : tuple of Tissue
            From dark to bright as stored.
        """
        dark = order[0] is Tissue.CSF
        expected = [limits for contrast, limits in EXPECTED.items() if contrast.fluid_is_dark == dark]
        return max(self._log_odds(limits, dark=dark) for limits in expected) > -AGAINST / 2

    def _log_odds(self, good_and_bad: tuple[float, float], *, dark: bool) -> float:
        good, bad = good_and_bad
        seen = -self.brightness if dark else self.brightness
        return AGAINST * min(max((seen - bad) / (good - bad) - 1, -1.0), 0.0)


def see_ventricles(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, registration: Registration
) -> Ventricles | None:
    """What the ventricles say; parameters as those of `ventricle_brightness`.

    Returns
    -------
    Ventricles or None
        None where too little of them is seen.
    """
    brightness = ventricle_brightness(data, spacing, mask, registration)
    return None if brightness is None else Ventricles(brightness, coarse=sorted(spacing)[1] >= COARSE_MM)


def ventricle_brightness(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, registration: Registration
) -> float | None:
    """How much brighter the ventricles are than the tissue around them, as probabilities.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, as stored.
    spacing : tuple of float
        Voxel sides, mm.
    mask : ndarray of bool, same shape
        The brain.
    registration : Registration
        Where the average brain lies.

    Returns
    -------
    float or None
        -0.5 (all of their voxels are darker than all around them) to 0.5 (all are brighter): how far the probability
        that a voxel of the ventricles is the brighter of two departs from one half, where they look brightest, less
        the same where they look darkest. None where too little of them is seen.
    """
    image, sides, first = block_mean(data, spacing, FIGURES_MM)
    inside = block_mean(mask.astype(np.float32), spacing, FIGURES_MM)[0] > 0.5
    average, grid = atlas(), Grid(image.shape, sides, first)
    fluid, depth = (registration.warp(m, average, grid) for m in (average.fluid, average.depth))
    ventricles = (fluid > FLUID) & (depth > DEEP_MM)
    if not ventricles.any():
        return None
    near = distance_to_background(~ventricles, sides) < NEAR_MM
    places = np.argwhere(ventricles), np.argwhere(near & (fluid < TISSUE) & (depth > TISSUE_DEEP_MM))
    steps = [range(-n, n + 1) for n in (int(r / side) for r, side in zip(REACH_MM, sides, strict=True))]
    brighter = []
    for step in product(*steps):
        of_fluid, of_tissue = (_values(image, inside, place + np.array(step)) for place in places)
        if len(of_fluid) >= LEAST_FLUID and len(of_tissue) >= LEAST_TISSUE:
            ranks = [np.searchsorted(np.sort(of_tissue), of_fluid, side) for side in ("left", "right")]
            brighter.append(np.mean(ranks) / len(of_tissue))
    return float(max(brighter) + min(brighter) - 1) if brighter else None


def _values(image: np.ndarray, inside: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Intensities at places that lie in the brain."""
    within = ((places >= 0) & (places < image.shape)).all(1)
    at = tuple(places[within].T)
    values: np.ndarray = image[at][inside[at]]
    return values
