"""Where each tissue is to be expected: zones of the average brain, laid over the scan by its registration.

A zone is all places where the average brain holds about the same shares of fluid, gray and white matter. The mixture
has weights of its own in each zone. The average brain says what they should be, at a fifth of the weight of the scan
itself: so lesions, atrophy and wide ventricles win against it, and where intensity cannot tell, position does.

References
----------
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (tissue maps as priors in a mixture).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy

from mriseg.image.resampling import Grid, interpolate_separable, parts
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, MEAN_SHARES, Atlas

# An affine leaves the cortex some millimeters off; blurred by so much (standard deviation, mm) the average brain
# promises no more than it can keep. Between 2 and 4 the labels are nearly the same.
BLUR_MM = 3.0
LEAST_SHARE = 0.02  # nowhere is any tissue impossible
FLUID_EDGES = (0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8)  # expected share of fluid at which zones part
WHITE_EDGES = (0.08, 0.16, 0.3, 0.45, 0.6, 0.75, 0.88, 0.95)  # and of white matter in what is no fluid
# MNI mm. Thalamus, caudate, putamen and pallidum lie here and are brighter than cortex on T1, as they hold myelin.
DEEP_NUCLEI = ((-36.0, 36.0), (-40.0, 25.0), (-14.0, 24.0))


@dataclass(frozen=True, eq=False)
class PriorZones:
    """Parts of a scan and the tissue to expect in each.

    Attributes
    ----------
    index : ndarray of uint8, shape (i, j) or (i, j, k)
        Zone of each voxel.
    shares : ndarray of shape (zones, 3)
        Expected shares of fluid, gray and white matter; rows sum to 1.
    deep : ndarray of shape (zones,)
        1 where a zone lies about the deep nuclei, else 0.
    """

    index: np.ndarray
    shares: np.ndarray
    deep: np.ndarray

    def __len__(self) -> int:
        return len(self.shares)


def uniform_prior(shape: tuple[int, ...]) -> PriorZones:
    """The whole as one zone, where position is not known.

    Parameters
    ----------
    shape : tuple of int
        Of the grid.

    Returns
    -------
    PriorZones
        Expects the shares of a whole average brain.

    Examples
    --------
    >>> prior = uniform_prior((4, 5))
    >>> len(prior), prior.index.shape
    (1, (4, 5))
    """
    return PriorZones(np.broadcast_to(np.uint8(0), shape), np.array([MEAN_SHARES]), np.zeros(1))


def prior_zones(
    registration: Registration,
    atlas: Atlas,
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    first_voxel_mm: np.ndarray,
) -> PriorZones:
    """Part a brain by what the average brain holds there.

    Parameters
    ----------
    registration : Registration
    atlas : Atlas
    mask : ndarray of bool, shape (i, j, k)
        The brain; at least one voxel.
    spacing : tuple of float
        Voxel sides, mm.
    first_voxel_mm : ndarray of shape (3,)
        Position of the mask's first voxel, mm along the scan's canonical axes.

    Returns
    -------
    PriorZones
        On the mask's grid, only zones that hold a voxel; outside the mask the index is 0 and says nothing.
    """
    # The maps are smooth: carried to every other millimeter and drawn between, in a quarter of the time.
    steps = [max(1, int(ATLAS_MM / side)) for side in spacing]
    coarse = tuple((n - 1) // step + 2 for n, step in zip(mask.shape, steps, strict=True))
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    grid = Grid(coarse, sides, first_voxel_mm)
    positions = [np.arange(n) / step for n, step in zip(mask.shape, steps, strict=True)]

    def warped(values: np.ndarray) -> np.ndarray:
        return registration.warp(values, atlas, grid)

    maps = [warped(values) for values in smooth_maps(atlas)]
    kinds = 2 * (len(FLUID_EDGES) + 1) * (len(WHITE_EDGES) + 1)
    index = np.zeros(mask.shape, np.uint8)
    voxels, sums = np.zeros(kinds, np.intp), np.zeros((3, kinds))
    for part in parts(mask.shape):
        at = [positions[0][part], *positions[1:]]
        fluid, white, deep = (interpolate_separable(values, at) for values in maps)
        deep = deep > 0.5
        kind = np.digitize(fluid, FLUID_EDGES).astype(np.int16) * (len(WHITE_EDGES) + 1)
        kind += np.digitize(white / (1 - fluid), WHITE_EDGES).astype(np.int16)
        kind += deep * np.int16(kinds // 2)
        index[part] = kind
        inside = mask[part]
        voxels += np.bincount(kind[inside], minlength=kinds)
        for total_of, values in zip(sums, (fluid, white, deep), strict=True):
            np.add.at(total_of, kind[inside], values[inside].astype(float))  # voxel by voxel, as if counted in one
    used = np.flatnonzero(voxels)
    number = np.zeros(kinds, np.uint8)
    number[used] = np.arange(len(used))
    for part in parts(mask.shape):
        index[part] = number[index[part]] * mask[part]
    fluid, white, deep = sums[:, used] / voxels[used]
    return PriorZones(index, np.stack([fluid, 1 - fluid - white, white], 1), deep)


@lru_cache(maxsize=1)  # of the one average brain: 13 MB, a third of the time on a coarse scan
def smooth_maps(atlas: Atlas) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of fluid and of white matter in the average brain, blurred and never 0, and its deep nuclei.

    Parameters
    ----------
    atlas : Atlas

    Returns
    -------
    fluid, white, deep : ndarray of float32, on the grid of the average brain
        `deep` is 1 about the deep nuclei, else 0.
    """
    gray, white = (
        scipy.ndimage.gaussian_filter(m, BLUR_MM / ATLAS_MM, truncate=2.5) for m in (atlas.gray, atlas.white)
    )
    fluid = 1 - gray - white
    fluid, gray, white = (np.maximum(share, LEAST_SHARE) for share in (fluid, gray, white))
    total = fluid + gray + white
    where = [atlas.origin[a] + ATLAS_MM * np.arange(n) for a, n in enumerate(gray.shape)]
    within = [(low < at) & (at < high) for at, (low, high) in zip(where, DEEP_NUCLEI, strict=True)]
    deep = (within[0][:, None, None] & within[1][:, None] & within[2]).astype(np.float32)
    return fluid / total, white / total, deep
