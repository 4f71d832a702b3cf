from functools import cache

import numpy as np
import pytest

from mriseg.abnormal.standard_brain import StandardBrain, to_standard_space
from mriseg.core.tissue import Contrast
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import CYST, ENHANCED, Phantom, simulate
from mriseg.image.orientation import orient
from mriseg.image.resampling import Grid
from mriseg.registration.affine import Registration

PLACE = (-30.0, -10.0, 30.0)  # MNI mm, the white matter above the left ventricle


@pytest.fixture(scope="package")
def patient(phantom) -> Phantom:
    """The phantom with a ring of 20 mL around a dark middle."""
    return add_lesion(phantom, PLACE, 20.0, ENHANCED, middle=CYST)


@pytest.fixture(scope="package")
def standard(phantom):
    """A phantom's head in a contrast, its brain in the space of the average brain: where it lies is known."""

    def carried(head: Phantom, values: np.ndarray) -> StandardBrain:
        spacing = tuple(float(side) for side in np.sqrt((head.affine[:3, :3] ** 2).sum(0)))
        to_canonical = np.diag([*spacing, 1.0]) @ np.linalg.inv(head.affine)
        grid = Grid(values.shape, spacing, np.zeros(3))
        return to_standard_space(values, head.truth > 0, grid, Registration(to_canonical, 0.5, 1.0))

    @cache
    def of(head: Phantom, contrast: Contrast | None = None) -> StandardBrain:
        values = (head.truth == 7).astype(np.float32) if contrast is None else orient(simulate(head, contrast))[0].data
        return carried(head, values)

    return of
