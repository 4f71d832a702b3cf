"""How much of a brain is unlike any of the three tissues, in how many parts, and on which side."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import scipy

from mriseg.brain.extraction import Brain
from mriseg.core.tissue import ABNORMAL, Contrast, Tissue
from mriseg.image.resampling import parts
from mriseg.registration.atlas import TISSUES
from mriseg.segmentation.brain_region import first_voxel_mm
from mriseg.segmentation.stages import BrainRegion
from mriseg.segmentation.tissue_maps import TissueMaps

LEAST_PART = 0.1, 10  # mL, and pixels of a picture: what is smaller is noise beside a part
MOSTLY = 0.8  # share on one side from which it is told
# How far the logarithm of a true volume lies from that of the measured one in 95 of 100 scans: lesions of multiple
# sclerosis and gliomas on FLAIR, gliomas on T1 with contrast agent. `benchmarks/lesions.py` prints them.
REACH = {Contrast.FLAIR: 0.5}
REACH_OF_OTHERS = 1.0
LEAST_REACH_ML = 2.0  # what is seen in healthy brains


class Side(StrEnum):
    """On which side of the patient something lies."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class AbnormalTissue:
    """What is unlike any of the three tissues.

    Attributes
    ----------
    share : float
        Of the cranial cavity, 0 to 1.
    volume_ml : float or None
        Each voxel counting by its probability, mL; None where the pixel size is unknown.
    interval_ml : tuple of float, or None
        Between which volumes the truth lies with a probability of 95 %, by the errors of scans whose truth is known.
    parts : int
        Pieces that hang together, at least one; without those smaller than 0.1 mL, in a picture than 10 pixels.
    largest_ml : float or None
        The largest piece.
    side : Side
        Where most of it lies.
    expected_ml : dict of Tissue to float, or None
        What the average brain has there: with it the volumes of the tissues are those of a brain that was filled.
    """

    share: float
    volume_ml: float | None
    interval_ml: tuple[float, float] | None
    parts: int
    largest_ml: float | None
    side: Side
    expected_ml: dict[Tissue, float] | None


def measure_abnormal(
    maps: TissueMaps,
    region: BrainRegion,
    brain: Brain,
    *,
    spacing: tuple[float, ...] | None,
    voxel_ml: float | None,
    contrast: Contrast,
    sides_known: bool,
) -> AbnormalTissue | None:
    """Measure what the labels say is abnormal.

    Parameters
    ----------
    maps : TissueMaps
        In the brain's canonical box.
    region : BrainRegion
        What the average brain expects there.
    brain : Brain
        Where the average brain lies.
    spacing : tuple of float or None
        Voxel sides, mm.
    voxel_ml : float or None
        Volume of a voxel, mL.
    contrast : Contrast
        What the scan was taken for.
    sides_known : bool
        Whether it can be trusted which side is the patient's left.

    Returns
    -------
    AbnormalTissue or None
        None where no voxel has the label.
    """
    mask = maps.labels == ABNORMAL.number
    if maps.abnormal is None or not mask.any():
        return None
    number, _ = scipy.ndimage.label(mask, np.ones((3,) * mask.ndim))
    sizes = np.bincount(number.ravel())[1:]
    voxels = maps.abnormal_voxels
    least = LEAST_PART[1] if voxel_ml is None or mask.ndim == 2 else LEAST_PART[0] / voxel_ml
    volume_ml = None if voxel_ml is None else voxels * voxel_ml
    side = _side(mask, region, brain, spacing) if sides_known and spacing is not None else Side.UNKNOWN
    return AbnormalTissue(
        share=voxels / int(np.count_nonzero(maps.mask)),
        volume_ml=volume_ml,
        interval_ml=None if volume_ml is None else _interval(volume_ml, contrast),
        parts=max(1, int(np.count_nonzero(sizes >= least))),
        largest_ml=None if voxel_ml is None else float(sizes.max() * voxel_ml),
        side=side,
        expected_ml=None if voxel_ml is None else _expected(maps, region, voxel_ml),
    )


def _interval(volume_ml: float, contrast: Contrast) -> tuple[float, float]:
    times = float(np.exp(REACH.get(contrast, REACH_OF_OTHERS)))
    return max(0.0, volume_ml / times - LEAST_REACH_ML), volume_ml * times + LEAST_REACH_ML


def _side(mask: np.ndarray, region: BrainRegion, brain: Brain, spacing: tuple[float, ...]) -> Side:
    """Of a part of the box, by the average brain's midline."""
    if brain.registration is None or mask.ndim != 3:
        return Side.UNKNOWN
    to_mni = np.linalg.inv(brain.registration.affine)
    places_mm = np.argwhere(mask) * spacing + first_voxel_mm(region.box, spacing)
    share_right = float(np.mean(places_mm @ to_mni[0, :3] + to_mni[0, 3] > 0))
    if share_right >= MOSTLY:
        return Side.RIGHT
    return Side.LEFT if share_right <= 1 - MOSTLY else Side.BOTH


def _expected(maps: TissueMaps, region: BrainRegion, voxel_ml: float) -> dict[Tissue, float]:
    """What the average brain has of each tissue where something abnormal is, mL."""
    prior, weights = region.spatial_prior, np.zeros(len(region.spatial_prior))
    assert maps.abnormal is not None
    for part in parts(maps.mask.shape):
        inside = maps.mask[part]
        weights += np.bincount(prior.index[part][inside], maps.abnormal[part][inside], len(prior))
    return {tissue: float(weights @ shares) * voxel_ml for tissue, shares in zip(TISSUES, prior.shares.T, strict=True)}
