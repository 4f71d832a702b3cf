import gzip
import io
import struct
import time
import warnings
import zipfile
from contextlib import suppress

import nibabel
import numpy as np
import PIL.Image
import pytest
import skimage
import tifffile

import mriseg
from mriseg import MrisegError
from mriseg.core import limits
from mriseg.io.guards.png import DAMAGED
from mriseg.io.pictures.exif_orientation import upright
from mriseg.io.reader import contents
from tests.helpers import encoded, little_memory, refusal
from tests.io.pictures.test_picture import COLOR, GRAY, LUMINANCE, saved

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (12, 40, 50)).astype(np.uint8)
IMAGEJ = {"spacing": 1.5, "unit": "mm"}


def tiff(pixels, **options):
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


def with_tag(content, code, **fields):
    """A little-endian classic TIFF of one page with an entry of its directory changed."""
    content = bytearray(content)
    offset = struct.unpack_from("<I", content, 4)[0]
    for number in range(struct.unpack_from("<H", content, offset)[0]):
        at = offset + 2 + 12 * number
        if struct.unpack_from("<H", content, at)[0] == code:
            for field, value in fields.items():
                struct.pack_into("<I", content, at + {"count": 4, "value": 8}[field], value)
            return bytes(content)
    raise KeyError(code)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
def test_levels_of_every_type_are_exact(dtype, byteorder):
    pixels = (GRAY.astype(float) - (100 if dtype[0] in "if" else 0)).astype(dtype)
    np.testing.assert_array_equal(mriseg.read(tiff(pixels // 2, byteorder=byteorder)).data, pixels // 2)


@pytest.mark.parametrize("bits", [2, 4, 12])
def test_packed_bits_are_unpacked(bits):
    pixels = (GRAY.astype(np.uint16) * 16) >> (12 - bits)
    content = tiff(pixels.astype(np.uint8 if bits < 9 else np.uint16), bitspersample=bits)
    np.testing.assert_array_equal(mriseg.read(content).data, pixels)


def test_floating_point_is_kept_as_stored():
    pixels = RNG.normal(0, 1e5, (40, 50)).astype(np.float32)
    np.testing.assert_array_equal(mriseg.read(tiff(pixels)).data, pixels)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd", "png"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}, {"rowsperstrip": 40}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_packing_in_strips_and_tiles_is_exact(compression, layout, dtype):
    pixels = GRAY.astype(dtype) * dtype(257 if dtype == np.uint16 else 1)
    scan = mriseg.read(tiff(pixels, compression=compression, **layout))
    np.testing.assert_array_equal(scan.data, pixels)


@pytest.mark.parametrize("predictor", [2, 3])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}])
def test_predicted_values_are_exact(predictor, layout):
    pixels = RNG.normal(0, 100, (40, 50)).astype(np.float32) if predictor == 3 else GRAY.astype(np.uint16) * 3
    content = tiff(pixels, compression="zlib", predictor=predictor, **layout)
    np.testing.assert_array_equal(mriseg.read(content).data, pixels)


@pytest.mark.parametrize("compression", ["raw", "tiff_deflate", "tiff_lzw", "packbits"])
@pytest.mark.parametrize("big_tiff", [False, True])
def test_what_another_writer_writes_is_read(compression, big_tiff):
    content = saved(PIL.Image.fromarray(GRAY), "TIFF", compression=compression, big_tiff=big_tiff)
    np.testing.assert_array_equal(mriseg.read(content).data, GRAY)


@pytest.mark.parametrize("compression", ["raw", "group3", "group4"])
def test_one_bit_is_black_and_white(compression):
    pixels = GRAY > 127
    content = saved(PIL.Image.fromarray(pixels), "TIFF", compression=compression)
    np.testing.assert_array_equal(mriseg.read(content).data, 255.0 * pixels)


