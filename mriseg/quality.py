"""Figures that say how good a scan is and how far to trust its segmentation, under the names that MRIQC gave them.

Everything is taken from the image after division by the bias field, each voxel of the brain counting for a tissue by
its partial volume, as there. Where this departs from MRIQC 24:

- Air is what lies 10 mm and more from the head, above the plane through glabella and inion where the average brain
  says where that is, else all around. Voxels that a mask or padding set to one value are no air, nor are those past 10
  median deviations (ghosts; MRIQC opens them morphologically first). Where no noise is left to see, the figures that
  need it are absent; MRIQC writes -1 or a number from zeroes.
- `snrd_*` has the standard deviation of the air in it, as its equation says; MRIQC's code takes the median deviation,
  which for Rayleigh noise is 1.5 % more. Nothing is rounded to whole numbers, so figures do not change with the unit.
- The field is known in the brain; outside it goes on as at the brain's box.
- Both the brain and the whole image are thinned to some hundred thousand voxels, which moves figures by less than 1 %.
- `rpve_*` is left out: its code counts what is outside the brain as partial volume, so that it measures the field of
  view. `mixed_share` says what it was meant to.

References
----------
Esteban, Birman, Schaer, Koyejo, Poldrack, Gorgolewski: MRIQC: advancing the automatic prediction of image quality in
MRI from unseen sites. PLoS ONE 12, 2017; its modules `mriqc.qc.anatomical` and `mriqc.interfaces.anatomical`.
Magnotta, Friedman: Measurement of signal-to-noise and contrast-to-noise in the fBIRN multicenter imaging study. J Digit
Imaging 19, 2006 (cnr). Dietrich et al.: Measurement of signal-to-noise ratios in MR images. J Magn Reson Imaging 26,
2007 (snrd). Ganzetti et al.: Intensity inhomogeneity correction of structural MR images: a data-driven approach to
define input algorithm parameters. Front Neuroinform 10, 2016 (cjv). Atkinson et al.: Automatic correction of motion
artifacts in magnetic resonance images using an entropy focus criterion. IEEE Trans Med Imaging 16, 1997 (efc).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np
import scipy
import skimage

from mriseg.extract import Brain
from mriseg.mixture import Mixture
from mriseg.morphology import bounding_box
from mriseg.register import Registration
from mriseg.tissue import Tissue

BRAIN_SAMPLES = 100_000
THINNED_MM = 3.0  # the whole image is looked at on a grid of this side
PICTURE_EXTENT_MM = 180.0  # of a brain's longer side in a picture, whose pixels have no size
# Of the smoothed image: scalp is brighter than half of Otsu's threshold, and than the mean of noise however strong.
HEAD, AIR_PERCENT, OVER_AIR = 0.5, 20, 1.5
AIR_MM = 10.0  # from the head: skin that is dark, and what the blur of the image carries beyond it
PLANE_MM = -14.0  # MNI height of glabella and inion: below it are face and neck, and what they leave in the air
GHOST = 10.0  # median deviations, as MRIQC has it
LEAST_AIR = 500  # samples
FILLED = 0.02  # share of what surrounds the head that is even at one value: coarse levels of noise have 0.01
CUT_OFF = 0.4  # share of the air at its darkest value: coarse levels leave a third there, a window that cuts noise more
MEDIAN_DEVIATION = 0.6745  # of a normal distribution, in standard deviations
RAYLEIGH = float(np.sqrt(2 / (4 - np.pi)))  # noise of the signal over the standard deviation of the air
LIGHTEST_PERCENT = 99.95
INU_PERCENT = (5.0, 95.0)
AXES = "xyz"

NO_AIR = "{} The figures that need its noise are left out: {}."
STRIPPED = "What surrounds the brain was removed from this scan, and with it the air."
NOT_SEEN = "Hardly any air can be told from the head."
ONE_VALUE = "The air around the head was set to one value or cut off at black."


@dataclass(frozen=True)
class Figure:
    """What a figure is, for those who read it.

    Attributes
    ----------
    key : str
        In `Result.quality`.
    title : str
        In a clinician's words.
    unit : str
        "" for a ratio, "%" for a share to be shown in percent, "mm".
    meaning : str
        In one sentence.
    good : {"high", "low", "one", "none"}
        Which values are good: high, low, those near 1; "none" where it describes rather than judges.
    usual : tuple of float or None
        Least and largest value that is usual in a T1-weighted scan.
    source : str
        Of what is usual; "" without it.
    needs_air : bool
        Whether it is absent where no noise of air can be seen.
    """

    key: str
    title: str
    unit: str
    meaning: str
    good: Literal["high", "low", "one", "none"]
    usual: tuple[float, float] | None = None
    source: str = ""
    needs_air: bool = False


def quality(
    data: np.ndarray,
    mask: np.ndarray,
    box: tuple[slice, ...],
    field: np.ndarray,
    posteriors: np.ndarray,
    fractions: np.ndarray,
    shares: Mapping[Tissue, float],
    mixture: Mixture,
    spacing: tuple[float, ...] | None,
    brain: Brain,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Measure the quality of a scan and of its segmentation.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        The whole image in canonical axes; no signal is 0.
    mask : ndarray of bool, same shape
        The brain; not empty.
    box : tuple of slice
        The part that the arrays below are of.
    field : ndarray of float32
        Bias field.
    posteriors : ndarray of float32, shape of the box and 3
        In the order of `Tissue`.
    fractions : ndarray of uint8, shape of the box and 3
        Partial volumes times 255.
    shares : mapping of Tissue to float
        Of the cranial cavity.
    mixture : Mixture
        Named.
    spacing : tuple of float or None
        Sides of a voxel, mm; None for a picture.
    brain : Brain
        How the mask came about.

    Returns
    -------
    figures : dict of str to float
        By the keys of `FIGURES`; those that cannot be measured on this scan are absent.
    notes : tuple of str
        Why some are, in sentences.
    """
    inside = np.flatnonzero(mask[box])
    at = np.unravel_index(inside[:: -(-len(inside) // BRAIN_SAMPLES)], field.shape)
    shading = field[at]
    values = data[box][at] / shading
    low, middle, high = np.percentile(shading, [INU_PERCENT[0], 50, INU_PERCENT[1]])
    figures = {
        "brain_parenchymal_fraction": shares[Tissue.GM] + shares[Tissue.WM],
        "gm_wm_ratio": _over(shares[Tissue.GM], shares[Tissue.WM]),
        **{f"icvs_{tissue.abbreviation.lower()}": shares[tissue] for tissue in Tissue},
        "mean_posterior": float(reduce(np.maximum, posteriors[at].T).mean(dtype=float)),
        "mixed_share": float(mixture.mixed_weights.sum()),
        "tissue_contrast": _tissue_contrast(mixture),
        "bias_range": float(shading.max() / shading.min() - 1),
        "inu_range": float(high - low),
        "inu_med": float(middle),
    }
    order = np.argsort(values)
    values, parts = values[order], fractions[at][order].T.astype(float)
    found = {tissue: _weighted(values, part) for tissue, part in zip(Tissue, parts, strict=True)}
    air, whole = _surroundings(data, mask, box, field, spacing, brain)
    figures |= _of_tissues(found, None if isinstance(air, str) else float(air.std()))
    figures["wm2max"] = _over(found[Tissue.WM].median, float(np.percentile(whole.values, LIGHTEST_PERCENT)))
    notes: tuple[str, ...] = ()
    if isinstance(air, str):
        titles = ", ".join(figure.title.lower() for figure in FIGURES if figure.needs_air)
        notes = (NO_AIR.format(air, titles),)
    else:
        figures["efc"] = _entropy_focus(whole.values[whole.seen], whole.size * float(whole.seen.mean()))
        figures["fber"] = _over(float(np.median(whole.values[whole.head])) ** 2, float(np.median(air)) ** 2)
    if spacing is not None and data.ndim == len(AXES):
        figures |= {f"spacing_{axis}": float(side) for axis, side in zip(AXES, spacing, strict=True)}
    return {
        figure.key: figures[figure.key] for figure in FIGURES if np.isfinite(figures.get(figure.key, np.nan))
    }, notes


@dataclass(frozen=True)
class _Statistics:
    """Of the intensities of a tissue: weighted median and standard deviation, median deviation, number of voxels."""

    median: float
    sd: float
    deviation: float
    count: float


def _weighted(values: np.ndarray, weights: np.ndarray) -> _Statistics:
    """Statistics of sorted values; the median deviation is that of voxels that are mostly of the tissue."""
    total = weights.sum()
    mostly = weights > weights.max() / 2
    if not mostly.any():
        return _Statistics(np.nan, np.nan, np.nan, 0.0)
    median = float(values[np.searchsorted(np.cumsum(weights), total / 2)])
    mean = np.average(values, weights=weights)
    sd = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    deviation = float(np.median(np.abs(values[mostly] - median))) / MEDIAN_DEVIATION
    return _Statistics(median, sd, deviation, total / 255)


def _of_tissues(found: dict[Tissue, _Statistics], air_sd: float | None) -> dict[str, float]:
    """What compares the signals of the tissues with their spread and with that of the air."""
    gm, wm = found[Tissue.GM], found[Tissue.WM]
    gap = abs(wm.median - gm.median)
    figures = {"cjv": _over(wm.deviation + gm.deviation, gap)}
    kinds = {"snr": lambda of: _over(of.median, of.sd * np.sqrt(_over(of.count, of.count - 1)))}
    if air_sd is not None:
        figures["cnr"] = _over(gap, float(np.sqrt(air_sd**2 + wm.sd**2 + gm.sd**2)))
        kinds["snrd"] = lambda of: _over(of.median, RAYLEIGH * air_sd)
    for kind, ratio in kinds.items():
        ratios = {tissue: ratio(statistics) for tissue, statistics in found.items()}
        figures |= {f"{kind}_{tissue.abbreviation.lower()}": value for tissue, value in ratios.items()}
        figures[f"{kind}_total"] = float(np.mean(list(ratios.values())))
    return figures


def _tissue_contrast(mixture: Mixture) -> float:
    """Distance of the means of gray and white matter in their joint spread, of the fitted Gaussians."""
    if not {Tissue.GM, Tissue.WM} <= set(mixture.tissues):
        return np.nan
    gm, wm = (mixture.tissues.index(tissue) for tissue in (Tissue.GM, Tissue.WM))
    return _over(abs(mixture.means[gm] - mixture.means[wm]), float(np.hypot(mixture.sds[gm], mixture.sds[wm])))


@dataclass(frozen=True, eq=False)
class _Thinned:
    """The whole image after bias correction, thinned: its values, where the head is, where it is not filling."""

    values: np.ndarray
    head: np.ndarray
    seen: np.ndarray
    size: int


def _surroundings(
    data: np.ndarray,
    mask: np.ndarray,
    box: tuple[slice, ...],
    field: np.ndarray,
    spacing: tuple[float, ...] | None,
    brain: Brain,
) -> tuple[np.ndarray | str, _Thinned]:
    """Intensities of the air, or why there are none, and the thinned image."""
    if spacing is None:
        longest = max(part.stop - part.start for part in bounding_box(mask))
        spacing = (PICTURE_EXTENT_MM / longest,) * data.ndim
    steps = [max(1, min(n // 16, round(THINNED_MM / side))) for n, side in zip(data.shape, spacing, strict=True)]
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    places = [np.arange(0, n, step) for n, step in zip(data.shape, steps, strict=True)]
    within = [np.clip(p - b.start, 0, n - 1) for p, b, n in zip(places, box, field.shape, strict=True)]
    raw = data[np.ix_(*places)]
    values = np.maximum(raw / field[np.ix_(*within)], 0)
    smooth = scipy.ndimage.uniform_filter(values, 3)
    inside = mask[np.ix_(*places)]
    head = inside | (smooth > _darkest_head(smooth))
    reach = [2 * int(np.ceil(AIR_MM / side)) + 1 for side in sides]
    around = ~scipy.ndimage.maximum_filter(head, reach)
    even = around & _is_even(data, raw, places)
    levels, counts = np.unique(raw[even], return_counts=True)
    filled = around & np.isin(raw, levels[counts > FILLED * np.count_nonzero(around)])
    whole = _Thinned(values, head, ~filled, data.size)
    if brain.registration is not None:
        around &= _above_the_plane(brain.registration, places, spacing)
    if brain.stripped:
        return STRIPPED, whole
    if around.sum() < LEAST_AIR:
        return NOT_SEEN, whole
    air, uneven = values[around & ~filled], raw[around & ~even]
    # Of what a window cut off, much lies apart; of a filling, only its edge.
    if len(air) < LEAST_AIR or (uneven.size and np.mean(uneven == uneven.min()) > CUT_OFF):
        return ONE_VALUE, whole
    deviation = float(np.median(np.abs(air - np.median(air)))) / MEDIAN_DEVIATION
    if deviation:
        air = air[air <= GHOST * deviation]
    return air if len(air) >= LEAST_AIR else NOT_SEEN, whole


def _darkest_head(smooth: np.ndarray) -> float:
    """Between the brightness of the air and that of the head."""
    if not np.ptp(smooth):
        return np.inf
    between = float(skimage.filters.threshold_otsu(smooth))
    return float(np.clip(OVER_AIR * np.percentile(smooth, AIR_PERCENT), HEAD * between, between))


def _is_even(data: np.ndarray, raw: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """Where a voxel of the thinned image has the value of its neighbour in the whole one along each axis."""
    even = np.ones(raw.shape, bool)
    for axis, place in enumerate(places):
        beside = np.where(place + 1 < data.shape[axis], place + 1, place - 1)
        even &= raw == data[np.ix_(*(beside if a == axis else p for a, p in enumerate(places)))]
    return even


def _above_the_plane(found: Registration, places: list[np.ndarray], spacing: tuple[float, ...]) -> np.ndarray:
    """Where a grid lies above glabella and inion."""
    *slopes, height = np.linalg.inv(found.affine)[2]
    terms = [slope * side * place for slope, side, place in zip(slopes, spacing, places, strict=True)]
    return np.asarray(height + sum(np.meshgrid(*terms, indexing="ij", sparse=True)) > PLANE_MM)


def _entropy_focus(values: np.ndarray, count: float) -> float:
    """Entropy of the intensities over that of as many equal ones, from a sample of `count` voxels."""
    x = values.astype(float)
    energy = np.sqrt(count * np.mean(x**2))
    if not energy > 0:
        return np.nan
    entropy = -np.mean(scipy.special.xlogy(x, x / energy)) * count / energy
    return float(entropy / (np.sqrt(count) * np.log(np.sqrt(count))))


def _over(a: float, b: float) -> float:
    return float(a / b) if b > 0 else np.nan


# Where no other source is given, what is usual was measured on T1-weighted scans: BrainWeb's with 3 % noise, Colin 27,
# eight children's slabs, seven of IBSR and two with multiple sclerosis (`benchmarks/quality.py` prints them).
_OWN = "T1-weighted scans of 19 people, measured with mriseg"
_ABIDE = "57 T1-weighted scans of four sites of ABIDE, in the table that MRIQC's authors published"

FIGURES = (
    Figure(
        "brain_parenchymal_fraction",
        "Brain parenchyma",
        "%",
        "Gray and white matter as a share of the cranial cavity; it falls with age and atrophy.",
        "none",
    ),
    Figure("gm_wm_ratio", "Gray to white matter", "", "Volume of gray matter over that of white matter.", "none"),
    Figure("icvs_gm", "Gray matter in the cavity", "%", "Gray matter as a share of the cranial cavity.", "none"),
    Figure("icvs_wm", "White matter in the cavity", "%", "White matter as a share of the cranial cavity.", "none"),
    Figure("icvs_csf", "Fluid in the cavity", "%", "Cerebrospinal fluid as a share of the cranial cavity.", "none"),
    Figure(
        "tissue_contrast",
        "Gray against white matter",
        "",
        "How far the brightness of gray matter lies from that of white matter, in their joint spread; below 1 the "
        "border between them is a guess.",
        "high",
        (1.9, 6.5),
        _OWN,
    ),
    Figure(
        "cnr",
        "Contrast to noise",
        "",
        "The difference of gray and white matter over the spread of both and the noise of the air together.",
        "high",
        (1.6, 2.0),
        _OWN,
        needs_air=True,
    ),
    Figure(
        "cjv",
        "Joint variation of gray and white matter",
        "",
        "The spreads of gray and white matter over the difference between them; movement and shading raise it.",
        "low",
        (0.4, 0.9),
        _OWN,
    ),
    Figure(
        "snr_total",
        "Signal to spread",
        "",
        "Brightness of a tissue over its own spread, mean of the three; in a picture it also depends on how black and "
        "white were set.",
        "high",
        (5.0, 9.0),
        _OWN,
    ),
    Figure("snr_gm", "Signal to spread, gray matter", "", "Brightness of gray matter over its own spread.", "high"),
    Figure("snr_wm", "Signal to spread, white matter", "", "Brightness of white matter over its own spread.", "high"),
    Figure("snr_csf", "Signal to spread, fluid", "", "Brightness of the fluid over its own spread.", "high"),
    Figure(
        "snrd_total",
        "Signal to noise",
        "",
        "Brightness of a tissue over the noise of the scanner, which the air around the head shows; mean of the three.",
        "high",
        (14.0, 70.0),
        _ABIDE,
        needs_air=True,
    ),
    Figure(
        "snrd_gm",
        "Signal to noise, gray matter",
        "",
        "Brightness of gray matter over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "snrd_wm",
        "Signal to noise, white matter",
        "",
        "Brightness of white matter over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "snrd_csf",
        "Signal to noise, fluid",
        "",
        "Brightness of the fluid over the noise of the scanner.",
        "high",
        needs_air=True,
    ),
    Figure(
        "wm2max",
        "White matter against the brightest",
        "",
        "Brightness of white matter over that of the brightest voxels, which are fat and vessels in a T1-weighted scan "
        "of a whole head.",
        "none",
        (0.35, 0.67),
        _ABIDE,
    ),
    Figure(
        "inu_range",
        "Shading, 90 % of the brain",
        "",
        "By how much the sensitivity of the coil differs over the brain, its outermost twentieths left out; it was "
        "divided out.",
        "low",
        (0.19, 0.68),
        _ABIDE,
    ),
    Figure(
        "inu_med",
        "Typical shading",
        "",
        "The median of the coil's sensitivity over the brain, relative to its mean.",
        "one",
    ),
    Figure(
        "bias_range",
        "Shading, whole brain",
        "%",
        "By how much the brightest place of one tissue exceeds its darkest for the coil's sake; it was divided out.",
        "low",
        (0.05, 0.5),
        _OWN,
    ),
    Figure(
        "mixed_share",
        "Mixed voxels",
        "%",
        "Share of the brain's voxels that hold two tissues at once; it rises with the size of the voxels.",
        "low",
        (0.3, 0.5),
        _OWN,
    ),
    Figure(
        "mean_posterior",
        "Certainty of the labels",
        "%",
        "How sure the model is of a voxel's tissue, on average; a third would be a guess.",
        "high",
        (0.95, 1.0),
        _OWN,
    ),
    Figure(
        "efc",
        "Ghosts and blur",
        "",
        "Entropy of the whole image, 0 to 1: movement spreads light from the head into the air and raises it.",
        "low",
        (0.5, 0.9),
        _ABIDE,
        needs_air=True,
    ),
    Figure(
        "fber",
        "Head against air",
        "",
        "Energy of a voxel in the head over that of one in the air.",
        "high",
        (35.0, 4200.0),
        _ABIDE,
        needs_air=True,
    ),
    Figure("spacing_x", "Voxel from left to right", "mm", "Side of a voxel across the head.", "none"),
    Figure("spacing_y", "Voxel from back to front", "mm", "Side of a voxel along the head.", "none"),
    Figure("spacing_z", "Voxel from bottom to top", "mm", "Side of a voxel along the body.", "none"),
)
