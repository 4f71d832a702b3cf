"""The brain in a single slice: a closed shortest path around its centre.

In polar coordinates about the centre of the head the outline of the brain is one radius for each angle. Each
radius has a cost: low where the signal drops from tissue to bone or air, high past the dark band of the skull
(crossed at most once) and high where bright tissue is cut off inside the head. The outline of least total cost,
smooth from angle to angle, comes from dynamic programming.

Two hypotheses are tried and the cheaper outline wins: the head is closed (axial slices) and its centre is the
centroid; or it goes on into the neck (sagittal and coronal slices) and the centre is that of the largest circle
that fits near its top.

References
----------
Timp, Karssemeijer: A new 2D segmentation method based on dynamic programming applied to computer aided
detection in mammography. Med Phys 31, 2004 (the closed path in polar coordinates).
"""

import numpy as np
import scipy
import skimage

from mriseg.errors import BrainNotFoundError
from mriseg.morphology import depth, dilate, erode, largest_component

WORKING_SIDE = 224  # pixels: the outline is searched at about 1 mm, whatever the picture's size
ANGLES = 180
PIXEL = (1.0, 1.0)
SPECK, HEAD_CLOSING, SKIN = 1.5, 10, 3.0  # pixels: letters and noise go, mouth and sinuses close, skin peels off

# Lengths below are fractions of R, the radius of the largest circle in the head, about 75 mm in an adult.
INSIDE, OUTSIDE = 0.06, 0.08  # where tissue is averaged inside the edge, and bone looked for outside it
SKULL_FROM = 0.45  # dark pixels nearer to the centre are ventricles, not skull
SCALP = 0.08  # an outline as near to the head's surface as this lies in the scalp
LEAST_RADIUS = 0.5
NECK_RADIUS, CLOSED_RADIUS, RADIUS_SPREAD = 1.15, 1.6, 0.3  # past these the outline has left the skull
JUMP = 5  # pixels that the radius may change from one angle to the next
OPENING = 0.05  # stalks thinner than twice this (optic nerves, veins) are cut

# Intensities are fractions of the median of the tissue near the centre.
DARK, BRIGHT = 0.35, 0.6
DROP_LIMIT = 0.6  # a drop beyond this is an edge for certain; more says no more

# Weights of the cost, in units of one certain edge.
DARK_WEIGHT = 0.08  # for each dark pixel crossed
CUT_WEIGHT = 0.02  # for each bright pixel of the head left outside
RADIUS_WEIGHT = 0.6
SCALP_WEIGHT = 2.0
NEVER = 3.0
JUMP_WEIGHT = 0.03  # for each pixel of change


