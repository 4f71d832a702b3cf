import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from mriseg import HistogramGaussianMixture

# So tight that any algorithm has reached the optimum, and bins enough that nothing is rounded.
EXACT = {"tol": 1e-12, "variance_floor": 1e-12, "max_iter": 5000, "n_bins": 20_000}


@parametrize_with_checks([HistogramGaussianMixture(), HistogramGaussianMixture(covariance_type="tied")])
def test_scikit_learn_conventions_hold(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def voxels():
    """Integer intensities of three classes, as a scanner stores them."""
    rng = np.random.default_rng(0)
    parts = [rng.normal(m, s, n) for m, s, n in ((60, 12, 2000), (120, 9, 5000), (165, 8, 4000))]
    return np.rint(np.concatenate(parts))[:, None]


@pytest.fixture(scope="module")
def plane():
    """Two contrasts of the same voxels."""
    rng = np.random.default_rng(1)
    spread = np.array([[9.0, 3], [0, 7]])
    parts = [m + rng.normal(size=(n, 2)) @ spread for m, n in (((60, 150), 1500), ((120, 90), 2500), ((165, 60), 2000))]
    return np.rint(np.concatenate(parts))


def peer(ours, X, kind):
    """The mixture of scikit-learn from the same start to the same tolerance, components by ascending mean."""
    precisions = np.linalg.inv(ours.covariances_)
    # Moved off the optimum, so that it has to find it by itself.
    theirs = GaussianMixture(
        3,
        covariance_type=kind,
        tol=EXACT["tol"],
        max_iter=EXACT["max_iter"],
        reg_covar=1e-10,
        means_init=ours.means_ + 3,
        weights_init=np.full(3, 1 / 3),
        precisions_init=precisions / 1.5,
    ).fit(X)
    assert theirs.converged_
    order = np.argsort(theirs.means_[:, 0])
    covariances = theirs.covariances_ if kind == "tied" else theirs.covariances_[order]
    return theirs, theirs.means_[order], covariances, theirs.weights_[order]


@pytest.mark.parametrize("kind", ["full", "tied"])
@pytest.mark.parametrize("data", ["voxels", "plane"])
def test_finds_the_optimum_that_scikit_learn_finds(data, kind, request):
    X = request.getfixturevalue(data)
    ours = HistogramGaussianMixture(3, covariance_type=kind, **EXACT).fit(X)
    theirs, means, covariances, weights = peer(ours, X, kind)
    np.testing.assert_allclose(ours.means_, means, rtol=1e-5)
    np.testing.assert_allclose(ours.covariances_, covariances, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(ours.weights_, weights, atol=1e-5)
    assert ours.score(X) == pytest.approx(theirs.score(X), abs=1e-8)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_criteria_are_those_of_scikit_learn(plane, kind):
    ours = HistogramGaussianMixture(3, covariance_type=kind, **EXACT).fit(plane)
    theirs, *_ = peer(ours, plane, kind)
    assert ours.bic(plane) == pytest.approx(theirs.bic(plane), rel=1e-7)
    assert ours.aic(plane) == pytest.approx(theirs.aic(plane), rel=1e-7)
    np.testing.assert_allclose(ours.score_samples(plane), theirs.score_samples(plane), atol=1e-5)
    assert np.mean(np.argsort(np.argsort(theirs.means_[:, 0]))[theirs.predict(plane)] != ours.predict(plane)) < 1e-3


def test_integers_on_few_levels_lose_nothing_to_the_histogram(voxels):
    binned = HistogramGaussianMixture(3, tol=1e-10, n_bins=4096).fit(voxels)
    unbinned = HistogramGaussianMixture(3, tol=1e-10, n_bins=len(voxels)).fit(voxels)
    np.testing.assert_allclose(binned.means_, unbinned.means_, rtol=1e-6)
    np.testing.assert_allclose(binned.covariances_, unbinned.covariances_, rtol=1e-5)
    assert binned.lower_bound_ == pytest.approx(binned.score(voxels), abs=1e-6)


def test_rounding_to_bins_changes_little():
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(m, 1, (5000, 1)) for m in (0, 5, 9)])
    fine = HistogramGaussianMixture(3, **EXACT).fit(X)
    coarse = HistogramGaussianMixture(3, n_bins=1024, tol=1e-10).fit(X)
    np.testing.assert_allclose(coarse.means_, fine.means_, atol=2e-3)


def test_likelihood_never_falls(voxels):
    bounds = HistogramGaussianMixture(3, tol=1e-12).fit(voxels).lower_bounds_
    # The floor of the variances is added after each step and may cost its millionth.
    assert np.diff(bounds).min() > -1e-9


