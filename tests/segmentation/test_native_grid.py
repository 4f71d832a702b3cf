import itertools

import numpy as np
import pytest

from mriseg.core.tissue import Tissue
from mriseg.image.orientation import restore
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.segmentation.native_grid import in_native_order, to_native_grid
from mriseg.segmentation.stages import BrainRegion
from mriseg.segmentation.tissue_maps import TissueMaps

SHAPE, BOX = (7, 8, 9), (slice(1, 5), slice(2, 7), slice(0, 6))
EVERY_WAY = [
    np.array([(axis, direction) for axis, direction in zip(order, directions, strict=True)])
    for order in itertools.permutations(range(3))
    for directions in itertools.product((1, -1), repeat=3)
]


@pytest.fixture(scope="module")
def maps():
    """Tissues at random in half of a box."""
    rng = np.random.default_rng(0)
    mask = rng.random(tuple(part.stop - part.start for part in BOX)) < 0.5
    posteriors = rng.dirichlet((1, 1, 1), mask.shape).astype(np.float32) * mask[..., None]
    labels = (np.array([tissue.number for tissue in Tissue])[posteriors.argmax(-1)] * mask).astype(np.uint8)
    return TissueMaps(mask, labels, posteriors, np.rint(255 * posteriors).astype(np.uint8))


@pytest.fixture(scope="module")
def region(maps):
    whole = np.zeros(SHAPE, bool)
    whole[BOX] = maps.mask
    return BrainRegion(whole, BOX, uniform_prior(maps.mask.shape))


@pytest.mark.parametrize("orientation", EVERY_WAY, ids=lambda way: "".join("xyz"[a] + "+-"[int(d < 0)] for a, d in way))
def test_every_map_is_that_of_the_canonical_grid_turned(maps, region, orientation):
    native = to_native_grid(maps, region, orientation)
    canonical = np.zeros(SHAPE, np.uint8)
    canonical[BOX] = maps.labels
    expected = restore(canonical, orientation)
    np.testing.assert_array_equal(native.labels, expected)
    np.testing.assert_array_equal(native.labels[native.box], restore(maps.labels, orientation))
    for stored, of_box in ((native.posteriors, maps.posteriors), (native.partial_volumes, maps.partial_volumes)):
        whole = np.zeros((*SHAPE, 3), of_box.dtype)
        whole[BOX] = of_box
        np.testing.assert_array_equal(stored, restore(whole, orientation)[expected > 0])
        assert stored.dtype == of_box.dtype
        assert stored.base is None  # not a view of the box, which would be stored with it


def test_the_order_is_that_of_the_scans_own_axes():
    """A picture of two rows that is stored upside down: its own first row is the canonical last."""
    mask = np.array([[True, True, False], [False, True, True]])
    number = np.arange(6).reshape(2, 3, 1)
    for orientation, expected in (([[0, -1], [1, 1]], [4, 5, 0, 1]), ([[1, 1], [0, 1]], [0, 1, 4, 5])):
        np.testing.assert_array_equal(in_native_order(number, mask, np.array(orientation)).ravel(), expected)
