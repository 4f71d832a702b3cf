"""What an affine registration minimizes: how little the atlas's labels tell about the intensities under them.

Each point of the atlas is spread over the three nearest bins of intensity (quadratic B-splines) and over its soft
labels, so that the value is smooth and its gradient is exact: line searches stop short of the optimum with any other.
Points that fall outside the head count against the fit: without this, mutual information would lay the brain over the
whole head, twice its size.

References
----------
Wells, Viola, Atsumi, Nakajima, Kikinis: Multi-modal volume registration by maximization of mutual information.
Med Image Anal 1, 1996.
Thevenaz, Unser: Optimization of mutual information for multiresolution image registration. IEEE Trans Image Process 9,
2000 (B-splines over the bins, and the gradient that they allow).
"""

from dataclasses import dataclass

import numpy as np
import scipy

BINS = 24
HEAD_MARGIN_MM = 4.0  # a point nearer to the head's surface than this lies in skin or air

# Parameters: three translations (mm), rotations (rad: pitch, roll, yaw), log scales and shears. UNIT brings their
# effects to one size for the optimizer; PRIOR_SD is how far heads go from the average.
UNIT = np.repeat([10.0, 0.15, 0.1, 0.05], 3)
PRIOR_SD = np.array([np.inf, np.inf, np.inf, 0.35, 0.15, 0.15, 0.12, 0.12, 0.12, 0.05, 0.05, 0.05])
PRIOR_WEIGHT = 0.004  # nats for a deviation of one PRIOR_SD: decides only where the scan says little
SCALE_SPREAD, SCALE_SPREAD_WEIGHT = 0.06, 0.01  # heads grow in all directions alike, within 6 %
STEP = 1e-5  # of UNIT: the affine's own derivatives are taken by differences


@dataclass(frozen=True, eq=False)
class HeadImage:
    """A scan as the atlas is laid over it.

    Attributes
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities, 0 for air and 1 for bright.
    depth : ndarray of float32, same shape
        Distance to the surface of the head, mm, negative outside.
    spacing : tuple of float
        Voxel sides, mm.
    """

    image: np.ndarray
    depth: np.ndarray
    spacing: tuple[float, ...]

    def blurred(self, sd: float) -> "HeadImage":
        """The same scan, its intensities smoothed by a Gaussian.

        Parameters
        ----------
        sd : float
            Standard deviation, mm.

        Returns
        -------
        HeadImage
        """
        image = scipy.ndimage.gaussian_filter(self.image, [sd / side for side in self.spacing])
        return HeadImage(image, self.depth, self.spacing)


@dataclass(frozen=True, eq=False)
class AtlasPoints:
    """Points in and around the average brain.

    Attributes
    ----------
    positions : ndarray of shape (points, 3)
        About `mriseg.registration.atlas.CENTER`, mm.
    labels : ndarray of shape (points, labels)
        Share of each label at each point.
    """

    positions: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective at one affine.

    Attributes
    ----------
    value : float
        To be minimized: minus `agreement` times `coverage`, plus the priors, nats.
    gradient : ndarray of shape (12,)
        Of the value by the parameters.
    agreement : float
        Mutual information of labels and intensities, nats.
    coverage : float
        Share of the points that lie in the head, 0 to 1.
    """

    value: float
    gradient: np.ndarray
    agreement: float
    coverage: float


class Objective:
    """How badly the atlas fits a scan, as a function of twelve parameters.

    Parameters
    ----------
    head : HeadImage
    points : AtlasPoints
    """

    def __init__(self, head: HeadImage, points: AtlasPoints) -> None:
        self._levels = head.image * (BINS - 1)
        self._depth = head.depth
        self._level_slopes = _differences(self._levels, head.spacing)
        self._depth_slopes = _differences(head.depth, head.spacing)
        self._sides = np.array(head.spacing)
        self._points = points

    def __call__(self, parameters: np.ndarray) -> Evaluation:
        """Evaluate the affine of the parameters, shape (12,).

        As an example of the chain of derivatives: a point that moves 1 mm to the right onto brighter tissue changes
        the agreement by what its label says of the brighter bin less what it says of the darker one, and a point that
        so comes out of the skin gains weight as well.
        """
        positions, labels = self._points.positions, self._points.labels
        matrix = affine_matrix(parameters)
        # einsum, because threads of a matrix library cost more than such a small product
        at = (np.einsum("ij,nj->in", matrix[:, :3], positions) + matrix[:, 3:]) / self._sides[:, None]
        level = np.clip(_interpolated(self._levels, at), 0, BINS - 1)
        weight, weight_slope = _weight(_interpolated(self._depth, at))
        nearest, parts, part_slopes = _spread_over_bins(level)

        joint, total = _joint_distribution(labels * weight[:, None], nearest, parts)
        information = np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0)))
        agreement = float((joint * information).sum())
        coverage = float(total / len(positions))

        # d(agreement * coverage) by position: through the intensity, and through the weight of the point.
        of_bins = np.stack([(labels * information[:, nearest + shift].T).sum(1) for shift in range(3)])
        by_level = (of_bins * part_slopes).sum(0) * weight
        by_position = by_level * _slopes_at(self._level_slopes, at)
        by_position += (of_bins * parts).sum(0) * weight_slope * _slopes_at(self._depth_slopes, at)
        by_position /= len(positions)
        by_matrix = np.column_stack([np.einsum("in,nj->ij", by_position, positions), by_position.sum(1)])
        prior, by_prior = _prior(parameters)
        gradient = by_prior - _by_parameters(parameters, by_matrix)
        return Evaluation(prior - agreement * coverage, gradient, agreement, coverage)


def affine_matrix(parameters: np.ndarray) -> np.ndarray:
    """The affine about the middle of the brain: rotations after shears after scales.

    Parameters
    ----------
    parameters : ndarray of shape (12,)
        Translations (mm), rotations (rad), log scales, shears.

    Returns
    -------
    ndarray of shape (3, 4)
        From mm about `mriseg.registration.atlas.CENTER` to mm in the scan.
    """
    (cx, cy, cz), (sx, sy, sz) = np.cos(parameters[3:6]), np.sin(parameters[3:6])
    pitch = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    roll = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    yaw = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    a, b, c = parameters[9:]
    shear = np.array([[1, a, b], [0, 1, c], [0, 0, 1]])
    return np.column_stack([pitch @ roll @ yaw @ shear @ np.diag(np.exp(parameters[6:9])), parameters[:3]])


def _differences(values: np.ndarray, spacing: tuple[float, ...]) -> list[np.ndarray]:
    """From each voxel to the next along each axis, for a mm."""
    return [np.diff(values, axis=axis, append=0) / np.float32(side) for axis, side in enumerate(spacing)]


def _interpolated(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values at voxel positions, shape (3, points); 0 beyond the image."""
    return scipy.ndimage.map_coordinates(values, at, order=1, mode="constant")