@pytest.mark.parametrize("colors", [1, 3])
def test_jpeg_within_is_near_enough(colors):
    smooth = np.add.outer(np.arange(48), 2 * np.arange(64)).astype(np.uint8)
    pixels = smooth if colors == 1 else np.dstack([smooth] * 3)
    for layout in ({"rowsperstrip": 16}, {"tile": (16, 16)}):
        content = tiff(pixels, compression="jpeg", compressionargs={"level": 95}, **layout)
        assert np.abs(mriseg.read(content).data - smooth).max() <= 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_zero_is_white_the_levels_are_turned_round(dtype):
    pixels = GRAY.astype(dtype) * (257 if dtype == np.uint16 else 1)
    content = tiff(pixels, photometric="miniswhite")
    np.testing.assert_array_equal(mriseg.read(content).data, np.iinfo(dtype).max - pixels)
    content = tiff(pixels.astype(np.float32), photometric="miniswhite")
    np.testing.assert_array_equal(mriseg.read(content).data, pixels.max() - pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 32)}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colors_become_luminance(planar, layout, dtype):
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    pixels = (COLOR * dtype(scale)).astype(dtype)
    stored = pixels if planar == "contig" else np.moveaxis(pixels, -1, 0)
    scan = mriseg.read(tiff(stored, photometric="rgb", planarconfig=planar, compression="zlib", **layout))
    np.testing.assert_allclose(scan.data, pixels @ LUMINANCE, rtol=1e-5, atol=0.01 * scale)
    np.testing.assert_array_equal(scan.data[6:], pixels[6:, :, 0])
    assert any("in color" in note for note in scan.notes)


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
def test_only_opacity_that_was_not_applied_is(kind):
    opacity = np.where(GRAY > 128, 255, 51).astype(np.uint8)
    expected = GRAY * (opacity / 255) if kind == "unassalpha" else GRAY
    for pixels, photometric in ((np.dstack([GRAY] * 3 + [opacity]), "rgb"), (np.dstack([GRAY, opacity]), "minisblack")):
        content = tiff(pixels, photometric=photometric, extrasamples=[kind], planarconfig="contig")
        np.testing.assert_allclose(mriseg.read(content).data, expected, atol=0.01)


def test_a_palette_is_looked_up():
    image = PIL.Image.fromarray(COLOR).quantize(250)
    expected = np.asarray(image.convert("RGB")) @ LUMINANCE
    np.testing.assert_allclose(mriseg.read(saved(image, "TIFF")).data, expected, atol=0.01)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_ways_to_store_colors_come_out_as_the_same_gray(mode):
    image = PIL.Image.fromarray(np.dstack([GRAY] * 3)).convert(mode)
    np.testing.assert_allclose(mriseg.read(saved(image, "TIFF")).data, GRAY, atol=1.5)


@pytest.mark.parametrize("ink", [(200, 30, 90, 0), (10, 240, 3, 77), (0, 0, 0, 255), (255, 255, 255, 0)])
def test_inks_give_the_light_that_pillow_gives(ink):
    pixels = np.full((40, 50, 4), (0, 0, 0, 40), np.uint8)
    pixels[:3] = ink
    image = PIL.Image.fromarray(pixels, "CMYK")
    expected = np.asarray(image.convert("RGB")) @ LUMINANCE
    np.testing.assert_allclose(mriseg.read(saved(image, "TIFF")).data, expected, atol=1)


@pytest.mark.parametrize("pixels", [np.dstack([GRAY] * 3), COLOR], ids=("gray", "colors"))
def test_lab_gives_the_luminance_of_its_colors(pixels):
    lab = skimage.color.rgb2lab(pixels) * (2.55, 1, 1) + (0, 128, 128)  # as Pillow keeps it; it stores a and b signed
    planes = [PIL.Image.fromarray(np.rint(plane).astype(np.uint8)) for plane in np.moveaxis(lab, 2, 0)]
    found = mriseg.read(saved(PIL.Image.merge("LAB", planes), "TIFF")).data
    np.testing.assert_allclose(found, pixels @ LUMINANCE, atol=4)  # 8 bits of a and b


def test_channels_that_are_no_colors_are_refused():
    pixels = np.dstack([GRAY] * 4)
    assert "channels" in refusal(tiff(pixels, photometric="minisblack", planarconfig="contig"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_viewers_show_it(orientation):
    content = tiff(GRAY, extratags=[(274, 3, 1, orientation, True)])
    (item,) = contents(content)
    scan = item.load()
    np.testing.assert_array_equal(scan.data, upright(GRAY, orientation))
    assert item.title == "picture of {} x {} pixels".format(*scan.data.shape)
    assert any("turned" in note for note in scan.notes) == (orientation > 1)


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scan.tif", content)
    return stream.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zipped], ids=("plain", "gz", "zip"))
