"""What `mriseg.core.limits` promises holds for every legal input: memory, time, no error but one that says what to do.

Images are drawn at random, small ones here; `benchmarks/memory.py` draws as large as are read. The largest arrays of
the engine are asked one by one how many bytes they take for a voxel, for on a small image none of them is seen.
"""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import mriseg
from mriseg import MrisegError, Settings
from mriseg.brain.anatomy import explained_share
from mriseg.core import limits
from mriseg.core.scan import picture, volume
from mriseg.image.morphology import distance_to_background
from mriseg.image.resampling import Grid, block_mean, every_nth
from mriseg.mixture.likelihood import TableIndex, bin_voxels
from mriseg.mixture.spatial_prior import prior_zones, uniform_prior
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import atlas
from mriseg.segmentation.bias_field import MOST_WAVES, estimate_bias_field
from mriseg.segmentation.markov_field import mean_field
from mriseg.segmentation.native_grid import in_native_order
from tests.helpers import little_resident_memory

pytestmark = pytest.mark.usefixtures("nothing_remembered")  # what is asked here is what the engine itself takes
SHAPE = (130, 120, 110)
VOXELS = 130 * 120 * 110


def _radius(shape: tuple[int, ...]) -> np.ndarray:
    """Distance from the middle, 1 at the faces."""
    axes = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    return np.sqrt(sum(axis.astype(np.float32) ** 2 for axis in axes))


def _stripped(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    radius = _radius(shape)
    image = np.select([radius < 0.5, radius < 0.8, radius < 0.97], [150, 100, 40], 0)
    return image + (image > 0) * 5 * rng.standard_normal(shape)


def _one_voxel(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    image = np.full(shape, 7.0)
    image[tuple(rng.integers(n) for n in shape)] = 300
    return image


CONTENT: tuple[Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], ...] = (
    lambda rng, shape: 100 + 20 * rng.standard_normal(shape),
    lambda rng, shape: np.where(_radius(shape) < 0.7, 100, 0) + np.abs(rng.standard_normal(shape)),
    lambda rng, shape: np.where(np.arange(shape[-1]) < shape[-1] // 2, 0, 80 + 20 * rng.standard_normal(shape)),
    lambda rng, shape: 60 + 100 * (sum(np.ogrid[tuple(slice(n) for n in shape)]) % 2) + rng.standard_normal(shape),
    _stripped,
    _one_voxel,
)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(14))
def test_no_image_takes_more_than_is_promised(number):
    rng = np.random.default_rng([5, number])
    axes = 2 if number % 7 == 6 else 3
    sides = np.exp(rng.choice([0.2, 0.9]) * rng.standard_normal(axes))
    voxels = np.exp(rng.uniform(np.log(6e3), np.log(1e5)))
    shape = tuple(
        int(n) for n in np.maximum(3 if axes == 3 else 24, np.rint(sides * (voxels / sides.prod()) ** (1 / axes)))
    )
    spacing = (
        np.exp(rng.uniform(*np.log(limits.VOXEL_SIDES_MM), 3)) if number % 2 else np.full(3, rng.choice([4.0, 9.0]))
    )
    data = CONTENT[number % len(CONTENT)](rng, shape)
    began = time.process_time()
    with little_resident_memory(limits.PEAK_CONSTANT_BYTES + limits.PEAK_BYTES_PER_VOXEL * data.size):
        try:
            scan = picture(data) if axes == 2 else volume(data, np.diag([*spacing, 1]))
            mriseg.segment(scan, Settings(mask="all" if number % 5 == 4 else "auto"))
        except MrisegError as error:
            assert str(error).endswith(".")  # noqa: PT017
    assert time.process_time() - began < limits.MAX_CPU_S


@pytest.mark.slow
def test_a_brain_of_a_meter_takes_no_more_than_a_small_one():
    """Its shading could have hundreds of waves along each axis, and thousands of products of them."""
    rng = np.random.default_rng(0)
    data = np.rint(_stripped(rng, (64, 64, 64))).astype(np.float32)
    with little_resident_memory(limits.PEAK_CONSTANT_BYTES):
        coefficients, _ = estimate_bias_field(data, data > 0, mriseg.Contrast.T1.dark_to_bright, spacing=(20.0,) * 3)
    assert max(coefficients.shape) <= MOST_WAVES + 1


@pytest.mark.parametrize("side", [2.2, 4.0, 100.0])
def test_large_voxels_leave_no_larger_coarse_grid_than_small_ones(side):
    """A ball of 1.2 m was searched for a brain in all of its 31 million voxels: 4.9 GB from a file of 377 kB."""
    means, _, _ = block_mean(np.broadcast_to(np.float32(1), (315, 315, 315)), (side,) * 3, side=3.0)
    assert means.size <= limits.MAX_COARSE_VOXELS


def _traced(function: Callable[[], object]) -> float:
    """Bytes that a function takes at its peak for each of `VOXELS`, what it returns among them."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / VOXELS
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def brain():
    """A mask that fills all but the corners of its box, and intensities."""
    rng = np.random.default_rng(0)
    return _radius(SHAPE) < 1.5, rng.standard_normal(SHAPE, np.float32)


def test_distances_take_no_list_of_ways(brain):
    mask, _ = brain
    assert _traced(lambda: distance_to_background(mask, (1.0, 1.0, 1.0))) < 35  # scipy's own: 100


def test_posteriors_are_held_once(brain):
    mask, data = brain
    binned = bin_voxels([data], mask)
    table = np.zeros((3, 1024), np.float32)
    index = TableIndex(binned, uniform_prior(SHAPE))
    assert _traced(lambda: mean_field(table, index, mask, spacing=(1.0,) * 3, coupling=0.4)) < 16  # 12 of them


def test_voxels_are_sorted_by_intensity_a_part_at_a_time(brain):
    mask, data = brain
    # The numbers of the cells, two copies of the intensities whose percentiles are asked, and a few masks.
    assert _traced(lambda: bin_voxels([data], mask)) < 20
    binned = bin_voxels([data], mask)
    assert _traced(lambda: binned.cells(mask, uniform_prior(SHAPE))) < 10


def test_voxels_are_chosen_without_a_list_of_all(brain):
    mask, _ = brain
    assert _traced(lambda: every_nth(mask, 30)) < 5


def test_zones_are_found_a_part_at_a_time(brain):
    mask, _ = brain
    centered = np.eye(4)
    centered[:3, 3] = 60
    pose = Registration(centered, 0.5, 1.0)
    atlas()
    zones = _traced(lambda: prior_zones(pose, atlas(), mask, spacing=(0.5,) * 3, first_voxel_mm=np.zeros(3)))
    assert zones * VOXELS < 3 * VOXELS + 60e6  # the maps of the average brain and one part


def test_results_are_held_once_more_and_not_twice(brain):
    mask, _ = brain
    values = np.zeros((*SHAPE, 3), np.float32)
    turned = np.array([[2, 1], [0, -1], [1, 1]])
    assert _traced(lambda: in_native_order(values, mask, turned)) < 20  # 12 of them


@pytest.mark.slow
def test_a_brain_of_many_coarse_voxels_is_compared_with_the_average_in_few_of_them(brain):
    mask, data = brain
    grid = Grid(SHAPE, (4.0, 4.0, 4.0), np.zeros(3))
    pose = Registration(np.eye(4), 0.5, 1.0)
    peak = _traced(lambda: explained_share(data, mask, grid, registration=pose, average=atlas()))
    assert peak * VOXELS < limits.PEAK_CONSTANT_BYTES
