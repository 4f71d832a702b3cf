import gzip
import subprocess
import sys
import zlib
from contextlib import suppress

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg import MrisegError
from mriseg.core.limits import MAX_VOXELS
from mriseg.io.reader import contents
from tests.helpers import ALL_AXES, little_memory, nifti, refusal, stored_as

VOXELS = np.random.default_rng(0).integers(0, 1000, (18, 20, 22)).astype(np.int16)
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3, -30], [0, 0, 0, 1]])


def with_header(data=VOXELS, image_class=nibabel.Nifti1Image, **fields):
    """A file whose header says what it should not."""
    content = bytearray(image_class(data, AFFINE).to_bytes())
    header = image_class.header_class(bytes(content[: image_class.header_class.sizeof_hdr]), check=False)
    for field, value in fields.items():
        header[field] = value
    content[: len(header.binaryblock)] = header.binaryblock
    return bytes(content)


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_every_real_type_is_read(image_class, dtype):
    data = (VOXELS % 250).astype(dtype)
    np.testing.assert_array_equal(mriseg.read(nifti(data, image_class=image_class)).data, data)


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_every_order_of_the_axes_is_kept(axes):
    data, affine = stored_as(axes, VOXELS, AFFINE)
    scan = mriseg.read(nifti(data, affine))
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine, affine)
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "".join(axes)


def test_big_endian_is_read():
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    content = nibabel.Nifti1Image(VOXELS, AFFINE, header).to_bytes()
    assert content[:4] == b"\x00\x00\x01\x5c"
    np.testing.assert_array_equal(mriseg.read(content).data, VOXELS)


def test_slope_and_intercept_are_applied():
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header.set_slope_inter(0.5, -100)
    content = bytearray(image.to_bytes())
    content[112:120] = np.array([0.5, -100], "<f4").tobytes()
    np.testing.assert_allclose(mriseg.read(bytes(content)).data, 0.5 * VOXELS - 100)


@pytest.mark.parametrize("shape", [(18, 20, 22, 1), (18, 20, 22, 1, 1)])
def test_trailing_axes_of_one_are_dropped(shape):
    np.testing.assert_array_equal(mriseg.read(nifti(VOXELS.reshape(shape))).data, VOXELS)


def test_a_two_dimensional_file_is_one_slice():
    data = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    scan = mriseg.read(nifti(data))
    np.testing.assert_array_equal(scan.data, data[:, :, None])
    assert scan.kind == "volume"


def test_few_broken_values_become_zero():
    data = VOXELS.astype(np.float32)
    data[0, 0, :3] = np.nan, np.inf, -np.inf
    scan = mriseg.read(nifti(data))
    assert not scan.data[0, 0, :3].any()
    assert any("3 values" in note for note in scan.notes)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_many_broken_values_are_refused(share):
    data = VOXELS.astype(np.float32)
    data[: int(18 * share)] = np.nan
    assert "not numbers" in refusal(nifti(data))


def test_a_sheared_affine_is_kept():
    # A qform cannot hold a shear; the sform must win.
    sheared = AFFINE.copy()
    sheared[0, 1:3], sheared[1, 2] = (0.4, 0.1), 0.3
    np.testing.assert_allclose(mriseg.read(nifti(VOXELS, sheared)).affine, sheared, rtol=1e-6)


def test_the_header_keeps_geometry_and_codes():
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.set_sform(AFFINE, 4)
    image.set_qform(AFFINE, 1)
    image.header.set_xyzt_units("mm", "sec")
    header = mriseg.read(image.to_bytes()).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (4, 1)
    assert header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_allclose(header.get_sform(), AFFINE)
    np.testing.assert_allclose(header.get_qform(), AFFINE, atol=1e-5)


def test_nothing_about_the_person_survives():
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header["descrip"] = b"DOE JANE"
    image.header["db_name"] = b"DOE JANE"
    image.header["aux_file"] = b"DOE JANE"
    image.header["intent_name"] = b"DOE JANE"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"DOE JANE"))
    scan = mriseg.read(image.to_bytes())
    assert b"DOE" not in scan.header.binaryblock
    assert not scan.header.extensions
    assert "DOE" not in repr(scan) + str(scan)


def test_a_file_without_orientation_leaves_the_sides_unknown():
    content = with_header(sform_code=0, qform_code=0)
    scan = mriseg.read(content)
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)
    assert mriseg.read(nifti(VOXELS, AFFINE)).sides_known


def test_a_broken_affine_keeps_the_voxel_sizes():
    scan = mriseg.read(with_header(srow_x=0, srow_y=0, srow_z=0))
    assert scan.spacing == pytest.approx((1, 2, 3))
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_voxel_larger_than_any_scanner_is_refused_or_set_right(image_class):
    with suppress(MrisegError):
        assert max(mriseg.read(with_header(image_class=image_class, srow_x=[3e38, 0, 0, 0])).spacing) < 1e4


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_claim_of_32000_voxels_a_side_allocates_nothing(pack):
    message = refusal(pack(with_header(dim=[3, 32000, 32000, 32000, 1, 1, 1, 1])))
    assert "32000" in message


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_claim_within_the_limit_that_the_file_does_not_hold_allocates_nothing(pack):
    side = int(MAX_VOXELS ** (1 / 3)) - 1
    message = refusal(pack(with_header(dim=[3, side, side, side, 1, 1, 1, 1])))
    assert "cut short" in message


