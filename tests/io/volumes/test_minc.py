import gzip
import io
import itertools
import struct

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg.core import limits
from mriseg.core.errors import MrisegError
from mriseg.core.scan import Space
from mriseg.io.reader import contents
from tests.helpers import little_memory, refusal
from tests.volume_files import DATA, minc, spaced

RNG = np.random.default_rng(0)
STORED = RNG.integers(-1000, 1000, (16, 18, 20)).astype("i2")
AXES = ("zspace", "yspace", "xspace")
UPRIGHT = spaced(xspace=(1, -10, (1, 0, 0)), yspace=(2, -20, (0, 1, 0)), zspace=(3, -30, (0, 0, 1)))
AFFINE = np.array([[1.0, 0, 0, -10], [0, 2, 0, -20], [0, 0, 3, -30], [0, 0, 0, 1]])


def by_nibabel(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Values and affine, in the axis order of mriseg: the reverse, as MINC's last axis is the fastest."""
    holder = nibabel.minc1.Minc1Image.make_file_map()
    holder["image"].fileobj = io.BytesIO(content)
    image = nibabel.minc1.Minc1Image.from_file_map(holder)
    return np.asarray(image.dataobj).T, image.affine[:, [2, 1, 0, 3]]


def assert_same_as_nibabel(content: bytes) -> None:
    data, affine = by_nibabel(content)
    volumes = np.moveaxis(data, -1, 0) if data.ndim == 4 else [data]
    listed = contents(content)
    assert len(listed) == len(volumes)
    for item, volume in zip(listed, volumes, strict=True):
        scan = item.load()
        np.testing.assert_allclose(scan.data, volume, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(scan.affine, affine)


@pytest.mark.parametrize("name", ["tiny.mnc", "minc1_1_scale.mnc", "minc1_4d.mnc", "minc1-no-att.mnc"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_files_of_minc_programs_are_read_as_nibabel_reads_them(name, pack, monkeypatch):
    monkeypatch.setattr(limits, "MIN_VOLUME_VOXELS", 1)  # they are smaller than any brain
    content = (DATA / name).read_bytes()
    assert_same_as_nibabel(content)
    np.testing.assert_array_equal(mriseg.read(pack(content)).data, mriseg.read(content).data)


@pytest.mark.parametrize(
    ("dtype", "signs"),
    [
        ("i1", "unsigned"),
        ("i1", "signed__"),
        ("i2", "signed__"),
        ("i2", "unsigned"),
        ("i4", "signed__"),
        ("i4", "unsigned"),
    ],
)
def test_integers_are_scaled_slice_by_slice_as_nibabel_does(dtype, signs):
    info = np.iinfo(dtype)
    data = RNG.integers(info.min, info.max, (16, 18, 20)).astype(dtype)
    extremes = RNG.uniform(0, 10, 16), RNG.uniform(100, 200, 16)
    assert_same_as_nibabel(minc(data, AXES, extremes, UPRIGHT, signtype=signs.encode()))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_floating_point_is_read_as_it_is(dtype):
    data = RNG.normal(100, 20, (16, 18, 20)).astype(dtype)
    content = minc(data, AXES, (np.zeros(16), np.ones(16)), UPRIGHT)
    assert_same_as_nibabel(content)
    np.testing.assert_array_equal(mriseg.read(content).data, data.T.astype(np.float32))


@pytest.mark.parametrize("order", [*itertools.permutations(AXES)], ids="-".join)
@pytest.mark.parametrize("signs", [*itertools.product((1, -1), repeat=3)], ids=str)
def test_every_order_and_direction_of_the_axes_is_kept(order, signs):
    cosines = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0].T
    about = spaced(
        **{
            axis: (sign * (n + 1), 10 * n - 7, cosines[n])
            for n, (axis, sign) in enumerate(zip(AXES, signs, strict=True))
        }
    )
    assert_same_as_nibabel(minc(STORED, order, (np.zeros(()), np.ones(())), about))


def test_world_coordinates_are_ras():
    scan = mriseg.read(minc(STORED, AXES, None, UPRIGHT))
    np.testing.assert_allclose(scan.affine, AFFINE)
    np.testing.assert_array_equal(scan.data, STORED.T)
    assert scan.sides_known
    assert not scan.notes


@pytest.mark.parametrize("extremes", [(), (16,)], ids=("one", "each slice"))
def test_what_lies_beyond_the_valid_range_counts_as_its_end(extremes):
    content = minc(
        STORED, AXES, (np.zeros(extremes), np.full(extremes, 50.0)), UPRIGHT, valid_range=np.array([-500.0, 500.0])
    )
    assert_same_as_nibabel(content)
    data = mriseg.read(content).data
    assert (data.min(), data.max()) == (0, 50)


def test_the_valid_range_may_be_two_attributes():
    content = minc(
        STORED, AXES, (np.zeros(16), np.ones(16)), UPRIGHT, valid_min=np.float64(-2000), valid_max=np.float64(2000)
    )
    assert_same_as_nibabel(content)


@pytest.mark.parametrize(
    ("records", "scaled_by"), [(False, ()), (False, (3,)), (False, (3, 16)), (True, (3,)), (True, (3, 16))], ids=str
)
def test_each_volume_of_a_time_series_can_be_chosen(records, scaled_by):
    data = RNG.integers(-1000, 1000, (3, 16, 18, 20)).astype("i2")
    extremes = RNG.uniform(0, 10, scaled_by), RNG.uniform(100, 200, scaled_by)
    about = {**UPRIGHT, "time": {"step": np.float64(2.5), "spacing": b"regular__"}}
    content = minc(data, ("time", *AXES), extremes, about, records)
    assert_same_as_nibabel(content)
    listed = contents(content)
    assert "Volume 2 of 3 (a time series, 2.5 s apart)" in listed[1].title
    assert any("this is number 2" in note for note in listed[1].load().notes)


def test_slices_may_be_records():
    assert_same_as_nibabel(minc(STORED, AXES, (np.zeros(16), np.arange(1.0, 17)), UPRIGHT, records=True))


def test_without_sides_one_millimetre_is_assumed_and_said():
    scan = mriseg.read(minc(STORED))
    assert scan.spacing == (1, 1, 1)
    assert not scan.sides_known
    assert any("1 mm is assumed" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("said", "space"),
    [(b"native____", Space.SCANNER), (b"talairach_", Space.TALAIRACH), (b"callosal__", Space.UNKNOWN)],
)
def test_the_space_is_what_the_file_says(said, space):
    about = {axis: {**attributes, "spacetype": said} for axis, attributes in UPRIGHT.items()}
    assert mriseg.read(minc(STORED, AXES, None, about)).space is space
    assert mriseg.read(minc(STORED, AXES, None, UPRIGHT)).space is Space.UNKNOWN


@pytest.mark.parametrize("step", [0, 1e300, np.nan])
def test_a_broken_orientation_keeps_the_sides_that_are_sound(step):
    about = {**UPRIGHT, **spaced(zspace=(step, 0, (0, 0, 1)))}
    scan = mriseg.read(minc(STORED, AXES, None, about))
    assert scan.spacing == (1, 2, 1)
    assert not scan.sides_known
    assert any("orientation is broken" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("said", "why"), [(b"PET__", "not MR"), (b"CT___", "computed tomography"), (b"label", "a map of labels")]
)
def test_what_the_file_says_is_no_scan_is_refused(said, why):
    with pytest.raises(MrisegError, match=why):
        mriseg.read(minc(STORED, AXES, None, {**UPRIGHT, "study": {"modality": said}}))


@pytest.mark.parametrize("said", [b"MRI__", b"MRA__", b"", b"unknown"])
def test_what_the_file_says_is_mr_is_read(said):
    scan = mriseg.read(minc(STORED, AXES, None, {**UPRIGHT, "study": {"modality": said}}))
    np.testing.assert_array_equal(scan.data, STORED.T)


def test_irregular_slices_are_refused():
    about = {**UPRIGHT, "zspace": {"spacing": b"irregular"}}
    assert "irregular" in refusal(minc(STORED, AXES, None, about))


@pytest.mark.parametrize(
    "axes", [(*AXES, "vector_dimension"), (*AXES, "time"), ("time", "yspace", "xspace")], ids="-".join
)
def test_what_is_no_volume_in_space_is_refused(axes):
    data = RNG.integers(0, 100, (16, 18, 20, 3)[: len(axes)]).astype("i2")
    assert "three axes of space" in refusal(minc(data, axes))


@pytest.mark.parametrize("extremes", [(16, 18), (5,), (3,)], ids=str)
def test_an_unusual_scaling_is_refused(extremes):
    axes = AXES if len(extremes) == 2 else ("yspace", "zspace", "xspace")
    content = minc(STORED, axes, (np.zeros((16, 18)), np.ones((16, 18))), UPRIGHT)
    assert "mnc2nii" in refusal(content)


@pytest.mark.parametrize("ends", [[-1e9, 1e9], [5, 5], [np.nan, 1], [0.0, 1, 2]], ids=str)
def test_an_impossible_valid_range_is_refused(ends):
    assert "damaged" in refusal(
        minc(STORED, AXES, (np.zeros(16), np.ones(16)), UPRIGHT, valid_range=np.array(ends, float))
    )


def test_values_without_limit_are_told():
    assert "not numbers" in refusal(minc(STORED, AXES, (np.zeros(16), np.full(16, np.inf)), UPRIGHT))


def test_other_netcdf_files_are_refused():
    assert "no MINC volume" in refusal(minc(STORED, AXES).replace(b"image", b"imago"))


@pytest.mark.parametrize("name", ["small.mnc", "minc2_4d.mnc"])
def test_minc_2_is_refused_with_what_to_do(name):
    assert "mnc2nii" in refusal((DATA / name).read_bytes(), name)


def test_nothing_about_the_person_survives():
    scan = mriseg.read(minc(STORED, AXES, None, UPRIGHT))
    assert "DOE" not in repr(scan) + str(scan) + repr(scan.notes)


WHOLE = minc(STORED, AXES, (np.zeros(16), np.arange(1.0, 17)), UPRIGHT)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_claims_allocate_nothing(pack):
    for lengths, what in (
        ((32000,) * 3, "32000"),
        ((5000, 80, 90), "more than 4096 slices"),
        ((300, 300, 300), "cut short"),
    ):
        content = WHOLE
        for axis, old, new in zip(AXES, STORED.shape, lengths, strict=True):
            entry = struct.pack(">i", 6) + axis.encode() + bytes(2)
            content = content.replace(entry + struct.pack(">i", old), entry + struct.pack(">i", new))
        content = content.replace(b"image-m", b"imago-m")
        assert what in refusal(pack(content))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_cut_volume_is_refused(pack, share):
    content = pack(WHOLE)
    assert refusal(content[: int(share * len(content))], "x.mnc")


def test_a_damaged_header_is_refused_or_read():
    rng = np.random.default_rng(7)
    length = len(WHOLE) - STORED.nbytes
    refused = 0
    for _ in range(700):
        content = bytearray(WHOLE)
        for position in rng.integers(0, length, rng.integers(1, 4)):
            content[position] = rng.choice([rng.integers(256), 0, 1, 255])
        try:
            scan = mriseg.read(bytes(content))
        except MrisegError:
            refused += 1
            continue
        assert np.isfinite(scan.data).all()
        assert np.isfinite(scan.spacing).all()
    assert 0 < refused < 700


@pytest.mark.parametrize("dtype", ["i2", "f8"])
def test_reading_takes_little_more_memory_than_the_volume(dtype):
    data = np.zeros((130, 140, 150), dtype)
    content = minc(data, AXES, (np.zeros(130), np.ones(130)), UPRIGHT)
    with little_memory(4 * data.size + 3 * limits.BLOCK_BYTES):
        mriseg.read(content)
