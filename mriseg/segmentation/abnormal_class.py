"""Abnormal tissue as a class that competes with the tissues for each voxel.

Its density is that of the intensities where it was seen, smoothed, over a floor that is as likely everywhere: a lesion
is seldom of one brightness. Its share is high where it was seen, low beside, and 0 elsewhere; so intensity and
neighbors draw its border, and no voxel far from it can join.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from mriseg.mixture.likelihood import BinnedVoxels
from mriseg.mixture.spatial_prior import PriorZones

# Expected share elsewhere, beside what was seen, and where it was seen.
SHARES = (0.0, 0.25, 0.85)
BESIDE_MM = 2.0  # the average brain's voxel: so far the border is uncertain
SMOOTH, FLOOR = 0.02, 0.1  # of the range of intensities; of the density
LEAST_LOG = -60.0  # of a class that cannot be: far below any density, and no infinity in the sums


@dataclass(frozen=True, eq=False)
class AbnormalClass:
    """A class beside those of the mixture.

    Attributes
    ----------
    log_density : ndarray of shape (cells,)
        Of its intensities, per unit, natural logarithm.
    level : ndarray of uint8, shape of the brain's box
        Which of `SHARES` is expected.
    """

    log_density: np.ndarray
    level: np.ndarray

    def compete(self, table: np.ndarray, prior: PriorZones) -> tuple[np.ndarray, PriorZones]:
        """Give the class a row beside those of the tissues.

        Parameters
        ----------
        table : ndarray of float32, shape (classes, zones x cells)
            As from `mriseg.mixture.likelihood.log_likelihood_table`.
        prior : PriorZones
            Its zones.

        Returns
        -------
        table : ndarray of float32, shape (classes + 1, shares x zones x cells)
        prior : PriorZones
            Zones in the same order: all of the first share, all of the next.
        """
        own = np.tile(self.log_density, len(prior))
        columns = []
        for share in SHARES:
            mine = own + np.log(share) if share else np.full(own.shape, LEAST_LOG)
            columns.append(np.vstack([table + np.log1p(-share), np.maximum(mine, LEAST_LOG)]))
        index = prior.index + self.level * np.uint16(len(prior))
        zones = replace(
            prior, index=index, shares=np.tile(prior.shares, (len(SHARES), 1)), deep=np.tile(prior.deep, len(SHARES))
        )
        return np.hstack(columns).astype(np.float32), zones


def abnormal_class(
    seen: np.ndarray, mask: np.ndarray, binned: BinnedVoxels, spacing: tuple[float, ...]
) -> AbnormalClass:
    """The class of what was seen to be unlike any tissue.

    Parameters
    ----------
    seen : ndarray of bool, shape of the brain's box
        At least one voxel.
    mask : ndarray of bool, same shape
        The brain.
    binned : BinnedVoxels
    spacing : tuple of float
        Voxel sides, mm.

    Returns
    -------
    AbnormalClass
    """
    shape = [len(histogram.levels) for histogram in binned.histograms]
    counts = np.bincount(binned.index[seen], minlength=int(np.prod(shape))).reshape(shape).astype(float)
    density = scipy.ndimage.gaussian_filter(counts / counts.sum(), [SMOOTH * n for n in shape])
    density = (1 - FLOOR) * density / density.sum() + FLOOR / density.size
    density /= np.prod([histogram.width for histogram in binned.histograms])
    steps = [max(1, round(BESIDE_MM / side)) for side in spacing]
    beside = scipy.ndimage.maximum_filter(seen, [2 * step + 1 for step in steps]) & mask
    return AbnormalClass(np.log(density).ravel(), beside + seen.astype(np.uint8))
