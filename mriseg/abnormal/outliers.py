"""Parts of a brain that no healthy tissue explains, told by intensity and place before anything is fitted.

Bright parts begin at seeds that are brighter than any tissue by several spreads once the noise is smoothed. Each grows
to where the intensity has fallen half the way to what is expected of the place: there a voxel holds as much of the one
as of the other. What such parts enclose, as a rim encloses a dark core, belongs to them. Other parts are nearer to
fluid than their place in the average brain and than their counterpart in the other hemisphere, and thick, so that wide
ventricles and sulci are none; they grow in the same way.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import scipy

from mriseg.abnormal.levels import DEEP_MM, MOSTLY_FLUID, NOISE_MM, TissueLevels, tissue_levels
from mriseg.abnormal.parts import enclosed_by, large_parts, touching
from mriseg.abnormal.standard_brain import StandardBrain, expectation, smoothed
from mriseg.image.morphology import distance_to_background
from mriseg.registration.atlas import ATLAS_MM

# Spreads above the brightest tissue. In white matter 2.75 sees the lesions of multiple sclerosis on FLAIR; elsewhere
# limbic cortex, what lines the ventricles and vessels are 4 above. Before the bias field is divided out only what is
# farther off counts. What a seed hangs together with is above `BRIGHT_GROWTH`.
SEED_IN_WHITE, SEED_ELSEWHERE, FARTHER_IF_SHADED, BRIGHT_GROWTH = 2.75, 4.5, 1.5, 1.75
HALF_WAY = 0.5
REACH_MM = 5.0  # standard deviation of the Gaussian by which the seeds' intensity is known around them,
LEAST_WEIGHT = 1e-4  # as far as it is no less than that
LEAST_BRIGHT_ML = 0.1  # a smaller part is noise or a vessel
FLUID_PLACE = 0.7  # expected share of fluid above which a bright voxel is pulsation or a vessel

# On T1 contrast agent makes vessels, sinuses and dura bright: thin things so near to the surface of the average brain.
RIM_MM = 8.0

# A dark part is so many spreads darker than its place. Where so much of its border is abnormal it is enclosed: 0.76 to
# 0.83 at the cores of gliomas, up to 0.6 at ventricles between lesions of multiple sclerosis. Its border is looked for
# so near: between a rim and its core lie voxels of both, of any brightness.
ENCLOSED_DARK, LEAST_CONTACT, BORDER_MM = 1.75, 0.7, 8.0
LITTLE_FLUID = 0.35  # expected share of fluid up to which a dark part is neither ventricle nor sulcus

# Parts nearer to fluid than their place, in spreads: dark on T1 and FLAIR, bright on T2 and PD. Healthy heads hold up
# to 1.2 mL that is so beside a counterpart that is not, gliomas on T1 3 to 25.
QUIET_MM = 2.0  # standard deviation of the Gaussian that takes the noise off
SHIFT_SEED, COUNTERPART_SHIFT, SHIFT_GROWTH, COUNTERPART_GROWTH = 1.5, 1.0, 1.0, 2.0
THICK_MM = 4.0  # radius of a ball that must fit in
LEAST_SHIFTED_ML = 2.0
# Of the way from fluid to gray matter: ventricles pushed aside have -0.2 to 0.1, cysts with protein 0.3, edema 0.65.
# What is nearer to fluid may be fluid,
LEAST_FROM_FLUID = 0.25
# unless half of it is so deep and so far from the ventricles of the average brain: 15 to 20 mm in cysts, 12 to 15 in a
# ventricle that a tumor pushed aside,
DEEP_PART_MM, FAR_MM = 15.0, 17.0
NEAR_MM, LEAST_NEAR = 8.0, 20  # or so many of its voxels lie so near to a bright part
SHIFT_REACH_MM, SHIFT_FLUID_PLACE = 12.0, 0.5


def abnormal_parts(brain: StandardBrain, *, is_shaded: bool = False) -> np.ndarray:
    """What is unlike any tissue where it lies.

    Parameters
    ----------
    brain : StandardBrain
    is_shaded : bool
        Whether the bias field was not divided out yet.

    Returns
    -------
    ndarray of bool, shape of the brain
        Nothing where the tissues' levels are not known.
    """
    levels, parts = tissue_levels(brain), np.zeros(brain.mask.shape, bool)
    if levels is None:
        return parts
    healthy = _Healthy(levels)
    if not levels.fluid_is_bright:  # else a bright part may be fluid
        parts = _bright_parts(brain, healthy, FARTHER_IF_SHADED if is_shaded else 0.0)
        parts = _with_enclosed(brain, parts, healthy)
    if levels.white_is_bright:
        parts = _without_vessels(parts, LEAST_BRIGHT_ML / brain.voxel_ml)
    return parts | _parts_like_fluid(brain, parts, healthy)


@dataclass(frozen=True, eq=False)
class _Healthy:
    """What healthy tissue looks like at each place of the average brain."""

    levels: TissueLevels

    @cached_property
    def brightness(self) -> np.ndarray:
        """Expected intensity."""
        place, levels = expectation(), self.levels
        return place.white * levels.white + place.gray * levels.gray + place.fluid * levels.fluid

    @property
    def brightest(self) -> float:
        """The level of the brighter tissue: cortex may lie where the average brain has white matter."""
        return max(self.levels.white, self.levels.gray)

    @cached_property
    def brightest_here(self) -> np.ndarray:
        """The level of the brighter tissue that the average brain has at a place."""
        white = expectation().white
        return white * self.levels.white + (1 - white) * self.brightest

    @cached_property
    def spread(self) -> np.ndarray:
        """Standard deviation."""
        white, levels = expectation().white, self.levels
        return white * levels.white_spread + (1 - white) * levels.gray_spread


def _bright_parts(brain: StandardBrain, healthy: _Healthy, farther: float) -> np.ndarray:
    """Seeds brighter than any tissue, by so many spreads farther than usual, grown to half way."""
    x, mask, white = brain.intensities, brain.mask, expectation().white
    seed = white * SEED_IN_WHITE + (1 - white) * SEED_ELSEWHERE + farther
    quiet = smoothed(x, mask, NOISE_MM)
    seeds = mask & (quiet > healthy.brightest + seed * healthy.spread) & (expectation().fluid < FLUID_PLACE)
    seeds &= touching(mask & (x > healthy.brightest_here + BRIGHT_GROWTH * healthy.spread), seeds)
    if not seeds.any():
        return seeds
    brightness, known = _spread_out(x, seeds, REACH_MM)
    rise = np.maximum(BRIGHT_GROWTH * healthy.spread, HALF_WAY * (brightness - healthy.brightest_here))
    grown = mask & known & (x > healthy.brightest_here + rise)
    return large_parts(touching(grown, seeds), LEAST_BRIGHT_ML / brain.voxel_ml)


def _without_vessels(parts: np.ndarray, least_voxels: float) -> np.ndarray:
    """The same without what is thin, lies at the surface and has nothing thick beside it."""
    thick = scipy.ndimage.binary_opening(parts, _ball(THICK_MM))
    beside = scipy.ndimage.binary_dilation(thick, iterations=round(NEAR_MM / ATLAS_MM)) if thick.any() else thick
    return large_parts(parts & (beside | (expectation().depth >= RIM_MM)), least_voxels)


def _with_enclosed(brain: StandardBrain, bright: np.ndarray, healthy: _Healthy) -> np.ndarray:
    """The bright parts with the dark ones that they enclose and what lies between."""
    if not bright.any():
        return bright
    x, steps = smoothed(brain.intensities, brain.mask, QUIET_MM), round(BORDER_MM / ATLAS_MM)
    dark = brain.mask & ~bright & (x < healthy.brightness - ENCLOSED_DARK * healthy.spread)
    dark = scipy.ndimage.binary_opening(dark & (expectation().fluid < LITTLE_FLUID))
    return enclosed_by(bright, dark, brain.mask, least_contact=LEAST_CONTACT, steps=steps)


def _parts_like_fluid(brain: StandardBrain, bright: np.ndarray, healthy: _Healthy) -> np.ndarray:
    """Thick parts nearer to fluid than their place and than their counterpart, grown to half way."""
    x, mask = smoothed(brain.intensities, brain.mask, QUIET_MM), brain.mask
    toward_fluid = 1 if healthy.levels.fluid_is_bright else -1
    shift = np.where(mask, toward_fluid * (x - healthy.brightness) / healthy.spread, 0)
    counterpart = shift[::-1]  # the average brain is symmetric
    beside = scipy.ndimage.binary_dilation((counterpart > COUNTERPART_SHIFT) | ~mask[::-1])
    seeds = mask & ~bright & (shift > SHIFT_SEED) & (expectation().fluid < LITTLE_FLUID) & ~beside
    seeds = scipy.ndimage.binary_opening(seeds, _ball(THICK_MM))
    seeds = _credible(brain, seeds, x, bright=bright, levels=healthy.levels)
    if not seeds.any():
        return seeds
    of_seeds, known = _spread_out(shift, seeds, SHIFT_REACH_MM)
    grown = mask & ~bright & known & (shift > np.maximum(SHIFT_GROWTH, HALF_WAY * of_seeds))
    grown &= (expectation().fluid < SHIFT_FLUID_PLACE) & (counterpart <= COUNTERPART_GROWTH)
    return touching(scipy.ndimage.binary_opening(grown) | seeds, seeds)


def _credible(
    brain: StandardBrain, seeds: np.ndarray, x: np.ndarray, *, bright: np.ndarray, levels: TissueLevels
) -> np.ndarray:
    """The parts that lie at a bright one, or are large and neither a ventricle that was pushed aside nor a sulcus."""
    number, count = scipy.ndimage.label(seeds)
    if not count:
        return seeds
    near = scipy.ndimage.binary_dilation(bright, iterations=round(NEAR_MM / ATLAS_MM)) if bright.any() else bright
    beside_bright = np.bincount(number[near], minlength=count + 1) > LEAST_NEAR
    is_large = np.bincount(number.ravel(), minlength=count + 1) * brain.voxel_ml > LEAST_SHIFTED_ML
    of_part = partial(scipy.ndimage.median, labels=number, index=np.arange(count + 1))
    way = levels.gray - levels.fluid
    is_no_fluid = (of_part(x) - levels.fluid) * np.sign(way) > LEAST_FROM_FLUID * max(abs(way), levels.gray_spread)
    is_far = (of_part(_from_ventricles_mm()) > FAR_MM) & (of_part(expectation().depth) > DEEP_PART_MM)
    keep = beside_bright | (is_large & (is_no_fluid | is_far))
    if not (levels.fluid_is_bright or levels.white_is_bright):
        keep = is_large & is_far  # on FLAIR what lies between tissue and fluid is a voxel of both
    keep[0] = False
    return keep[number]


@lru_cache(maxsize=1)
def _from_ventricles_mm() -> np.ndarray:
    """Distance to the ventricles of the average brain, mm."""
    place = expectation()
    ventricles = (place.fluid > MOSTLY_FLUID) & (place.depth > DEEP_MM)
    return distance_to_background(~ventricles, (ATLAS_MM,) * 3)


def _spread_out(values: np.ndarray, seeds: np.ndarray, sd_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """The seeds' values around them, and where that is known."""
    sd = sd_mm / ATLAS_MM
    weight = scipy.ndimage.gaussian_filter(seeds.astype(np.float32), sd)
    total = scipy.ndimage.gaussian_filter(np.where(seeds, values, np.float32(0)), sd)
    known = weight > LEAST_WEIGHT
    return np.divide(total, weight, out=np.zeros_like(total), where=known), known


def _ball(radius_mm: float) -> np.ndarray:
    """The voxels of the average brain within a radius, as a structuring element."""
    radius = round(radius_mm / ATLAS_MM)
    squares = np.square(np.arange(-radius, radius + 1))
    return squares[:, None, None] + squares[:, None] + squares <= radius**2
