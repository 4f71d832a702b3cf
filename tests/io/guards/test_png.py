import io
import struct
import sys
import zlib

import imagecodecs
import numpy as np
import pytest

from mriseg.core.errors import ReadError
from mriseg.io.guards.png import MOST_CHUNKS, check_chunks, is_interlaced, sound_png
from tests.helpers import encoded
from tests.io.pictures.test_picture import GRAY, with_chunk

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pixels_stay_the_same(dtype, channels):
    pixels = RNG.integers(0, np.iinfo(dtype).max, (40, 50, channels)).astype(dtype).squeeze()
    smooth = np.cumsum(pixels // 100, axis=1, dtype=dtype)  # filtered in another way than noise
    for kind in (pixels, smooth):
        content = imagecodecs.png_encode(kind)
        np.testing.assert_array_equal(imagecodecs.png_decode(sound_png(content)), kind)
        assert not is_interlaced(content)


def test_texts_and_profiles_are_left_out_and_transparency_stays():
    content = with_chunk(encoded(GRAY), b"tEXt", b"Patient\x00DOE^JANE")
    content = with_chunk(content, b"tRNS", b"\x00\x07")
    sound = sound_png(content)
    assert b"DOE" not in sound
    np.testing.assert_array_equal(imagecodecs.png_decode(sound)[..., 1], np.where(GRAY == 7, 0, 255))


def test_a_large_picture_is_checked_in_blocks():
    pixels = RNG.integers(0, 65536, (1200, 1500, 3)).astype(np.uint16)
    np.testing.assert_array_equal(imagecodecs.png_decode(sound_png(imagecodecs.png_encode(pixels))), pixels)


def test_what_is_not_refused_decodes_in_silence(capfd):
    whole = imagecodecs.png_encode(np.cumsum(RNG.integers(0, 9, (40, 50, 3)), 1).astype(np.uint16))
    references, refused = sys.getrefcount(None), 0
    for _ in range(2000):
        content = bytearray(whole)
        for _ in range(RNG.integers(1, 4)):
            content[RNG.integers(len(content))] = RNG.integers(256)
        try:
            imagecodecs.png_decode(sound_png(bytes(content)))
        except ReadError:
            refused += 1
    assert 1000 < refused < 2000
    assert sys.getrefcount(None) > references - 100
    assert capfd.readouterr() == ("", "")


def test_damage_that_keeps_its_checksums_is_refused():
    header = np.frombuffer(imagecodecs.png_encode(GRAY)[16:29], np.uint8).tobytes()
    png = imagecodecs.png_encode(GRAY)
    for where, value in ((24, 4), (25, 3), (26, 1), (27, 1), (28, 1), (19, 49), (23, 41)):
        changed = bytearray(header)
        changed[where - 16] = value
        with pytest.raises(ReadError):
            sound_png(with_chunk(png[:8] + png[33:], b"IHDR", bytes(changed)))
    for name in (b"IDAT", b"IHDR"):
        with pytest.raises(ReadError):
            sound_png(with_chunk(png[: png.index(b"IDAT") - 4] + b"\x00\x00\x00\x00IEND\xaeB`\x82IDAT", name, b"12"))


def test_countless_empty_pieces_are_refused():
    content = encoded(np.zeros((30, 30), np.uint16))
    end = content.index(b"IEND") - 4
    empty = struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    with pytest.raises(ReadError, match="damaged"):
        sound_png(content[:end] + (MOST_CHUNKS + 1) * empty + content[end:])


def test_countless_chunks_are_refused_before_they_are_opened():
    content = encoded(np.zeros((30, 30), np.uint8))
    check_chunks(io.BytesIO(content + bytes(20 * MOST_CHUNKS)))  # what follows the end is not looked at
    start = len(content) - 12
    empty = struct.pack(">I4sI", 0, b"teST", zlib.crc32(b"teST"))
    with pytest.raises(ReadError, match="damaged"):
        check_chunks(io.BytesIO(content[:start] + (MOST_CHUNKS + 1) * empty + content[start:]))
