"""The way of a scan through the engine: orient, extract, name, correct, fit, regularise, measure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from mriseg.brain.background import surroundings
from mriseg.brain.extraction import SLAB_MM, Brain, extract, take_everything, take_given, take_stripped
from mriseg.core.errors import BrainNotFoundError, MrisegError, SettingsError
from mriseg.core.scan import Scan, farthest_apart_mm
from mriseg.core.settings import Settings
from mriseg.core.tissue import ORDERS, Contrast, Tissue
from mriseg.image.morphology import bounding_box, moved_border
from mriseg.image.orientation import orient, restore
from mriseg.mixture.fit import FLUID_BRIGHT, FLUID_DARK, TOLERANCE, by_brightness, fit, fit_classes, in_order
from mriseg.mixture.likelihood import Sorted, log_evidence, looked_up, sort
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import TISSUES, Zones, one_zone, zones
from mriseg.quality.metrics import quality
from mriseg.registration.atlas import atlas
from mriseg.registration.slab import align
from mriseg.segmentation import volumes as measure
from mriseg.segmentation.bias_field import estimate, evaluate, flat
from mriseg.segmentation.contrast import Naming, black_level, name, name_by_position, stored_order, weigh
from mriseg.segmentation.markov_field import coupling, regularise
from mriseg.segmentation.partial_volume import partial_volumes
from mriseg.segmentation.result import Joint, Result
from mriseg.segmentation.skull_rim import bone_at_the_rim
from mriseg.segmentation.stages import Corrected, Named, Place, Stages, still_true

STAGES = {
    "orient": "Bringing the axes into canonical order",
    "extract": "Finding the brain",
    "name": "Finding out which tissue is bright",
    "correct": "Estimating the bias field",
    "fit": "Fitting the mixture to the histogram",
    "regularise": "Asking the neighbours of each voxel",
    "measure": "Measuring volumes and quality",
}
# Finer volumes and larger pictures (pixels along the longer side of the brain) are thinned for the names.
NAMING_MM, NAMING_SIDE = 2.0, 200
NAMING_SAMPLES = 20_000  # for its bias fields
LEAST_SLAB_MM = 5.0  # in a thinner one too little lies to tell where it is from
MOST_CHANNELS = 3
JOINT_TOLERANCE = 1e-5  # gain of log likelihood per voxel at which the joint fit stops: its cells are many
# Of neighbours that are not both 0, the share with one value: 0.85 in maps of 50 labels, below 0.3 in scans of 8 bits.
LABEL_MAP = 0.6
MOST_LABELS = 256
SATURATED = 0.25  # of what is not 0, the share at the largest value: 0.32 to 0.61 in maps of shares, 0.0001 in scans
SAME_GRID_MM = 0.01  # farthest that a corner of one channel may lie from that of another


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
    brain = kept.brain or _in_pages(_brain(scan, canonical, settings, mask))
    place = kept.place or _place(brain, canonical, settings)
    box, inside = place.box, place.mask[place.box]
    data = [channel[box] for channel in (canonical.data, *further)]
    spacing = canonical.spacing or (1.0,) * inside.ndim

    clock.start("name")
    named = kept.named or _name(scan, canonical, place, settings)
    naming, located = named.naming, named.zones
    data[0] = named.signal(data[0])

    clock.start("correct")
    corrected = kept.corrected or _correct(scan, data, inside, spacing, named, settings)
    fields = [evaluate(coefficients, inside.shape) for coefficients in corrected.coefficients]
    found = sort([channel / field for channel, field in zip(data, fields, strict=True)], inside)
    bias = fields[0]
    del data, fields

    clock.start("fit")
    fitted = kept.fitted
    if fitted is None:
        tolerance = JOINT_TOLERANCE if channels else TOLERANCE
        fitted = fit(found.cells(inside, located), naming.tissues, located, corrected.start, tolerance)
    mixture = kept.mixture
    if settings.classes != len(Tissue):
        located = one_zone(inside.shape)
        mixture = mixture or _in_classes(found, fitted, inside, settings.classes)
    mixture = mixture or fitted

    clock.start("regularise")
    posteriors = _regularised(found, mixture, inside, spacing, located, settings.smoothness)

    clock.start("measure")
    whole = place.mask
    if naming.tissues[0] is Tissue.WM and not brain.stripped and not brain.given:
        white = _likeliest(posteriors, mixture.tissues) == Tissue.WM.number
        inside = inside & ~bone_at_the_rim(white & inside, inside, located, spacing)
        posteriors *= inside
        whole = whole.copy()  # that of the stage stays as it was found
        whole[box] = inside
    fractions = partial_volumes(posteriors, mixture, found)
    posteriors = _of_tissues(posteriors, mixture.tissues)
    labels = np.zeros(whole.shape, np.uint8)
    labels[box] = _likeliest(posteriors, tuple(Tissue)) * inside
    posteriors = np.moveaxis(posteriors, 0, -1)
    voxel_ml = scan.voxel_ml
    notes = (*scan.notes, *brain.notes)
    if scan.stated is not None:
        notes = (*notes, f"The header says that this is {scan.stated.contrast.suffix}: {scan.stated.reason}.")
    if len(located) > 1:
        notes = (*notes, "The average brain said softly which tissue to expect where.")
    if scan.kind == "picture" and settings.pixel_size is not None:
        voxel_ml = settings.pixel_size**2 / 1000
        notes = (*notes, "Volumes of a picture are for each mm of slice thickness.")
    volumes_ml, shares = measure.volumes(fractions, voxel_ml), measure.shares(fractions)
    around = kept.around or surroundings(named.signal(canonical.data), place.mask, box, bias, canonical.spacing, brain)
    signal = named.signal(canonical.data[box])
    figures, unmeasured = quality(
        signal, inside, bias, posteriors, fractions, shares, mixture, canonical.spacing, around
    )
    notes = (*notes, *unmeasured)
    doubts = measure.doubts(
        naming,
        scan.stated,
        mixture,
        figures,
        brain_ml=None if volumes_ml is None else sum(volumes_ml.values()),
        extent_mm=_extent(canonical),
    )
    volume_intervals = measure.intervals(posteriors, volumes_ml, voxel_ml)
    # In the order of the scan's own axes, and of the brain alone, which is half of its box.
    places = _own_order(inside, orientation)
    posteriors = np.stack([posteriors[..., k].ravel()[places] for k in range(len(Tissue))], -1)
    fractions = fractions.reshape(-1, len(Tissue)).take(places, axis=0)
    own_labels, own_box = restore(labels, orientation), _restored(box, whole.shape, orientation)
    clock.stop()
    return Result(
        labels=own_labels,
        brain=brain,
        mixture=mixture,
        histogram=found.bars[0],
        joint=Joint.of(found, inside) if channels else None,
        contrast=naming.contrast,
        contrast_confidence=naming.confidence,
        volumes_ml=volumes_ml,
        volume_intervals_ml=volume_intervals,
        fractions=shares,
        quality=figures,
        notes=notes,
        warnings=(*brain.doubts, *doubts),
        settings=settings,
        seconds=clock.seconds,
        box=own_box,
        orientation=orientation,
        brain_posteriors=posteriors,
        brain_fractions=fractions,
        stages=Stages(brain, place, named, corrected, around, fitted, mixture),
    )


def _kept(scan: Scan, channels: Sequence[Scan], settings: Settings, earlier: Result | None) -> Stages:
    """What need not be found again, once it is sure that the images can be segmented, together."""
    if len(channels) >= MOST_CHANNELS:
        raise SettingsError(f"At most {MOST_CHANNELS} contrasts can be fitted together.")
    if channels and settings.classes != len(Tissue):
        raise SettingsError("Several contrasts are fitted with three classes. Leave the number of classes at 3.")
    if earlier is None:
        _check(scan, channels)
        return Stages()
    if earlier.labels.shape != scan.data.shape or earlier.mixture.channels != 1 + len(channels):
        raise SettingsError("The earlier result is of another scan, or of other contrasts beside it. Leave it out.")
    return still_true(earlier.stages, earlier.settings, settings)


def _check(scan: Scan, channels: Sequence[Scan]) -> None:
    """Whether the images can be segmented, together."""
    for image in (scan, *channels):
        if not image.data.max() > image.data.min():
            raise MrisegError(
                f"Every voxel has the same value ({image.data.flat[0]:g}), so there is nothing to segment. "
                "Check that the export held the image."
            )
        if _is_map(image.data):
            raise MrisegError(
                "This is a map of labels or of probabilities, not a scan: large regions of it hold one value. Give the "
                "scan that it was made from."
            )
        if image.data.shape != scan.data.shape or farthest_apart_mm(image, scan) > SAME_GRID_MM:
            raise SettingsError(
                "The contrasts do not lie on one grid. Register them and resample one on the other first."
            )


def _is_map(data: np.ndarray) -> bool:
    """Whether a volume holds labels, or shares that are mostly all or nothing. A picture says too little to tell."""
    if data.ndim == 2:
        return False
    part = data[tuple(slice(n // 4, n - n // 4) for n in data.shape)]  # most of it the head
    along = part.shape.index(max(part.shape))
    before, after = (part.take(range(first, first + part.shape[along] - 1), along) for first in (0, 1))
    shown = (before != 0) | (after != 0)
    even = np.count_nonzero((before == after) & shown) / max(int(np.count_nonzero(shown)), 1)
    if even > LABEL_MAP and (part == np.rint(part)).all() and np.unique(part).size <= MOST_LABELS:
        return True
    return bool(np.count_nonzero(part == part.max()) > SATURATED * np.count_nonzero(part))


def _place(brain: Brain, canonical: Scan, settings: Settings) -> Place:
    """The brain's box, and what the average brain expects in it."""
    mask = _adjusted(brain, canonical.spacing, settings)
    box = bounding_box(mask, margin=1)
    inside = mask[box]
    located = one_zone(inside.shape)
    if settings.use_position and brain.registration is not None and not brain.doubtful:
        spacing = canonical.spacing or (1.0,) * inside.ndim
        located = zones(brain.registration, atlas(), inside, spacing, _first_mm(box, spacing))
    return Place(mask, box, located)


