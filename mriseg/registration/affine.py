"""Where the average brain lies in a scan of any contrast: an affine fit by mutual information.

Points of the atlas carry soft labels (white, gray, fluid, the skull and what is beyond it). A good affine makes the
labels tell much about the intensities under them, whatever these are, so T1, T2, PD and FLAIR need no telling
apart. Points that fall outside the head count against the fit: without this, mutual information would lay the brain
over the whole head, twice its size.

The score has many maxima, so the fit begins with a search by evolution over position, turn and size, on few points;
only then do gradients take it to the optimum.

References
----------
Wells, Viola, Atsumi, Nakajima, Kikinis: Multi-modal volume registration by maximization of mutual information.
Med Image Anal 1, 1996.
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (tissue maps as the moving image, priors on the affine).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy

from mriseg.core.errors import BrainNotFoundError
from mriseg.registration.atlas import ATLAS_MM, Atlas
from mriseg.registration.evolution import Effort, evolve
from mriseg.registration.mutual_information import mutual_information

WORKING_MM = 3.0  # the scan is averaged to about this side
BINS = 24
SKULL_MM, BEYOND_MM = 4.0, 9.0  # shells around the brain: bone, then marrow, muscle and scalp
HEAD_MARGIN_MM = 4.0  # a point nearer to the head's surface than this lies in skin or air
CENTER = np.array([0.0, -20.0, 8.0])  # MNI position, mm, about which the affine turns: the middle of the brain
LEAST_SECTION_MM2 = 1500.0  # a head's cross-section; less is hair, a headphone or noise
CENTER_BELOW_TOP = 75.0  # mm from the top of the head to CENTER
TRUNK_FROM, TRUNK_TO = 20.0, 130.0  # mm below the top: the part of the head that is centered on the brain
# Where the search starts: CENTER moved up and forward by mm, the head nodding by radians, log sizes.
START_UP, START_FORWARD = (-40.0, -20.0, 0.0, 25.0, 50.0), (-20.0, 0.0, 20.0)
START_PITCH, START_SIZE = (-0.4, 0.0, 0.4), (-0.12, 0.04)
SEARCH_POINTS, SEARCH_BLUR_MM, SEARCH_BINS = 1000, 3.0, 14
# Translations (mm), rotations (rad) and log size from one generation to the next.
SEARCH_SPREAD = np.array([10.0, 10.0, 12.0, 0.22, 0.08, 0.08, 0.09])
SEARCH_EFFORT = Effort(rounds=10, parents=24, least_parents=8, children=16, step=0.8, decay=0.8)
KEPT, APART = 3, 1.0  # of what the search found, how many are refined, and by how many SEARCH_SPREAD they differ
COARSE_POINTS, COARSE_BLUR_MM, COARSE_STEPS = 2500, 2.0, 25
FINE_POINTS, FINE_BLUR_MM, FINE_STEPS = 10_000, 1.5, 80
SEED = 0  # of the choice of points: the same scan gives the same affine

# Parameters: three translations (mm), rotations (rad: pitch, roll, yaw), log scales and shears. UNIT brings their
# effects to one size for the optimizer; PRIOR_SD is how far heads go from the average.
UNIT = np.repeat([10.0, 0.15, 0.1, 0.05], 3)
PRIOR_SD = np.array([np.inf, np.inf, np.inf, 0.35, 0.15, 0.15, 0.12, 0.12, 0.12, 0.05, 0.05, 0.05])
PRIOR_WEIGHT = 0.004  # nats for a deviation of one PRIOR_SD: decides only where the scan says little
SCALE_SPREAD, SCALE_SPREAD_WEIGHT = 0.06, 0.01  # heads grow in all directions alike, within 6 %
WITHOUT_SHEAR = np.arange(9)


@dataclass(frozen=True, eq=False)
class Registration:
    """Where the atlas lies in a scan.

    Attributes
    ----------
    affine : ndarray of shape (4, 4)
        From MNI mm to mm along the scan's canonical axes, counted from the center of the first voxel.
    agreement : float
        Mutual information of labels and intensities, nats: 0.3 to 0.6 on scans of heads.
    coverage : float
        Share of the atlas that lies in the field of view and in the head, 0 to 1.
    """

    affine: np.ndarray
    agreement: float
    coverage: float

    def warp(
        self, values: np.ndarray, atlas: Atlas, shape: tuple[int, ...], spacing: tuple[float, ...], first: np.ndarray
    ) -> np.ndarray:
        """Carry one of the atlas's maps to a grid of the scan.

        Parameters
        ----------
        values : ndarray
            A map of `atlas`, on its grid.
        atlas : Atlas
        shape, spacing : tuple
            Of the grid to fill, spacing in mm.
        first : ndarray of shape (3,)
            Position of the grid's first voxel, mm along the scan's canonical axes.

        Returns
        -------
        ndarray of float32
            Beyond the atlas its border goes on.
        """
        back = np.linalg.inv(self.affine)
        to_atlas = back[:3, :3] / ATLAS_MM
        start = (back[:3, :3] @ first + back[:3, 3] - atlas.origin) / ATLAS_MM
        # An affine of a grid is a sum of three lines: no list of positions is needed.
        lines = [np.arange(n, dtype=np.float32) * np.float32(s) for n, s in zip(shape, spacing, strict=True)]
        x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
        at = [
            np.float32(t[0]) * x + np.float32(t[1]) * y + np.float32(t[2]) * z + np.float32(o)
            for t, o in zip(to_atlas, start, strict=True)
        ]
        return scipy.ndimage.map_coordinates(values, at, np.float32, order=1, mode="nearest")


def register(image: np.ndarray, head: np.ndarray, spacing: tuple[float, ...], atlas: Atlas) -> Registration:
    """Fit the atlas to a scan.

    Parameters
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities in canonical axes, scaled to 0 for air and 1 for bright, at about `WORKING_MM`.
    head : ndarray of bool, same shape
        The head with everything in it.
    spacing : tuple of float
        Voxel sides in mm.
    atlas : Atlas

    Returns
    -------
    Registration

    Raises
    ------
    BrainNotFoundError
        If no slice of the head is as large as a head.
    """
    rng = np.random.default_rng(SEED)
    edge = np.pad(head, 1, mode="edge")  # where the field of view ends, the head does not
    inside, outside = (
        scipy.ndimage.distance_transform_edt(m, sampling=spacing)[1:-1, 1:-1, 1:-1] for m in (edge, ~edge)
    )
    into_head = (inside - outside).astype(np.float32)

    searched = _blurred(image, SEARCH_BLUR_MM, spacing), into_head, spacing, *_points(atlas, SEARCH_POINTS, rng)
    coarse = _objective(
        _blurred(image, COARSE_BLUR_MM, spacing), into_head, spacing, *_points(atlas, COARSE_POINTS, rng)
    )
    found = _search(*searched, _starts(head, spacing))
    fits = [_minimize(coarse, pose, WITHOUT_SHEAR, COARSE_STEPS) for pose in found]
    best = min(fits, key=lambda fit: coarse(fit)[0])
    fine = _objective(_blurred(image, FINE_BLUR_MM, spacing), into_head, spacing, *_points(atlas, FINE_POINTS, rng))
    best = _minimize(fine, best, np.arange(12), FINE_STEPS)
    _, _, agreement, coverage = fine(best)
    affine = np.eye(4)
    affine[:3] = _matrix(best)
    affine[:3, 3] -= affine[:3, :3] @ CENTER
    return Registration(affine, agreement, coverage)


def _blurred(image: np.ndarray, blur: float, spacing: tuple[float, ...]) -> np.ndarray:
    return scipy.ndimage.gaussian_filter(image, [blur / side for side in spacing])


def _points(atlas: Atlas, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions about `CENTER`, mm, and soft labels (points, 5) of random voxels in and around the brain."""
    near = np.argwhere(atlas.depth > -BEYOND_MM)
    at = tuple(near[np.sort(rng.choice(len(near), count, replace=False))].T)
    depth = atlas.depth[at]
    skull = (depth <= 0) & (depth > -SKULL_MM)
    labels = np.stack([atlas.white[at], atlas.gray[at], atlas.fluid[at], skull, depth <= -SKULL_MM], 1)
    return np.stack(at, 1) * ATLAS_MM + atlas.origin - CENTER, labels.astype(float)


