"""Where in the average brain a single slice lies: plane, position, tilt and size, for any contrast.

Nothing is known of a picture but that the head is upright: not its plane, not the size of its pixels. What is known
is roughly which pixels are brain. Cuts through the average brain in all three planes are laid over that region, and
those are kept and improved whose zones (tissues, the skull, what is beyond it) tell most about the picture: the
mutual information of zones with intensities, those within the region told apart from those outside it or not.

References
----------
Wells, Viola, Atsumi, Nakajima, Kikinis: Multi-modal volume registration by maximization of mutual information.
Med Image Anal 1, 1996.
Ferrante, Paragios: Slice-to-volume medical image registration: a survey. Med Image Anal 39, 2017.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

from mriseg.image.morphology import dilate
from mriseg.registration.atlas import ATLAS_MM, CENTER, atlas
from mriseg.registration.evolution import Effort, evolve
from mriseg.registration.mutual_information import mutual_information

PIXEL = (1.0, 1.0)
# Zones around the brain, by distance from its surface: fluid to the inner skull, bone, marrow and scalp, the rest.
INNER_SKULL_MM, OUTER_SKULL_MM, SCALP_MM = 4.0, 9.0, 14.0
FLUID, BONE, SCALP, BEYOND, ZONES = 2, 3, 4, 5, 6  # 0 and 1 are white and gray matter

# Cuts that the search starts from: through CENTER and in parallel, in mm; the head nods by radians.
PITCHES = (-0.35, 0.0, 0.35)
AXIAL = np.arange(-52, 61, 12.5)
CORONAL = np.arange(-60, 71, 13.0)
SAGITTAL = (0.0, 12.0, 25.0, 38.0, 52.0)  # to the right; the left is its mirror image
CUT_MM = 4.0  # side of the pixels that a cut is measured by
LEAST_CUT_MM2 = 1500.0  # of brain in a cut; less cannot be found again in a picture

# A pose moves a cut by: shift along columns and rows and out of the plane, turn in the plane (rad), log size, log
# stretch, and two tilts (rad). Shifts count in R, the radius of a circle as large as the brain in the picture.
START_POSES = np.array(
    [
        (0, 0, 0, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0.15, 0, 0, 0),
        (0, 0, 0, 0.2, 0, 0, 0, 0),
        (0, 0, 0, -0.2, 0, 0, 0, 0),
        (0.2, 0, 0, 0, 0.1, 0, 0, 0),
        (-0.2, 0, 0, 0, 0.1, 0, 0, 0),
        (0, 0.2, 0, 0, 0.1, 0, 0, 0),
        (0, -0.2, 0, 0, 0.1, 0, 0, 0),
    ]
)
POSE_SD = np.array([0.2, 0.2, 0.12, 0.25, 0.15, 0.06, 0.1, 0.1])  # how far poses go from the cuts
PRIOR_WEIGHT = 0.005  # nats for a deviation of one POSE_SD: decides only where the picture says little

# Of the agreement with the region that is probably brain against that with the intensities alone: the region may lack
# what bone sets apart, as the tips of the temporal lobes; without it a face may be taken for a brain.
REGION_WEIGHT = 0.6
POINTS = 800  # of the picture that are compared
LEVELS = 8
AIR_MARGIN, SKIN = 0.15, 0.05  # of R: air that is compared, around the head; what counts as air within it
EFFORT = Effort(rounds=8, parents=13, least_parents=5, children=16, step=0.6, decay=0.8)


@dataclass(frozen=True)
class SliceLevel:
    """Where a slice is cut, and how large its pixels are.

    Attributes
    ----------
    axis : int
        Of the average brain, across the slice: 0 of a sagittal one, 1 of a coronal one, 2 of an axial one.
    level_mm : float
        Of the middle of the brain along that axis, mm of the average brain: to the right, the front or the top.
    pixel_mm : float
        Side of a pixel along the rows in mm, if the head has the size of the average.
    """

    axis: int
    level_mm: float
    pixel_mm: float


@dataclass(frozen=True, eq=False)
class SlicePose:
    """Where a slice lies in the average brain.

    Attributes
    ----------
    affine : ndarray of shape (3, 3)
        Takes (row, column, 1) of the picture to an MNI position in mm.
    agreement : float
        Mutual information of zones and picture, nats, less what an unlikely pose costs: 0.5 to 1 on slices of heads.
    """

    affine: np.ndarray
    agreement: float

    @property
    def pixel_mm(self) -> float:
        """Side of a pixel in mm, if the head has the size of the average."""
        return float(np.sqrt(np.linalg.norm(self.affine[:, 0]) * np.linalg.norm(self.affine[:, 1])))

    def level(self, brain: np.ndarray, pixels_of_one: float = 1.0) -> SliceLevel:
        """Where the slice is cut.

        Parameters
        ----------
        brain : ndarray of bool, shape (rows, columns)
            In the picture that the pose is of, not empty.
        pixels_of_one : float
            How many pixels of the picture that was given are one of these along a row.

        Returns
        -------
        SliceLevel

        Examples
        --------
        A cut 20 mm above the origin whose rows run backwards:

        >>> pose = SlicePose(np.array([[0.0, 1.0, -32.0], [-1.0, 0.0, 32.0], [0.0, 0.0, 20.0]]), agreement=0.7)
        >>> pose.level(np.ones((64, 64), bool))
        SliceLevel(axis=2, level_mm=20.0, pixel_mm=1.0)
        """
        axis = int(np.abs(np.cross(self.affine[:, 0], self.affine[:, 1])).argmax())
        level_mm = float(self.affine[axis] @ [*np.argwhere(brain).mean(0), 1.0])
        return SliceLevel(axis, level_mm, self.pixel_mm / pixels_of_one)

    def warp(self, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Cut one of the atlas's maps to the pixels of the picture.

        Parameters
        ----------
        values : ndarray
            A map of the atlas, on its grid.
        shape : tuple of int
            Rows and columns of the picture.

        Returns
        -------
        ndarray of float32
            Beyond the atlas its border goes on.
        """
        return _cut_out(values, self.affine, shape)


