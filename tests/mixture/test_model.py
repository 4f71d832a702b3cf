from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mriseg.mixture.em import Parameters
from mriseg.mixture.layout import FRACTION_STEPS, MIXED_PAIRS, MixtureLayout
from mriseg.mixture.model import Mixture, uniform
from mriseg.mixture.tissue_densities import TissueDensities
from tests.helpers import three_classes

X = np.linspace(-60, 200, 20_001)
MEANS = (20.0, 60.0, 100.0)


def of(**changed):
    usual = {
        "means": MEANS,
        "sds": (6.0, 4.0, 5.0),
        "weights": (0.15, 0.35, 0.3),
        "mixed_weights": (0.08, 0.07, 0.04),
        "mixed_sd": 4.0,
        "outliers": 0.01,
        "outlier_range": (-50.0, 150.0),
    }
    return three_classes(**{**usual, **changed})


def deep_of(deep=(1, 2), zones=1, means=(20.0, 60.0, 100.0, 75.0)):
    """A mixture in which deep gray matter has a mean of its own."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(12, 5.0), zones)
    variances = np.array([36.0, 16, 25, 20])[:, None, None]
    ends = (np.array([-50.0]), np.array([150.0]))
    parameters = Parameters(np.array(means)[:, None], variances, weights, 0.01)
    return Mixture(
        parameters=parameters,
        zone_shares=rng.dirichlet(np.full(zones, 5.0)),
        layout=MixtureLayout(3, deep),
        outlier_range=ends,
        log_likelihood=0.0,
        iterations=1,
        converged=True,
    )


@pytest.fixture
def mixture():
    return of()


@pytest.fixture(params=["three", "deep", "zones"])
def any_mixture(request):
    return {"three": of, "deep": deep_of, "zones": lambda: deep_of(zones=4)}[request.param]()


def outlier_density(mixture, x):
    return mixture.outliers * uniform(x, mixture.outlier_range)


def pure_densities(mixture, x):
    return mixture._densities(x)[:, mixture.layout.pure]


def deep_density(mixture, x):
    deep = mixture.layout.deep
    return mixture._densities(x)[:, deep.gaussian] if deep is not None else np.zeros(len(x))


def mixed_density(mixture, x):
    return mixture._densities(x)[:, mixture.layout.pure.stop :].sum(1) - deep_density(mixture, x)


def integral(densities):
    return np.trapezoid(densities, X, axis=0)


# One zone, one channel


def test_density_integrates_to_one(any_mixture):
    assert integral(any_mixture.density(X)) == pytest.approx(1, abs=1e-4)


def test_outliers_lie_in_their_range_alone(mixture):
    inside = uniform(X, mixture.outlier_range)
    assert integral(inside) == pytest.approx(1, abs=1e-4)
    assert not inside[(X < -50) | (X > 150)].any()


def test_what_it_was_made_of_can_be_asked(mixture):
    np.testing.assert_allclose(mixture.means, MEANS)
    np.testing.assert_allclose(mixture.sds, [6, 4, 5])
    np.testing.assert_allclose(mixture.weights, [0.15, 0.35, 0.3])
    np.testing.assert_allclose(mixture.mixed_weights, [0.08, 0.07, 0.04])
    assert mixture.mixed_sd == pytest.approx(4)
    assert mixture.channels == 1
    assert mixture.deep_gray is None


def test_pure_mixed_deep_and_outliers_sum_to_one(any_mixture):
    deep = any_mixture.deep_gray[0] if any_mixture.layout.deep else 0
    total = any_mixture.weights.sum() + any_mixture.mixed_weights.sum() + deep + any_mixture.outliers
    assert total == pytest.approx(1)


def test_pure_classes_integrate_to_their_weights(any_mixture):
    np.testing.assert_allclose(integral(pure_densities(any_mixture, X)), any_mixture.weights, atol=1e-6)


def test_pure_classes_are_gaussians(any_mixture):
    expected = any_mixture.weights * norm.pdf(X[:, None], any_mixture.means, any_mixture.sds)
    np.testing.assert_allclose(pure_densities(any_mixture, X), expected, atol=1e-9)


def test_mixed_voxels_integrate_to_their_weights(any_mixture):
    assert integral(mixed_density(any_mixture, X)) == pytest.approx(any_mixture.mixed_weights.sum(), abs=1e-6)


@pytest.mark.parametrize("pair", range(3))
def test_mixed_voxels_are_a_uniform_fraction_of_both_classes(pair):
    only = of(weights=(0.0, 0.0, 0.0), mixed_weights=np.eye(3)[pair], mixed_sd=12.0, outliers=0.0)
    a, b = only.means[list(MIXED_PAIRS[pair])]
    fraction = np.linspace(0, 1, 1001)
    expected = norm.pdf(X[::10, None], a + fraction * (b - a), only.mixed_sd).mean(1)
    # A few steps of the fraction stand for all of them, once the noise blurs them.
    np.testing.assert_allclose(mixed_density(only, X[::10]), expected, atol=0.02 * expected.max())


def test_pure_mixed_deep_and_outliers_make_the_density(any_mixture):
    parts = pure_densities(any_mixture, X).sum(1) + mixed_density(any_mixture, X) + deep_density(any_mixture, X)
    np.testing.assert_allclose(parts + outlier_density(any_mixture, X), any_mixture.density(X), rtol=1e-12)


def test_classes_share_out_everything_but_the_outliers(any_mixture):
    parts = any_mixture.class_densities(X).sum(1) + outlier_density(any_mixture, X)
    np.testing.assert_allclose(parts, any_mixture.density(X), rtol=1e-12)


def test_classes_integrate_to_their_share_of_the_tissue(any_mixture):
    np.testing.assert_allclose(integral(any_mixture.class_densities(X)) / 0.99, any_mixture.shares, atol=1e-6)


def test_shares_sum_to_one(any_mixture):
    assert any_mixture.shares.sum() == pytest.approx(1)


def test_equal_classes_are_parted_half_way():
    even = of(sds=(5.0, 5.0, 5.0), weights=(0.33, 0.33, 0.33), mixed_weights=(0.0, 0.0, 0.0))
    np.testing.assert_allclose(even.thresholds(), [40, 80], atol=0.1)


def test_a_wide_class_that_wins_beyond_the_outer_means_adds_no_threshold():
    wide = of(sds=(6.0, 30.0, 5.0))
    thresholds = wide.thresholds()
    assert wide.class_densities(np.array([-40.0, 140])).argmax(1).tolist() == [1, 1]
    assert 20 < thresholds[0] < 60 < thresholds[1] < 100
    assert len(thresholds) == 2


def test_the_likeliest_class_changes_at_the_thresholds(mixture):
    inside = X[(X > 20) & (X < 100)]
    expected = np.searchsorted(mixture.thresholds(), inside)
    winner = mixture.class_densities(inside).argmax(1)
    assert np.mean(winner != expected) < 0.001


# Overlap


def test_classes_far_apart_do_not_overlap():
    assert of(sds=(1.0, 1.0, 1.0), mixed_weights=(0.0, 0.0, 0.0)).overlap(X) < 1e-6


@pytest.mark.parametrize("sd", [5.0, 10.0, 20.0, 40.0])
def test_overlap_is_the_share_beyond_the_half_way(sd):
    two = of(means=(0.0, 60.0, 1e6), sds=(sd, sd, 1.0), weights=(0.5, 0.5, 0.0), mixed_weights=(0.0, 0.0, 0.0))
    grid = np.linspace(-300, 360, 20_001)
    assert two.overlap(grid) == pytest.approx(norm.cdf(-30 / sd), abs=1e-3)


def test_more_noise_is_more_overlap():
    found = [of(sds=(sd, sd, sd), mixed_sd=sd).overlap(X) for sd in (2.0, 6.0, 12.0, 24.0)]
    assert found == sorted(found)
    assert 0 <= found[0] < found[-1] < 2 / 3


# Fractions


def test_expected_fractions_sum_to_one(any_mixture):
    fractions = any_mixture.expected_fractions(X)
    assert fractions.shape == (3, 3, len(X))
    assert fractions.min() >= 0
    np.testing.assert_allclose(fractions.sum(1), 1)


def test_at_a_pure_mean_far_from_all_others_a_voxel_holds_one_tissue():
    found = of(sds=(1.0, 1.0, 1.0), mixed_sd=1.0, mixed_weights=(0.02, 0.02, 0.0)).expected_fractions(np.array(MEANS))
    for k in range(3):
        assert found[k, k, k] > 0.99


def test_half_way_between_two_classes_a_voxel_holds_half_of_both():
    found = of(sds=(1.0, 1.0, 1.0), mixed_weights=(0.1, 0.1, 0.0)).expected_fractions(np.array([40.0, 80.0]))
    step = 1 / FRACTION_STEPS
    for at, (dark, bright) in enumerate([(0, 1), (1, 2)]):
        for k, other in ((dark, bright), (bright, dark)):
            assert found[k, k, at] == pytest.approx(0.5, abs=step)
            assert found[k, other, at] == pytest.approx(0.5, abs=step)


def test_a_voxel_that_is_mostly_one_class_is_expected_to_hold_most_of_it(any_mixture):
    fractions = any_mixture.expected_fractions(X)
    for k in range(3):
        assert fractions[k, k].min() > 0.5


def test_fractions_far_outside_all_classes_are_finite(any_mixture):
    fractions = any_mixture.expected_fractions(np.array([-1e6, 1e6]))
    np.testing.assert_allclose(fractions.sum(1), 1)


def test_mean_fractions_are_those_that_the_weights_say(any_mixture):
    """Over all voxels of the mixture, each is expected to hold what was mixed into it."""
    held = np.einsum("nk,kfn->nf", any_mixture.class_densities(X), any_mixture.expected_fractions(X))
    per_component = any_mixture.structure.members @ any_mixture.fractions
    per_component /= any_mixture.structure.members.sum(1, keepdims=True)
    weights = 0.99 * any_mixture.zone_shares @ any_mixture.parameters.weights
    np.testing.assert_allclose(integral(held), weights @ per_component, atol=1e-5)


# Deep gray matter


@pytest.mark.parametrize(("deep", "means"), [((1, 2), (20.0, 60.0, 100.0, 75.0)), ((1, 0), (20.0, 60.0, 100.0, 45.0))])
def test_deep_gray_matter_is_gray_matter(deep, means):
    mixture = deep_of(deep, means=means)
    share, mean, sd = mixture.deep_gray
    assert mean == means[3]
    assert sd == mixture.mixed_sd
    np.testing.assert_allclose(deep_density(mixture, X), share * norm.pdf(X, mean, sd), atol=1e-12)
    np.testing.assert_allclose(mixture.fractions.sum(1), 1)
    assert mixture.fractions.shape[1] == 3
    assert mixture.class_of[-1] == deep[0]
    assert mixture.fractions[-1, deep[0]] == 1


def test_edges_of_deep_gray_matter_count_with_those_of_gray_and_white():
    mixture = deep_of((1, 2))
    only_deep = np.zeros((1, 12))
    only_deep[0, 9:11] = 0.5
    edges = replace(mixture, parameters=replace(mixture.parameters, weights=only_deep))
    np.testing.assert_allclose(edges.mixed_weights, [0, 0.99, 0])
    np.testing.assert_allclose(edges.shares, [0, 0.5, 0.5])


# Once the voxels are named


@pytest.fixture
def drawn(mixture):
    curves = TissueDensities(
        weights=np.array([0.2, 0.3, 0.1, 0.35, 0.05]),
        means=np.array([25.0, 58.0, 70.0, 99.0, 140.0]),
        sds=np.array([6.0, 4.0, 8.0, 5.0, 10.0]),
        class_of=np.array([0, 1, 1, 2, 3]),
        classes=3,
    )
    return replace(mixture, curves=curves)


def test_the_sum_is_that_of_the_curves_drawn_and_what_none_explains(mixture, drawn):
    parts = drawn.class_curves(X).sum(1) + drawn.unexplained_curve(X)
    np.testing.assert_allclose(drawn.density(X), parts, rtol=1e-12)
    assert integral(drawn.density(X)) == pytest.approx(1, abs=1e-4)
    assert not np.allclose(drawn.density(X), mixture.density(X), rtol=0.1)


def test_before_the_voxels_are_named_the_curves_are_those_of_the_model(mixture):
    parts = mixture.class_curves(X).sum(1) + mixture.unexplained_curve(X)
    np.testing.assert_allclose(mixture.density(X), parts, rtol=1e-12)


def test_the_likeliest_class_changes_where_the_curves_cross(drawn):
    (low, *first), (high, *second) = drawn.crossings()
    assert (first, second) == ([0, 1], [1, 2])
    for level, (a, b) in ((low, first), (high, second)):
        around = drawn.class_curves(np.array([level - 0.1, level + 0.1]))
        assert around[0, a] > around[0, b]
        assert around[1, a] < around[1, b]


# Zones and channels


def test_zones_average_to_the_whole(any_mixture):
    densities = any_mixture.zone_densities(X)
    assert densities.shape == (3, len(any_mixture.zone_shares), len(X))
    whole = np.einsum("z,kzn->nk", any_mixture.zone_shares, densities)
    np.testing.assert_allclose(whole, any_mixture.class_densities(X), rtol=1e-9, atol=1e-300)


def test_each_zone_integrates_to_one_but_for_outliers(any_mixture):
    densities = any_mixture.zone_densities(X).sum(0)
    np.testing.assert_allclose(integral(densities.T), 0.99, atol=1e-6)


@pytest.fixture
def joint():
    """Two channels of correlated noise."""
    rng = np.random.default_rng(1)
    covariances = np.array([[[36, 10], [10, 25]], [[16, -5], [-5, 25]], [[25, 0], [0, 9]], [[20, 2], [2, 20]]], float)
    means = np.array([[20.0, 90], [60, 50], [100, 30]])
    ends = (np.array([-50.0, -50]), np.array([150.0, 200]))
    parameters = Parameters(means, covariances, rng.dirichlet(np.full(9, 3.0))[None], 0.01)
    return Mixture(
        parameters=parameters,
        zone_shares=np.ones(1),
        layout=MixtureLayout(),
        outlier_range=ends,
        log_likelihood=0.0,
        iterations=1,
        converged=True,
    )


def test_density_in_two_channels_integrates_to_one(joint):
    side = np.linspace(-60, 210, 541)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), -1)
    total = np.trapezoid(np.trapezoid(joint.density(grid.reshape(-1, 2)).reshape(541, 541), side), side)
    assert total == pytest.approx(1, abs=1e-3)


def test_pure_classes_in_two_channels_are_gaussians_with_their_covariances(joint):
    points = np.random.default_rng(2).uniform(0, 120, (200, 2))
    for k, density in enumerate(pure_densities(joint, points).T):
        gaussian = multivariate_normal(joint.parameters.means[k], joint.parameters.covariances[k])
        np.testing.assert_allclose(density, joint.weights[k] * gaussian.pdf(points), rtol=1e-8)


def test_of_the_first_channel_alone_it_is_the_marginal(joint):
    other = np.linspace(-80, 260, 3401)
    for value in (20.0, 45.0, 97.0):
        over = joint.class_densities(np.stack([np.full_like(other, value), other], 1))
        np.testing.assert_allclose(
            np.trapezoid(over, other, axis=0), joint.class_densities(np.array([value]))[0], rtol=1e-6
        )
    assert joint.channels == 2
    np.testing.assert_allclose(joint.means, joint.parameters.means[:, 0])
    np.testing.assert_allclose(joint.sds, [6, 4, 5])
