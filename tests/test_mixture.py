from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from mriseg.mixture import MIXED_PAIRS, STRUCTURE, Mixture, uniform

X = np.linspace(-60, 200, 20_001)


@pytest.fixture
def mixture():
    return Mixture(
        means=np.array([20.0, 60, 100]),
        sds=np.array([6.0, 4, 5]),
        weights=np.array([0.15, 0.35, 0.3]),
        mixed_weights=np.array([0.08, 0.07, 0.04]),
        mixed_sd=4.0,
        outliers=0.01,
        outlier_range=(-50.0, 150.0),
        log_likelihood=0.0,
        iterations=1,
        converged=True,
    )


def strange(mixture, x):
    return mixture.outliers * uniform(x, mixture.outlier_range)


def integral(densities):
    return np.trapezoid(densities, X, axis=0)


def test_density_integrates_to_one(mixture):
    assert integral(mixture.density(X)) == pytest.approx(1, abs=1e-4)


def test_outliers_lie_in_their_range_alone(mixture):
    inside = uniform(X, (-50.0, 150.0))
    assert integral(inside) == pytest.approx(1, abs=1e-4)
    assert not inside[(X < -50) | (X > 150)].any()


def test_pure_classes_integrate_to_their_weights(mixture):
    np.testing.assert_allclose(integral(mixture.pure_densities(X)), mixture.weights, atol=1e-6)


def test_pure_classes_are_gaussians(mixture):
    expected = mixture.weights * norm.pdf(X[:, None], mixture.means, mixture.sds)
    np.testing.assert_allclose(mixture.pure_densities(X), expected, atol=1e-9)


def test_mixed_voxels_integrate_to_their_weights(mixture):
    assert integral(mixture.mixed_density(X)) == pytest.approx(mixture.mixed_weights.sum(), abs=1e-6)


@pytest.mark.parametrize("pair", range(3))
def test_mixed_voxels_are_a_uniform_fraction_of_both_classes(mixture, pair):
    only = replace(mixture, mixed_weights=np.eye(3)[pair], mixed_sd=12.0)
    a, b = mixture.means[list(MIXED_PAIRS[pair])]
    fraction = np.linspace(0, 1, 1001)
    expected = norm.pdf(X[::10, None], a + fraction * (b - a), only.mixed_sd).mean(1)
    # A few steps of the fraction stand for all of them, once the noise blurs them.
    np.testing.assert_allclose(only.mixed_density(X[::10]), expected, atol=0.02 * expected.max())


def test_pure_and_mixed_and_outliers_make_the_density(mixture):
    parts = mixture.pure_densities(X).sum(1) + mixture.mixed_density(X) + strange(mixture, X)
    np.testing.assert_allclose(parts, mixture.density(X), rtol=1e-12)


def test_classes_share_out_everything_but_the_outliers(mixture):
    parts = mixture.class_densities(X).sum(1) + strange(mixture, X)
    np.testing.assert_allclose(parts, mixture.density(X), rtol=1e-12)


def test_classes_integrate_to_their_share_of_the_tissue(mixture):
    np.testing.assert_allclose(integral(mixture.class_densities(X)) / 0.99, mixture.shares, atol=1e-6)


def test_shares_sum_to_one(mixture):
    assert mixture.shares.sum() == pytest.approx(1)


def test_equal_classes_are_parted_half_way(mixture):
    even = replace(mixture, sds=np.full(3, 5.0), weights=np.full(3, 0.33), mixed_weights=np.zeros(3))
    np.testing.assert_allclose(even.thresholds(), [40, 80], atol=0.1)


def test_a_wide_class_that_wins_beyond_the_outer_means_adds_no_threshold(mixture):
    wide = replace(mixture, sds=np.array([6.0, 30, 5]))
    thresholds = wide.thresholds()
    assert wide.class_densities(np.array([-40.0, 140])).argmax(1).tolist() == [1, 1]
    assert 20 < thresholds[0] < 60 < thresholds[1] < 100
    assert len(thresholds) == 2


def test_the_likeliest_class_changes_at_the_thresholds(mixture):
    inside = X[(X > 20) & (X < 100)]
    expected = np.searchsorted(mixture.thresholds(), inside)
    winner = mixture.class_densities(inside).argmax(1)
    assert np.mean(winner != expected) < 0.001


def test_responsibilities_sum_to_one(mixture):
    means, variances, posteriors = mixture.responsibilities(X)
    assert means.shape == variances.shape == (len(STRUCTURE.fractions),)
    np.testing.assert_allclose(posteriors.sum(1), 1)


def test_responsibilities_are_the_shares_of_the_density(mixture):
    x = X[(X > 0) & (X < 120)]
    _, _, posteriors = mixture.responsibilities(x)
    pure = mixture.pure_densities(x) / (mixture.density(x) - strange(mixture, x))[:, None]
    np.testing.assert_allclose(posteriors[:, :3], pure, atol=1e-9)


def test_each_gaussian_is_told_with_its_own_mean_and_variance(mixture):
    means, variances, _ = mixture.responsibilities(X[:1])
    np.testing.assert_allclose(means[:3], mixture.means)
    np.testing.assert_allclose(variances[:3], mixture.sds**2)
    np.testing.assert_allclose(variances[3:], mixture.mixed_sd**2)
    assert means[3:].min() > mixture.means[0]
    assert means[3:].max() < mixture.means[-1]
