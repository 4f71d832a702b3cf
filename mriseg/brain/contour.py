"""The outline of the brain in a slice: the closed path of least cost, about any of many centers.

In polar coordinates about a point in the brain its outline is one radius for each angle. Each radius has a cost: low
where the signal falls from tissue to bone or air, high past the dark band of the skull (it may be crossed once) and
high where tissue of the head is left outside. The outline of least total cost, smooth from angle to angle, comes
from dynamic programming. Where the brain lies in the picture is not known (a slice may show a face below it, in front
of it or none), so points all over the head are tried.

References
----------
Timp, Karssemeijer: A new 2D segmentation method based on dynamic programming applied to computer aided
detection in mammography. Med Phys 31, 2004 (the closed path in polar coordinates).
"""

from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw
import scipy

# Lengths below are fractions of R, the radius of the largest circle in the head, about 75 mm in an adult.
CENTER_STEP = 0.4  # between the points that are tried
CENTER_DEPTH = 0.35  # of a point below the head's surface, at least
RADII = 0.03125 * (np.arange(56) + 0.5)  # up to 1.75: half the length of a head, seen from its middle
LEAST_RADIUS = 0.3
NEAR_CENTER = 0.5  # where the brightness of tissue is taken
SKULL_FROM = 0.2  # dark pixels nearer to the center are ventricles, not skull
SCALP = 0.05  # an outline as near to the head's surface as this lies in the scalp
SURFACE = 0.1  # tissue as near to the head's surface as this is left outside rightly
LEFT_OUTSIDE = 0.3  # tissue left outside beyond this much (a face) says no more
STEPS_INSIDE, STEPS_OUTSIDE = 2, 3  # of RADII, 5 and 7 mm: where tissue is averaged, and bone looked for
RECENTERED = 6  # of the best outlines are searched again about their own centers
TURNS = np.arange(72) * (2 * np.pi / 72)
JUMP = 3  # of RADII from one angle to the next, at most

LEAST_TISSUE = 0.25  # of the brightness of the image: less is fluid, bone or air
# Intensities are fractions of the median of the tissue about the center.
DARK, BRIGHT = 0.35, 0.6
SATURATED = 0.8  # gray matter; that fluid on T2 is brighter still makes no better edge of it
CERTAIN_DROP = 0.6  # to bone or air

# Weights of the cost, in units of one certain edge.
DARK_WEIGHT = 7.5  # for R of dark pixels crossed
LEFT_WEIGHT = 2.25  # for R of bright pixels of the head left outside
SCALP_WEIGHT = 2.0
NEVER = 3.0
JUMP_WEIGHT = 0.1  # for each of RADII

RIVAL = 0.15  # what another outline may cost more
SAME = 0.85  # Dice of outlines of the same thing


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed outline of the brain in a slice.

    Attributes
    ----------
    inside : ndarray of bool
        What it encloses.
    cost : float
        Mean over its angles: -1 where every angle has a certain edge and nothing speaks against it.
    """

    inside: np.ndarray
    cost: float


def brain_outlines(image: np.ndarray, to_surface: np.ndarray) -> list[Outline]:
    """The cheapest closed outline in a head and, where another costs about as much, that one too.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Intensities on square pixels without large shading, 0 for air and about 1 for tissue.
    to_surface : ndarray of float32, same shape
        Distance to the surface of the head in pixels, 0 outside.

    Returns
    -------
    list of Outline
        One or two, the cheapest first.
    """
    unit = float(to_surface.max())
    costs, centers, radii = _outlines(image, to_surface, _centers(to_surface, unit), unit)
    best = np.argsort(costs, kind="stable")[:RECENTERED]
    again = _outlines(image, to_surface, centers[best] + _centroids(radii[best]), unit)
    costs, centers, radii = (np.concatenate(pair) for pair in zip((costs, centers, radii), again, strict=True))
    order = np.argsort(costs, kind="stable")
    winner = Outline(_enclosed(image.shape, centers[order[0]], radii[order[0]]), float(costs[order[0]]))
    for index in order[1:]:
        if costs[index] > winner.cost + RIVAL:
            break
        inside = _enclosed(image.shape, centers[index], radii[index])
        if 2 * (inside & winner.inside).sum() < SAME * (inside.sum() + winner.inside.sum()):
            return [winner, Outline(inside, float(costs[index]))]
    return [winner]


def _centers(to_surface: np.ndarray, unit: float) -> np.ndarray:
    """A lattice of points deep in the head, about the middle of its widest part, and the deepest point."""
    middle = np.argwhere(to_surface > 0.9 * unit).mean(0)
    reach = int(np.ceil(max(to_surface.shape) / (CENTER_STEP * unit)))
    steps = np.arange(-reach, reach + 1) * (CENTER_STEP * unit)
    lattice = np.stack(np.meshgrid(middle[0] + steps, middle[1] + steps, indexing="ij"), -1).reshape(-1, 2)
    nearest = np.rint(lattice).astype(int)
    within = ((nearest >= 0) & (nearest < to_surface.shape)).all(1)
    lattice, nearest = lattice[within], nearest[within]
    deep = lattice[to_surface[tuple(nearest.T)] > CENTER_DEPTH * unit]
    return np.vstack([deep, np.unravel_index(to_surface.argmax(), to_surface.shape)])


def _outlines(
    image: np.ndarray, to_surface: np.ndarray, centers: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean cost of the best outline about each center, the centers, and the radius at each angle in pixels."""
    reach = RADII * unit
    rows = centers[:, 0, None, None] + np.sin(TURNS)[:, None] * reach
    columns = centers[:, 1, None, None] + np.cos(TURNS)[:, None] * reach
    # Beyond the picture is air: a border of zeros, which all that lies outside is clipped to.
    at = tuple(
        np.clip(np.rint(where), -1, length).astype(np.intp) + 1
        for where, length in zip((rows, columns), image.shape, strict=True)
    )
    polar, below = np.pad(image, 1)[at], np.pad(to_surface, 1)[at]
    near = polar[:, :, RADII < NEAR_CENTER].reshape(len(centers), -1)
    typical = np.array([np.median(v[v > LEAST_TISSUE]) if (v > LEAST_TISSUE).any() else 1 for v in near])
    cost = _cost(polar / typical.astype(np.float32)[:, None, None], below / np.float32(unit))
    path = _closed_paths(cost)
    return np.take_along_axis(cost, path[..., None], 2).mean((1, 2)), centers, reach[path]