def register_slice(image: np.ndarray, to_surface: np.ndarray, brain: np.ndarray) -> SlicePose:
    """Find the cut through the average brain that a slice shows.

    Parameters
    ----------
    image : ndarray of float32, shape (rows, columns)
        Intensities of an upright head on square pixels.
    to_surface : ndarray of float32, same shape
        Distance to the surface of the head in pixels, 0 outside.
    brain : ndarray of bool, same shape
        Most of the brain, not empty; parts that bone sets apart may be missing.

    Returns
    -------
    SlicePose
    """
    center, radius = np.argwhere(brain).mean(0), float(np.sqrt(brain.sum() / np.pi))
    points, symbols = _samples(image, to_surface, brain, radius)
    by_radius, agreement = _search((points - center) / radius, symbols)
    affine = by_radius / [radius, radius, 1]
    affine[:, 2] -= affine[:, :2] @ center
    return SlicePose(affine, agreement)


def _search(points: np.ndarray, symbols: np.ndarray) -> tuple[np.ndarray, float]:
    """The affine of the best cut and pose, and its agreement."""
    cuts = _cuts()
    numbers = np.repeat(np.arange(len(cuts)), len(START_POSES))[:, None]
    starts = np.column_stack([numbers, np.tile(START_POSES, (len(cuts), 1))])

    def affines(numbered: np.ndarray) -> np.ndarray:
        return _moved_cuts(cuts[numbered[:, 0].astype(int)], numbered[:, 1:])

    def score(numbered: np.ndarray) -> np.ndarray:
        return _agreement(affines(numbered), points, symbols) - _penalty(numbered[:, 1:])

    vectors, scores = evolve(score, starts, np.append(0.0, POSE_SD), EFFORT)
    return affines(vectors[:1])[0], float(scores[0])


@cache
def _zones() -> np.ndarray:
    """Number of the zone at each voxel of the atlas."""
    average = atlas()
    zones = np.stack([average.white, average.gray, average.fluid]).argmax(0)
    for zone, nearest in ((FLUID, 0.0), (BONE, INNER_SKULL_MM), (SCALP, OUTER_SKULL_MM), (BEYOND, SCALP_MM)):
        zones[average.depth <= -nearest] = zone
    return zones.astype(np.uint8)


@cache
def _cuts() -> np.ndarray:
    """Affines of the cuts, shape (cuts, 3, 3): steps down and across by the radius of the brain in it, its center."""
    right = np.array([1.0, 0.0, 0.0])
    cuts = []
    for pitch in PITCHES:
        forward, up = np.array([0, np.cos(pitch), np.sin(pitch)]), np.array([0, -np.sin(pitch), np.cos(pitch)])
        planes = [(offset * up, -forward, right) for offset in AXIAL]
        planes += [(offset * forward, -up, right) for offset in CORONAL]
        planes += [(offset * right, -up, nose * forward) for offset in SAGITTAL for nose in (1, -1)]
        cuts += [_fitted(CENTER + offset, down, across) for offset, down, across in planes]
    return np.array([cut for cut in cuts if cut is not None])


