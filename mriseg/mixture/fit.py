"""Fit the tissue mixture to a histogram; the cost does not grow with the number of voxels."""

from dataclasses import dataclass, replace

import numpy as np

from mriseg.core.errors import SeparationError
from mriseg.core.remedies import Remedy
from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture import em
from mriseg.mixture.histogram import Cells
from mriseg.mixture.initialization import VARIANCE_FLOOR, extend_to_channels, initial_parameters
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.model import Mixture, sort_classes, uniform
from mriseg.mixture.prior import deep_between, even_expectation, expectation
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.mixture.standardization import Standardization

TOLERANCE = 1e-6  # gain of log likelihood per voxel below which a fit has converged
JOINT_TOLERANCE = 1e-5  # the same of a fit to several channels: its cells are many
FIRST_TOLERANCE = 1e-4  # the same of a fit that only begins another
MAX_ITERATIONS = 1000  # nine brains in ten need less than 150, one in a thousand more than 500
# Without expectations a mixture of three classes fits many brains better with no class for the fluid, which is little
# and seldom pure, and two for gray matter. Against the observed shares; between 0.1 and 1 labels are nearly the same.
SHARE_STRENGTH = 0.3
# In zones the expectation of each is its own, and wins only where intensity cannot tell.
ZONE_STRENGTH = 0.2
# Noise is the same in all classes, the rest of their spread is anatomy: with less than 0.6 gray matter swallows the
# mixed voxels of thick slices, with more than 4 the spread of coarse ones is not seen.
SPREAD_STRENGTH = 2.0
# While it is not known which tissue is which and where, the wide class must be free to show itself.
SPREAD_STRENGTH_ORDER_UNKNOWN = 0.1
# Outliers may lie anywhere, but more of them would take the fluid of T1 and FLAIR, which is spread thinly.
MOST_OUTLIERS = 0.02
# Where fluid is bright, bone in the mask is darker than every tissue: outliers are looked for there, and may be more.
MOST_DARK_OUTLIERS = 0.1
DEEP_WITHIN = (-0.1, 1.1)  # of the way from gray to white matter: farther off is no gray matter
MIN_VOXELS = 300  # a hundred for each class: below, its spread is not known within 10 %
# Where it is not known which tissue is which, a fit is made for each kind of contrast.
FLUID_DARK, FLUID_BRIGHT = Contrast.T1.dark_to_bright, Contrast.T2.dark_to_bright
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def fit(
    cells: Cells,
    order: tuple[Tissue, ...],
    spatial_prior: PriorZones | None = None,
    *,
    start: Mixture | None = None,
    tolerance: float = TOLERANCE,
    order_known: bool = True,
    prior_strength: float | None = None,
) -> Mixture:
    """Fit the tissues and the mixed voxels between them, the likeliest given what a brain holds and where.

    Parameters
    ----------
    cells : Cells
        Counts of the brain's intensities, by zone.
    order : tuple of Tissue
        From dark to bright on the first channel.
    spatial_prior : PriorZones, optional
        What to expect in each zone of `cells`; by default they are one, the whole brain.
    start : Mixture, optional
        Where to begin, of the same zones, or of the first channel alone; by default the partition of least variance
        of the first channel, so that the result is deterministic.
    tolerance : float
        Gain of log likelihood per voxel at which to stop.
    order_known : bool
        Whether `order` is known. Where it only is tried, many dark voxels must not be bone, since they may be fluid
        that is dark, and in one zone the spreads of the classes may differ more.
    prior_strength : float, optional
        Of the expectations against the observed shares; by default as the zones are several or one.

    Returns
    -------
    Mixture
        Classes named by `order`. In one zone they run from dark to bright; where zones say which tissue lies where, a
        wrong order can come out with the right means, which tells that it is wrong (see `by_brightness`).

    Raises
    ------
    SeparationError
        If there are too few voxels or levels for three classes.
    """
    spatial_prior = spatial_prior or uniform_prior(())
    if start is not None and start.layout.deep is None and not order_known:
        # A trial that once found its deep nuclei implausible goes on without them: half of its rounds are then saved.
        spatial_prior = replace(spatial_prior, deep=np.zeros(len(spatial_prior)))
    model = _tissue_model(order, spatial_prior, order_known=order_known, prior_strength=prior_strength)
    if len(spatial_prior) > 1 and start is None and prior_strength is None:
        # From a poor start the scan's own shares can lose a tissue: the average brain leads at first.
        start = _run_em(cells, replace(model, prior_strength=1.0), None, FIRST_TOLERANCE)
    mixture = _run_em(cells, model, start, tolerance)
    if _deep_gray_is_plausible(mixture):
        return mixture
    # The class has found something else, as the ventricles on a scan where they are hardly brighter than gray matter.
    spatial_prior, strength = replace(spatial_prior, deep=np.zeros(len(spatial_prior))), model.prior_strength
    return fit(cells, order, spatial_prior, tolerance=tolerance, order_known=order_known, prior_strength=strength)


def _tissue_model(
    order: tuple[Tissue, ...], spatial_prior: PriorZones, *, order_known: bool, prior_strength: float | None
) -> "_Model":
    """The three tissues, in one zone or in several, as `fit` describes it."""
    zoned = len(spatial_prior) > 1
    return _Model(
        layout=MixtureLayout(len(order), deep_between(order) if zoned and spatial_prior.deep.any() else None),
        tissues=order,
        expected=expectation(spatial_prior, order),
        prior_strength=prior_strength or (ZONE_STRENGTH if zoned else SHARE_STRENGTH),
        spread_strength=SPREAD_STRENGTH if order_known or zoned else SPREAD_STRENGTH_ORDER_UNKNOWN,
        dark_outliers=order_known and order[-1] is Tissue.CSF,
    )


