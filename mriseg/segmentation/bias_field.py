"""The bias field: smooth, multiplicative, estimated together with the mixture.

Alternates between fitting the mixture to the corrected intensities and fitting a smooth field to what the
mixture leaves unexplained, each voxel counting as much as its class is sharp and bright (mean^2 / variance), so
that dark fluid and noise have no say. Where the average brain says which tissue to expect, the field cannot take the
contrast between the rim (gray) and the depth (white) of the brain for shading.

References
----------
Wells, Grimson, Kikinis, Jolesz: Adaptive segmentation of MRI data. IEEE Trans Med Imaging 15, 1996.
Van Leemput, Maes, Vandermeulen, Suetens: Automated model-based bias field correction of MR images of the
brain. IEEE Trans Med Imaging 18, 1999.
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (cosines, penalized by their slope).
"""

from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from mriseg.core.checkpoints import checkpoint
from mriseg.core.errors import SeparationError
from mriseg.core.scan import Scan
from mriseg.core.settings import Settings
from mriseg.core.tissue import Tissue
from mriseg.image.cosines import half_waves
from mriseg.image.resampling import every_nth
from mriseg.mixture import em
from mriseg.mixture.fit import ZONE_STRENGTH, fit
from mriseg.mixture.histogram import Cells, histogram
from mriseg.mixture.likelihood import bin_voxels
from mriseg.mixture.model import Mixture, uniform
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.quality.metrics import bias_range
from mriseg.segmentation.markov_field import regularized_posteriors
from mriseg.segmentation.stages import BiasCorrection, IdentifiedTissues

# A field of the coil and of dielectric effects varies over a hand's breadth: half a period of the finest cosine.
FINEST_MM = 45.0
MOST_WAVES = 5  # half periods along an axis, 225 mm: no brain is longer, and in what is the products would be thousands
PIXEL_EXTENT_MM = 180.0  # of a brain's longer side in a picture, whose pixels have no size
SAMPLES = 60_000  # voxels that the field is estimated on; twice as many move it by less than 0.3 %
BINS = 256
ROUNDS = 12
FIT_TOLERANCE = 1e-5  # of the mixture within a round, which only has to follow the field
CHANGE = 2e-3  # largest change of the log field at which to stop
# Penalty on the squared slope, relative to the voxels' total weight, for a wave of one period in 300 mm. A tenth of
# it gives the same labels within 0.002 of Dice; ten times as much leaves a quarter of a strong field.
PENALTY, PENALTY_MM = 1e-3, 150.0
# Anatomy alone, as myelin that differs from lobe to lobe, looks like a field of 0.7 to 1.7 % (standard deviation): one
# hardly deeper is taken back. A field of 20 % from end to end has 4 to 6 % and keeps 95 to 99 hundredths.
LIKE_ANATOMY = 0.02
# The brightest and darkest thousandth of the brain are vessels, fat and broken voxels.
OUTLIERS = 0.1