def _fitted(origin: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray | None:
    """The cut about the centroid of the brain in it; None where there is hardly any."""
    side = np.arange(-110, 111, CUT_MM)
    affine = np.column_stack([down * CUT_MM, across * CUT_MM, origin + side[0] * (down + across)])
    brain = _cut_out(atlas().depth, affine, (len(side), len(side))) > -INNER_SKULL_MM
    area = brain.sum() * CUT_MM**2
    if area < LEAST_CUT_MM2:
        return None
    row, column = side[0] + CUT_MM * np.argwhere(brain).mean(0)
    radius = np.sqrt(area / np.pi)
    return np.column_stack([down * radius, across * radius, origin + row * down + column * across])


def _cut_out(values: np.ndarray, affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A map of the atlas where the affine puts the pixels of a picture."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    to_voxels = (affine - np.outer(atlas().origin, [0, 0, 1])) / ATLAS_MM
    at = [np.float32(r) * rows + np.float32(c) * columns + np.float32(o) for r, c, o in to_voxels]
    return scipy.ndimage.map_coordinates(values, at, np.float32, order=1, mode="nearest")


def _samples(
    image: np.ndarray, to_surface: np.ndarray, brain: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions on a lattice over the head and the air about it, and a symbol of what the picture shows there.

    Symbols are levels of intensity, each holding as many points, and one for air; twice, outside and in the brain.
    """
    near = dilate(to_surface > 0, AIR_MARGIN * radius, PIXEL)
    step = max(1, int(np.sqrt(near.sum() / POINTS)))
    points = np.argwhere(near[::step, ::step]) * step
    at = tuple(points.T)
    values = scipy.ndimage.uniform_filter(image, step)[at]
    in_head = to_surface[at] > SKIN * radius
    borders = np.quantile(values[in_head], np.arange(1, LEVELS) / LEVELS)
    symbols = np.where(in_head, 1 + np.searchsorted(borders, values), 0)
    return points, (symbols + (LEVELS + 1) * brain[at]).astype(np.int32)


def _moved_cuts(cuts: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Affines of cuts moved by poses, both of the same number."""
    down, across, origin = np.moveaxis(cuts, 2, 0)
    normal = np.cross(across, down) / np.linalg.norm(across, axis=1, keepdims=True)
    column_shift, row_shift, out, turn, size, stretch, column_tilt, row_tilt = poses.T[:, :, None]
    moved_across = np.exp(-size - stretch) * (np.cos(turn) * across + np.sin(turn) * down + column_tilt * normal)
    moved_down = np.exp(-size + stretch) * (np.cos(turn) * down - np.sin(turn) * across + row_tilt * normal)
    moved_origin = origin - column_shift * moved_across - row_shift * moved_down + out * normal
    return np.stack([moved_down, moved_across, moved_origin], 2)


def _penalty(poses: np.ndarray) -> np.ndarray:
    return PRIOR_WEIGHT * 0.5 * ((poses / POSE_SD) ** 2).sum(1)


def _agreement(affines: np.ndarray, points: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Mutual information, nats, of the symbols of the points with the zones where each affine puts them."""
    zones = _zones()
    to_voxels = affines / ATLAS_MM
    to_voxels[:, :, 2] -= atlas().origin / ATLAS_MM
    to_voxels = to_voxels.astype(np.float32)
    row, column = points.T.astype(np.float32)
    index = np.zeros((len(affines), len(points)), np.int32)
    for axis, length in enumerate(zones.shape):
        by_row, by_column, offset = (to_voxels[:, axis, part, None] for part in range(3))
        at = by_row * row + by_column * column + offset
        index = index * length + np.clip(at + 0.5, 0, length - 1).astype(np.int32)
    count = 2 * (LEVELS + 1)
    pairs = zones.ravel()[index].astype(np.int32) * count + symbols
    pairs += (np.arange(len(affines), dtype=np.int32) * (ZONES * count))[:, None]
    joint = np.bincount(pairs.ravel(), minlength=len(affines) * ZONES * count).reshape(-1, ZONES, count) + 1e-3
    joint /= joint.sum((1, 2), keepdims=True)
    without_region = joint.reshape(-1, ZONES, 2, LEVELS + 1).sum(2)
    return REGION_WEIGHT * mutual_information(joint) + (1 - REGION_WEIGHT) * mutual_information(without_region)
