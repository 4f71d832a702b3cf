import numpy as np
import pytest

from mriseg.mixture.histogram import Histogram
from mriseg.mixture.tissue_densities import TissueDensities
from mriseg.quality.definitions import FIGURES
from mriseg.quality.fit import fit_figures

CURVES = TissueDensities(
    weights=np.array([0.3, 0.7]),
    means=np.array([60.0, 140.0]),
    sds=np.array([10.0, 12.0]),
    class_of=np.array([0, 1]),
    classes=2,
)
LEVELS = np.arange(200.0)


def counted(voxels, moved=0, to=0):
    """As the curves say, but for some of the voxels, which lie at one level."""
    counts = (voxels - moved) * CURVES.density(LEVELS)
    counts[to] += moved
    return Histogram(LEVELS, counts)


def test_curves_that_follow_the_bars_miss_nothing_but_chance():
    rng = np.random.default_rng(0)
    exact = counted(50_000)
    drawn = [fit_figures(Histogram(LEVELS, rng.poisson(exact.counts).astype(float)), CURVES) for _ in range(20)]
    assert fit_figures(exact, CURVES)["misfit"] < 1e-4
    by_chance = fit_figures(exact, CURVES)["misfit_by_chance"]
    assert np.mean([figures["misfit"] for figures in drawn]) == pytest.approx(by_chance, rel=0.05)


def test_a_quarter_as_many_voxels_are_twice_as_ragged():
    many, few = (fit_figures(counted(voxels), CURVES)["misfit_by_chance"] for voxels in (80_000, 20_000))
    assert few == pytest.approx(2 * many, rel=1e-3)


@pytest.mark.parametrize(("to", "where"), [(20, "misfit_below"), (100, "misfit_between"), (190, "misfit_above")])
def test_voxels_beside_their_place_are_missed_where_they_lie(to, where):
    figures = fit_figures(counted(10_000, moved=1000, to=to), CURVES)
    assert figures["misfit"] == pytest.approx(0.1, abs=0.002)
    parts = {key: value for key, value in figures.items() if key not in ("misfit", "misfit_by_chance")}
    assert max(parts, key=parts.get) == where
    assert sum(parts.values()) == pytest.approx(figures["misfit"])


def test_every_figure_is_in_the_registry():
    assert set(fit_figures(counted(1000), CURVES)) == {f.key for f in FIGURES if f.key.startswith("misfit")}
