import numpy as np
import pytest

from mriseg.mixture.likelihood import bin_voxels
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.segmentation.abnormal_class import SHARES, abnormal_class

SHAPE = (30, 20, 20)


@pytest.fixture(scope="module")
def cell():
    """A class seen in a bright corner of noise about two levels."""
    rng = np.random.default_rng(0)
    data = rng.normal(100, 5, SHAPE).astype(np.float32)
    seen = np.zeros(SHAPE, bool)
    seen[5:10, 5:10, 5:10] = True
    data[seen] += 100
    mask = np.ones(SHAPE, bool)
    binned = bin_voxels([data], mask)
    return abnormal_class(seen, mask, binned, (1.0, 1.0, 1.0)), binned, seen


def test_its_density_is_one_and_highest_where_it_was_seen(cell):
    own, binned, _ = cell
    density = np.exp(own.log_density)
    assert density.sum() * binned.histograms[0].width == pytest.approx(1)
    assert binned.points[density.argmax(), 0] == pytest.approx(200, abs=10)
    assert density.min() > 0


def test_far_from_what_was_seen_it_cannot_be(cell):
    own, _, seen = cell
    assert (own.level[seen] == 2).all()
    assert set(np.unique(own.level[3:12, 3:12, 3:12])) == {1, 2}
    outside = np.ones(SHAPE, bool)
    outside[3:12, 3:12, 3:12] = False
    assert not own.level[outside].any()


def test_each_zone_comes_once_for_each_share(cell):
    own, binned, _ = cell
    zones = PriorZones((np.indices(SHAPE)[0] % 2).astype(np.uint8), np.full((2, 3), 1 / 3), np.zeros(2))
    cells = len(binned.points)
    tissues = np.log(np.full((3, 2 * cells), 1 / 3, np.float32))
    table, together = own.compete(tissues, zones)
    assert table.shape == (4, len(SHARES) * 2 * cells)
    assert len(together) == len(SHARES) * 2
    np.testing.assert_array_equal(together.index % 2, zones.index)
    np.testing.assert_array_equal(together.index // 2, own.level)
    by_share = np.exp(table.reshape(4, len(SHARES), 2 * cells)[:3].sum(0) / 3)
    np.testing.assert_allclose(by_share, (1 - np.array(SHARES))[:, None] / 3 * np.ones(2 * cells), rtol=1e-5)


def test_of_one_zone_too(cell):
    own, _, _ = cell
    tissues = np.zeros((3, len(own.log_density)), np.float32)
    _, together = own.compete(tissues, uniform_prior(SHAPE))
    np.testing.assert_array_equal(together.index, own.level)
