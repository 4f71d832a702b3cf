import bz2
import gzip
import io
import zlib

import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.detached_data import beside, bunzipped, header_lines, inflated, rest
from mriseg.io.file import File
from mriseg.io.sources import files
from tests.helpers import little_memory

TEXT = b"header\n\n"
CONTENT = bytes(range(256)) * 2000


def file(content: bytes) -> File:
    (found,) = files(content)
    return found


def content_of(source: File) -> bytes:
    with source.open() as stream:
        return stream.read()


PACKED = {
    "plain": (bytes, lambda packed: packed),
    "gzip": (gzip.compress, lambda packed: packed),
    "zlib": (zlib.compress, inflated),
    "bzip2": (bz2.compress, bunzipped),
}


@pytest.mark.parametrize("outside", [bytes, gzip.compress], ids=("bare", "in gzip"))
@pytest.mark.parametrize("packing", PACKED)
class TestWhatLiesBehindAHeader:
    def source(self, packing, outside):
        pack, unpack = PACKED[packing]
        return unpack(rest(file(outside(TEXT + pack(CONTENT))), len(TEXT)))

    def test_is_unpacked(self, packing, outside):
        assert content_of(self.source(packing, outside)) == CONTENT

    def test_is_read_from_any_place_and_back(self, packing, outside):
        with self.source(packing, outside).open() as stream:
            for offset in (300_000, 5, 200_000, 511_999, 0):
                stream.seek(offset)
                assert stream.read(1000) == CONTENT[offset : offset + 1000]
                assert stream.tell() == min(offset + 1000, len(CONTENT))

    def test_is_never_said_to_hold_less_than_it_does(self, packing, outside):
        assert self.source(packing, outside).most_unpacked >= len(CONTENT)


@pytest.mark.parametrize("packing", ["gzip", "zlib", "bzip2"])
@pytest.mark.parametrize(
    "harm",
    [lambda b: b[:-30], lambda b: b[: len(b) // 2] + b"\xff" * 30 + b[len(b) // 2 + 30 :]],
    ids=("cut", "changed"),
)
def test_what_cannot_be_unpacked_is_told(packing, harm):
    pack, unpack = PACKED[packing]
    with pytest.raises(ReadError, match="damaged"):
        content_of(unpack(rest(file(TEXT + harm(pack(CONTENT))), len(TEXT))))


@pytest.mark.parametrize("unpack", [inflated, bunzipped])
def test_what_was_not_packed_is_told(unpack):
    with pytest.raises(ReadError, match="damaged"):
        unpack(file(CONTENT)).start()


@pytest.mark.parametrize("packing", ["gzip", "zlib", "bzip2"])
def test_a_bomb_is_unpacked_to_the_bound_and_in_little_memory(packing, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 20_000_000)
    pack, unpack = PACKED[packing]
    packed = unpack(rest(file(TEXT + pack(bytes(40_000_000))), len(TEXT)))
    with little_memory(3 * limits.BLOCK_BYTES), packed.open() as stream:
        stream.seek(19_000_000)
        assert stream.read(100_000) == bytes(100_000)
        with pytest.raises(TooLargeError):
            stream.read(2_000_000)


def test_lines_are_read_one_by_one_up_to_a_bound():
    assert [*header_lines(file(b"one\ntwo\r\nthree"))] == [b"one\n", b"two\r\n", b"three"]
    lines = header_lines(file(b"line\n" * 100), most=52)
    assert [next(lines) for _ in range(11)] == [b"line\n"] * 10 + [b"li"]
    with pytest.raises(TooLargeError):
        next(lines)


def test_a_line_without_end_is_not_taken_in_whole():
    bomb = file(gzip.compress(bytes(40_000_000), 1))
    with little_memory(4e6), pytest.raises(TooLargeError):
        list(header_lines(bomb))


HEADER = files([("a/x.hdr", b"x"), ("a/X.RAW", b"voxels"), ("b/y.raw", b"others")])


@pytest.mark.parametrize("name", ["x.raw", "./x.raw", ".\\x.raw", "X.Raw"])
def test_a_file_named_by_a_header_is_found_beside_it(name):
    assert content_of(beside(HEADER[0], name, HEADER, "half")) == b"voxels"


@pytest.mark.parametrize("name", ["y.raw", "z.raw", "x.hdr", "", "."])
def test_the_other_half_is_missed_where_it_is_not_in_the_same_folder(name):
    with pytest.raises(ReadError, match="half"):
        beside(HEADER[0], name, HEADER, "half")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "b/y.raw", "..\\b\\y.raw", "C:\\x.raw", "http://x.org/x.raw", "c:x.raw"]
)
def test_no_file_elsewhere_is_looked_for(name):
    with pytest.raises(ReadError, match="another folder"):
        beside(HEADER[0], name, HEADER, "half")


@pytest.mark.parametrize("name", ["LIST", "LIST 2", "x%03d.raw 1 5 1"])
def test_voxels_in_several_files_are_told(name):
    with pytest.raises(ReadError, match="several files"):
        beside(HEADER[0], name, HEADER, "half")


def test_streams_are_closed_with_what_they_read_from():
    opened = []

    def content():
        opened.append(io.BytesIO(zlib.compress(CONTENT)))
        return opened[-1]

    with inflated(rest(File("x", 999, lambda: content()), 0)).open() as stream:
        stream.read(10)
    assert all(stream.closed for stream in opened)
