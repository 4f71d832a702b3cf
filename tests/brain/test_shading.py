import numpy as np
import pytest

from mriseg.brain.shading import MOST_LOG, estimate_shading

SHAPE, SIDES = (45, 54, 45), (4.0, 4.0, 4.0)


@pytest.fixture
def head():
    """A ball of white matter in gray matter in fluid, where each is, and which of it is surely brain."""
    radius = np.linalg.norm(
        [(axis - n / 2) / (n / 2) for axis, n in zip(np.indices(SHAPE), SHAPE, strict=True)], axis=0
    )
    white, inside = radius < 0.5, radius < 0.8
    gray = inside & ~white
    image = np.full(SHAPE, 20.0, np.float32)
    image[gray], image[white] = 70, 100
    noise = np.random.default_rng(0).normal(0, 3, SHAPE).astype(np.float32)
    return image + noise, gray, white, inside


def shade_of(depth):
    """Smooth, by so much of its logarithm from the lower front to the upper back."""
    i, j, k = (axis / n - 0.5 for axis, n in zip(np.indices(SHAPE), SHAPE, strict=True))
    return np.exp(depth * (0.5 * j + 0.4 * k + 0.3 * i * j)).astype(np.float32)


def estimate(image, head):
    _, gray, white, inside = head
    return estimate_shading(image, SIDES, inside=inside, gray=gray.astype(np.float32), white=white.astype(np.float32))


@pytest.mark.parametrize("depth", [0.0, 0.4, 1.0])
def test_shading_is_measured_and_tissue_is_none(head, depth):
    image, *_, inside = head
    field = estimate(image * shade_of(depth), head)
    left = np.log(shade_of(depth) / field)[inside]
    assert np.ptp(left) < 0.02 + 0.15 * depth
    assert np.log(field)[inside].mean() == pytest.approx(0, abs=0.02)


def test_the_unit_of_the_intensities_does_not_matter(head):
    image = head[0] * shade_of(0.5)
    np.testing.assert_allclose(estimate(image * 1000, head), estimate(image, head), rtol=1e-3)


def test_a_lesion_is_no_shade(head):
    image, *_, inside = head
    lesion = np.linalg.norm(np.indices(SHAPE) - np.array([15, 20, 22])[:, None, None, None], axis=0) < 5
    field = estimate(np.where(lesion, 5, image), head)
    assert np.ptp(np.log(field)[inside]) < 0.06


def test_contrast_need_not_be_known(head):
    image, *_, inside = head
    turned = (150 - image) * shade_of(0.5)  # white matter dark, fluid bright
    assert np.ptp(np.log(shade_of(0.5) / estimate(turned, head))[inside]) < 0.1


def test_of_too_little_nothing_is_said():
    image = np.full(SHAPE, 50, np.float32)
    nowhere, few = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    few[20:22, 20:22, 20:22] = True
    for inside in (nowhere, few):
        field = estimate_shading(image, SIDES, inside=inside, gray=few.astype(np.float32), white=few.astype(np.float32))
        np.testing.assert_array_equal(field, 1)


def test_odd_intensities_give_a_bounded_field(head):
    _, _, _, inside = head
    wild = np.where(inside, np.float32(10) ** np.random.default_rng(1).uniform(-6, 6, SHAPE).astype(np.float32), 0)
    field = estimate(wild, head)
    assert np.isfinite(field).all()
    assert np.abs(np.log(field)).max() <= MOST_LOG + 1e-6
