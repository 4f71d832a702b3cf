"""Quick fits to the thinned brain that begin with different orders of the tissues, by which the contrast is told."""

from dataclasses import replace

import numpy as np

from mriseg.brain.background import background_level
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import ORDERS, Contrast, Tissue
from mriseg.image.morphology import SLAB_MM, bounding_box
from mriseg.mixture.fit import FLUID_BRIGHT, FLUID_DARK, JOINT_TOLERANCE, fit
from mriseg.mixture.likelihood import BinnedVoxels, bin_voxels
from mriseg.mixture.model import Mixture, by_brightness, in_order
from mriseg.mixture.spatial_prior import PriorZones, prior_zones
from mriseg.registration.atlas import TISSUES, atlas
from mriseg.registration.slab import align
from mriseg.segmentation.bias_field import estimate_bias_field, evaluate_bias_field
from mriseg.segmentation.brain_region import first_voxel_mm
from mriseg.segmentation.contrast import (
    TissueAssignment,
    assign_tissues,
    assign_tissues_by_position,
    score_contrasts,
    stored_order,
)
from mriseg.segmentation.markov_field import regularized_posteriors
from mriseg.segmentation.stages import BrainRegion, IdentifiedTissues

# Finer volumes and larger pictures (pixels along the longer side of the brain) are thinned for the names.
NAMING_MM, NAMING_SIDE = 2.0, 200
NAMING_SAMPLES = 20_000  # for its bias fields
LEAST_SLAB_MM = 5.0  # in a thinner one too little lies to tell where it is from


def identify_tissues(scan: Scan, canonical: Scan, place: BrainRegion, settings: Settings) -> IdentifiedTissues:
    """Which tissue each class is, as the user says or as it looks; and where a slab of a brain lies.

    Both are decided with the default smoothness and bias correction, so that those knobs can be turned without asking
    again.
    """
    data, inside, located = canonical.data[place.box], place.mask[place.box], place.zones
    spacing = canonical.spacing or (1.0,) * inside.ndim
    black = background_level(canonical.data, place.mask)
    said = next((contrast for contrast in Contrast if contrast.setting == settings.contrast), None)
    if said is None:
        stated = scan.header_contrast.contrast if scan.header_contrast else None
        naming = try_orders(data, inside, spacing, located, black, stated)
    else:
        inverted = bool(black > np.median(data[inside]))
        naming = TissueAssignment(said, stored_order(said, inverted), 1.0, inverted)
    if naming.inverted:  # its negative is segmented
        naming = replace(naming, tissues=naming.tissues[::-1])
    named = IdentifiedTissues(naming, black, located)
    if settings.use_position and len(located) == 1 and _is_slab(inside, canonical.spacing):
        signal = named.signal(data)
        coefficients, start = estimate_bias_field(
            signal, inside, naming.tissues, spacing=spacing, spatial_prior=located
        )
        found = bin_voxels([signal / evaluate_bias_field(coefficients, signal.shape)], inside)
        mixture = fit(found.cells(inside, located), naming.tissues, located, start=start)
        posteriors = regularized_posteriors(found, mixture, inside, spacing=spacing, spatial_prior=located)
        first = first_voxel_mm(place.box, spacing)
        pose = align(posteriors[[naming.tissues.index(t) for t in TISSUES]], inside, spacing, first, atlas())
        if pose is not None:
            return replace(named, zones=prior_zones(pose, atlas(), inside, spacing=spacing, first_voxel_mm=first))
    return named


def _is_slab(inside: np.ndarray, spacing: tuple[float, ...] | None) -> bool:
    """Whether a volume is too thin for the average brain to be laid over it by intensities alone."""
    if spacing is None or inside.ndim == 2:
        return False
    extent = [(part.stop - part.start) * side for part, side in zip(bounding_box(inside), spacing, strict=True)]
    return LEAST_SLAB_MM <= min(extent) < SLAB_MM


def try_orders(
    data: np.ndarray,
    inside: np.ndarray,
    spacing: tuple[float, ...],
    located: PriorZones,
    black: float,
    stated: Contrast | None,
) -> TissueAssignment:
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

    def tried(order: tuple[Tissue, ...], word: float | None = None) -> tuple[BinnedVoxels, Mixture]:
        coefficients, start = estimate_bias_field(
            data, inside, order, spacing=known, spatial_prior=located, order_known=False, samples=NAMING_SAMPLES
        )
        found = bin_voxels([data / evaluate_bias_field(coefficients, data.shape)], inside)
        mixture = fit(
            found.cells(inside, located),
            order,
            located,
            start=start,
            tolerance=JOINT_TOLERANCE,
            order_known=False,
            prior_strength=word,
        )
        return found, mixture

    if len(located) > 1:
        found, mixture = max((tried(order, 1.0) for order in ORDERS), key=lambda one: one[1].log_likelihood)
        mixture = in_order(mixture, by_brightness(mixture))
        posteriors = regularized_posteriors(found, mixture, inside, spacing=sides, spatial_prior=located)
        evidence = score_contrasts(mixture, posteriors, inside, sides, found.histograms[0], black, located, stated)
        return assign_tissues_by_position(evidence, mixture.tissues)
    evidences = []
    for order in (FLUID_DARK, FLUID_BRIGHT):
        found, mixture = tried(order)
        posteriors = regularized_posteriors(found, mixture, inside, spacing=sides, spatial_prior=located)
        evidences.append(score_contrasts(mixture, posteriors, inside, sides, found.histograms[0], black, stated=stated))
    return assign_tissues(*evidences)
