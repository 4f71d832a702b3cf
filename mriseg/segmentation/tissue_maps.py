"""From classes of the mixture to tissues: posteriors, partial volumes and labels in the brain's canonical box."""

from dataclasses import dataclass

import numpy as np

from mriseg.core.tissue import ABNORMAL, Tissue
from mriseg.image.resampling import parts
from mriseg.mixture.likelihood import BinnedVoxels
from mriseg.mixture.model import Mixture
from mriseg.quality.metrics import fluid_contrast, tissue_contrast
from mriseg.segmentation.partial_volume import partial_volumes
from mriseg.segmentation.posterior_calibration import soften, temperatures


@dataclass(frozen=True, eq=False)
class TissueMaps:
    """The tissues of a brain in its canonical box.

    Attributes
    ----------
    mask : ndarray of bool, shape (i, j) or (i, j, k)
        The brain, without what proved to be bone.
    labels : ndarray of uint8, same shape
        Number of the likeliest tissue, that of `ABNORMAL` where none is as likely as that, 0 outside the mask.
    posteriors : ndarray of float32, shape of the mask and 3
        In the order of `Tissue`; what they lack to 1 is that of abnormal tissue.
    partial_volumes : ndarray of uint8, shape of the mask and 3
        Fractions of the voxel times 255, in the order of `Tissue`.
    abnormal : ndarray of float32, shape of the mask, or None
        Probability of what is unlike any tissue; None where nothing is.
    """

    mask: np.ndarray
    labels: np.ndarray
    posteriors: np.ndarray
    partial_volumes: np.ndarray
    abnormal: np.ndarray | None = None

    @property
    def abnormal_voxels(self) -> float:
        """Voxels that are abnormal, each counting by its probability."""
        return 0.0 if self.abnormal is None else float(self.abnormal.sum(where=self.mask, dtype=float))


def tissue_maps(
    class_posteriors: np.ndarray, mask: np.ndarray, binned: BinnedVoxels, mixture: Mixture, *, thickness_mm: float
) -> TissueMaps:
    """What each voxel is, from the posteriors of the mixture's classes.

    Parameters
    ----------
    class_posteriors : ndarray of float32, shape (classes, ...)
        Of the classes, from dark to bright, and of abnormal tissue last where it competed; overwritten.
    mask : ndarray of bool, shape (...)
        The brain.
    binned : BinnedVoxels
        The intensities that the mixture was fitted to.
    mixture : Mixture
        Its classes named.
    thickness_mm : float
        Largest side of a voxel, mm.

    Returns
    -------
    TissueMaps
    """
    class_posteriors, abnormal = class_posteriors[: mixture.classes], class_posteriors[mixture.classes :]
    fractions = partial_volumes(class_posteriors, mixture, binned)
    posteriors = tissue_posteriors(class_posteriors, mixture.tissues)
    within_tissue, about_fluid = temperatures_of(mixture, thickness_mm)
    soften(posteriors, within_tissue=within_tissue, about_fluid=about_fluid)
    labels = most_likely_tissue(posteriors, tuple(Tissue))
    for part in parts(labels.shape) if len(abnormal) else ():
        np.putmask(labels[part], abnormal[0, part] > posteriors[:, part].max(0), ABNORMAL.number)
    labels *= mask
    return TissueMaps(mask, labels, np.moveaxis(posteriors, 0, -1), fractions, abnormal[0] if len(abnormal) else None)


def temperatures_of(mixture: Mixture, thickness_mm: float) -> tuple[float, float]:
    """By which temperatures the posteriors of a mixture's tissues are softened.

    Parameters
    ----------
    mixture : Mixture
        Its classes named.
    thickness_mm : float
        Largest side of a voxel, mm.

    Returns
    -------
    within_tissue, about_fluid : float
        See `mriseg.segmentation.posterior_calibration`; 1 where they were not found for such a mixture.
    """
    if mixture.classes != len(Tissue) or mixture.channels != 1:
        return 1.0, 1.0
    return temperatures(tissue_contrast(mixture), fluid_contrast(mixture), thickness_mm)


def tissue_posteriors(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Posteriors of the classes as those of the tissues: permuted in place, or summed where classes share a tissue.

    Parameters
    ----------
    posteriors : ndarray of float32, shape (classes, ...)
        Of the classes; overwritten.
    tissues : tuple of Tissue
        Of the classes, from dark to bright.

    Returns
    -------
    ndarray of float32, shape (3, ...)
        In the order of `Tissue`.
    """
    if set(tissues) != set(Tissue) or len(tissues) != len(Tissue):
        total = np.zeros((len(Tissue), *posteriors.shape[1:]), np.float32)
        for tissue, posterior in zip(tissues, posteriors, strict=True):
            total[list(Tissue).index(tissue)] += posterior
        return total
    order = [tissues.index(tissue) for tissue in Tissue]
    for index in range(posteriors.shape[1]):  # a second copy would be the largest array there is
        posteriors[:, index] = posteriors[order, index]
    return posteriors


def most_likely_tissue(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Number of the tissue of the largest posterior, ties to the first; posteriors of shape (classes, ...).

    Parameters
    ----------
    posteriors : ndarray of float32, shape (classes, ...)
        Probability of each class.
    tissues : tuple of Tissue
        Of the classes, from dark to bright.

    Returns
    -------
    ndarray of uint8, shape (...)
        As `Tissue.number`.
    """
    labels = np.full(posteriors.shape[1:], tissues[0].number, np.uint8)
    for part in parts(labels.shape):
        best = posteriors[0, part]
        for tissue, posterior in zip(
            tissues[1:], posteriors[1:, part], strict=True
        ):  # argmax over a first axis is slow
            np.putmask(labels[part], posterior > best, tissue.number)
            best = np.maximum(best, posterior)
    return labels
