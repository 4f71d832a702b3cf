"""How bright healthy tissue is, told before anything is fitted and whatever the contrast: robust, so that a lesion of a
third of the brain does not move it.

References
----------
Robertson, Cryer: An iterative procedure for estimating the mode. Journal of the American Statistical Association 69,
1974 (half-sample mode).
"""

from dataclasses import dataclass

import numpy as np

from mriseg.abnormal.standard_brain import StandardBrain, expectation, smoothed

# Shares of the average brain at which a place is surely of one tissue; fluid only deep in the brain, in the ventricles:
# sulci are thin, and scans without skull end there.
SURELY_WHITE, SURELY_GRAY, MOSTLY_FLUID, DEEP_MM = 0.8, 0.7, 0.45, 15.0
# The affine leaves the ventricles some millimeters off, and choroid plexus can hold contrast agent: the darker quarter
# of what should be ventricles tells whether fluid is bright. It has 0.9 to 1.7 of gray matter on T2 and PD, 0.2 to 0.7
# on T1 and FLAIR, 0.9 on T1 beside a tumor that closes the ventricles.
WHITE_BRIGHTER = 1.05
QUARTER, BRIGHT_FLUID, BRIGHT_FLUID_BESIDE_DARK_WHITE = 25, 0.97, 0.8
MOSTLY_WHITE, MOSTLY_GRAY, LITTLE_FLUID = 0.7, 0.6, 0.25
NOISE_MM = 1.5  # standard deviation of a Gaussian that takes the noise off before a mode is looked for
LEAST_SPREAD = 0.06  # of the brighter tissue: so much a tissue differs from place to place without any noise
LEAST_VOXELS = 50  # of the average brain: fewer tell no level
MAD_TO_SD = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class TissueLevels:
    """Intensities of healthy tissue, arbitrary units.

    Attributes
    ----------
    gray, white, fluid : float
        The most frequent intensity where the average brain has gray and white matter; that of the quarter nearest
        to fluid where it has the ventricles.
    gray_spread, white_spread : float
        Standard deviation on the side of the level where fewer other things are.
    """

    gray: float
    white: float
    fluid: float
    gray_spread: float
    white_spread: float

    @property
    def white_is_bright(self) -> bool:
        """Whether white matter is brighter than gray matter, as on T1."""
        return self.white > WHITE_BRIGHTER * self.gray

    @property
    def fluid_is_bright(self) -> bool:
        """Whether fluid is about as bright as gray matter or brighter."""
        return self.fluid > least_bright_fluid(self.gray, self.white)


def tissue_levels(brain: StandardBrain) -> TissueLevels | None:
    """Levels of the tissues where the average brain has them.

    Parameters
    ----------
    brain : StandardBrain

    Returns
    -------
    TissueLevels or None
        None where too little of a tissue is in view.
    """
    expected, x = expectation(), brain.intensities
    quiet = smoothed(x, brain.mask, NOISE_MM)
    white = brain.mask & (expected.white > SURELY_WHITE)
    gray = brain.mask & (expected.gray > SURELY_GRAY)
    fluid = brain.mask & (expected.fluid > MOSTLY_FLUID) & (expected.depth > DEEP_MM)
    if min(np.count_nonzero(of_tissue) for of_tissue in (white, gray, fluid)) < LEAST_VOXELS:
        return None
    of_white, of_gray = half_sample_mode(quiet[white]), half_sample_mode(quiet[gray])
    about_white = brain.mask & (expected.white > MOSTLY_WHITE)
    about_gray = brain.mask & (expected.gray > MOSTLY_GRAY) & (expected.fluid < LITTLE_FLUID)
    dark_fluid, bright_fluid = np.percentile(quiet[fluid], [QUARTER, 100 - QUARTER])
    of_fluid = float(bright_fluid if dark_fluid > least_bright_fluid(of_gray, of_white) else dark_fluid)
    least = LEAST_SPREAD * max(of_gray, of_white)
    spreads = (narrower_spread(x[about_gray], of_gray), narrower_spread(x[about_white], of_white))
    return TissueLevels(of_gray, of_white, of_fluid, *(max(spread, least) for spread in spreads))


def least_bright_fluid(gray: float, white: float) -> float:
    """From where on the darker quarter of the ventricles tells of bright fluid.

    Parameters
    ----------
    gray, white : float
        Levels of the tissues.

    Returns
    -------
    float
        Intensity, arbitrary units.
    """
    return (BRIGHT_FLUID if white > gray else BRIGHT_FLUID_BESIDE_DARK_WHITE) * gray


def half_sample_mode(values: np.ndarray) -> float:
    """The most frequent value, found by halving: the narrowest half, of that the narrowest half, and so on.

    Parameters
    ----------
    values : ndarray of shape (n,)
        At least one.

    Returns
    -------
    float
        Outliers do not move it while they are fewer than what lies together.

    Examples
    --------
    >>> half_sample_mode(np.array([1.0, 5.0, 5.2, 5.5, 9.0, 20.0, 30.0]))
    5.1
    """
    ordered = np.sort(values)
    while len(ordered) > 3:
        half = (len(ordered) + 1) // 2
        start = int(np.argmin(ordered[half - 1 :] - ordered[: len(ordered) - half + 1]))
        ordered = ordered[start : start + half]
    return float(np.median(ordered))


def narrower_spread(values: np.ndarray, level: float) -> float:
    """Standard deviation about a level, by the median distance on the side where values lie nearer.

    Parameters
    ----------
    values : ndarray of shape (n,)
    level : float

    Returns
    -------
    float
        0 where nothing lies on one side.
    """
    sides = values[values > level] - level, level - values[values < level]
    return float(min(MAD_TO_SD * np.median(side) if len(side) else 0.0 for side in sides))