def find_brain_in_picture(data: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Outline the brain in a slice of a whole head.

    Parameters
    ----------
    data : ndarray of float32, shape (rows, columns)
        Intensities, upright, air darker than tissue.
    spacing : tuple of float
        Sides of a pixel in mm, or any unit.

    Returns
    -------
    ndarray of bool, same shape

    Raises
    ------
    BrainNotFoundError
        If the picture shows no head.
    """
    image = shrink(data, spacing)
    low, high = np.percentile(image, [1, 99.5])
    if not high > low:
        raise BrainNotFoundError("The picture is of one gray. Choose the scan itself.")
    image = scipy.ndimage.gaussian_filter(np.clip((image - low) / (high - low), 0, 1), 0.7)
    level = skimage.filters.threshold_otsu(image)
    head = _head(image > 0.5 * level)
    inside_head = depth(head, PIXEL)
    widest = inside_head.max()
    if widest < 5:
        raise BrainNotFoundError("No head was found in this picture. Drop a slice that shows one.")

    rows, columns = np.nonzero(inside_head >= 0.9 * widest)
    top = rows.min()
    near_top = (int(top), int(columns[rows == top].mean()))
    centroid = tuple(round(c) for c in scipy.ndimage.center_of_mass(head))
    outlines = [
        _outline(image, inside_head, near_top, inside_head[near_top], NECK_RADIUS, level),
        _outline(image, inside_head, centroid, max(inside_head[centroid], 0.8 * widest), CLOSED_RADIUS, level),
    ]
    brain = min(outlines, key=lambda outline: outline[0])[1]
    return _resize(brain.astype(np.float32), data.shape) > 0.5


def without_frame(data: np.ndarray) -> tuple[tuple[slice, slice], bool]:
    """Where the picture inside a plain bright frame lies, and whether it is inverted (air bright).

    Parameters
    ----------
    data : ndarray of shape (rows, columns)
    """
    middle = (data.min() + data.max()) / 2
    corners = data[[0, 0, -1, -1], [0, -1, 0, -1]]
    inside = (slice(0, data.shape[0]), slice(0, data.shape[1]))
    if np.ptp(corners) == 0 and corners[0] > middle:
        rows = np.flatnonzero((data != corners[0]).any(1))
        columns = np.flatnonzero((data != corners[0]).any(0))
        if len(rows) > 1 and len(columns) > 1:
            inside = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    image = data[inside]
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return inside, bool(np.median(border) > middle)


def shrink(data: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Resample a slice to square pixels with `WORKING_SIDE` of them along its longer side."""
    extent = np.array(data.shape) * spacing
    shape = np.maximum(8, np.rint(extent * (WORKING_SIDE / extent.max())).astype(int))
    blur = [max(0.0, 0.5 * (n / m - 1)) for n, m in zip(data.shape, shape, strict=True)]
    return _resize(scipy.ndimage.gaussian_filter(data.astype(np.float32), blur), tuple(shape))


def _resize(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    factors = [m / n for n, m in zip(image.shape, shape, strict=True)]
    return scipy.ndimage.zoom(image, factors, order=1, mode="nearest", grid_mode=True)


def _head(foreground: np.ndarray) -> np.ndarray:
    """The head without its skin: what is not air, closed over mouth and sinuses, and filled."""
    margin = 2 * HEAD_CLOSING
    solid = erode(np.pad(foreground, margin), SPECK, PIXEL)
    closed = dilate(solid, HEAD_CLOSING, PIXEL)
    head = erode(largest_component(closed), HEAD_CLOSING - SPECK + SKIN, PIXEL)
    return scipy.ndimage.binary_fill_holes(head)[margin:-margin, margin:-margin]


def _outline(
    image: np.ndarray,
    inside_head: np.ndarray,
    centre: tuple[int, ...],
    radius: float,
    reach: float,
    level: float,
) -> tuple[float, np.ndarray]:
    """Mean cost of the best closed outline about a centre, and what it encloses."""
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    tissue = image[(distance < 0.6 * radius) & (image > 0.3 * level)]
    typical = float(np.median(tissue)) if tissue.size else float(level)

    radii = np.arange(int((reach + 0.5) * radius) + 10)
    turn = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    grid = [
        centre[0] + radii * np.sin(turn)[:, None],
        centre[1] + radii * np.cos(turn)[:, None],
    ]
    polar = scipy.ndimage.map_coordinates(image, grid, order=1, mode="constant")
    to_surface = scipy.ndimage.map_coordinates(inside_head, grid, order=1, mode="constant")

    cost = -np.minimum(_drop(polar, radius) / typical, DROP_LIMIT) / DROP_LIMIT
    dark = np.clip(1 - polar / (DARK * typical), 0, 1) * (radii > SKULL_FROM * radius)
    cost += DARK_WEIGHT * np.cumsum(dark, 1)
    cut = (polar > BRIGHT * typical) & (to_surface > 0.1 * radius)
    cost += CUT_WEIGHT * np.minimum(np.cumsum(cut[:, ::-1], 1)[:, ::-1], 0.3 * radius)
    cost += RADIUS_WEIGHT * np.clip((radii / radius - reach) / RADIUS_SPREAD, 0, 3) ** 2
    cost += SCALP_WEIGHT * np.clip(1 - to_surface / (SCALP * radius), 0, 1)
    cost[:, : int(LEAST_RADIUS * radius)] += NEVER

    path = _closed_path(cost)
    mean_cost = float(cost[np.arange(ANGLES), path].mean())
    smooth = scipy.ndimage.gaussian_filter1d(path.astype(float), 1, mode="wrap")
    angle = np.arctan2(rows - centre[0], columns - centre[1]) % (2 * np.pi)
    enclosed = distance <= np.interp(angle, np.append(turn, 2 * np.pi), np.append(smooth, smooth[0]))
    opened = dilate(erode(enclosed, OPENING * radius, PIXEL), OPENING * radius, PIXEL) & enclosed
    return mean_cost, largest_component(opened)


def _drop(polar: np.ndarray, radius: float) -> np.ndarray:
    """How far the signal falls from the mean just inside each radius to the least just outside it."""
    inside = max(2, round(INSIDE * radius))
    outside = max(3, round(OUTSIDE * radius))
    sums = np.cumsum(np.pad(polar, ((0, 0), (inside + 1, 0)), mode="edge"), 1)
    mean_inside = (sums[:, inside:] - sums[:, :-inside])[:, : polar.shape[1]] / inside
    least_outside = scipy.ndimage.minimum_filter1d(polar, outside, axis=1, origin=-(outside // 2), mode="nearest")
    return mean_inside - least_outside


def _closed_path(cost: np.ndarray) -> np.ndarray:
    """The radius at each angle of the cheapest path that ends where it began.

    Goes round twice and keeps the middle turn, whose ends have forgotten where the path started.
    """
    angles, radii = cost.shape
    steps = np.arange(-JUMP, JUMP + 1)
    penalty = JUMP_WEIGHT * np.abs(steps)
    total, came_from = cost[0], np.zeros((2 * angles, radii), np.intp)
    padded = np.full(radii + 2 * JUMP, np.inf)
    everywhere = np.arange(radii)
    for index in range(1, 2 * angles):
        padded[JUMP:-JUMP] = total
        reachable = np.lib.stride_tricks.sliding_window_view(padded, len(steps)) + penalty
        best = reachable.argmin(1)
        total = reachable[everywhere, best] + cost[index % angles]
        came_from[index] = everywhere + best - JUMP
    path = np.zeros(2 * angles, np.intp)
    path[-1] = total.argmin()
    for index in range(2 * angles - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    half = angles // 2
    return np.concatenate([path[angles : angles + half], path[half:angles]])
