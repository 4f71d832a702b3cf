import numpy as np
import pytest

from mriseg.mixture.em import Parameters
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.likelihood import LEVELS, OUTLIERS_PERCENT, TableIndex, bin_voxels, log_likelihood_table
from mriseg.mixture.model import Mixture
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior

SHAPE = (24, 20, 18)
EVERYWHERE = np.ones(SHAPE, bool)
MEANS = np.array([[20.0, 90, 40], [60, 50, 70], [100, 30, 20]])


def mixture_of(channels=1, zones=1, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(MixtureLayout().components, 3.0), zones)
    covariances = np.diag(np.full(channels, 25.0)) * np.array([1.0, 0.7, 1.2, 0.9])[:, None, None]
    ends = (np.full(channels, -50.0), np.full(channels, 200.0))
    parameters = Parameters(MEANS[:, :channels], covariances, weights, 0.01)
    return Mixture(
        parameters=parameters,
        zone_shares=rng.dirichlet(np.full(zones, 5.0)),
        layout=MixtureLayout(),
        outlier_range=ends,
        log_likelihood=0.0,
        iterations=1,
        converged=True,
    )


def in_parts(count, shape=SHAPE, seed=0):
    """Random zones."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, count, shape).astype(np.int16)
    return PriorZones(index, rng.dirichlet(np.ones(3), count), np.zeros(count))


@pytest.fixture
def noisy():
    """A channel of each kind and a mask, with a few voxels far outside."""
    rng = np.random.default_rng(1)
    tissue = rng.integers(0, 3, SHAPE)
    channels = [(MEANS[tissue, c] + rng.normal(0, 4, SHAPE)).astype(np.float32) for c in range(3)]
    for data in channels:
        data[0, 0, :2] = -4000, 9000
    return channels


@pytest.fixture
def mask():
    return np.random.default_rng(2).random(SHAPE) < 0.6


def ends(data, inside):
    return np.percentile(data[inside], [OUTLIERS_PERCENT, 100 - OUTLIERS_PERCENT])


# Cells


def test_each_voxel_goes_to_the_nearest_level(noisy, mask):
    found = bin_voxels(noisy[:1], mask)
    levels = found.histograms[0].levels
    distance = np.abs(noisy[0].ravel()[:, None] - levels)
    here = np.abs(noisy[0] - levels[found.index]).ravel()
    np.testing.assert_allclose(here, distance.min(1), atol=1e-3 * found.histograms[0].width)


def test_levels_span_all_but_the_outermost_thousandths(noisy, mask):
    (bars,) = bin_voxels(noisy[:1], mask).histograms
    low, high = ends(noisy[0], mask)
    assert low <= bars.levels[0] < bars.levels[-1] <= high + bars.width
    assert -10 < bars.levels[0] < 20
    assert 100 < bars.levels[-1] < 130
    assert len(bars.levels) == LEVELS[1]


def test_what_lies_beyond_the_ends_counts_as_the_outermost(noisy, mask):
    found = bin_voxels(noisy[:1], mask)
    low, high = ends(noisy[0], mask)
    assert (noisy[0] < low).any()
    assert (noisy[0] > high).any()
    assert not found.index[noisy[0] < low].any()
    assert (found.index[noisy[0] > high] == len(found.histograms[0].levels) - 1).all()


def test_outside_the_mask_voxels_are_sorted_too_but_do_not_count(noisy, mask):
    disturbed = np.where(mask, noisy[0], 1e6).astype(np.float32)
    found, other = bin_voxels(noisy[:1], mask), bin_voxels([disturbed], mask)
    np.testing.assert_array_equal(found.histograms[0].levels, other.histograms[0].levels)
    np.testing.assert_array_equal(found.index[mask], other.index[mask])
    assert (other.index[~mask] == len(other.points) - 1).all()


@pytest.mark.parametrize("first", [0, -37, 1000])
def test_integer_intensities_keep_their_levels(first):
    data = np.random.default_rng(3).integers(first, first + 200, SHAPE).astype(np.float32)
    found = bin_voxels([data], EVERYWHERE)
    low, high = ends(data, EVERYWHERE)
    np.testing.assert_array_equal(found.points[found.index, 0], np.clip(data, np.ceil(low), np.floor(high)))


@pytest.mark.parametrize("span", [1500, 3000, 50_000])
def test_many_integer_levels_share_cells_evenly(span):
    data = np.random.default_rng(4).permutation(np.arange(np.prod(SHAPE)) % span).reshape(SHAPE).astype(np.float32)
    found = bin_voxels([data], EVERYWHERE)
    width = found.histograms[0].width
    assert width == np.rint(width)
    low, high = ends(data, EVERYWHERE)
    kept = (data >= low) & (data <= high)
    np.testing.assert_array_equal(
        np.bincount(found.index[kept], minlength=len(found.points)), found.histograms[0].counts
    )
    assert np.abs(found.points[found.index, 0] - data)[kept].max() <= (width - 1) / 2


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_cells_lie_at_the_intensities_of_their_voxels_in_each_channel(noisy, mask, channels):
    found = bin_voxels(noisy[:channels], mask)
    assert found.points.shape == (np.prod([len(b.levels) for b in found.histograms]), channels)
    assert found.index.min() >= 0
    assert found.index.max() < len(found.points)
    for c, (data, bars) in enumerate(zip(noisy, found.histograms, strict=False)):
        assert len(bars.levels) <= LEVELS[channels]
        clipped = np.clip(data, bars.levels[0], bars.levels[-1])
        assert np.abs(found.points[found.index, c] - clipped).max() <= 0.501 * bars.width


def test_channels_of_unlike_length_are_not_mixed_up():
    rng = np.random.default_rng(5)
    few, many = (rng.integers(0, n, SHAPE).astype(np.float32) for n in (7, 60))
    for one, other in ((few, many), (many, few)):
        found = bin_voxels([one, other], EVERYWHERE)
        assert len(found.points) == 420
        np.testing.assert_array_equal(found.points[found.index], np.stack([one, other], -1))


@pytest.mark.parametrize("axis", range(3))
def test_flipping_the_image_flips_the_cells(noisy, mask, axis):
    found = bin_voxels(noisy[:2], mask)
    flipped = bin_voxels([np.flip(data, axis) for data in noisy[:2]], np.flip(mask, axis))
    np.testing.assert_array_equal(np.flip(flipped.index, axis), found.index)
    np.testing.assert_array_equal(flipped.points, found.points)


def test_the_unit_of_intensity_does_not_matter(noisy, mask):
    found, scaled = bin_voxels(noisy[:1], mask), bin_voxels([noisy[0] * np.float32(2**10)], mask)
    np.testing.assert_array_equal(scaled.index, found.index)
    np.testing.assert_allclose(scaled.points, 2**10 * found.points)


def test_one_intensity_is_one_cell():
    found = bin_voxels([np.full(SHAPE, 7.3, np.float32)], EVERYWHERE)
    cells = found.cells(EVERYWHERE, uniform_prior(SHAPE))
    np.testing.assert_allclose(cells.points, [[7.3]], rtol=1e-6)
    assert cells.counts.tolist() == [[np.prod(SHAPE)]]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_few_voxels_can_be_sorted(count):
    few = np.zeros(SHAPE, bool)
    few.flat[:count] = True
    data = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE) * np.float32(1.5)
    assert bin_voxels([data], few).cells(few, uniform_prior(SHAPE)).counts.sum() == count


def test_a_slice_is_sorted_as_a_volume_is(noisy, mask):
    found = bin_voxels([noisy[0][5]], mask[5])
    volume = bin_voxels([noisy[0][5:6]], mask[5:6])
    np.testing.assert_array_equal(found.index, volume.index[0])


# Counts


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_counts_of_zones_are_the_voxels_of_the_mask_in_them(noisy, mask, channels):
    zones = in_parts(5)
    cells = bin_voxels(noisy[:channels], mask).cells(mask, zones)
    assert cells.counts.sum() == mask.sum()
    np.testing.assert_array_equal(cells.counts.sum(1), np.bincount(zones.index[mask], minlength=5))
    assert cells.points.shape == (cells.counts.shape[1], channels)
    assert cells.counts.any(0).all()


def test_counts_are_those_of_each_cell_and_zone(noisy, mask):
    zones, found = in_parts(3), bin_voxels(noisy[:2], mask)
    cells = found.cells(mask, zones)
    for z in range(3):
        counts = np.bincount(found.index[mask & (zones.index == z)], minlength=len(found.points))
        seen = {tuple(point): count for point, count in zip(found.points, counts, strict=True) if count}
        told = {tuple(point): count for point, count in zip(cells.points, cells.counts[z], strict=True) if count}
        assert told == seen


def test_zones_share_out_the_counts_of_the_whole(noisy, mask):
    found = bin_voxels(noisy[:1], mask)
    parted, whole = found.cells(mask, in_parts(4)), found.cells(mask, uniform_prior(SHAPE))
    np.testing.assert_array_equal(parted.points, whole.points)
    np.testing.assert_array_equal(parted.counts.sum(0), whole.counts[0])


def test_a_zone_without_a_voxel_has_counts_of_zero(noisy, mask):
    zones = in_parts(4)
    cells = bin_voxels(noisy[:1], mask).cells(mask & (zones.index != 3), zones)
    assert cells.counts.shape[0] == 4
    assert not cells.counts[3].any()


def test_mean_intensity_of_cells_is_that_of_the_voxels(noisy, mask):
    cells = bin_voxels(noisy[:2], mask).cells(mask, in_parts(4))
    for c in range(2):
        expected = np.clip(noisy[c], *ends(noisy[c], mask))[mask].mean()
        assert np.average(cells.points[:, c], weights=cells.counts.sum(0)) == pytest.approx(expected, abs=0.05)


# What the mixture says


@pytest.mark.parametrize(("channels", "count"), [(1, 1), (1, 4), (2, 1), (2, 4), (3, 2)])
def test_evidence_of_a_voxel_is_weight_times_density_in_its_zone(noisy, mask, channels, count):
    zones = in_parts(count) if count > 1 else uniform_prior(SHAPE)
    mixture, found = mixture_of(channels, count), bin_voxels(noisy[:channels], mask)
    table, column = log_likelihood_table(mixture, found), TableIndex(found, zones)[:]
    assert table.shape == (3, count * len(found.points))
    assert table.dtype == np.float32
    rng = np.random.default_rng(6)
    for at in zip(*(rng.integers(0, n, 50) for n in SHAPE), strict=True):
        point = found.points[found.index[at]][None]
        expected = mixture.zone_densities(point)[:, zones.index[at], 0]
        np.testing.assert_allclose(np.exp(table[:, column[at]].astype(float)), expected, rtol=1e-4, atol=1e-29)


def test_columns_are_blocks_of_zones(noisy, mask):
    mixture, found = mixture_of(zones=4), bin_voxels(noisy[:1], mask)
    table = log_likelihood_table(mixture, found).reshape(3, 4, -1)
    densities = mixture.zone_densities(found.points)
    likely = densities > 1e-25
    np.testing.assert_allclose(table[likely], np.log(densities[likely]), rtol=1e-4)
    assert np.isfinite(table).all()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_zone_is_looked_up_in_its_own_block(noisy, mask, channels):
    zones, found = in_parts(6), bin_voxels(noisy[:channels], mask)
    column = TableIndex(found, zones)[:]
    assert column.dtype == np.int32
    block, cell = np.divmod(column, len(found.points))
    np.testing.assert_array_equal(block, zones.index)
    np.testing.assert_array_equal(cell, found.index)


def test_in_one_zone_the_column_is_the_cell(noisy, mask):
    found = bin_voxels(noisy[:2], mask)
    np.testing.assert_array_equal(TableIndex(found, uniform_prior(SHAPE))[:], found.index)


def test_as_many_zones_as_there_can_be_do_not_overflow(noisy, mask):
    zones, found = in_parts(144), bin_voxels(noisy, mask)
    column = TableIndex(found, zones)[:].astype(np.int64)
    np.testing.assert_array_equal(column, zones.index.astype(np.int64) * len(found.points) + found.index)
    assert found.cells(mask, zones).counts.sum() == mask.sum()


def test_evidence_names_most_voxels_rightly():
    rng = np.random.default_rng(7)
    tissue = rng.integers(0, 3, SHAPE)
    data = [(MEANS[tissue, c] + rng.normal(0, 5, SHAPE)).astype(np.float32) for c in range(2)]
    found = bin_voxels(data, EVERYWHERE)
    winner = log_likelihood_table(mixture_of(2), found).argmax(0)[TableIndex(found, uniform_prior(SHAPE))[:]]
    assert np.mean(winner == tissue) > 0.97


@pytest.mark.parametrize("beyond", [25.0, 50.0, 75.0])
def test_far_outside_all_classes_the_nearest_still_wins(noisy, beyond):
    """Vessels, fat and contrast agent can be more than a thousandth of the brain."""
    data = noisy[0].copy()
    data[0], data[1] = MEANS[0, 0] - beyond, MEANS[2, 0] + beyond
    found = bin_voxels([data], EVERYWHERE)
    evidence = np.sort(log_likelihood_table(mixture_of(), found), 0)[:, found.index]
    winner = log_likelihood_table(mixture_of(), found).argmax(0)[found.index]
    assert (winner[0] == 0).all()
    assert (winner[1] == 2).all()
    assert (evidence[2, :2] > evidence[1, :2]).all()
