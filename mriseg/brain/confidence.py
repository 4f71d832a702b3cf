"""How far a brain mask can be trusted, from how it came about, and what to do where it cannot.

Each figure below becomes a factor between 0 and 1: 1 from what good masks have, 0 from what other things have that
were mistaken for heads (bottles, fruit, knees, noise), straight between. Their product is the confidence.
"""

from dataclasses import dataclass

import numpy as np

from mriseg.brain.anatomy import explained_share
from mriseg.core.decimals import percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.image.morphology import distance_to_background
from mriseg.image.resampling import Grid, block_mean
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import ATLAS_MM, Atlas, atlas
from mriseg.registration.slice import SlicePose

DOUBTFUL = 0.5  # a factor below this is said in words
LOOK = "Check the brain outline; shrink or grow it, or give a mask of your own, where it is wrong."
NOT_A_HEAD = "If this is not a head, tissue labels mean nothing."

# Agreement of atlas and volume, nats: 0.29 to 0.6 on most heads, 0.22 on a strongly shaded one, up to 0.202 on fruit
# and bottles, whose symmetry lets the last digit of a matrix library choose between poses; the middle of the ramp lies
# between. Once what surrounds the brain is gone, 0.63 to 0.74 on brains and up to 0.37 on the same bottles and fruit.
AGREEMENT, AGREEMENT_STRIPPED = (0.14, 0.28), (0.37, 0.50)
COVERAGE = (0.3, 0.9)  # share of the atlas in the field of view and in the head
SYMMETRY = (0.75, 0.93)  # Dice of the mask with its mirror image: 0.97 to 0.99
# How much brighter than the brain its surroundings are, in brightnesses of the brain: below 0 in MR images (bone is
# dark), up to 0.3 beside bright fat, 7 in a CT.
BRIGHT_SKULL = (3.0, 1.5)
LEAST_BRIGHTNESS = 6.0  # spreads of the brain: in a CT, whose air is at -1000, water is not bright
AROUND_MM = (2.0, 6.0)  # outside the mask
FIGURES_MM = 3.0  # voxel side at which these figures are taken
# Share of the pattern in the mask that the average brain explains: 0.21 to 0.49 beside large tumors, 0.36 to 0.88 in
# other brains of any contrast; up to 0.07 in balls, cylinders, fruit and maps of statistics.
EXPLAINED = (0.08, 0.18)
# Of a slice: cost of the first outline, -0.5 and less in 95 % of slices of heads; agreement, 0.57 and more.
OUTLINE_COST, SLICE_AGREEMENT = (-0.40, -0.56), (0.42, 0.52)
# Mutual information, nats, of the atlas's tissues with the intensities of a stripped slice: 0.03 and more in 90 %.
INNER_AGREEMENT = (0.01, 0.04)
# The same where no scalp as bright as the brain is seen around it, so that the outline of anything would do: 0.11 and
# more in most slices of brains that were cut at the skull, up to 0.09 in fruit, knees and photographs.
BARE_AGREEMENT = (0.09, 0.15)


@dataclass(frozen=True)
class MaskConfidence:
    """How far a mask can be trusted.

    Attributes
    ----------
    value : float
        0 to 1; below 0.5 the mask is marked doubtful.
    doubts : tuple of Finding
        What speaks against it, each with what to do.
    """

    value: float
    doubts: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Factor:
    """One factor of the confidence, and what it speaks of where it is low.

    Attributes
    ----------
    value : float
        0 to 1.
    code : FindingCode
    statement, action : str
        As in `Finding`.
    """

    value: float
    code: FindingCode
    statement: str
    action: str = ""


