"""Which tissue each class is, by evidence and with a confidence; never by its rank alone.

Fluid lies at the rim of the brain and in the ventricles, white matter deep and away from the rim, gray matter in
between. That holds on any contrast, so where the classes lie and how large they are decides the order of the
tissues. How their signals are spaced helps, and tells apart contrasts that share an order: on a T2-weighted scan
fluid gives about twice the signal of gray matter, on a proton-density one hardly more. Where there is little fluid no
class need be it, so the brightest hundredth of the brain is asked too.

Signal is measured from the level of what surrounds the brain. Where that is the bright end of the scale, the scan is
stored inverted; its tissues then come in reversed order.

The expectations below are medians and spreads over brains and slices in three planes: simulated anatomies in four
contrasts, children and adults of several scanners. `benchmarks/naming.py` prints them, and how often the names come
out right.
"""

from dataclasses import dataclass, field

import numpy as np

from mriseg.core.tissue import ORDERS, Contrast, Tissue
from mriseg.image.morphology import FAR_MM, SLAB_MM, bounding_box, distance_to_background
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones
from mriseg.registration.atlas import TISSUES
from mriseg.segmentation.contrast_tables import ANYWHERE, LOCATIONS, RARE, SIGNALS
from mriseg.segmentation.ventricles import Ventricles

CANDIDATES = tuple(SIGNALS)
KNOWN_CONTRASTS = tuple(contrast for contrast in CANDIDATES if contrast is not Contrast.UNKNOWN)
BRIGHTEST = 0.01  # share of the brain that is asked for the signal of fluid
OUTER = 0.2  # the shallowest fifth of the brain
MOST_DEVIATION = 3.0  # spreads: farther off says no more, so that one odd value cannot decide
# What the places of the classes in the average brain say, nats a voxel, counts as so many voxels: it is about as
# telling as all other evidence together. Right orders have 0.1 to 0.4, wrong ones less than 0.
POSITION_VOXELS = 30.0
# Nats by which a header that states the contrast counts: 19 in 20 are right. What it cannot know is an export under
# another's header, or a contrast agent.
HEADER_LOG_ODDS = 3.0
TEMPER = 0.5  # the pieces of evidence overlap; with this power the confidences are calibrated
LARGEST_MISFIT = (
    50.0  # sum of squared deviations past which no contrast fits: a FLAIR scan without GM-WM contrast has 43
)
WORKING_MM = 2.0  # finer voxels are thinned for the depth


@dataclass(frozen=True)
class TissueAssignment:
    """What the classes of a mixture are.

    Attributes
    ----------
    contrast : Contrast
        The likeliest, or `UNKNOWN` where none fits the evidence.
    tissues : tuple of Tissue
        Of the classes, from dark to bright as they are stored.
    confidence : float
        Probability by the evidence, 0 to 1, that the tissues are named rightly, whoever named them.
    inverted : bool
        Whether the scan is stored with its air bright, so that the tissues come in reversed order.
    echo_planar : bool
        Whether it looks like an image of a functional or diffusion series, see `mriseg.segmentation.echo_planar`.
    agent : bool
        Whether it is T1-weighted and vessels, dura or mucosa look as with a contrast agent. Asked of single slices.
    evidence : dict of Contrast to float
        Of each known contrast the probability that the tissues are in its order; contrasts of one order have one.
    """

    contrast: Contrast
    tissues: tuple[Tissue, ...]
    confidence: float
    inverted: bool = False
    echo_planar: bool = False
    agent: bool = False
    evidence: dict[Contrast, float] = field(default_factory=dict)

    @property
    def likeliest(self) -> Contrast:
        """The known contrast whose order of the tissues the evidence speaks for most."""
        return max(self.evidence, key=self.evidence.__getitem__)


