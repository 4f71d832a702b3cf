import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from mriseg.io.pictures.exif_orientation import upright, upright_shape

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 8)).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_pillow_turns_them(orientation):
    image = PIL.Image.fromarray(PIXELS)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(PIL.ImageOps.exif_transpose(image))
    found = upright(PIXELS, orientation)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert upright_shape(PIXELS.shape, orientation) == expected.shape


def test_an_orientation_that_there_is_not_turns_nothing():
    np.testing.assert_array_equal(upright(PIXELS, 9), PIXELS)
