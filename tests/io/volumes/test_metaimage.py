import gzip
import zlib

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg.core.errors import MrisegError
from mriseg.core.limits import BLOCK_BYTES, MAX_VOXELS
from mriseg.io.reader import contents
from tests.helpers import ALL_AXES, little_memory, refusal, stored_as
from tests.volume_files import META_TYPES, metaimage

VOXELS = np.random.default_rng(0).integers(0, 100, (18, 20, 22)).astype("<i2")
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3, -30], [0, 0, 0, 1]])


def mha(data: np.ndarray = VOXELS, affine: np.ndarray | None = AFFINE, **fields) -> bytes:
    """A MetaImage in one piece."""
    return b"".join(metaimage(data, affine, **fields))


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_every_order_of_the_axes_is_kept(axes):
    data, affine = stored_as(axes, VOXELS, AFFINE)
    scan = mriseg.read(mha(data, affine, packed=True))
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine, affine)
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "".join(axes)
    assert scan.sides_known
    assert not scan.notes


# As SimpleITK 2.5 writes them, and the corners of the first voxels in LPS by its TransformIndexToPhysicalPoint.
OBLIQUE = (
    "-0.19617469496901108 0.53898554469575621 0.8191520442889918 0.93969262078590843 0.34202014332566871 0 "
    "-0.28016649959323547 0.76975113132005724 -0.57357643635104605"
)
CORNERS = {
    (0, 0, 0): (10.0, -20.0, 30.0),
    (1, 0, 0): (9.803825305030989, -19.461014455304245, 30.81915204428899),
    (0, 1, 0): (11.879385241571818, -19.31595971334866, 30.0),
    (0, 0, 1): (9.159500501220293, -17.690746606039827, 28.279270690946863),
}


def test_an_oblique_grid_lies_where_itk_says():
    scan = mriseg.read(mha(affine=None, TransformMatrix=OBLIQUE, Offset="10 -20 30", ElementSpacing="1 2 3"))
    for corner, (left, posterior, superior) in CORNERS.items():
        np.testing.assert_allclose(scan.affine @ [*corner, 1], [-left, -posterior, superior, 1], atol=1e-9)


@pytest.mark.parametrize("dtype", META_TYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True], ids=("plain", "packed"))
def test_every_type_is_read(dtype, order, packed):
    data = VOXELS.astype(order + dtype)
    content = mha(data, packed=packed, BinaryDataByteOrderMSB=order == ">")
    np.testing.assert_array_equal(mriseg.read(content).data, data)


def test_long_is_of_four_bytes_as_in_itk():
    data = VOXELS.astype("<i4")
    np.testing.assert_array_equal(mriseg.read(mha(data, ElementType="MET_LONG")).data, data)


# What ITK makes of fields that are spelled in several ways, or missing.
IDENTITY, TURNED = "1 0 0 0 1 0 0 0 1", "0 1 0 0 0 1 1 0 0"


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"ElementSize": "5 6 7", "ElementSpacing": "1 2 3"}, "spacing", (1, 2, 3)),
        ({"ElementSize": "5 6 7"}, "spacing", (5, 6, 7)),
        ({"ElementSpacing": "-1 2 3"}, "axes", "RPS"),
        ({"TransformMatrix": TURNED}, "axes", "PSL"),
        ({"Rotation": TURNED}, "axes", "PSL"),
        ({"Orientation": TURNED}, "axes", "PSL"),
        ({"Orientation": TURNED, "TransformMatrix": IDENTITY}, "axes", "LPS"),
        ({"Offset": "1 2 3"}, "origin", (-1, -2, 3)),
        ({"Position": "1 2 3"}, "origin", (-1, -2, 3)),
        ({"Origin": "1 2 3"}, "origin", (-1, -2, 3)),
        ({"Offset": "1 2 3", "Position": "4 5 6", "Origin": "7 8 9"}, "origin", (-7, -8, 9)),
        ({"Offset": "1 2 3", "CenterOfRotation": "5 5 5", "Orientation": TURNED}, "origin", (-1, -2, 3)),
        ({"AnatomicalOrientation": "RAS"}, "axes", "LPS"),
    ],
    ids=str,
)
def test_of_several_spellings_the_one_counts_that_counts_in_itk(fields, name, value):
    if not {"TransformMatrix", "Rotation", "Orientation"} & {*fields}:
        fields = {**fields, "TransformMatrix": IDENTITY}
    if not {"ElementSpacing", "ElementSize"} & {*fields}:
        fields = {**fields, "ElementSpacing": "1 1 1"}
    scan = mriseg.read(mha(affine=None, **fields))
    found = {
        "spacing": scan.spacing,
        "axes": "".join(nibabel.aff2axcodes(scan.affine)),
        "origin": tuple(scan.affine[:3, 3]),
    }
    assert found[name] == value
    assert scan.sides_known


