import numpy as np
import pytest

from mriseg.io.pictures.grayscale import LUMINANCE, SAMPLE_SIDE, Canvas
from tests.helpers import little_memory

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
COLORS = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)


def drawn(pixels, white=255.0):
    canvas = Canvas(*pixels.shape[:2])
    canvas.put(pixels, white=white)
    return canvas.gray


def test_luminance_is_that_of_rec_709_and_keeps_white():
    np.testing.assert_allclose(drawn(COLORS), COLORS @ np.array([0.2125, 0.7154, 0.0721]), rtol=1e-5)
    assert LUMINANCE.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_equal_channels_keep_their_level_exactly(dtype):
    pixels = GRAY.astype(dtype) * dtype(3)
    np.testing.assert_array_equal(drawn(np.dstack([pixels] * 3)), pixels)
    np.testing.assert_array_equal(drawn(pixels), pixels)


def test_what_is_see_through_is_black():
    opacity = np.where(GRAY > 100, 255, 0).astype(np.uint8)
    expected = np.where(GRAY > 100, GRAY, 0)
    np.testing.assert_array_equal(drawn(np.dstack([GRAY, opacity])), expected)
    np.testing.assert_array_equal(drawn(np.dstack([GRAY] * 3 + [opacity])), expected)


@pytest.mark.parametrize("tile", [(7, 50), (16, 16), (64, 64), (40, 1)])
@pytest.mark.parametrize("pixels", [GRAY, COLORS], ids=("gray", "colors"))
def test_a_picture_is_the_same_in_any_blocks(pixels, tile):
    canvas, whole = Canvas(40, 50), Canvas(40, 50)
    whole.put(pixels)
    padding = [(0, tile[0]), (0, tile[1])] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels, padding, constant_values=9)  # tiles reach beyond the picture
    for row in range(0, 40, tile[0]):
        for column in range(0, 50, tile[1]):
            canvas.put(padded[row : row + tile[0], column : column + tile[1]], row, column)
    np.testing.assert_array_equal(canvas.gray, whole.gray)


def test_the_sample_of_colors_is_the_same_in_any_blocks():
    pixels = np.zeros((2 * SAMPLE_SIDE + 37, 1300, 3), np.uint8)
    pixels[...] = RNG.integers(0, 256, (len(pixels), 1, 3))
    samples = []
    for step in (len(pixels), 13):
        canvas = Canvas(*pixels.shape[:2])
        for row in range(0, len(pixels), step):
            canvas.put(pixels[row : row + step], row)
        samples.append(canvas._sample)
    np.testing.assert_array_equal(*samples)
    np.testing.assert_allclose(samples[0], pixels[::3, ::3] / 255, rtol=1e-6)


def test_colors_of_a_large_picture_pass_in_blocks():
    pixels = np.zeros((1500, 1000, 3), np.uint8)
    with little_memory(4 * 1.5e6 + 1.5e7):  # in float32 the colors alone are 18 MB
        drawn(pixels)


def test_gray_has_nothing_to_note():
    canvas = Canvas(40, 50)
    canvas.put(np.dstack([GRAY] * 3))
    assert canvas.notes() == ()


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_infinite_colors_are_passed_on_without_a_warning():
    pixels = COLORS.astype(float)
    pixels[0, :3] = np.inf, np.nan, 1e300
    canvas = Canvas(40, 50)
    canvas.put(pixels)
    assert not np.isfinite(canvas.gray[0, :3]).any()