def _first_mm(box: tuple[slice, ...], spacing: tuple[float, ...]) -> np.ndarray:
    """Position of a box's first voxel, mm along the canonical axes."""
    return np.array([part.start * side for part, side in zip(box, spacing, strict=True)])


def _name(scan: Scan, canonical: Scan, place: Place, settings: Settings) -> Named:
    """Which tissue each class is, as the user says or as it looks; and where a slab of a brain lies.

    Both are decided with the default smoothness and bias correction, so that those knobs can be turned without asking
    again.
    """
    data, inside, located = canonical.data[place.box], place.mask[place.box], place.zones
    spacing = canonical.spacing or (1.0,) * inside.ndim
    black = black_level(canonical.data, place.mask)
    said = next((contrast for contrast in Contrast if contrast.setting == settings.contrast), None)
    if said is None:
        stated = scan.stated.contrast if scan.stated else None
        naming = _named(data, inside, spacing, located, black, stated)
    else:
        inverted = bool(black > np.median(data[inside]))
        naming = Naming(said, stored_order(said, inverted), 1.0, inverted)
    if naming.inverted:  # its negative is segmented
        naming = replace(naming, tissues=naming.tissues[::-1])
    named = Named(naming, black, located)
    if settings.use_position and len(located) == 1 and _is_slab(inside, canonical.spacing):
        signal = named.signal(data)
        coefficients, start = estimate(signal, inside, naming.tissues, spacing, located)
        found = sort([signal / evaluate(coefficients, signal.shape)], inside)
        mixture = fit(found.cells(inside, located), naming.tissues, located, start)
        posteriors = _regularised(found, mixture, inside, spacing, located)
        first = _first_mm(place.box, spacing)
        pose = align(posteriors[[naming.tissues.index(t) for t in TISSUES]], inside, spacing, first, atlas())
        if pose is not None:
            return replace(named, zones=zones(pose, atlas(), inside, spacing, first))
    return named


