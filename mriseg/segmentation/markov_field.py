"""From what each voxel says to what its neighbors make likely: a Markov random field by mean field.

References
----------
Zhang, Brady, Smith: Segmentation of brain MR images through a hidden Markov random field model and the
expectation-maximization algorithm. IEEE Trans Med Imaging 20, 2001.
Van Leemput et al.: Automated model-based tissue classification of MR images of the brain. IEEE Trans Med
Imaging 18, 1999 (mean field, anisotropic voxels).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from mriseg.image.morphology import bounding_box
from mriseg.mixture.likelihood import BinnedVoxels, TableIndex, log_likelihood_table
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.segmentation.abnormal_class import AbnormalClass

# How much a neighbor of the same tissue adds to the log posterior, by the share of voxels that intensity alone gives
# to a wrong tissue: where noise hides little, neighbors must not wash thin structures away. On a scan of 3 % noise
# 4 % are wrong, on one of 9 % 10 %, on proton density 30 %.
COUPLING_AT_NONE, COUPLING_RISE, LEAST_COUPLING, MOST_COUPLING = 0.1, 4.0, 0.2, 0.8
SWEEPS = 4  # the fifth changes less than 0.1 % of the labels
# Slices of a volume that are updated at a time, and pixels of a picture at least: what a core's cache holds, three
# times as fast as the whole at once, and no more parts than their handing out is worth.
SLAB, SLAB_PIXELS = 4, 60_000
THREADS = 2
LOG_FLOOR = -30.0  # odds of e^-30 against a class is as good as certainty


def coupling_strength(overlap: float) -> float:
    """How much a neighbor of the same tissue adds to the log posterior, in a scan whose classes overlap so much.

    Parameters
    ----------
    overlap : float
        Share of voxels that intensity alone gives to a wrong tissue (`mriseg.mixture.model.Mixture.overlap`).

    Returns
    -------
    float
        Log odds of one neighbor at the least distance.

    Examples
    --------
    >>> [round(coupling_strength(overlap), 2) for overlap in (0.0, 0.1, 0.3)]
    [0.2, 0.5, 0.8]
    """
    return min(max(COUPLING_AT_NONE + COUPLING_RISE * overlap, LEAST_COUPLING), MOST_COUPLING)


@dataclass(frozen=True, eq=False)
class _PottsModel:
    """What remains the same in all sweeps.

    Attributes
    ----------
    table, index, mask
        As for `mean_field`.
    weights : list of float32
        What a neighbor along each axis adds to the log posterior of its class.
    """

    table: np.ndarray
    index: np.ndarray | TableIndex
    mask: np.ndarray
    weights: list[np.float32]


def mean_field(
    table: np.ndarray, index: np.ndarray | TableIndex, mask: np.ndarray, *, spacing: tuple[float, ...], coupling: float
) -> np.ndarray:
    """Posteriors of the classes, given each voxel's likelihood and its neighbors.

    Potts model on the face neighbors, each weighted by the inverse of its distance so that the next slice of a
    thick-sliced scan counts little.

    Parameters
    ----------
    table : ndarray of float32, shape (classes, columns)
        Log of weight times density of each class at each intensity (and zone), up to a constant a column.
    index : ndarray of int, shape (i, j) or (i, j, k), or TableIndex
        Column of each voxel. Looking the likelihood up costs a sixth of the memory of holding it.
    mask : ndarray of bool, same shape
        The brain; neighbors outside it say nothing.
    spacing : tuple of float
        Voxel sides in mm, or any unit.
    coupling : float
        What a neighbor of the same class at the least distance adds to the log posterior; 0 for none.

    Returns
    -------
    ndarray of float32, shape (classes, i, j) or (classes, i, j, k)
        Sums to 1 over the classes in the mask, 0 outside.

    Examples
    --------
    A voxel that looks like the other class joins its neighbors if they count enough:

    >>> table = np.log(np.array([[0.8, 0.4], [0.2, 0.6]], np.float32))
    >>> index, mask = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]), np.ones((3, 3), bool)
    >>> for coupling in (0.0, 1.0):
    ...     print(mean_field(table, index, mask, spacing=(1.0, 1.0), coupling=coupling).argmax(0)[1].tolist())
    [0, 1, 0]
    [0, 0, 0]
    """
    posteriors = np.zeros((len(table), *mask.shape), np.float32)
    model = _PottsModel(table, index, mask, [np.float32(coupling * min(spacing) / side) for side in spacing])
    slab = max(SLAB, SLAB_PIXELS // mask[0].size)
    slabs = [slice(first, min(first + slab, len(mask))) for first in range(0, len(mask), slab)]
    with ThreadPoolExecutor(THREADS) as pool:
        for sweep in range(1 + SWEEPS if coupling else 1):
            # In place: of what was overwritten only the slice before the next slab is asked again.
            before = None
            source = posteriors if sweep else None
            for number in range(0, len(slabs), THREADS):
                several = slabs[number : number + THREADS]
                edges = [before, *(None if source is None else source[:, part.start - 1] for part in several[1:])]
                results = list(pool.map(partial(_updated, model, source), several, edges))
                before = posteriors[:, several[-1].stop - 1].copy() if sweep else None
                for part, result in zip(several, results, strict=True):
                    if result is not None:
                        box, values = result
                        posteriors[:, part, *box] = values
    return posteriors


def _updated(
    model: _PottsModel, source: np.ndarray | None, part: slice, before: np.ndarray | None
) -> tuple[tuple[slice, ...], np.ndarray] | None:
    """The posteriors of a slab that the likelihoods and the neighbors in `source` give, and where in it they lie.

    Every voxel is computed from the previous sweep alone, so slabs and threads change no bit of the result. `before` is
    the slice before the slab as it was, None where there is none.
    """
    inside = model.mask[part]
    if not inside.any():
        return None
    first, last = part.start, part.stop
    box = bounding_box(inside)[1:]  # outside the mask all stays 0
    slab = (part, *box)
    field = np.take(model.table, model.index[slab], axis=1)
    if source is not None:
        source = source[:, :, *box]
        across, *within = model.weights
        above = min(last + 1, len(model.mask))
        field[:, : above - 1 - first] += across * source[:, first + 1 : above]
        if before is not None:
            field[:, 0] += across * before[:, *box]
        field[:, 1:] += across * source[:, first : last - 1]
        for axis, weight in enumerate(within, start=2):
            ahead = (slice(None),) * axis + (slice(1, None),)
            behind = (slice(None),) * axis + (slice(None, -1),)
            scaled = weight * source[:, part]
            field[behind] += scaled[ahead]
            field[ahead] += scaled[behind]
    # Class by class: numpy reduces a short first axis thirty times slower.
    field -= reduce(np.maximum, field)
    np.maximum(field, LOG_FLOOR, out=field)
    np.exp(field, out=field)
    field *= model.mask[slab] / reduce(np.add, field)
    return box, field


def regularized_posteriors(
    binned: BinnedVoxels,
    mixture: Mixture,
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    spatial_prior: PriorZones,
    smoothness: float = 1.0,
    abnormal: AbnormalClass | None = None,
) -> np.ndarray:
    """Posteriors of the classes of a mixture, as coupled as its classes overlap.

    Parameters
    ----------
    binned : BinnedVoxels
        Voxels by their intensities.
    mixture : Mixture
    mask : ndarray of bool, shape of the voxels
        The brain.
    spacing : tuple of float
        Voxel sides, mm.
    spatial_prior : PriorZones
        In which zone each voxel lies, of those that the mixture has weights for.
    smoothness : float
        Factor on the coupling.
    abnormal : AbnormalClass, optional
        A class that competes with those of the mixture.

    Returns
    -------
    ndarray of float32, shape (classes, i, j) or (classes, i, j, k)
        Sums to 1 over the classes in the mask, 0 outside. Where something abnormal competes, it is the last class.
    """
    coupling = smoothness * coupling_strength(mixture.overlap(binned.points))
    table = log_likelihood_table(mixture, binned)
    if abnormal is not None:
        table, spatial_prior = abnormal.compete(table, spatial_prior)
    return mean_field(table, TableIndex(binned, spatial_prior), mask, spacing=spacing, coupling=coupling)
