import gzip

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg import MrisegError
from mriseg.core.errors import ReadError
from mriseg.io.reader import read_mask
from tests.helpers import encoded, nifti, refusal

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
VOXELS = RNG.integers(0, 1000, (18, 20, 22)).astype(np.int16)
AFFINE = np.diag([2.0, 2, 2, 1])


@pytest.mark.parametrize("name", ["scan.png", "scan.jpg", "scan.nii.gz", "scan", None])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_is_known_by_its_bytes(kind, name):
    options = {"quality": 95} if kind == "JPEG" else {}
    scan = mriseg.read(encoded(np.repeat(PIXELS[:5], 8, 0), kind, **options), name)
    assert scan.kind == "picture"
    assert scan.data.shape == (40, 50)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.png", None])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_volume_is_known_by_its_bytes(pack, name):
    scan = mriseg.read(pack(nifti(VOXELS)), name)
    assert scan.kind == "volume"
    np.testing.assert_array_equal(scan.data, VOXELS)


@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=("str", "Path"))
def test_a_path_reads_as_its_bytes(tmp_path, as_path):
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(nifti(VOXELS)))
    np.testing.assert_array_equal(mriseg.read(as_path(path)).data, VOXELS)


def test_a_seed_scan_named_against_its_kind_is_read(shared):
    scan = mriseg.read(shared / "data" / "seed" / "axial_t2_png_named.jpg")
    assert scan.kind == "picture"
    assert scan.data.max() > 100


@pytest.mark.parametrize("content", [b"", bytes(1000), bytes(10)], ids=("no bytes", "zeros", "few zeros"))
def test_an_empty_file_is_told(content):
    assert "empty" in refusal(content)


@pytest.mark.parametrize("name", ["scan.nii", "SCAN.NII.GZ"])
def test_text_named_as_a_volume_is_told(name):
    message = refusal(b"Dear colleague, please find attached the scan. " * 30, name)
    assert "named .nii" in message


def test_text_is_told_what_is_read():
    assert "NIfTI" in refusal(b"Dear colleague, please find attached the scan.")


def test_compressed_text_is_told():
    assert refusal(gzip.compress(b"no volume at all " * 100), "scan.nii.gz")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04" + bytes(500), "zip"),
        (b"PK\x05\x06" + bytes(500), "zip"),
        (b"%PDF-1.7" + bytes(500), "PDF"),
        (b"Rar!\x1a\x07" + bytes(500), "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(500), "7z"),
        (b"BZh91AY" + bytes(500), "bzip2"),
        (b"\xfd7zXZ\x00" + bytes(500), "xz"),
        (b"study/1.dcm" + bytes(246) + b"ustar" + bytes(282), "tar"),
    ],
)
def test_other_formats_are_told_apart(start, what):
    assert what in refusal(start)


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.02, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_cut_volume_is_refused(pack, share):
    content = pack(nifti(VOXELS))
    assert refusal(content[: max(3, int(share * len(content)))], "scan.nii.gz")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.9])
def test_a_cut_picture_is_refused(kind, share):
    content = encoded(PIXELS, kind)
    assert refusal(content[: int(share * len(content))])


@pytest.mark.parametrize("image_class", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_damaged_header_is_refused_or_read(image_class):
    # Whatever a header says, there are two ends: one sentence, or a scan that is sound.
    whole = bytearray(nifti(VOXELS, image_class=image_class))
    rng = np.random.default_rng(7)
    length = 348 if image_class is nibabel.Nifti1Image else 540
    refused = 0
    for _ in range(1500):
        content = whole.copy()
        for position in rng.integers(0, length, rng.integers(1, 6)):
            content[position] = rng.integers(256)
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            refused += 1
        else:
            assert np.isfinite(scan.data).all()
            assert np.isfinite(scan.spacing).all()
    assert 0 < refused < 1500


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_damaged_picture_is_refused_or_read(kind):
    whole = bytearray(encoded(PIXELS, kind))
    rng = np.random.default_rng(8)
    for _ in range(300):
        content = whole.copy()
        # TIFF keeps its directory at the start or the end, the others their header at the start.
        for position in (*rng.integers(0, 100, 2), len(whole) - rng.integers(1, 150)):
            content[position] = rng.integers(256)
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            continue
        assert np.isfinite(scan.data).all()


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(ReadError, match="folder"):
        mriseg.read(tmp_path)


def test_a_missing_file_is_told_without_its_name(tmp_path):
    with pytest.raises(ReadError, match="cannot be opened") as caught:
        mriseg.read(tmp_path / "DOE_JANE_1970.nii.gz")
    assert "DOE" not in str(caught.value)


@pytest.mark.parametrize("content", [b"no scan", nifti(VOXELS)[:500], b"\x1f\x8b" + bytes(30), encoded(PIXELS)[:60]])
def test_no_message_holds_the_name_of_the_file(tmp_path, content):
    path = tmp_path / "DOE_JANE_1970.nii.gz"
    path.write_bytes(content)
    with pytest.raises(MrisegError) as caught:
        mriseg.read(path)
    assert "DOE" not in str(caught.value)


def test_a_mask_is_where_its_image_is_above_zero():
    scan = mriseg.read(nifti(VOXELS))
    labels = np.where(VOXELS > 500, VOXELS % 4, -1).astype(np.int16)
    np.testing.assert_array_equal(read_mask(nifti(labels), scan), labels > 0)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ReadError, match="18 x 20 x 23"):
        read_mask(nifti(np.ones((18, 20, 23), np.uint8)), mriseg.read(nifti(VOXELS)))


def test_a_mask_elsewhere_in_space_is_refused():
    mirrored = np.diag([-2.0, 2, 2, 1])
    with pytest.raises(ReadError, match="elsewhere"):
        read_mask(nifti(np.ones(VOXELS.shape, np.uint8), mirrored), mriseg.read(nifti(VOXELS)))


def test_a_mask_whose_header_was_rounded_is_taken():
    rounded = AFFINE + 1e-3 * np.array([[0, 1, 0, 50], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert read_mask(nifti(np.ones(VOXELS.shape, np.uint8), rounded), mriseg.read(nifti(VOXELS))).all()