@dataclass(frozen=True, eq=False)
class _CosineBasis:
    """Products of cosines along the axes, at the sampled voxels.

    Attributes
    ----------
    terms : ndarray of int, shape (terms, axes)
        Half waves of each product along each axis.
    shape : tuple of int
        Of an array of coefficients with one for each number of half waves along each axis.
    values : ndarray of shape (terms, n)
        Of each product at each sample, less its mean over them: a field's geometric mean is 1.
    center : ndarray of shape (terms,)
        Those means.
    slopes : ndarray of shape (terms,)
        Mean squared slope of each product, relative to that of a wave of one period in 300 mm.
    """

    terms: np.ndarray
    shape: tuple[int, ...]
    values: np.ndarray
    center: np.ndarray
    slopes: np.ndarray

    def grid(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients of the terms, in an array for `evaluate_bias_field`."""
        grid = np.zeros(self.shape, np.float32)
        grid[tuple(self.terms.T)] = coefficients
        grid[(0,) * len(self.shape)] = -self.center @ coefficients
        return grid


def estimate_bias_field(
    data: np.ndarray,
    mask: np.ndarray,
    order: tuple[Tissue, ...],
    *,
    spacing: tuple[float, ...] | None = None,
    spatial_prior: PriorZones | None = None,
    order_known: bool = True,
    samples: int = SAMPLES,
    bias_strength: float = 1.0,
) -> tuple[np.ndarray, Mixture | None]:
    """Estimate the bias field of a brain, by which its intensities are to be divided.

    Parameters
    ----------
    data : ndarray of float32, shape (i, j) or (i, j, k)
        Intensities, cropped to the brain.
    mask : ndarray of bool, same shape
        The brain.
    order, spatial_prior, order_known
        As for `mriseg.mixture.fit.fit`.
    spacing : tuple of float, optional
        Voxel sides in mm; by default such that the longer side is as long as a brain.
    samples : int
        Voxels to use.
    bias_strength : float
        How freely the field may bend: the penalty on its slope is divided by it.

    Returns
    -------
    coefficients : ndarray of float32, as many axes as `data`
        Of the cosines that add up to the field's logarithm, for `evaluate_bias_field`. The geometric mean of the field
        over the sampled brain is 1.
    mixture : Mixture or None
        Of the corrected samples, a start for that of all voxels; None where none could be fitted.
    """
    spatial_prior = spatial_prior or uniform_prior(data.shape)
    values, where = _sample(data, mask, samples)
    if not len(values):  # of one gray: there is no shading to see, and `fit` will say what is wrong
        return uniform_field(data.ndim), None
    zone = spatial_prior.index[tuple(where.T)].astype(int)
    refit = partial(fit, order=order, spatial_prior=spatial_prior, tolerance=FIT_TOLERANCE, order_known=order_known)
    basis = _basis(where, data.shape, spacing or (PIXEL_EXTENT_MM / max(data.shape),) * data.ndim)
    coefficients, log_field = np.zeros(len(basis.terms)), np.zeros(len(values))
    weighted = np.empty_like(basis.values)
    mixture = None
    for iteration in range(ROUNDS):
        checkpoint()
        cells, index = _binned(values * np.exp(-log_field), zone, len(spatial_prior))
        prior_weight = _prior_weight(iteration) if len(spatial_prior) > 1 else None
        try:
            mixture = refit(cells, start=mixture, prior_strength=prior_weight)
        except SeparationError:
            break
        residual, weight = (table[zone, index] for table in _residuals(cells.points[:, 0], mixture))
        coefficients = _fit_field(basis, residual + log_field, weight, penalty=PENALTY / bias_strength, out=weighted)
        previous, log_field = log_field, coefficients @ basis.values
        if np.abs(log_field - previous).max() < CHANGE and prior_weight in (None, ZONE_STRENGTH):
            break
    return basis.grid(_shrink_to_anatomy(coefficients, float(np.std(log_field)))), mixture


def _sample(data: np.ndarray, mask: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Intensities of evenly chosen voxels of a brain, without the extreme ones, and where: (n,) and (n, axes)."""
    chosen = every_nth(mask, max(1, int(np.count_nonzero(mask)) // samples))
    where = np.stack(np.unravel_index(chosen, mask.shape), 1)
    values = data[tuple(where.T)].astype(float)
    low, high = np.percentile(values, [OUTLIERS, 100 - OUTLIERS])
    typical = (values > max(low, 0)) & (values < high)
    return values[typical], where[typical]


def _basis(where: np.ndarray, shape: tuple[int, ...], spacing: tuple[float, ...]) -> _CosineBasis:
    """Cosines as fine as a field can be, at the places, shape (n, axes), of a grid."""
    extent = np.array(shape) * spacing
    waves = np.clip(np.rint(extent / FINEST_MM), 1, MOST_WAVES).astype(int)
    terms = np.array([t for t in product(*(range(w + 1) for w in waves)) if 0 < sum((t / waves) ** 2) <= 1])
    axes = [half_waves(n, w) for n, w in zip(shape, waves, strict=True)]
    values = np.ones((len(where), len(terms))).T  # the largest array of a small scan: axis by axis and in place
    for a, axis in enumerate(axes):
        values *= axis[terms[:, a]][:, where[:, a]]
    center = values.mean(1)
    values -= center[:, None]
    return _CosineBasis(terms, tuple(waves + 1), values, center, slopes=((terms * PENALTY_MM / extent) ** 2).sum(1))


def _prior_weight(iteration: int) -> float:
    """How much the average brain counts: it leads at first and lets go, down to its weight in any fit.

    From a poor start the scan's own shares can lose a tissue.
    """
    return max(ZONE_STRENGTH, 0.5**iteration)


def _fit_field(
    basis: _CosineBasis, target: np.ndarray, weight: np.ndarray, *, penalty: float, out: np.ndarray
) -> np.ndarray:
    """Coefficients of the smooth field nearest to a target.

    Parameters
    ----------
    basis : _CosineBasis
    target, weight : ndarray of shape (n,)
        Log field that each sample asks for, up to a constant, and how much it counts.
    penalty : float
        On the squared slope, relative to the samples' total weight.
    out : ndarray of shape (terms, n)
        Room for the weighted basis.

    Returns
    -------
    ndarray of shape (terms,)
    """
    np.multiply(basis.values, np.sqrt(weight), out=out)  # a product with its own transpose takes half the time
    normal = out @ out.T + penalty * weight.sum() * np.diag(basis.slopes)
    target = target - np.average(target, weights=weight)
    return np.linalg.solve(normal, basis.values @ (weight * target))


def _shrink_to_anatomy(coefficients: np.ndarray, depth: float) -> np.ndarray:
    """Take a field back that is hardly deeper (standard deviation of its logarithm) than anatomy looks like."""
    return coefficients * (depth**4 / (depth**4 + LIKE_ANATOMY**4))


def uniform_field(dimensions: int) -> np.ndarray:
    """Coefficients of a field that is 1 everywhere.

    Parameters
    ----------
    dimensions : int
        Axes of the data.

    Returns
    -------
    ndarray of float32, as many axes
    """
    return np.zeros((1,) * dimensions, np.float32)


def evaluate_bias_field(
    coefficients: np.ndarray, shape: tuple[int, ...], part: tuple[slice, ...] | None = None
) -> np.ndarray:
    """The field on the grid that it was estimated on.

    Parameters
    ----------
    coefficients : ndarray of float32
        As from `estimate_bias_field`.
    shape : tuple of int
        Of the data.
    part : tuple of slice, optional
        Of that grid, where not all of it is asked for.

    Returns
    -------
    ndarray of float32, of the shape of the part
        Positive; intensities are to be divided by it.

    Examples
    --------
    >>> evaluate_bias_field(uniform_field(2), (2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    field = coefficients
    for n, size, asked in zip(shape, coefficients.shape, part or (slice(None),) * len(shape), strict=True):
        field = np.tensordot(field, half_waves(n, size - 1)[:, asked].astype(np.float32), (0, 0))
    np.exp(field, out=field)
    return field


def _binned(values: np.ndarray, zone: np.ndarray, zones: int) -> tuple[Cells, np.ndarray]:
    """Counts by zone, and the bin of each value."""
    hist = histogram(values, bins=BINS)
    index = np.clip(np.rint((values - hist.levels[0]) / hist.width), 0, len(hist.levels) - 1).astype(int)
    counts = np.bincount(zone * len(hist.levels) + index, minlength=zones * len(hist.levels))
    return Cells(hist.levels[:, None], counts.reshape(zones, -1).astype(float)), index


def _residuals(levels: np.ndarray, mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Relative residual against the mixture, and how much it counts, at each level in each zone: (zones, levels)."""
    structure, parameters = mixture.structure, mixture.parameters
    means = structure.fractions @ parameters.means[:, 0]
    variances = parameters.covariances[structure.variance, 0, 0]
    densities = np.exp(em.log_densities(levels[:, None], structure, parameters))
    weights = (1 - mixture.outliers) * parameters.weights[:, structure.component]
    total = weights @ densities.T + mixture.outliers * uniform(levels, mixture.outlier_range)
    certainty = weights @ (densities * means**2 / variances).T
    pull = weights @ (densities * (levels[:, None] - means) * means / variances).T
    tiny = np.finfo(float).tiny
    return pull / (certainty + tiny), certainty / (total + tiny)


def estimate_fields(
    scan: Scan,
    channels: list[np.ndarray],
    mask: np.ndarray,
    *,
    spacing: tuple[float, ...],
    tissues: IdentifiedTissues,
    settings: Settings,
) -> BiasCorrection:
    """The bias field of each channel. In further ones where the tissues lie in the first tells their order.

    Parameters
    ----------
    scan : Scan
        The first channel as it was read: whether its voxels have a size.
    channels : list of ndarray of float32, shape (i, j) or (i, j, k)
        Intensities, cropped to the brain.
    mask : ndarray of bool, same shape
        The brain.
    spacing : tuple of float
        Voxel sides, mm.
    tissues : IdentifiedTissues
        Which tissue each class of the first channel is.
    settings : Settings

    Returns
    -------
    BiasCorrection
    """
    known = spacing if scan.kind == "volume" or settings.pixel_size is not None else None
    order, spatial_prior = tissues.assignment.tissues, tissues.spatial_prior

    def field(channel: np.ndarray, channel_order: tuple[Tissue, ...]) -> tuple[np.ndarray, Mixture | None]:
        if not settings.correct_bias:
            return uniform_field(mask.ndim), None
        return estimate_bias_field(
            channel,
            mask,
            channel_order,
            spacing=known,
            spatial_prior=spatial_prior,
            bias_strength=settings.bias_strength,
        )

    coefficients, start = field(channels[0], order)
    left = 0.0
    if not settings.correct_bias:
        as_it_is, _ = estimate_bias_field(channels[0], mask, order, spacing=known, spatial_prior=spatial_prior)
        left = bias_range(evaluate_bias_field(as_it_is, mask.shape)[mask])
    if len(channels) == 1:
        return BiasCorrection((coefficients,), start, left)
    binned = bin_voxels([channels[0] / evaluate_bias_field(coefficients, mask.shape)], mask)
    mixture = fit(binned.cells(mask, spatial_prior), order, spatial_prior, start=start)
    posteriors = regularized_posteriors(binned, mixture, mask, spacing=spacing, spatial_prior=spatial_prior)
    further = [field(channel, _order_in_channel(channel, posteriors, order))[0] for channel in channels[1:]]
    return BiasCorrection((coefficients, *further), mixture, left)


def _order_in_channel(data: np.ndarray, posteriors: np.ndarray, tissues: tuple[Tissue, ...]) -> tuple[Tissue, ...]:
    """The tissues from dark to bright in another channel, by where they lie in the first."""
    means = [np.average(data, weights=posterior) for posterior in posteriors]
    return tuple(tissues[i] for i in np.argsort(means, kind="stable"))
