import gzip
import io
import struct
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

import mriseg
from mriseg import MrisegError
from mriseg.io.dicom.siemens_mosaic import _values
from tests.dicom_files import AXIAL, Geometry, brainlike, mosaic, turned, written
from tests.helpers import refusal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nibabel calls its reader experimental
    import nibabel.nicom.csareader
    import nibabel.nicom.dicomwrappers

VOXELS = brainlike((26, 30, 7))
NIBABEL_DATA = Path(nibabel.__file__).parent / "nicom" / "tests" / "data"


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_the_tiles_are_put_where_the_slices_lie(seed):
    geometry = Geometry(AXIAL, (2.0, 3.0), apart=4.0)
    geometry = geometry if seed is None else turned(seed, geometry)
    scan = mriseg.read(mosaic(VOXELS, geometry))
    np.testing.assert_array_equal(scan.data, VOXELS)
    np.testing.assert_allclose(scan.affine, geometry.affine, atol=1e-5)


def test_slices_may_follow_against_the_normal():
    geometry = Geometry(AXIAL, apart=-4.0)
    scan = mriseg.read(mosaic(VOXELS, geometry))
    np.testing.assert_array_equal(scan.data[..., ::-1], VOXELS)
    np.testing.assert_allclose(scan.affine[:3, 2], [0, 0, 4])
    np.testing.assert_allclose(scan.affine @ [0, 0, 6, 1], geometry.affine @ [0, 0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("name", ["csa2_b0.bin", "csa2_b1000.bin"])
def test_a_vendor_s_header_says_what_another_reader_finds(name):
    header = (NIBABEL_DATA / name).read_bytes()
    theirs = nibabel.nicom.csareader.read(header)["tags"]
    for entry, values in _values(header).items():
        assert list(map(float, values)) == list(map(float, theirs[entry]["items"]))


@pytest.mark.parametrize("name", ["siemens_dwi_0.dcm.gz", "siemens_dwi_1000.dcm.gz"])
def test_a_mosaic_of_a_scanner_lies_as_another_reader_finds(name):
    content = (NIBABEL_DATA / name).read_bytes()
    scan = mriseg.read(content)
    wrapper = nibabel.nicom.dicomwrappers.wrapper_from_data(pydicom.dcmread(io.BytesIO(gzip.decompress(content))))
    # nibabel counts (row, column, slice), to the left and to the back.
    theirs = np.diag([-1, -1, 1, 1]) @ wrapper.affine[:, [1, 0, 2, 3]]
    np.testing.assert_allclose(scan.affine, theirs, atol=1e-3)
    assert scan.data.shape == (128, 128, 48)
    assert scan.header_contrast is None


def test_a_mosaic_without_the_vendor_s_header_is_refused():
    assert "tiles" in refusal(mosaic(VOXELS, has_header=False))


def test_a_damaged_vendor_s_header_is_refused_or_read():
    whole = mosaic(VOXELS)
    start = whole.index(b"SV10")
    rng = np.random.default_rng(3)
    for _ in range(400):
        content = bytearray(whole)
        for position in start + rng.integers(0, 500, 4):
            content[position] = rng.integers(256)
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            continue
        assert np.isfinite(scan.affine).all()


def test_a_file_of_many_mosaics_is_refused_before_they_are_unfolded():
    dataset = pydicom.dcmread(io.BytesIO(mosaic(brainlike((32, 32, 9)))))
    dataset.NumberOfFrames = 2
    dataset.PixelData = 2 * dataset.PixelData
    assert "mosaic" in refusal(written(dataset))


def test_a_vendor_s_header_of_countless_entries_is_given_up():
    entry = struct.pack("<64si4s3i", b"Other", 0, b"FD", 0, 0, 77)
    with pytest.raises(ValueError):  # noqa: PT011
        _values(b"SV10\x04\x03\x02\x01" + struct.pack("<2I", 2**31, 77) + 11_000 * entry)
