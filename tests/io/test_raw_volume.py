import io
import tracemalloc

import numpy as np
import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.raw_volume import RawVolume, affine_of_spacing, is_plausible, items, read_voxels
from mriseg.io.sources import files

SHAPE = (18, 20, 22)
EYE = np.eye(4)
TYPES = ["<u1", "<i2", ">i2", "<u2", ">u4", "<i8", "<f4", ">f4", "<f8", ">f8", "<f2"]


def stored(dtype="<i2", shape=SHAPE, **fields) -> RawVolume:
    data = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    (file,) = files(b"head" + data.tobytes("F"))
    return RawVolume(file, 4, np.dtype(dtype), shape, EYE, **fields)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("block", [7, 4000, 10**7])
def test_every_type_is_read_exactly_in_blocks_of_any_size(dtype, block, monkeypatch):
    monkeypatch.setattr(limits, "BLOCK_BYTES", block)
    data = np.random.default_rng(0).integers(0, 100, SHAPE).astype(dtype)
    read = read_voxels(io.BytesIO(data.tobytes("F")), SHAPE, np.dtype(dtype))
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, data)


def test_scaling_is_computed_in_double_precision():
    data = np.full(SHAPE, 2**31 - 1, "<i4")
    read = read_voxels(io.BytesIO(data.tobytes()), SHAPE, data.dtype, (1.0, -(2.0**31 - 3)))
    np.testing.assert_array_equal(read, 2)


def test_no_more_memory_is_taken_than_the_volume_and_some_blocks():
    shape = (200, 200, 150)
    data = np.zeros(shape, "<f8").tobytes()
    tracemalloc.start()
    read_voxels(io.BytesIO(data), shape, np.dtype("<f8"), (2.0, 1.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * np.prod(shape) + 5 * limits.BLOCK_BYTES


@pytest.mark.parametrize("missing", [1, 1000, 15_839])
def test_a_stream_that_ends_early_is_refused(missing):
    with pytest.raises(ReadError, match="cut short"):
        read_voxels(io.BytesIO(bytes(2 * 18 * 20 * 22 - missing)), SHAPE, np.dtype("<i2"))


def test_values_beyond_single_precision_are_told_as_no_numbers():
    data = np.full(SHAPE, 1e300)
    (file,) = files(data.tobytes())
    with pytest.raises(ReadError, match="not numbers"):
        items(RawVolume(file, 0, data.dtype, SHAPE, EYE))[0].load()


@pytest.mark.parametrize("dtype", ["<c8", "V3", "S4", "<f16"])
def test_what_is_no_real_number_is_refused(dtype):
    (file,) = files(bytes(10**6))
    with pytest.raises(ReadError, match=r"complex|gray"):
        items(RawVolume(file, 0, np.dtype(dtype), SHAPE, EYE))


@pytest.mark.parametrize(("offset", "shape"), [(-1, SHAPE), (5, SHAPE), (2**62, SHAPE), (4, (18, 20, 23))])
def test_a_claim_beyond_the_file_is_refused_before_it_is_read(offset, shape):
    file = stored().file
    with pytest.raises(ReadError, match="cut short"):
        items(RawVolume(file, offset, np.dtype("<i2"), shape, EYE))


def test_a_claim_beyond_the_limit_is_told_as_too_large():
    with pytest.raises(TooLargeError):
        items(RawVolume(stored().file, 4, np.dtype("<i2"), (4000, 4000, 4000), EYE))


def test_a_volume_of_several_is_read_alone():
    data = np.random.default_rng(0).integers(0, 100, (*SHAPE, 3)).astype("<i2")
    (file,) = files(data.tobytes("F"))
    listed = items(RawVolume(file, 0, data.dtype, SHAPE, EYE, 3, series="three echoes"))
    for index, item in enumerate(listed):
        assert item.title.startswith(f"Volume {index + 1} of 3 (three echoes)")
        np.testing.assert_array_equal(item.load().data, data[..., index])


def test_a_list_of_volumes_has_an_end():
    many = stored(count=10**9)
    assert len(items(many)) == limits.MAX_ITEMS


@pytest.mark.parametrize("broken", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.diag([1e-6, 1, 1, 1]), 1e38 * EYE])
def test_broken_affines_are_told_from_usual_ones(broken):
    assert not is_plausible(broken)
    assert is_plausible(np.diag([-0.3, 6, 1, 1]))


def test_an_impossible_side_becomes_1_mm():
    np.testing.assert_array_equal(affine_of_spacing((0.5, np.nan, -3.0)), np.diag([0.5, 1, 1, 1]))
    np.testing.assert_array_equal(affine_of_spacing((2.0,)), np.diag([2.0, 1, 1, 1]))
