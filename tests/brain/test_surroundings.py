import numpy as np
import pytest

from mriseg.brain.extraction import Brain
from mriseg.brain.surroundings import NoAir, measure_surroundings
from mriseg.image.morphology import bounding_box

SIGNAL, NOISE = 800.0, 20.0


@pytest.fixture(scope="module")
def ball():
    """Arguments: a bright ball, the brain its inner half, in air; the noise Rician."""
    rng = np.random.default_rng(0)
    place = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in (60, 58, 56)], indexing="ij"))
    radius = np.sqrt((place**2).sum(0))
    signal = np.where(radius < 18, SIGNAL, 0.0)
    data = np.hypot(signal + rng.normal(0, NOISE, radius.shape), rng.normal(0, NOISE, radius.shape))
    mask = radius < 14
    box = bounding_box(mask, margin=1)
    field = np.ones(mask[box].shape, np.float32)
    return {
        "data": data.astype(np.float32),
        "mask": mask,
        "box": box,
        "field": field,
        "spacing": (3.0,) * 3,
        "brain": Brain(mask, False),
    }


def test_the_air_has_the_distribution_of_noise_without_signal(ball):
    found = measure_surroundings(**ball)
    assert found.missing is None
    assert found.air_median == pytest.approx(NOISE * np.sqrt(2 * np.log(2)), rel=0.01)  # Rayleigh's
    assert found.air_sd == pytest.approx(NOISE * np.sqrt(2 - np.pi / 2), rel=0.01)
    assert found.head_median == pytest.approx(SIGNAL, rel=0.01)
    assert SIGNAL + 2 * NOISE < found.p9995 < SIGNAL + 5 * NOISE


def test_where_the_air_was_removed_it_is_said_and_not_measured(ball):
    found = measure_surroundings(**{**ball, "brain": Brain(ball["mask"], True)})
    assert found.missing is NoAir.STRIPPED
    assert np.isnan([found.air_sd, found.air_median, found.entropy_focus]).all()
    assert found.head_median == pytest.approx(SIGNAL, rel=0.01)


def test_a_bias_field_is_divided_out(ball):
    plain = measure_surroundings(**ball)
    twice = measure_surroundings(**{**ball, "data": 2 * ball["data"], "field": 2 * ball["field"]})
    assert twice == plain


def test_noise_over_the_whole_range_is_not_that_of_the_scan(ball):
    noise = np.random.default_rng(1).uniform(0, 1.2 * SIGNAL, ball["data"].shape)
    brain = SIGNAL * (0.5 + 0.5 * np.sin(np.indices(noise.shape).sum(0)))
    data = np.where(ball["mask"], brain, noise).astype(np.float32)
    assert measure_surroundings(**{**ball, "data": data}).missing is NoAir.OVER_RANGE
