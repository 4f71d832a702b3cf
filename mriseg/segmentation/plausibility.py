"""Whether the shares of the tissues can be those of a living brain: of a whole one, or of a slice of one.

How much fluid a slice holds, and how gray matter compares with white, depends on where it is cut: near the vertex most
is cortex and fluid, beside the ventricles most is white matter, through the middle much is the fluid between the
hemispheres. So each plane has regions of its own. The ranges were measured on adults of all ages, one with much atrophy
(`benchmarks/shares.py`), and made wider by what other heads and a segmentation's own errors add. A slice of which
nobody knows where it is cut has the widest of them.

Of whole brains the literature says more. Fluid is 8 to 12 % of the cavity in the young and 20 to 30 % at 80 years; with
severe atrophy it reaches 40 %. More than half is seen in extreme hydrocephalus alone.

References
----------
Lüders, Steinmetz, Jäncke: Brain size and grey matter volume in the healthy human brain. NeuroReport 13, 2002.
Good et al.: A voxel-based morphometric study of ageing in 465 normal adult human brains. NeuroImage 14, 2001.
Vågberg, Granåsen, Svenningsson: Brain parenchymal fraction in healthy adults, a systematic review of the literature.
PLoS ONE 12, 2017 (.76 to .93).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mriseg.core.decimals import percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.scan import Scan
from mriseg.core.tissue import Tissue
from mriseg.registration.slice import SliceLevel
from mriseg.segmentation.brain_size import shows_whole_brain
from mriseg.segmentation.result import Result

Range = tuple[float, float]

BRAIN_MM = ((-70.0, 70.0), (-106.0, 72.0), (-70.0, 82.0))  # from end to end of the average brain, along its axes
LEVEL_MM = 8.0  # by which the level of a slice may be mistaken


@dataclass(frozen=True)
class Region:
    """A part of the brain along one axis, whose slices across it are much alike.

    Attributes
    ----------
    name : str
    within_mm : tuple of float
        From where to where along the axis of the average brain.
    fluid : tuple of float
        Least and largest share of fluid in brain and fluid.
    ratio : tuple of float
        Least and largest ratio of gray to white matter.
    """

    name: str
    within_mm: Range
    fluid: Range
    ratio: Range


# What was measured on the heads for tuning, the most fluid made larger by a fifth, ratios wider by a factor of 1.5. Of
# fluid a third of the least: a tight mask and a scan whose sulci are thinner than its voxels have so little.
REGIONS = (
    (
        Region("midline", (-8.0, 8.0), fluid=(0.07, 0.75), ratio=(0.65, 4.7)),
        Region("middle", (-54.0, 54.0), fluid=(0.03, 0.60), ratio=(0.5, 4.0)),
        Region("sides", (-np.inf, np.inf), fluid=(0.03, 0.80), ratio=(1.1, np.inf)),
    ),
    (
        Region("middle", (-90.0, 46.0), fluid=(0.03, 0.68), ratio=(0.5, 4.4)),
        Region("ends", (-np.inf, np.inf), fluid=(0.03, 0.96), ratio=(0.8, np.inf)),
    ),
    (
        Region("middle", (-38.0, 58.0), fluid=(0.03, 0.62), ratio=(0.36, 5.9)),
        Region("ends", (-np.inf, np.inf), fluid=(0.03, 1.0), ratio=(0.0, np.inf)),  # down to the medulla
    ),
)
# A slice of an unknown level, or a slab.
ANY_PART = Region("any part", (-np.inf, np.inf), fluid=(0.03, 0.75), ratio=(0.36, 5.9))
WHOLE = Region("whole", (-np.inf, np.inf), fluid=(0.03, 0.50), ratio=(0.6, 2.5))
MUCH_FLUID = 0.42  # of a whole brain: more than with severe atrophy
FAR = 2.0  # a ratio farther outside by this factor belongs to no brain


def region_of_slice(axis: int, level_mm: float) -> Region:
    """The part of the brain that a slice is of.

    Parameters
    ----------
    axis : int
        Of the average brain, across the slice.
    level_mm : float
        Along that axis, mm.

    Returns
    -------
    Region
    """
    within = (region for region in REGIONS[axis] if region.within_mm[0] <= level_mm <= region.within_mm[1])
    return next(within, REGIONS[axis][-1])


def plausible_slice(level: SliceLevel | None) -> tuple[Range, Range]:
    """How much fluid a slice may hold, and how gray matter may compare with white.

    Parameters
    ----------
    level : SliceLevel or None
        Where it is cut, if that is known.

    Returns
    -------
    fluid, ratio : tuple of float
        Least and largest, of all regions that the slice may be of.

    Examples
    --------
    >>> plausible_slice(SliceLevel(2, 10.0, pixel_mm=1.0))
    ((0.03, 0.62), (0.36, 5.9))
    """
    if level is None:
        return ANY_PART.fluid, ANY_PART.ratio
    levels = (level.level_mm - LEVEL_MM, level.level_mm, level.level_mm + LEVEL_MM)
    regions = [region_of_slice(level.axis, at) for at in levels]
    return _widest([region.fluid for region in regions]), _widest([region.ratio for region in regions])


def implausible_shares(scan: Scan, result: Result) -> Iterator[Finding]:
    """What to say of shares that no living brain has, or hardly one.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Yields
    ------
    Finding
    """
    is_whole = shows_whole_brain(scan, result)
    if is_whole:
        fluid, ratio = WHOLE.fluid, WHOLE.ratio
    elif result.labels.ndim == 2:
        fluid, ratio = plausible_slice(result.brain.level)
    else:
        fluid, ratio = ANY_PART.fluid, ANY_PART.ratio
    yield from _fluid(result.fractions[Tissue.CSF], fluid, is_whole=is_whole)
    if result.gray_white_apart and {Tissue.GM, Tissue.WM} <= set(result.mixture.tissues):
        yield from _ratio(result.quality.get("gm_wm_ratio", np.inf), ratio)


def _fluid(share: float, within: Range, *, is_whole: bool) -> Iterator[Finding]:
    """Whether there is more fluid than in any brain, or less."""
    least, most = within
    part = "a brain" if is_whole else "such a part of a brain"
    figures = f"Fluid is {percent(share)}, gray and white matter together {percent(1 - share)}"
    look = (
        "Check the overlay: the brain outline or the contrast is wrong. Set both to automatic, or choose the contrast."
    )
    if share > most:
        yield Finding(
            FindingCode.TOO_MUCH_FLUID,
            Level.NOT,
            f"{figures}; at most {percent(most)} of {part} is fluid, except in extreme hydrocephalus.",
            look,
        )
    elif is_whole and share > MUCH_FLUID:
        says = f"{figures}; more than {percent(MUCH_FLUID)} of fluid is unusual even with severe atrophy."
        yield Finding(FindingCode.TOO_MUCH_FLUID, Level.CARE, says, look)
    elif share < least:
        yield Finding(
            FindingCode.TOO_LITTLE_FLUID,
            Level.CARE,
            f"{figures}; {part} has at least {percent(least)} of fluid.",
            "Check the ventricles in the overlay. If the outline leaves fluid out, use gray and white matter only.",
        )


def _ratio(ratio: float, within: Range) -> Iterator[Finding]:
    """Whether gray and white matter are in proportion."""
    least, most = within
    if least <= ratio <= most:
        return
    is_far = not least / FAR <= ratio <= most * FAR
    yield Finding(
        FindingCode.UNUSUAL_RATIO,
        Level.NOT if is_far else Level.CARE,
        f"The ratio of gray to white matter is unusual: {ratio:.1f}, expected {least:.1f} to {most:.1f} here.",
        "Check the labels: voxels of one may be labeled as the other.",
    )


def _widest(ranges: list[Range]) -> Range:
    return min(least for least, _ in ranges), max(most for _, most in ranges)
