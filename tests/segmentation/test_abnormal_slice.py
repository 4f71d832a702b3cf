import numpy as np
import pytest

from mriseg.segmentation.abnormal_slice import LEAST_SHARE, OWN, SURE, bulk_of, mirrored_columns, on_one_side, one_sided

SHAPE = (120, 100)


@pytest.fixture
def brain():
    row, column = np.indices(SHAPE)
    return np.hypot((row - 60) / 56, (column - 50) / 42) < 1


def blob(center, radius):
    row, column = np.indices(SHAPE)
    return np.hypot(row - center[0], column - center[1]) < radius


@pytest.mark.parametrize("share", [0.1, 0.3, 0.4])
@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_the_bulk_does_not_follow_what_lies_far_from_it(brain, share, factor):
    rng = np.random.default_rng(0)
    signal = (100 + 5 * rng.standard_normal(SHAPE)).astype(np.float32)
    signal[:, : round(8 + share * 84)] *= factor
    bulk = bulk_of(signal, brain, np.where(brain, 10.0, 0.0))
    assert bulk.level == pytest.approx(100, abs=3)
    assert 3 < bulk.spread < 12


def test_a_brain_of_one_value_has_a_spread_all_the_same(brain):
    bulk = bulk_of(np.full(SHAPE, 7.0, np.float32), brain, np.zeros(SHAPE))
    assert bulk.level == 7
    assert bulk.spread > 0


def test_a_bright_part_of_one_half_is_found_and_its_place_opposite_is_not(brain):
    there = blob((50, 30), 9)
    found = one_sided(np.where(there, 4.0, 0.0).astype(np.float32), brain)
    assert (found & there).sum() > 0.9 * there.sum()
    assert found[:, 50:].sum() == 0
    mirrored = found[:, mirrored_columns(brain)]
    np.testing.assert_array_equal(one_sided(np.where(there, 4.0, 0.0)[:, mirrored_columns(brain)], brain), mirrored)


@pytest.mark.parametrize(
    ("why", "level", "radius"),
    [("fainter than a tissue", OWN - 0.1, 9), ("not sure", SURE - 0.1, 9), ("too small", 5.0, 2), ("dark", -5.0, 15)],
)
def test_what_could_be_a_tissue_a_sulcus_or_fluid_is_left(brain, why, level, radius):
    assert radius > 2 or np.pi * radius**2 < LEAST_SHARE * brain.sum()
    assert not one_sided(np.where(blob((50, 30), radius), level, 0.0), brain).any(), why


def test_what_lies_on_both_sides_is_left(brain):
    """As ventricles do, a few pixels apart from where the mirror has them."""
    both = blob((50, 33), 13) | blob((54, 66), 13)
    assert not one_sided(np.where(both, 5.0, 0.0), brain).any()


def test_a_slice_without_symmetry_is_not_judged(brain):
    lopsided = brain & ~blob((110, 10), 60)
    assert not one_sided(np.where(blob((50, 66), 9), 5.0, 0.0), lopsided).any()
    shaded = np.linspace(-8, 8, SHAPE[1])[None] * np.ones(SHAPE)
    assert not one_sided(shaded, brain).any()


@pytest.mark.parametrize("factor", [0.4, 1.8])
@pytest.mark.parametrize("zoom", [1, 3])
def test_brighter_and_darker_parts_are_seen_in_pixels_of_any_size(brain, factor, zoom):
    rng = np.random.default_rng(0)
    there = blob((50, 30), 11)
    signal = (100 + 5 * rng.standard_normal(SHAPE)).astype(np.float32)
    signal[there] *= factor
    large = [np.kron(values, np.ones((zoom, zoom), values.dtype)) for values in (signal, brain, there)]
    seen = on_one_side(large[0], large[1], (1.0, 1.0))
    assert 2 * (seen & large[2]).sum() / (seen.sum() + large[2].sum()) > 0.65
    assert not (seen & ~large[1]).any()


def test_what_lies_on_both_sides_is_seen_on_none(brain):
    there = blob((50, 30), 11) | blob((50, 70), 11)
    signal = np.where(there, 180.0, 100.0).astype(np.float32)
    assert not on_one_side(signal, brain, (1.0, 1.0)).any()