def volume_confidence(
    data: np.ndarray, spacing: tuple[float, ...], mask: np.ndarray, *, registration: Registration, stripped: bool
) -> MaskConfidence:
    """Judge the mask of a volume.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        In canonical axes.
    spacing : tuple of float
        Voxel sides, mm.
    mask : ndarray of bool, same shape
        Not empty.
    registration : Registration
        Where the atlas lies in the volume.
    stripped : bool
        Whether the volume came without skull.

    Returns
    -------
    MaskConfidence
    """
    image, sides, first = block_mean(data, spacing, FIGURES_MM)
    share, _, _ = block_mean(mask.astype(np.float32), spacing, FIGURES_MM)
    inside = share > 0.5
    grid = Grid(inside.shape, sides, first)
    symmetry = _symmetry(inside, grid, registration, atlas())
    explained = explained_share(image, inside, grid, registration=registration, average=atlas())
    excess = 0.0 if stripped else _excess_around(image, inside, sides)
    expected = AGREEMENT_STRIPPED if stripped else AGREEMENT
    return _combine(
        _Factor(
            ramp(registration.agreement, expected),
            FindingCode.MASK_MISFIT,
            f"A standard brain (MNI152) hardly fits this volume (agreement {registration.agreement:.2f}; brains have "
            f"{expected[1]:.1f} and more). {NOT_A_HEAD}",
            LOOK,
        ),
        _Factor(
            ramp(registration.coverage, COVERAGE),
            FindingCode.MASK_OUT_OF_VIEW,
            f"Only {percent(registration.coverage)} of a brain lies in the image; volumes are those of this part.",
            LOOK,
        ),
        _Factor(
            ramp(symmetry, SYMMETRY),
            FindingCode.MASK_ASYMMETRIC,
            f"The brain mask differs between left and right (overlap {symmetry:.2f}; usually 0.97).",
            LOOK,
        ),
        _bright_skull(excess),
        _no_anatomy(explained),
    )


def picture_confidence(image: np.ndarray, mask: np.ndarray, *, pose: SlicePose, outline_cost: float) -> MaskConfidence:
    """Judge the mask of a slice of a head.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        On the square pixels of the pose, air 0.
    mask : ndarray of bool, same shape
    pose : SlicePose
        Where the slice lies in the atlas.
    outline_cost : float
        Of the first outline, see `mriseg.brain.contour`.

    Returns
    -------
    MaskConfidence
    """
    confidence = min(ramp(outline_cost, OUTLINE_COST), ramp(pose.agreement, SLICE_AGREEMENT))
    return _combine(
        _Factor(
            confidence,
            FindingCode.MASK_NOT_A_HEAD,
            f"This hardly looks like a slice of a head (outline {-outline_cost:.2f}, heads have 0.5; agreement "
            f"{pose.agreement:.2f}, heads have 0.6). {NOT_A_HEAD}",
            LOOK,
        ),
        _bright_skull(_excess_around(image, mask, (pose.pixel_mm,) * 2)),
    )


def stripped_picture_confidence(agreement: float) -> MaskConfidence:
    """Judge a slice that was taken as skull-stripped.

    Parameters
    ----------
    agreement : float
        Mutual information of its intensities with the atlas's tissues, nats.

    Returns
    -------
    MaskConfidence
    """
    return _combine(
        _Factor(
            ramp(agreement, INNER_AGREEMENT),
            FindingCode.MASK_NOT_A_BRAIN,
            "The picture shows no skull, so all of it was taken as brain, but little of it is arranged like brain "
            f"tissue. {NOT_A_HEAD}",
        )
    )


def bare_picture_confidence(
    image: np.ndarray, mask: np.ndarray, *, pixel_mm: float, agreement: float
) -> MaskConfidence:
    """Judge the mask of a slice around which no scalp was found that is as bright as the brain.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Air 0.
    mask : ndarray of bool, same shape
    pixel_mm : float
        Side of a pixel.
    agreement : float
        Mutual information of its intensities with the atlas's tissues, nats.

    Returns
    -------
    MaskConfidence
    """
    return _combine(
        _Factor(
            ramp(agreement, BARE_AGREEMENT),
            FindingCode.MASK_NOT_A_HEAD,
            "No skull and scalp are visible in this picture (it may be cut at the skull), and what lies inside is "
            f"hardly arranged like brain tissue. {NOT_A_HEAD}",
            LOOK,
        ),
        _bright_skull(_excess_around(image, mask, (pixel_mm,) * 2)),
    )


