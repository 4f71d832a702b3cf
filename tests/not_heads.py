"""What people drop that is no MR image of a head: bottles, fruit, knees, noise, a CT. Volumes at 2 mm."""

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
