"""The way of a scan through the engine: orient, extract, name, correct, fit, regularize, measure.

Examples
--------
A head made for tests, at 4 mm, whose brain is known:

>>> from mriseg import Contrast, Settings, segment
>>> from mriseg.datasets.phantom import make_phantom, simulate
>>> phantom = make_phantom(spacing=4.0)
>>> scan = simulate(phantom, Contrast.T2)
>>> result = segment(scan, mask=phantom.truth > 0)
>>> result.contrast.suffix, result.labels.shape == scan.data.shape
('T2w', True)
>>> {tissue.abbreviation: round(share, 1) for tissue, share in result.fractions.items()}
{'GM': 0.6, 'WM': 0.3, 'CSF': 0.1}

With another smoothness only the neighbors of each voxel are asked again:

>>> smoother = segment(scan, Settings(smoothness=2.0), earlier=result)
>>> smoother.stages.mixture is result.stages.mixture
True
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from mriseg.brain.background import Background, above_background, find_background
from mriseg.brain.extraction import Brain
from mriseg.brain.surroundings import measure_surroundings
from mriseg.core import limits
from mriseg.core.errors import SettingsError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Contrast, Tissue
from mriseg.image.orientation import orient
from mriseg.mixture.fit import JOINT_TOLERANCE, TOLERANCE, fit, fit_classes
from mriseg.mixture.likelihood import BinnedVoxels, bin_voxels
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.mixture.tissue_densities import TissueDensities
from mriseg.segmentation.abnormal_class import abnormal_class
from mriseg.segmentation.abnormal_region import look_in_slice, look_in_volume
from mriseg.segmentation.assembly import assemble
from mriseg.segmentation.bias_field import estimate_fields, evaluate_bias_field
from mriseg.segmentation.brain_region import brain_region, compact, find_brain
from mriseg.segmentation.checks import check_images
from mriseg.segmentation.findings import assess
from mriseg.segmentation.markov_field import regularized_posteriors
from mriseg.segmentation.result import Joint, Result
from mriseg.segmentation.skull_rim import bone_at_the_rim, darker_than_white, vessels_at_the_rim
from mriseg.segmentation.stages import (
    AbnormalRegion,
    BiasCorrection,
    BrainRegion,
    IdentifiedTissues,
    PartialStages,
    Stages,
    reusable_stages,
)
from mriseg.segmentation.tissue_curves import tissue_curves
from mriseg.segmentation.tissue_maps import TissueMaps, most_likely_tissue, tissue_maps
from mriseg.segmentation.trial_fits import identify_tissues

logger = logging.getLogger(__name__)

STAGES = {
    "orient": "Bringing the axes into canonical order",
    "extract": "Finding the brain",
    "name": "Finding out which tissue is bright",
    "correct": "Estimating the bias field",
    "fit": "Fitting the mixture to the histogram",
    "regularize": "Asking the neighbors of each voxel",
    "measure": "Measuring volumes and quality",
}
MOST_CHANNELS = 3


# The matrices are small: more threads would only wait for each other, and could change the last digit of a sum.
@threadpool_limits.wrap(limits=1, user_api="blas")
def segment(
    scan: Scan,
    settings: Settings | None = None,
    mask: np.ndarray | None = None,
    earlier: Result | None = None,
    progress: Callable[[str], None] | None = None,
    channels: Sequence[Scan] = (),
) -> Result:
    """Segment a scan into gray matter, white matter and cerebrospinal fluid.

    Parameters
    ----------
    scan : Scan
        As `mriseg.io.reader` returns it.
    settings : Settings, optional
        The defaults if not given.
    mask : array of bool, shape of the scan, optional
        The brain, if it is already known; then it is not searched.
    earlier : Result, optional
        Of the same scan, mask and channels. Only the stages from the first on whose settings differ are then run, and
        the result is the same to the bit as without it.
    progress : callable, optional
        Called with the key of each of `STAGES` as it begins.
    channels : sequence of Scan, optional
        Up to two further contrasts of the same head on the same grid, such as T2 and FLAIR beside T1. The brain and
        the names are found on `scan`; the mixture is fitted to all of them with full covariances.

    Returns
    -------
    Result
        On the scan's own grid.

    Raises
    ------
    MrisegError
        If the scan cannot be segmented honestly; the message says why and what to do.
    """
    settings, clock = settings or Settings(), _Clock(progress)
    clock.start("orient")
    reusable = _reusable(scan, channels, settings, earlier)
    canonical, orientation, background = _oriented(scan, reusable.background)
    further = [_above_background(channel) for channel in channels]
    brain = _find_and_correct(
        scan, canonical, further, background, mask=mask, settings=settings, reusable=reusable, clock=clock
    )
    stages, maps, curves = _fit_and_label(canonical, brain, settings=settings, reusable=reusable, clock=clock)
    histogram, joint = brain.binned.histograms[0], Joint.of(brain.binned, maps.mask) if further else None
    del brain  # with the cell of each voxel, which nobody asks again
    result = assemble(
        scan,
        canonical,
        orientation,
        settings=settings,
        stages=stages,
        maps=maps,
        curves=curves,
        histogram=histogram,
        joint=joint,
    )
    return replace(result, findings=assess(scan, result), seconds=clock.stop())


def _oriented(scan: Scan, known: Background | None) -> tuple[Scan, np.ndarray, Background]:
    """The scan in canonical axes, counted from its background; the way from its own axes; the background."""
    canonical, orientation = orient(scan)
    background = known or find_background(canonical.data)
    return replace(canonical, data=above_background(canonical.data, background)), orientation, background


@dataclass(frozen=True, eq=False)
class _CorrectedBrain:
    """A brain whose tissues can be fitted: its stages so far, and its intensities."""

    background: Background
    brain: Brain
    region: BrainRegion
    suspected: AbnormalRegion
    tissues: IdentifiedTissues
    bias_correction: BiasCorrection
    abnormal: AbnormalRegion
    binned: BinnedVoxels


def _find_and_correct(
    scan: Scan,
    canonical: Scan,
    further: Sequence[np.ndarray],
    background: Background,
    *,
    mask: np.ndarray | None,
    settings: Settings,
    reusable: PartialStages,
    clock: "_Clock",
) -> _CorrectedBrain:
    """Find the brain and which tissue is bright in it, and divide out the bias field of each channel."""
    clock.start("extract")
    brain = reusable.brain or compact(find_brain(scan, canonical, settings, mask, filling=background.filling))
    region = reusable.region or brain_region(brain, canonical, settings)
    limits.check_brain(canonical.data.shape, region.box_mask, settings.classes)

    channels = [canonical.data[region.box], *(data[region.box] for data in further)]
    look = partial(_look_for_abnormal, region=region, brain=brain, spacing=_spacing(canonical), settings=settings)
    suspected = reusable.suspected or look(channels)

    clock.start("name")
    # In a slice what is bright may be fluid, as long as nobody knows which tissue is bright.
    like_tissue = suspected.without(region.box_mask) if region.mask.ndim == 3 else region.box_mask
    tissues = reusable.tissues or identify_tissues(
        scan, canonical, region, settings, brain=brain, like_tissue=like_tissue
    )

    clock.start("correct")
    order = tissues.assignment.tissues
    if order[0] is Tissue.CSF and not tissues.assignment.inverted:
        like_tissue = suspected.without(region.box_mask)
    signals = [tissues.signal(channels[0]), *channels[1:]]
    correction = reusable.bias_correction or estimate_fields(
        scan, signals, like_tissue, spacing=_spacing(canonical), tissues=tissues, settings=settings
    )
    corrected = _divided(signals, correction, region.box_mask.shape)
    abnormal = reusable.abnormal or look(corrected, tissues=order)
    binned = bin_voxels(corrected, region.box_mask)
    return _CorrectedBrain(background, brain, region, suspected, tissues, correction, abnormal=abnormal, binned=binned)


def _look_for_abnormal(
    channels: Sequence[np.ndarray],
    *,
    region: BrainRegion,
    brain: Brain,
    spacing: tuple[float, ...],
    settings: Settings,
    tissues: tuple[Tissue, ...] | None = None,
) -> AbnormalRegion:
    """What is unlike any tissue, if it is asked for; before the tissues have names, with the bias field in it."""
    if not settings.lesions:
        return AbnormalRegion()
    if region.mask.ndim == 2:
        return look_in_slice(channels[0], region, spacing, tissues)
    return look_in_volume(channels, region, brain, spacing, is_shaded=tissues is None)


def _divided(signals: Sequence[np.ndarray], correction: BiasCorrection, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Intensities of each channel divided by its bias field."""
    fields = (evaluate_bias_field(coefficients, shape) for coefficients in correction.coefficients)
    return [np.divide(signal, field, out=field) for signal, field in zip(signals, fields, strict=True)]


