from itertools import pairwise, permutations

import numpy as np
import pytest

from mriseg.core.errors import SeparationError
from mriseg.core.tissue import Tissue
from mriseg.mixture.fit import FLUID_BRIGHT, FLUID_DARK, MIN_VOXELS, SHARE_STRENGTH, fit, fit_classes
from mriseg.mixture.histogram import Cells, Histogram, histogram
from mriseg.mixture.layout import MIXED_PAIRS
from mriseg.mixture.model import by_brightness, in_order
from mriseg.mixture.prior import PURE_SHARE_AT_START
from mriseg.mixture.spatial_prior import PriorZones

# The noise is that of the scanner, so that all spreads are alike.
MEANS, NOISE = np.array([200.0, 600, 900]), 30.0
WEIGHTS, MIXED = np.array([0.15, 0.35, 0.30]), np.array([0.10, 0.08, 0.02])


@pytest.fixture(scope="module")
def hist():
    """Histogram of samples drawn from three classes and the mixed voxels between them."""
    rng = np.random.default_rng(0)
    counts = rng.multinomial(300_000, np.concatenate([WEIGHTS, MIXED]))
    samples = [rng.normal(m, NOISE, n) for m, n in zip(MEANS, counts, strict=False)]
    for (a, b), n in zip(MIXED_PAIRS, counts[3:], strict=True):
        samples.append(rng.normal(MEANS[a] + rng.random(n) * (MEANS[b] - MEANS[a]), NOISE))
    return histogram(np.concatenate(samples))


@pytest.fixture(scope="module")
def fitted(hist):
    return fit(Cells.of(hist), FLUID_DARK)


# What is expected of a brain pulls at what was drawn here, by a few percent.


def test_means_come_back(fitted):
    np.testing.assert_allclose(fitted.means, MEANS, atol=6)


def test_spreads_come_back(fitted):
    np.testing.assert_allclose(fitted.sds, NOISE, rtol=0.1)
    assert fitted.mixed_sd == pytest.approx(NOISE, rel=0.1)


def test_weights_come_back(fitted):
    np.testing.assert_allclose(fitted.weights, WEIGHTS, atol=0.04)
    assert fitted.mixed_weights.sum() == pytest.approx(MIXED.sum(), abs=0.08)
    # A few voxels between the outer two look like a few more of the other pairs.
    np.testing.assert_allclose(fitted.mixed_weights, MIXED, atol=0.06)


def test_pure_mixed_and_outliers_sum_to_one(fitted):
    assert fitted.weights.sum() + fitted.mixed_weights.sum() + fitted.outliers == pytest.approx(1)


def test_log_likelihood_is_that_of_the_density(hist, fitted):
    expected = np.average(np.log(fitted.density(hist.levels)), weights=hist.counts)
    assert fitted.log_likelihood == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("scale", "shift"), [(1e-4, 0.0), (7.0, 0.0), (1e6, 0.0), (1.0, 3e4), (0.5, -1500.0)])
def test_scaling_and_shifting_the_intensities_scales_and_shifts_the_classes(hist, fitted, scale, shift):
    moved = fit(Cells.of(Histogram(scale * hist.levels + shift, hist.counts)), FLUID_DARK)
    np.testing.assert_allclose(moved.means, scale * fitted.means + shift, rtol=1e-4)
    np.testing.assert_allclose(moved.sds, scale * fitted.sds, rtol=1e-3)
    np.testing.assert_allclose(moved.weights, fitted.weights, atol=1e-3)
    np.testing.assert_allclose(moved.mixed_weights, fitted.mixed_weights, atol=1e-3)


def test_inverting_the_intensities_reverses_the_classes(hist, fitted):
    inverted = fit(Cells.of(Histogram(-hist.levels[::-1], hist.counts[::-1])), FLUID_BRIGHT)
    np.testing.assert_allclose(inverted.means, -fitted.means[::-1], atol=2)
    np.testing.assert_allclose(inverted.sds, fitted.sds[::-1], rtol=0.1)
    np.testing.assert_allclose(inverted.weights, fitted.weights[::-1], atol=0.01)
    np.testing.assert_allclose(inverted.mixed_weights, fitted.mixed_weights[[1, 0, 2]], atol=0.01)


def test_twice_gives_the_same_bits(hist, fitted):
    again = fit(Cells.of(hist), FLUID_DARK)
    np.testing.assert_array_equal(again.means, fitted.means)
    np.testing.assert_array_equal(again.weights, fitted.weights)


def test_a_start_at_the_optimum_stays(hist, fitted):
    again = fit(Cells.of(hist), FLUID_DARK, start=fitted)
    np.testing.assert_allclose(again.means, fitted.means, atol=2)
    assert again.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-4)
    assert again.iterations < fitted.iterations


