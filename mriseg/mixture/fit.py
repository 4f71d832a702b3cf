"""Fit the tissue mixture to a histogram; the cost does not grow with the number of voxels."""

from dataclasses import replace

import numpy as np

from mriseg.core.errors import SeparationError
from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture import em
from mriseg.mixture.histogram import Cells
from mriseg.mixture.initialization import VARIANCE_FLOOR, extend_to_channels, initial_parameters
from mriseg.mixture.model import Mixture, layout, sort_classes, uniform
from mriseg.mixture.prior import even_expectation, expectation
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior

TOLERANCE = 1e-6  # gain of log likelihood per voxel below which a fit has converged
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
SPREAD_STRENGTH_UNNAMED = 0.1
# Outliers may lie anywhere, but more of them would take the fluid of T1 and FLAIR, which is spread thinly.
MOST_OUTLIERS = 0.02
# Where fluid is bright, bone in the mask is darker than every tissue: outliers are looked for there, and may be more.
MOST_BONE = 0.1
DEEP_WITHIN = (-0.1, 1.1)  # of the way from gray to white matter: farther off is no gray matter
MIN_VOXELS = 300  # a hundred for each class: below, its spread is not known within 10 %
# Where it is not known which tissue is which, a fit is made for each kind of contrast.
FLUID_DARK, FLUID_BRIGHT = Contrast.T1.dark_to_bright, Contrast.T2.dark_to_bright


JOINT_TOLERANCE = 1e-5  # gain of log likelihood per voxel at which the joint fit stops: its cells are many


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
        wrong order can come out with the right means, which is how `name` finds it (see `by_brightness`).

    Raises
    ------
    SeparationError
        If there are too few voxels or levels for three classes.
    """
    located = spatial_prior is not None and len(spatial_prior) > 1
    spatial_prior = spatial_prior or uniform_prior(())
    classes = len(order)
    deep = (order.index(Tissue.GM), order.index(Tissue.WM)) if located and spatial_prior.deep.any() else None
    expected = expectation(spatial_prior, order)
    bone = order_known and order[-1] is Tissue.CSF
    spread = SPREAD_STRENGTH if order_known or located else SPREAD_STRENGTH_UNNAMED
    if located and start is None and prior_strength is None:  # from a poor start the scan's own word can lose a tissue
        start = _run_em(cells, classes, deep, expected, 1.0, spread, order, None, FIRST_TOLERANCE, bone)
    prior_strength = prior_strength or (ZONE_STRENGTH if located else SHARE_STRENGTH)
    mixture = _run_em(cells, classes, deep, expected, prior_strength, spread, order, start, tolerance, bone)
    if deep is None:
        return mixture
    gray, white, nuclei = mixture.parameters.means[[*deep, -1], 0]
    if DEEP_WITHIN[0] <= (nuclei - gray) / (white - gray) <= DEEP_WITHIN[1]:
        return mixture
    # The class has found something else, as the ventricles on a scan where they are hardly brighter than gray matter.
    prior = replace(spatial_prior, deep=np.zeros(len(spatial_prior)))
    return fit(cells, order, prior, tolerance=tolerance, order_known=order_known, prior_strength=prior_strength)


def fit_classes(cells: Cells, classes: int, start: Mixture | None = None) -> Mixture:
    """Fit any number of classes and the mixed voxels between neighbors, without knowledge of what they are.

    Parameters and errors are those of `fit`.
    """
    expected = even_expectation(classes)
    return _run_em(cells, classes, None, expected, SHARE_STRENGTH, SPREAD_STRENGTH_UNNAMED, (), start, TOLERANCE, False)


def _run_em(
    cells: Cells,
    classes: int,
    deep: tuple[int, int] | None,
    expected: np.ndarray,
    strength: float,
    spread_strength: float,
    order: tuple[Tissue, ...],
    start: Mixture | None,
    tolerance: float,
    bone: bool,
) -> Mixture:
    filled = cells.counts.sum(0) > 0
    intensities, counts = cells.points[filled], cells.counts[:, filled]
    levels = len(np.unique(intensities[:, 0]))
    if levels < 2 * classes or counts.sum() < MIN_VOXELS:
        number = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}[classes]
        raise SeparationError(
            f"The brain region holds {counts.sum():.0f} voxels on {levels} gray levels, too few for {number} "
            "tissues. Use the original scan rather than a label map, a mask or a crop of it."
        )
    start = start if start is None or start.deep == deep else None
    if start is None and intensities.shape[1] > 1:
        first = Cells(intensities[:, :1], counts)
        start = _run_em(first, classes, deep, expected, strength, spread_strength, order, None, FIRST_TOLERANCE, bone)
    structure, total = layout(classes, deep), counts.sum(0)
    center = np.average(intensities, weights=total, axis=0)
    spread = np.sqrt(np.average((intensities - center) ** 2, weights=total, axis=0))
    points = (intensities - center) / spread
    if start is None:
        parameters = initial_parameters(points, total, classes, deep, expected, bone)
    elif start.channels < points.shape[1]:
        parameters = extend_to_channels(intensities, points, total, start)
    else:
        shift = start.parameters.means - center
        scaled = start.parameters.covariances / np.outer(spread, spread)
        parameters = em.Parameters(shift / spread, scaled, start.parameters.weights, start.outliers)
    low, high = intensities.min(0), intensities.max(0)
    if bone and points.shape[1] == 1:
        high = np.maximum(parameters.means.min(0) * spread + center, np.partition(np.unique(intensities), 1)[1:2])
    most = MOST_BONE if bone and points.shape[1] == 1 else MOST_OUTLIERS
    parameters, history, converged = em.expectation_maximization(
        points,
        counts,
        structure,
        parameters,
        tolerance,
        MAX_ITERATIONS,
        np.full(points.shape[1], VARIANCE_FLOOR),
        outlier_density=float(np.prod(spread)) * uniform(intensities, (low, high)),
        prior=em.Prior(expected, strength, spread_strength, most),
    )
    parameters = em.Parameters(
        parameters.means * spread + center,
        parameters.covariances * np.outer(spread, spread),
        parameters.weights,
        parameters.outliers,
    )
    zone_shares = counts.sum(1) / counts.sum()
    mixture = Mixture(
        parameters, zone_shares, classes, deep, (low, high), np.nan, len(history), converged, tissues=order
    )
    mixture = mixture if len(counts) > 1 else sort_classes(mixture)
    density = mixture.zone_densities(intensities).sum(0) + mixture.outliers * uniform(intensities, (low, high))
    log_likelihood = (counts * np.log(np.maximum(density, np.finfo(float).tiny))).sum() / counts.sum()
    return replace(mixture, log_likelihood=float(log_likelihood))
