"""Which of the tissues is brighter in a slice, by the average brain: nothing is assumed but where each lies.

The cut through the average brain that the slice shows is found from the brain's shape and from whatever its intensities
share with the zones, in any contrast. The level of each tissue then is the robust regression of the intensities on its
expected shares: blurred as the average brain is, their order is that of gray matter, white matter and fluid.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from mriseg.image.morphology import dilate, distance_to_background
from mriseg.registration.atlas import atlas
from mriseg.registration.slice import register_slice

PIXEL = (1.0, 1.0)
# A brain without its head gets air around it, as a head has: fractions of the radius of a circle as large.
MARGIN, SHELL = 0.3, 0.25
LIMIT = 6.0  # spreads of the bulk: farther off says no more
BLUR = 1.0  # pixels of the grid: the pose is not certain
DEEP = 0.5  # rank of the depth from which fluid is that of ventricles, and gray matter deep
RIDGE = 3.0  # pixels that stand for a level of 0: decides only where hardly anything of a tissue is expected
ROBUST, ROUNDS = 1.0, 2  # spreads from which a residual counts less, and how often that is asked
LEAST_PIXELS = 16  # of a zone whose median is asked


@dataclass(frozen=True)
class TissueLevels:
    """Levels of the tissues in spreads of the brain's bulk, from its level.

    Attributes
    ----------
    ventricles, sulci, deep_gray, cortex, white : float
        By regression.
    fluid_median, gray_median, white_median : float
        Of the pixels where each tissue is the likeliest; 0 where there are none.
    agreement : float
        Of the pose, see `mriseg.registration.slice.SlicePose`.
    explained : float
        Share of the variance, 0 to 1.
    """

    ventricles: float
    sulci: float
    deep_gray: float
    cortex: float
    white: float
    fluid_median: float
    gray_median: float
    white_median: float
    agreement: float
    explained: float


def tissue_levels(deviation: np.ndarray, brain: np.ndarray, rank: np.ndarray, *, usual: np.ndarray) -> TissueLevels:
    """The levels.

    Parameters
    ----------
    deviation : ndarray of float32, shape (rows, columns)
        From the brain's bulk in spreads of it, on the grid on which the brain has one size.
    brain : ndarray of bool, same shape
        Not empty.
    rank : ndarray of float32, same shape
        Of the depth, 0 at the rim to 1.
    usual : ndarray of bool, same shape
        The part of it to ask.

    Returns
    -------
    TissueLevels
    """
    values = np.clip(deviation, -LIMIT, LIMIT)
    radius = float(np.sqrt(brain.sum() / np.pi))
    margin = int(np.ceil(MARGIN * radius))
    around = np.pad(brain, margin)
    head = dilate(around, SHELL * radius, PIXEL)
    image = np.pad(np.where(brain, (values + LIMIT) / (2 * LIMIT), 0), margin).astype(np.float32)
    pose = register_slice(image, distance_to_background(head, PIXEL).astype(np.float32), around)
    average, within = atlas(), (slice(margin, -margin),) * 2
    fluid, gray, white = (
        scipy.ndimage.gaussian_filter(pose.warp(shares, around.shape), BLUR)[within]
        for shares in (average.fluid, average.gray, average.white)
    )
    deep = rank > DEEP
    row, column = np.indices(brain.shape) / max(brain.shape) - 0.5  # the shading of a coil, to first order
    expected = np.stack([fluid * deep, fluid * ~deep, gray * deep, gray * ~deep, white, row, column], -1)[usual]
    levels, residual = _robust_regression(expected, values[usual])
    likeliest = np.stack([fluid, gray, white]).argmax(0)[usual]
    zones = [values[usual][likeliest == number] for number in range(3)]
    of_fluid, of_gray, of_white = (float(np.median(zone)) if len(zone) >= LEAST_PIXELS else 0.0 for zone in zones)
    ventricles, sulci, deep_gray, cortex, of_all_white = (float(level) for level in levels[:5])
    explained = 1 - float(residual.var()) / max(float(values[usual].var()), 1e-6)
    return TissueLevels(
        ventricles,
        sulci,
        deep_gray,
        cortex,
        of_all_white,
        fluid_median=of_fluid,
        gray_median=of_gray,
        white_median=of_white,
        agreement=pose.agreement,
        explained=float(np.clip(explained, 0, 1)),
    )


def _robust_regression(expected: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and residuals; those of Huber's weights."""
    weight, ridge = np.ones(len(values)), RIDGE * np.eye(expected.shape[1])
    for _ in range(1 + ROUNDS):
        weighted = expected * weight[:, None]
        coefficients = np.linalg.solve(weighted.T @ expected + ridge, weighted.T @ values)
        residual = values - expected @ coefficients
        weight = 1 / np.maximum(1, np.abs(residual) / ROBUST)
    return coefficients, residual