def _slopes_at(differences: list[np.ndarray], at: np.ndarray) -> np.ndarray:
    """Slope of the linear interpolation itself along each axis, shape (3, points)."""
    slope = np.empty_like(at)
    for axis, difference in enumerate(differences):
        cell = at.copy()
        cell[axis] = np.floor(at[axis])
        slope[axis] = _interpolated(difference, cell)
    return slope


def _weight(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of points by their depth in the head, 0 on its surface and 1 from the margin on, and its slope by mm."""
    ramp = np.clip(depth / HEAD_MARGIN_MM, 0, 1)
    return ramp**2 * (3 - 2 * ramp), 6 * ramp * (1 - ramp) / HEAD_MARGIN_MM


def _spread_over_bins(level: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest bin of each level, its share in that one and both neighbors (3, points), and the shares' slopes."""
    nearest = np.rint(level).astype(np.intp)
    off = level - nearest
    parts = np.stack([0.5 * (0.5 - off) ** 2, 0.75 - off**2, 0.5 * (0.5 + off) ** 2])
    return nearest, parts, np.stack([off - 0.5, -2 * off, off + 0.5])


def _joint_distribution(weighted: np.ndarray, nearest: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, float]:
    """Joint distribution of labels and bins, shape (labels, `BINS` + 2), and the weight of all points."""
    total = weighted.sum() + 1e-9
    joint = sum(
        np.stack([np.bincount(nearest + shift, w * part, BINS + 2) for w in weighted.T])
        for shift, part in enumerate(parts)
    )
    joint = joint / total + 1e-6
    joint /= joint.sum()
    return joint, total


def _by_parameters(parameters: np.ndarray, by_matrix: np.ndarray) -> np.ndarray:
    """Derivatives by the parameters from those by the affine's entries."""
    matrix = affine_matrix(parameters)
    gradient = np.empty(12)
    for index, unit in enumerate(UNIT):
        moved = parameters.copy()
        moved[index] += STEP * unit
        gradient[index] = ((affine_matrix(moved) - matrix) * by_matrix).sum() / (STEP * unit)
    return gradient


def _prior(parameters: np.ndarray) -> tuple[float, np.ndarray]:
    """What an unusual head costs, nats, and the derivatives by the parameters."""
    scale_deviation = parameters[6:9] - parameters[6:9].mean()
    cost = PRIOR_WEIGHT * 0.5 * ((parameters / PRIOR_SD) ** 2).sum()
    cost += SCALE_SPREAD_WEIGHT * 0.5 * (scale_deviation**2).mean() / SCALE_SPREAD**2
    slope = PRIOR_WEIGHT * parameters / PRIOR_SD**2
    slope[6:9] += SCALE_SPREAD_WEIGHT * scale_deviation / 3 / SCALE_SPREAD**2
    return cost, slope