def test_pages_are_listed_and_the_middle_one_is_read(pack):
    content = pack(tiff(STACK, photometric="minisblack"))
    found = contents(content)
    assert [item.title for item in found] == [f"Page {n} of 12, picture of 40 x 50 pixels" for n in range(1, 13)]
    for pixels, item in zip(STACK, found, strict=True):
        np.testing.assert_array_equal(item.load().data, pixels)
    scan = mriseg.read(content)
    np.testing.assert_array_equal(scan.data, STACK[5])
    assert any("number 6" in note for note in scan.notes)
    assert any("how large a voxel is" in note for note in scan.notes)


def test_listing_decodes_no_pixels(monkeypatch):
    content = tiff(STACK, photometric="minisblack")
    monkeypatch.setattr(tifffile.TiffPage, "decode", None)
    assert len(contents(content)) == 12


def test_of_a_pyramid_the_largest_page_is_read():
    stream = io.BytesIO()
    large = np.kron(GRAY, np.ones((4, 4), np.uint8))
    with tifffile.TiffWriter(stream) as writer:
        writer.write(large[::4, ::4], metadata=None)
        writer.write(large, metadata=None)
        writer.write(large[::2, ::2], subfiletype=1, metadata=None)
        writer.write(large[::16, ::16], metadata=None)
    found = contents(stream.getvalue())
    assert [item.title for item in found] == [
        "Page 1 of 3, picture of 40 x 50 pixels",
        "Page 2 of 3, picture of 160 x 200 pixels",
    ]
    np.testing.assert_array_equal(mriseg.read(stream.getvalue()).data, large)


def imagej(stack=STACK, resolution=(2.0, 2.0), **metadata):
    return tiff(stack, imagej=True, resolution=resolution, metadata={**IMAGEJ, "axes": "ZYX"} | metadata)


def ome(stack=STACK, **metadata):
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 1.5}
    units = dict.fromkeys(("PhysicalSizeXUnit", "PhysicalSizeYUnit", "PhysicalSizeZUnit"), "mm")
    return tiff(stack, ome=True, photometric="minisblack", metadata={"axes": "ZYX", **sizes, **units} | metadata)


MICRONS = {"PhysicalSizeX": 500, "PhysicalSizeY": 500, "PhysicalSizeZ": 1500} | dict.fromkeys(
    ("PhysicalSizeXUnit", "PhysicalSizeYUnit", "PhysicalSizeZUnit"), "\u00b5m"
)


@pytest.mark.parametrize(
    "content",
    [
        imagej(),
        imagej(resolution=(0.002, 0.002), unit="um", spacing=1500),
        imagej(resolution=(0.002, 0.002), unit="micron", spacing=1500),
        imagej(resolution=(0.002, 0.002), unit="\\u00B5m", spacing=1500),
        ome(),
        ome(**MICRONS),
        tiff(STACK, imagej=True, compression="zlib", resolution=(2, 2), metadata=IMAGEJ | {"axes": "ZYX"}),
    ],
    ids=("ImageJ mm", "ImageJ um", "ImageJ micron", "ImageJ sign", "OME mm", "OME sign", "ImageJ packed"),
)
def test_a_stack_of_known_voxels_is_one_volume(content):
    found = contents(content)
    assert found[0].title == "Volume of 12 pages, 50 x 40 x 12 voxels of 0.5 x 0.5 x 1.5 mm"
    assert len(found) == 13
    assert max(found, key=lambda item: item.rank) is found[0]
    scan = found[0].load()
    np.testing.assert_array_equal(scan.data, STACK.T)
    np.testing.assert_allclose(scan.spacing, (0.5, 0.5, 1.5))
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "LPS"
    assert not scan.sides_known
    assert any("axial slices" in note for note in scan.notes)
    np.testing.assert_array_equal(found[3].load().data, STACK[2])
    assert not any("voxel" in note for note in found[3].load().notes)


@pytest.mark.parametrize(
    "content",
    [
        imagej(unit="inch"),  # dots per inch are the printer's
        imagej(unit="pixel"),
        imagej(spacing=0),
        imagej(spacing="nan"),
        imagej(resolution=(1e-9, 1e-9)),
        imagej(STACK.reshape(2, 6, 40, 50), axes="TZYX"),
        imagej(STACK.reshape(6, 2, 40, 50), axes="ZCYX"),
        ome(axes="TYX"),
        ome(axes="CYX"),
        ome(PhysicalSizeZ=0),
        tiff(STACK, photometric="minisblack", resolution=(72, 72), resolutionunit="inch"),
        tiff(STACK, photometric="minisblack", resolution=(10, 10), resolutionunit="centimeter"),
    ],
)
def test_without_a_voxel_size_only_pages_are_offered(content):
    found = contents(content)
    assert len(found) == 12
    assert all(item.title.startswith("Page") for item in found)
    assert any("how large a voxel is" in note for note in found[0].load().notes)