def _cost(level: np.ndarray, below_surface: np.ndarray) -> np.ndarray:
    """What an outline at each (center, angle, radius) costs."""
    step = RADII[1] - RADII[0]
    seen = np.minimum(level, SATURATED)
    sums = np.cumsum(np.pad(seen, ((0, 0), (0, 0), (STEPS_INSIDE + 1, 0)), mode="edge"), 2)
    inside = (sums[..., STEPS_INSIDE:] - sums[..., :-STEPS_INSIDE])[..., : len(RADII)] / STEPS_INSIDE
    outside = scipy.ndimage.minimum_filter1d(seen, STEPS_OUTSIDE, axis=2, origin=-1, mode="nearest")
    cost = -np.minimum(inside - outside, CERTAIN_DROP) / CERTAIN_DROP
    dark = np.clip(1 - level / DARK, 0, 1) * (RADII > SKULL_FROM)
    cost += DARK_WEIGHT * step * np.cumsum(dark, 2)
    left = (level > BRIGHT) & (below_surface > SURFACE)
    cost += LEFT_WEIGHT * np.minimum(step * np.cumsum(left[..., ::-1], 2)[..., ::-1], LEFT_OUTSIDE)
    cost += SCALP_WEIGHT * np.clip(1 - below_surface / SCALP, 0, 1)
    cost[..., RADII < LEAST_RADIUS] += NEVER
    return cost.astype(np.float32)


def _closed_paths(cost: np.ndarray) -> np.ndarray:
    """For each center the index of the radius at each angle along the cheapest path that ends where it began.

    Goes round twice and keeps the middle turn, whose ends have forgotten where the path started.
    """
    centers, angles, radii = cost.shape
    penalty = (JUMP_WEIGHT * np.abs(np.arange(-JUMP, JUMP + 1))).astype(np.float32)
    total, came_from = cost[:, 0], np.zeros((2 * angles, centers, radii), np.int8)
    padded = np.full((centers, radii + 2 * JUMP), np.inf, np.float32)
    before = np.lib.stride_tricks.sliding_window_view(padded, 2 * JUMP + 1, axis=1)
    for index in range(1, 2 * angles):
        padded[:, JUMP:-JUMP] = total
        reachable = before + penalty
        best = reachable.argmin(2)
        total = np.take_along_axis(reachable, best[..., None], 2)[..., 0] + cost[:, index % angles]
        came_from[index] = best - JUMP
    each = np.arange(centers)
    path = np.zeros((2 * angles, centers), np.intp)
    path[-1] = total.argmin(1)
    for index in range(2 * angles - 1, 0, -1):
        path[index - 1] = path[index] + came_from[index, each, path[index]]
    half = angles // 2
    return np.concatenate([path[angles : angles + half], path[half:angles]]).T


def _centroids(radii: np.ndarray) -> np.ndarray:
    """Center of mass of each star-shaped region, from its own center: rows and columns in pixels."""
    sectors = 2 / 3 * radii**3 / (radii**2).sum(1, keepdims=True)
    return np.stack([(sectors * np.sin(TURNS)).sum(1), (sectors * np.cos(TURNS)).sum(1)], 1)


def _enclosed(shape: tuple[int, ...], center: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """The pixels within a radius that depends on the angle."""
    smooth = scipy.ndimage.gaussian_filter1d(radii, 1, mode="wrap")
    corners = center + smooth[:, None] * np.stack([np.sin(TURNS), np.cos(TURNS)], 1)
    canvas = PIL.Image.new("L", (shape[1], shape[0]))  # fills forty times as fast as scikit-image
    PIL.ImageDraw.Draw(canvas).polygon([(column, row) for row, column in corners], fill=1)
    return np.asarray(canvas).astype(bool)
