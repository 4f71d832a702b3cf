import gzip

import nibabel
import nrrd
import numpy as np
import pytest

import mriseg
from mriseg.core.errors import MrisegError
from mriseg.core.limits import BLOCK_BYTES, MAX_VOXELS
from mriseg.io.reader import contents
from tests.helpers import ALL_AXES, little_memory, refusal, stored_as
from tests.volume_files import detached, nrrd_file

VOXELS = np.random.default_rng(0).integers(0, 100, (18, 20, 22)).astype("<i2")
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, 20], [0, 0, 3, -30], [0, 0, 0, 1]])
WHOLE = nrrd_file(VOXELS, AFFINE)


def with_line(line: str, content: bytes = WHOLE) -> bytes:
    """A file with another line for a field in its header, or without the field where the line gives no value."""
    header, voxels = content.split(b"\n\n", 1)
    name, value = line.split(":", 1)
    kept = [old for old in header.decode().split("\n") if not old.startswith(f"{name}:")]
    return "\n".join([*kept, *([line] if value else [])]).encode() + b"\n\n" + voxels


@pytest.mark.parametrize("axes", ALL_AXES, ids="".join)
def test_every_order_of_the_axes_is_kept(axes):
    data, affine = stored_as(axes, VOXELS, AFFINE)
    scan = mriseg.read(nrrd_file(data, affine, encoding="gzip"))
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine, affine)
    assert "".join(nibabel.aff2axcodes(scan.affine)) == "".join(axes)
    assert scan.sides_known
    assert not scan.notes


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", "<u2", ">i4", "<u4", "<i8", ">u8", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("bare", "in gzip"))
def test_every_type_and_packing_is_read(dtype, encoding, pack):
    data = VOXELS.astype(dtype)
    content = pack(nrrd_file(data, AFFINE, encoding=encoding))
    np.testing.assert_array_equal(mriseg.read(content).data, data)


@pytest.mark.parametrize("spelling", ["short", "signed short int", "int16_t", "SHORT"])
def test_types_have_many_names(spelling):
    np.testing.assert_array_equal(mriseg.read(with_line(f"type: {spelling}")).data, VOXELS)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("right-anterior-superior", (1, 1, 1)),
        ("RAS", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LAS", (-1, 1, 1)),
        ("left-posterior-superior", (-1, -1, 1)),
        ("LPS", (-1, -1, 1)),
    ],
)
def test_each_space_comes_to_ras(space, signs):
    content = nrrd_file(VOXELS, space=space, space_directions=np.diag([1.0, 2, 3]), space_origin=[10.0, 20, 30])
    scan = mriseg.read(content)
    np.testing.assert_allclose(
        scan.affine, np.diag([*signs, 1]) @ [[1, 0, 0, 10], [0, 2, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1]]
    )
    assert scan.sides_known


@pytest.mark.parametrize("space", ["scanner-xyz", "3D-right-handed", "3D-left-handed"])
def test_other_spaces_leave_the_sides_unknown(space):
    directions = np.array([[0, 2.0, 0], [1, 0, 0], [0, 0, 3]])
    scan = mriseg.read(nrrd_file(VOXELS, space=space, space_directions=directions))
    assert scan.spacing == (2, 1, 3)
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)


