"""What lies around the brain of a simulated slice: membranes, skull, muscle and scalp, layer on layer."""

import numpy as np
import scipy

from mriseg.datasets.slice_brain import Brain, SlicePlane, ramp

CENTER = (0.0, -14.0)  # mm: the skull is seen from there, by direction
DEGREES = 360
BRIDGED_DEGREES, ROUND_DEGREES = 7, 6.0  # clefts of the brain that the skull bridges, and over how much it is round
TEMPLES, TEMPLE_WIDTH = 1.12, 0.55  # direction from the front and width, radian: muscle over a thin skull
FOREHEAD_WIDTH, OCCIPUT_WIDTH = 0.35, 0.45  # radian, where the skull is thick
EDGE_MM = 0.6  # over which one layer becomes the next
SINUS_MM, SINUS_BULGE_MM, SINUS_SLOPE = 6.5, 0.9, 0.55  # of the great vein behind the brain: into the cleft, the bone
SINUS_BEHIND = -60.0  # mm to the front


def distance_to_cranium(plane: SlicePlane, brain: Brain) -> np.ndarray:
    """Distance to the inner surface of the skull, which the brain's own outline gives, mm.

    Parameters
    ----------
    plane : SlicePlane
    brain : Brain

    Returns
    -------
    ndarray of float32, shape (x, y)
        Negative inside.
    """
    x, y = plane.grid
    radius, direction = np.hypot(x - CENTER[0], y - CENTER[1]), _direction(plane)
    degree = (direction + np.pi) / (2 * np.pi) * DEGREES
    bins = degree.astype(int) % DEGREES
    reach = scipy.ndimage.maximum(np.where(brain.mask, radius, 0), bins, np.arange(DEGREES))
    reach = scipy.ndimage.maximum_filter1d(reach, BRIDGED_DEGREES, mode="wrap")
    reach = scipy.ndimage.gaussian_filter1d(reach, ROUND_DEGREES, mode="wrap")
    # How far it turns away from a circle shortens the way to it.
    steepness = np.gradient(np.pad(reach, 2, "wrap"))[2:-2] / np.deg2rad(360 / DEGREES) / reach
    at = [degree - 0.5]
    reach, steepness = (scipy.ndimage.map_coordinates(a, at, order=1, mode="grid-wrap") for a in (reach, steepness))
    fluid = np.clip(0.5 + 0.5 * plane.noise(30.0) + 0.35 * plane.noise(12.0), 0.2, 1.8)  # mm over the brain
    return ((radius - reach) / np.hypot(1, steepness) - fluid).astype(np.float32)


