import numpy as np
import pytest

from mriseg.image.cosines import half_waves


@pytest.mark.parametrize(("length", "most"), [(7, 6), (40, 3), (1, 0)])
def test_waves_are_orthogonal_and_the_first_is_even(length, most):
    waves = half_waves(length, most)
    assert waves.shape == (most + 1, length)
    product = waves @ waves.T
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-9)
    np.testing.assert_array_equal(waves[0], 1)


def test_each_wave_crosses_zero_as_often_as_it_is_numbered():
    for number, wave in enumerate(half_waves(100, 5)):
        assert np.count_nonzero(np.diff(np.sign(wave))) == number