@dataclass(frozen=True, eq=False)
class ContrastScores:
    """What one fit says for each contrast.

    Attributes
    ----------
    log_odds : dict of Contrast to float
        Logarithm of how likely the classes look as they do, up to a constant.
    brightest : dict of Contrast to float
        Spreads between the brightest hundredth of the brain and what is expected; NaN where it was not asked.
    misfit : dict of Contrast to float
        Sum of all squared deviations in spreads.
    inverted : bool
        Whether air is bright.
    stated : Contrast or None
        What the header states.
    """

    log_odds: dict[Contrast, float]
    brightest: dict[Contrast, float]
    misfit: dict[Contrast, float]
    inverted: bool
    stated: Contrast | None = None


def score_contrasts(
    mixture: Mixture,
    posteriors: np.ndarray,
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    histogram: Histogram | None = None,
    background_level: float = 0.0,
    spatial_prior: PriorZones | None = None,
    stated: Contrast | None = None,
    ventricles: Ventricles | None = None,
) -> ContrastScores:
    """Hold what a fit shows, where its classes lie, how large they are and how spaced, against each contrast.

    Parameters
    ----------
    mixture : Mixture
        As fitted.
    posteriors : ndarray of shape (3, i, j) or (3, i, j, k)
        Of the classes, from dark to bright, in the brain's box.
    mask : ndarray of bool, shape (i, j) or (i, j, k)
        The brain.
    spacing : tuple of float
        Voxel sides in mm.
    histogram : Histogram, optional
        Of the brain's intensities, to ask its brightest part as well as its classes.
    background_level : float
        Intensity of no signal, as `mriseg.brain.background.background_level` finds it.
    spatial_prior : PriorZones, optional
        What the average brain expects, on the grid of the mask.
    stated : Contrast, optional
        What the scan's header states.
    ventricles : Ventricles, optional
        What they say of where fluid is.

    Returns
    -------
    ContrastScores
    """
    signals, locations = observations(
        mixture, posteriors, mask, spacing=spacing, histogram=histogram, background_level=background_level
    )
    observed = np.concatenate([signals, locations.ravel()])
    log_odds, brightest, misfit = {}, {}, {}
    for candidate in CANDIDATES:
        deviation, misfit[candidate], log_odds[candidate] = _held_against(candidate, observed)
        brightest[candidate] = float(deviation[len(signals) - 1])
    log_odds[Contrast.UNKNOWN] += np.log(RARE)
    inverted = is_inverted(mixture, background_level)
    if spatial_prior is not None and len(spatial_prior) > 1:
        for candidate in CANDIDATES:
            order = stored_order(candidate, inverted)
            log_odds[candidate] += POSITION_VOXELS * TEMPER * _position_log_odds(posteriors, mask, spatial_prior, order)
    if ventricles is not None:
        for contrast in KNOWN_CONTRASTS:
            log_odds[contrast] += ventricles.log_odds(contrast, inverted)
    if stated is not None:
        log_odds[stated] += HEADER_LOG_ODDS
    return ContrastScores(log_odds, brightest, misfit, inverted=inverted, stated=stated)


def _held_against(candidate: Contrast, observed: np.ndarray) -> tuple[np.ndarray, float, float]:
    """How far each observation, NaN where unknown, lies from what a contrast expects, their squares' sum, log odds."""
    known = np.isfinite(observed)
    expected = [LOCATIONS[candidate][tissue] for tissue in candidate.dark_to_bright] or [ANYWHERE] * 3
    mean, spread = np.concatenate([SIGNALS[candidate], *expected]).T
    deviation = np.minimum(np.abs(observed - mean) / spread, MOST_DEVIATION)
    misfit = float((deviation[known] ** 2).sum())
    return deviation, misfit, TEMPER * float(-0.5 * misfit - np.log(spread[known]).sum())