def layers(plane: SlicePlane, outside: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of what lies around the brain.

    Parameters
    ----------
    plane : SlicePlane
    outside : ndarray
        `distance_to_cranium`.

    Returns
    -------
    dict of str to ndarray
        By matter, from the inside to the outside; they sum to 1 with what the skull holds, and to 0 in air.
    """
    direction = np.abs(_direction(plane))  # 0 in front, pi behind
    temple = np.exp(-(((direction - TEMPLES) / TEMPLE_WIDTH) ** 2))
    forehead = np.exp(-((direction / FOREHEAD_WIDTH) ** 2))
    occiput = np.exp(-(((direction - np.pi) / OCCIPUT_WIDTH) ** 2))
    noise = plane.noise
    marrow = 2.8 + 0.7 * noise(35.0) + 0.3 * noise(14.0) + 2.2 * occiput + 1.5 * forehead - 2.8 * temple
    thickness = (  # mm
        ("dura", np.float32(0.7)),
        ("bone", 2.2 + 0.3 * noise(25.0)),
        ("marrow", np.clip(marrow, 0, 9)),
        ("bone", 1.7 + 0.3 * noise(22.0)),
        ("muscle", np.clip(7.5 * temple * (1 + 0.15 * noise(20.0)) - 1, 0, 12)),
        ("fat", np.clip(2.8 + 0.8 * noise(40.0) + 0.3 * noise(14.0) + 1.6 * occiput, 1.6, 9)),
        ("skin", np.float32(2.0)),
    )
    shares: dict[str, np.ndarray] = {}
    below = np.zeros_like(outside)
    for name, thick in thickness:
        above = below + thick
        shares[name] = shares.get(name, 0) + edge(outside - below) - edge(outside - above)
        below = above
    return shares


def sinus(plane: SlicePlane, brain: Brain, outside: np.ndarray) -> np.ndarray:
    """Share of the great vein that runs along the skull behind the brain: a triangle between the hemispheres.

    Parameters
    ----------
    plane : SlicePlane
    brain : Brain
    outside : ndarray
        `distance_to_cranium`.

    Returns
    -------
    ndarray, shape (x, y)
    """
    sides = SINUS_SLOPE * (outside + SINUS_MM) - np.abs(brain.across)
    return edge(SINUS_BULGE_MM - outside) * edge(sides) * (brain.along < SINUS_BEHIND)


def falx(plane: SlicePlane, brain: Brain) -> np.ndarray:
    """Share of the membrane between the hemispheres, in the fluid there.

    Parameters
    ----------
    plane : SlicePlane
    brain : Brain

    Returns
    -------
    ndarray, shape (x, y)
    """
    sheet = np.exp(-(((brain.across + 0.6 * plane.noise(40.0)) / 0.55) ** 2))
    return 0.8 * sheet * brain.fluid * ((brain.along > 34) | (brain.along < -62))


def vessels(plane: SlicePlane, brain: Brain) -> np.ndarray:
    """Share of arteries and veins, which run through the fluid and are cut across.

    Parameters
    ----------
    plane : SlicePlane
    brain : Brain

    Returns
    -------
    ndarray, shape (x, y)
    """
    x, y = plane.grid
    beside, along, room = np.abs(brain.across), brain.along, plane.blurred(brain.fluid, 1.2)
    lateral = (beside > 22) & (beside < 58) & (along > -35) & (along < 32) & (brain.depth > 3) & (room > 0.45)
    frontal = (beside < 2.5) & (along > 28) & (along < 52) & (brain.fluid > 0.5)
    cortical = (beside > 8) & (brain.depth < 6) & (room > 0.25)
    share = np.zeros_like(room)
    for where, count, radius, fill in ((lateral, 9, 0.9, 1.0), (frontal, 3, 1.0, 1.0), (cortical, 14, 0.6, 0.75)):
        places = np.argwhere(where)
        if not len(places):
            continue
        for i, j in places[plane.rng.integers(0, len(places), count)]:
            size, filled = radius * plane.rng.uniform(0.75, 1.3), fill * plane.rng.uniform(0.5, 1.0)
            share = np.maximum(share, filled * np.exp(-((x - plane.x[i]) ** 2 + (y - plane.y[j]) ** 2) / size**2))
    for side in (-1.6, 1.7):  # the internal cerebral veins, mm to the right
        share = np.maximum(share, 0.75 * np.exp(-((brain.across - side) ** 2) - (along + 36) ** 2))
    return share * (brain.fluid > 0.15)


def plexus(plane: SlicePlane, brain: Brain) -> np.ndarray:
    """Share of the plexus of vessels that lies in the ventricles.

    Parameters
    ----------
    plane : SlicePlane
    brain : Brain

    Returns
    -------
    ndarray, shape (x, y)
    """
    ventricle = plane.blurred(brain.fluid, 1.5) * (brain.depth > 22) * (np.abs(brain.across) > 10)
    near = np.exp(-(((brain.along + 38) / 9) ** 2))
    return 0.8 * ramp(0.55, 0.95, ventricle) * near * ramp(-0.15, 0.25, plane.noise(4.0))


def _direction(plane: SlicePlane) -> np.ndarray:
    """Of each point from the middle of the head, in radian: 0 in front, growing to the right."""
    x, y = plane.grid
    return np.arctan2(x - CENTER[0], y - CENTER[1])


def edge(inward: np.ndarray) -> np.ndarray:
    """A smooth border.

    Parameters
    ----------
    inward : ndarray
        Distance from it, mm; negative outside.

    Returns
    -------
    ndarray of float32
        1 within, 0 outside.
    """
    return scipy.special.expit(2 / EDGE_MM * inward).astype(np.float32)
