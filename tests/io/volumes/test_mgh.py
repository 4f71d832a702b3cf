import gzip

import nibabel
import numpy as np
import pytest
from nibabel.freesurfer.mghformat import header_dtype

import mriseg
from mriseg.core.limits import MAX_VOXELS
from mriseg.io.reader import contents
from mriseg.io.volumes.mgh import is_mgh
from tests.helpers import ALL_AXES, little_memory, refusal, stored_as
from tests.volume_files import DATA, mgh

VOXELS = np.random.default_rng(0).integers(0, 250, (18, 20, 22)).astype(np.int16)
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3, -30], [0, 0, 0, 1]])


def with_header(content: bytes | None = None, **fields) -> bytes:
    """A file whose header says what it should not."""
    content = content or mgh(VOXELS, AFFINE)
    header = np.frombuffer(content, header_dtype, 1).copy()
    for field, value in fields.items():
        header[field] = value
    return header.tobytes() + content[header_dtype.itemsize :]


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_every_order_of_the_axes_is_kept(axes):
    data, affine = stored_as(axes, VOXELS, AFFINE)
    scan = mriseg.read(mgh(data, affine))
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine, affine, atol=1e-5)
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "".join(axes)
    assert scan.sides_known


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.uint16])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("mgh", "mgz"))
def test_every_type_is_read(dtype, pack):
    data = VOXELS.astype(dtype)
    np.testing.assert_array_equal(mriseg.read(pack(mgh(data, AFFINE))).data, data)


def test_an_oblique_volume_lies_where_nibabel_says():
    oblique = nibabel.affines.from_matvec(nibabel.eulerangles.euler2mat(0.3, -0.2, 0.4) @ np.diag([1, 2, 3]), [5, 6, 7])
    content = mgh(VOXELS, oblique)
    expected = nibabel.MGHImage.from_bytes(content).affine
    np.testing.assert_allclose(mriseg.read(content).affine, expected, atol=1e-5)
    np.testing.assert_allclose(expected, oblique, atol=1e-4)


def test_each_frame_can_be_chosen():
    frames = np.stack([VOXELS, 2 * VOXELS, 3 * VOXELS], -1)
    listed = contents(gzip.compress(mgh(frames, AFFINE)))
    assert len(listed) == 3
    for number, item in enumerate(listed):
        np.testing.assert_array_equal(item.load().data, frames[..., number])


def test_without_geometry_the_slices_count_as_coronal_and_the_sides_as_unknown():
    scan = mriseg.read(with_header(goodRASFlag=0))
    assert scan.spacing == (1, 1, 1)
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "LIA"
    assert not scan.sides_known
    assert any("1 mm is assumed" in note for note in scan.notes)


@pytest.mark.parametrize("mdc", [0, np.nan, 1e30], ids=str)
def test_a_broken_orientation_keeps_the_voxel_sizes(mdc):
    scan = mriseg.read(with_header(Mdc=mdc))
    assert scan.spacing == (1, 2, 3)
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)


def test_what_freesurfer_writes_is_known_and_its_size_told():
    assert is_mgh(gzip.decompress((DATA / "test.mgz").read_bytes()))
    assert "3 x 4 x 5" in refusal((DATA / "test.mgz").read_bytes())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("mgh", "mgz"))
def test_a_claim_of_32000_voxels_a_side_allocates_nothing(pack):
    assert "32000" in refusal(pack(with_header(dims=[32000, 32000, 32000, 1])))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("mgh", "mgz"))
def test_a_claim_within_the_limit_that_the_file_does_not_hold_allocates_nothing(pack):
    side = int(MAX_VOXELS ** (1 / 3)) - 1
    assert "cut short" in refusal(pack(with_header(dims=[side, side, side, 1])))


@pytest.mark.parametrize("fields", [{"dims": [18, -20, 22, 1]}, {"dims": 0}, {"type": 77}], ids=str)
def test_an_impossible_header_is_none_of_mgh(fields):
    assert "not of that kind" in refusal(with_header(**fields), "x.mgh")


def test_a_type_given_up_is_refused_with_what_to_do():
    assert "mri_convert" in refusal(with_header(type=2))


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("mgh", "mgz"))
def test_a_cut_volume_is_refused(pack, share):
    content = pack(mgh(VOXELS, AFFINE)[:-20])
    assert refusal(content[: int(share * len(content))], "x.mgz")


def test_reading_takes_little_more_memory_than_the_volume():
    data = np.zeros((150, 160, 170), np.int32)
    content = gzip.compress(mgh(data, AFFINE), 1)
    with little_memory(2.5 * 4 * data.size):
        mriseg.read(content)
