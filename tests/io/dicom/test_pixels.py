import gzip
import io
from time import process_time

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

import mriseg
from tests.dicom_files import (
    brainlike,
    enhanced,
    series,
    written,
)
from tests.helpers import refusal

VOXELS = brainlike((40, 32, 12))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("syntax", ["explicit", "deflated", "implicit"])
def test_every_type_is_read(dtype, syntax):
    voxels = (VOXELS[..., :4] % 120).astype(dtype) - (0 if np.dtype(dtype).kind == "u" else 60)
    np.testing.assert_array_equal(mriseg.read(series(voxels.astype(dtype), syntax=syntax)).data, voxels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_every_type_is_read_in_big_endian(dtype):
    voxels = (VOXELS[..., :4] % 120).astype(dtype)
    np.testing.assert_array_equal(mriseg.read(series(voxels, syntax="big endian")).data, voxels)


@pytest.mark.parametrize("syntax", ["explicit", "rle", "jpeg lossless", "jpeg-ls", "jpeg 2000"])
def test_signed_values_keep_their_sign(syntax):
    voxels = VOXELS[..., :4].astype(np.int16) - 2000
    np.testing.assert_array_equal(mriseg.read(series(voxels, tags={"BitsStored": 13}, syntax=syntax)).data, voxels)


def test_bits_that_are_not_the_pixel_s_are_dropped():
    # An overlay in the four upper bits; and the same values further up, as old scanners stored them.
    overlay = VOXELS | 0xA000
    np.testing.assert_array_equal(mriseg.read(series(overlay, tags={"BitsStored": 12})).data, VOXELS)
    shifted = (VOXELS << 2) | 0x8001
    tags = {"BitsStored": 12, "HighBit": 13}
    np.testing.assert_array_equal(mriseg.read(series(shifted, tags=tags)).data, VOXELS)


def test_each_slice_has_its_own_slope():
    scaling = lambda number: {"RescaleSlope": 1 + number / 4, "RescaleIntercept": -number}  # noqa: E731
    scan = mriseg.read(series(VOXELS, each=scaling))
    numbers = np.arange(12)
    np.testing.assert_allclose(scan.data, VOXELS * (1 + numbers / 4) - numbers, rtol=1e-6)


def test_each_frame_has_its_own_slope():
    transform = lambda frame: {  # noqa: E731
        "PixelValueTransformationSequence": {"RescaleSlope": 1 + frame, "RescaleIntercept": 5}
    }
    np.testing.assert_allclose(mriseg.read(enhanced(VOXELS, each=transform)).data, VOXELS * (1.0 + np.arange(12)) + 5)


def test_white_zero_is_turned_to_black_zero():
    scan = mriseg.read(series(VOXELS, tags={"PhotometricInterpretation": "MONOCHROME1"}))
    np.testing.assert_array_equal(scan.data, VOXELS.max() - VOXELS.astype(float))


def test_a_frame_of_several_fragments_is_put_together():
    for syntax in ("jpeg lossless", "jpeg-ls", "jpeg 2000"):
        scan = mriseg.read(enhanced(VOXELS, tags={"BitsStored": 12}, syntax=syntax, fragments=3))
        np.testing.assert_array_equal(scan.data, VOXELS)


@pytest.mark.parametrize("syntax", ["explicit", "jpeg 2000"])
@pytest.mark.parametrize("size", [{"Rows": 65535, "Columns": 65535}, {"Rows": 0}, {"Rows": 4000, "Columns": 4000}])
def test_an_announced_size_that_is_not_there_allocates_nothing(syntax, size):
    dataset = pydicom.dcmread(io.BytesIO(series(VOXELS[..., :1], syntax=syntax)[0][1]))
    for keyword, value in size.items():
        setattr(dataset, keyword, value)
    assert refusal(written(dataset, syntax))


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (12, np.uint16)])
def test_lossy_jpeg_is_read_nearly(bits, dtype):
    voxels = (brainlike((64, 48, 2), 12) // (1 if bits == 12 else 16)).astype(dtype)
    codes = [imagecodecs.jpeg8_encode(np.ascontiguousarray(voxels[..., n].T), 95, bitspersample=bits) for n in range(2)]
    dataset = pydicom.dcmread(io.BytesIO(enhanced(voxels, tags={"BitsStored": bits})))
    dataset.PixelData = encapsulate(codes)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    scan = mriseg.read(written(dataset, "1.2.840.10008.1.2.4.51"))
    assert np.abs(scan.data - voxels).mean() < 0.02 * 2**bits


def test_the_code_decides_what_it_is_not_the_transfer_syntax():
    files = series(VOXELS, tags={"BitsStored": 12}, syntax="jpeg 2000")
    named = [(name, content.replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.50")) for name, content in files]
    assert named != files
    np.testing.assert_array_equal(mriseg.read(named).data, VOXELS)


def test_a_code_of_an_unknown_kind_is_refused():
    dataset = pydicom.dcmread(io.BytesIO(series(VOXELS[..., :1], syntax="jpeg-ls")[0][1]))
    dataset.PixelData = encapsulate([b"\x00\x00\x00\x0cJXL " + bytes(200)])
    assert "compressed in a way that is not read" in refusal(written(dataset, "1.2.840.10008.1.2.4.80"))


def test_countless_empty_fragments_are_refused():
    dataset = pydicom.dcmread(io.BytesIO(series(VOXELS[..., :1], syntax="jpeg-ls")[0][1]))
    dataset.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 200_000
    dataset["PixelData"].is_undefined_length = True
    start = process_time()
    assert refusal(written(dataset, "1.2.840.10008.1.2.4.80"))
    assert process_time() - start < 2


def test_a_gzipped_slice_is_read():
    files = [(name, gzip.compress(content)) for name, content in series(VOXELS)]
    np.testing.assert_array_equal(mriseg.read(files).data, VOXELS)


def test_a_jpeg_that_is_cut_short_is_refused():
    frame = brainlike((64, 64, 1))
    ((_, content),) = series(frame, tags={"BitsStored": 12}, syntax="jpeg lossless")
    begin, end = content.index(b"\xff\xd8\xff"), content.rindex(b"\xff\xd9") + 2
    mriseg.read(content)
    half = (begin + end) // 2
    assert "damaged" in refusal(content[:half] + bytes(end - half) + content[end:])
