import numpy as np
import pytest
import scipy

from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.registration.affine import COARSE_BLUR_MM, draw_points
from mriseg.registration.atlas import CENTER, atlas
from mriseg.registration.objective import PRIOR_SD, UNIT, HeadImage, Objective, affine_matrix


@pytest.fixture(scope="module")
def scan(coarse):
    """A head as it is laid over, at 4 mm, and where the middle of its brain lies."""
    image = simulate(coarse, Contrast.T1).data
    head = scipy.ndimage.binary_fill_holes(coarse.matter > 0)
    inside, outside = (4.0 * scipy.ndimage.distance_transform_edt(m) for m in (head, ~head))
    image = np.clip(image / np.percentile(image[head], 98.5), 0, 1)
    middle = np.zeros(12)
    middle[:3] = CENTER - coarse.affine[:3, 3]
    return HeadImage(image, (inside - outside).astype(np.float32), (4.0,) * 3).blurred(COARSE_BLUR_MM), middle


@pytest.fixture(scope="module")
def points():
    return draw_points(atlas(), 5000, np.random.default_rng(0))


# Small steps off the truth, and one where much of the brain lies outside the head: there the weight decides.
AWAY = (
    (4, -6, 5, 0.1, -0.05, 0.08, 0.05, -0.03, 0.02, 0.02, -0.01, 0.03),
    (20, 25, 30, 0.2, 0.1, 0.0, 0.1, 0.1, 0.1, 0, 0, 0),
    (-8, 40, 10, -0.1, 0.1, 0.2, 0.05, 0.1, 0.2, 0.01, 0.02, 0.0),
)


@pytest.mark.parametrize("away", AWAY)
def test_the_gradient_is_that_of_the_value(scan, points, away):
    head, middle = scan
    objective, at = Objective(head, points), middle + away
    by_differences = np.empty(12)
    for index, step in enumerate(1e-4 * UNIT):
        ahead, behind = at.copy(), at.copy()
        ahead[index] += step
        behind[index] -= step
        by_differences[index] = (objective(ahead).value - objective(behind).value) / (2 * step)
    # In the optimizer's units. They differ only where a step takes a point from voxel to voxel.
    gradient, by_differences = objective(at).gradient * UNIT, by_differences * UNIT
    assert np.linalg.norm(gradient - by_differences) < 0.01 * np.linalg.norm(by_differences)


def test_without_a_point_in_the_head_only_unusual_heads_cost(scan, points):
    head, middle = scan
    away = np.array([5000.0, 0, 0, 0.35, 0, 0, 0.06, -0.06, 0.0, 0.05, 0, 0])
    objective = Objective(head, points)
    found = objective(middle + away)
    assert found.coverage < 1e-9
    deviations = ((away / PRIOR_SD) ** 2).sum()
    assert found.value == pytest.approx(0.004 / 2 * deviations + 0.01 / 2 * (2 / 3), rel=1e-6)
    for index in range(3, 12):
        ahead, behind = away.copy(), away.copy()
        ahead[index] += 1e-5
        behind[index] -= 1e-5
        by_difference = (objective(middle + ahead).value - objective(middle + behind).value) / 2e-5
        assert found.gradient[index] == pytest.approx(by_difference, abs=1e-6)


def test_where_the_atlas_belongs_it_fits_better_than_elsewhere(scan, points):
    head, middle = scan
    objective = Objective(head, points)
    at_home = objective(middle)
    assert at_home.coverage > 0.98
    assert all(objective(middle + np.array(away)).value > at_home.value for away in AWAY)


def test_parts_of_the_atlas_outside_the_head_are_not_covered(scan, points):
    head, middle = scan
    lifted = middle.copy()
    lifted[2] = 1e3  # above the head: only what the priors cost is left
    assert Objective(head, points)(lifted).coverage < 1e-9
    lifted[2] = middle[2] + 80  # the upper half of the brain
    assert 0.3 < Objective(head, points)(lifted).coverage < 0.8


@pytest.mark.parametrize(
    ("index", "point", "moved"),
    [
        (1, (0, 0, 0), (0, 0.1, 0)),
        (3, (0, 10, 0), (0, 10 * np.cos(0.1), 10 * np.sin(0.1))),  # a nod
        (4, (0, 0, 10), (10 * np.sin(0.1), 0, 10 * np.cos(0.1))),
        (5, (10, 0, 0), (10 * np.cos(0.1), 10 * np.sin(0.1), 0)),
        (8, (0, 0, 10), (0, 0, 10 * np.exp(0.1))),
        (9, (0, 10, 0), (1, 10, 0)),
    ],
)
def test_each_parameter_moves_as_its_name_says(index, point, moved):
    parameters = np.zeros(12)
    parameters[index] = 0.1
    np.testing.assert_allclose(affine_matrix(parameters) @ [*point, 1], moved, atol=1e-12)