def assign_tissues(if_dark: ContrastScores, if_bright: ContrastScores) -> TissueAssignment:
    """Name the classes by the scores of two fits.

    Parameters
    ----------
    if_dark, if_bright : ContrastScores
        Of the fit that expects fluid to be the darkest class as stored, and of the one that expects the brightest:
        each contrast is judged by the fit that was made for it.

    Returns
    -------
    TissueAssignment
    """
    inverted = if_dark.inverted

    def made_for(contrast: Contrast) -> ContrastScores:
        return if_dark if contrast.fluid_is_dark != inverted else if_bright

    log_odds = {contrast: made_for(contrast).log_odds[contrast] for contrast in KNOWN_CONTRASTS}
    unknown = max(scores.log_odds[Contrast.UNKNOWN] for scores in (if_dark, if_bright))
    highest = max(unknown, *log_odds.values())
    total = sum(np.exp(value - highest) for value in (unknown, *log_odds.values()))
    probability: dict[Contrast, float] = {
        contrast: float(np.exp(value - highest) / total) for contrast, value in log_odds.items()
    }
    of_unknown = float(np.exp(unknown - highest) / total)
    best = max(probability, key=probability.__getitem__)
    rivals = [contrast for contrast in KNOWN_CONTRASTS if contrast.dark_to_bright == best.dark_to_bright]
    of_order = sum(probability[contrast] for contrast in rivals)
    evidence = evidence_of_orders(probability, of_unknown)
    if if_dark.stated in rivals:  # the order agrees, and nobody knows better which of its contrasts it is
        best = if_dark.stated
    elif np.isfinite(made_for(best).brightest[best]):  # between contrasts of one order fluid decides
        best = min(rivals, key=lambda contrast: made_for(contrast).brightest[contrast])
    fits_none = of_unknown > of_order or made_for(best).misfit[best] > LARGEST_MISFIT
    fits_none = fits_none and best is not if_dark.stated
    return TissueAssignment(
        Contrast.UNKNOWN if fits_none else best,
        stored_order(best, inverted),
        evidence[best],
        inverted,
        evidence=evidence,
    )


def assign_tissues_by_position(scores: ContrastScores, tissues: tuple[Tissue, ...]) -> TissueAssignment:
    """Name the contrast whose classes a mixture with zones has already told apart by where they lie.

    Parameters
    ----------
    scores : ContrastScores
        Of that mixture.
    tissues : tuple of Tissue
        From dark to bright as stored, as they were fitted.

    Returns
    -------
    TissueAssignment
    """
    highest = max(scores.log_odds[contrast] for contrast in CANDIDATES)
    odds = {contrast: float(np.exp(scores.log_odds[contrast] - highest)) for contrast in CANDIDATES}
    total = sum(odds.values())
    rivals = [contrast for contrast in KNOWN_CONTRASTS if stored_order(contrast, scores.inverted) == tissues]
    evidence = evidence_of_orders(
        {contrast: value / total for contrast, value in odds.items()}, odds[Contrast.UNKNOWN] / total
    )
    if not rivals:
        of_unknown = odds[Contrast.UNKNOWN] / len(ORDERS)
        confidence = round(of_unknown / total, 6)
        return TissueAssignment(Contrast.UNKNOWN, tissues, confidence, scores.inverted, evidence=evidence)
    best = min(rivals, key=lambda contrast: (contrast is not scores.stated, scores.brightest[contrast]))
    fits_none = scores.misfit[best] > LARGEST_MISFIT and best is not scores.stated
    contrast = Contrast.UNKNOWN if fits_none else best
    return TissueAssignment(contrast, tissues, evidence[best], scores.inverted, evidence=evidence)


def evidence_of_orders(probability: dict[Contrast, float], of_unknown: float) -> dict[Contrast, float]:
    """For each known contrast, how likely its order of the tissues is.

    Parameters
    ----------
    probability : dict of Contrast to float
        Of each known contrast.
    of_unknown : float
        That it is none of them: each order is then as likely.

    Returns
    -------
    dict of Contrast to float
        Contrasts of one order have one.
    """
    return {
        contrast: round(
            sum(probability[other] for other in KNOWN_CONTRASTS if other.dark_to_bright == contrast.dark_to_bright)
            + of_unknown / len(ORDERS),
            6,
        )
        for contrast in KNOWN_CONTRASTS
    }


