import numpy as np
import pytest

from mriseg.mixture.em import Parameters, log_densities, plain
from mriseg.mixture.standardization import Standardization

RNG = np.random.default_rng(0)
INTENSITIES = RNG.normal((500, 2e6), (80, 3e5), (400, 2))
COUNTS = RNG.integers(1, 9, 400)
PARAMETERS = Parameters(
    np.array([[450.0, 1.9e6], [560, 2.1e6]]),
    np.array([[[900.0, 1e6], [1e6, 9e9]], [[400, 0], [0, 4e9]]]),
    np.array([[0.4, 0.6]]),
    0.01,
)


@pytest.fixture
def scale():
    return Standardization.of(INTENSITIES, COUNTS)


def test_points_have_zero_mean_and_unit_spread_each_as_often_as_it_was_seen(scale):
    repeated = scale.points(np.repeat(INTENSITIES, COUNTS, 0))
    np.testing.assert_allclose(repeated.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(repeated.std(0), 1)


def test_standardized_parameters_give_the_points_the_density_of_the_intensities(scale):
    structure = plain(2, tied=False)
    there = log_densities(scale.points(INTENSITIES), structure, scale.standardize(PARAMETERS))
    here = log_densities(INTENSITIES, structure, PARAMETERS)
    np.testing.assert_allclose(there - np.log(scale.spread).sum(), here, atol=1e-6)


def test_restoring_undoes_it(scale):
    back = scale.restore(scale.standardize(PARAMETERS))
    np.testing.assert_allclose(back.means, PARAMETERS.means)
    np.testing.assert_allclose(back.covariances, PARAMETERS.covariances)
    np.testing.assert_array_equal(back.weights, PARAMETERS.weights)
    assert back.outliers == PARAMETERS.outliers


def test_a_channel_of_one_value_stays_finite():
    constant = np.stack([np.arange(5.0), np.full(5, 7.0)], 1)
    points = Standardization.of(constant, np.ones(5)).points(constant)
    np.testing.assert_array_equal(points[:, 1], 0)
    np.testing.assert_allclose(points[:, 0].std(), 1)
