import io
import struct
import zlib
from time import process_time

import numpy as np
import pydicom
import pytest

import mriseg
from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.dicom.dictionary import KNOWN
from mriseg.io.dicom.elements import Budget, is_dicom, read_elements
from mriseg.io.sources import files
from mriseg.io.streams import Inflated
from tests.dicom_files import AXIAL, Geometry, brainlike, enhanced, series, written
from tests.helpers import encoded, little_memory, nifti, refusal

VOXELS = brainlike((40, 32, 4))
ITEM, ITEM_END, SEQUENCE_END, UNDEFINED = 0xE000, 0xE00D, 0xE0DD, 0xFFFFFFFF
PER_FRAME = (0x5200, 0x9230)


def element(tag, kind, value, length=None):
    """An element in explicit little endian."""
    length = len(value) if length is None else length
    if kind in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return struct.pack("<HH2sHL", *tag, kind, 0, length) + value
    return struct.pack("<HH2sH", *tag, kind, length) + value


def mark(number, length=0):
    return struct.pack("<HHL", 0xFFFE, number, length)


def file_of(body, syntax=b"1.2.840.10008.1.2.1\0"):
    meta = element((2, 0x10), b"UI", syntax)
    return bytes(128) + b"DICM" + element((2, 0), b"UL", struct.pack("<L", len(meta))) + meta + body


def elements_of(content, budget=None):
    return read_elements(files(content)[0], budget or Budget())


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big endian"])
@pytest.mark.parametrize("preamble", [True, False])
def test_dicom_is_known_by_its_start(syntax, preamble):
    content = series(VOXELS[..., :1], syntax=syntax, preamble=preamble)[0][1]
    assert is_dicom(content[: limits.START_BYTES])
    assert not is_dicom(content[: limits.START_BYTES][5:])


def test_what_is_no_dicom_is_not_taken_for_it():
    rng = np.random.default_rng(0)
    others = [b"", bytes(600), b"\x08\x00" * 300, b"\x02\x00\x10\x00UI" + bytes(600), b"Dear colleague, " * 40]
    others += [nifti(np.ones((20, 20, 20), np.int16)), encoded(np.zeros((30, 30), np.uint8))]
    others += [b"\x08\x00" + rng.integers(0, 256, 600, np.uint8).tobytes() for _ in range(2000)]
    assert not any(is_dicom(content[: limits.START_BYTES]) for content in others)


def test_what_is_kept_is_what_another_reader_finds():
    content = series(VOXELS[..., :1], tags={"RepetitionTime": 2300.5, "ScanningSequence": ["GR", "IR"]})[0][1]
    found, theirs = elements_of(content).entries, pydicom.dcmread(io.BytesIO(content))
    for keyword in ("ScanningSequence", "ImageType"):
        assert found[keyword].split("\\") == list(theirs[keyword].value)
    for keyword in ("ImagePositionPatient", "RepetitionTime", "Rows", "InstanceNumber"):
        np.testing.assert_allclose(found[keyword], theirs[keyword].value)
    assert {known for known, _ in KNOWN.values()} >= set(found)


def test_what_is_known_is_called_as_in_the_standard():
    for tag, (keyword, kind) in KNOWN.items():
        assert pydicom.datadict.keyword_for_tag(tag) == keyword
        assert pydicom.datadict.dictionary_VR(tag) == kind


def test_a_real_header_is_read_as_by_another_reader(shared):
    for path in sorted((shared / "data" / "dicom").rglob("*/*.dcm"))[::3]:
        found, theirs = elements_of(path), pydicom.dcmread(path, stop_before_pixels=True)
        for keyword, value in found.entries.items():
            if keyword in theirs and isinstance(value, tuple) and value:
                np.testing.assert_allclose(value, np.atleast_1d(np.array(theirs[keyword].value, float)))
        groups = theirs.get("PerFrameFunctionalGroupsSequence", [])
        assert len(found.frames) == len(groups)
        for frame, group in zip(found.frames, groups, strict=True):
            np.testing.assert_allclose(
                frame["ImagePositionPatient"], group.PlanePositionSequence[0].ImagePositionPatient
            )


# What writers get wrong


@pytest.mark.parametrize("is_defined", [True, False])
@pytest.mark.parametrize("kind", [b"SQ", b"UN"])
def test_sequences_are_read_in_either_length_and_of_unknown_type(is_defined, kind):
    position = b"1\\2\\3 "
    if kind == b"UN":  # implicit within
        inner = struct.pack("<HHL", 0x20, 0x32, len(position)) + position
    else:
        inner = element((0x20, 0x32), b"DS", position)

    def sequence(tag, content):
        if is_defined:
            value = mark(ITEM, len(content)) + content
            return element(tag, kind, value) if tag == PER_FRAME or kind == b"SQ" else _implicit(tag, value)
        value = mark(ITEM, UNDEFINED) + content + mark(ITEM_END) + mark(SEQUENCE_END)
        if tag == PER_FRAME or kind == b"SQ":
            return element(tag, kind, value, UNDEFINED)
        return struct.pack("<HHL", *tag, UNDEFINED) + value

    private = element(
        (9, 0x1001), b"SQ", mark(ITEM, UNDEFINED) + inner + mark(ITEM_END) + mark(SEQUENCE_END), UNDEFINED
    )
    icon = element((0x88, 0x200), b"OB", mark(ITEM, 4) + b"\xfe\xff\x0d\xe0" + mark(SEQUENCE_END), UNDEFINED)
    body = private + icon + sequence(PER_FRAME, sequence((0x20, 0x9113), inner)) + element((0x7FE0, 0x10), b"OW", b"ab")
    found = elements_of(file_of(body))
    assert [frame["ImagePositionPatient"] for frame in found.frames] == [(1, 2, 3)]
    assert "ImagePositionPatient" not in found.entries
    assert found.length == 2


