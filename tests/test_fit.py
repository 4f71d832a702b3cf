from itertools import combinations, pairwise

import numpy as np
import pytest

from mriseg.errors import SeparationError
from mriseg.fit import MIN_VOXELS, fit, least_variance_partition
from mriseg.histogram import Histogram, histogram
from mriseg.mixture import MIXED_PAIRS

MEANS, SDS = np.array([200.0, 600, 900]), np.array([40.0, 30, 25])
WEIGHTS, MIXED = np.array([0.15, 0.35, 0.30]), np.array([0.10, 0.08, 0.02])


@pytest.fixture(scope="module")
def bars():
    """Histogram of samples drawn from three classes and the mixed voxels between them."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(300_000, np.concatenate([WEIGHTS, MIXED]))
    samples = [rng.normal(m, s, n) for m, s, n in zip(MEANS, SDS, counts, strict=False)]
    for (a, b), n in zip(MIXED_PAIRS, counts[3:], strict=True):
        samples.append(rng.normal(MEANS[a] + rng.random(n) * (MEANS[b] - MEANS[a]), 30))
    return histogram(np.concatenate(samples))


@pytest.fixture(scope="module")
def fitted(bars):
    return fit(bars, fluid_is_dark=True)


# What is expected of a brain pulls at what was drawn here, by a few percent.


def test_means_come_back(fitted):
    np.testing.assert_allclose(fitted.means, MEANS, atol=6)


def test_spreads_come_back(fitted):
    np.testing.assert_allclose(fitted.sds, SDS, rtol=0.15)


def test_weights_come_back(fitted):
    np.testing.assert_allclose(fitted.weights, WEIGHTS, atol=0.04)
    assert fitted.mixed_weights.sum() == pytest.approx(MIXED.sum(), abs=0.08)
    # A few voxels between the outer two look like a few more of the other pairs.
    np.testing.assert_allclose(fitted.mixed_weights, MIXED, atol=0.06)


def test_pure_mixed_and_outliers_sum_to_one(fitted):
    assert fitted.weights.sum() + fitted.mixed_weights.sum() + fitted.outliers == pytest.approx(1)


def test_log_likelihood_is_that_of_the_density(bars, fitted):
    expected = np.average(np.log(fitted.density(bars.levels)), weights=bars.counts)
    assert fitted.log_likelihood == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (7.0, 0.0), (1e6, 0.0), (1.0, 3e4), (0.5, -1500.0)])
def test_scaling_and_shifting_the_intensities_scales_and_shifts_the_classes(bars, fitted, scale, shift):
    moved = fit(Histogram(scale * bars.levels + shift, bars.counts), fluid_is_dark=True)
    np.testing.assert_allclose(moved.means, scale * fitted.means + shift, rtol=1e-4)
    np.testing.assert_allclose(moved.sds, scale * fitted.sds, rtol=1e-3)
    np.testing.assert_allclose(moved.weights, fitted.weights, atol=1e-3)
    np.testing.assert_allclose(moved.mixed_weights, fitted.mixed_weights, atol=1e-3)


def test_inverting_the_intensities_reverses_the_classes(bars, fitted):
    inverted = fit(Histogram(-bars.levels[::-1], bars.counts[::-1]), fluid_is_dark=False)
    np.testing.assert_allclose(inverted.means, -fitted.means[::-1], atol=2)
    np.testing.assert_allclose(inverted.sds, fitted.sds[::-1], rtol=0.1)
    np.testing.assert_allclose(inverted.weights, fitted.weights[::-1], atol=0.01)
    np.testing.assert_allclose(inverted.mixed_weights, fitted.mixed_weights[[1, 0, 2]], atol=0.01)


def test_twice_gives_the_same_bits(bars, fitted):
    again = fit(bars, fluid_is_dark=True)
    np.testing.assert_array_equal(again.means, fitted.means)
    np.testing.assert_array_equal(again.weights, fitted.weights)


def test_a_start_at_the_optimum_stays(bars, fitted):
    again = fit(bars, fluid_is_dark=True, start=fitted)
    np.testing.assert_allclose(again.means, fitted.means, atol=2)
    assert again.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-4)
    assert again.iterations < fitted.iterations


def test_fluid_that_is_little_and_seldom_pure_keeps_a_class_of_its_own():
    # As in a tight mask on a T1-weighted slice: by likelihood alone the dark class takes the dark half of gray matter.
    rng = np.random.default_rng(1)
    gray, white = rng.normal(600, 45, 40_000), rng.normal(850, 35, 40_000)
    edge = rng.normal(600 + 250 * rng.random(15_000), 40)
    fluid = rng.normal(250 + 350 * rng.random(6_000), 40)
    found = fit(histogram(np.concatenate([gray, white, edge, fluid])), fluid_is_dark=True)
    assert found.means[0] < 450
    np.testing.assert_allclose(found.means[1:], [600, 850], atol=30)


@pytest.mark.parametrize("share", [0.03, 0.08])
def test_bone_darker_than_every_tissue_is_an_outlier_where_fluid_is_bright(share):
    rng = np.random.default_rng(2)
    n = 100_000
    tissue = [rng.normal(360, 35, int(0.4 * n)), rng.normal(480, 40, int(0.4 * n)), rng.normal(1000, 80, int(0.15 * n))]
    found = fit(histogram(np.concatenate([*tissue, rng.uniform(0, 200, int(share * n))])), fluid_is_dark=False)
    np.testing.assert_allclose(found.means[:2], [360, 480], atol=15)
    assert found.outliers > 0.5 * share


def test_a_class_on_one_gray_level_keeps_a_spread():
    counts = np.zeros(101)
    counts[[0, 50, 100]] = 1000
    counts[[1, 49, 99]] = 10
    assert fit(Histogram(np.arange(101.0), counts), True).sds.min() > 0


def test_a_far_outlier_moves_no_class(bars, fitted):
    levels = np.append(bars.levels, bars.levels[-1] + 5000)
    tailed = fit(Histogram(levels, np.append(bars.counts, 30.0)), True)
    np.testing.assert_allclose(tailed.means, fitted.means, atol=4)


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_too_few_gray_levels_are_refused(levels):
    with pytest.raises(SeparationError, match=f"{levels} gray levels"):
        fit(Histogram(np.arange(float(levels)), np.full(levels, 1000.0)), True)


def test_too_few_voxels_are_refused():
    with pytest.raises(SeparationError, match="too few"):
        fit(Histogram(np.arange(100.0), np.full(100, (MIN_VOXELS - 1) / 100)), True)


def test_empty_levels_do_not_count():
    counts = np.zeros(100)
    counts[[3, 50, 90]] = 1000
    with pytest.raises(SeparationError):
        fit(Histogram(np.arange(100.0), counts), True)


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_partition_has_the_least_variance_of_all(parts):
    rng = np.random.default_rng(6)
    levels, counts = np.sort(rng.normal(size=12)), rng.integers(1, 20, 12).astype(float)

    def within(edges):
        pieces = [(levels[a:b], counts[a:b]) for a, b in pairwise(edges)]
        return sum((c * (v - np.average(v, weights=c)) ** 2).sum() for v, c in pieces)

    least = min(within((0, *cuts, 12)) for cuts in combinations(range(1, 12), parts - 1))
    edges = least_variance_partition(levels, counts, parts)
    assert len(edges) == parts + 1
    assert within(edges) == pytest.approx(least)


def test_no_part_of_a_partition_is_empty():
    counts = np.zeros(50)
    counts[[2, 3, 40]] = 5
    edges = least_variance_partition(np.arange(50.0), counts, 3)
    assert all(counts[a:b].sum() > 0 for a, b in pairwise(edges))
