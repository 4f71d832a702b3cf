"""The way of a scan through the engine: orient, extract, name, correct, fit, regularize, measure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from mriseg.brain.background import measure_background
from mriseg.core.errors import SettingsError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Tissue
from mriseg.image.orientation import orient, restore, restore_box
from mriseg.mixture.fit import JOINT_TOLERANCE, TOLERANCE, fit, fit_classes
from mriseg.mixture.likelihood import BinnedVoxels, bin_voxels
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.quality.metrics import quality
from mriseg.segmentation import volumes as measure
from mriseg.segmentation.bias_field import estimate_fields, evaluate_bias_field
from mriseg.segmentation.brain_region import brain_region, compact, find_brain
from mriseg.segmentation.checks import check_images
from mriseg.segmentation.findings import assess
from mriseg.segmentation.markov_field import regularized_posteriors
from mriseg.segmentation.native_grid import most_likely_tissue, native_order, tissue_posteriors
from mriseg.segmentation.partial_volume import partial_volumes
from mriseg.segmentation.result import Joint, Result
from mriseg.segmentation.skull_rim import bone_at_the_rim
from mriseg.segmentation.stages import Stages, reusable_stages
from mriseg.segmentation.trial_fits import identify_tissues

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
    settings = settings or Settings()
    clock = _Clock(progress)
    clock.start("orient")
    kept = _kept(scan, channels, settings, earlier)
    canonical, orientation = orient(scan)
    further = [orient(channel)[0].data for channel in channels]

    clock.start("extract")
    brain = kept.brain or compact(find_brain(scan, canonical, settings, mask))
    place = kept.place or brain_region(brain, canonical, settings)
    box, inside = place.box, place.mask[place.box]
    data = [channel[box] for channel in (canonical.data, *further)]
    spacing = canonical.spacing or (1.0,) * inside.ndim

    clock.start("name")
    named = kept.named or identify_tissues(scan, canonical, place, settings)
    naming, located = named.naming, named.zones
    data[0] = named.signal(data[0])

    clock.start("correct")
    corrected = kept.corrected or estimate_fields(scan, data, inside, spacing=spacing, named=named, settings=settings)
    fields = [evaluate_bias_field(coefficients, inside.shape) for coefficients in corrected.coefficients]
    found = bin_voxels([channel / field for channel, field in zip(data, fields, strict=True)], inside)
    bias = fields[0]
    del data, fields

    clock.start("fit")
    fitted = kept.fitted
    if fitted is None:
        tolerance = JOINT_TOLERANCE if channels else TOLERANCE
        fitted = fit(found.cells(inside, located), naming.tissues, located, start=corrected.start, tolerance=tolerance)
    mixture = kept.mixture
    if settings.classes != len(Tissue):
        located = uniform_prior(inside.shape)
        mixture = mixture or _in_classes(found, fitted, inside, settings.classes)
    mixture = mixture or fitted

    clock.start("regularize")
    posteriors = regularized_posteriors(
        found, mixture, inside, spacing=spacing, spatial_prior=located, smoothness=settings.smoothness
    )

    clock.start("measure")
    whole = place.mask
    if naming.tissues[0] is Tissue.WM and not brain.stripped and not brain.given:
        white = most_likely_tissue(posteriors, mixture.tissues) == Tissue.WM.number
        inside = inside & ~bone_at_the_rim(white & inside, inside, located, spacing)
        posteriors *= inside
        whole = whole.copy()  # that of the stage stays as it was found
        whole[box] = inside
    fractions = partial_volumes(posteriors, mixture, found)
    posteriors = tissue_posteriors(posteriors, mixture.tissues)
    labels = np.zeros(whole.shape, np.uint8)
    labels[box] = most_likely_tissue(posteriors, tuple(Tissue)) * inside
    posteriors = np.moveaxis(posteriors, 0, -1)
    voxel_ml = scan.voxel_ml
    notes = (*scan.notes, *brain.notes)
    if scan.header_contrast is not None:
        notes = (
            *notes,
            f"The header says that this is {scan.header_contrast.contrast.suffix}: {scan.header_contrast.reason}.",
        )
    if len(located) > 1:
        notes = (*notes, "The average brain said softly which tissue to expect where.")
    if scan.kind == "picture" and settings.pixel_size is not None:
        voxel_ml = settings.pixel_size**2 / 1000
        notes = (*notes, "Volumes of a picture are for each mm of slice thickness.")
    volumes_ml, shares = measure.volumes(fractions, voxel_ml), measure.shares(fractions)
    around = kept.around or measure_background(
        named.signal(canonical.data), place.mask, box=box, field=bias, spacing=canonical.spacing, brain=brain
    )
    signal = named.signal(canonical.data[box])
    figures, unmeasured = quality(
        signal, inside, bias, posteriors, fractions, shares, mixture, canonical.spacing, around
    )
    notes = (*notes, *unmeasured)
    volume_intervals = measure.intervals(posteriors, volumes_ml, voxel_ml)
    # In the order of the scan's own axes, and of the brain alone, which is half of its box.
    places = native_order(inside, orientation)
    posteriors = np.stack([posteriors[..., k].ravel()[places] for k in range(len(Tissue))], -1)
    fractions = fractions.reshape(-1, len(Tissue)).take(places, axis=0)
    own_labels, own_box = restore(labels, orientation), restore_box(box, whole.shape, orientation)
    clock.stop()
    result = Result(
        labels=own_labels,
        brain=brain,
        mixture=mixture,
        histogram=found.histograms[0],
        joint=Joint.of(found, inside) if channels else None,
        contrast=naming.contrast,
        contrast_confidence=naming.confidence,
        volumes_ml=volumes_ml,
        volume_intervals_ml=volume_intervals,
        fractions=shares,
        quality=figures,
        notes=notes,
        findings=(),
        settings=settings,
        seconds=clock.seconds,
        box=own_box,
        orientation=orientation,
        brain_posteriors=posteriors,
        brain_fractions=fractions,
        stages=Stages(brain, place, named, corrected, around, fitted, mixture),
    )
    return replace(result, findings=assess(scan, result))


def _kept(scan: Scan, channels: Sequence[Scan], settings: Settings, earlier: Result | None) -> Stages:
    """What need not be found again, once it is sure that the images can be segmented, together."""
    if len(channels) >= MOST_CHANNELS:
        raise SettingsError(f"At most {MOST_CHANNELS} contrasts can be fitted together.")
    if channels and settings.classes != len(Tissue):
        raise SettingsError("Several contrasts are fitted with three classes. Leave the number of classes at 3.")
    if earlier is None:
        check_images(scan, channels)
        return Stages()
    if earlier.labels.shape != scan.data.shape or earlier.mixture.channels != 1 + len(channels):
        raise SettingsError("The earlier result is of another scan, or of other contrasts beside it. Leave it out.")
    return reusable_stages(earlier.stages, earlier.settings, settings)


def _in_classes(found: BinnedVoxels, named: Mixture, inside: np.ndarray, classes: int) -> Mixture:
    """A mixture of any number of classes, each the tissue that a mixture of three makes of its mean."""
    mixture = fit_classes(found.cells(inside, uniform_prior(inside.shape)), classes)
    alike = named.class_densities(mixture.means).argmax(1)
    return replace(mixture, tissues=tuple(named.tissues[k] for k in alike))


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

    def stop(self) -> None:
        if self._stage:
            self.seconds[self._stage] = perf_counter() - self._since
