"""Where in a brain there is what no tissue explains, on the scan's own grid."""

from collections.abc import Sequence

import numpy as np

from mriseg.abnormal.outliers import abnormal_parts
from mriseg.abnormal.slice_outliers import abnormal_in_slice
from mriseg.abnormal.standard_brain import to_standard_space
from mriseg.brain.extraction import Brain
from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.resampling import Grid
from mriseg.segmentation.abnormal_slice import on_one_side
from mriseg.segmentation.brain_region import first_voxel_mm
from mriseg.segmentation.stages import AbnormalRegion, BrainRegion

# Share of a voxel's surroundings in the average brain's grid that must be abnormal: less than half, since the way there
# and back makes small parts smaller.
LEAST_SHARE = 0.35


def look_in_volume(
    channels: Sequence[np.ndarray], region: BrainRegion, brain: Brain, spacing: tuple[float, ...], *, is_shaded: bool
) -> AbnormalRegion:
    """What is unlike any tissue in one of the channels of a volume.

    Parameters
    ----------
    channels : sequence of ndarray of float32, shape of the brain's box
        Intensities, air darker than tissue.
    region : BrainRegion
    brain : Brain
        Where the average brain lies over it.
    spacing : tuple of float
        Voxel sides, mm.
    is_shaded : bool
        Whether the bias field was not divided out yet.

    Returns
    -------
    AbnormalRegion
        Nothing where the average brain could not be laid over the brain, or nobody would trust it.
    """
    if brain.registration is None or brain.doubtful:
        return AbnormalRegion()
    mask = region.box_mask
    grid = Grid(mask.shape, spacing, first_voxel_mm(region.box, spacing))
    abnormal = np.zeros(mask.shape, bool)
    for channel in channels:
        standard = to_standard_space(channel, mask, grid, brain.registration)
        parts = abnormal_parts(standard, is_shaded=is_shaded)
        if parts.any():
            abnormal |= (standard.to_scan(parts, grid) > LEAST_SHARE) & mask
    return AbnormalRegion(abnormal if abnormal.any() else None)


def look_in_slice(
    data: np.ndarray, region: BrainRegion, spacing: tuple[float, ...], tissues: tuple[Tissue, ...] | None
) -> AbnormalRegion:
    """What is unlike any tissue in a single slice.

    Parameters
    ----------
    data : ndarray of float32, shape of the brain's box
        Intensities, air darker than tissue.
    region : BrainRegion
    spacing : tuple of float
        Sides of a pixel, mm or any unit.
    tissues : tuple of Tissue or None
        From dark to bright. Where fluid is bright, a bright part may be fluid unless it lies on one side alone; on
        FLAIR bright parts say all. Where they are not known, what is bright.

    Returns
    -------
    AbnormalRegion
    """
    mask, abnormal = region.box_mask, np.zeros(region.box_mask.shape, bool)
    if tissues is None or tissues[0] is Tissue.CSF:
        abnormal |= abnormal_in_slice(data, mask)
    if tissues is not None and tissues != Contrast.FLAIR.dark_to_bright:
        abnormal |= on_one_side(data, mask, spacing)
    return AbnormalRegion(abnormal if abnormal.any() else None)
