import io

import numpy as np
import PIL.Image
import pytest
import tifffile

import mriseg
from mriseg.limits import MAX_PIXELS
from tests.helpers import encoded, refusal

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # Rec. 709


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def tiff(pixels, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_levels_are_exact(kind, dtype):
    pixels = GRAY.astype(dtype) * (257 if dtype == np.uint16 else 1)
    np.testing.assert_array_equal(mriseg.read(encoded(pixels, kind)).data, pixels)


def test_a_jpeg_is_near_enough():
    smooth = np.add.outer(np.arange(40), 2 * np.arange(50)).astype(np.uint8)
    assert np.abs(mriseg.read(encoded(smooth, "JPEG", quality=95)).data - smooth).max() <= 3


def test_floating_point_is_kept_as_stored():
    pixels = RNG.normal(0, 1e5, (40, 50)).astype(np.float32)
    np.testing.assert_array_equal(mriseg.read(tiff(pixels)).data, pixels)


@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "tiff_lzw", "packbits"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_every_usual_tiff_is_read(compression, bigtiff):
    content = saved(PIL.Image.fromarray(GRAY), "TIFF", compression=compression, big_tiff=bigtiff)
    np.testing.assert_array_equal(mriseg.read(content).data, GRAY)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_zero_is_white_a_tiff_is_turned_round(dtype):
    pixels = GRAY.astype(dtype) * (257 if dtype == np.uint16 else 1)
    content = tiff(pixels, photometric="miniswhite")
    np.testing.assert_array_equal(mriseg.read(content).data, np.iinfo(dtype).max - pixels)


def test_one_bit_is_black_and_white():
    pixels = GRAY > 127
    np.testing.assert_array_equal(mriseg.read(saved(PIL.Image.fromarray(pixels))).data, 255.0 * pixels)


def test_gray_stored_as_colour_is_exact():
    np.testing.assert_array_equal(mriseg.read(encoded(np.dstack([GRAY] * 3))).data, GRAY)


def test_colours_become_luminance():
    np.testing.assert_allclose(mriseg.read(encoded(COLOUR)).data, COLOUR @ LUMINANCE, atol=0.01)


def test_colours_of_16_bits_keep_their_precision():
    pixels = COLOUR.astype(np.uint16) * 257 + 1
    np.testing.assert_allclose(mriseg.read(tiff(pixels, photometric="rgb")).data, pixels @ LUMINANCE, rtol=1e-4)


def test_colour_planes_stored_one_after_the_other_become_luminance():
    content = tiff(np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_allclose(mriseg.read(content).data, COLOUR @ LUMINANCE, atol=0.01)


def test_a_palette_is_looked_up():
    image = PIL.Image.fromarray(GRAY % 4)
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 100, 0, 90, 90, 90])
    expected = np.array([[0, 0, 0], [200, 0, 0], [0, 100, 0], [90, 90, 90]]) @ LUMINANCE
    np.testing.assert_allclose(mriseg.read(saved(image)).data, expected[GRAY % 4], atol=0.01)


@pytest.mark.parametrize("hidden", [0, 255], ids=("black", "white"))
def test_a_transparent_background_is_black(hidden):
    alpha = np.where(GRAY > 100, 255, 0).astype(np.uint8)
    level = np.where(alpha, GRAY, hidden).astype(np.uint8)
    expected = np.where(alpha, GRAY, 0)
    for pixels in (np.dstack([level] * 3 + [alpha]), np.dstack([level, alpha])):
        np.testing.assert_array_equal(mriseg.read(encoded(pixels)).data, expected)


def test_half_transparent_is_half_as_bright():
    pixels = np.dstack([np.full((40, 50), 200, np.uint8)] * 3 + [np.full((40, 50), 51, np.uint8)])
    np.testing.assert_allclose(mriseg.read(encoded(pixels)).data, 40, atol=0.01)


def test_a_transparent_colour_of_a_palette_is_black():
    image = PIL.Image.fromarray(GRAY % 2)
    image.putpalette([255, 255, 255, 80, 80, 80])
    np.testing.assert_allclose(mriseg.read(saved(image, transparency=0)).data, 80.0 * (GRAY % 2), atol=0.01)


def test_the_inks_of_a_press_are_not_taken_for_light():
    image = PIL.Image.fromarray(np.dstack([GRAY] * 3)).convert("CMYK")
    found = mriseg.read(saved(image, "TIFF")).data
    assert np.corrcoef(found.ravel(), GRAY.ravel())[0, 1] > 0.99


def test_rows_run_down_and_columns_right():
    pixels = np.zeros((30, 60), np.uint8)
    pixels[3, 50] = 255
    scan = mriseg.read(encoded(pixels))
    assert scan.data.shape == (30, 60)
    assert scan.data[3, 50] == 255


def test_several_pictures_in_one_file_are_refused():
    assert "several" in refusal(tiff(np.stack([GRAY] * 5), photometric="minisblack"))
    frames = [PIL.Image.fromarray(GRAY), PIL.Image.fromarray(GRAY[::-1])]
    assert "several" in refusal(saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_thumbnail_is_refused(kind):
    assert "3 x 3" in refusal(encoded(GRAY[:3, :3], kind))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_picture_larger_than_is_read_allocates_nothing(kind):
    side = int(MAX_PIXELS**0.5) + 10
    options = {"compression": "tiff_deflate"} if kind == "TIFF" else {}
    content = encoded(np.zeros((side, side), np.uint8), kind, **options)
    assert len(content) < side**2 / 100
    assert str(side) in refusal(content)


def test_a_tiff_that_lost_its_pixels_is_refused():
    content = tiff(GRAY)
    # Without the offsets and counts of its strips (tags 273 and 279) there is nothing to decode.
    for tag in (273, 279):
        content = content.replace(np.array([tag], "<u2").tobytes(), np.array([tag + 60_000], "<u2").tobytes(), 1)
    assert refusal(content)


@pytest.mark.parametrize("name", ["jlf01_t1_axial_8bit.png", "jlf01_t1_axial_16bit.png", "jlf01_t1_axial_16bit.tif",
                                  "jlf01_t1_axial_float32.tif", "jlf01_t1_axial_q60.jpg",
                                  "jlf01_t1_axial_rgba_transparent_bg.png"])  # fmt: skip
def test_the_same_slice_in_every_format_is_the_same_picture(shared, name):
    folder = shared / "data" / "slices"
    first = mriseg.read(folder / "jlf01_t1_axial_8bit.png").data
    other = mriseg.read(folder / name).data
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.99
