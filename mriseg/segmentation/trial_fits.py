"""Which contrast a volume has, by quick fits to the thinned brain that begin with different orders of the tissues.

A single slice is named without a fit, see `mriseg.segmentation.slice_contrast`.
"""

from dataclasses import dataclass, replace

import numpy as np

from mriseg.brain.background import background_level
from mriseg.brain.extraction import Brain
from mriseg.core.findings import FindingCode
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import ORDERS, Contrast, Tissue
from mriseg.image.morphology import SLAB_MM, bounding_box
from mriseg.image.resampling import coarse_steps
from mriseg.mixture.fit import FLUID_BRIGHT, FLUID_DARK, JOINT_TOLERANCE, fit
from mriseg.mixture.likelihood import BinnedVoxels, bin_voxels
from mriseg.mixture.model import Mixture, by_brightness, in_order
from mriseg.mixture.spatial_prior import PriorZones, prior_zones
from mriseg.registration.atlas import TISSUES, atlas
from mriseg.registration.slab import align
from mriseg.segmentation.bias_field import estimate_bias_field, evaluate_bias_field
from mriseg.segmentation.brain_region import first_voxel_mm
from mriseg.segmentation.contrast import (
    ContrastScores,
    TissueAssignment,
    assign_tissues,
    assign_tissues_by_position,
    score_contrasts,
    stored_order,
)
from mriseg.segmentation.echo_planar import looks_echo_planar
from mriseg.segmentation.markov_field import regularized_posteriors
from mriseg.segmentation.slice_contrast import name_slice
from mriseg.segmentation.stages import BrainRegion, IdentifiedTissues
from mriseg.segmentation.ventricles import Ventricles, see_ventricles

TRIAL_MM = 2.0  # finer volumes are thinned for the trials
MOST_TRIAL_VOXELS = 4_000_000  # of a brain's box at 1.35 mm, which is not thinned
TRIAL_SAMPLES = 20_000  # voxels for their bias fields
NO_BRAIN = (FindingCode.MASK_NO_ANATOMY, FindingCode.MASK_MISFIT)  # tissues are no surer than that there are any
LEAST_SLAB_MM = 5.0  # in a thinner one too little lies to tell where it is from


def identify_tissues(
    scan: Scan,
    canonical: Scan,
    region: BrainRegion,
    settings: Settings,
    *,
    brain: Brain | None = None,
    like_tissue: np.ndarray | None = None,
) -> IdentifiedTissues:
    """Which tissue each class is, as the user says or as it looks; and where a slab of a brain lies.

    What the user says is taken, and the evidence is asked all the same: its probabilities are given beside. Both are
    decided with the default smoothness and bias correction, so that those settings can be changed without asking again.

    Parameters
    ----------
    scan, canonical : Scan
        As it was given, whose header may state the contrast, and in canonical axes.
    region : BrainRegion
    settings : Settings
    brain : Brain, optional
        From which the region comes: where the average brain lies, the ventricles are asked too.
    like_tissue : ndarray of bool, shape of the region's box, optional
        The part of the brain that the trials are made on: what is unlike any tissue must not take the name of one.

    Returns
    -------
    IdentifiedTissues
    """
    mask = region.box_mask
    level = background_level(canonical.data, region.mask)
    like_tissue = mask if like_tissue is None else like_tissue
    assignment = _by_evidence(scan, canonical, region, like_tissue, level=level, brain=brain)
    chosen = next((contrast for contrast in Contrast if contrast.setting == settings.contrast), None)
    if chosen is not None:
        order, confidence = stored_order(chosen, assignment.inverted), assignment.evidence[chosen]
        agent = assignment.agent and chosen is Contrast.T1
        assignment = replace(assignment, contrast=chosen, tissues=order, confidence=confidence, agent=agent)
    if brain is not None and any(doubt.code in NO_BRAIN for doubt in brain.doubts):
        assignment = replace(assignment, confidence=min(assignment.confidence, brain.confidence))
    if assignment.inverted:  # its negative is segmented
        assignment = replace(assignment, tissues=assignment.tissues[::-1])
    tissues = IdentifiedTissues(assignment, level, region.spatial_prior)
    if settings.use_position and len(region.spatial_prior) == 1 and _is_slab(mask, canonical.spacing):
        return replace(tissues, spatial_prior=_slab_prior(canonical, region, tissues))
    return tissues


def _by_evidence(
    scan: Scan, canonical: Scan, region: BrainRegion, like_tissue: np.ndarray, *, level: float, brain: Brain | None
) -> TissueAssignment:
    """What the trials say, and what of it holds for an image that is none of the known contrasts."""
    spacing = canonical.spacing or (1.0,) * canonical.data.ndim
    stated = scan.header_contrast.contrast if scan.header_contrast else None
    if canonical.data.ndim == 2:
        return name_slice(canonical.data, region.mask, background_level=level, spacing=spacing, stated=stated)
    # Zones there are where the average brain lies, and nowhere else is known where the ventricles are.
    registration = brain.registration if brain is not None and len(region.spatial_prior) > 1 else None
    ventricles = see_ventricles(canonical.data, spacing, region.mask, registration) if registration else None
    assignment = try_orders(
        canonical.data[region.box],
        like_tissue,
        spacing=spacing,
        spatial_prior=region.spatial_prior,
        background_level=level,
        stated=stated,
        ventricles=ventricles,
    )
    if brain is not None and registration is not None and stated is None and not assignment.inverted:
        echo_planar = looks_echo_planar(
            canonical.data,
            spacing,
            region.mask,
            registration=registration,
            stripped=brain.stripped,
            contrast=assignment.contrast,
        )
        if echo_planar:
            return replace(assignment, contrast=Contrast.UNKNOWN, echo_planar=True)
    return assignment