@pytest.mark.parametrize(
    ("fields", "is_big"),
    [
        ({"BinaryDataByteOrderMSB": None}, False),
        ({"BinaryDataByteOrderMSB": None, "ElementByteOrderMSB": "True"}, True),
        ({"BinaryDataByteOrderMSB": "False", "ElementByteOrderMSB": "True"}, False),
        ({"BinaryDataByteOrderMSB": "True", "ElementByteOrderMSB": "False"}, True),
        ({"BinaryData": None}, False),
    ],
    ids=str,
)
def test_of_two_byte_orders_the_one_counts_that_counts_in_itk(fields, is_big):
    data = VOXELS.astype(">i2" if is_big else "<i2")
    np.testing.assert_array_equal(mriseg.read(mha(data, **fields)).data, VOXELS)


@pytest.mark.parametrize("change", [(b" = ", b":"), (b" = ", b"="), (b"\n", b"\r\n"), (b"LOCAL", b"Local")], ids=str)
def test_the_header_may_be_spelled_otherwise(change):
    header, voxels = metaimage(VOXELS, AFFINE)
    np.testing.assert_array_equal(mriseg.read(header.replace(*change) + voxels).data, VOXELS)


@pytest.mark.parametrize("first", ["Comment = DOE JANE", "NDims = 3", "\n", "Name: DOE\nObjectSubType = Image"])
def test_a_header_may_begin_with_any_field(first):
    scan = mriseg.read(f"{first}\n".encode() + mha(ObjectType=None))
    np.testing.assert_array_equal(scan.data, VOXELS)
    assert "DOE" not in repr(scan) + str(scan) + repr(scan.notes)


@pytest.mark.parametrize(("said", "why"), [("MET_MOD_CT", "computed tomography"), ("MET_MOD_US", "ultrasound")])
def test_another_modality_is_refused(said, why):
    with pytest.raises(MrisegError, match=f"{why}.* not MR"):
        mriseg.read(mha(Modality=said))


@pytest.mark.parametrize("said", ["MET_MOD_MR", "MET_MOD_OTHER", "MET_MOD_UNKNOWN", ""])
def test_mr_and_what_is_not_said_are_read(said):
    np.testing.assert_array_equal(mriseg.read(mha(Modality=said)).data, VOXELS)


def test_without_orientation_the_sides_are_unknown():
    scan = mriseg.read(mha(TransformMatrix=None))
    assert scan.spacing == (1, 2, 3)
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)


def test_without_sides_one_millimetre_is_assumed_and_said():
    scan = mriseg.read(mha(affine=None))
    assert scan.spacing == (1, 1, 1)
    assert any("1 mm is assumed" in note for note in scan.notes)


@pytest.mark.parametrize(
    "fields",
    [
        {"TransformMatrix": "0 0 0 0 0 0 0 0 0"},
        {"TransformMatrix": "1e300 0 0 0 1 0 0 0 1"},
        {"TransformMatrix": "nan 0 0 0 1 0 0 0 1"},
        {"Offset": "inf 0 0"},
    ],
    ids=str,
)
def test_a_broken_orientation_keeps_the_voxel_sizes(fields):
    scan = mriseg.read(mha(**fields))
    assert scan.spacing == (1, 2, 3)
    assert not scan.sides_known
    assert any("orientation is broken" in note for note in scan.notes)


@pytest.mark.parametrize("packed", [False, True], ids=("plain", "packed"))
def test_each_volume_of_a_series_can_be_chosen(packed):
    series = np.stack([VOXELS, VOXELS + 1, VOXELS + 2], -1)
    matrix = np.eye(4)[[1, 0, 2, 3]].ravel()
    content = mha(series, None, packed=packed, TransformMatrix=matrix, ElementSpacing="1 2 3 4", Offset="5 6 7 8")
    listed = contents(content)
    assert len(listed) == 3
    for number, item in enumerate(listed):
        scan = item.load()
        np.testing.assert_array_equal(scan.data, series[..., number])
        np.testing.assert_allclose(scan.affine, [[0, -2, 0, -5], [-1, 0, 0, -6], [0, 0, 3, 7], [0, 0, 0, 1]])
        assert any(f"this is number {number + 1}" in note for note in scan.notes)


def test_several_numbers_a_voxel_are_refused():
    assert "several numbers for each voxel" in refusal(mha(ElementNumberOfChannels=3))


def test_a_two_dimensional_file_is_one_slice():
    data = np.random.default_rng(1).random((40, 50)).astype("<f4")
    scan = mriseg.read(mha(data, None, TransformMatrix="1 0 0 1", ElementSpacing="0.5 0.75"))
    np.testing.assert_array_equal(scan.data, data[:, :, None])
    assert scan.spacing[:2] == (0.5, 0.75)


