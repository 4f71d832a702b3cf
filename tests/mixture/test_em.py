from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mriseg.mixture import em
from mriseg.mixture.em import Parameters, Prior, Structure, expectation_maximization, log_densities, plain
from mriseg.mixture.layout import MixtureLayout

NO_FLOOR = np.zeros(1)
PARTIAL_VOLUME = MixtureLayout().structure
STRUCTURES = {
    "own": plain(3, tied=False),
    "tied": plain(3, tied=True),
    "pv": PARTIAL_VOLUME,
    "five": MixtureLayout(5).structure,
    "deep": MixtureLayout(3, (1, 2)).structure,
}
every_structure = pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)


def only_outliers(components):
    """A prior that expects nothing but allows outliers."""
    return Prior(np.full((1, components), 1 / components), 0.0, 0.0, 0.02)


def some_prior(components, zones, strength):
    """A prior with another expectation for each component and zone."""
    shares = np.linspace(1, 3, components * zones).reshape(zones, components)
    return Prior(shares / shares.sum(1, keepdims=True), strength, strength, 0.02)


@pytest.fixture
def histogram():
    """Levels and counts of three blurred classes, about standardized."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(m, s, n) for m, s, n in ((-1.5, 0.3, 3000), (0, 0.2, 5000), (1, 0.3, 4000))])
    counts, edges = np.histogram(values, 200)
    return ((edges[1:] + edges[:-1]) / 2)[:, None], counts.astype(float)


@pytest.fixture
def in_zones(histogram):
    """The same counts in two zones, the dark part of them mostly in the first."""
    points, counts = histogram
    first = 1 / (1 + np.exp(2 * points[:, 0]))
    return points, counts * np.stack([first, 1 - first])


def start(structure, means=(-1.0, 0.2, 0.8), variance=0.2, zones=1):
    components, classes = structure.component.max() + 1, structure.fractions.shape[1]
    means = means if len(means) == classes else np.linspace(means[0], means[-1], classes)
    variances = np.full((structure.variance.max() + 1, 1, 1), variance)
    return Parameters(np.array(means)[:, None], variances, np.full((zones, components), 1 / components))


def climb(points, counts, structure, first, **options):
    """From a start up, by default without a floor and until the iterations run out."""
    return expectation_maximization(points, counts, structure, first, **{"tolerance": 0, "floor": NO_FLOOR, **options})


def density(points, structure, parameters, zone=0):
    """Of a mixture without outliers."""
    return np.exp(log_densities(points, structure, parameters)) @ parameters.weights[zone][structure.component]


@every_structure
@pytest.mark.parametrize("strength", [None, 0.0, 0.3, 3.0])
def test_likelihood_never_falls_nor_with_a_prior_the_posterior(histogram, structure, strength):
    points, counts = histogram
    first = start(structure)
    prior = None if strength is None else some_prior(first.weights.shape[1], 1, strength)
    _, history, _ = climb(points, counts, structure, first, max_iterations=300, outlier_density=0.2, prior=prior)
    assert np.diff(history).min() > -1e-12
    assert history[-1] > history[0] + 0.1


@every_structure
@pytest.mark.parametrize("strength", [None, 0.0, 0.3, 3.0])
def test_nor_do_they_in_zones(in_zones, structure, strength):
    points, counts = in_zones
    first = start(structure, zones=2)
    prior = None if strength is None else some_prior(first.weights.shape[1], 2, strength)
    _, history, _ = climb(points, counts, structure, first, max_iterations=300, outlier_density=0.2, prior=prior)
    assert np.diff(history).min() > -1e-12
    assert history[-1] > history[0] + 0.1


def test_likelihood_never_falls_in_two_dimensions():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(m, 1, (200, 2)) for m in (-2, 0, 3)])
    first = Parameters(points[[0, 250, 599]], np.stack([np.eye(2)] * 3), np.full((1, 3), 1 / 3))
    _, history, _ = climb(points, np.ones(600), plain(3, tied=False), first, max_iterations=200, floor=np.zeros(2))
    assert np.diff(history).min() > -1e-12


def test_history_is_the_log_likelihood_per_observation(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    first = start(structure)
    _, history, _ = climb(points, counts, structure, first, max_iterations=1)
    expected = norm.pdf(points, first.means[:, 0], np.sqrt(0.2)) @ first.weights[0]
    assert history[0] == pytest.approx(counts @ np.log(expected) / counts.sum(), abs=1e-12)


def test_in_zones_each_observation_has_the_likelihood_of_its_zone(in_zones):
    points, counts = in_zones
    structure = PARTIAL_VOLUME
    weights = np.array(
        [[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.03, 0.02], [0.1, 0.1, 0.3, 0.1, 0.2, 0.1, 0.05, 0.05, 0]]
    )
    first = replace(start(structure), weights=weights)
    _, history, _ = climb(points, counts, structure, first, max_iterations=1)
    expected = sum(counts[zone] @ np.log(density(points, structure, first, zone)) for zone in range(2))
    assert history[0] == pytest.approx(expected / counts.sum(), abs=1e-12)


@pytest.mark.parametrize("tied", [False, True])
def test_the_population_of_a_mixture_is_a_fixed_point(tied):
    structure = plain(3, tied)
    variances = np.array([0.04] if tied else [0.09, 0.01, 0.04])
    truth = Parameters(np.array([[-1.5], [0.0], [1.0]]), variances[:, None, None], np.array([[0.2, 0.5, 0.3]]))
    points = np.linspace(-4, 4, 4001)[:, None]
    found, _, _ = climb(points, density(points, structure, truth), structure, truth, max_iterations=5)
    for name in ("means", "covariances", "weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=1e-6)


def test_the_population_of_a_partial_volume_mixture_is_a_fixed_point():
    truth = Parameters(
        np.array([[-1.5], [0.0], [1.0]]),
        np.array([0.05, 0.02, 0.03, 0.04])[:, None, None],
        np.array([[0.15, 0.3, 0.3, 0.04, 0.06, 0.03, 0.07, 0.04, 0.01]]),
    )
    points = np.linspace(-4, 4, 4001)[:, None]
    found, _, _ = climb(points, density(points, PARTIAL_VOLUME, truth), PARTIAL_VOLUME, truth, max_iterations=5)
    for name in ("means", "covariances", "weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=1e-6)


def test_two_zones_of_the_same_gaussians_come_back_each_with_its_weights():
    structure = plain(3, tied=False)
    truth = Parameters(
        np.array([[-1.5], [0.0], [1.0]]),
        np.array([0.09, 0.04, 0.0625])[:, None, None],
        np.array([[0.6, 0.3, 0.1], [0.05, 0.35, 0.6]]),
    )
    points = np.linspace(-4, 4, 801)[:, None]
    counts = np.stack([size * density(points, structure, truth, zone) for zone, size in enumerate((3.0, 1.0))])
    found, _, converged = climb(
        points, counts, structure, start(structure, zones=2), tolerance=1e-12, max_iterations=3000
    )
    assert converged
    for name in ("means", "covariances", "weights"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=1e-4)


def test_zones_tell_apart_what_lies_closer_than_its_spread():
    structure = plain(2, tied=True)
    truth = Parameters(np.array([[-0.35], [0.35]]), np.full((1, 1, 1), 0.5), np.array([[0.9, 0.1], [0.1, 0.9]]))
    points = np.linspace(-5, 5, 201)[:, None]
    chances = np.stack([density(points, structure, truth, zone) for zone in range(2)])
    chances /= chances.sum(1, keepdims=True)
    first = Parameters(np.array([[-1.0], [1.0]]), np.full((1, 1, 1), 0.3), np.array([[0.6, 0.4], [0.4, 0.6]]))
    errors = []
    for seed in range(10):
        counts = np.random.default_rng(seed).multinomial(5000, chances).astype(float)
        whole = replace(first, weights=np.full((1, 2), 0.5))
        together, _, _ = climb(points, counts.sum(0), structure, whole, max_iterations=500)
        apart, _, _ = climb(points, counts, structure, first, max_iterations=500)
        errors.append([np.abs(found.means - truth.means).max() for found in (together, apart)])
    without, within = np.mean(errors, 0)
    assert within < 0.1
    assert within < without / 2


def test_parting_a_brain_into_zones_alike_changes_nothing(histogram):
    points, counts = histogram
    structure = PARTIAL_VOLUME
    prior = some_prior(9, 1, 0.3)
    one, one_history, _ = climb(
        points, counts, structure, start(structure), max_iterations=100, outlier_density=0.2, prior=prior
    )
    counts = np.stack([0.25 * counts, 0.75 * counts])
    prior = replace(prior, shares=prior.shares.repeat(2, 0))
    two, two_history, _ = climb(
        points, counts, structure, start(structure, zones=2), max_iterations=100, outlier_density=0.2, prior=prior
    )
    np.testing.assert_allclose(two.means, one.means, atol=1e-6)
    np.testing.assert_allclose(two.weights, one.weights.repeat(2, 0), atol=1e-6)
    assert two_history[-1] == pytest.approx(one_history[-1], abs=1e-9)


def test_the_order_of_the_zones_does_not_matter(in_zones):
    points, counts = in_zones
    structure, prior = PARTIAL_VOLUME, some_prior(9, 2, 0.3)
    here, _, _ = climb(
        points, counts, structure, start(structure, zones=2), max_iterations=100, outlier_density=0.2, prior=prior
    )
    turned = replace(prior, shares=prior.shares[::-1])
    there, _, _ = climb(
        points,
        counts[::-1],
        structure,
        start(structure, zones=2),
        max_iterations=100,
        outlier_density=0.2,
        prior=turned,
    )
    np.testing.assert_allclose(there.means, here.means, atol=1e-6)
    np.testing.assert_allclose(there.weights, here.weights[::-1], atol=1e-6)


def test_log_densities_are_those_of_the_gaussians():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(50, 2))
    covariances = np.array([[[1, 0.3], [0.3, 2]], [[0.5, -0.1], [-0.1, 0.2]]])
    parameters = Parameters(np.array([[0.0, 1], [2, -1]]), covariances, np.array([[0.3, 0.7]]))
    expected = [multivariate_normal(m, c).logpdf(points) for m, c in zip(parameters.means, covariances, strict=True)]
    np.testing.assert_allclose(
        log_densities(points, plain(2, tied=False), parameters), np.array(expected).T, rtol=1e-10
    )


def test_mixed_gaussians_lie_at_their_fraction_and_share_their_component():
    structure = Structure(
        np.array([[1, 0], [0, 1], [0.75, 0.25], [0.25, 0.75]]), np.array([0, 1, 2, 2]), np.zeros(4, int)
    )
    parameters = Parameters(np.array([[0.0], [4.0]]), np.ones((1, 1, 1)), np.array([[0.5, 0.3, 0.2]]))
    points = np.linspace(-3, 7, 40)[:, None]
    expected = norm.pdf(points, [0, 4, 1, 3]) * [1, 1, 0.5, 0.5]
    np.testing.assert_allclose(np.exp(log_densities(points, structure, parameters)), expected, rtol=1e-10)


def test_counts_are_repeats(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    counted, _, _ = climb(points, counts, structure, start(structure), max_iterations=100)
    repeated = np.repeat(points, counts.astype(int), axis=0)
    found, _, _ = climb(repeated, np.ones(len(repeated)), structure, start(structure), max_iterations=100)
    np.testing.assert_allclose(found.means, counted.means, atol=1e-6)
    np.testing.assert_allclose(found.covariances, counted.covariances, atol=1e-6)


def test_only_the_proportions_of_the_counts_matter(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    few, few_history, _ = climb(points, counts, structure, start(structure), max_iterations=100)
    many, many_history, _ = climb(points, 1024 * counts, structure, start(structure), max_iterations=100)
    np.testing.assert_allclose(many.means, few.means, atol=1e-6)
    assert many_history[-1] == pytest.approx(few_history[-1], abs=1e-9)


def test_moving_and_scaling_the_points_moves_and_scales_the_optimum(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    first = start(structure)
    moved = Parameters(3 * first.means - 2, 9 * first.covariances, first.weights)
    there, _, _ = climb(points, counts, structure, first, max_iterations=200)
    here, _, _ = climb(3 * points - 2, counts, structure, moved, max_iterations=200)
    np.testing.assert_allclose(here.means, 3 * there.means - 2, atol=1e-5)
    np.testing.assert_allclose(here.covariances, 9 * there.covariances, atol=1e-5)


@pytest.mark.parametrize("zones", [1, 2])
def test_a_strong_prior_has_its_way_with_the_shares_and_the_spreads(histogram, in_zones, zones):
    points, counts = (histogram, in_zones)[zones - 1]
    structure = plain(3, tied=False)
    shares = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])[:zones]
    prior = Prior(shares, 1e6, 1e6, 0.0)
    found, _, _ = climb(points, counts, structure, start(structure, zones=zones), max_iterations=200, prior=prior)
    np.testing.assert_allclose(found.weights, shares, atol=1e-4)
    np.testing.assert_allclose(found.covariances, found.covariances.mean(), rtol=1e-3)


def test_a_weak_prior_changes_next_to_nothing(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    prior = Prior(np.array([[0.2, 0.5, 0.3]]), 1e-9, 1e-9, 0.0)
    with_it, _, _ = climb(points, counts, structure, start(structure), max_iterations=100, prior=prior)
    without, _, _ = climb(points, counts, structure, start(structure), max_iterations=100)
    np.testing.assert_allclose(with_it.means, without.means, atol=1e-4)


def test_a_prior_likes_best_what_it_expects_where_the_brain_is():
    shares = np.array([[0.2, 0.8], [0.6, 0.4]])
    prior = Prior(shares, 0.3, 2.0, 0.0)
    met = Parameters(np.zeros((2, 1)), np.full((2, 1, 1), 0.7), shares)
    missed = replace(met, weights=np.array([[0.5, 0.5], [0.6, 0.4]]))
    unlike = replace(met, covariances=np.array([0.6, 0.8])[:, None, None])
    here = np.array([0.7, 0.3])
    assert prior.log_density(met, here) > max(prior.log_density(missed, here), prior.log_density(unlike, here))
    elsewhere = np.array([0.0, 1.0])
    assert prior.log_density(missed, elsewhere) == pytest.approx(prior.log_density(met, elsewhere))


@pytest.mark.parametrize("zones", [1, 2])
def test_weights_sum_to_one_in_each_zone(histogram, in_zones, zones):
    points, counts = (histogram, in_zones)[zones - 1]
    prior = replace(only_outliers(9), shares=np.full((zones, 9), 1 / 9))
    found, _, _ = climb(
        points,
        counts,
        PARTIAL_VOLUME,
        start(PARTIAL_VOLUME, zones=zones),
        tolerance=1e-6,
        max_iterations=100,
        outlier_density=0.2,
        prior=prior,
    )
    np.testing.assert_allclose(found.weights.sum(1), np.ones(zones), atol=1e-12)


def test_a_class_that_loses_its_points_stays_where_it_was(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    # So far off that the exponential of its log density is zero at every point.
    first = start(structure, means=(-1.5, 0.5, 500.0), variance=0.1)
    found, history, _ = climb(points, counts, structure, first, max_iterations=20, floor=np.array([1e-6]))
    assert found.means[2, 0] == pytest.approx(500)
    assert np.isfinite(history).all()


def test_a_component_that_a_zone_lacks_does_no_harm(in_zones):
    points, counts = in_zones
    structure = plain(3, tied=False)
    first = replace(start(structure), weights=np.array([[0.5, 0.5, 0.0], [0.3, 0.3, 0.4]]))
    _, history, _ = climb(points, counts, structure, first, max_iterations=100)
    assert np.isfinite(history).all()
    assert np.diff(history).min() > -1e-12


def test_an_empty_zone_changes_nothing(histogram):
    points, counts = histogram
    structure, prior = plain(3, tied=False), some_prior(3, 1, 0.3)
    alone, _, _ = climb(
        points, counts, structure, start(structure), max_iterations=100, outlier_density=0.2, prior=prior
    )
    counts, prior = np.stack([counts, 0 * counts]), replace(prior, shares=prior.shares.repeat(2, 0))
    found, history, _ = climb(
        points, counts, structure, start(structure, zones=2), max_iterations=100, outlier_density=0.2, prior=prior
    )
    np.testing.assert_allclose(found.means, alone.means, atol=1e-6)
    np.testing.assert_allclose(found.weights[0], alone.weights[0], atol=1e-6)
    assert np.isfinite(history).all()


def test_variance_does_not_fall_below_the_floor():
    points = np.array([[-1.0], [0.0], [1.0]])
    structure = plain(3, tied=False)
    first = start(structure, means=(-1, 0, 1))
    found, _, _ = climb(points, np.full(3, 100.0), structure, first, max_iterations=200, floor=np.array([1e-3]))
    np.testing.assert_allclose(found.covariances.ravel(), 1e-3, rtol=1e-6)


def test_a_stride_that_would_narrow_a_class_below_the_floor_is_not_taken():
    """Three iterations on the way to no spread at all: the next stride ends far below what the floor allows."""
    points = np.array([[-1.0], [0.0], [1.0]])
    structure = plain(3, tied=False)
    path = tuple(start(structure, means=(-1, 0, 1), variance=variance) for variance in (0.8, 0.4, 0.2))

    def ahead(floor):
        problem = em._problem(points, np.ones(3), structure, np.full(1, floor), outlier_density=0.0, prior=None)
        return em._squarem_step(problem, path, max_step=1.0)

    assert ahead(0.0).covariances.max() < 0.05
    assert ahead(0.05) is path[-1]


def test_share_of_outliers_is_found():
    points = np.linspace(-8, 8, 1601)[:, None]
    structure = plain(1, tied=False)
    counts = 0.99 * norm.pdf(points[:, 0]) + 0.01 / 16
    first = Parameters(np.zeros((1, 1)), np.ones((1, 1, 1)), np.ones((1, 1)))
    found, _, _ = climb(
        points,
        counts,
        structure,
        first,
        tolerance=1e-12,
        max_iterations=500,
        outlier_density=1 / 16,
        prior=only_outliers(1),
    )
    assert found.outliers == pytest.approx(0.01, rel=0.02)
    assert found.covariances[0, 0, 0] == pytest.approx(1, rel=0.01)


def test_share_of_outliers_is_bounded():
    points = np.linspace(-8, 8, 1601)[:, None]
    counts = 0.5 * norm.pdf(points[:, 0]) + 0.5 / 16
    first = Parameters(np.zeros((1, 1)), np.ones((1, 1, 1)), np.ones((1, 1)))
    found, _, _ = climb(
        points,
        counts,
        plain(1, tied=False),
        first,
        tolerance=1e-9,
        max_iterations=500,
        outlier_density=1 / 16,
        prior=only_outliers(1),
    )
    assert found.outliers == 0.02


def test_a_value_far_from_all_classes_is_an_outlier():
    points = np.array([[-0.1], [0.0], [0.1], [50.0]])
    first = Parameters(np.zeros((1, 1)), np.full((1, 1, 1), 0.01), np.ones((1, 1)))
    counts = np.array([300.0, 400, 300, 1])
    found, history, _ = climb(
        points, counts, plain(1, tied=False), first, max_iterations=20, outlier_density=0.02, prior=only_outliers(1)
    )
    assert np.isfinite(history).all()
    assert found.means[0, 0] == pytest.approx(0, abs=1e-6)


def test_stops_for_lack_of_gain(histogram):
    points, counts = histogram
    structure = plain(3, tied=False)
    _, history, converged = climb(points, counts, structure, start(structure), tolerance=1e-4, max_iterations=500)
    assert converged
    assert history[-1] - history[-3] < 1e-4
    assert len(history) < 100


@pytest.mark.parametrize("structure", [plain(3, tied=False), PARTIAL_VOLUME], ids=("plain", "pv"))
def test_stopping_for_lack_of_gain_is_stopping_near_the_top(histogram, structure):
    points, counts = histogram
    _, stopped, _ = climb(points, counts, structure, start(structure), tolerance=1e-6, max_iterations=500)
    _, top, _ = climb(points, counts, structure, start(structure), max_iterations=3000)
    assert stopped[-1] == pytest.approx(top[-1], abs=2e-4)


@pytest.mark.parametrize("most", [1, 2, 3, 8, 9])
def test_says_when_the_iterations_ran_out(histogram, most):
    points, counts = histogram
    structure = plain(3, tied=False)
    _, history, converged = climb(points, counts, structure, start(structure), tolerance=1e-9, max_iterations=most)
    assert not converged
    assert 1 <= len(history) <= most


def test_log_share_splits_a_component_equally():
    structure = Structure(np.eye(3), np.array([0, 1, 1]), np.zeros(3, int))
    np.testing.assert_allclose(np.exp(structure.log_share), [1, 0.5, 0.5])


def test_an_emptied_component_has_a_finite_prior():
    parameters = Parameters(np.array([[0.0], [1.0]]), np.ones((2, 1, 1)), np.array([[1.0, 0.0]]))
    assert np.isfinite(Prior(np.array([[0.5, 0.5]]), 0.3, 0.3, 0.0).log_density(parameters, np.ones(1)))