def test_fluid_that_is_little_and_seldom_pure_keeps_a_class_of_its_own():
    # As in a tight mask on a T1-weighted slice: by likelihood alone the dark class takes the dark half of gray matter.
    rng = np.random.default_rng(1)
    gray, white = rng.normal(600, 45, 40_000), rng.normal(850, 35, 40_000)
    edge = rng.normal(600 + 250 * rng.random(15_000), 40)
    fluid = rng.normal(250 + 350 * rng.random(6_000), 40)
    found = fit(Cells.of(histogram(np.concatenate([gray, white, edge, fluid]))), FLUID_DARK)
    assert found.means[0] < 450
    np.testing.assert_allclose(found.means[1:], [600, 850], atol=30)


@pytest.mark.parametrize("share", [0.03, 0.08])
def test_bone_darker_than_every_tissue_is_an_outlier_where_fluid_is_bright(share):
    rng = np.random.default_rng(2)
    n = 100_000
    tissue = [rng.normal(360, 35, int(0.4 * n)), rng.normal(480, 40, int(0.4 * n)), rng.normal(1000, 80, int(0.15 * n))]
    bone = rng.uniform(0, 200, int(share * n))
    found = fit(Cells.of(histogram(np.concatenate([*tissue, bone]))), FLUID_BRIGHT)
    np.testing.assert_allclose(found.means[:2], [360, 480], atol=15)
    assert found.outliers > 0.5 * share


def test_a_class_on_one_gray_level_keeps_a_spread():
    counts = np.zeros(101)
    counts[[0, 50, 100]] = 1000
    counts[[1, 49, 99]] = 10
    assert fit(Cells.of(Histogram(np.arange(101.0), counts)), FLUID_DARK).sds.min() > 0


def test_a_far_outlier_moves_no_class(hist, fitted):
    levels = np.append(hist.levels, hist.levels[-1] + 5000)
    tailed = fit(Cells.of(Histogram(levels, np.append(hist.counts, 30.0))), FLUID_DARK)
    np.testing.assert_allclose(tailed.means, fitted.means, atol=4)


@pytest.mark.parametrize("levels", [1, 2, 5])
def test_too_few_gray_levels_are_refused(levels):
    with pytest.raises(SeparationError, match=f"{levels} gray levels"):
        fit(Cells.of(Histogram(np.arange(float(levels)), np.full(levels, 1000.0))), FLUID_DARK)


def test_too_few_voxels_are_refused():
    with pytest.raises(SeparationError, match="too few"):
        fit(Cells.of(Histogram(np.arange(100.0), np.full(100, (MIN_VOXELS - 1) / 100))), FLUID_DARK)


def test_empty_levels_do_not_count():
    counts = np.zeros(100)
    counts[[3, 50, 90]] = 1000
    with pytest.raises(SeparationError):
        fit(Cells.of(Histogram(np.arange(100.0), counts)), FLUID_DARK)


# Zones


SHARES = np.array([[0.25, 0.45, 0.30], [0.05, 0.55, 0.40]])  # of fluid, gray and white matter
FLUID_MEAN, GRAY_MEAN, WHITE_MEAN = 200.0, 600.0, 900.0
SIZES = 80_000, 20_000


