from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mriseg.em import Parameters, Prior, Structure, log_joint, maximise, plain
from mriseg.mixture import STRUCTURE

NO_FLOOR = np.zeros(1)


def only_outliers(components):
    """A prior that expects nothing but allows outliers."""
    return Prior(np.full(components, 1 / components), 0.0, 0.0, 0.02)


@pytest.fixture
def histogram():
    """Levels and counts of three blurred classes, about standardised."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(m, s, n) for m, s, n in ((-1.5, 0.3, 3000), (0, 0.2, 5000), (1, 0.3, 4000))])
    counts, edges = np.histogram(values, 200)
    return ((edges[1:] + edges[:-1]) / 2)[:, None], counts.astype(float)


def start(structure, means=(-1.0, 0.2, 0.8), variance=0.2):
    components = structure.component.max() + 1
    variances = np.full((structure.variance.max() + 1, 1, 1), variance)
    return Parameters(np.array(means)[:, None], variances, np.full(components, 1 / components))


@pytest.mark.parametrize("structure", [plain(3, tied=False), plain(3, tied=True), STRUCTURE], ids=("own", "tied", "pv"))
@pytest.mark.parametrize("strength", [None, 0.0, 0.3, 3.0])
def test_likelihood_never_falls_nor_with_a_prior_the_posterior(histogram, structure, strength):
    points, counts = histogram
    first = start(structure)
    prior = None if strength is None else Prior(np.array([0.2, 0.3, 0.2, 0.1, 0.1, 0.1]), strength, strength, 0.02)
    if prior is not None and len(first.weights) == 3:
        prior = replace(prior, shares=np.array([0.2, 0.5, 0.3]))
    _, history, _ = maximise(points, counts, structure, first, 0, 300, NO_FLOOR, 0.2, prior)
    assert np.diff(history).min() > -1e-12
    assert history[-1] > history[0] + 0.1


def test_likelihood_never_falls_in_two_dimensions():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(m, 1, (200, 2)) for m in (-2, 0, 3)])
    first = Parameters(points[[0, 250, 599]], np.stack([np.eye(2)] * 3), np.full(3, 1 / 3))
    _, history, _ = maximise(points, np.ones(600), plain(3, tied=False), first, 0, 200, np.zeros(2))
    assert np.diff(history).min() > -1e-12


def test_history_is_the_log_likelihood_per_observation(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    first = start(structure)
    _, history, _ = maximise(points, counts, structure, first, 0, 1, NO_FLOOR)
    density = norm.pdf(points, first.means[:, 0], np.sqrt(0.2)) @ first.weights
    assert history[0] == pytest.approx(counts @ np.log(density) / counts.sum(), abs=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_the_population_of_a_mixture_is_a_fixed_point(tied):
    structure = plain(3, tied)
    variances = np.array([0.04] if tied else [0.09, 0.01, 0.04])
    truth = Parameters(np.array([[-1.5], [0.0], [1.0]]), variances[:, None, None], np.array([0.2, 0.5, 0.3]))
    points = np.linspace(-4, 4, 4001)[:, None]
    density = np.exp(log_joint(points, structure, truth)).sum(1)
    found, _, _ = maximise(points, density, structure, truth, 0, 5, NO_FLOOR)
    for name in ("means", "covariances", "weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=1e-6)


def test_the_population_of_a_partial_volume_mixture_is_a_fixed_point():
    truth = Parameters(
        np.array([[-1.5], [0.0], [1.0]]),
        np.array([0.05, 0.02, 0.03, 0.04])[:, None, None],
        np.array([0.15, 0.3, 0.3, 0.1, 0.1, 0.05]),
    )
    points = np.linspace(-4, 4, 4001)[:, None]
    density = np.exp(log_joint(points, STRUCTURE, truth)).sum(1)
    found, _, _ = maximise(points, density, STRUCTURE, truth, 0, 5, NO_FLOOR)
    for name in ("means", "covariances", "weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=1e-6)


def test_log_joint_is_log_weight_plus_log_density():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(50, 2))
    covariances = np.array([[[1, 0.3], [0.3, 2]], [[0.5, -0.1], [-0.1, 0.2]]])
    parameters = Parameters(np.array([[0.0, 1], [2, -1]]), covariances, np.array([0.3, 0.7]))
    expected = [
        np.log(w) + multivariate_normal(m, c).logpdf(points)
        for m, c, w in zip(parameters.means, covariances, parameters.weights, strict=True)
    ]
    np.testing.assert_allclose(log_joint(points, plain(2, tied=False), parameters), np.array(expected).T, rtol=1e-10)


def test_mixed_gaussians_lie_at_their_fraction_and_share_their_weight():
    structure = Structure(
        np.array([[1, 0], [0, 1], [0.75, 0.25], [0.25, 0.75]]), np.array([0, 1, 2, 2]), np.zeros(4, int)
    )
    parameters = Parameters(np.array([[0.0], [4.0]]), np.ones((1, 1, 1)), np.array([0.5, 0.3, 0.2]))
    points = np.linspace(-3, 7, 40)[:, None]
    expected = norm.pdf(points, [0, 4, 1, 3]) * [0.5, 0.3, 0.1, 0.1]
    np.testing.assert_allclose(np.exp(log_joint(points, structure, parameters)), expected, rtol=1e-10)


def test_counts_are_repeats(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    counted, _, _ = maximise(points, counts, structure, start(structure), 0, 100, NO_FLOOR)
    repeated = np.repeat(points, counts.astype(int), axis=0)
    found, _, _ = maximise(repeated, np.ones(len(repeated)), structure, start(structure), 0, 100, NO_FLOOR)
    np.testing.assert_allclose(found.means, counted.means, atol=1e-6)
    np.testing.assert_allclose(found.covariances, counted.covariances, atol=1e-6)


def test_only_the_proportions_of_the_counts_matter(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    few, few_history, _ = maximise(points, counts, structure, start(structure), 0, 100, NO_FLOOR)
    many, many_history, _ = maximise(points, 1024 * counts, structure, start(structure), 0, 100, NO_FLOOR)
    np.testing.assert_allclose(many.means, few.means, atol=1e-6)
    assert many_history[-1] == pytest.approx(few_history[-1], abs=1e-9)


def test_moving_and_scaling_the_points_moves_and_scales_the_optimum(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    first = start(structure)
    moved = Parameters(3 * first.means - 2, 9 * first.covariances, first.weights)
    there, _, _ = maximise(points, counts, structure, first, 0, 200, NO_FLOOR)
    here, _, _ = maximise(3 * points - 2, counts, structure, moved, 0, 200, NO_FLOOR)
    np.testing.assert_allclose(here.means, 3 * there.means - 2, atol=1e-5)
    np.testing.assert_allclose(here.covariances, 9 * there.covariances, atol=1e-5)


def test_a_strong_prior_has_its_way_with_the_shares_and_the_spreads(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    prior = Prior(np.array([0.2, 0.5, 0.3]), 1e6, 1e6, 0.0)
    found, _, _ = maximise(points, counts, structure, start(structure), 0, 200, NO_FLOOR, 0.0, prior)
    np.testing.assert_allclose(found.weights, [0.2, 0.5, 0.3], atol=1e-4)
    np.testing.assert_allclose(found.covariances, found.covariances.mean(), rtol=1e-3)


def test_a_weak_prior_changes_next_to_nothing(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    prior = Prior(np.array([0.2, 0.5, 0.3]), 1e-9, 1e-9, 0.0)
    with_it, _, _ = maximise(points, counts, structure, start(structure), 0, 100, NO_FLOOR, 0.0, prior)
    without, _, _ = maximise(points, counts, structure, start(structure), 0, 100, NO_FLOOR)
    np.testing.assert_allclose(with_it.means, without.means, atol=1e-4)


def test_weights_sum_to_one(histogram):
    points, counts = histogram
    found, _, _ = maximise(
        points, counts, STRUCTURE, start(STRUCTURE), 1e-6, 100, NO_FLOOR, outlier_density=0.2, prior=only_outliers(6)
    )
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)


def test_a_class_that_loses_its_points_stays_where_it_was(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    # So far off that the exponential of its log density is zero at every point.
    first = start(structure, means=(-1.5, 0.5, 500.0), variance=0.1)
    found, history, _ = maximise(points, counts, structure, first, 0, 20, np.array([1e-6]))
    assert found.means[2, 0] == pytest.approx(500)
    assert np.isfinite(history).all()


def test_variance_does_not_fall_below_the_floor():
    points = np.array([[-1.0], [0.0], [1.0]])
    structure = plain(3, tied=False)
    first = start(structure, means=(-1, 0, 1))
    found, _, _ = maximise(points, np.full(3, 100.0), structure, first, 0, 200, np.array([1e-3]))
    np.testing.assert_allclose(found.covariances.ravel(), 1e-3, rtol=1e-6)


def test_share_of_outliers_is_found():
    points = np.linspace(-8, 8, 1601)[:, None]
    structure = plain(1, tied=False)
    counts = 0.99 * norm.pdf(points[:, 0]) + 0.01 / 16
    first = Parameters(np.zeros((1, 1)), np.ones((1, 1, 1)), np.ones(1))
    found, _, _ = maximise(points, counts, structure, first, 1e-12, 500, NO_FLOOR, 1 / 16, only_outliers(1))
    assert found.outliers == pytest.approx(0.01, rel=0.02)
    assert found.covariances[0, 0, 0] == pytest.approx(1, rel=0.01)


def test_share_of_outliers_is_bounded():
    points = np.linspace(-8, 8, 1601)[:, None]
    counts = 0.5 * norm.pdf(points[:, 0]) + 0.5 / 16
    first = Parameters(np.zeros((1, 1)), np.ones((1, 1, 1)), np.ones(1))
    found, _, _ = maximise(points, counts, plain(1, tied=False), first, 1e-9, 500, NO_FLOOR, 1 / 16, only_outliers(1))
    assert found.outliers == 0.02


def test_a_value_far_from_all_classes_is_an_outlier():
    points = np.array([[-0.1], [0.0], [0.1], [50.0]])
    first = Parameters(np.zeros((1, 1)), np.full((1, 1, 1), 0.01), np.ones(1))
    counts = np.array([300.0, 400, 300, 1])
    found, history, _ = maximise(points, counts, plain(1, tied=False), first, 0, 20, NO_FLOOR, 0.02, only_outliers(1))
    assert np.isfinite(history).all()
    assert found.means[0, 0] == pytest.approx(0, abs=1e-6)


def test_stops_for_lack_of_gain(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    _, history, converged = maximise(points, counts, structure, start(structure), 1e-4, 500, NO_FLOOR)
    assert converged
    assert history[-1] - history[-3] < 1e-4
    assert len(history) < 100


@pytest.mark.parametrize("structure", [plain(3, tied=False), STRUCTURE], ids=("plain", "pv"))
def test_stopping_for_lack_of_gain_is_stopping_near_the_top(histogram, structure):
    points, counts = histogram
    _, stopped, _ = maximise(points, counts, structure, start(structure), 1e-6, 500, NO_FLOOR)
    _, top, _ = maximise(points, counts, structure, start(structure), 0, 3000, NO_FLOOR)
    assert stopped[-1] == pytest.approx(top[-1], abs=2e-4)


@pytest.mark.parametrize("most", [1, 2, 3, 8, 9])
def test_says_when_the_iterations_ran_out(histogram, most):
    points, counts = histogram
    structure = plain(3, tied=False)
    _, history, converged = maximise(points, counts, structure, start(structure), 1e-9, most, NO_FLOOR)
    assert not converged
    assert 1 <= len(history) <= most


def test_log_share_splits_a_component_equally():
    structure = Structure(np.eye(3), np.array([0, 1, 1]), np.zeros(3, int))
    np.testing.assert_allclose(np.exp(structure.log_share), [1, 0.5, 0.5])


def test_smallest_weight_has_a_finite_logarithm():
    parameters = Parameters(np.array([[0.0], [1.0]]), np.ones((2, 1, 1)), np.array([1.0, 0.0]))
    assert np.isfinite(log_joint(np.zeros((1, 1)), plain(2, tied=False), parameters)).all()
