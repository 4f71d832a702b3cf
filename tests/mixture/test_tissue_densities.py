import numpy as np
import pytest
from scipy.stats import norm

from mriseg.mixture.histogram import Histogram
from mriseg.mixture.tissue_densities import (
    MOST_PARTS,
    MOST_UNEXPLAINED_PARTS,
    TissueDensities,
    fit_tissue_densities,
    misfit,
)

LEVELS = np.arange(256.0)


def counts_of(values):
    return np.histogram(values, 256, (-0.5, 255.5))[0].astype(float)


@pytest.fixture
def skewed():
    """A fluid that reaches into gray matter, gray matter with deep nuclei, white matter, and 1 % of vessels."""
    rng = np.random.default_rng(0)
    fluid = 20 + rng.gamma(2.0, 9.0, 8_000)
    gray = np.concatenate([rng.normal(105, 9, 18_000), rng.normal(128, 7, 5_000)])
    white = rng.laplace(170, 5, 20_000)
    return np.stack([counts_of(values) for values in (fluid, gray, white)]), counts_of(rng.normal(235, 8, 500))


@pytest.fixture
def fitted(skewed):
    by_class, vessels = skewed
    hist = Histogram(LEVELS, by_class.sum(0) + vessels)
    return hist, fit_tissue_densities(hist, by_class)


def test_the_sum_follows_the_bars_where_a_gaussian_a_tissue_does_not(fitted, skewed):
    hist, curves = fitted
    share, by_chance = misfit(hist, curves.density(LEVELS))
    assert share < by_chance + 0.02
    by_class, total = skewed[0], hist.counts.sum()
    plain = np.zeros(256)
    for counts in by_class:
        mean = np.average(LEVELS, weights=counts)
        sd = np.sqrt(np.average((LEVELS - mean) ** 2, weights=counts))
        plain += counts.sum() / total * norm.pdf(LEVELS, mean, sd)
    assert share < misfit(hist, plain)[0] / 3


def test_each_curve_is_that_of_its_own_voxels(fitted, skewed):
    hist, curves = fitted
    by_class, vessels = skewed
    total = hist.counts.sum()
    np.testing.assert_allclose(curves.class_shares, by_class.sum(1) / total, atol=1e-6)
    assert curves.unexplained == pytest.approx(vessels.sum() / total, rel=1e-6)
    for k, counts in enumerate(by_class):
        own = curves.class_densities(LEVELS)[:, k] / curves.class_shares[k]
        share, by_chance = misfit(Histogram(LEVELS, counts), own)
        assert share < by_chance + 0.025
        mean = np.average(LEVELS, weights=counts)
        assert curves.class_means[k] == pytest.approx(mean, abs=0.1)
        assert curves.class_sds[k] == pytest.approx(np.sqrt(np.average((LEVELS - mean) ** 2, weights=counts)), rel=0.05)


def test_density_is_the_sum_of_what_is_shown_and_integrates_to_one(fitted):
    _, curves = fitted
    x = np.linspace(-200, 500, 20_001)
    shown = curves.class_densities(x).sum(1) + curves.unexplained_density(x)
    np.testing.assert_allclose(curves.density(x), shown, rtol=1e-12)
    assert np.trapezoid(shown, x) == pytest.approx(1, abs=1e-6)


def test_the_sum_has_no_cliff(fitted):
    _, curves = fitted
    density = curves.density(np.linspace(0, 255, 4096))
    assert np.abs(np.diff(density)).max() < 0.02 * density.max()


def test_a_plain_tissue_has_one_gaussian_and_none_has_more_than_allowed(fitted):
    _, curves = fitted
    parts = np.bincount(curves.class_of)
    assert parts[:3].max() <= MOST_PARTS
    assert parts[3] <= MOST_UNEXPLAINED_PARTS
    plain = counts_of(np.random.default_rng(1).normal(120, 12, 30_000))
    assert len(fit_tissue_densities(Histogram(LEVELS, plain), plain[None]).weights) == 1


@pytest.mark.parametrize("spread", [0, 1])
def test_few_gray_levels_give_no_spikes_and_no_nan(spread):
    counts = np.zeros((2, 16))
    counts[0, 3 : 4 + spread], counts[1, 12 - spread : 13] = 1000, 3000
    hist = Histogram(np.arange(16.0) * 17, counts.sum(0))
    curves = fit_tissue_densities(hist, counts)
    assert np.isfinite(curves.density(hist.levels)).all()
    assert curves.sds.min() >= 17 * 0.5 - 1e-9


def test_a_class_without_voxels_has_no_curve_and_no_mean():
    counts = np.stack([counts_of(np.random.default_rng(2).normal(100, 10, 5000)), np.zeros(256)])
    curves = fit_tissue_densities(Histogram(LEVELS, counts.sum(0)), counts)
    assert not curves.class_densities(LEVELS)[:, 1].any()
    assert np.isnan(curves.class_means[1])
    assert curves.class_shares.tolist() == pytest.approx([1, 0])


def test_another_unit_scales_the_curves(skewed):
    by_class, vessels = skewed
    hist = Histogram(LEVELS, by_class.sum(0) + vessels)
    a, b = (fit_tissue_densities(Histogram(LEVELS * unit + 7, hist.counts), by_class) for unit in (1, 1000))
    np.testing.assert_allclose((b.means - 7) / 1000, a.means - 7, rtol=1e-6)
    np.testing.assert_allclose(b.sds / 1000, a.sds, rtol=1e-6)


def test_misfit_is_the_share_of_voxels_beside_their_place():
    even = Histogram(np.arange(4.0), np.array([30.0, 30.0, 20.0, 20.0]))
    assert misfit(even, np.full(4, 0.25))[0] == pytest.approx(0.1)
    half = Histogram(np.arange(4.0) * 2, even.counts)
    assert misfit(half, np.full(4, 0.125))[0] == pytest.approx(0.1)


def test_gaussians_of_a_class_come_heaviest_first():
    curves = TissueDensities(
        weights=np.array([0.2, 0.5, 0.3]),
        means=np.array([10.0, 20.0, 30.0]),
        sds=np.ones(3),
        class_of=np.array([0, 0, 1]),
        classes=2,
    )
    assert curves.gaussians_of(0) == [(0.5, 20.0, 1.0), (0.2, 10.0, 1.0)]
    assert curves.gaussians_of(2) == []
