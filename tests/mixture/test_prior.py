from itertools import permutations

import numpy as np
import pytest

from mriseg.core.tissue import Tissue
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.prior import DEEP_GRAY, LEAST_EXPECTED, PURE_SHARE_AT_START, even_expectation, expectation
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.registration.atlas import TISSUES

ORDERS = tuple(permutations(Tissue))
SHARES = np.array([[0.2, 0.45, 0.35], [0.15, 0.4, 0.45]])  # of fluid, gray and white matter in two zones


def zones(deep=(0.0, 0.0), shares=SHARES):
    return PriorZones(np.zeros((1, 1), np.int16), shares, np.array(deep))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("deep", [(0.0, 0.0), (0.0, 1.0)])
def test_expected_weights_hold_the_expected_tissue_of_each_zone(order, deep):
    expected = expectation(zones(deep), order)
    gray, white = order.index(Tissue.GM), order.index(Tissue.WM)
    structure = MixtureLayout(3, (gray, white) if any(deep) else None).structure
    per_component = structure.members @ structure.fractions / structure.members.sum(1, keepdims=True)
    held = expected @ per_component
    if any(deep):
        assert held[0, 3] == 0
        assert held[1, 3] > 0.2
        held[:, gray] += held[:, 3]
    np.testing.assert_allclose(expected.sum(1), 1)
    of_tissue = [SHARES[:, TISSUES.index(tissue)] for tissue in order]
    # A tissue rarer than a component's least share is expected a little more often than that.
    np.testing.assert_allclose(held[:, :3].T, of_tissue, atol=0.025)


@pytest.mark.parametrize("order", ORDERS)
def test_another_order_of_the_classes_expects_the_same_of_each_pair(order):
    usual, turned = (expectation(zones((0.0, 1.0)), one) for one in (TISSUES, order))
    rank = [TISSUES.index(tissue) for tissue in order]
    here, there = MixtureLayout(3, (1, 2)), MixtureLayout(3, (order.index(Tissue.GM), order.index(Tissue.WM)))
    for a, b in here.pairs:
        np.testing.assert_allclose(turned[:, there.mixed[a, b]], usual[:, here.mixed[rank[a], rank[b]]])
    np.testing.assert_allclose(turned[:, there.deep.component], usual[:, here.deep.component])
    np.testing.assert_allclose(turned[:, there.deep.mixed], usual[:, here.deep.mixed])


def test_deep_gray_matter_is_taken_from_gray_matter_and_its_edge_in_the_zones_about_the_nuclei():
    without, apart = expectation(zones((0.0, 0.0)), TISSUES), expectation(zones((0.0, 1.0)), TISSUES)
    layout = MixtureLayout(3, (1, 2))
    for ours, cortex in zip((*layout.deep.mixed, layout.deep.component), (*layout.mixed[1, 2], 1), strict=True):
        assert apart[0, ours] == 0
        assert apart[1, ours] == pytest.approx(DEEP_GRAY * without[1, cortex])
        assert apart[1, cortex] == pytest.approx((1 - DEEP_GRAY) * without[1, cortex])
    others = [0, 2, *layout.mixed[0, 1], *layout.mixed[0, 2]]
    np.testing.assert_array_equal(apart[:, others], without[:, others])


def test_in_one_zone_deep_gray_matter_is_not_told_apart():
    assert expectation(zones((1.0,), SHARES[:1]), TISSUES).shape == (1, MixtureLayout().components)


def test_the_whole_brain_holds_the_mixed_voxels_that_brains_do():
    (expected,) = expectation(uniform_prior(()), TISSUES)
    assert expected[3:].sum() == pytest.approx(0.36, abs=0.01)


def test_no_component_is_impossible_in_any_zone():
    rare = expectation(zones(shares=np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])), TISSUES)
    assert rare.min() > LEAST_EXPECTED / 1.1


@pytest.mark.parametrize("classes", range(2, 7))
def test_nothing_known_of_the_classes_expects_all_alike(classes):
    expected, layout = even_expectation(classes), MixtureLayout(classes)
    assert expected.shape == (1, layout.components)
    assert expected.sum() == pytest.approx(1)
    np.testing.assert_allclose(expected[0, layout.pure], PURE_SHARE_AT_START / classes)
    assert np.ptp(expected[0, layout.pure.stop :]) == 0