def test_what_a_bomb_holds_behind_the_volume_is_never_unpacked():
    bomb = zlib.compressobj(9, wbits=31)
    parts = [bomb.compress(nifti(VOXELS))] + [bomb.compress(bytes(2**20)) for _ in range(100)] + [bomb.flush()]
    with little_memory(4e6):
        scan = mriseg.read(b"".join(parts))
    np.testing.assert_array_equal(scan.data, VOXELS)


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("form", ["sform", "qform"])
@pytest.mark.parametrize(("unit", "mm"), [("micron", 1e-3), ("meter", 1e3)])
def test_other_units_than_mm_are_converted_and_kept_for_writing(unit, mm, form, image_class):
    affine = np.diag([*AFFINE.diagonal()[:3] / mm, 1])
    affine[:3, 3] = AFFINE[:3, 3] / mm
    image = image_class(VOXELS, affine)
    image.set_sform(affine if form == "sform" else None, int(form == "sform"))
    image.set_qform(affine, int(form == "qform"))
    image.header.set_xyzt_units(unit, "sec")
    scan = mriseg.read(image.to_bytes())
    np.testing.assert_allclose(scan.affine, AFFINE, rtol=1e-5)
    # What is written with the header counts as the input does.
    np.testing.assert_allclose(scan.header.get_best_affine()[:3], AFFINE[:3] / mm, rtol=1e-5)
    assert scan.header.get_xyzt_units() == (unit, "sec")
    assert scan.sides_known


@pytest.mark.parametrize("unit", ["micron", "meter"])
def test_a_unit_that_no_head_is_as_small_or_large_in_is_taken_for_mm(unit):
    image = nibabel.Nifti1Image(VOXELS, AFFINE)
    image.header.set_xyzt_units(unit)
    np.testing.assert_allclose(mriseg.read(image.to_bytes()).affine, AFFINE)


@pytest.mark.parametrize("offset", [-1e30, 1e9, 1e30, np.nan, np.inf])
def test_an_offset_beyond_the_file_is_refused(offset):
    assert refusal(with_header(vox_offset=offset))


def test_an_offset_beyond_the_file_is_refused_in_nifti_2():
    assert refusal(with_header(image_class=nibabel.Nifti2Image, vox_offset=2**62))


@pytest.mark.parametrize("dim", [[0], [3, 0, 20, 22], [3, -18, 20, 22], [9] * 8, [1, 500]], ids=str)
def test_impossible_dimensions_are_refused(dim):
    assert refusal(with_header(dim=dim + [1] * (8 - len(dim))))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_each_volume_of_a_series_can_be_chosen(pack):
    series = np.stack([VOXELS + 100 * volume for volume in range(5)], -1)
    image = nibabel.Nifti1Image(series, AFFINE)
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 2500
    listed = contents(pack(image.to_bytes()))
    assert len(listed) == 5
    for number, item in enumerate(listed, 1):
        assert f"Volume {number} of 5 (a time series, 2.5 s apart)" in item.title
        scan = item.load()
        np.testing.assert_array_equal(scan.data, series[..., number - 1])
        assert any(f"this is number {number}" in note for note in scan.notes)
    np.testing.assert_array_equal(mriseg.read(pack(image.to_bytes())).data, VOXELS)


def test_milliseconds_called_seconds_are_doubted():
    image = nibabel.Nifti1Image(np.stack([VOXELS] * 2, -1), AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 1500
    for item in contents(image.to_bytes()):
        assert "(a time series, 1500 s apart by its header, probably 1.5 s)" in item.title


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_refused(dtype):
    assert "complex" in refusal(nifti(VOXELS.astype(dtype)))


def test_colors_are_refused():
    rgb = np.zeros(VOXELS.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert "colors" in refusal(nifti(rgb))


def test_half_of_a_pair_is_refused():
    content = bytearray(nifti(VOXELS))
    content[344:348] = b"ni1\x00"
    assert "pair" in refusal(bytes(content))


def test_a_volume_of_few_voxels_is_refused():
    assert "4096" in refusal(nifti(np.ones((5, 6, 7), np.int16)))


def test_damaged_compression_is_refused():
    content = bytearray(gzip.compress(nifti(VOXELS)))
    content[len(content) // 2] ^= 0xFF
    assert refusal(bytes(content))


def test_an_odd_header_prints_nothing(tmp_path):
    # In a process of its own: the logger of nibabel keeps the stream that it found when it was imported.
    path = tmp_path / "odd.nii"
    path.write_bytes(with_header(pixdim=[1, -1, 2, 3, 0, 0, 0, 0], qform_code=77))
    code = f"import mriseg; mriseg.read({str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
