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

from mriseg.brain.surroundings import MEDIAN_DEVIATION, Surroundings
from mriseg.core.tissue import Tissue
from mriseg.image.resampling import every_nth
from mriseg.mixture.model import Mixture
from mriseg.quality.definitions import FIGURES

BRAIN_SAMPLES = 100_000
RAYLEIGH = float(np.sqrt(2 / (4 - np.pi)))  # noise of the signal over the standard deviation of the air
INU_PERCENT = (5.0, 95.0)
AXES = "xyz"

NO_AIR = "{} Figures that need its noise are left out: {}."


def quality(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    field: np.ndarray,
    posteriors: np.ndarray,
    partial_volumes: np.ndarray,
    shares: Mapping[Tissue, float],
    mixture: Mixture,
    spacing: tuple[float, ...] | None,
    surroundings: Surroundings,
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Measure the quality of a scan and of its segmentation.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        The brain's box of the image in canonical axes; no signal is 0.
    mask : ndarray of bool, same shape
        The brain; not empty.
    field : ndarray of float32, same shape
        Bias field.
    posteriors : ndarray of float32, shape of the box and 3
        In the order of `Tissue`.
    partial_volumes : ndarray of uint8, shape of the box and 3
        Fractions of the voxel times 255.
    shares : mapping of Tissue to float
        Of the cranial cavity.
    mixture : Mixture
        Named.
    spacing : tuple of float or None
        Sides of a voxel, mm; None for a picture.
    surroundings : Surroundings
        Of the same image.

    Returns
    -------
    figures : dict of str to float
        By the keys of `FIGURES`; those that cannot be measured on this scan are absent.
    notes : tuple of str
        Why some are, in sentences.
    """
    voxels = every_nth(mask, -(-int(np.count_nonzero(mask)) // BRAIN_SAMPLES))
    shading = field.ravel()[voxels]
    values = data[np.unravel_index(voxels, mask.shape)] / shading  # part of a whole, which must not be copied
    figures = {
        **_of_shares(shares),
        "mean_posterior": mean_posterior(posteriors, voxels),
        "mixed_share": mixed_share(mixture),
        "tissue_contrast": tissue_contrast(mixture),
        "fluid_contrast": fluid_contrast(mixture),
        **_of_shading(shading),
        **_of_signals(_tissue_statistics(values, partial_volumes, voxels), surroundings),
        "efc": surroundings.entropy_focus,
        "fber": fber(surroundings),
    }
    if spacing is not None and data.ndim == len(AXES):
        figures |= {f"spacing_{axis}": float(side) for axis, side in zip(AXES, spacing, strict=True)}
    measured = {figure.key: figures.get(figure.key, np.nan) for figure in FIGURES}
    return {key: value for key, value in measured.items() if np.isfinite(value)}, _unmeasured(surroundings)


def _unmeasured(surroundings: Surroundings) -> tuple[str, ...]:
    """Why figures that need the noise of the air are left out, in a sentence; none where there is air."""
    if not surroundings.missing:
        return ()
    letters = ", ".join(figure.letters for figure in FIGURES if figure.needs_air and figure.letters)
    return (NO_AIR.format(surroundings.missing, letters),)


@dataclass(frozen=True)
class TissueStatistics:
    """The corrected intensities of a tissue, each voxel counting by its partial volume.

    Attributes
    ----------
    median, sd : float
        Weighted, in arbitrary units.
    deviation : float
        Median deviation of the voxels that are mostly of the tissue, scaled to a standard deviation, arbitrary units.
    count : float
        Voxels.
    """

    median: float
    sd: float
    deviation: float
    count: float


# Of the segmentation


def brain_parenchymal_fraction(shares: Mapping[Tissue, float]) -> float:
    """Gray and white matter as a share of the cranial cavity: GM + WM (Rudick et al., Neurology 53, 1999).

    Parameters
    ----------
    shares : mapping of Tissue to float
        Of the cranial cavity, 0 to 1.

    Returns
    -------
    float
        0 to 1.
    """
    return shares[Tissue.GM] + shares[Tissue.WM]


def gm_wm_ratio(shares: Mapping[Tissue, float]) -> float:
    """Volume of gray matter over that of white matter: GM / WM.

    Parameters
    ----------
    shares : mapping of Tissue to float
        Of the cranial cavity, 0 to 1.

    Returns
    -------
    float
        NaN without white matter.
    """
    return _ratio(shares[Tissue.GM], shares[Tissue.WM])


def mean_posterior(posteriors: np.ndarray, voxels: np.ndarray) -> float:
    """Mean over the brain of the probability of each voxel's label: E[max_k p_k]; `voxels` index the flat box.

    Parameters
    ----------
    posteriors : ndarray of float32, shape of the box and 3
        In the order of `Tissue`.
    voxels : ndarray of int
        Of the brain, in the flattened box.

    Returns
    -------
    float
        1/3 to 1.
    """
    likeliest = reduce(np.maximum, (posteriors[..., k].ravel()[voxels] for k in range(len(Tissue))))
    return float(likeliest.mean(dtype=float))


def mixed_share(mixture: Mixture) -> float:
    """Share of the brain's voxels that two tissues share, as the mixture has it.

    Parameters
    ----------
    mixture : Mixture
        Its classes named.

    Returns
    -------
    float
        0 to 1.
    """
    return float(mixture.mixed_weights.sum())


def tissue_contrast(mixture: Mixture) -> float:
    """Contrast of gray and white matter, ``|mu_gm - mu_wm| / sqrt(sigma_gm^2 + sigma_wm^2)``, of the Gaussians.

    Parameters
    ----------
    mixture : Mixture
        Its classes named.

    Returns
    -------
    float
        NaN where a tissue is missing.
    """
    return _contrast(mixture, Tissue.GM, Tissue.WM)


def fluid_contrast(mixture: Mixture) -> float:
    """Contrast of fluid and gray matter, ``|mu_csf - mu_gm| / sqrt(sigma_csf^2 + sigma_gm^2)``, of the Gaussians.

    Parameters
    ----------
    mixture : Mixture
        Its classes named.

    Returns
    -------
    float
        NaN where a tissue is missing.
    """
    return _contrast(mixture, Tissue.CSF, Tissue.GM)


def _contrast(mixture: Mixture, one: Tissue, other: Tissue) -> float:
    """Distance of two tissues' means in their joint spread."""
    if not {one, other} <= set(mixture.tissues):
        return np.nan
    a, b = mixture.tissues.index(one), mixture.tissues.index(other)
    return _ratio(abs(mixture.means[a] - mixture.means[b]), float(np.hypot(mixture.sds[a], mixture.sds[b])))


# Of the scan


def bias_range(shading: np.ndarray) -> float:
    """How much brighter the field makes one place of the brain than another: max / min - 1.

    Parameters
    ----------
    shading : ndarray of float32, shape (voxels,)
        Bias field in the brain.

    Returns
    -------
    float
        0 where the field is even.
    """
    return float(shading.max() / shading.min() - 1)


def cjv(gm: TissueStatistics, wm: TissueStatistics) -> float:
    """Coefficient of joint variation, ``(d_wm + d_gm) / |m_wm - m_gm|`` (Ganzetti et al. 2016).

    Parameters
    ----------
    gm : TissueStatistics
        Of gray matter.
    wm : TissueStatistics
        Of white matter.

    Returns
    -------
    float
    """
    return _ratio(wm.deviation + gm.deviation, abs(wm.median - gm.median))


def cnr(gm: TissueStatistics, wm: TissueStatistics, air_sd: float) -> float:
    """Contrast to noise, ``|m_wm - m_gm| / sqrt(s_air^2 + s_wm^2 + s_gm^2)`` (Magnotta, Friedman 2006).

    Parameters
    ----------
    gm : TissueStatistics
        Of gray matter.
    wm : TissueStatistics
        Of white matter.
    air_sd : float
        Standard deviation of the air, arbitrary units.

    Returns
    -------
    float
    """
    return _ratio(abs(wm.median - gm.median), float(np.sqrt(air_sd**2 + wm.sd**2 + gm.sd**2)))


def snr(tissue: TissueStatistics) -> float:
    """Signal to spread within a tissue: m / (s sqrt(n / (n - 1))) (Esteban et al. 2017).

    Parameters
    ----------
    tissue : TissueStatistics
        Of one tissue.

    Returns
    -------
    float
    """
    return _ratio(tissue.median, tissue.sd * np.sqrt(_ratio(tissue.count, tissue.count - 1)))


def snrd(tissue: TissueStatistics, air_sd: float) -> float:
    """Signal to noise of the air: m / (sqrt(2 / (4 - pi)) s_air) (Dietrich et al. 2007).

    Parameters
    ----------
    tissue : TissueStatistics
        Of one tissue.
    air_sd : float
        Standard deviation of the air, arbitrary units.

    Returns
    -------
    float
    """
    return _ratio(tissue.median, RAYLEIGH * air_sd)


def wm2max(wm: TissueStatistics, surroundings: Surroundings) -> float:
    """White matter against the brightest of the image: m_wm / p99.95 (Esteban et al. 2017).

    Parameters
    ----------
    wm : TissueStatistics
        Of white matter.
    surroundings : Surroundings
        What surrounds the brain in the same image.

    Returns
    -------
    float
    """
    return _ratio(wm.median, surroundings.p9995)


def fber(surroundings: Surroundings) -> float:
    """Energy of the head over that of the air: m_head^2 / m_air^2 (Shehzad et al., Front Neurosci 2015).

    Parameters
    ----------
    surroundings : Surroundings
        What surrounds the brain in the same image.

    Returns
    -------
    float
    """
    return _ratio(surroundings.head_median**2, surroundings.air_median**2)


def _of_shares(shares: Mapping[Tissue, float]) -> dict[str, float]:
    """What the volumes of the tissues say of each other."""
    return {
        "brain_parenchymal_fraction": brain_parenchymal_fraction(shares),
        "gm_wm_ratio": gm_wm_ratio(shares),
        **{f"icvs_{tissue.abbreviation.lower()}": shares[tissue] for tissue in Tissue},
    }


def _of_shading(shading: np.ndarray) -> dict[str, float]:
    """What the bias field does in the brain: its whole range, its inner 90 % and its median (Esteban et al. 2017)."""
    low, middle, high = np.percentile(shading, [INU_PERCENT[0], 50, INU_PERCENT[1]])
    return {"bias_range": bias_range(shading), "inu_range": float(high - low), "inu_med": float(middle)}


def _of_signals(statistics: Mapping[Tissue, TissueStatistics], surroundings: Surroundings) -> dict[str, float]:
    """What compares the signals of the tissues with their spread, with the air and with the brightest of the image."""
    gm, wm, air_sd = statistics[Tissue.GM], statistics[Tissue.WM], surroundings.air_sd
    ratios = {
        "snr": {tissue: snr(of_tissue) for tissue, of_tissue in statistics.items()},
        "snrd": {tissue: snrd(of_tissue, air_sd) for tissue, of_tissue in statistics.items()},
    }
    figures = {"cjv": cjv(gm, wm), "cnr": cnr(gm, wm, air_sd), "wm2max": wm2max(wm, surroundings)}
    for kind, of_tissues in ratios.items():
        figures |= {f"{kind}_{tissue.abbreviation.lower()}": value for tissue, value in of_tissues.items()}
        figures[f"{kind}_total"] = float(np.mean(list(of_tissues.values())))
    return figures


def _tissue_statistics(
    values: np.ndarray, partial_volumes: np.ndarray, voxels: np.ndarray
) -> dict[Tissue, TissueStatistics]:
    """Statistics of each tissue from the intensities of some voxels, given by their index in the flat box."""
    order = np.argsort(values)
    values, weights = values[order], partial_volumes.reshape(-1, len(Tissue)).take(voxels[order], axis=0)
    return {tissue: _weighted(values, w) for tissue, w in zip(Tissue, weights.T.astype(float), strict=True)}


def _weighted(values: np.ndarray, weights: np.ndarray) -> TissueStatistics:
    """Statistics of sorted values."""
    total = weights.sum()
    mostly = weights > weights.max() / 2
    if not mostly.any():
        return TissueStatistics(np.nan, np.nan, np.nan, 0.0)
    median = float(values[np.searchsorted(np.cumsum(weights), total / 2)])
    mean = np.average(values, weights=weights)
    sd = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    deviation = float(np.median(np.abs(values[mostly] - median))) / MEDIAN_DEVIATION
    return TissueStatistics(median, sd, deviation, total / 255)


def _ratio(a: float, b: float) -> float:
    """A / b; NaN, which is then left out, where b is not above 0."""
    return float(a / b) if b > 0 else np.nan