def _combine(*factors: _Factor) -> MaskConfidence:
    """The product of factors, and the sentences of those that are low."""
    confidence = float(np.prod([factor.value for factor in factors]))
    if not confidence < DOUBTFUL:
        return MaskConfidence(confidence)
    # Where only together they make the mask doubtful, the worst is said.
    limit = max(DOUBTFUL, min(factor.value for factor in factors) + 1e-9)
    doubts = [
        Finding(factor.code, Level.NOT, factor.statement, factor.action) for factor in factors if factor.value < limit
    ]
    return MaskConfidence(confidence, tuple(doubts))


def ramp(value: float, bad_and_good: tuple[float, float]) -> float:
    """0 at the bad figure, 1 at the good one, straight between.

    Parameters
    ----------
    value : float
    bad_and_good : tuple of float
        In the unit of the value; either may be the larger.

    Returns
    -------
    float

    Examples
    --------
    >>> ramp(0.25, (0.0, 0.5)), ramp(3.0, (2.0, 1.0))
    (0.5, 0.0)
    """
    bad, good = bad_and_good
    return float(np.clip((value - bad) / (good - bad), 0, 1))


def _no_anatomy(explained: float | None) -> _Factor:
    return _Factor(
        1.0 if explained is None else ramp(explained, EXPLAINED),
        FindingCode.MASK_NO_ANATOMY,
        "Fluid, gray and white matter are not where a brain has them: a standard brain (MNI152) explains "
        f"{percent(max(explained or 0, 0))} of the pattern inside the mask (20 % and more in brains). Phantoms, "
        "statistical maps and distorted images look like this, and tissue labels mean nothing in them.",
        "Use an anatomical MR image of a head.",
    )


def _bright_skull(excess: float) -> _Factor:
    return _Factor(
        ramp(excess, BRIGHT_SKULL),
        FindingCode.MASK_BRIGHT_SKULL,
        "What surrounds the brain is several times as bright as the brain, as bone is in a CT; bone gives no signal in "
        "MR images. Tissue labels mean nothing in a CT.",
        "Use an MR image.",
    )


def _excess_around(image: np.ndarray, inside: np.ndarray, sides: tuple[float, ...]) -> float:
    """By how much the surroundings of the mask are brighter than the brain, in brightnesses of the brain."""
    away = distance_to_background(~inside, sides, at_border="edge")
    margin = (away > AROUND_MM[0]) & (away < AROUND_MM[1])
    if not margin.any() or not inside.any():
        return 0.0
    low, brain, high = np.percentile(image[inside], [15, 75, 85])
    brightness = min(brain - np.percentile(image, 1), LEAST_BRIGHTNESS * (high - low))
    return float((np.percentile(image[margin], 75) - brain) / max(brightness, 1e-9))


def _symmetry(inside: np.ndarray, grid: Grid, registration: Registration, average: Atlas) -> float:
    """Dice of the mask with its mirror image about the atlas's middle, where both lie in the field of view."""
    near = np.argwhere(average.depth[::2, ::2, ::2] > -2 * ATLAS_MM) * 2 * ATLAS_MM + average.origin
    seen, halves = np.ones(len(near), bool), []
    for mirror in (1, -1):
        at = (near * [mirror, 1, 1]) @ registration.affine[:3, :3].T + registration.affine[:3, 3]
        index = np.rint((at - grid.first_voxel_mm) / grid.spacing).astype(np.intp).T
        within = ((index >= 0) & (index < np.array(inside.shape)[:, None])).all(0)
        halves.append(inside[tuple(np.where(within, index, 0))])
        seen &= within
    left, right = (half[seen] for half in halves)
    return float(2 * (left & right).sum() / max(1, left.sum() + right.sum()))