def _correct(
    scan: Scan,
    data: list[np.ndarray],
    inside: np.ndarray,
    spacing: tuple[float, ...],
    named: Named,
    settings: Settings,
) -> Corrected:
    """The bias field of each channel. In further ones where the tissues lie in the first tells their order."""
    known = spacing if scan.kind == "volume" or settings.pixel_size is not None else None
    tissues, located = named.naming.tissues, named.zones

    def field(channel: np.ndarray, order: tuple[Tissue, ...]) -> tuple[np.ndarray, Mixture | None]:
        if not settings.correct_bias:
            return flat(inside.ndim), None
        return estimate(channel, inside, order, known, located, strength=settings.bias_strength)

    coefficients, start = field(data[0], tissues)
    if len(data) == 1:
        return Corrected((coefficients,), start)
    found = sort([data[0] / evaluate(coefficients, inside.shape)], inside)
    mixture = fit(found.cells(inside, located), tissues, located, start)
    posteriors = _regularised(found, mixture, inside, spacing, located)
    others = [field(channel, _order(channel, posteriors, tissues))[0] for channel in data[1:]]
    return Corrected((coefficients, *others), mixture)


def _regularised(
    found: Sorted,
    mixture: Mixture,
    inside: np.ndarray,
    spacing: tuple[float, ...],
    located: Zones,
    smoothness: float = 1.0,
) -> np.ndarray:
    """Posteriors of the classes, shape (classes, ...)."""
    strength = smoothness * coupling(mixture.overlap(found.points))
    table = log_evidence(mixture, found)
    return regularise(table, looked_up(found, located), inside, spacing, strength)


