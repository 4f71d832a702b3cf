"""How far a segmentation agrees with a reference, and which number of the reference is which tissue."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy

from mriseg.core.errors import MrisegError
from mriseg.core.tissue import ABNORMAL, BACKGROUND, LABELS, Label, Tissue
from mriseg.image.morphology import bounding_box
from mriseg.segmentation.joined import join_gray_white

# A number of a reference that lies farther outside the brain than this is skull, scalp or ground. Fluid of a whole
# cavity beside a tight brain is up to two thirds outside.
MOSTLY_OUTSIDE = 0.75
PERCENT = 95  # of a surface that is nearer to the other one than the Hausdorff distance says
NEAR = 2  # shortest voxel sides: as far a surface is looked for voxel by voxel
# Of a surface, the voxels that are asked; of those with nothing near, the same. A brain of 1 mm has 350 000, and some
# 50 000 with nothing near; more come from methods that label noise in the air.
MOST_ASKED, MOST_FAR = 500_000, 50_000


@dataclass(frozen=True, eq=False)
class Matching:
    """Which number of a reference is which tissue, and why. With `dataclasses.replace` other tissues can be told.

    Attributes
    ----------
    numbers : tuple of int
        Of the reference, ascending, without 0.
    tissues : tuple of Tissue, Label or None
        What each of them is: a tissue, `ABNORMAL`, or None for neither, as skull or ground.
    voxels : tuple of int
        How many each of them has.
    shares : ndarray of shape (numbers, 5)
        Of the voxels of each number, the share outside the segmented brain, then in each tissue in their order, last in
        what is abnormal.
    """

    numbers: tuple[int, ...]
    tissues: tuple[Tissue | Label | None, ...]
    voxels: tuple[int, ...]
    shares: np.ndarray

    @property
    def overlaps(self) -> tuple[float, ...]:
        """For each number the share of its voxels that are segmented as what it is taken for."""
        columns = [0 if tissue is None else 1 + LABELS.index(tissue) for tissue in self.tissues]
        return tuple(float(row[column]) for row, column in zip(self.shares, columns, strict=True))


@dataclass(frozen=True)
class Agreement:
    """How far one tissue agrees with the reference.

    Attributes
    ----------
    dice, jaccard : float
        Common voxels over the mean of both sizes, and over all voxels of either; 1 where neither has the tissue.
    volume_difference : float or None
        How much larger the tissue is than in the reference, in percent of the reference; None where that has none.
    volume_difference_ml : float or None
        The same in mL, by counting voxels; None for a picture.
    hausdorff95 : float or None
        The 95 % Hausdorff distance in mm, in pixels where the spacing is unknown; 0 where neither has the tissue, None
        where only one has it.
    """

    dice: float
    jaccard: float
    volume_difference: float | None
    volume_difference_ml: float | None
    hausdorff95: float | None


def match_labels(labels: np.ndarray, reference: np.ndarray) -> Matching:
    """Find out which number of a reference is which tissue, by where its voxels lie in a segmentation.

    Up to three numbers that lie in the brain are as many tissues: of all ways to name them, the one with most voxels in
    common. Of more, each is the tissue that it overlaps most, by the geometric mean of both shares (Ochiai), so that
    little fluid does not pass for what surrounds it. A number more of which lies in what is abnormal than anywhere else
    is that; one nearly all of which lies outside the brain is none.

    Parameters
    ----------
    labels : ndarray of uint8
        0 outside the brain, then the tissues' numbers, and that of abnormal tissue.
    reference : ndarray of unsigned integers, same shape
        As `mriseg.io.label_reader.read_labels` returns it: 0 is background, other numbers are anything.

    Returns
    -------
    Matching

    Raises
    ------
    MrisegError
        If the shapes differ or the reference is 0 everywhere.

    References
    ----------
    Kuhn: The Hungarian method for the assignment problem. Naval Res Logist Quart 2, 1955.
    Ochiai: Zoogeographical studies on the soleoid fishes found in Japan and its neighboring regions. Bull Jpn Soc Sci
    Fish 22, 1957.
    """
    _check_shapes(labels, reference)
    is_labeled = reference != 0
    if not is_labeled.any():
        raise MrisegError("The reference holds no label: it is 0 everywhere. Give the file that the labels are in.")
    box = bounding_box(is_labeled)
    tissues_end = len(Tissue) + 1
    columns = tissues_end + 1
    joint = np.bincount((reference[box].astype(np.intp) * columns + np.minimum(labels[box], tissues_end)).ravel())
    counts = np.pad(joint, (0, -len(joint) % columns)).reshape(-1, columns)
    sizes = np.maximum(counts[:, 1:tissues_end].sum(0), 1)  # of the tissues
    numbers = 1 + np.flatnonzero(counts[1:].any(1))
    counts = counts[numbers]
    voxels = counts.sum(1)
    shares = counts / voxels[:, None]
    is_abnormal = counts[:, tissues_end] > counts[:, :tissues_end].max(1)
    in_brain = np.flatnonzero((shares[:, 0] <= MOSTLY_OUTSIDE) & ~is_abnormal)
    if len(in_brain) <= len(Tissue):
        rows, chosen = scipy.optimize.linear_sum_assignment(counts[in_brain, 1:tissues_end], maximize=True)
    else:
        rows, chosen = np.arange(len(in_brain)), (counts[in_brain, 1:tissues_end] / np.sqrt(sizes)).argmax(1)
    tissues: list[Tissue | Label | None] = [ABNORMAL if is_it else None for is_it in is_abnormal]
    for row, column in zip(in_brain[rows], chosen, strict=True):
        if counts[row, 1 + column]:
            tissues[row] = list(Tissue)[column]
    return Matching(tuple(numbers.tolist()), tuple(tissues), tuple(voxels.tolist()), shares)


def relabel(reference: np.ndarray, matching: Matching) -> np.ndarray:
    """The reference with the tissues' own numbers.

    Parameters
    ----------
    reference : ndarray of unsigned integers
    matching : Matching
        Of that reference; numbers that it does not know become background.

    Returns
    -------
    ndarray of uint8, same shape
    """
    table = np.zeros(1 + max(int(reference.max()), *matching.numbers), np.uint8)
    for number, tissue in zip(matching.numbers, matching.tissues, strict=True):
        table[number] = BACKGROUND if tissue is None else tissue.number
    return table[reference]


def agreement(
    labels: np.ndarray, reference: np.ndarray, spacing: tuple[float, ...] | None, *, joined: bool = False
) -> dict[Tissue | Label, Agreement]:
    """Overlap, difference in volume and distance of the surfaces, of each tissue and of what is abnormal.

    Parameters
    ----------
    labels, reference : ndarray of uint8, one shape
        0 outside the brain, then the tissues' numbers (see `relabel`).
    spacing : tuple of float or None
        Sides of a voxel or pixel in mm; None where unknown.
    joined : bool
        As for `dice`.

    Returns
    -------
    dict of Tissue and Label to Agreement
        `ABNORMAL` only where either has any.

    Raises
    ------
    MrisegError
        If the shapes differ.

    Notes
    -----
    The surface of a tissue is its voxels with a face to something else or to the end of the image. The 95th percentile
    of their distances to the nearest one of the other surface is taken from each side and the larger one counts, as
    MONAI has it; MedPy takes the percentile of both sides together. Of very large surfaces every so many-th voxel is
    asked.

    Examples
    --------
    A square of gray matter, 4 by 4 mm, that lies 1 mm beside its reference:

    >>> labels, reference = np.zeros((2, 8, 8), np.uint8)
    >>> labels[2:6, 2:6] = reference[2:6, 3:7] = Tissue.GM.number
    >>> gray = agreement(labels, reference, (1.0, 1.0))[Tissue.GM]
    >>> gray.dice, gray.jaccard, gray.volume_difference, gray.hausdorff95
    (0.75, 0.6, 0.0, 1.0)

    References
    ----------
    Taha, Hanbury: Metrics for evaluating 3D medical image segmentation. BMC Med Imaging 15, 2015.
    """
    _check_shapes(labels, reference)
    either = (labels != BACKGROUND) | (reference != BACKGROUND)
    box = bounding_box(either) if either.any() else (slice(0, 1),) * labels.ndim
    labels, reference = labels[box], reference[box]
    if joined:
        labels, reference = join_gray_white(labels), join_gray_white(reference)
    sides = spacing or (1.0,) * labels.ndim
    voxel_ml = float(np.prod(spacing)) / 1000 if spacing is not None and len(spacing) == 3 else None
    by_tissue: dict[Tissue | Label, Agreement] = {}
    for tissue in LABELS:
        mask, truth = labels == tissue.number, reference == tissue.number
        if (tissue is ABNORMAL and not (mask.any() or truth.any())) or (tissue is Tissue.WM and joined):
            continue
        by_tissue[tissue] = _of_masks(mask, truth, sides, voxel_ml)
    return by_tissue


def _of_masks(mask: np.ndarray, truth: np.ndarray, sides: tuple[float, ...], voxel_ml: float | None) -> Agreement:
    """How far a mask agrees with the true one."""
    size, true_size, common = (int(np.count_nonzero(voxels)) for voxels in (mask, truth, mask & truth))
    both = size + true_size
    return Agreement(
        dice=2 * common / both if both else 1.0,
        jaccard=common / (both - common) if both else 1.0,
        volume_difference=100 * (size - true_size) / true_size if true_size else None,
        volume_difference_ml=None if voxel_ml is None else (size - true_size) * voxel_ml,
        hausdorff95=_hausdorff(mask, truth, sides) if size and true_size else None if both else 0.0,
    )


def dice(labels: np.ndarray, truth: np.ndarray, *, joined: bool = False) -> dict[Tissue, float]:
    """Overlap of each tissue: twice the common voxels over the sum of both.

    Parameters
    ----------
    labels, truth : ndarray of uint8, one shape
        0 outside the brain, then the tissues' numbers.
    joined : bool
        Whether gray and white matter are compared as one: there is then no white matter, and gray matter is both.

    Returns
    -------
    dict of Tissue to float
        0 for no common voxel, 1 for the same voxels; 1 where neither has the tissue.

    Raises
    ------
    MrisegError
        If the shapes differ.

    Examples
    --------
    >>> overlap = dice(np.array([1, 1, 1, 0], np.uint8), np.array([1, 0, 0, 0], np.uint8))
    >>> overlap[Tissue.GM]
    0.5

    References
    ----------
    Dice: Measures of the amount of ecologic association between species. Ecology 26, 1945.
    """
    _check_shapes(labels, truth)
    if joined:
        labels, truth = join_gray_white(labels), join_gray_white(truth)
    overlap = {}
    for tissue in (Tissue.GM, Tissue.CSF) if joined else Tissue:
        mask, reference = labels == tissue.number, truth == tissue.number
        size = int(mask.sum()) + int(reference.sum())
        overlap[tissue] = 2 * int((mask & reference).sum()) / size if size else 1.0
    return overlap


def _check_shapes(labels: np.ndarray, reference: np.ndarray) -> None:
    if labels.shape != reference.shape:
        raise MrisegError(
            f"The segmentation has the shape {labels.shape}, the reference {reference.shape}. Compare on one grid."
        )


def _hausdorff(mask: np.ndarray, reference: np.ndarray, spacing: tuple[float, ...]) -> float:
    """The 95 % Hausdorff distance of two masks that are not empty, in the unit of `spacing`."""
    a, b = _surface(mask), _surface(reference)
    return max(_directed(a, b, spacing), _directed(b, a, spacing))


def _surface(mask: np.ndarray) -> np.ndarray:
    """The voxels of a mask with a face to its outside."""
    padded = np.pad(mask, 1)
    interior = mask.copy()
    for axis in range(mask.ndim):
        for step in (slice(0, -2), slice(2, None)):
            interior &= padded[tuple(step if a == axis else slice(1, -1) for a in range(mask.ndim))]
    return mask & ~interior


def _directed(of: np.ndarray, to: np.ndarray, spacing: tuple[float, ...]) -> float:
    """The 95th percentile of the distances from each voxel of a surface to the nearest of another.

    Two segmentations of one brain lie near each other, so most voxels find the other surface within a few steps; a
    distance transform of the whole box takes ten times as long.
    """
    reach = [int(NEAR * min(spacing) / side) for side in spacing]
    steps = np.array([*product(*(range(-r, r + 1) for r in reach))])
    lengths = np.sqrt(((steps * spacing) ** 2).sum(1))
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] <= NEAR * min(spacing)]  # beyond, the box of steps is not complete
    padded = np.pad(to, [(r, r) for r in reach])
    strides = np.array(padded.strides) // padded.itemsize
    flat = padded.ravel()
    asked = np.argwhere(of)
    asked = asked[:: 1 + len(asked) // MOST_ASKED]
    flat_index = (asked + reach) @ strides
    distances = np.full(len(asked), np.inf)
    left = np.arange(len(asked))
    for step in order:
        is_there = flat[flat_index[left] + steps[step] @ strides]
        distances[left[is_there]] = lengths[step]
        left = left[~is_there]
        if len(left) <= (1 - PERCENT / 100) * (len(asked) - 1) - 1:  # the farthest do not move the percentile
            return float(np.percentile(distances, PERCENT))
    tree = scipy.spatial.cKDTree(np.argwhere(to) * spacing, compact_nodes=False, balanced_tree=False)
    every = 1 + len(left) // MOST_FAR
    distances[left] = tree.query(asked[left[::every]] * spacing)[0].repeat(every)[: len(left)]
    return float(np.percentile(distances, PERCENT))
