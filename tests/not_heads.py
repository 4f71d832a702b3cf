"""What people drop that is no MR image of a head: bottles, fruit, knees, phantoms of gel, noise, a CT.

Volumes at 2 mm; phantoms also as they are scanned for the stability of functional series, at 3.3 mm.
"""

from collections.abc import Callable

import numpy as np
import scipy

from mriseg.datasets.phantom import AIR, Phantom

SHAPE = (96, 112, 96)
NOISE = 4.0


def _positions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.meshgrid(*[(np.arange(n) - n / 2) * 2.0 for n in SHAPE], indexing="ij", sparse=True))


def _scanned(mean: np.ndarray, seed: int = 0) -> np.ndarray:
    """With the Rician noise of a magnitude image."""
    rng = np.random.default_rng(seed)
    real = mean + NOISE * rng.standard_normal(SHAPE)
    return np.hypot(real, NOISE * rng.standard_normal(SHAPE)).astype(np.float32)


def bottle() -> np.ndarray:
    x, y, z = _positions()
    return _scanned(100.0 * (np.hypot(x, y) < 70) * (np.abs(z) < 85))


def citrus(seed: int = 0) -> np.ndarray:
    """A rind, ten segments and a core; the seed is that of the noise."""
    x, y, z = _positions()
    radius = np.sqrt((x / 75) ** 2 + (y / 90) ** 2 + (z / 70) ** 2)
    segments = 100 + 20 * np.sign(np.sin(10 * np.arctan2(y, x)))
    mean = np.select([radius < 0.2, radius < 0.9, radius < 0.93, radius < 1], [150, segments, 100, 60], 0)
    return _scanned(mean.astype(float), seed)


def melon() -> np.ndarray:
    x, y, z = _positions()
    radius = np.sqrt((x / 75) ** 2 + (y / 90) ** 2 + (z / 70) ** 2)
    pulp = 70 + 15 * _texture()
    return _scanned(np.select([radius < 0.25, radius < 0.9, radius < 1], [20, pulp, 90], 0))


def knee() -> np.ndarray:
    """Fat, muscle, two bones with marrow and a joint between them, the kneecap."""
    x, y, z = _positions()
    mean = np.where(np.hypot(x / 60, y / 65) < 1, 110.0, 0) + 0 * z
    mean[np.broadcast_to(np.hypot(x / 52, y / 57) < 1, SHAPE)] = 60
    bone = np.broadcast_to(np.hypot(x / 34, (y + 8) / 30) < 1, SHAPE)
    mean[bone] = 15
    mean[np.broadcast_to(np.hypot(x / 31, (y + 8) / 27) < 1, SHAPE)] = 105
    mean[bone & (np.abs(z) < 5)] = 45
    mean[(x / 20) ** 2 + ((y - 45) / 10) ** 2 + (z / 22) ** 2 < 1] = 100
    return _scanned(mean)


def noise() -> np.ndarray:
    return np.abs(100 * np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)


def clouds() -> np.ndarray:
    texture = _texture()
    return (30 * (texture - texture.min())).astype(np.float32)


def _texture() -> np.ndarray:
    texture = scipy.ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(SHAPE), 4)
    return texture / texture.std()


OTHERS: dict[str, Callable[[], np.ndarray]] = {f.__name__: f for f in (bottle, citrus, melon, knee, noise, clouds)}


def computed_tomography(phantom: Phantom) -> np.ndarray:
    """The phantom in Hounsfield units: air at -1000, soft tissue about 40, a skull at 1000 around the brain."""
    data = np.where(phantom.matter == AIR, -1000.0, 60.0)
    data[phantom.truth > 0] = 30
    away = 2.0 * scipy.ndimage.distance_transform_edt(phantom.truth == 0)
    data[(away > 0) & (away < 7) & (phantom.matter != AIR)] = 1000
    return (data + np.random.default_rng(0).normal(0, 10, data.shape)).astype(np.float32)


Spacing = tuple[float, float, float]
FINE, STABILITY = ((96, 112, 96), (2.0, 2.0, 2.0)), ((64, 64, 25), (3.28, 3.28, 3.3))


def _gel(shape: tuple[int, ...], spacing: Spacing, within: Callable[..., np.ndarray]) -> tuple[np.ndarray, Spacing]:
    """The intensities that a function has of the positions in mm from the middle, in Rician noise."""
    axes = [(np.arange(n) - (n - 1) / 2) * side for n, side in zip(shape, spacing, strict=True)]
    mean = within(*np.meshgrid(*axes, indexing="ij", sparse=True))
    rng = np.random.default_rng(len(within.__name__))
    real, imaginary = (15 * rng.standard_normal(shape) for _ in range(2))
    return np.hypot(mean + real, imaginary).astype(np.float32), spacing


def _ball(shading: float) -> Callable[..., np.ndarray]:
    """A ball of 8.5 cm; dielectric shading makes its middle brighter (above 0) or its rim."""

    def ball(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        square = (x**2 + y**2 + z**2) / 85**2
        return np.where(square < 1, 1000 * (1 + shading * (0.5 - square)), 0)

    return ball


def _cylinder(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    square = (x**2 + y**2) / 75**2 + 0 * z
    return np.where((square < 1) & (np.abs(z) < 70), 1000 * (1.2 - 0.5 * square) * (1 + 0.004 * z), 0)


def _box(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.where((np.abs(x) < 65) & (np.abs(y) < 80) & (np.abs(z) < 60), 700 * (1 + 0.004 * y), 0)


def _tubes(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Eight tubes of different signal in a round tank."""
    mean = np.where((np.hypot(x, y) < 80) & (np.abs(z) < 70), 500.0, 0)
    for k in range(8):
        inside = np.hypot(x - 50 * np.cos(k * np.pi / 4), y - 50 * np.sin(k * np.pi / 4)) < 14
        mean = np.where(inside & (np.abs(z) < 60), 100.0 + 120 * k, mean)
    return mean


def _accreditation(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Of the kind of the ACR: a tank with a grid, a wedge and rods in it."""
    mean = np.where((np.hypot(x, y) < 85) & (np.abs(z) < 72), 900.0, 0)
    on_line = (np.abs((x + 60) % 15 - 7.5) < 2) | (np.abs((y + 60) % 15 - 7.5) < 2)
    mean = np.where(on_line & (np.abs(x) < 55) & (np.abs(y) < 55) & (np.abs(z) < 9), 60, mean)
    mean = np.where((np.abs(x) < 40) & (np.abs(y) < 8) & (z > 40), 60, mean)
    for k in range(10):
        rod = np.hypot(x - 40 * np.cos(0.63 * k), y - 40 * np.sin(0.63 * k)) < 5
        mean = np.where(rod & (z < -15) & (z > -60), 150, mean)
    return mean


# What the average brain may fit by its outline, for it is round and bright; with the sides of a voxel in mm.
NO_ANATOMY: dict[str, Callable[[], tuple[np.ndarray, Spacing]]] = {
    "ball, middle bright, 3.3 mm": lambda: _gel(*STABILITY, _ball(0.6)),
    "ball, rim bright, 3.3 mm": lambda: _gel(*STABILITY, _ball(-0.6)),
    "ball, middle bright": lambda: _gel(*FINE, _ball(0.8)),
    "ball, rim bright": lambda: _gel(*FINE, _ball(-0.8)),
    "ball": lambda: _gel(*FINE, _ball(0.0)),
    "cylinder": lambda: _gel(*FINE, _cylinder),
    "box": lambda: _gel(*FINE, _box),
    "tubes": lambda: _gel(*FINE, _tubes),
    "accreditation": lambda: _gel(*FINE, _accreditation),
}