@pytest.mark.parametrize(("space", "known"), [(None, False), ("left-posterior-superior-time", True), ("LPST", True)])
def test_a_space_with_time_keeps_the_grid(space, known):
    # Without a name for the space, as ITK writes series of volumes.
    fields = {"space": space} if space else {"space_dimension": 4}
    with_time = [(*row, 0) for row in DIRECTIONS] + [(0, 0, 0, 1)]
    origin = [10.0, 20, 30, 0]
    content = nrrd_file(SERIES, space_directions=np.array(with_time, float), space_origin=origin, **fields)
    scans = [item.load() for item in contents(content)]
    assert len(scans) == 3
    for number, scan in enumerate(scans):
        np.testing.assert_array_equal(scan.data, SERIES[..., number])
        np.testing.assert_allclose(scan.affine, [[1, 0, 0, -10], [0, 2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])
        assert scan.sides_known is known


def test_a_space_that_is_not_told_is_placed_as_itk_places_it():
    content = nrrd_file(VOXELS, space_dimension=3, space_directions=np.array(DIRECTIONS), space_origin=[10.0, 20, 30])
    np.testing.assert_allclose(mriseg.read(content).affine[:3, 3], [-10, -20, 30])


def test_a_sheared_grid_is_kept():
    sheared = AFFINE.copy()
    sheared[0, 1:3], sheared[1, 2] = (0.4, 0.1), 0.3
    np.testing.assert_allclose(mriseg.read(nrrd_file(VOXELS, sheared)).affine, sheared)


def test_vectors_may_have_gaps():
    line = "space directions: ( -1, 0 , 0 )  (0, -2,0) ( 0,0, 3)"
    np.testing.assert_allclose(mriseg.read(with_line(line)).affine, AFFINE)


def test_sides_alone_keep_the_voxel_size():
    scan = mriseg.read(nrrd_file(VOXELS, spacings=[1.0, 2.0, 3.0]))
    assert scan.spacing == (1, 2, 3)
    assert not scan.sides_known
    assert any("left and right are unknown" in note for note in scan.notes)


def test_without_sides_one_millimetre_is_assumed_and_said():
    scan = mriseg.read(nrrd_file(VOXELS))
    assert scan.spacing == (1, 1, 1)
    assert any("1 mm is assumed" in note for note in scan.notes)


def test_an_origin_that_is_unknown_costs_nothing_else():
    scan = mriseg.read(with_line("space origin: (nan,nan,nan)"))
    np.testing.assert_allclose(scan.affine[:3, :3], AFFINE[:3, :3])
    assert scan.sides_known


@pytest.mark.parametrize(
    "directions",
    ["(1e300,0,0) (0,2,0) (0,0,3)", "(0,0,0) (0,2,0) (0,0,3)", "(1,2,0) (2,4,0) (0,0,3)", "(nan,0,0) (0,2,0) (0,0,3)"],
)
def test_a_broken_orientation_keeps_the_sides_that_are_sound(directions):
    scan = mriseg.read(with_line(f"space directions: {directions}"))
    assert scan.spacing[2] == 3
    assert not scan.sides_known
    assert any("orientation is broken" in note for note in scan.notes)


SERIES = np.stack([VOXELS, VOXELS + 1, VOXELS + 2], -1)
DIRECTIONS = [[-1.0, 0, 0], [0, -2, 0], [0, 0, 3]]


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize(
    "fields",
    [
        {"space": "LPS", "space_directions": [*DIRECTIONS, [np.nan] * 3], "kinds": ["space"] * 3 + ["list"]},
        {"spacings": [1.0, 2, 3, np.nan], "kinds": ["domain"] * 3 + ["list"]},
        {},
    ],
    ids=("directions", "kinds", "nothing said"),
)
def test_each_volume_of_a_list_can_be_chosen(encoding, fields):
    listed = contents(nrrd_file(SERIES, encoding=encoding, **fields))
    assert len(listed) == 3
    for number, item in enumerate(listed):
        scan = item.load()
        np.testing.assert_array_equal(scan.data, SERIES[..., number])
        assert any(f"this is number {number + 1}" in note for note in scan.notes)
        assert scan.sides_known == ("space" in fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"space": "LPS", "space_directions": [[np.nan] * 3, *DIRECTIONS]},
        {"kinds": ["vector", "domain", "domain", "domain"]},
        {"kinds": ["RGB-color", "space", "space", "space"]},
    ],
    ids=("directions", "vector", "color"),
)
def test_several_numbers_a_voxel_are_refused(fields):
    assert "several numbers for each voxel" in refusal(nrrd_file(np.moveaxis(SERIES, -1, 0), **fields))


