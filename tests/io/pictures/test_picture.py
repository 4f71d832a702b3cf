import gc
import io
import os
import struct
import time
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest

import mriseg
from mriseg.core.errors import TooLargeError
from mriseg.core.limits import MAX_PIXELS
from mriseg.io.guards.png import DAMAGED
from mriseg.io.pictures.exif_orientation import upright
from mriseg.io.pictures.picture import MOST_GIF_BLOCKS
from mriseg.io.reader import contents
from tests.helpers import encoded, little_memory, refusal

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
LUMINANCE = np.array([0.2125, 0.7154, 0.0721])  # Rec. 709
# Colors at the edge of a gray picture, as labels and buttons are.
COLOR = np.dstack([GRAY] * 3)
COLOR[:6] = RNG.integers(0, 256, (6, 50, 3))
CHUNK = struct.Struct(">I4s")


def saved(image, kind="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def animated(frames, kind, **options):
    images = [PIL.Image.fromarray(frame) for frame in frames]
    return saved(images[0], kind, save_all=True, append_images=images[1:], **options)


def with_chunk(png, name, content):
    """A PNG with another chunk before its pixels."""
    at = png.index(b"IDAT") - 4
    chunk = CHUNK.pack(len(content), name) + content + struct.pack(">I", zlib.crc32(name + content))
    return png[:at] + chunk + png[at:]


def exif(orientation):
    stored = PIL.Image.Exif()
    stored[0x0112] = orientation
    return stored.tobytes()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP"])
def test_gray_levels_are_exact(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(mriseg.read(encoded(GRAY, kind, **options)).data, GRAY)


def test_sixteen_bits_are_exact():
    pixels = RNG.integers(0, 65536, (40, 50)).astype(np.uint16)
    np.testing.assert_array_equal(mriseg.read(encoded(pixels)).data, pixels)


def test_a_jpeg_is_near_enough():
    smooth = np.add.outer(np.arange(40), 2 * np.arange(50)).astype(np.uint8)
    assert np.abs(mriseg.read(encoded(smooth, "JPEG", quality=95)).data - smooth).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_one_bit_is_black_and_white(kind):
    pixels = GRAY > 127
    np.testing.assert_array_equal(mriseg.read(saved(PIL.Image.fromarray(pixels), kind)).data, 255.0 * pixels)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP"])
def test_gray_stored_as_color_is_exact(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    scan = mriseg.read(encoded(np.dstack([GRAY] * 3), kind, **options))
    np.testing.assert_array_equal(scan.data, GRAY)
    assert not scan.notes


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_colors_become_luminance_and_gray_beside_them_stays_exact(kind):
    scan = mriseg.read(encoded(COLOR, kind))
    np.testing.assert_allclose(scan.data, COLOR @ LUMINANCE, atol=0.01)
    np.testing.assert_array_equal(scan.data[6:], GRAY[6:])
    assert any("in color" in note for note in scan.notes)


def test_colors_of_16_bits_keep_their_precision():
    pixels = COLOR.astype(np.uint16) * 257
    pixels[6:] += 1
    scan = mriseg.read(imagecodecs.png_encode(pixels))
    np.testing.assert_allclose(scan.data, pixels @ LUMINANCE, rtol=1e-5)
    np.testing.assert_array_equal(scan.data[6:], pixels[6:, :, 0])


def test_a_gray_palette_is_looked_up_exactly():
    image = PIL.Image.fromarray(GRAY % 4)
    image.putpalette(np.repeat([7, 200, 90, 31], 3).tolist())
    expected = np.array([7, 200, 90, 31])[GRAY % 4]
    for kind in ("PNG", "BMP", "GIF"):
        np.testing.assert_array_equal(mriseg.read(saved(image, kind)).data, expected)


def test_the_colors_of_a_palette_become_luminance():
    image = PIL.Image.fromarray(COLOR).quantize(250)
    expected = np.asarray(image.convert("RGB")) @ LUMINANCE
    np.testing.assert_allclose(mriseg.read(saved(image)).data, expected, atol=0.01)


@pytest.mark.parametrize("hidden", [0, 255], ids=("black", "white"))
def test_a_transparent_background_is_black(hidden):
    alpha = np.where(GRAY > 100, 255, 0).astype(np.uint8)
    level = np.where(alpha, GRAY, hidden).astype(np.uint8)
    expected = np.where(alpha, GRAY, 0)
    colored = np.dstack([level] * 3 + [alpha])
    np.testing.assert_array_equal(mriseg.read(encoded(np.dstack([level, alpha]))).data, expected)
    np.testing.assert_array_equal(mriseg.read(encoded(colored)).data, expected)
    np.testing.assert_array_equal(mriseg.read(encoded(colored, "WEBP", lossless=True, exact=True)).data, expected)


def test_a_transparent_background_of_16_bits_is_black():
    alpha = np.where(GRAY > 100, 65535, 0).astype(np.uint16)
    level = GRAY.astype(np.uint16) * 200 + 3
    for pixels in (np.dstack([level, alpha]), np.dstack([level] * 3 + [alpha])):
        np.testing.assert_array_equal(
            mriseg.read(imagecodecs.png_encode(pixels)).data, np.where(GRAY > 100, level.astype(float), 0)
        )


def test_half_transparent_is_half_as_bright():
    pixels = np.dstack([np.full((40, 50), 200, np.uint8)] * 3 + [np.full((40, 50), 51, np.uint8)])
    np.testing.assert_allclose(mriseg.read(encoded(pixels)).data, 40, atol=0.01)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_color_of_a_palette_is_black(kind):
    image = PIL.Image.fromarray(GRAY % 2)
    image.putpalette([255, 255, 255, 80, 80, 80])
    np.testing.assert_allclose(mriseg.read(saved(image, kind, transparency=0)).data, 80.0 * (GRAY % 2), atol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_transparent_level_is_black(dtype):
    pixels = GRAY.astype(dtype) + dtype(1 if dtype == np.uint16 else 0)
    hidden = int(pixels[0, 0])
    content = with_chunk(encoded(pixels), b"tRNS", struct.pack(">H", hidden))
    np.testing.assert_array_equal(mriseg.read(content).data, np.where(pixels == hidden, 0, pixels))


@pytest.mark.parametrize("ink", [(0, 0, 0, 0), (0, 0, 0, 255), (255, 255, 255, 0), (0, 0, 0, 102), (60, 60, 60, 100)])
def test_the_inks_of_a_press_are_not_taken_for_light(ink):
    image = PIL.Image.new("CMYK", (50, 40), ink)
    expected = (255 - ink[0]) * (255 - ink[3]) / 255
    # Stored as Adobe does, with the inks inverted.
    np.testing.assert_allclose(mriseg.read(saved(image, "JPEG", quality=95)).data, expected, atol=3)


def test_rows_run_down_and_columns_right():
    pixels = np.zeros((30, 60), np.uint8)
    pixels[3, 50] = 255
    for kind in ("PNG", "BMP", "GIF", "WEBP"):
        scan = mriseg.read(encoded(pixels, kind, **({"lossless": True} if kind == "WEBP" else {})))
        assert scan.data.shape == (30, 60)
        assert scan.data[3, 50] == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_turned_as_viewers_show_it(kind, orientation):
    smooth = np.add.outer(3 * np.arange(40), np.arange(50)).astype(np.uint8)
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}, "PNG": {}}[kind]
    content = encoded(smooth, kind, exif=exif(orientation), **options)
    (item,) = contents(content)
    scan = item.load()
    np.testing.assert_allclose(scan.data, upright(smooth, orientation), atol=1 if kind == "JPEG" else 0)
    assert item.title == "picture of {} x {} pixels".format(*scan.data.shape)
    assert any("turned" in note for note in scan.notes) == (orientation > 1)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_turns_nothing(orientation):
    scan = mriseg.read(encoded(GRAY, exif=exif(orientation)))
    np.testing.assert_array_equal(scan.data, GRAY)
    assert not scan.notes


def test_damaged_exif_is_refused_or_passed_over():
    content = encoded(GRAY, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    np.testing.assert_array_equal(mriseg.read(content).data, GRAY)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_frames_of_an_animation_are_listed(kind):
    frames = RNG.integers(0, 256, (9, 40, 50)).astype(np.uint8)
    content = animated(frames, kind, **({"lossless": True} if kind == "WEBP" else {}))
    found = contents(content)
    assert [item.title for item in found] == [f"Page {n} of 9, picture of 40 x 50 pixels" for n in range(1, 10)]
    for frame, item in zip(frames, found, strict=True):
        np.testing.assert_array_equal(item.load().data, frame)
    scan = mriseg.read(content)
    np.testing.assert_array_equal(scan.data, frames[4])
    assert any("number 5" in note for note in scan.notes)
    assert any("how large a voxel is" in note for note in scan.notes)


def test_the_shots_of_a_camera_are_listed_with_their_sizes():
    shots = [np.full(shape, 100, np.uint8) for shape in ((40, 50), (80, 100), (8, 10))]
    content = animated(shots, "MPO")
    found = contents(content)
    assert [item.title for item in found] == [
        "Page 1 of 3, picture of 40 x 50 pixels",
        "Page 2 of 3, picture of 80 x 100 pixels",
    ]
    assert mriseg.read(content).data.shape == (80, 100)
    np.testing.assert_allclose(found[0].load().data, 100, atol=1)


def test_a_camera_s_damaged_second_shot_does_not_spoil_the_first():
    content = animated([np.full((40, 50), 100, np.uint8), np.full((80, 100), 100, np.uint8)], "MPO")
    cut = content[: content.rindex(b"\xff\xd8\xff") + 1]
    assert mriseg.read(cut).data.shape == (40, 50)


def test_two_frames_say_nothing_of_volumes():
    scan = mriseg.read(animated([GRAY, GRAY[::-1]], "GIF"))
    assert scan.notes == ("The file holds 2 pictures; this is number 1.",)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_thumbnail_is_refused(kind):
    assert "3 x 3" in refusal(encoded(GRAY[:3, :3], kind))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "JPEG"])
def test_a_picture_larger_than_is_read_allocates_nothing(kind):
    side = int(MAX_PIXELS**0.5) + 10
    options = {"WEBP": {"lossless": True, "quality": 0, "method": 0}}.get(kind, {})
    content = encoded(np.zeros((side, side), np.uint8), kind, **options)
    assert str(side) in refusal(content)


def test_a_size_that_no_library_reads_is_told():
    content = bytearray(encoded(GRAY))
    content[16:24] = struct.pack(">II", 2**20, 2**20)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    with pytest.raises(TooLargeError, match="Scale it down"):
        mriseg.read(bytes(content))


def test_a_frame_larger_than_its_animation_announces_is_refused():
    content = bytearray(animated([GRAY, GRAY[::-1]], "GIF"))
    # The second of the descriptors of frames: a comma, left, top, width and height.
    at = content.index(b",", content.index(b",\x00\x00\x00\x00") + 1)
    while content[at : at + 5] != b",\x00\x00\x00\x00":
        at = content.index(b",", at + 1)
    content[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    assert "60000 x 60000" in refusal(bytes(content))


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_text_that_unpacks_without_end_is_refused_or_passed_over(name):
    packed = zlib.compress(bytes(30_000_000), 9)
    head = {b"zTXt": b"a\x00\x00", b"iTXt": b"a\x00\x01\x00\x00\x00", b"iCCP": b"a\x00\x00"}[name]
    content = with_chunk(encoded(GRAY), name, head + packed)
    with little_memory(8e6):
        assert refusal(content) == DAMAGED


def test_pixels_that_unpack_to_more_than_announced_take_no_memory():
    content = encoded(GRAY)
    at = content.index(b"IDAT") - 4
    packed = zlib.compress(bytes(100_000_000), 9)
    chunk = CHUNK.pack(len(packed), b"IDAT") + packed + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    longer = content[:at] + chunk + b"\x00\x00\x00\x00IEND\xaeB`\x82"
    with little_memory(4e6):
        assert not mriseg.read(longer).data.any()


def test_a_jpeg_that_draws_itself_over_and_over_is_refused():
    content = saved(PIL.Image.fromarray(GRAY), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    scan = content[last:-2]
    assert mriseg.read(content[:-2] + 20 * scan + b"\xff\xd9").data.shape == GRAY.shape
    assert "unusual" in refusal(content[:-2] + 500 * scan + b"\xff\xd9")


def test_the_names_in_a_picture_are_not_kept():
    text = PIL.PngImagePlugin.PngInfo()
    text.add_text("Patient", "DOE^JANE")
    scan = mriseg.read(saved(PIL.Image.fromarray(GRAY), pnginfo=text, dpi=(300, 300)))
    assert "DOE" not in repr(scan) + str(scan.notes)
    assert scan.spacing is None  # dots per inch are the printer's


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (imagecodecs.jpeg2k_encode(GRAY), "JPEG 2000"),
        (imagecodecs.jpeg2k_encode(GRAY, codecformat="j2k"), "JPEG 2000"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(500), "HEIC"),
        (b"8BPS\x00\x01" + bytes(500), "Photoshop"),
    ],
)
def test_pictures_that_are_not_read_are_told_with_the_way_out(content, what):
    message = refusal(content)
    assert what in message
    assert "PNG" in message


def test_nothing_is_printed_of_damaged_pictures(capfd, recwarn):
    gc.collect()  # what tests before this one left open is not said now
    recwarn.clear()
    for kind in ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"):
        whole = encoded(np.tile(GRAY, (3, 3)), kind)
        for _ in range(60):
            content = bytearray(whole)
            content[RNG.integers(len(content))] = RNG.integers(256)
            content[RNG.integers(min(200, len(content)))] = RNG.integers(256)
            try:
                data = mriseg.read(bytes(content)).data
            except mriseg.MrisegError:
                continue
            assert np.isfinite(data).all()
    assert not recwarn.list
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["jlf01_t1_axial_8bit.png", "jlf01_t1_axial_16bit.png", "jlf01_t1_axial_16bit.tif",
                                  "jlf01_t1_axial_float32.tif", "jlf01_t1_axial_q60.jpg",
                                  "jlf01_t1_axial_rgba_transparent_bg.png"])  # fmt: skip
