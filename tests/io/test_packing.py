import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from mriseg.io import streams
from mriseg.io.packing import IN_ZIP, PACKED_TWICE, UNPACK_ALL, UNPACK_ONCE
from tests.helpers import nifti, refusal

SCAN = nifti(np.arange(18 * 20 * 22, dtype=np.int16).reshape(18, 20, 22))


def zipped(content: bytes, name: str = "scan.nii.gz") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("scan.nii")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("around", [bytes, zipped], ids=("alone", "in a zip"))
@pytest.mark.parametrize(
    ("content", "inner", "advice"),
    [
        (gzip.compress(gzip.compress(SCAN)), "a file packed by gzip", UNPACK_ONCE),
        (gzip.compress(gzip.compress(gzip.compress(SCAN))), "a file packed by gzip", UNPACK_ONCE),
        (gzip.compress(zipped(SCAN)), "a zip archive", UNPACK_ONCE),
        (gzip.compress(bz2.compress(SCAN)), "a file packed by bzip2", UNPACK_ALL),
        (gzip.compress(lzma.compress(SCAN)), "a file packed by xz", UNPACK_ALL),
        (gzip.compress(lzma.compress(SCAN, lzma.FORMAT_ALONE)), "a file packed by lzma", UNPACK_ALL),
        (gzip.compress(b"\x28\xb5\x2f\xfd" + bytes(99)), "a file packed by zstd", UNPACK_ALL),
        (gzip.compress(b"7z\xbc\xaf\x27\x1c" + bytes(99)), "a 7z archive", UNPACK_ALL),
    ],
    # Packed bytes hold the time, and every worker must collect the same names.
    ids=("gzip", "gzip twice", "zip", "bzip2", "xz", "lzma", "zstd", "7z"),
)
def test_what_is_packed_twice_is_told_with_both_and_the_way_out(around, content, inner, advice):
    message = refusal(around(content), "scan.nii.gz")
    assert message == PACKED_TWICE.format(inner, advice)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bz2.compress(gzip.compress(SCAN)), "a file packed by bzip2"),
        (lzma.compress(SCAN), "a file packed by xz"),
        (b"\x04\x22\x4d\x18" + bytes(99), "a file packed by lz4"),
        (b"\x1f\x9d\x90" + bytes(99), "a file packed by compress"),
        (b"Rar!\x1a\x07" + bytes(99), "a RAR archive"),
        (tarred(SCAN), "a tar archive"),
        (gzip.compress(tarred(SCAN)), "a tar archive"),
    ],
    ids=("bzip2", "xz", "lz4", "compress", "rar", "tar", "tar in gzip"),
)
def test_what_is_packed_by_something_else_is_told(content, says):
    assert refusal(content, "scan.nii.gz").startswith(f"This is {says}, which is not read here. Unpack it")


def test_a_zip_in_a_zip_is_told():
    assert refusal(zipped(zipped(SCAN), "inner.zip")) == IN_ZIP


def test_files_that_are_all_packed_are_told_of_the_packing():
    several = [(f"scan{number}.nii.bz2", bz2.compress(SCAN)) for number in range(3)]
    assert "packed by bzip2" in refusal([("README.txt", b"The scans of our study."), *several])


def test_no_more_than_the_start_is_unpacked(monkeypatch):
    unpacked = []
    monkeypatch.setattr(streams, "spend", unpacked.append)
    assert "packed twice" in refusal(gzip.compress(gzip.compress(bytes(10**7))), "scan.nii.gz")
    assert 0 < sum(unpacked) <= 2 * io.DEFAULT_BUFFER_SIZE
