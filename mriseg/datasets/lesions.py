"""Lesions of known place, size and matter for heads made for tests: what a segmentation must set apart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy

from mriseg.datasets.phantom import EDEMA, GM, WM, Phantom

ROUGHNESS = 0.3  # of the surface: by this share of the mean radius it moves in and out, in one standard deviation
ROUGH_SCALE = 0.35  # of the mean radius: how fine the surface is
FARTHEST = 4  # mean radii from the middle: where half of the place is not allowed, a shape grows the other way
MIDDLE_SHARE = 0.4  # of a lesion's volume that is its middle, where that is of other matter
MM3_PER_ML = 1000


def add_lesion(
    phantom: Phantom,
    center: Sequence[float],
    ml: float,
    matter: int = EDEMA,
    middle: int | None = None,
    seed: int = 0,
) -> Phantom:
    """Put a lesion with an irregular surface into the gray and white matter of a head.

    Nothing is displaced: the tissue that was there is lost, and the fluid between is left.

    Parameters
    ----------
    phantom : Phantom
    center : sequence of 3 floats
        Where it lies, MNI mm.
    ml : float
        Its volume, within half a voxel.
    matter : int
        Of `mriseg.datasets.phantom.MATTER`: what it is of, `EDEMA`, `CYST` or `ENHANCED`.
    middle : int, optional
        Of what its inner two fifths are, for a ring.
    seed : int
        Of its shape.

    Returns
    -------
    Phantom
        Whose truth has the label 7 in the lesion.

    Examples
    --------
    A ring that takes up contrast agent around a cyst:

    >>> from mriseg.datasets.phantom import CYST, ENHANCED, make_phantom
    >>> head = make_phantom(spacing=4.0)
    >>> patient = add_lesion(head, (-30, 0, 30), 20.0, ENHANCED, middle=CYST)
    >>> float((patient.truth == 7).sum() * 4**3 / 1000)
    19.968
    """
    spacing = np.sqrt((phantom.affine[:3, :3] ** 2).sum(0))
    voxels = round(ml * MM3_PER_ML / spacing.prod())
    at = np.linalg.solve(phantom.affine, [*center, 1.0])[:3]
    depth = irregular_shape(np.isin(phantom.matter, (GM, WM)), at, voxels, spacing=spacing, seed=seed)
    changed = phantom.matter.copy()
    changed[depth > 0] = matter
    if middle is not None:
        changed[depth > 1 - MIDDLE_SHARE] = middle
    return replace(phantom, matter=changed)


def irregular_shape(
    allowed: np.ndarray, center: np.ndarray, voxels: int, *, spacing: np.ndarray, seed: int
) -> np.ndarray:
    """A compact shape with an irregular surface.

    Parameters
    ----------
    allowed : ndarray of bool
        Where it may lie.
    center : ndarray
        Index of its middle, which need not be allowed.
    voxels : int
        How many it takes.
    spacing : ndarray
        Sides of a voxel, mm.
    seed : int
        Equal seeds give equal shapes.

    Returns
    -------
    ndarray of float32, shape of `allowed`
        0 outside the shape, inside from above 0 at the surface to 1 in the middle: the share of the shape's voxels that
        lie farther out.
    """
    radius = (3 * voxels * spacing.prod() / (4 * np.pi)) ** (1 / 3)
    reach = (FARTHEST * radius / spacing + 2).astype(int)
    box = tuple(slice(max(0, int(c) - n), int(c) + n + 2) for c, n in zip(center, reach, strict=True))
    near = allowed[box]
    axes = [
        side * (np.arange(n) + part.start - c)
        for side, n, part, c in zip(spacing, near.shape, box, center, strict=True)
    ]
    distance = np.sqrt(sum(offset**2 for offset in np.meshgrid(*axes, indexing="ij", sparse=True)))
    noise = np.random.default_rng(seed).standard_normal(near.shape, np.float32)
    rough = scipy.ndimage.gaussian_filter(noise, ROUGH_SCALE * radius / spacing)[near]
    order = np.argsort(distance[near] + ROUGHNESS * radius * rough / rough.std(), kind="stable")[:voxels]
    values = np.zeros(len(rough), np.float32)
    values[order] = 1 - np.arange(len(order)) / np.float32(len(order))
    depth = np.zeros(allowed.shape, np.float32)
    depth[box][near] = values
    return depth
