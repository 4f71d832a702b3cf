import numpy as np
import pytest

from mriseg.brain.skull import LARGEST_RATIO, LEVELS, log_odds

TISSUE, FLUID, SCALP, BONE = 30, 12, 38, 4
BRIGHT_FLUID = 44


def ball(fluid_level=FLUID, gap=0.0, seed=0):
    """A ball of tissue with ventricles and `gap` mm of fluid more than expected over it, in bone, in scalp.

    Returns levels, the depth that an atlas without the gap would give, the atlas's fluid, and what is inside.
    """
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(-60.0, 61.0, 2.0)] * 3, indexing="ij"))
    radius = np.sqrt((grid**2).sum(0))
    mean = np.full(radius.shape, SCALP)
    mean[radius < 52 + gap] = BONE
    mean[radius < 46 + gap] = fluid_level
    mean[radius < 42] = TISSUE
    ventricles = radius < 14
    mean[ventricles] = fluid_level
    level = np.clip(np.rint(mean + 1.5 * rng.standard_normal(mean.shape)), 0, LEVELS - 1).astype(np.intp)
    return level, (46 - radius).astype(np.float32), ventricles, radius < 46 + gap


def found(level, depth, fluid):
    by_intensity, by_depth = log_odds(level, depth, fluid, spread=1.5)
    return by_intensity + by_depth > 0


@pytest.mark.parametrize("fluid_level", [FLUID, BRIGHT_FLUID])
@pytest.mark.parametrize("gap", [0.0, 4.0])
def test_the_inner_skull_is_found_wherever_it_is(fluid_level, gap):
    level, depth, fluid, inside = ball(fluid_level, gap)
    near = depth > -12
    assert np.mean(found(level, depth, fluid)[near] == inside[near]) > 0.98


def test_levels_of_the_brain_speak_for_it_and_those_of_bone_against():
    level, depth, fluid, _ = ball()
    by_intensity, _ = log_odds(level, depth, fluid, spread=1.5)
    at_border = np.abs(depth) < 1
    assert by_intensity[at_border & (np.abs(level - FLUID) <= 2)].min() > 1
    assert by_intensity[at_border & (np.abs(level - BONE) <= 2)].max() < -1
    assert np.abs(by_intensity).max() <= LARGEST_RATIO


def test_the_share_of_brain_grows_with_depth():
    level, depth, fluid, _ = ball(gap=4.0)
    _, by_depth = log_odds(level, depth, fluid, spread=1.5)
    assert (np.diff(by_depth.ravel()[np.argsort(depth, axis=None)]) >= 0).all()


def test_where_nothing_is_seen_the_usual_depth_decides():
    """Noise everywhere tells nothing of a border, so it stays where the atlas puts it."""
    _, depth, fluid, _ = ball()
    level = np.random.default_rng(1).integers(0, LEVELS, depth.shape)
    by_intensity, by_depth = log_odds(level, depth, fluid, spread=1.5)
    assert np.abs(by_intensity).mean() < 0.5
    clear = np.abs(depth) > 3
    np.testing.assert_array_equal(by_depth[clear] > 0, depth[clear] > 0)
