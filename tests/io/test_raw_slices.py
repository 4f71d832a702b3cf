import gzip

import numpy as np
import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.raw_slices import Slices
from mriseg.io.sources import files
from tests.helpers import little_memory

SHAPE = (18, 20, 22)
STORED = np.random.default_rng(0).integers(0, 4000, SHAPE).astype("<u2")
SIZE = 2 * 18 * 20
ORDER = np.random.default_rng(1).permutation(22)  # in which the slices lie in the file
FULL = (0.0, 65535.0)


def slices(content: bytes | None = None, **fields) -> Slices:
    """The volume with its slices in disorder."""
    (file,) = files(b"head" + STORED[:, :, ORDER].tobytes("F") if content is None else content)
    given = {
        "dtype": STORED.dtype,
        "shape": SHAPE,
        "offsets": [4 + SIZE * int(place) for place in np.argsort(ORDER)],
        "slopes": np.ones(22),
        "intercepts": np.zeros(22),
        "bounds": FULL,
        "affine": np.diag([1.0, 2, 3, 1]),
    }
    return Slices(file, **{**given, **fields})


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_slices_are_put_in_order(pack):
    found = slices(pack(b"head" + STORED[:, :, ORDER].tobytes("F")))
    found.check()
    scan = found.load()
    np.testing.assert_array_equal(scan.data, STORED)
    assert scan.spacing == (1, 2, 3)


def test_each_slice_is_scaled_by_its_own_factor():
    slopes, intercepts = np.linspace(-2, 3, 22), np.linspace(100, -100, 22)
    scan = slices(slopes=slopes, intercepts=intercepts).load()
    np.testing.assert_allclose(scan.data, STORED * slopes + intercepts, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_stored_beyond_the_bounds_counts_as_them(sign):
    slopes, intercepts = sign * np.linspace(1, 3, 22), np.linspace(-5, 5, 22)
    scan = slices(slopes=slopes, intercepts=intercepts, bounds=(1000.0, 3000.0)).load()
    np.testing.assert_allclose(scan.data, np.clip(STORED, 1000, 3000) * slopes + intercepts, rtol=1e-6, atol=1e-3)


def test_a_factor_that_is_no_number_breaks_its_slice():
    slopes = np.ones(22)
    slopes[3] = np.nan
    with pytest.raises(ReadError, match="not numbers"):
        slices(slopes=slopes).load()


@pytest.mark.parametrize(
    ("fields", "error", "why"),
    [
        ({"shape": (32000, 32000, 22)}, TooLargeError, "32000"),
        ({"shape": (60, 60, 5000)}, TooLargeError, "4096 slices"),
        ({"shape": (18, 20, 2)}, ReadError, "only 18 x 20 x 2"),
        ({"offsets": [-1, *range(21)]}, ReadError, "cut short"),
        ({"offsets": [*range(21), 22 * SIZE]}, ReadError, "cut short"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_allocated(fields, error, why):
    with little_memory(1e6), pytest.raises(error, match=why):
        slices(**fields).check()


def test_a_packed_file_that_proves_shorter_is_refused():
    found = slices(gzip.compress(b"head" + STORED[:, :, ORDER].tobytes("F")[:-5]))
    found.check()
    with pytest.raises(ReadError, match="cut short"):
        found.load()


def test_a_packed_file_is_unpacked_once(monkeypatch):
    content = gzip.compress(b"head" + STORED[:, :, ORDER].tobytes("F"))
    rewinds = []
    rewind = gzip._GzipReader._rewind
    monkeypatch.setattr(gzip._GzipReader, "_rewind", lambda self: (rewinds.append(1), rewind(self)))
    slices(content).load()
    assert not rewinds


def test_reading_takes_the_volume_a_slice_and_a_block():
    shape = (200, 200, 100)
    found = slices(
        bytes(8 * 200 * 200 * 100),
        shape=shape,
        dtype=np.dtype("<f8"),
        offsets=range(0, 8 * 200 * 200 * 100, 8 * 200 * 200),
        slopes=np.full(100, 2.0),
        intercepts=np.ones(100),
        bounds=(-np.inf, np.inf),
    )
    with little_memory(4 * 200 * 200 * 102 + 2 * limits.BLOCK_BYTES):
        found.load()