def test_pages_in_color_are_no_volume():
    content = imagej(np.repeat(STACK[..., None], 3, 3), axes="ZYXS")
    assert all(item.title.startswith("Page") for item in contents(content))


def test_few_pages_are_no_volume():
    assert len(contents(imagej(STACK[:7]))) == 7


def test_a_volume_that_is_too_small_is_listed_with_the_reason():
    found = contents(imagej(np.zeros((8, 24, 24), np.uint8)))  # 4608 voxels pass, these do not:
    assert found[0].refusal is None
    limited = contents(imagej(np.zeros((9, 2100, 2200), np.uint8)))
    assert "40 million" in limited[0].refusal
    assert limited[1].refusal is None


def test_entities_of_ome_are_not_expanded():
    bomb = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{10 * f"&{a};"}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    text = bomb + ']><OME><Pixels PhysicalSizeX="&i;" PhysicalSizeY="1" PhysicalSizeZ="1" SizeZ="12"/></OME>'
    content = tiff(STACK, photometric="minisblack", description=text, metadata=None)
    with little_memory(3e6):
        assert all(item.title.startswith("Page") for item in contents(content))


@pytest.mark.parametrize("text", [124_000 * "<Pixels ", f"<Pixels {990_000 * 'a'}>", f"<Pixels {330_000 * 'a= '}>"])
def test_a_hostile_description_is_passed_over_once(text):
    began = time.process_time()
    assert len(contents(tiff(GRAY, description=text, metadata=None))) == 1
    assert time.process_time() - began < 2


def test_no_more_pages_are_listed_than_help():
    content = tiff(np.zeros((limits.MAX_ITEMS + 20, 24, 24), np.uint8), photometric="minisblack")
    found = contents(content)
    assert len(found) == limits.MAX_ITEMS
    np.testing.assert_array_equal(found[-1].load().data, 0)


@pytest.mark.parametrize("layout", [{"rowsperstrip": 10_000}, {"tile": (256, 256)}])
def test_a_picture_larger_than_is_read_allocates_nothing(layout):
    side = int(limits.MAX_PIXELS**0.5) + 10
    content = tiff(np.zeros((side, side), np.uint8), compression="zlib", **layout)
    assert str(side) in refusal(content)


@pytest.mark.parametrize(
    ("codec", "unpacked"),
    [("zlib", 50_000_000), ("zstd", 50_000_000), ("lzw", 10_000_000)],
)
def test_a_strip_that_unpacks_to_more_than_announced_takes_no_memory(codec, unpacked):
    import imagecodecs

    bomb = getattr(imagecodecs, f"{codec}_encode")(bytes(unpacked))
    content = tiff(GRAY, compression=codec)
    start = len(content)
    content = with_tag(with_tag(content, 273, value=start), 279, value=len(bomb)) + bomb
    with little_memory(3e6 + len(bomb)):
        if codec == "lzw":  # the decoder stops where it was told to
            assert not mriseg.read(content).data.any()
        else:
            assert refusal(content) == DAMAGED


@pytest.mark.parametrize("codec", ["jpeg", "png"])
def test_a_picture_within_that_is_larger_than_announced_is_refused(codec):
    content = tiff(GRAY, compression=codec)
    bomb = encoded(np.zeros((3000, 3000), np.uint8), codec.upper())
    content = with_tag(with_tag(content, 273, value=len(content)), 279, value=len(bomb)) + bomb
    assert refusal(content) == DAMAGED


@pytest.mark.parametrize("code", [273, 279, 270, 305, 258])
def test_a_directory_that_announces_too_much_is_refused(code):
    # Sixteen megabytes of strips that tifffile would turn into Python numbers.
    content = tiff(GRAY, description="a description", software="a writer")
    content = with_tag(content, code, count=2**24, value=8) + bytes(2**26)
    assert refusal(content) == DAMAGED