@pytest.mark.parametrize(
    ("kind", "what"),
    [("vector", "vectors"), ("covariant-vector", "vectors"), ("3D-matrix", "tensors"), ("3-color", "colors")],
)
def test_several_numbers_a_voxel_are_refused_as_the_last_axis_too(kind, what):
    content = nrrd_file(SERIES, kinds=["domain", "domain", "domain", kind])
    assert f"a map of {what}, not a scan" in refusal(content)


def test_a_first_axis_of_one_is_dropped():
    content = nrrd_file(VOXELS[None], kinds=["vector", "domain", "domain", "domain"])
    np.testing.assert_array_equal(mriseg.read(content).data, VOXELS)


def test_a_two_dimensional_file_is_one_slice():
    data = np.random.default_rng(1).random((40, 50)).astype("<f4")
    scan = mriseg.read(nrrd_file(data, spacings=[0.5, 0.75]))
    np.testing.assert_array_equal(scan.data, data[:, :, None])
    assert scan.spacing[:2] == (0.5, 0.75)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("as_folder", [False, True], ids=("files", "folder"))
def test_a_header_and_its_voxels_are_read_together(encoding, as_folder, tmp_path):
    ending = {"raw": "raw", "gzip": "raw.gz", "bzip2": "raw.bz2"}[encoding]
    header, voxels = detached(nrrd_file(VOXELS, AFFINE, encoding=encoding), f"x.{ending}")
    source = [("x.nhdr", header), (f"x.{ending}", voxels)]
    if as_folder:
        for name, content in source:
            (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(mriseg.read(tmp_path / "x.nhdr").data, VOXELS)
        source = tmp_path
    scan = mriseg.read(source)
    np.testing.assert_array_equal(scan.data, VOXELS)
    np.testing.assert_allclose(scan.affine, AFFINE)


def test_a_header_alone_is_told_to_bring_its_voxels():
    assert "Drop both files together" in refusal(detached(WHOLE, "x.raw")[0])


def test_a_header_that_names_itself_is_told_to_bring_its_voxels():
    assert "Drop both files together" in refusal(detached(WHOLE, "x.nhdr")[0], "x.nhdr")


@pytest.mark.parametrize(("skip", "before", "behind"), [(0, 0, 9), (700, 700, 9), (-1, 700, 0), (-1, 0, 0)], ids=str)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_bytes_before_the_voxels_are_skipped(skip, before, behind, pack):
    header, voxels = detached(with_line(f"byte skip: {skip}"), "x.raw")
    source = [("x.nhdr", header), ("x.raw", pack(bytes(before) + voxels + bytes(behind)))]
    np.testing.assert_array_equal(mriseg.read(source).data, VOXELS)


def test_bytes_before_packed_voxels_are_skipped_unpacked():
    packed = nrrd_file(np.concatenate([np.zeros(350, "<i2"), VOXELS.ravel("F")]), encoding="gzip").split(b"\n\n", 1)[1]
    header = with_line("byte skip: 700", with_line("encoding: gzip")).split(b"\n\n", 1)[0]
    np.testing.assert_array_equal(mriseg.read(header + b"\n\n" + packed).data, VOXELS)


def test_what_a_program_kept_in_the_header_is_no_field():
    kept = b'\nsizes:=1 2 3\nspace:=DOE JANE\nlabels: "x" "y\n# encoding: DOE JANE\ncontent: DOE JANE'
    content = WHOLE.replace(b"\nencoding", kept + b"\nencoding")
    scan = mriseg.read(content)
    np.testing.assert_array_equal(scan.data, VOXELS)
    assert "DOE" not in repr(scan) + str(scan) + repr(scan.notes)


def test_the_fields_are_written_in_any_case():
    header, voxels = WHOLE.split(b"\n\n", 1)
    shouted = b"\r\n".join(line if b"NRRD" in line else line.upper() for line in header.split(b"\n"))
    np.testing.assert_array_equal(mriseg.read(shouted + b"\r\n\r\n" + voxels).data, VOXELS)


@pytest.mark.parametrize(
    "line",
    [
        "sizes: 18 20", "sizes: 18 -20 22", "sizes: 0 20 22", "sizes: 1e300 20 22", "sizes: nan 20 22", "sizes: x y z",
        "sizes:", "dimension: 4", "dimension: x", "type:", "endian:", "endian: middle", "encoding:",
        "space origin: 1 2 3", "space directions: (1,0,0) (0,2) (0,0,3)", "space directions: (1,0,0) (0,2,0)",
        "byte skip: x", "byte skip: -7", "byte skip: 999999999999",
    ],
)  # fmt: skip
def test_a_header_that_makes_no_sense_is_refused(line):
    assert refusal(with_line(line))


@pytest.mark.parametrize("axes", [1, 17, 9_000])
def test_an_array_of_one_or_many_axes_is_refused(axes):
    content = with_line(f"dimension: {axes}", with_line(f"sizes:{' 999999999' * axes}"))
    assert "damaged" in refusal(content)


@pytest.mark.parametrize("kind", ["block", "complex", "x"])
def test_a_type_that_is_no_number_is_refused(kind):
    assert "colors or a rare type" in refusal(with_line(f"type: {kind}"))


@pytest.mark.parametrize("encoding", ["ascii", "txt", "hex"])
def test_voxels_as_text_are_refused(encoding):
    assert "encoding gzip or raw" in refusal(with_line(f"encoding: {encoding}"))


def test_a_header_of_another_format_is_refused():
    assert "another format" in refusal(with_line("line skip: 3"))


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("bare", "in gzip"))
def test_claims_allocate_nothing(encoding, pack):
    side = int(MAX_VOXELS ** (1 / 3)) - 1
    content = nrrd_file(VOXELS, AFFINE, encoding=encoding)
    assert "32000" in refusal(pack(with_line("sizes: 32000 32000 32000", content)))
    if pack is bytes:
        assert "cut short" in refusal(with_line(f"sizes: {side} {side} {side}", content))


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.99])
def test_a_cut_volume_is_refused(encoding, share):
    content = nrrd_file(VOXELS, AFFINE, encoding=encoding)
    assert refusal(content[: int(share * len(content))], "x.nrrd")