def _implicit(tag, value):
    return struct.pack("<HHL", *tag, len(value)) + value


def test_another_encoding_than_announced_is_understood():
    content = series(VOXELS[..., :1], syntax="implicit")[0][1]
    wrong = content.replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.3\0")  # unknown, hence explicit
    assert wrong != content
    assert elements_of(wrong).entries["Rows"] == (32,)
    explicit = series(VOXELS[..., :1])[0][1]
    body = explicit[132 + 12 + struct.unpack("<L", explicit[140:144])[0] :]
    assert elements_of(file_of(body, b"1.2.840.10008.1.2\0")).entries["Rows"] == (32,)


def test_the_vendor_s_big_endian_pixels_are_read():
    content = series(VOXELS.byteswap(), Geometry(AXIAL), syntax="implicit")
    swapped = []
    for name, file in content:
        dataset = pydicom.dcmread(io.BytesIO(file))
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, dataset, implicit_vr=True, little_endian=True)
        body = stream.getvalue()
        body = body[132 + 12 + struct.unpack("<L", body[140:144])[0] :]
        swapped.append((name, file_of(body, b"1.2.840.113619.5.2\0\0")))
    np.testing.assert_array_equal(mriseg.read(swapped).data, VOXELS)


def test_commas_and_words_are_no_numbers():
    body = element((0x18, 0x80), b"DS", b"2,5\\x\\7 ")
    np.testing.assert_array_equal(elements_of(file_of(body)).entries["RepetitionTime"], (np.nan, np.nan, 7))


# Hostile files


def test_sequences_nested_without_end_are_refused():
    deep = element(PER_FRAME, b"SQ", b"", UNDEFINED) + mark(ITEM, UNDEFINED)
    deep += (element((0x20, 0x9113), b"SQ", b"", UNDEFINED) + mark(ITEM, UNDEFINED)) * 100_000
    assert "damaged" in refusal(file_of(deep))
    unwanted = (element((9, 0x1001), b"SQ", b"", UNDEFINED) + mark(ITEM, UNDEFINED)) * 100_000
    assert "damaged" in refusal(file_of(unwanted))


@pytest.mark.slow
@pytest.mark.parametrize("tag", [PER_FRAME, (9, 0x1001)])
def test_a_header_of_empty_items_costs_little(tag):
    content = file_of(element(tag, b"SQ", mark(ITEM) * 200_000 + mark(SEQUENCE_END), UNDEFINED))
    start = process_time()
    with pytest.raises(ReadError):
        mriseg.read(content)
    assert process_time() - start < 3
    with little_memory(2e7), pytest.raises(ReadError):  # apart, because tracing takes longer than reading
        mriseg.read(content)


def test_the_headers_of_a_source_share_one_budget():
    content = file_of(element((9, 0x1001), b"SQ", mark(ITEM) * 1000 + mark(SEQUENCE_END), UNDEFINED))
    budget = Budget(elements=3500)
    for _ in range(3):
        elements_of(content, budget)
    with pytest.raises(TooLargeError):
        elements_of(content, budget)
    with pytest.raises(TooLargeError):
        elements_of(file_of(element((9, 0x1002), b"OB", b"", 10**9)))


def test_values_longer_than_a_header_has_are_not_kept():
    body = element((0x8, 0x103E), b"UT", b"x" * 2_000_000) + element((0x18, 0x80), b"UT", b"1\\" * 400)
    entries = elements_of(file_of(body)).entries
    assert "SeriesDescription" not in entries
    assert len(entries["RepetitionTime"]) == 6


def test_a_deflated_bomb_is_not_inflated():
    bomb = zlib.compressobj(9, wbits=-15)
    start = element((9, 0x1002), b"OB", b"", 4_000_000_000)
    packed = bomb.compress(start) + b"".join(bomb.compress(bytes(2**20)) for _ in range(100)) + bomb.flush()
    assert "longer than any scanner writes" in refusal(file_of(packed, b"1.2.840.10008.1.2.1.99\0\0"))


def test_a_deflated_file_is_inflated_as_it_is_read():
    plain = np.random.default_rng(0).integers(0, 4, 100_000, np.uint8).tobytes()
    packer = zlib.compressobj(wbits=-15)
    stream = io.BufferedReader(Inflated(io.BytesIO(packer.compress(plain) + packer.flush()), wbits=-zlib.MAX_WBITS))
    for position in (0, 70_000, 99_990, 5, 50_000):
        stream.seek(position)
        assert stream.read(100) == plain[position : position + 100]
    assert stream.read() == plain[50_100:]


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "deflated", "big endian"])
def test_every_damaged_header_is_read_or_refused(syntax):
    whole = enhanced(VOXELS, syntax=syntax)
    rng = np.random.default_rng(4)
    for _ in range(150):
        content = bytearray(whole)
        for position in rng.integers(132, 1500, 3):
            content[position] = rng.integers(256)
        try:
            elements_of(bytes(content))
        except ReadError:
            continue


def test_a_file_with_nothing_but_its_preamble_is_refused():
    for content in (bytes(128) + b"DICM", written(pydicom.Dataset())):
        assert "no image" in refusal(content)
