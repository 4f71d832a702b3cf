import io

import numpy as np
import PIL.Image
import pytest

import mriseg
from mriseg import Tissue
from mriseg.core.errors import ReadError
from mriseg.export.images import encode_colored_labels
from mriseg.io.label_reader import MOST_LABELS, read_labels
from mriseg.plotting.slices import colored
from tests.helpers import encoded, nifti

RNG = np.random.default_rng(0)
VOXELS = RNG.integers(0, 1000, (18, 20, 22)).astype(np.int16)
PIXELS = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
BLOCKS = np.kron(RNG.integers(0, 4, (8, 10)), np.ones((5, 5), int)).astype(np.uint8)  # labels of a picture
BLOCKS[0, :4] = range(4)


def volume():
    return mriseg.read(nifti(VOXELS))


def picture():
    return mriseg.read(encoded(PIXELS))


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_the_numbers_of_a_volume_are_kept():
    reference = RNG.choice([0, 2, 41, 1035, 14175], VOXELS.shape).astype(np.int32)
    found = read_labels(nifti(reference), volume())
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, reference)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.float64])
def test_labels_of_any_type_are_whole_numbers(kind):
    np.testing.assert_array_equal(read_labels(nifti((VOXELS % 4).astype(kind)), volume()), VOXELS % 4)


def test_numbers_that_a_factor_in_the_header_moved_a_little_are_whole():
    stored = bytearray(nifti(10 * (VOXELS % 4)))
    stored[112:120] = np.float32([0.1, 0]).tobytes()  # slope and intercept
    np.testing.assert_array_equal(read_labels(bytes(stored), volume()), VOXELS % 4)


def test_files_with_names_are_taken_as_from_an_upload():
    np.testing.assert_array_equal(read_labels([("labels.nii", nifti(VOXELS % 4))], volume()), VOXELS % 4)
    np.testing.assert_array_equal(read_labels([("labels.png", encoded(BLOCKS))], picture()), BLOCKS)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ((VOXELS % 4)[:-1], "voxels, the scan"),
        (np.zeros_like(VOXELS), "0 everywhere"),
        ((VOXELS / 1000).astype(np.float32), "no whole numbers"),
        (VOXELS % 4 - 1, "no whole numbers"),
        ((VOXELS % 4).astype(np.float32) * 1e6, "no whole numbers"),
        (VOXELS % (MOST_LABELS + 2), f"more than {MOST_LABELS} different numbers"),
    ],
    ids=("shape", "empty", "fractions", "negative", "large", "scan"),
)
def test_what_is_no_map_of_labels_on_the_grid_is_refused(reference, message):
    with pytest.raises(ReadError, match=message) as caught:
        read_labels(nifti(reference), volume())
    assert str(caught.value).endswith(".")


def test_as_many_labels_as_allowed_are_read():
    labels = VOXELS % (MOST_LABELS + 1)
    np.testing.assert_array_equal(read_labels(nifti(labels), volume()), labels)


def test_labels_elsewhere_in_space_are_refused():
    with pytest.raises(ReadError, match="elsewhere"):
        read_labels(nifti(VOXELS % 4, np.diag([-2.0, 2, 2, 1])), volume())


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("levels", [(0, 1, 2, 3), (0, 85, 170, 255), (255, 10, 20, 30)])
def test_the_gray_levels_of_a_picture_are_its_labels(kind, levels):
    reference = np.array(levels, np.uint8)[BLOCKS]
    np.testing.assert_array_equal(read_labels(encoded(reference, kind), picture()), reference)


def test_sixteen_bits_are_labels_too():
    reference = np.array([0, 1000, 2000, 65535], np.uint16)[BLOCKS]
    np.testing.assert_array_equal(read_labels(encoded(reference), picture()), reference)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_the_colors_of_the_page_are_numbered_by_their_luminance(kind):
    reference = colored(np.zeros_like(BLOCKS), BLOCKS, 1.0)
    options = {"lossless": True} if kind == "WEBP" else {}
    found = read_labels(encoded(reference, kind, **options), picture())
    by_luminance = {0: 0, Tissue.CSF.number: 1, Tissue.GM.number: 2, Tissue.WM.number: 3}
    np.testing.assert_array_equal(found, np.vectorize(by_luminance.get)(BLOCKS))


def test_a_palette_is_read_by_its_colors():
    image = PIL.Image.fromarray(BLOCKS).convert("P")
    image.putpalette([0, 0, 0, 255, 0, 0, 255, 255, 255, 0, 0, 255])
    # From dark to light: black, blue, red, white.
    np.testing.assert_array_equal(read_labels(saved(image), picture()), np.array([0, 2, 3, 1])[BLOCKS])


def test_the_palette_that_we_write_is_read_by_its_numbers():
    labels = np.array([0, 1, 3, 7], np.uint8)[BLOCKS]  # luminance would exchange 1 and 3
    np.testing.assert_array_equal(read_labels(encode_colored_labels(labels), picture()), labels)


def test_what_is_transparent_is_background_and_without_black_no_color_is():
    colors = np.array([[200, 0, 0, 0], [0, 90, 0, 255], [250, 250, 0, 255], [0, 0, 90, 255]], np.uint8)
    np.testing.assert_array_equal(read_labels(encoded(colors[BLOCKS]), picture()), np.array([0, 2, 3, 1])[BLOCKS])
    opaque = encoded(colors[BLOCKS][..., :3])
    np.testing.assert_array_equal(read_labels(opaque, picture()), np.array([2, 3, 4, 1])[BLOCKS])


@pytest.mark.parametrize("palette", [(0, 0, 255, 255, 0, 0, 255, 255, 255), (90, 80, 80, 150, 130, 130, 255, 220, 220)])
def test_a_tiff_in_colors_is_told_to_become_a_png(palette):
    image = PIL.Image.fromarray(BLOCKS).convert("P")
    image.putpalette([0, 0, 0, *palette])
    with pytest.raises(ReadError, match="as PNG"):
        read_labels(saved(image, "TIFF"), picture())


@pytest.mark.parametrize(
    "reference", [85 * BLOCKS, colored(np.zeros_like(BLOCKS), BLOCKS, 1.0)], ids=("gray", "colors")
)
def test_labels_that_jpeg_blurred_are_refused_and_it_is_said_why(reference):
    with pytest.raises(ReadError, match="JPEG blurs"):
        read_labels(encoded(reference, "JPEG", quality=60), picture())


def test_a_picture_of_another_size_or_none_at_all_is_refused():
    with pytest.raises(ReadError, match="voxels, the scan"):
        read_labels(encoded(BLOCKS[:-5]), picture())
    with pytest.raises(ReadError, match="voxels, the scan"):
        read_labels(encoded(BLOCKS), volume())
    with pytest.raises(ReadError, match="not an image"):
        read_labels(b"1,2,3\n" * 100, picture())


@pytest.mark.parametrize("cut", [40, 100, -30])
def test_a_damaged_picture_is_refused(cut):
    with pytest.raises(ReadError, match="damaged"):
        read_labels(encoded(PIXELS)[:cut], picture())
