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

import numpy as np

from mriseg.brain.background import MEDIAN_DEVIATION, Background
from mriseg.core.tissue import Tissue
from mriseg.mixture.model import Mixture
from mriseg.quality.definitions import FIGURES

BRAIN_SAMPLES = 100_000
RAYLEIGH = float(np.sqrt(2 / (4 - np.pi)))  # noise of the signal over the standard deviation of the air
INU_PERCENT = (5.0, 95.0)
AXES = "xyz"

NO_AIR = "{} The figures that need its noise are left out: {}."


def quality(
    data: np.ndarray,
    inside: np.ndarray,
    field: np.ndarray,
    posteriors: np.ndarray,
    fractions: np.ndarray,
    shares: Mapping[Tissue, float],
    mixture: Mixture,
    spacing: tuple[float, ...] | None,
    around: Background,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Measure the quality of a scan and of its segmentation.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        The brain's box of the image in canonical axes; no signal is 0.
    inside : ndarray of bool, same shape
        The brain; not empty.
    field : ndarray of float32, same shape
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
    around : Background
        Of the same image.

    Returns
    -------
    figures : dict of str to float
        By the keys of `FIGURES`; those that cannot be measured on this scan are absent.
    notes : tuple of str
        Why some are, in sentences.
    """
    places = np.flatnonzero(inside)
    places = places[:: -(-len(places) // BRAIN_SAMPLES)]
    shading = field.ravel()[places]
    values = data[np.unravel_index(places, inside.shape)] / shading  # part of a whole, which must not be copied
    likeliest = reduce(np.maximum, (posteriors[..., k].ravel()[places] for k in range(len(Tissue))))
    low, middle, high = np.percentile(shading, [INU_PERCENT[0], 50, INU_PERCENT[1]])
    figures = {
        "brain_parenchymal_fraction": shares[Tissue.GM] + shares[Tissue.WM],
        "gm_wm_ratio": _over(shares[Tissue.GM], shares[Tissue.WM]),
        **{f"icvs_{tissue.abbreviation.lower()}": shares[tissue] for tissue in Tissue},
        "mean_posterior": float(likeliest.mean(dtype=float)),
        "mixed_share": float(mixture.mixed_weights.sum()),
        "tissue_contrast": _tissue_contrast(mixture),
        "bias_range": float(shading.max() / shading.min() - 1),
        "inu_range": float(high - low),
        "inu_med": float(middle),
    }
    order = np.argsort(values)
    values, parts = values[order], fractions.reshape(-1, len(Tissue)).take(places[order], axis=0).T.astype(float)
    found = {tissue: _weighted(values, part) for tissue, part in zip(Tissue, parts, strict=True)}
    figures |= _of_tissues(found, around.air_sd)
    figures["wm2max"] = _over(found[Tissue.WM].median, around.p9995)
    figures["efc"] = around.entropy_focus
    figures["fber"] = _over(around.head_median**2, around.air_median**2)
    notes: tuple[str, ...] = ()
    if around.missing:
        titles = ", ".join(figure.title.lower() for figure in FIGURES if figure.needs_air)
        notes = (NO_AIR.format(around.missing, titles),)
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


def _of_tissues(found: dict[Tissue, _Statistics], air_sd: float) -> dict[str, float]:
    """What compares the signals of the tissues with their spread and with that of the air."""
    gm, wm = found[Tissue.GM], found[Tissue.WM]
    gap = abs(wm.median - gm.median)
    figures = {"cjv": _over(wm.deviation + gm.deviation, gap)}
    figures["cnr"] = _over(gap, float(np.sqrt(air_sd**2 + wm.sd**2 + gm.sd**2)))
    kinds = {
        "snr": lambda of: _over(of.median, of.sd * np.sqrt(_over(of.count, of.count - 1))),
        "snrd": lambda of: _over(of.median, RAYLEIGH * air_sd),
    }
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


def _over(a: float, b: float) -> float:
    return float(a / b) if b > 0 else np.nan
