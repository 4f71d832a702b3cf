"""The atlas laid over a head that does not lie as its header says, or has not the size of an adult's.

Headers are written wrongly more often than heads lie on their side: a matrix is copied from another file, or set aside
when an array is saved. An upright search then ends in a false optimum, for a brain's outline is much the same from
behind. So where the upright fit is poor or far from upright, all 24 ways to turn the axes are glanced at, and some
other sizes: a newborn's head is two thirds as long as an adult's, and voxel sizes can be wrong, too. The likeliest is
fitted as any other head, in a copy of the image whose axes are exchanged and flipped, in voxels of other sides.
A mirror image cannot be told from a head, which is nearly symmetric.
"""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np

from mriseg.core.errors import BrainNotFoundError
from mriseg.image.orientation import turn_degrees
from mriseg.registration.affine import (
    SEARCH_BLUR_MM,
    SEARCH_POINTS,
    SEED,
    Registration,
    draw_points,
    head_image,
    register,
    search,
    starts,
)
from mriseg.registration.atlas import Atlas
from mriseg.registration.evolution import Effort
from mriseg.registration.objective import HeadImage

# Of an upright fit: with less it is sure. False fits of turned heads agreed well only with 41 degrees and more.
UPRIGHT_DEGREES = 25.0
# What the head is enlarged by: an infant's, a newborn's, and one in voxels that the header calls half as large again.
ENLARGEMENTS = (1.25, 1.55, 0.7)
# The right orientation leads on heads and brains in all contrasts by a third, after 0.7 s for all of them.
GLANCE = Effort(rounds=4, parents=12, least_parents=8, children=8, step=0.8, decay=0.8)
# Agreement times coverage of another fit, over that of the upright one, from which on it is believed.
CLEARLY_BETTER = 1.2


@dataclass(frozen=True, eq=False)
class Frame:
    """Other axes to see a volume in, and another size.

    Attributes
    ----------
    rotation : ndarray of shape (3, 3)
        From axes of the volume to those of the frame, entries 0, 1 and -1.
    enlargement : float
        What the sides of the voxels are multiplied by.
    """

    rotation: np.ndarray
    enlargement: float = 1.0

    def view(self, values: np.ndarray) -> np.ndarray:
        """A view of an image with the frame's axes; nothing is copied.

        Parameters
        ----------
        values : ndarray of shape (i, j, k)

        Returns
        -------
        ndarray
        """
        flips = tuple(slice(None, None, int(step)) for step in self.rotation.sum(1))
        return values.transpose(np.abs(self.rotation).argmax(1))[flips]

    def sides(self, spacing: tuple[float, ...]) -> tuple[float, ...]:
        """Sides of a voxel along the frame's axes, enlarged.

        Parameters
        ----------
        spacing : tuple of float
            Along the volume's axes, mm.

        Returns
        -------
        tuple of float
        """
        return tuple(self.enlargement * spacing[axis] for axis in np.abs(self.rotation).argmax(1))

    def back(self, shape: tuple[int, ...], spacing: tuple[float, ...]) -> np.ndarray:
        """From mm in the frame to mm in the volume, both counted from the center of the first voxel.

        Parameters
        ----------
        shape, spacing : tuple
            Of the volume.

        Returns
        -------
        ndarray of shape (4, 4)
        """
        affine = np.eye(4)
        affine[:3, :3] = self.rotation.T / self.enlargement
        affine[:3, 3] = (np.array(shape) - 1) * spacing * (self.rotation.sum(0) < 0)
        return affine


def _rotations() -> list[np.ndarray]:
    """The 24 ways to turn axes into each other, the first of which leaves them."""
    matrices = [
        np.diag(signs)[:, list(order)] for order in permutations(range(3)) for signs in product((1.0, -1.0), repeat=3)
    ]
    return [matrix for matrix in matrices if np.linalg.det(matrix) > 0]


# The first is the volume as it is.
FRAMES = (*(Frame(rotation) for rotation in _rotations()), *(Frame(np.eye(3), factor) for factor in ENLARGEMENTS))


def register_any_orientation(
    image: np.ndarray, head: np.ndarray, spacing: tuple[float, ...], atlas: Atlas, *, good_agreement: float
) -> Registration:
    """Fit the atlas to a scan, upright or, where that fits badly, turned or of another size.

    Parameters
    ----------
    image : ndarray of float32, shape (i, j, k)
        Intensities in the axes that the header calls canonical, as `mriseg.registration.affine.register` takes them.
    head : ndarray of bool, same shape
        The head with everything in it.
    spacing : tuple of float
        Voxel sides in mm.
    atlas : Atlas
    good_agreement : float
        Of atlas and scan, nats, from which on an upright fit is not doubted.

    Returns
    -------
    Registration
        In the axes of `image`. That of `register` to the bit, unless another is clearly better.

    Raises
    ------
    BrainNotFoundError
        If no slice of the head is as large as a head.
    """
    upright = register(image, head, spacing, atlas)
    if upright.agreement >= good_agreement and turn_degrees(upright.affine) <= UPRIGHT_DEGREES:
        return upright
    frame = _likeliest_frame(image, head, spacing, atlas)
    if frame is FRAMES[0]:
        return upright
    seen_image, seen_head = (np.ascontiguousarray(frame.view(array)) for array in (image, head))
    other = register(seen_image, seen_head, frame.sides(spacing), atlas)
    # At another size a knee agrees better, too (0.2 nats): that alone proves no head.
    if frame.enlargement != 1 and other.agreement < good_agreement:
        return upright
    if other.agreement * other.coverage < CLEARLY_BETTER * upright.agreement * upright.coverage:
        return upright
    return Registration(frame.back(image.shape, spacing) @ other.affine, other.agreement, other.coverage)


def _likeliest_frame(image: np.ndarray, head: np.ndarray, spacing: tuple[float, ...], atlas: Atlas) -> Frame:
    """In which of `FRAMES` the head is upright and of an adult's size, by a short search in each."""
    scan = head_image(image, head, spacing).blurred(SEARCH_BLUR_MM)
    points = draw_points(atlas, SEARCH_POINTS, np.random.default_rng(SEED))
    best, best_score = FRAMES[0], -np.inf
    for frame in FRAMES:
        sides = frame.sides(spacing)
        try:
            begin = starts(frame.view(head), sides)
        except BrainNotFoundError:  # seen this way, no slice is as large as a head
            continue
        depth = frame.view(scan.depth) * np.float32(frame.enlargement)
        score = search(HeadImage(frame.view(scan.image), depth, sides), points, begin, GLANCE).score
        if score > best_score:
            best, best_score = frame, score
    return best