def test_the_same_slice_in_every_format_is_the_same_picture(shared, name):
    folder = shared / "data" / "slices"
    first = mriseg.read(folder / "jlf01_t1_axial_8bit.png").data
    other = mriseg.read(folder / name).data
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] > 0.99


@pytest.mark.slow
def test_a_gif_of_countless_pieces_is_refused_before_they_are_put_together():
    content = encoded(np.zeros((40, 40), np.uint8), "GIF")
    start = 13 + (3 << (content[10] % 8 + 1))  # behind the palette
    comment = b"!\xfe" + b"\x01a" * (MOST_GIF_BLOCKS + 1) + b"\x00"
    assert "damaged" in refusal(content[:start] + comment + content[start:])


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"BM"])
def test_a_file_with_a_hole_of_gigabytes_is_refused_at_once(tmp_path, start):
    file = tmp_path / "picture"
    file.write_bytes(start)
    os.truncate(file, 30_000_000_000)
    began = time.process_time()
    with pytest.raises(mriseg.MrisegError):
        contents(file)
    assert time.process_time() - began < 1


def test_what_is_no_block_of_a_gif_is_read_over_within_bounds():
    gif = saved(PIL.Image.fromarray(GRAY), "GIF")
    assert contents(gif[:-1] + bytes(1000) + gif[-1:], "slice.gif")[0].refusal is None
    with pytest.raises(mriseg.MrisegError, match="damaged"):
        contents(gif[:-1] + bytes(MOST_GIF_BLOCKS + 2) + gif[-1:], "slice.gif")
