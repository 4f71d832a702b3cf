"""Where the average brain lies in a scan of any contrast: an affine fit by mutual information.

Points of the atlas carry soft labels (white, gray, fluid, the skull and what is beyond it). A good affine makes the
labels tell much about the intensities under them, whatever these are, so T1, T2, PD and FLAIR need no telling
apart. See `mriseg.registration.objective`.

The score has many maxima, so the fit begins with a search by evolution over position, turn and size, on few points;
only then do gradients take it to the optimum.

References
----------
Wells, Viola, Atsumi, Nakajima, Kikinis: Multi-modal volume registration by maximization of mutual information.
Med Image Anal 1, 1996.
Ashburner, Friston: Unified segmentation. NeuroImage 26, 2005 (tissue maps as the moving image, priors on the affine).
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import scipy

from mriseg.core.checkpoints import checkpoint
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.remedies import TAKE_AS_IT_IS
from mriseg.image.morphology import PART_VOXELS, distance_to_background
from mriseg.image.resampling import Grid
from mriseg.registration.atlas import ATLAS_MM, CENTER, Atlas
from mriseg.registration.evolution import Effort, evolve
from mriseg.registration.mutual_information import mutual_information
from mriseg.registration.objective import (
    HEAD_MARGIN_MM,
    PRIOR_SD,
    PRIOR_WEIGHT,
    UNIT,
    AtlasPoints,
    HeadImage,
    Objective,
    affine_matrix,
)

WORKING_MM = 3.0  # the scan is averaged to about this side
SKULL_MM, BEYOND_MM = 4.0, 9.0  # shells around the brain: bone, then marrow, muscle and scalp
LEAST_SECTION_MM2 = 1500.0  # a head's cross-section; less is hair, a headphone or noise
CENTER_BELOW_TOP = 75.0  # mm from the top of the head to CENTER
TRUNK_FROM, TRUNK_TO = 20.0, 130.0  # mm below the top: the part of the head that is centered on the brain
# Where the search starts: CENTER moved up and forward by mm, the head nodding by radians, log sizes.
START_UP, START_FORWARD = (-40.0, -20.0, 0.0, 25.0, 50.0), (-20.0, 0.0, 20.0)
START_PITCH, START_SIZE = (-0.4, 0.0, 0.4), (-0.12, 0.04)
SEARCH_POINTS, SEARCH_BLUR_MM, SEARCH_BINS = 1000, 3.0, 14
# Translations (mm), rotations (rad) and log size from one generation to the next.
SEARCH_SPREAD = np.array([10.0, 10.0, 12.0, 0.22, 0.08, 0.08, 0.09])
EFFORT = Effort(rounds=10, parents=24, least_parents=8, children=16, step=0.8, decay=0.8)
REFINED, APART = 3, 1.0  # of the poses searched, how many are refined, and by how many SEARCH_SPREAD they differ
COARSE_POINTS, COARSE_BLUR_MM, COARSE_STEPS = 2500, 2.0, 25
FINE_POINTS, FINE_BLUR_MM, FINE_STEPS = 10_000, 1.5, 80
SEED = 0  # of the choice of points: the same scan gives the same affine

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

    def from_first_voxel(self, first: np.ndarray) -> "Registration":
        """The same to the whole of a scan, of which this is a registration to a part.

        Parameters
        ----------
        first : ndarray of shape (3,)
            Position of the part's first voxel, mm from the center of the scan's.

        Returns
        -------
        Registration
        """
        shift = np.eye(4)
        shift[:3, 3] = first
        return replace(self, affine=shift @ self.affine)

    def warp(self, values: np.ndarray, atlas: Atlas, grid: Grid) -> np.ndarray:
        """Carry one of the atlas's maps to a grid of the scan.

        Parameters
        ----------
        values : ndarray
            A map of `atlas`, on its grid.
        atlas : Atlas
        grid : Grid
            To be filled.

        Returns
        -------
        ndarray of float32, shape of the grid
            Beyond the atlas its border goes on.
        """
        back = np.linalg.inv(self.affine)
        to_atlas = back[:3, :3] / ATLAS_MM
        start = (back[:3, :3] @ grid.first_voxel_mm + back[:3, 3] - atlas.origin) / ATLAS_MM
        # An affine of a grid is a sum of three lines: no list of positions is needed.
        lines = [np.arange(n, dtype=np.float32) * np.float32(s) for n, s in zip(grid.shape, grid.spacing, strict=True)]
        x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
        carried = np.empty(grid.shape, np.float32)
        step = max(1, PART_VOXELS // carried[0].size)
        for first in range(0, len(carried), step):
            part = slice(first, first + step)
            at = [
                np.float32(t[0]) * x[part] + np.float32(t[1]) * y + np.float32(t[2]) * z + np.float32(o)
                for t, o in zip(to_atlas, start, strict=True)
            ]
            scipy.ndimage.map_coordinates(values, at, carried[part], order=1, mode="nearest")
        return carried


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
    scan = head_image(image, head, spacing)
    search_points, coarse_points, fine_points = (
        draw_points(atlas, count, rng) for count in (SEARCH_POINTS, COARSE_POINTS, FINE_POINTS)
    )
    poses = search(scan.blurred(SEARCH_BLUR_MM), search_points, starts(head, spacing), EFFORT).poses
    coarse = Objective(scan.blurred(COARSE_BLUR_MM), coarse_points)
    fits = [_minimize(coarse, pose, free=WITHOUT_SHEAR, steps=COARSE_STEPS) for pose in poses]
    best = min(fits, key=lambda fit: coarse(fit).value)
    fine = Objective(scan.blurred(FINE_BLUR_MM), fine_points)
    best = _minimize(fine, best, free=np.arange(12), steps=FINE_STEPS)
    fit = fine(best)
    affine = np.eye(4)
    affine[:3] = affine_matrix(best)
    affine[:3, 3] -= affine[:3, :3] @ CENTER
    return Registration(affine, fit.agreement, fit.coverage)


def head_image(image: np.ndarray, head: np.ndarray, spacing: tuple[float, ...]) -> HeadImage:
    """A scan as the atlas is laid over it.

    Parameters
    ----------
    image, head, spacing
        As `register` takes them.

    Returns
    -------
    HeadImage
    """
    # Where the field of view ends, the head does not.
    inside, outside = (distance_to_background(m, spacing, at_border="edge") for m in (head, ~head))
    return HeadImage(image, (inside - outside).astype(np.float32), spacing)


def draw_points(atlas: Atlas, count: int, rng: np.random.Generator) -> AtlasPoints:
    """Random voxels in and around the brain with five labels: white, gray, fluid, bone, what is beyond it.

    Parameters
    ----------
    atlas : Atlas
    count : int
        How many.
    rng : numpy.random.Generator
        That draws them.

    Returns
    -------
    AtlasPoints
    """
    near = np.argwhere(atlas.depth > -BEYOND_MM)
    at = tuple(near[np.sort(rng.choice(len(near), count, replace=False))].T)
    depth = atlas.depth[at]
    skull = (depth <= 0) & (depth > -SKULL_MM)
    labels = np.stack([atlas.white[at], atlas.gray[at], atlas.fluid[at], skull, depth <= -SKULL_MM], 1)
    return AtlasPoints(np.stack(at, 1) * ATLAS_MM + atlas.origin - CENTER, labels.astype(float))


def starts(head: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Where the search begins: CENTER below the top of the head, moved, nodding, sized.

    Parameters
    ----------
    head : ndarray of bool, shape (i, j, k)
        The head with everything in it, its top at the end of the last axis.
    spacing : tuple of float
        Voxel sides, mm.

    Returns
    -------
    ndarray of shape (starts, 7)
        Translations (mm), rotations (rad) and log size of each.

    Raises
    ------
    BrainNotFoundError
        If no slice of the head is as large as a head.
    """
    large = np.flatnonzero(head.sum((0, 1)) * spacing[0] * spacing[1] > LEAST_SECTION_MM2)
    if not large.size:
        raise BrainNotFoundError(
            "No head was found in this volume. Drop a scan of a whole head or of a brain.", TAKE_AS_IT_IS
        )
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


