"""The brain in the grid: given or searched; its border moved; and what the average brain expects in it."""

from dataclasses import replace

import numpy as np

from mriseg.brain.extraction import Brain, extract
from mriseg.brain.told_mask import take_everything, take_given, take_stripped
from mriseg.core.errors import BrainNotFoundError, SettingsError
from mriseg.core.remedies import Remedy
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.image.morphology import bounding_box, offset_mask
from mriseg.image.orientation import orient
from mriseg.mixture.spatial_prior import prior_zones, uniform_prior
from mriseg.registration.atlas import atlas
from mriseg.segmentation.stages import BrainRegion


def brain_region(brain: Brain, canonical: Scan, settings: Settings) -> BrainRegion:
    """The brain's mask with its border moved, its box, and what the average brain expects in it.

    Parameters
    ----------
    brain : Brain
        As from `find_brain`.
    canonical : Scan
        In canonical axes.
    settings : Settings
        Of which `margin`, `pixel_size` and `use_position` are asked.

    Returns
    -------
    BrainRegion
        Its box is one voxel wider than the brain, where the grid goes on.

    Raises
    ------
    BrainNotFoundError
        If the border was moved so far inward that nothing is left.
    """
    mask = _adjust_mask(brain, canonical.spacing, settings)
    box = bounding_box(mask, margin=1)
    box_mask = mask[box]
    spatial_prior = uniform_prior(box_mask.shape)
    if settings.use_position and brain.registration is not None and not brain.doubtful:
        spacing = canonical.spacing or (1.0,) * box_mask.ndim
        spatial_prior = prior_zones(
            brain.registration, atlas(), box_mask, spacing=spacing, first_voxel_mm=first_voxel_mm(box, spacing)
        )
    return BrainRegion(mask, box, spatial_prior)


def first_voxel_mm(box: tuple[slice, ...], spacing: tuple[float, ...]) -> np.ndarray:
    """Position of a box's first voxel, mm along the canonical axes.

    Parameters
    ----------
    box : tuple of slice
        A part of the canonical grid.
    spacing : tuple of float
        Voxel sides, mm.

    Returns
    -------
    ndarray of shape (3,) or (2,)
        mm.

    Examples
    --------
    >>> first_voxel_mm((slice(10, 20), slice(4, 9), slice(0, 3)), (1.0, 2.0, 5.0))
    array([10.,  8.,  0.])
    """
    return np.array([part.start * side for part, side in zip(box, spacing, strict=True)])


def find_brain(
    scan: Scan, canonical: Scan, settings: Settings, mask: np.ndarray | None, filling: float | None = None
) -> Brain:
    """The brain in canonical axes: as given, as the user says, or searched.

    Parameters
    ----------
    scan : Scan
        On whose grid a mask is given.
    canonical : Scan
        The same in canonical axes, its intensities counted from no signal.
    settings : Settings
        Of which `mask` is asked: "auto" searches the brain, "none" takes what is not background, "all" takes
        everything.
    mask : ndarray of bool, shape of the scan, or None
        The brain, if it is known.
    filling : float, optional
        The one value of the background, where it has one.

    Returns
    -------
    Brain

    Raises
    ------
    SettingsError
        If the mask that was given has another shape or is empty.
    BrainNotFoundError
        If no brain is found.
    """
    if mask is not None:
        if mask.shape != scan.data.shape:
            shapes = [" x ".join(map(str, image.shape)) for image in (mask, scan.data)]
            raise SettingsError(
                f"The mask has {shapes[0]} voxels, the scan {shapes[1]}. Give a mask on the scan's grid.",
                (Remedy.SEARCH,),
            )
        if not mask.any():
            raise SettingsError("The mask is empty. Give one that is above zero in the brain.", (Remedy.SEARCH,))
        oriented, _ = orient(replace(scan, data=np.asarray(mask, bool)))
        return take_given(canonical.data, canonical.spacing, oriented.data)
    if settings.mask == "none":
        return take_stripped(canonical.data, canonical.spacing, filling)
    if settings.mask == "all":
        return take_everything(canonical.data, canonical.spacing)
    return extract(canonical.data, canonical.spacing)


def compact(brain: Brain) -> Brain:
    """The same in an array whose pages of zeros were never written, and so take no memory while it is stored.

    Parameters
    ----------
    brain : Brain

    Returns
    -------
    Brain
    """
    if not brain.mask.any():
        return brain
    box = bounding_box(brain.mask)
    mask = np.zeros(brain.mask.shape, bool)
    mask[box] = brain.mask[box]
    return replace(brain, mask=mask)


def _adjust_mask(brain: Brain, spacing: tuple[float, ...] | None, settings: Settings) -> np.ndarray:
    """The mask of the brain, made tighter or looser as the settings say."""
    side = settings.pixel_size or (brain.level and brain.level.pixel_mm) or 1.0
    mask = offset_mask(brain.mask, settings.margin, spacing or (side, side))
    if not mask.any():
        raise BrainNotFoundError(
            f"A brain outline that is shrunk by {-settings.margin:g} mm is empty. Shrink it less.", (Remedy.OUTLINE,)
        )
    return mask