def _fit_and_label(
    canonical: Scan, corrected: _CorrectedBrain, *, settings: Settings, reusable: PartialStages, clock: "_Clock"
) -> tuple[Stages, TissueMaps, TissueDensities]:
    """Fit the mixture, ask the neighbors of each voxel, and say which tissue each is and what each looks like."""
    brain, region, tissues, binned = corrected.brain, corrected.region, corrected.tissues, corrected.binned
    mask, spatial_prior = region.box_mask, tissues.spatial_prior
    like_tissue = corrected.abnormal.without(mask)

    clock.start("fit")
    fitted = reusable.fitted or fit(
        binned.cells(like_tissue, spatial_prior),
        tissues.assignment.tissues,
        spatial_prior,
        start=corrected.bias_correction.start,
        tolerance=JOINT_TOLERANCE if len(binned.histograms) > 1 else TOLERANCE,
    )
    mixture = reusable.mixture or fitted
    if settings.classes != len(Tissue):
        spatial_prior = uniform_prior(mask.shape)
        mixture = reusable.mixture or _fit_classes(binned, like_tissue, fitted, settings.classes)

    clock.start("regularize")
    spacing = _spacing(canonical)
    seen = corrected.abnormal.mask
    posteriors = regularized_posteriors(
        binned,
        mixture,
        mask,
        spacing=spacing,
        spatial_prior=spatial_prior,
        smoothness=settings.smoothness,
        abnormal=None if seen is None else abnormal_class(seen, mask, binned, spacing),
    )

    clock.start("measure")
    if not brain.given:
        mask = _without_rim(posteriors, corrected, mixture, spatial_prior=spatial_prior, spacing=spacing)
    curves = tissue_curves(posteriors[: mixture.classes], region.box_mask, binned, mixture)
    maps = tissue_maps(posteriors, mask, binned, mixture, thickness_mm=max(spacing))
    surroundings = reusable.surroundings or measure_surroundings(
        tissues.signal(canonical.data),
        region.mask,
        box=region.box,
        field=evaluate_bias_field(corrected.bias_correction.coefficients[0], mask.shape),
        spacing=canonical.spacing,
        brain=brain,
    )
    stages = Stages(
        corrected.background,
        brain,
        region,
        corrected.suspected,
        tissues,
        corrected.bias_correction,
        abnormal=corrected.abnormal,
        surroundings=surroundings,
        fitted=fitted,
        mixture=mixture,
    )
    return stages, maps, curves


