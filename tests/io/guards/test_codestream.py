import imagecodecs
import numpy as np
import pytest

from mriseg.io.guards.codestream import announced

PICTURE = np.random.default_rng(0).integers(0, 4096, (48, 64)).astype(np.uint16)
SMALL = (PICTURE // 16).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "bits", "code"),
    [
        ("jpeg", 8, imagecodecs.jpeg8_encode(SMALL, 90)),
        ("jpeg", 12, imagecodecs.jpeg8_encode(PICTURE, 95, bitspersample=12)),
        ("jpeg", 12, imagecodecs.jpeg8_encode(PICTURE, lossless=True, bitspersample=12)),
        ("jpeg-ls", 16, imagecodecs.jpegls_encode(PICTURE)),
        ("jpeg 2000", 16, imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k")),
        ("jpeg 2000", 16, imagecodecs.jpeg2k_encode(PICTURE, codecformat="jp2")),
        ("jpeg 2000", 8, imagecodecs.jpeg2k_encode(SMALL, codecformat="j2k", resolutions=3)),
    ],
)
def test_a_code_says_its_size(kind, bits, code):
    said = announced(code)
    assert (said.kind, said.rows, said.columns, said.samples) == (kind, 48, 64, 1)
    assert said.bits == bits
    assert announced(code[:10]) is None


def test_colors_are_told():
    assert announced(imagecodecs.jpeg8_encode(np.dstack([SMALL] * 3), 90)).samples == 3
    assert announced(imagecodecs.jpeg2k_encode(np.dstack([SMALL] * 3), codecformat="j2k")).samples == 3


def test_progressive_and_unknown_codes_are_not_read():
    code = imagecodecs.jpeg8_encode(SMALL, 90)
    position = code.index(b"\xff\xc0")
    assert announced(code[:position] + b"\xff\xc2" + code[position + 2 :]) is None
    for other in (b"", b"\xff\xd8", bytes(100), b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n" + bytes(50)):
        assert announced(other) is None


def test_a_code_of_countless_parts_is_not_read():
    code = imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k")
    # One-pixel tiles; one-pixel precincts; code blocks of 4 x 4.
    assert announced(code[:24] + (1).to_bytes(4, "big") * 2 + code[32:]) is None
    division = code.index(b"\xff\x52")
    levels = code[division + 9]
    fine = code[: division + 2] + (13 + levels).to_bytes(2, "big") + b"\x01" + code[division + 5 : division + 14]
    assert announced(fine + bytes(levels + 1) + code[division + 14 :]) is None
    usual = fine + b"\x88" * (levels + 1) + code[division + 14 :]
    assert announced(usual) is not None
    assert announced(code[: division + 10] + b"\x00\x00" + code[division + 12 :]) is None


def test_a_division_hidden_in_a_tile_is_found():
    code = imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k")
    part = code.index(b"\xff\x90")
    hidden = b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    assert announced(code[: part + 12] + hidden + code[part + 12 :]) is None


def test_damaged_codes_are_never_more_than_unknown():
    rng = np.random.default_rng(1)
    codes = [
        imagecodecs.jpeg8_encode(SMALL, 90),
        imagecodecs.jpegls_encode(PICTURE),
        imagecodecs.jpeg2k_encode(PICTURE, codecformat="jp2"),
    ]
    for _ in range(3000):
        code = bytearray(codes[rng.integers(3)])
        for position in rng.integers(0, 300, 4):
            code[position] = rng.integers(256)
        announced(bytes(code[: rng.integers(400)]))


def test_a_code_of_countless_layers_is_not_read():
    code = imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k")
    layers = code.index(b"\xff\x52") + 6
    assert announced(code[:layers] + (40).to_bytes(2, "big") + code[layers + 2 :]) is not None
    assert announced(code[:layers] + (65_535).to_bytes(2, "big") + code[layers + 2 :]) is None
