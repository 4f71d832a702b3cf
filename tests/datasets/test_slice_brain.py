import numpy as np
import pytest

from mriseg.datasets.slice_brain import SlicePlane, make_brain, ramp
from mriseg.datasets.slice_surroundings import distance_to_cranium, layers


@pytest.fixture(scope="module")
def plane():
    x, y = (np.arange(-n, n, 0.8, dtype=np.float32) for n in (92, 110))
    return SlicePlane(x, y - 14, 9.0, np.random.default_rng(1))


@pytest.fixture(scope="module")
def brain(plane):
    return make_brain(plane)


def test_shares_sum_to_one_in_the_brain_and_to_none_outside(brain):
    total = brain.gray + brain.white + brain.fluid
    np.testing.assert_allclose(total[brain.mask], 1, atol=1e-5)
    assert not total[~brain.mask].any()


def test_the_brain_of_one_person_is_not_symmetric(brain):
    left, right = brain.gray[: len(brain.gray) // 2], brain.gray[::-1][: len(brain.gray) // 2]
    assert np.abs(left - right).mean() / brain.gray.mean() > 0.2


def test_borders_are_sharp(brain):
    """Of the cortex hardly a place is half gray and half white, as a third of the average brain's is."""
    cortex = brain.mask & (brain.depth < 15)
    sure = np.max([brain.gray, brain.white, brain.fluid], axis=0) > 0.8
    assert sure[cortex].mean() > 0.75


def test_gray_matter_lines_the_surface_and_white_lies_within(brain):
    inner, outer = brain.mask & (brain.depth > 12), brain.mask & (brain.depth < 6)
    assert brain.white[inner].mean() > 2 * brain.white[outer].mean()
    assert brain.gray[outer].mean() > brain.gray[inner].mean()


def test_the_cranium_holds_the_brain_and_layers_follow_each_other(plane, brain):
    outside = distance_to_cranium(plane, brain)
    assert (outside[brain.mask] < 1).mean() > 0.99
    shares = layers(plane, outside)
    order = [outside[shares[name] > 0.8].mean() for name in ("bone", "marrow", "fat", "skin")]
    assert order == sorted(order)
    total = sum(shares.values())
    assert total.max() < 1.01
    assert total[outside > 40].max() < 0.01


def test_a_ramp_may_fall():
    np.testing.assert_array_equal(ramp(1, 0, np.array([2.0, 0.5, -1.0])), [0, 0.5, 1])