def _above_background(channel: Scan) -> np.ndarray:
    """Intensities of a further channel in canonical axes, counted from no signal."""
    data = orient(channel)[0].data
    return above_background(data, find_background(data))


def _without_rim(
    posteriors: np.ndarray,
    corrected: _CorrectedBrain,
    mixture: Mixture,
    *,
    spatial_prior: PriorZones,
    spacing: tuple[float, ...],
) -> np.ndarray:
    """The mask without what was named white matter at the rim and is bone or a vessel; their posteriors become 0."""
    mask, binned, assignment = corrected.region.box_mask, corrected.binned, corrected.tissues.assignment
    fluid_bright = assignment.tissues[0] is Tissue.WM
    if not fluid_bright and (assignment.contrast is not Contrast.T1 or mask.ndim == 2):
        return mask
    tissues = posteriors[: mixture.classes]
    white = corrected.abnormal.without(mask) & (most_likely_tissue(tissues, mixture.tissues) == Tissue.WM.number)
    if fluid_bright:
        if corrected.brain.stripped:
            white &= darker_than_white(binned, mixture)
        rim = bone_at_the_rim(white, mask, spatial_prior, spacing)
    else:
        rim = vessels_at_the_rim(white, mask, spatial_prior, spacing=spacing, binned=binned, mixture=mixture)
    if rim.any():
        mask = mask & ~rim
        posteriors *= mask
    return mask


def _spacing(canonical: Scan) -> tuple[float, ...]:
    """Sides of a voxel in mm; of a picture, whose pixels have no size, 1."""
    return canonical.spacing or (1.0,) * canonical.data.ndim


def _reusable(scan: Scan, channels: Sequence[Scan], settings: Settings, earlier: Result | None) -> PartialStages:
    """The stages that need not be run again, once it is sure that the images can be segmented, together."""
    if len(channels) >= MOST_CHANNELS:
        raise SettingsError(f"At most {MOST_CHANNELS} contrasts can be fitted together.")
    if channels and settings.classes != len(Tissue):
        raise SettingsError("Several contrasts are fitted with three classes. Leave the number of classes at 3.")
    if earlier is None:
        check_images(scan, channels)
        return PartialStages()
    if earlier.labels.shape != scan.data.shape or earlier.mixture.channels != 1 + len(channels):
        raise SettingsError("The earlier result is of another scan, or of other contrasts beside it. Leave it out.")
    return reusable_stages(earlier.stages, earlier.settings, settings)


def _fit_classes(binned: BinnedVoxels, mask: np.ndarray, fitted: Mixture, classes: int) -> Mixture:
    """A mixture of any number of classes, each the tissue that a mixture of three makes of its mean."""
    mixture = fit_classes(binned.cells(mask, uniform_prior(mask.shape)), classes)
    alike = fitted.class_densities(mixture.means).argmax(1)
    return replace(mixture, tissues=tuple(fitted.tissues[k] for k in alike))


class _Clock:
    """Wall time of each stage, and word of each to whoever listens."""

    def __init__(self, progress: Callable[[str], None] | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._stage: str | None = None
        self._since = 0.0

    def start(self, stage: str) -> None:
        self.stop()
        self._stage, self._since = stage, perf_counter()
        if self._progress:
            self._progress(stage)

    def stop(self) -> dict[str, float]:
        if self._stage:
            self.seconds[self._stage] = perf_counter() - self._since
            logger.debug("%s took %.2f s", self._stage, self.seconds[self._stage])
        return self.seconds