def test_many_directories_that_share_their_values_are_refused():
    count = 200_000
    values = bytes(4 * count)
    pages, first = b"", 8 + len(values)
    for number in range(300):
        entries = [(256, 4, 1, 50), (257, 4, 1, 40), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
                   (273, 4, count, 8), (278, 4, 1, 1), (279, 4, count, 8)]  # fmt: skip
        after = first + len(pages) + 2 + 12 * len(entries) + 4
        pages += struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        pages += struct.pack("<I", after if number < 299 else 0)
    assert refusal(b"II*\x00" + struct.pack("<I", first) + values + pages) == DAMAGED


def test_directories_in_a_circle_are_read_once():
    content = bytearray(tiff(GRAY, metadata=None))
    offset = struct.unpack_from("<I", content, 4)[0]
    tags = struct.unpack_from("<H", content, offset)[0]
    struct.pack_into("<I", content, offset + 2 + 12 * tags, offset)
    np.testing.assert_array_equal(mriseg.read(bytes(content)).data, GRAY)


@pytest.mark.parametrize("code", [256, 257, 258, 259, 262, 273, 277, 278, 279])
@pytest.mark.parametrize("value", [0, 1, 2, 7, 0xFFFF, 0xFFFFFFFF])
def test_a_directory_that_lies_is_refused_or_read(code, value):
    content = with_tag(tiff(GRAY, compression="zlib", metadata=None), code, value=value)
    # It may announce as much as a picture can have.
    with little_memory(6e6 + 2 * 4 * 65535 * 50), suppress(mriseg.MrisegError):
        assert np.isfinite(mriseg.read(content).data).all()


def test_a_tile_that_is_far_larger_than_the_picture_is_refused():
    content = tiff(GRAY, tile=(64, 64), compression="zlib", metadata=None)
    for code in (322, 323):
        content = with_tag(content, code, value=32_000)
    assert refusal(content) == DAMAGED


@pytest.mark.parametrize("code", [b"\xff\x52", b"\xff\x51"])
def test_jpeg_2000_in_countless_parts_is_refused(code):
    content = tiff(np.zeros((512, 512), np.uint8), compression="jpeg2000", metadata=None)
    mriseg.read(content)
    # 65 535 layers of quality; tiles of one pixel.
    place, value = {b"\xff\x52": (6, b"\xff\xff"), b"\xff\x51": (22, bytes(3) + b"\x01" + bytes(3) + b"\x01")}[code]
    at = content.index(code) + place
    assert refusal(content[:at] + value + content[at + len(value) :]) == DAMAGED


def test_a_picture_within_is_of_the_kind_announced():
    content = tiff(GRAY, compression="jpeg2000", metadata=None)
    code = content.index(b"\xff\x4f\xff\x51")
    other = encoded(np.zeros(GRAY.shape, np.uint8), "GIF")
    assert refusal(content[:code] + other + content[code + len(other) :]) == DAMAGED


def test_what_is_unpacked_in_one_piece_is_bounded():
    content = tiff(np.zeros((64, 64, 4)), photometric="rgb", compression="zlib", metadata=None)
    for code in (256, 257, 278):
        content = with_tag(content, code, value=4000)
    with pytest.raises(MrisegError, match="one piece"):
        mriseg.read(content)


def test_colors_are_converted_some_rows_at_a_time():
    side = 1500
    pixels = np.full((side, side, 3), 90, np.uint8)
    content = tiff(pixels, photometric="cielab", compression="zlib", rowsperstrip=side, metadata=None)
    with little_memory(4 * side**2 + 3 * pixels.nbytes + 60e6):
        mriseg.read(content)


def test_pixels_that_are_not_there_are_told():
    content = tiff(GRAY, metadata=None)
    assert refusal(with_tag(content, 279, value=0)) == DAMAGED
    for tag in (273, 279):
        content = content.replace(np.array([tag], "<u2").tobytes(), np.array([tag + 60_000], "<u2").tobytes(), 1)
    assert refusal(content) == DAMAGED


def test_memory_stays_within_two_and_a_half_pictures():
    side = 2400
    pixels = RNG.integers(0, 4000, (side, side)).astype(np.uint16)
    for content in (tiff(pixels, rowsperstrip=64), tiff(pixels, rowsperstrip=64, compression="zlib")):
        with little_memory(2.5 * 4 * side**2):
            scan = mriseg.read(content)
        np.testing.assert_array_equal(scan.data, pixels)
