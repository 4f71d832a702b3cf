"""Whether a brain is seen as a whole, and whether it then has the size of an adult's.

Names, shares and the average brain are those of adults. Until an age of 6 to 9 months myelin is missing, so that gray
and white matter are exchanged in brightness, or alike; a brain's size is what tells it without knowing the age.

References
----------
Kamdar, Gomez, Ascherman: Intracranial volumes in a large series of healthy children. Plast Reconstr Surg 124, 2009
(twice that of birth at 9 months, three times at 6 years).
Sgouros, Goldin, Hockley, Wake, Natarajan: Intracranial volume change in childhood. J Neurosurg 91, 1999 (1000 to
1150 mL at 2 years, 1300 to 1500 mL at 15).
Barkovich, Kjos, Jackson, Norman: Normal maturation of the neonatal and infant brain. Radiology 166, 1988.
"""

from collections.abc import Iterator

import numpy as np

from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.scan import Scan
from mriseg.image.morphology import SLAB_MM
from mriseg.segmentation.result import Result

# Brain with fluid, mL: a newborn has 400, no adult more than 2000.
USUAL_BRAIN_ML = (350.0, 2000.0)
LARGEST_IN_TEMPLATE_ML = 2500.0  # average brains are drawn larger than most people's: 1900 to 2100 mL
# Below the first, a brain is one of the first half year, whose gray and white matter are exchanged in brightness; below
# the second one of the first year. Two-year-olds have 1000 and more, adults 1100; without fluid 150 less.
YOUNG_ML, ADULT_ML, ADULT_STRIPPED_ML = 700.0, 900.0, 800.0
FULL_EXTENT_MM = 100.0  # a field of view shorter than this cannot hold a whole brain of an adult
FULL_COVERAGE = 0.9  # share of the average brain that a whole one has in view
# Of the brain, that must be missing: brains that are whole have up to 3 mL less than the average brain laid over them.
LEAST_CUT_ML, LEAST_CUT_SHARE = 5.0, 0.005
CUT_SHARE = 0.25  # of its largest section: the last 5 mm of a whole brain have 0.1
FACES = (("left", "right"), ("back", "front"), ("bottom", "top"))  # of canonical axes


def size(scan: Scan, result: Result) -> Iterator[Finding]:
    """What to say of the size of a brain that is seen as a whole.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Yields
    ------
    Finding
    """
    if scan.spacing is None or result.brain_ml is None:
        return
    low, high = USUAL_BRAIN_ML
    if scan.space.is_template:
        high = LARGEST_IN_TEMPLATE_ML
    shortest_mm = _shortest_mm(scan, scan.spacing)
    holds_adult = shortest_mm > FULL_EXTENT_MM
    if holds_adult and not low <= result.brain_ml <= high:
        yield Finding(
            FindingCode.UNUSUAL_SIZE,
            Level.NOT,
            f"The brain mask measures {result.brain_ml:.0f} mL, outside the {low:.0f} to {high:.0f} mL of human "
            "brains.",
            "Check the brain outline, and give a mask of your own if it is wrong. If it is right, the voxel size in "
            "the header is wrong.",
        )
    elif (holds_adult or (shortest_mm > SLAB_MM and _is_covered(result))) and not _cut_faces(result):
        yield from _infant(result, result.brain_ml)


def shows_whole_brain(scan: Scan, result: Result) -> bool:
    """Whether a volume is large enough for an adult's brain, and its brain is cut nowhere.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result

    Returns
    -------
    bool
    """
    if scan.spacing is None or result.labels.ndim != len(FACES):
        return False
    return _shortest_mm(scan, scan.spacing) > FULL_EXTENT_MM and not _cut_faces(result)


def cut(result: Result) -> Iterator[Finding]:
    """Whether the brain goes on beyond what is seen: a whole one tapers towards its ends.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    if result.brain.given or result.brain.doubtful:
        return
    faces = _cut_faces(result)
    if faces:
        yield Finding(
            FindingCode.PARTIAL_BRAIN,
            Level.CARE,
            "The image holds only a part of the brain; volumes and shares are those of this part."
            + (f" The brain is cut at the {_listed(faces)}." if result.planes_known else ""),
            "Do not compare them with whole brains.",
        )


def cut_away(result: Result) -> Iterator[Finding]:
    """Whether a piece of the brain was cut away and filled with one value.

    Parameters
    ----------
    result : Result

    Yields
    ------
    Finding
    """
    piece = result.cut_away
    if piece is None or result.brain_ml is None:
        return
    if piece.volume_ml > max(LEAST_CUT_ML, LEAST_CUT_SHARE * result.brain_ml):
        side = f" at the {FACES[piece.axis][piece.forward]}" if result.planes_known else ""
        yield Finding(
            FindingCode.BRAIN_CUT_AWAY,
            Level.CARE,
            f"At least {piece.volume_ml:.0f} mL of the brain were cut away{side} and filled with one value, as by "
            "defacing; volumes are those of the rest.",
            "Do not compare them with whole brains; use the original scan.",
        )


def _infant(result: Result, brain_ml: float) -> Iterator[Finding]:
    """Whether a whole brain is too small for an adult's."""
    least = ADULT_STRIPPED_ML if result.brain.stripped else ADULT_ML
    if brain_ml < YOUNG_ML:
        yield Finding(
            FindingCode.INFANT_SIZE,
            Level.NOT,
            f"The brain measures {brain_ml:.0f} mL, far less than an adult's (1100 mL and more). Until the age of 6 to "
            "9 months the brightness of gray and white matter is reversed or equal, and all that is known here is that "
            "of adults.",
            "For a newborn or infant use a program made for them. For an adult check the brain outline and the voxel "
            "size in the header.",
        )
    elif brain_ml < least:
        yield Finding(
            FindingCode.INFANT_SIZE,
            Level.CARE,
            f"The brain measures {brain_ml:.0f} mL, less than nearly all adults' (1100 mL and more). In the first year "
            "of life gray and white matter may look alike, and all that is known here is that of adults.",
            "For an infant check that white matter was labeled correctly; else check the brain outline and the voxel "
            "size in the header.",
        )


def _shortest_mm(scan: Scan, spacing: tuple[float, ...]) -> float:
    """The shortest side of the field of view, mm."""
    return float(min(n * side for n, side in zip(scan.data.shape, spacing, strict=True)))


def _is_covered(result: Result) -> bool:
    """Whether nearly all of the average brain, as it was laid over the scan, lies in the field of view."""
    registration = result.brain.registration
    return registration is not None and registration.coverage >= FULL_COVERAGE


def _cut_faces(result: Result) -> list[str]:
    """The faces of the field of view, along canonical axes, at which a brain in a volume is cut."""
    mask = result.brain.mask
    if mask.ndim != len(FACES) or not mask.any():
        return []
    faces = []
    for axis, names in enumerate(FACES):
        area = mask.sum(tuple(a for a in range(mask.ndim) if a != axis))
        ends = area[np.flatnonzero(area)[[0, -1]]]
        faces += [name for name, end in zip(names, ends, strict=True) if end > CUT_SHARE * area.max()]
    return faces


def _listed(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
