"""The way of a scan through the engine: orient, extract, correct, fit, regularise, name, measure."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import numpy as np

from mriseg import measure
from mriseg.correct import correct
from mriseg.errors import BrainNotFoundError, MrisegError, SettingsError
from mriseg.extract import Brain, extract, take_everything, take_stripped
from mriseg.fit import fit
from mriseg.histogram import Histogram, histogram
from mriseg.mixture import Mixture
from mriseg.morphology import bounding_box, moved_border
from mriseg.name import Naming, black_level, name, stored_order, weigh
from mriseg.orient import orient, restore
from mriseg.regularise import regularise
from mriseg.result import Result
from mriseg.scan import Scan
from mriseg.settings import Settings
from mriseg.tissue import Contrast, Tissue

STAGES = {
    "orient": "Bringing the axes into canonical order",
    "extract": "Finding the brain",
    "name": "Finding out which tissue is bright",
    "correct": "Estimating the bias field",
    "fit": "Fitting the mixture to the histogram",
    "regularise": "Asking the neighbours of each voxel",
    "measure": "Measuring volumes and quality",
}
# Vessels, fat and broken voxels, the outermost thousandth at each end, would stretch the histogram.
OUTLIERS_PERCENT = 0.1
# Finer volumes and larger pictures (pixels along the longer side of the brain) are thinned for the names.
NAMING_MM, NAMING_SIDE = 2.0, 200
TABLE = 4096  # levels at which the mixture is tabulated; a voxel's evidence is looked up
DARKEST = 1e-30  # least density: far outside all classes the nearest still wins


def segment(
    scan: Scan,
    settings: Settings | None = None,
    mask: np.ndarray | None = None,
    brain: Brain | None = None,
    progress: Callable[[str], None] | None = None,
) -> Result:
    """Segment a scan into gray matter, white matter and cerebrospinal fluid.

    Parameters
    ----------
    scan : Scan
        As `mriseg.read` returns it.
    settings : Settings, optional
        The defaults if not given.
    mask : array of bool, shape of the scan, optional
        The brain, if it is already known; then it is not searched.
    brain : Brain, optional
        Of an earlier result of the same scan, so that another setting need not search it again.
    progress : callable, optional
        Called with the key of each of `STAGES` as it begins.

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
    if not scan.data.max() > scan.data.min():
        raise MrisegError(
            f"Every voxel has the same value ({scan.data.flat[0]:g}), so there is nothing to segment. "
            "Check that the export held the image."
        )
    canonical, orientation = orient(scan)

    clock.start("extract")
    brain = brain or _brain(scan, canonical, settings, mask)
    mask = _adjusted(brain, canonical.spacing, settings)
    box = bounding_box(mask, margin=1)
    inside = mask[box]
    data = canonical.data[box]
    spacing = canonical.spacing or (1.0,) * data.ndim

    clock.start("name")
    black = black_level(canonical.data, mask)
    said = next((contrast for contrast in Contrast if contrast.setting == settings.contrast), None)
    if said is None:
        naming = _named(data, inside, spacing, black, settings)
    else:
        inverted = bool(black > np.median(data[inside]))
        naming = Naming(said, stored_order(said, inverted), 1.0, inverted)

    clock.start("correct")
    fluid_is_dark = naming.tissues[0] is Tissue.CSF
    bias = _bias(data, inside, fluid_is_dark, settings)
    corrected = data / bias

    clock.start("fit")
    bars = _typical_histogram(corrected[inside])
    mixture = replace(fit(bars, fluid_is_dark), tissues=naming.tissues)

    clock.start("regularise")
    table, levels = _evidence(mixture, bars, corrected)
    del corrected
    class_posteriors = regularise(table, levels, inside, spacing, settings.smoothness)

    clock.start("measure")
    posteriors = _in_order(class_posteriors, naming.tissues)
    labels = np.zeros(mask.shape, np.uint8)
    labels[box] = _likeliest(posteriors) * inside
    posteriors = np.moveaxis(posteriors, 0, -1)
    voxel_ml = scan.voxel_ml
    notes = (*scan.notes, *brain.notes)
    if scan.kind == "picture" and settings.pixel_size is not None:
        voxel_ml = settings.pixel_size**2 / 1000
        notes = (*notes, "Volumes of a picture are for each mm of slice thickness.")
    volumes_ml = measure.volumes(posteriors, voxel_ml)
    figures = measure.quality(posteriors, mixture, bias, inside)
    doubts = measure.doubts(
        naming,
        mixture,
        figures,
        brain_ml=None if volumes_ml is None else sum(volumes_ml.values()),
        extent_mm=_extent(canonical),
    )
    own_mask = restore(mask, orientation)
    clock.stop()
    return Result(
        labels=restore(labels, orientation),
        mask=own_mask,
        brain=brain,
        mixture=mixture,
        histogram=bars,
        contrast=naming.contrast,
        contrast_confidence=naming.confidence,
        volumes_ml=volumes_ml,
        fractions=measure.fractions(posteriors),
        quality=figures,
        notes=notes,
        warnings=(*brain.doubts, *doubts),
        settings=settings,
        seconds=clock.seconds,
        box=bounding_box(own_mask, margin=1),
        box_posteriors=restore(posteriors, orientation),
        box_bias=restore(bias, orientation),
    )


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
        return Brain(oriented.data, False, ("The brain mask was given.",), given=True)
    if settings.mask == "none":
        return take_stripped(canonical.data, canonical.spacing)
    if settings.mask == "all":
        return take_everything(canonical.data)
    return extract(canonical.data, canonical.spacing)