def _order(data: np.ndarray, posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> tuple[Tissue, ...]:
    """The tissues from dark to bright in another channel, by where they lie in the first."""
    means = [np.average(data, weights=posterior) for posterior in posteriors]
    return tuple(tissues[i] for i in np.argsort(means, kind="stable"))


def _in_classes(found: Sorted, named: Mixture, inside: np.ndarray, classes: int) -> Mixture:
    """A mixture of any number of classes, each the tissue that a mixture of three makes of its mean."""
    mixture = fit_classes(found.cells(inside, one_zone(inside.shape)), classes)
    alike = named.class_densities(mixture.means).argmax(1)
    return replace(mixture, tissues=tuple(named.tissues[k] for k in alike))


def _is_slab(inside: np.ndarray, spacing: tuple[float, ...] | None) -> bool:
    """Whether a volume is too thin for the average brain to be laid over it by intensities alone."""
    if spacing is None or inside.ndim == 2:
        return False
    extent = [(part.stop - part.start) * side for part, side in zip(bounding_box(inside), spacing, strict=True)]
    return LEAST_SLAB_MM <= min(extent) < SLAB_MM


def _brain(scan: Scan, canonical: Scan, settings: Settings, mask: np.ndarray | None) -> Brain:
    """The brain in canonical axes: as given, as the user says, or searched."""
    if mask is not None:
        if mask.shape != scan.data.shape:
            raise SettingsError(
                f"The mask has the shape {mask.shape}, the scan {scan.data.shape}. Give one on the scan's grid."
            )
        if not mask.any():
            raise SettingsError("The mask is empty. Give one that is above zero in the brain.")
        oriented, _ = orient(replace(scan, data=np.asarray(mask, bool)))
        return take_given(canonical.data, canonical.spacing, oriented.data)
    if settings.mask == "none":
        return take_stripped(canonical.data, canonical.spacing)
    if settings.mask == "all":
        return take_everything(canonical.data)
    return extract(canonical.data, canonical.spacing)


def _in_pages(brain: Brain) -> Brain:
    """The same in an array whose pages of zeros were never written, and so take no memory as long as it is kept."""
    if not brain.mask.any():
        return brain
    box = bounding_box(brain.mask)
    mask = np.zeros(brain.mask.shape, bool)
    mask[box] = brain.mask[box]
    return replace(brain, mask=mask)


def _adjusted(brain: Brain, spacing: tuple[float, ...] | None, settings: Settings) -> np.ndarray:
    """The mask of the brain, made tighter or looser as the settings say."""
    side = settings.pixel_size or brain.pixel_mm or 1.0
    mask = moved_border(brain.mask, settings.margin, spacing or (side, side))
    if not mask.any():
        raise BrainNotFoundError(f"A mask tighter by {-settings.margin:g} mm is empty. Move its border less far.")
    return mask


def _named(
    data: np.ndarray,
    inside: np.ndarray,
    spacing: tuple[float, ...],
    located: Zones,
    black: float,
    stated: Contrast | None,
) -> Naming:
    """Which tissue each class is, from quick fits to the thinned brain that begin with different orders."""
    if data.ndim == 3:
        steps = [max(1, round(NAMING_MM / side)) for side in spacing]
    else:
        steps = [max(1, round(max(data.shape) / NAMING_SIDE))] * 2
    begins = [part.start for part in bounding_box(inside)]  # a single slice is not to be missed
    thin = tuple(slice(first, None, min(step, n)) for first, step, n in zip(begins, steps, data.shape, strict=True))
    if not inside[thin].any():
        thin = (slice(None, None, 1),) * data.ndim
    sides = tuple(side * part.step for side, part in zip(spacing, thin, strict=True))
    data, inside, located = data[thin], inside[thin], replace(located, index=located.index[thin])
    known = sides if data.ndim == 3 else None

    def tried(order: tuple[Tissue, ...], word: float | None = None) -> tuple[Sorted, Mixture]:
        coefficients, start = estimate(data, inside, order, known, located, False, NAMING_SAMPLES)
        found = sort([data / evaluate(coefficients, data.shape)], inside)
        return found, fit(found.cells(inside, located), order, located, start, JOINT_TOLERANCE, False, word)

    if len(located) > 1:
        found, mixture = max((tried(order, 1.0) for order in ORDERS), key=lambda one: one[1].log_likelihood)
        mixture = in_order(mixture, by_brightness(mixture))
        posteriors = _regularised(found, mixture, inside, sides, located)
        evidence = weigh(mixture, posteriors, inside, sides, found.bars[0], black, located, stated)
        return name_by_position(evidence, mixture.tissues)
    evidences = []
    for order in (FLUID_DARK, FLUID_BRIGHT):
        found, mixture = tried(order)
        posteriors = _regularised(found, mixture, inside, sides, located)
        evidences.append(weigh(mixture, posteriors, inside, sides, found.bars[0], black, stated=stated))
    return name(*evidences)


def _extent(scan: Scan) -> tuple[float, ...] | None:
    """Field of view along each axis, mm; None for a picture."""
    if scan.spacing is None:
        return None
    return tuple(n * side for n, side in zip(scan.data.shape, scan.spacing, strict=True))


def _restored(box: tuple[slice, ...], shape: tuple[int, ...], orientation: np.ndarray) -> tuple[slice, ...]:
    """A part of the canonical grid as one of the scan's own."""
    own = []
    for axis, direction in orientation:
        part, length = box[int(axis)], shape[int(axis)]
        own.append(part if direction > 0 else slice(length - part.stop, length - part.start))
    return tuple(own)


def _own_order(inside: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Where in the flattened canonical box the brain's voxels are, one after the other along the scan's own axes."""
    places = np.arange(inside.size, dtype=np.uint32).reshape(inside.shape)
    return restore(places, orientation)[restore(inside, orientation)].astype(np.intp)


def _of_tissues(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Posteriors of the classes as those of the tissues: permuted in place, or summed where classes share a tissue."""
    if set(tissues) != set(Tissue) or len(tissues) != len(Tissue):
        total = np.zeros((len(Tissue), *posteriors.shape[1:]), np.float32)
        for tissue, posterior in zip(tissues, posteriors, strict=True):
            total[list(Tissue).index(tissue)] += posterior
        return total
    order = [tissues.index(tissue) for tissue in Tissue]
    for index in range(posteriors.shape[1]):  # a second copy would be the largest array there is
        posteriors[:, index] = posteriors[order, index]
    return posteriors


def _likeliest(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Number of the tissue of the largest posterior, ties to the first; posteriors of shape (classes, ...)."""
    best, labels = posteriors[0], np.full(posteriors.shape[1:], tissues[0].number, np.uint8)
    for tissue, posterior in zip(tissues[1:], posteriors[1:], strict=True):  # argmax over a first axis is slow
        np.putmask(labels, posterior > best, tissue.number)
        best = np.maximum(best, posterior)
    return labels


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
