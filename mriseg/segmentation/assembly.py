"""From the stages of a segmentation to its result, on the grid of the scan."""

from dataclasses import replace

import numpy as np

from mriseg.brain.cut_away import CutAway, find_cut_away
from mriseg.brain.extraction import Brain
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Tissue
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.tissue_densities import TissueDensities
from mriseg.quality.fit import fit_figures, share_without_position
from mriseg.quality.metrics import quality
from mriseg.segmentation import volumes as measure
from mriseg.segmentation.abnormal_tissue import AbnormalTissue, measure_abnormal
from mriseg.segmentation.bias_field import evaluate_bias_field
from mriseg.segmentation.head_direction import HeadDirection, head_direction
from mriseg.segmentation.native_grid import to_native_grid
from mriseg.segmentation.result import Joint, Result
from mriseg.segmentation.stages import Stages
from mriseg.segmentation.tissue_maps import TissueMaps

MM3_PER_ML = 1000


def assemble(
    scan: Scan,
    canonical: Scan,
    orientation: np.ndarray,
    *,
    settings: Settings,
    stages: Stages,
    maps: TissueMaps,
    curves: TissueDensities,
    histogram: Histogram,
    joint: Joint | None,
) -> Result:
    """Measure what the stages ended with, and carry it back to the scan's own axes.

    Parameters
    ----------
    scan, canonical, orientation
        As it was given, in canonical axes, and the way there, as `mriseg.image.orientation.orient` has it.
    settings, stages, maps, curves, histogram, joint
        What was asked for, what each stage ended with, what became of it in the brain's canonical box, and the
        intensities that the mixture was fitted to: of the first channel, and of several where there are.

    Returns
    -------
    Result
        Without its findings, which are drawn from it, and without the time that it took.
    """
    voxel_ml, shares = _voxel_ml(scan, settings), measure.shares(maps.partial_volumes)
    volumes_ml = measure.volumes(maps.partial_volumes, voxel_ml, _abnormal_beside_tissue(maps))
    figures, unmeasured = _quality(canonical, maps, stages, shares=shares)
    figures |= fit_figures(histogram, curves) | _position_weight(histogram, stages)
    native = to_native_grid(maps, stages.region, orientation)
    direction, sides_known = _sides(scan, canonical, stages)
    abnormal = _abnormal(canonical, maps, stages, voxel_ml=voxel_ml, sides_known=sides_known)
    return Result(
        labels=native.labels,
        brain=stages.brain,
        mixture=replace(stages.mixture, curves=curves),
        histogram=histogram,
        joint=joint,
        contrast=stages.tissues.assignment.contrast,
        contrast_confidence=stages.tissues.assignment.confidence,
        sides_known=sides_known,
        head_direction=direction,
        cut_away=_cut_away(canonical, stages.brain),
        volumes_ml=volumes_ml,
        volume_intervals_ml=_intervals(volumes_ml, canonical, stages, figures=figures),
        fractions=_of_cavity(shares, abnormal),
        abnormal=abnormal,
        quality=figures,
        notes=(*_notes(scan, settings, stages), *unmeasured),
        findings=(),
        settings=settings,
        seconds={},
        box=native.box,
        orientation=orientation,
        brain_posteriors=native.posteriors,
        brain_fractions=native.partial_volumes,
        stages=stages,
    )


def _sides(scan: Scan, canonical: Scan, stages: Stages) -> tuple[HeadDirection | None, bool]:
    """How the head lies to the axes of its header, and whether left and right are known."""
    direction = head_direction(canonical, stages.brain)
    return direction, scan.sides_known and not (direction and direction.contradicts_header)


