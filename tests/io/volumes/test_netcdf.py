import io
import struct

import numpy as np
import pytest
import scipy.io

from mriseg.core.errors import ReadError
from mriseg.io.volumes import netcdf
from tests.helpers import little_memory


def written(version: int = 1, records: int = 0) -> bytes:
    """A file by scipy: a scalar, a table, and variables along an axis without end."""
    stream = io.BytesIO()
    file = scipy.io.netcdf_file(stream, "w", version=version)
    file.createDimension("t", None)
    file.createDimension("y", 3)
    file.createDimension("x", 5)
    file.history = b"DOE JANE"
    table = file.createVariable("table", "h", ("y", "x"))
    table[:] = np.arange(15).reshape(3, 5)
    table.units, table.range = b"mm", np.array([1.5, 2.5])
    if not records:  # scipy would write it into them
        scalar = file.createVariable("scalar", "d", ())
        scalar.data[...] = 7.5
    for number in range(records):
        series = file.createVariable(f"series{number}", "bhifd"[number], ("t", "x"))
        series[:] = (number + 1) * np.arange(20).reshape(4, 5)
    file.flush()
    return stream.getvalue()


ALL = ("table", "scalar", *(f"series{number}" for number in range(5)))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("records", [0, 1, 2, 5])
def test_variables_are_found_where_they_lie(version, records):
    content = written(version, records)
    found = netcdf.variables(content, ALL)
    assert {*found} == {"table", *(ALL[2 : 2 + records] if records else ["scalar"])}
    values = {name: netcdf.values(variable, io.BytesIO(content)) for name, variable in found.items()}
    np.testing.assert_array_equal(values["table"], np.arange(15).reshape(3, 5))
    np.testing.assert_array_equal(values.get("scalar", 7.5), 7.5)
    for number in range(records):
        np.testing.assert_array_equal(values[f"series{number}"], (number + 1) * np.arange(20).reshape(4, 5))


def test_attributes_are_kept_of_wanted_variables_alone():
    found = netcdf.variables(written(), ("table",))
    assert [*found] == ["table"]
    assert found["table"].axes == ("y", "x")
    assert found["table"].attributes["units"] == b"mm"
    np.testing.assert_array_equal(found["table"].attributes["range"], [1.5, 2.5])


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7])
def test_a_header_that_is_cut_is_refused(share):
    content = written(records=5)
    header = content[: content.index(b"series4") + 60]
    with pytest.raises(ReadError, match="damaged"):
        netcdf.variables(header[: int(share * len(header))], ALL)


def test_values_that_are_cut_are_refused():
    content = written()
    found = netcdf.variables(content, ALL)
    with pytest.raises(ReadError, match="cut short"):
        netcdf.values(found["table"], io.BytesIO(content[: found["table"].offset + 10]))


def test_a_variable_that_is_not_small_is_refused():
    content = written().replace(b"\0\0\0\1x\0\0\0" + b"\0\0\0\5", b"\0\0\0\1x\0\0\0" + b"\x7f\0\0\0")
    with little_memory(1e6), pytest.raises(ReadError, match="damaged"):
        netcdf.values(netcdf.variables(content, ALL)["table"], io.BytesIO(content))


@pytest.mark.parametrize("place", range(4, 200, 4))
def test_any_count_may_lie(place):
    content = bytearray(written(records=2))
    for lie in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\xff\xff"):
        content[place : place + 4] = lie
        with little_memory(1e6):
            try:
                found = netcdf.variables(bytes(content), ALL)
            except ReadError:
                continue
        assert {*found} <= {*ALL}


def test_a_variable_of_countless_axes_is_refused_before_their_lengths_are_multiplied():
    axis = struct.pack(">2ii4s2i", 10, 1, 1, b"x", 2**31 - 1, 0) + bytes(4)
    variable = struct.pack(">3i8si", 11, 1, 5, b"image", 200_000) + bytes(4 * 200_000 + 8) + struct.pack(">3i", 3, 0, 0)
    with pytest.raises(ReadError, match="damaged"):
        netcdf.variables(b"CDF\1" + bytes(4) + axis + variable, ["image"])