def stored_order(contrast: Contrast, inverted: bool) -> tuple[Tissue, ...]:
    """The tissues from dark to bright as the scan is stored.

    Parameters
    ----------
    contrast : Contrast
    inverted : bool
        Whether the air is bright.

    Returns
    -------
    tuple of Tissue
    """
    return contrast.dark_to_bright[:: -1 if inverted else 1]


def is_inverted(mixture: Mixture, background_level: float) -> bool:
    """Whether no signal lies at the bright end of the scale.

    Parameters
    ----------
    mixture : Mixture
        Its classes named.
    background_level : float
        Intensity of no signal, arbitrary units.
    """
    return bool(background_level > (mixture.means[0] + mixture.means[-1]) / 2)


def observations(
    mixture: Mixture,
    posteriors: np.ndarray,
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    histogram: Histogram | None = None,
    background_level: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """What the classes are named by; parameters as those of `score_contrasts`.

    Returns
    -------
    signals : ndarray of shape (3,)
        As in `SIGNALS`; the last is NaN without a histogram.
    locations : ndarray of shape (3, 3)
        Of each class, from little to much signal, what `LOCATIONS` lists.
    """
    locations = _locations(posteriors, mask, spacing)
    signal, brightest = mixture.means - background_level, np.nan
    inverted = is_inverted(mixture, background_level)
    if histogram is not None:
        share = np.cumsum(histogram.counts) / histogram.counts.sum()
        level = histogram.levels[np.searchsorted(share, BRIGHTEST if inverted else 1 - BRIGHTEST)]
        brightest = level - background_level
    if inverted:
        locations, signal, brightest = locations[::-1], -signal[::-1], -brightest
    dark, middle, bright = signal
    reference = max(middle, 1e-3 * bright)  # the background of a tight picture may lie above the middle class
    return np.array([(middle - dark) / (bright - dark), dark / reference, brightest / reference]), locations


def _position_log_odds(posteriors: np.ndarray, mask: np.ndarray, prior: PriorZones, order: tuple[Tissue, ...]) -> float:
    """Nats a voxel by which the average brain expects the classes where they lie, if these are the tissues."""
    if not order:
        return 0.0
    zone = prior.index[mask]
    class_counts = np.stack([np.bincount(zone, values[mask], len(prior)) for values in posteriors], 1)
    expected = np.log(prior.shares[:, [TISSUES.index(tissue) for tissue in order]])
    average = np.log(np.bincount(zone, minlength=len(prior)) @ np.exp(expected) / len(zone))
    return float((class_counts * (expected - average)).sum() / len(zone))


def _locations(posteriors: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """For each class its share of the brain, its mean depth, and its share in the outer part; shape (3, 3)."""
    steps = [
        min(max(1, int(WORKING_MM / side)), n // 16) if mask.ndim == 3 and n > 32 else 1
        for n, side in zip(mask.shape, spacing, strict=True)
    ]
    thin = tuple(slice(None, None, step) for step in steps)
    classes, mask = posteriors[:, *thin].argmax(0), mask[thin]
    sides = tuple(side * step for side, step in zip(spacing, steps, strict=True))
    # Where the field of view cuts the brain is no rim of it; a slab's rim is that of its slices.
    extent = [part.stop - part.start for part in bounding_box(mask)]
    slab = [mask.ndim == 3 and n * side < SLAB_MM for n, side in zip(extent, sides, strict=True)]
    sampling = tuple(FAR_MM if cut else side for cut, side in zip(slab, sides, strict=True))
    to_surface = distance_to_background(mask, sampling, at_border="edge")[mask]
    rank = np.empty(len(to_surface))
    rank[np.argsort(to_surface, kind="stable")] = (np.arange(len(to_surface)) + 0.5) / len(to_surface)
    classes = classes[mask]
    size = np.maximum(np.bincount(classes, minlength=3), 1)
    mean_depth = np.bincount(classes, rank, 3) / size
    outer = np.bincount(classes, rank < OUTER, 3) / size
    return np.stack([size / len(classes), mean_depth, outer], 1)