@pytest.mark.parametrize("encoding", ["gzip", "bzip2"])
def test_voxels_that_are_not_packed_as_said_are_refused(encoding):
    assert "damaged" in refusal(with_line(f"encoding: {encoding}"))


def test_a_version_to_come_is_refused():
    assert refusal(WHOLE.replace(b"NRRD000", b"NRRD0009", 1))


def test_a_damaged_header_is_refused_or_read():
    rng = np.random.default_rng(7)
    length = WHOLE.index(b"\n\n")
    for _ in range(500):
        content = bytearray(WHOLE)
        for position in rng.integers(0, length, rng.integers(1, 4)):
            content[position] = rng.choice([rng.integers(256), *b"019-.,() :n\n"])
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            continue
        assert np.isfinite(scan.data).all()
        assert np.isfinite(scan.spacing).all()


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
def test_reading_takes_little_more_memory_than_the_volume(encoding):
    data = np.zeros((130, 140, 150), "<f8")
    content = nrrd_file(data, AFFINE, encoding=encoding)
    with little_memory(4 * data.size + 6 * BLOCK_BYTES):
        mriseg.read(content)


def test_pynrrd_reads_the_same(tmp_path):
    path = tmp_path / "x.nrrd"
    path.write_bytes(nrrd_file(VOXELS, AFFINE, encoding="gzip"))
    data, header = nrrd.read(str(path))
    scan = mriseg.read(path)
    np.testing.assert_array_equal(scan.data, data)
    np.testing.assert_allclose(scan.affine[:3, 3] * [-1, -1, 1], header["space origin"])