@dataclass(frozen=True, eq=False)
class Search:
    """What a search ends with.

    Attributes
    ----------
    poses : list of ndarray of shape (12,)
        Parameters of the best rigid poses with one size, the best first: `REFINED` of them that differ.
    score : float
        Of the best, nats: agreement times coverage, less the priors.
    """

    poses: list[np.ndarray]
    score: float


def search(scan: HeadImage, points: AtlasPoints, starts: np.ndarray, effort: Effort) -> Search:
    """Look for the best rigid poses with one size, each point in its nearest voxel.

    Parameters
    ----------
    scan : HeadImage
        Blurred by `SEARCH_BLUR_MM`.
    points : AtlasPoints
    starts : ndarray of shape (starts, 7)
        Where to begin, as from `starts`.
    effort : Effort

    Returns
    -------
    Search
    """
    shape, spacing = scan.image.shape, np.array(scan.spacing)
    level = np.clip(scan.image * SEARCH_BINS, 0, SEARCH_BINS - 1).astype(np.int32).ravel()
    weight = np.clip(scan.depth / HEAD_MARGIN_MM, 0, 1).ravel()
    label = points.labels.argmax(1).astype(np.int32)
    count, kinds = points.labels.shape
    x, y, z = points.positions.T.astype(np.float32)

    def score(poses: np.ndarray) -> np.ndarray:
        """What `Objective` minimizes, with its sign changed and each point in its nearest voxel, bin and label."""
        checkpoint()
        parameters = _from_poses(poses)
        matrices = np.stack([affine_matrix(p) for p in parameters]) / spacing[:, None]
        index = np.zeros((len(poses), count), np.int32)
        inside = np.ones(index.shape, bool)
        for axis, length in enumerate(shape):
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
        return mutual_information(joint) * total / count - penalty

    poses, scores = evolve(score, starts, SEARCH_SPREAD, effort)
    distinct: list[np.ndarray] = []
    for pose in poses:
        if all((np.abs(pose - other) > APART * SEARCH_SPREAD).any() for other in distinct):
            distinct.append(pose)
        if len(distinct) == REFINED:
            break
    return Search(list(_from_poses(np.array(distinct))), float(scores[0]))


def _from_poses(poses: np.ndarray) -> np.ndarray:
    """Parameters, shape (n, 12), of poses with one log size, shape (n, 7)."""
    return np.column_stack([poses[:, :6], np.repeat(poses[:, 6:], 3, 1), np.zeros((len(poses), 3))])


def _minimize(objective: Objective, start: np.ndarray, *, free: np.ndarray, steps: int) -> np.ndarray:
    """The parameters that minimize the objective when only those in `free` move."""

    def of_free(units: np.ndarray) -> tuple[float, np.ndarray]:
        checkpoint()
        parameters = start.copy()
        parameters[free] = units * UNIT[free]
        at = objective(parameters)
        return at.value, at.gradient[free] * UNIT[free]

    fit = scipy.optimize.minimize(
        of_free, start[free] / UNIT[free], jac=True, method="L-BFGS-B", options={"maxiter": steps, "ftol": 1e-9}
    )
    parameters = start.copy()
    parameters[free] = fit.x * UNIT[free]
    return parameters