def _adjusted(brain: Brain, spacing: tuple[float, ...] | None, settings: Settings) -> np.ndarray:
    """The mask of the brain, made tighter or looser as the settings say."""
    side = settings.pixel_size or brain.pixel_mm or 1.0
    mask = moved_border(brain.mask, settings.margin, spacing or (side, side))
    if not mask.any():
        raise BrainNotFoundError(f"A mask tighter by {-settings.margin:g} mm is empty. Move its border less far.")
    return mask


def _named(
    data: np.ndarray, inside: np.ndarray, spacing: tuple[float, ...], black: float, settings: Settings
) -> Naming:
    """Which tissue each class is, from two fits to the thinned brain: with dark fluid and with bright."""
    if data.ndim == 3:
        steps = [max(1, round(NAMING_MM / side)) for side in spacing]
    else:
        steps = [max(1, round(max(data.shape) / NAMING_SIDE))] * 2
    thin = tuple(slice(None, None, min(step, n)) for step, n in zip(steps, data.shape, strict=True))
    sides = tuple(side * part.step for side, part in zip(spacing, thin, strict=True))
    data, inside = data[thin], inside[thin]
    evidence = []
    for fluid_is_dark in (True, False):
        corrected = data / _bias(data, inside, fluid_is_dark, settings, bone=False)
        bars = _typical_histogram(corrected[inside])
        mixture = fit(bars, fluid_is_dark, bone=False)
        posteriors = regularise(*_evidence(mixture, bars, corrected), inside, sides, settings.smoothness)
        evidence.append(weigh(mixture, posteriors, inside, sides, bars, black))
    return name(*evidence)


def _bias(
    data: np.ndarray, inside: np.ndarray, fluid_is_dark: bool, settings: Settings, bone: bool = True
) -> np.ndarray:
    if not settings.correct_bias:
        return np.ones(data.shape, np.float32)
    return correct(data, inside, fluid_is_dark, bone)


def _extent(scan: Scan) -> tuple[float, ...] | None:
    """Field of view along each axis, mm; None for a picture."""
    if scan.spacing is None:
        return None
    return tuple(n * side for n, side in zip(scan.data.shape, scan.spacing, strict=True))


def _typical_histogram(values: np.ndarray) -> Histogram:
    """Counts of the intensities without the outermost at each end."""
    low, high = np.percentile(values, [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT])
    typical = values[(values >= low) & (values <= high)]
    return histogram(typical)


def _evidence(mixture: Mixture, bars: Histogram, data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of weight times density of each class at each level, float32, and the level of each voxel, int16."""
    low, high = bars.levels[0], bars.levels[-1]
    table = np.log(mixture.class_densities(np.linspace(low, high, TABLE)) + DARKEST).astype(np.float32).T
    levels = (data - np.float32(low)) * np.float32((TABLE - 1) / (high - low))
    np.clip(levels, 0, TABLE - 1, out=levels)
    levels += np.float32(0.5)
    return table, levels.astype(np.int16)


def _in_order(posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> np.ndarray:
    """Posteriors of the classes as those of the tissues, in place: a second copy is the largest array there is."""
    order = [tissues.index(tissue) for tissue in Tissue]
    for index in range(posteriors.shape[1]):
        posteriors[:, index] = posteriors[order, index]
    return posteriors


def _likeliest(posteriors: np.ndarray) -> np.ndarray:
    """Number of the tissue of the largest posterior, ties to the first; posteriors of shape (3, ...)."""
    best, labels = posteriors[0], np.full(posteriors.shape[1:], next(iter(Tissue)).number, np.uint8)
    for tissue, posterior in list(zip(Tissue, posteriors, strict=True))[1:]:  # argmax over a first axis is slow
        labels[posterior > best] = tissue.number
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