def _starts(head: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Where the search begins, shape (starts, 7): CENTER below the top of the head, moved, nodding, sized."""
    large = np.flatnonzero(head.sum((0, 1)) * spacing[0] * spacing[1] > LEAST_SECTION_MM2)
    if not large.size:
        raise BrainNotFoundError("No head was found in this volume. Drop a scan of a whole head or of a brain.")
    below = (large[-1] - np.arange(head.shape[2])) * spacing[2]
    trunk = head[:, :, (below >= TRUNK_FROM) & (below <= TRUNK_TO)]
    trunk = trunk if trunk.any() else head
    across = scipy.ndimage.center_of_mass(trunk)[0] * spacing[0]
    along = np.flatnonzero(trunk.any((0, 2)))[[0, -1]].mean() * spacing[1]
    up = large[-1] * spacing[2] - CENTER_BELOW_TOP
    return np.array(
        [
            (across, along + y, up + z, pitch, 0, 0, size)
            for z, y, pitch, size in product(START_UP, START_FORWARD, START_PITCH, START_SIZE)
        ]
    )


def _search(
    image: np.ndarray,
    into_head: np.ndarray,
    spacing: tuple[float, ...],
    points: np.ndarray,
    labels: np.ndarray,
    starts: np.ndarray,
) -> list[np.ndarray]:
    """Parameters of the best rigid poses with one size, `KEPT` of them that differ."""
    level = np.clip(image * SEARCH_BINS, 0, SEARCH_BINS - 1).astype(np.int32).ravel()
    weight = np.clip(into_head / HEAD_MARGIN_MM, 0, 1).ravel()
    label = labels.argmax(1).astype(np.int32)
    kinds = labels.shape[1]
    x, y, z = points.T.astype(np.float32)

    def score(poses: np.ndarray) -> np.ndarray:
        """What `_objective` minimizes, with its sign changed and each point in its nearest voxel, bin and label."""
        parameters = _from_poses(poses)
        matrices = np.stack([_matrix(p) for p in parameters]) / np.array(spacing)[:, None]
        index = np.zeros((len(poses), len(points)), np.int32)
        inside = np.ones(index.shape, bool)
        for axis, length in enumerate(image.shape):
            by_x, by_y, by_z, offset = matrices[:, axis, :, None].astype(np.float32).swapaxes(0, 1)
            at = np.rint(by_x * x + by_y * y + by_z * z + offset).astype(np.int32)
            inside &= (at >= 0) & (at < length)
            index = index * length + np.clip(at, 0, length - 1)
        pairs = level[index] + (label + np.arange(len(poses), dtype=np.int32)[:, None] * kinds) * SEARCH_BINS
        joint = np.bincount(pairs.ravel(), (weight[index] * inside).ravel(), len(poses) * kinds * SEARCH_BINS)
        joint = joint.reshape(-1, kinds, SEARCH_BINS)
        total = joint.sum((1, 2))
        joint = joint / (total[:, None, None] + 1e-9) + 1e-4
        joint /= joint.sum((1, 2), keepdims=True)
        penalty = PRIOR_WEIGHT * 0.5 * ((parameters / PRIOR_SD) ** 2).sum(1)
        return mutual_information(joint) * total / len(points) - penalty

    found, _ = evolve(score, starts, SEARCH_SPREAD, SEARCH_EFFORT)
    kept: list[np.ndarray] = []
    for pose in found:
        if all((np.abs(pose - other) > APART * SEARCH_SPREAD).any() for other in kept):
            kept.append(pose)
        if len(kept) == KEPT:
            break
    return list(_from_poses(np.array(kept)))


def _from_poses(poses: np.ndarray) -> np.ndarray:
    """Parameters, shape (n, 12), of poses with one log size, shape (n, 7)."""
    return np.column_stack([poses[:, :6], np.repeat(poses[:, 6:], 3, 1), np.zeros((len(poses), 3))])


def _matrix(parameters: np.ndarray) -> np.ndarray:
    """The affine about `CENTER`, shape (3, 4): rotations after shears after scales."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(parameters[3:6]), np.sin(parameters[3:6])
    pitch = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    roll = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    yaw = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    a, b, c = parameters[9:]
    shear = np.array([[1, a, b], [0, 1, c], [0, 0, 1]])
    return np.column_stack([pitch @ roll @ yaw @ shear @ np.diag(np.exp(parameters[6:9])), parameters[:3]])


Objective = Callable[[np.ndarray], tuple[float, np.ndarray, float, float]]


def _minimize(objective: Objective, start: np.ndarray, free: np.ndarray, steps: int) -> np.ndarray:
    """The parameters that minimize the objective when only those in `free` move."""

    def of_free(units: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = start.copy()
        parameters[free] = units * UNIT[free]
        value, gradient, _, _ = objective(parameters)
        return value, gradient[free] * UNIT[free]

    fit = scipy.optimize.minimize(
        of_free, start[free] / UNIT[free], jac=True, method="L-BFGS-B", options={"maxiter": steps, "ftol": 1e-9}
    )
    parameters = start.copy()
    parameters[free] = fit.x * UNIT[free]
    return parameters


def _objective(
    image: np.ndarray, into_head: np.ndarray, spacing: tuple[float, ...], points: np.ndarray, labels: np.ndarray
) -> Objective:
    """What is minimized: value, gradient by the parameters, mutual information and coverage.

    Minus mutual information times the share of points in the head, plus the priors. Each point is spread over the
    three nearest bins and over its labels, so that the value is smooth and its gradient is exact.
    """
    levels = image * (BINS - 1)
    slopes = [np.diff(levels, axis=axis, append=0) / np.float32(side) for axis, side in enumerate(spacing)]
    head_slopes = [np.diff(into_head, axis=axis, append=0) / np.float32(side) for axis, side in enumerate(spacing)]
    sides = np.array(spacing)

    def look_up(values: np.ndarray, at: np.ndarray) -> np.ndarray:
        return scipy.ndimage.map_coordinates(values, at, order=1, mode="constant")

    def gradient_at(differences: list[np.ndarray], at: np.ndarray) -> np.ndarray:
        """Slope of the linear interpolation itself: with any other the line search stops short of the optimum."""
        slope = np.empty_like(at)
        for axis, difference in enumerate(differences):
            cell = at.copy()
            cell[axis] = np.floor(at[axis])
            slope[axis] = look_up(difference, cell)
        return slope

    def objective(parameters: np.ndarray) -> tuple[float, np.ndarray, float, float]:
        matrix = _matrix(parameters)
        # einsum, because threads of a matrix library cost more than such a small product
        at = (np.einsum("ij,nj->in", matrix[:, :3], points) + matrix[:, 3:]) / sides[:, None]
        level = np.clip(look_up(levels, at), 0, BINS - 1)
        into = look_up(into_head, at)
        way = np.clip(into / HEAD_MARGIN_MM, 0, 1)
        weight = way**2 * (3 - 2 * way)
        nearest = np.rint(level).astype(np.intp)
        off = level - nearest
        # Quadratic B-splines over the nearest bin and its neighbors, and their slopes.
        parts = np.stack([0.5 * (0.5 - off) ** 2, 0.75 - off**2, 0.5 * (0.5 + off) ** 2])
        part_slopes = np.stack([off - 0.5, -2 * off, off + 0.5])

        weighted = labels * weight[:, None]
        total = weighted.sum() + 1e-9
        joint = sum(
            np.stack([np.bincount(nearest + shift, w * part, BINS + 2) for w in weighted.T])
            for shift, part in enumerate(parts)
        )
        joint = joint / total + 1e-6
        joint /= joint.sum()
        information = np.log(joint / (joint.sum(1, keepdims=True) * joint.sum(0)))
        agreement = float((joint * information).sum())
        coverage = float(total / len(points))

        each = np.stack([(labels * information[:, nearest + shift].T).sum(1) for shift in range(3)])
        at_point = (each * parts).sum(0)
        by_level = (each * part_slopes).sum(0) * weight
        entering = 6 * way * (1 - way) / HEAD_MARGIN_MM
        # d(agreement * coverage) by position: through the intensity, and through the weight of the point.
        by_position = by_level * gradient_at(slopes, at)
        by_position += at_point * entering * gradient_at(head_slopes, at)
        by_position /= len(points)
        by_matrix = np.column_stack([np.einsum("in,nj->ij", by_position, points), by_position.sum(1)])

        gradient = np.empty(12)
        for index, unit in enumerate(UNIT):
            moved = parameters.copy()
            moved[index] += 1e-5 * unit
            gradient[index] = ((_matrix(moved) - matrix) * by_matrix).sum() / (1e-5 * unit)
        scale_deviation = parameters[6:9] - parameters[6:9].mean()
        prior = PRIOR_WEIGHT * 0.5 * ((parameters / PRIOR_SD) ** 2).sum()
        prior += SCALE_SPREAD_WEIGHT * 0.5 * (scale_deviation**2).mean() / SCALE_SPREAD**2
        by_prior = PRIOR_WEIGHT * parameters / PRIOR_SD**2
        by_prior[6:9] += SCALE_SPREAD_WEIGHT * scale_deviation / 3 / SCALE_SPREAD**2
        return prior - agreement * coverage, by_prior - gradient, agreement, coverage

    return objective