def _is_slab(mask: np.ndarray, spacing: tuple[float, ...] | None) -> bool:
    """Whether a volume is too thin for the average brain to be laid over it by intensities alone."""
    if spacing is None or mask.ndim == 2:
        return False
    extent = [(part.stop - part.start) * side for part, side in zip(bounding_box(mask), spacing, strict=True)]
    return bool(LEAST_SLAB_MM <= min(extent) < SLAB_MM)


def _slab_prior(canonical: Scan, region: BrainRegion, tissues: IdentifiedTissues) -> PriorZones:
    """What the average brain expects in a slab, laid over it by the tissues of a first fit; uniform if not."""
    mask, uniform, order = region.box_mask, region.spatial_prior, tissues.assignment.tissues
    spacing = canonical.spacing or (1.0,) * mask.ndim
    signal = tissues.signal(canonical.data[region.box])
    coefficients, start = estimate_bias_field(signal, mask, order, spacing=spacing, spatial_prior=uniform)
    binned = bin_voxels([signal / evaluate_bias_field(coefficients, signal.shape)], mask)
    mixture = fit(binned.cells(mask, uniform), order, uniform, start=start)
    posteriors = regularized_posteriors(binned, mixture, mask, spacing=spacing, spatial_prior=uniform)
    first = first_voxel_mm(region.box, spacing)
    pose = align([posteriors[order.index(t)] for t in TISSUES], mask, spacing, first_voxel_mm=first, atlas=atlas())
    return uniform if pose is None else prior_zones(pose, atlas(), mask, spacing=spacing, first_voxel_mm=first)


def try_orders(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    spatial_prior: PriorZones,
    background_level: float,
    stated: Contrast | None,
    ventricles: Ventricles | None = None,
) -> TissueAssignment:
    """Which tissue each class is, from quick fits to the thinned brain that begin with different orders.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j, k)
        Intensities in the brain's box, as stored.
    mask : ndarray of bool, same shape
        The brain.
    spacing : tuple of float
        Voxel sides in mm.
    spatial_prior : PriorZones
        On the same grid. With zones of its own each order is tried from the average brain's expectation.
    background_level : float
        Intensity of no signal.
    stated : Contrast or None
        What the scan's header states.
    ventricles : Ventricles, optional
        What they say of where fluid is: orders that they speak against are not tried.

    Returns
    -------
    TissueAssignment
        As stored: of an inverted scan in reversed order.
    """
    thinned = _thinning(mask, spacing)
    brain = _ThinnedBrain(
        data[thinned],
        mask[thinned],
        tuple(side * part.step for side, part in zip(spacing, thinned, strict=True)),
        spatial_prior=replace(spatial_prior, index=spatial_prior.index[thinned]),
        background_level=background_level,
        stated=stated,
        ventricles=ventricles,
    )
    if len(spatial_prior) > 1:
        orders = [order for order in ORDERS if ventricles is None or ventricles.allow(order)] or ORDERS
        trials = (brain.quick_fit(order, prior_strength=1.0) for order in orders)
        binned, mixture = max(trials, key=lambda trial: trial[1].log_likelihood)
        mixture = in_order(mixture, by_brightness(mixture))
        return assign_tissues_by_position(brain.scores(binned, mixture), mixture.tissues)
    return assign_tissues(*(brain.scores(*brain.quick_fit(order)) for order in (FLUID_DARK, FLUID_BRIGHT)))


@dataclass(frozen=True, eq=False)
class _ThinnedBrain:
    """What the trials are made on; fields as the parameters of `try_orders`."""

    data: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, ...]
    spatial_prior: PriorZones
    background_level: float
    stated: Contrast | None
    ventricles: Ventricles | None

    def quick_fit(self, order: tuple[Tissue, ...], prior_strength: float | None = None) -> tuple[BinnedVoxels, Mixture]:
        """The voxels after bias correction, and the mixture fitted to them with this order as a start."""
        prior = self.spatial_prior
        coefficients, start = estimate_bias_field(
            self.data,
            self.mask,
            order,
            spacing=self.spacing,
            spatial_prior=prior,
            order_known=False,
            samples=TRIAL_SAMPLES,
        )
        binned = bin_voxels([self.data / evaluate_bias_field(coefficients, self.data.shape)], self.mask)
        mixture = fit(
            binned.cells(self.mask, prior),
            order,
            prior,
            start=start,
            tolerance=JOINT_TOLERANCE,
            order_known=False,
            prior_strength=prior_strength,
        )
        return binned, mixture

    def scores(self, binned: BinnedVoxels, mixture: Mixture) -> ContrastScores:
        """How well a fit agrees with each contrast."""
        posteriors = regularized_posteriors(
            binned, mixture, self.mask, spacing=self.spacing, spatial_prior=self.spatial_prior
        )
        return score_contrasts(
            mixture,
            posteriors,
            self.mask,
            spacing=self.spacing,
            histogram=binned.histograms[0],
            background_level=self.background_level,
            spatial_prior=self.spatial_prior,
            stated=self.stated,
            ventricles=self.ventricles,
        )


def _thinning(mask: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, ...]:
    """Every so many voxels along each axis, from the first of the brain on: a single slice is not to be missed."""
    steps = coarse_steps(mask.shape, spacing, TRIAL_MM, MOST_TRIAL_VOXELS)
    first = [part.start for part in bounding_box(mask)]
    thinned = tuple(slice(start, None, min(step, n)) for start, step, n in zip(first, steps, mask.shape, strict=True))
    return thinned if mask[thinned].any() else (slice(None, None, 1),) * mask.ndim