def _quality(
    canonical: Scan, maps: TissueMaps, stages: Stages, *, shares: dict[Tissue, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Figures of quality, and why some could not be measured."""
    return quality(
        stages.tissues.signal(canonical.data[stages.region.box]),
        maps.mask,
        field=evaluate_bias_field(stages.bias_correction.coefficients[0], maps.mask.shape),
        posteriors=maps.posteriors,
        partial_volumes=maps.partial_volumes,
        shares=shares,
        mixture=stages.mixture,
        spacing=canonical.spacing,
        surroundings=stages.surroundings,
    )


def _abnormal(
    canonical: Scan, maps: TissueMaps, stages: Stages, *, voxel_ml: float | None, sides_known: bool
) -> AbnormalTissue | None:
    """How much is unlike any tissue, and where."""
    return measure_abnormal(
        maps,
        stages.region,
        stages.brain,
        spacing=canonical.spacing,
        voxel_ml=voxel_ml,
        contrast=stages.tissues.assignment.contrast,
        sides_known=sides_known,
    )


def _of_cavity(shares: dict[Tissue, float], abnormal: AbnormalTissue | None) -> dict[Tissue, float]:
    """Shares of the cranial cavity, of shares of its healthy tissue."""
    if abnormal is None:
        return shares
    return {tissue: share * (1 - abnormal.share) for tissue, share in shares.items()}


def _abnormal_beside_tissue(maps: TissueMaps) -> float:
    """Voxels that are abnormal, of those that hold some tissue."""
    if maps.abnormal is None:
        return 0.0
    return float(maps.abnormal.sum(where=maps.partial_volumes.any(-1), dtype=float))


def _intervals(
    volumes_ml: dict[Tissue, float] | None, canonical: Scan, stages: Stages, *, figures: dict[str, float]
) -> dict[Tissue, tuple[float, float]] | None:
    """Between which volumes the truth lies, mL."""
    return measure.intervals(
        volumes_ml,
        stages.tissues.assignment.contrast,
        thickness_mm=max(canonical.spacing) if canonical.spacing else None,
        tissue_contrast=figures.get("tissue_contrast", np.nan),
    )


def _position_weight(histogram: Histogram, stages: Stages) -> dict[str, float]:
    """How much of the answer the average brain gave; nothing where it was not asked or the intensities are several."""
    mixture = stages.fitted
    if len(stages.tissues.spatial_prior) == 1 or mixture.channels > 1:
        return {}
    alone = share_without_position(histogram, mixture)
    together = dict(zip(mixture.tissues, mixture.shares.tolist(), strict=True))
    shifts = [abs(float(np.log(alone[tissue] / together[tissue]))) for tissue in (Tissue.GM, Tissue.WM)]
    return {"position_weight": max(shifts)} if np.isfinite(shifts).all() else {}


def _cut_away(canonical: Scan, brain: Brain) -> CutAway | None:
    """What of the brain was cut away, where the average brain tells it."""
    if brain.registration is None or brain.doubtful or brain.given or canonical.spacing is None:
        return None
    return find_cut_away(canonical.data, canonical.spacing, brain.mask, brain.registration)


def _voxel_ml(scan: Scan, settings: Settings) -> float | None:
    """Volume of a voxel in mL; of a picture whose pixel size is given, for each mm of slice thickness."""
    if scan.kind == "picture" and settings.pixel_size is not None:
        return settings.pixel_size**2 / MM3_PER_ML
    return scan.voxel_ml


def _notes(scan: Scan, settings: Settings, stages: Stages) -> tuple[str, ...]:
    """What was done, in sentences."""
    notes = [*scan.notes, *stages.background.notes, *stages.brain.notes]
    if scan.header_contrast is not None:
        stated = scan.header_contrast
        notes.append(f"Contrast according to the header: {stated.contrast.title} ({stated.reason}).")
    if len(stages.tissues.spatial_prior) > 1 and settings.classes == len(Tissue):
        notes.append("A standard brain (MNI152) was used as a weak anatomical prior.")
    if scan.kind == "picture" and settings.pixel_size is not None:
        notes.append("Volumes of a picture are per mm of slice thickness.")
    return tuple(notes)