def _deep_gray_is_plausible(mixture: Mixture) -> bool:
    """Whether the deep nuclei, should they have a Gaussian, are as bright as gray or white matter or between them."""
    deep = mixture.layout.deep
    if deep is None:
        return True
    gray, white, nuclei = mixture.parameters.means[[deep.gray, deep.white, deep.mean], 0]
    return bool(DEEP_WITHIN[0] <= (nuclei - gray) / (white - gray) <= DEEP_WITHIN[1])


def fit_classes(cells: Cells, classes: int) -> Mixture:
    """Fit any number of classes and the mixed voxels between neighbors, without knowledge of what they are.

    Parameters
    ----------
    cells : Cells
        Counts of the brain's intensities, in one zone.
    classes : int
        Two to six.

    Returns
    -------
    Mixture
        Classes from dark to bright, without names.

    Raises
    ------
    SeparationError
        If there are too few voxels or levels for so many classes.
    """
    model = _Model(
        layout=MixtureLayout(classes),
        tissues=(),
        expected=even_expectation(classes),
        prior_strength=SHARE_STRENGTH,
        spread_strength=SPREAD_STRENGTH_ORDER_UNKNOWN,
        dark_outliers=False,
    )
    return _run_em(cells, model, None, TOLERANCE)


@dataclass(frozen=True, eq=False)
class _Model:
    """What is fitted: which Gaussians, and what is expected of them.

    Attributes
    ----------
    layout : MixtureLayout
    tissues : tuple of Tissue
        Which tissue each class is; empty where that is not known.
    expected : ndarray of shape (zones, components)
        Expected weights.
    prior_strength, spread_strength : float
        Of the expected weights and of equal spreads, as `em.Prior` takes them.
    dark_outliers : bool
        Whether outliers lie on the dark side of all tissues, as bone does where fluid is bright.
    """

    layout: MixtureLayout
    tissues: tuple[Tissue, ...]
    expected: np.ndarray
    prior_strength: float
    spread_strength: float
    dark_outliers: bool

    def prior(self, channels: int) -> em.Prior:
        most_outliers = MOST_DARK_OUTLIERS if self.dark_outliers and channels == 1 else MOST_OUTLIERS
        return em.Prior(self.expected, self.prior_strength, self.spread_strength, most_outliers)


def _run_em(cells: Cells, model: _Model, start: Mixture | None, tolerance: float) -> Mixture:
    """One run of expectation-maximization: standardize, start, climb, restore."""
    cells = cells.filled()
    intensities, counts = cells.points, cells.counts
    _check_enough(cells, model.layout.classes)
    channels = intensities.shape[1]
    start = start if start is None or start.layout == model.layout else None
    if start is None and channels > 1:
        start = _run_em(Cells(intensities[:, :1], counts), model, None, FIRST_TOLERANCE)
    scale, total = Standardization.of(intensities, counts.sum(0)), counts.sum(0)
    points = scale.points(intensities)
    if start is None:
        parameters = initial_parameters(
            points, total, model.layout, expected=model.expected, dark_outliers=model.dark_outliers
        )
    elif start.channels < channels:
        parameters = extend_to_channels(intensities, points, total, start)
    else:
        parameters = scale.standardize(start.parameters)
    outlier_range = _outlier_range(intensities, scale.restore(parameters), model.dark_outliers)
    parameters, history, converged = em.expectation_maximization(
        points,
        counts,
        model.layout.structure,
        parameters,
        tolerance=tolerance,
        max_iterations=MAX_ITERATIONS,
        floor=np.full(channels, VARIANCE_FLOOR),
        outlier_density=float(np.prod(scale.spread)) * uniform(intensities, outlier_range),
        prior=model.prior(channels),
    )
    mixture = Mixture(
        parameters=scale.restore(parameters),
        zone_shares=counts.sum(1) / counts.sum(),
        layout=model.layout,
        outlier_range=outlier_range,
        log_likelihood=np.nan,
        iterations=len(history),
        converged=converged,
        tissues=model.tissues,
    )
    mixture = mixture if len(counts) > 1 else sort_classes(mixture)
    return replace(mixture, log_likelihood=_log_likelihood(mixture, cells))


def _check_enough(cells: Cells, classes: int) -> None:
    """Refuse what no mixture of so many classes can be fitted to."""
    levels, voxels = len(np.unique(cells.points[:, 0])), cells.counts.sum()
    if levels < 2 * classes or voxels < MIN_VOXELS:
        raise SeparationError(
            f"The brain region holds {voxels:.0f} voxels on {levels} gray levels, too few for {NUMBERS[classes]} "
            "tissues. Use the original scan rather than a label map, a mask or a crop of it.",
            (Remedy.WHOLE_IMAGE, Remedy.SEARCH),
        )


def _outlier_range(intensities: np.ndarray, start: em.Parameters, dark_outliers: bool) -> tuple[np.ndarray, np.ndarray]:
    """Between which intensities outliers may lie: all, or all below the darkest class of the start."""
    low, high = intensities.min(0), intensities.max(0)
    if dark_outliers and intensities.shape[1] == 1:
        high = np.maximum(start.means.min(0), np.partition(np.unique(intensities), 1)[1:2])  # of some width at least
    return low, high


def _log_likelihood(mixture: Mixture, cells: Cells) -> float:
    """Of the counts under a mixture, per voxel, natural logarithm."""
    outlier_density = mixture.outliers * uniform(cells.points, mixture.outlier_range)
    density = mixture.zone_densities(cells.points).sum(0) + outlier_density
    return float((cells.counts * np.log(np.maximum(density, np.finfo(float).tiny))).sum() / cells.counts.sum())