def in_zones(deep_gray=GRAY_MEAN, inverted=False, deep=(0.0, 1.0)):
    """Cells of a brain in two zones, the second about the deep nuclei, and the zones."""
    rng = np.random.default_rng(1)
    values = []
    for size, shares, gray in zip(SIZES, SHARES, (GRAY_MEAN, deep_gray), strict=True):
        means = (FLUID_MEAN, gray, WHITE_MEAN)
        pure = [rng.normal(m, NOISE, n) for m, n in zip(means, rng.multinomial(0.8 * size, shares), strict=True)]
        edges = [rng.normal(a + rng.random(size // 10) * (b - a), NOISE) for a, b in pairwise(means)]
        values.append((-1 if inverted else 1) * np.concatenate([*pure, *edges]))
    hist = histogram(np.concatenate(values))
    edges = np.append(hist.levels, hist.levels[-1] + hist.width) - hist.width / 2
    counts = np.stack([np.histogram(part, edges)[0] for part in values]).astype(float)
    return Cells(hist.levels[:, None], counts), PriorZones(np.zeros((1, 1), np.int16), SHARES, np.array(deep))


@pytest.mark.parametrize("deep_gray", [600.0, 660, 700, 760])
@pytest.mark.parametrize("inverted", [False, True])
def test_deep_gray_matter_has_its_own_brightness(deep_gray, inverted):
    cells, zones = in_zones(deep_gray, inverted)
    sign, order = (-1, FLUID_BRIGHT) if inverted else (1, FLUID_DARK)
    found = fit(cells, order, zones)
    share, mean, sd = found.deep_gray
    assert mean == pytest.approx(sign * deep_gray, abs=8)
    assert sd == pytest.approx(NOISE, rel=0.1)
    assert share == pytest.approx(0.2 * 0.8 * 0.55, abs=0.03)
    np.testing.assert_allclose(found.means, sorted(sign * MEANS), atol=6)


def test_where_no_zone_is_deep_gray_matter_has_one_brightness():
    cells, zones = in_zones(deep=(0.0, 0.0))
    found = fit(cells, FLUID_DARK, zones)
    assert found.layout.deep is found.deep_gray is None
    np.testing.assert_allclose(found.means, MEANS, atol=6)


def test_each_zone_gets_its_own_shares():
    cells, zones = in_zones(deep=(0.0, 0.0))
    zones = PriorZones(zones.index, SHARES.mean(0)[None].repeat(2, 0), zones.deep)  # which were not expected
    found = fit(cells, FLUID_DARK, zones)
    of_class = np.stack(
        [found.parameters.weights[:, found.layout.class_of_component == k].sum(1) for k in range(3)],
        1,
    )
    expected = 0.8 * SHARES + 0.1 * np.array([0.5, 1.0, 0.5])
    np.testing.assert_allclose(of_class, expected, atol=0.03)
    np.testing.assert_allclose(found.zone_shares, [0.8, 0.2], atol=1e-6)
    np.testing.assert_allclose(found.shares, [0.8, 0.2] @ of_class, atol=1e-6)


def test_a_zone_without_a_tissue_does_not_lose_it_elsewhere():
    """All fluid lies in one zone of twenty, as in a brain with narrow ventricles."""
    rng = np.random.default_rng(4)
    values = [
        np.concatenate([rng.normal(600, NOISE, 40_000), rng.normal(900, NOISE, 40_000)]),
        rng.normal(200, NOISE, 1500),
    ]
    hist = histogram(np.concatenate(values))
    edges = np.append(hist.levels, hist.levels[-1] + hist.width) - hist.width / 2
    cells = Cells(hist.levels[:, None], np.stack([np.histogram(v, edges)[0] for v in values]).astype(float))
    zones = PriorZones(np.zeros((1, 1), np.int16), np.array([[0.02, 0.5, 0.48], [0.8, 0.1, 0.1]]), np.zeros(2))
    np.testing.assert_allclose(fit(cells, FLUID_DARK, zones).means, [200, 600, 900], atol=10)


@pytest.mark.parametrize("order", tuple(permutations(Tissue)))
@pytest.mark.parametrize("deep", [(0.0, 0.0), (0.0, 1.0)])
def test_another_order_of_the_classes_is_the_same_mixture(order, deep):
    cells, zones = in_zones(700.0, deep=deep)
    found = fit(cells, FLUID_DARK, zones)
    turned = in_order(found, order)
    back = in_order(turned, FLUID_DARK)
    x = np.linspace(0, 1100, 500)
    assert turned.tissues == order
    assert turned.deep_gray == found.deep_gray
    columns = [found.tissues.index(tissue) for tissue in order]
    np.testing.assert_allclose(turned.means, found.means[columns])
    np.testing.assert_allclose(turned.class_densities(x), found.class_densities(x)[:, columns])
    np.testing.assert_allclose(turned.density(x), found.density(x))
    np.testing.assert_array_equal(back.parameters.weights, found.parameters.weights)
    assert by_brightness(turned) == FLUID_DARK


# Several channels


COVARIANCE = np.array([[900.0, -500], [-500, 700]])
CENTERS = np.array([[200.0, 850], [600, 500], [900, 400]])


@pytest.fixture(scope="module")
def plane():
    """Two contrasts of the same voxels, whose noise is correlated; fluid dark on the one and bright on the other."""
    rng = np.random.default_rng(0)
    parts = [rng.multivariate_normal(m, COVARIANCE, n) for m, n in zip(CENTERS, (4000, 9000, 7000), strict=True)]
    for (a, b), n in zip(MIXED_PAIRS, (1500, 1500, 300), strict=True):
        f = rng.random((n, 1))
        parts.append(CENTERS[a] + f * (CENTERS[b] - CENTERS[a]) + rng.multivariate_normal([0, 0], COVARIANCE, n))
    points = np.concatenate(parts)
    return Cells(points, np.ones((1, len(points))))


@pytest.fixture(scope="module")
def first_channel(plane):
    return fit(Cells.of(histogram(plane.points[:, 0])), FLUID_DARK)


@pytest.fixture(scope="module")
def joint(plane, first_channel):
    return fit(plane, FLUID_DARK, start=first_channel)


def test_means_of_two_channels_come_back(joint):
    assert joint.channels == 2
    np.testing.assert_allclose(joint.parameters.means, CENTERS, atol=5)
    np.testing.assert_allclose(joint.means, CENTERS[:, 0], atol=5)


def test_the_full_covariance_of_two_channels_comes_back(joint):
    for found in joint.parameters.covariances:
        np.testing.assert_allclose(found, COVARIANCE, rtol=0.1)


def test_without_a_start_two_channels_are_begun_from_the_first(plane, joint):
    np.testing.assert_allclose(fit(plane, FLUID_DARK).parameters.means, joint.parameters.means, atol=1)


def test_turning_two_channels_turns_the_classes(plane, first_channel, joint):
    turn = np.array([[1.0, 0], [0.3, 2.0]])
    turned = fit(Cells(plane.points @ turn.T + [0, 70], plane.counts), FLUID_DARK, start=first_channel)
    np.testing.assert_allclose(turned.parameters.means, joint.parameters.means @ turn.T + [0, 70], atol=1)
    np.testing.assert_allclose(turned.parameters.covariances, turn @ joint.parameters.covariances @ turn.T, rtol=0.02)
    np.testing.assert_allclose(turned.weights, joint.weights, atol=2e-3)


def test_a_second_channel_of_noise_changes_little(hist):
    rng = np.random.default_rng(5)
    filled = hist.counts > 0
    levels = hist.levels[filled].repeat(np.minimum(hist.counts[filled], 50).astype(int))
    alone = fit(Cells.of(histogram(levels)), FLUID_DARK)
    points = np.stack([levels, rng.normal(0, 1, len(levels))], 1)
    beside = fit(Cells(points, np.ones((1, len(points)))), FLUID_DARK, start=alone)
    np.testing.assert_allclose(beside.means, alone.means, atol=5)
    np.testing.assert_allclose(beside.sds, alone.sds, rtol=0.1)


def test_a_second_channel_parts_what_the_first_cannot():
    rng = np.random.default_rng(6)
    centers = np.array([[200.0, 100], [600, 400], [620, 700]])
    parts = [rng.normal(m, NOISE, (n, 2)) for m, n in zip(centers, (4000, 9000, 7000), strict=True)]
    points = np.concatenate(parts)
    start = fit(Cells.of(histogram(points[:, 0])), FLUID_DARK)
    found = fit(Cells(points, np.ones((1, len(points)))), FLUID_DARK, start=start)
    np.testing.assert_allclose(found.parameters.means, centers, atol=10)


# Any number of classes


@pytest.mark.parametrize(
    "means",
    [
        (200.0, 600),
        (100.0, 300, 600),
        (100.0, 250, 400, 600),
        (100.0, 200, 330, 450, 600),
        (50.0, 150, 280, 400, 520, 650),
    ],
    ids=len,
)
def test_any_number_of_well_parted_classes_comes_back(means):
    rng = np.random.default_rng(2)
    sizes = [20_000 * (1 + k % 2) for k in range(len(means))]
    values = np.concatenate([rng.normal(m, 15, n) for m, n in zip(means, sizes, strict=True)])
    found = fit_classes(Cells.of(histogram(values)), len(means))
    assert found.classes == len(found.weights) == len(means)
    assert found.tissues == ()
    np.testing.assert_allclose(found.means, means, atol=2)
    np.testing.assert_allclose(found.sds, 15, rtol=0.1)
    # Even shares are expected, at SHARE_STRENGTH of the word of the data.
    even = np.full(len(means), PURE_SHARE_AT_START / len(means))
    for pair in found.layout.pairs:
        even[list(pair)] += (1 - PURE_SHARE_AT_START) / (2 * len(found.layout.pairs))
    expected = (np.array(sizes) / sum(sizes) + SHARE_STRENGTH * even) / (1 + SHARE_STRENGTH)
    np.testing.assert_allclose(found.shares, expected, atol=0.01)


@pytest.mark.parametrize(("classes", "number"), [(2, "two"), (4, "four"), (6, "six")])
def test_too_few_levels_for_so_many_classes_are_refused(classes, number):
    levels = 2 * classes - 1
    with pytest.raises(SeparationError, match=f"{levels} gray levels, too few for {number}"):
        fit_classes(Cells.of(Histogram(np.arange(float(levels)), np.full(levels, 1000.0))), classes)
