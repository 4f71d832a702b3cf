"""One file, wherever it lies."""

import gzip
import io

import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.file import File

CONTENT = bytes(range(256)) * 40


def file(content: bytes) -> File:
    return File("t1.nii", len(content), lambda: io.BytesIO(content))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_its_content_is_what_was_put_in_packed_or_not(pack):
    with file(pack(CONTENT)).open() as stream:
        assert stream.read() == CONTENT
    with file(pack(CONTENT)).open_anywhere() as stream:
        stream.seek(300)
        assert stream.read(5) == CONTENT[300:305]
    assert file(pack(CONTENT)).start() == CONTENT[: limits.START_BYTES]


def test_whether_it_is_packed_say_its_first_two_bytes():
    assert file(gzip.compress(CONTENT)).is_packed
    assert not file(CONTENT).is_packed


def test_no_packing_is_denser_than_what_it_may_hold():
    assert file(gzip.compress(bytes(2_000_000), 9)).most_unpacked >= 2_000_000
    assert file(CONTENT).most_unpacked == len(CONTENT)


def test_no_more_is_read_than_was_allowed(monkeypatch):
    with pytest.raises(TooLargeError), file(CONTENT).open(most=100) as stream:
        stream.read()
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 5000)
    with pytest.raises(TooLargeError), file(gzip.compress(CONTENT)).open() as stream:
        stream.read()


def test_what_is_packed_and_cut_short_is_damaged():
    with pytest.raises(ReadError, match="damaged"), file(gzip.compress(CONTENT)[:-9]).open() as stream:
        stream.read()


def test_a_file_that_is_gone_is_told_without_its_name():
    def gone() -> io.BytesIO:
        raise FileNotFoundError(2, "No such file or directory", "jane_doe.nii")

    with pytest.raises(ReadError, match="cannot be opened: No such file") as caught, File("x", 0, gone).open():
        pass
    assert "jane" not in str(caught.value)


def test_neither_its_name_nor_its_folder_is_shown():
    shown = repr(File("t1_of_jane.nii", 0, io.BytesIO, ("doe",)))
    assert "jane" not in shown
    assert "doe" not in shown
