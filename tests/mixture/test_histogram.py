import numpy as np
import pytest

from mriseg.mixture.histogram import Cells, Histogram, histogram


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_few_integer_levels_are_counted_exactly(dtype):
    values = np.random.default_rng(0).integers(3, 250, 5000).astype(dtype)
    bars = histogram(values)
    np.testing.assert_array_equal(bars.levels, np.arange(values.min(), values.max() + 1))
    np.testing.assert_array_equal(bars.counts, np.bincount(values.astype(int))[int(values.min()) :])


# The widths at which the float32 reciprocal rounds down, and their neighbors.
@pytest.mark.parametrize("levels_a_bin", [2, 3, 7, 10, 41, 47, 55, 61, 64])
def test_equally_frequent_integer_levels_give_equal_bins(levels_a_bin):
    bars = histogram(np.arange(levels_a_bin * 1024, dtype=np.float32), bins=1024)
    np.testing.assert_array_equal(bars.counts, np.full(1024, levels_a_bin))


def test_every_value_lies_within_half_a_bin_of_its_level():
    rng = np.random.default_rng(1)
    for value in rng.normal(100, 30, 50):
        values = np.array([0.5, value, 200.25])
        bars = histogram(values)
        filled = bars.levels[bars.counts > 0]
        assert np.abs(filled[:, None] - values).min(0).max() <= bars.width * 0.5 + 1e-9


@pytest.mark.parametrize("integers", [False, True])
def test_no_value_is_lost(integers):
    values = np.random.default_rng(2).normal(0, 5000, 10_000)
    values = np.rint(values) if integers else values
    bars = histogram(values, bins=100)
    assert bars.counts.sum() == len(values)
    assert len(bars.counts) <= 100
    assert bars.levels[0] - bars.width / 2 <= values.min()
    assert bars.levels[-1] + bars.width / 2 >= values.max()


@pytest.mark.parametrize("integers", [False, True])
def test_weights_are_repeats(integers):
    rng = np.random.default_rng(3)
    values = rng.normal(50, 20, 500)
    values = np.rint(values) if integers else values
    weights = rng.integers(1, 5, 500)
    weighted, repeated = histogram(values, weights), histogram(np.repeat(values, weights))
    np.testing.assert_array_equal(weighted.counts, repeated.counts)
    np.testing.assert_array_equal(weighted.levels, repeated.levels)


def test_one_repeated_value_is_one_filled_bin():
    bars = histogram(np.full(10, 7.5))
    assert bars.counts.max() == 10
    assert bars.levels[bars.counts.argmax()] == 7.5
    assert bars.width > 0


def test_moving_the_values_moves_the_levels():
    values = np.random.default_rng(4).integers(0, 900, 3000)
    bars, moved = histogram(values), histogram(values - 500)
    np.testing.assert_array_equal(moved.counts, bars.counts)
    np.testing.assert_array_equal(moved.levels, bars.levels - 500)


def test_one_broken_integer_makes_the_values_real_numbers():
    values = np.arange(5000.0)
    values[1234] += 0.5  # between the thousand that are asked first
    assert histogram(values, bins=100).width == pytest.approx((values.max() - values.min()) / 99)


@pytest.mark.parametrize("bins", [7, 10, 64])
def test_rebinning_keeps_counts_and_center(bins):
    rng = np.random.default_rng(5)
    fine = Histogram(np.linspace(10, 20, 640), rng.integers(0, 50, 640).astype(float))
    coarse = fine.rebin(bins)
    assert len(coarse.counts) <= bins
    assert coarse.counts.sum() == fine.counts.sum()
    center = np.average(fine.levels, weights=fine.counts)
    assert np.average(coarse.levels, weights=coarse.counts) == pytest.approx(center, abs=coarse.width / 20)


def test_rebinning_to_as_many_bins_changes_nothing():
    bars = histogram(np.arange(100))
    assert bars.rebin(100) is bars


def test_cells_of_a_histogram_are_its_bars_in_one_zone():
    bars = histogram(np.random.default_rng(6).normal(size=500), bins=20)
    cells = Cells.of(bars)
    np.testing.assert_array_equal(cells.points, bars.levels[:, None])
    np.testing.assert_array_equal(cells.counts, bars.counts[None])


def test_what_differs_by_less_than_numbers_can_tell_is_of_one_value():
    """As the least number above a background of 0, which stands for the darkest tissue."""
    values = np.repeat(np.array([0, np.finfo(np.float32).tiny], np.float32), 500)
    counted = histogram(values)
    assert counted.counts[0] == counted.counts.sum() == 1000