def test_lower_bound_is_the_score_of_the_training_data(voxels):
    ours = HistogramGaussianMixture(3, tol=1e-10).fit(voxels)
    assert ours.lower_bound_ == pytest.approx(ours.score(voxels), abs=1e-7)
    assert ours.lower_bound_ == ours.lower_bounds_[-1]


def test_twice_gives_the_same_bits(plane):
    first, second = (HistogramGaussianMixture(3).fit(plane) for _ in range(2))
    np.testing.assert_array_equal(first.means_, second.means_)
    np.testing.assert_array_equal(first.covariances_, second.covariances_)


def test_the_order_of_the_samples_does_not_matter(plane):
    shuffled = np.random.default_rng(3).permutation(plane)
    first, second = (HistogramGaussianMixture(3, **EXACT).fit(X) for X in (plane, shuffled))
    np.testing.assert_allclose(first.means_, second.means_, rtol=1e-6)


@pytest.mark.parametrize("data", ["voxels", "plane"])
def test_weights_are_repeats(data, request):
    X = request.getfixturevalue(data)
    levels, counts = np.unique(X, axis=0, return_counts=True)
    weighted = HistogramGaussianMixture(3, **EXACT).fit(levels, sample_weight=counts)
    repeated = HistogramGaussianMixture(3, **EXACT).fit(X)
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-5)
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, atol=1e-5)


def test_a_sample_of_no_weight_does_not_count(voxels):
    X = np.append(voxels, [[5000.0]], axis=0)
    weights = np.append(np.ones(len(voxels)), 0)
    with_it = HistogramGaussianMixture(3).fit(X, sample_weight=weights)
    np.testing.assert_allclose(with_it.means_, HistogramGaussianMixture(3).fit(voxels).means_, rtol=1e-6)


@pytest.mark.parametrize("kind", ["full", "tied"])
def test_moving_and_scaling_a_column_moves_and_scales_the_mixture(plane, kind):
    scale, shift = np.array([1000.0, 0.01]), np.array([-5e4, 3.0])
    here = HistogramGaussianMixture(3, covariance_type=kind, **EXACT).fit(plane)
    there = HistogramGaussianMixture(3, covariance_type=kind, **EXACT).fit(plane * scale + shift)
    np.testing.assert_allclose(there.means_, here.means_ * scale + shift, rtol=1e-5)
    np.testing.assert_allclose(there.covariances_, here.covariances_ * np.outer(scale, scale), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(there.weights_, here.weights_, atol=1e-6)


def test_a_component_on_one_repeated_value_stays_finite():
    rng = np.random.default_rng(4)
    X = np.concatenate([np.zeros(500), np.rint(rng.normal(100, 5, 1000)), np.rint(rng.normal(160, 5, 1000))])[:, None]
    ours = HistogramGaussianMixture(3).fit(X)
    assert ours.means_[0, 0] == pytest.approx(0, abs=1e-6)
    assert ours.covariances_[0, 0, 0] == pytest.approx(1e-6 * X.var(), rel=1e-3)
    assert np.isfinite(ours.lower_bounds_).all()


def test_posteriors_sum_to_one_and_agree_with_the_labels(plane):
    ours = HistogramGaussianMixture(3).fit(plane)
    posteriors = ours.predict_proba(plane)
    np.testing.assert_allclose(posteriors.sum(1), 1)
    np.testing.assert_array_equal(posteriors.argmax(1), ours.predict(plane))


def test_a_sample_far_from_all_components_has_finite_posteriors(voxels):
    posteriors = HistogramGaussianMixture(3).fit(voxels).predict_proba(np.array([[1e7]]))
    assert posteriors.sum() == pytest.approx(1)


def test_components_are_ordered_by_mean(voxels):
    assert (np.diff(HistogramGaussianMixture(3).fit(-voxels).means_[:, 0]) > 0).all()


def test_says_when_it_did_not_converge(voxels):
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        ours = HistogramGaussianMixture(3, max_iter=3).fit(voxels)
    assert not ours.converged_
    assert ours.n_iter_ == len(ours.lower_bounds_) <= 3


def test_converges_without_a_warning_by_default(voxels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert HistogramGaussianMixture(3).fit(voxels).converged_


@pytest.mark.parametrize("setting", [{"n_components": 0}, {"covariance_type": "diag"}, {"tol": -1}, {"n_bins": 1}])
def test_settings_outside_their_range_are_refused(voxels, setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        HistogramGaussianMixture(**setting).fit(voxels)