@pytest.mark.parametrize(("packed", "name"), [(False, "x.raw"), (True, "x.zraw")])
def test_a_header_and_its_voxels_are_read_together(packed, name, tmp_path):
    header, voxels = metaimage(VOXELS, AFFINE, name, packed)
    (tmp_path / "x.mhd").write_bytes(header)
    (tmp_path / name).write_bytes(voxels)
    for source in (tmp_path, tmp_path / "x.mhd", [(name, voxels), ("x.mhd", header)]):
        scan = mriseg.read(source)
        np.testing.assert_array_equal(scan.data, VOXELS)
        np.testing.assert_allclose(scan.affine, AFFINE)


def test_a_header_alone_is_told_to_bring_its_voxels():
    assert "Drop both files together" in refusal(metaimage(VOXELS, AFFINE, "x.raw")[0], "x.mhd")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "LIST", "x%02d.raw 1 22 1"])
def test_no_other_file_is_looked_for(name):
    header, voxels = metaimage(VOXELS, AFFINE, name)
    with pytest.raises(MrisegError, match=r"another folder|several files"):
        mriseg.read([("x.mhd", header), ("passwd", voxels)])


@pytest.mark.parametrize(("size", "before", "behind"), [(700, 700, 9), (-1, 700, 0), (0, 0, 9)], ids=str)
def test_the_header_of_the_voxels_is_skipped(size, before, behind):
    header, voxels = metaimage(VOXELS, AFFINE, "x.raw", HeaderSize=size)
    source = [("x.mhd", header), ("x.raw", bytes(before) + voxels + bytes(behind))]
    np.testing.assert_array_equal(mriseg.read(source).data, VOXELS)


def test_voxels_at_the_end_of_the_same_file_are_found():
    header, voxels = metaimage(VOXELS, AFFINE, HeaderSize=-1)
    np.testing.assert_array_equal(mriseg.read(header + b"something" + voxels).data, VOXELS)


def test_voxels_packed_by_gzip_are_read_too():
    header, voxels = metaimage(VOXELS, AFFINE, packed=True)
    np.testing.assert_array_equal(mriseg.read(header + gzip.compress(zlib.decompress(voxels))).data, VOXELS)


@pytest.mark.parametrize(
    "fields",
    [
        {"DimSize": "18 20"}, {"DimSize": "18 -20 22"}, {"DimSize": "0 20 22"}, {"DimSize": "x y z"}, {"DimSize": None},
        {"DimSize": "1e9 1 1"}, {"NDims": 4}, {"NDims": "x"}, {"ElementType": None}, {"ElementSpacing": "x y z"},
        {"ElementSpacing": "1"}, {"TransformMatrix": "1 0 0"}, {"Offset": "1"}, {"HeaderSize": "x"},
        {"HeaderSize": 10**15}, {"ElementNumberOfChannels": "x"}, {"HeaderSize": 99999999999999999999},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(fields):
    assert refusal(mha(**fields))


@pytest.mark.parametrize("axes", [1, 17, 9_000])
def test_an_array_of_one_or_many_axes_is_refused(axes):
    assert "damaged" in refusal(mha(NDims=axes, DimSize="999999999 " * axes))


@pytest.mark.parametrize("kind", ["MET_OTHER", "MET_STRING", "MET_FLOAT_MATRIX", "x"])
def test_a_type_that_is_no_number_is_refused(kind):
    assert "colors or a rare type" in refusal(mha(ElementType=kind))


def test_voxels_as_text_are_refused():
    assert "in binary" in refusal(mha(BinaryData=False))


@pytest.mark.parametrize("packed", [False, True], ids=("plain", "packed"))
def test_claims_allocate_nothing(packed):
    side = int(MAX_VOXELS ** (1 / 3)) - 1
    assert "32000" in refusal(mha(packed=packed, DimSize="32000 32000 32000"))
    assert "cut short" in refusal(mha(packed=packed, DimSize=f"{side} {side} {side}"))


@pytest.mark.parametrize("packed", [False, True], ids=("plain", "packed"))
@pytest.mark.parametrize("share", [0.001, 0.01, 0.02, 0.5, 0.99])
def test_a_cut_volume_is_refused(packed, share):
    content = mha(packed=packed)
    assert refusal(content[: int(share * len(content))], "x.mha")


def test_voxels_that_are_not_packed_as_said_are_refused():
    assert "damaged" in refusal(mha(CompressedData=True))


def test_a_damaged_header_is_refused_or_read():
    rng = np.random.default_rng(7)
    whole = mha()
    length = whole.index(b"LOCAL")
    for _ in range(500):
        content = bytearray(whole)
        for position in rng.integers(0, length, rng.integers(1, 4)):
            content[position] = rng.choice([rng.integers(256), *b"019-. =n\n"])
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            continue
        assert np.isfinite(scan.data).all()
        assert np.isfinite(scan.spacing).all()


@pytest.mark.parametrize("packed", [False, True], ids=("plain", "packed"))
def test_reading_takes_little_more_memory_than_the_volume(packed):
    data = np.zeros((130, 140, 150), "<f8")
    content = mha(data, packed=packed)
    with little_memory(4 * data.size + 6 * BLOCK_BYTES):
        mriseg.read(content)
