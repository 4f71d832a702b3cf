import numpy as np
import pytest

from mriseg.image.resampling import COARSER, block_mean, center, coarse_steps, interpolate_separable

DATA = np.random.default_rng(0).random((12, 9, 20)).astype(np.float32)


def test_blocks_are_averaged():
    means, sides, _ = block_mean(DATA, (1.0, 3.0, 0.5), side=2.0)
    expected = DATA.reshape(6, 2, 9, 1, 5, 4).mean((1, 3, 5))
    assert sides == (2.0, 3.0, 2.0)
    np.testing.assert_allclose(means, expected, rtol=1e-5)


def test_what_does_not_fill_a_block_is_left_out():
    means, _, _ = block_mean(DATA, (1.0, 1.0, 1.0), side=5.0)
    assert means.shape == (2, 1, 4)
    assert means[0, 0, 0] == pytest.approx(DATA[:5, :5, :5].mean(), rel=1e-5)


def test_an_axis_shorter_than_a_block_becomes_one():
    means, sides, _ = block_mean(DATA, (1.0, 1.0, 1.0), side=10.0)
    assert means.shape == (1, 1, 2)
    assert sides == (10.0, 9.0, 10.0)


@pytest.mark.parametrize("spacing", [(1e-3,) * 3, (100.0,) * 3, (1e-3, 1.0, 100.0), (4.0, 0.5, 4.0)])
@pytest.mark.parametrize("shape", [(300, 310, 320), (5000, 4, 2000), (1, 6000, 6000)])
def test_no_more_blocks_remain_than_are_allowed(shape, spacing):
    for most in (1_000, 3_000_000):
        steps = coarse_steps(shape, spacing, 3.0, most)
        remaining = np.prod([n // step for n, step in zip(shape, steps, strict=True)])
        assert remaining <= most
        by_side = coarse_steps(shape, spacing, 3.0, most=10**9)
        if steps != by_side:  # then about as many as are allowed
            assert remaining * max(8, COARSER**3) >= most / 8


def test_blocks_of_millimeters_stay_where_they_are_few():
    assert coarse_steps((512, 512, 300), (0.5, 0.5, 1.0), 3.0) == (6, 6, 3)
    assert coarse_steps((200, 200, 200), (2.01, 2.01, 2.01), 3.0) == (1, 1, 1)


def test_blocks_begin_at_the_anchor():
    means, _, first = block_mean(DATA, (1.0, 1.0, 1.0), side=4.0, anchor=(6, 9, 3))
    assert means.shape == (2, 2, 4)
    np.testing.assert_array_equal(first, [2 + 1.5, 1 + 1.5, 3 + 1.5])
    assert means[0, 0, 0] == pytest.approx(DATA[2:6, 1:5, 3:7].mean(), rel=1e-5)


def test_blocks_stay_when_a_side_is_cropped():
    whole, _, _ = block_mean(DATA, (1.0, 1.0, 1.0), side=4.0, anchor=(6, 5, 9))
    cropped, _, _ = block_mean(DATA[1:, 2:, 3:], (1.0, 1.0, 1.0), side=4.0, anchor=(5, 3, 6))
    np.testing.assert_array_equal(cropped, whole[:, -1:, -3:])


def test_the_center_is_that_of_what_is_bright():
    data = np.random.default_rng(1).random((30, 24, 20)).astype(np.float32)
    data[20:25, 4:9, 11:16] = 60
    assert center(data) == (22, 6, 13)
    assert center(data[10:, :20]) == (12, 6, 13)


def test_the_center_of_nothing_is_the_middle():
    assert center(np.zeros((5, 7, 9), np.float32)) == (2, 3, 4)


def test_coarse_axes_stay_as_they_are():
    means, sides, first = block_mean(DATA, (4.0, 4.0, 4.0), side=2.0)
    np.testing.assert_array_equal(means, DATA)
    assert sides == (4.0, 4.0, 4.0)
    np.testing.assert_array_equal(first, 0)


def test_position_does_not_shift():
    x = np.arange(12)[:, None, None] * np.ones((1, 9, 20)) * 1.5  # each voxel's own position in mm
    means, sides, first = block_mean(x, (1.5, 1.0, 1.0), side=3.0)
    np.testing.assert_allclose(means[:, 0, 0], first[0] + sides[0] * np.arange(6))


def test_a_ramp_is_interpolated_exactly():
    x, y, z = np.meshgrid(np.arange(5), np.arange(4), np.arange(6), indexing="ij")
    at = [np.array([0, 0.25, 3.9]), np.array([1.5, 3]), np.array([0.1, 2, 4.75, 5])]
    expected = 2 * at[0][:, None, None] - 3 * at[1][:, None] + 0.5 * at[2]
    np.testing.assert_allclose(interpolate_separable(2.0 * x - 3 * y + 0.5 * z, at), expected, rtol=1e-5)


def test_the_outermost_value_holds_beyond_the_ends():
    values = np.array([[[1.0, 2, 4]]])
    np.testing.assert_array_equal(
        interpolate_separable(values, [np.zeros(1), np.zeros(1), np.array([-3, 7])])[0, 0], [1, 4]
    )


def test_an_axis_of_one_voxel_is_constant():
    np.testing.assert_array_equal(
        interpolate_separable(np.array([[[7.0]]]), [np.array([-1, 0, 2])] + [np.zeros(1)] * 2)[:, 0, 0], 7
    )


def test_its_own_voxels_come_back():
    np.testing.assert_array_equal(interpolate_separable(DATA, [np.arange(n) for n in DATA.shape]), DATA)
