import gzip
import io
import os
import struct
import time
import zipfile

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.reader import contents
from mriseg.io.sidecar import called, partner
from mriseg.io.sources import files
from tests.helpers import little_memory, nifti, refusal

VOXELS = np.random.default_rng(0).integers(0, 1000, (18, 20, 22)).astype(np.int16)
SCAN = nifti(VOXELS)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def contents_of(found) -> dict[str, bytes]:
    read = {}
    for file in found:
        with file.open() as stream:
            read["/".join((*file.folder, file.name))] = stream.read()
    return read


MEMBERS = {"a/one": b"1" * 1000, "a/two": bytes(range(256)), "three.bin": b"3"}


def test_a_folder_its_zip_and_its_files_dropped_together_hold_the_same(tmp_path):
    for name, content in MEMBERS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert contents_of(files(tmp_path)) == MEMBERS
    assert contents_of(files(zipped(MEMBERS))) == MEMBERS
    assert contents_of(files(list(MEMBERS.items()))) == MEMBERS


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=("plain", "gz"))
def test_a_scan_in_a_zip_reads_as_itself(method, pack):
    scan = mriseg.read(zipped({"folder/scan": pack(SCAN), "__MACOSX/._scan": b"x", ".DS_Store": b"y"}, method))
    np.testing.assert_array_equal(scan.data, VOXELS)


def test_any_place_of_a_file_can_be_read_whatever_packs_it():
    content = np.random.default_rng(1).bytes(300_000)
    for source in (content, gzip.compress(content), zipped({"x": content}), zipped({"x": gzip.compress(content)})):
        (file,) = files(source)
        with file.open() as stream:
            for place in (250_000, 10, 299_990, 0):
                stream.seek(place)
                assert stream.read(20) == content[place : place + 20]
            assert stream.seek(0, io.SEEK_END) == len(content)


def test_the_other_half_is_found_in_the_same_folder_and_nowhere_else():
    found = files([("a/x.hdr", b"1"), ("a/X.IMG", b"2"), ("b/y.hdr", b"3"), ("c/y.img", b"4")])
    assert partner(found[0], found, ".img") is found[1]
    assert partner(found[2], found, ".img") is None
    assert called("../c/../a/x.IMG", found[0], found) is found[1]
    assert called("/etc/passwd", found[0], found) is None


def test_the_other_half_of_a_file_on_disk_is_found_beside_it(tmp_path):
    for name in ("x.hdr", "x.img", "y.hdr", "y.img", "x.png"):
        (tmp_path / name).write_bytes(b"1")
    given = {(file.name, file.is_beside) for file in files(tmp_path / "x.hdr")}
    assert given == {("x.hdr", False), ("x.img", True), ("y.img", True), ("x.png", True)}
    given = {(file.name, file.is_beside) for file in files(tmp_path / "x.img")}
    assert given == {("x.img", False), ("x.hdr", False), ("x.png", True)}
    assert [file.name for file in files(tmp_path / "x.png")] == ["x.png"]


def test_what_lies_beside_a_scan_is_not_listed_with_it(tmp_path):
    image = nibabel.Nifti1Pair(VOXELS, np.eye(4))
    nibabel.save(image, tmp_path / "x.hdr")
    nibabel.save(nibabel.Nifti1Image(VOXELS, np.eye(4)), tmp_path / "x.nii")
    for name in ("x.hdr", "x.img", "x.nii"):
        (item,) = contents(tmp_path / name)
        np.testing.assert_array_equal(item.load().data, VOXELS)


@pytest.mark.parametrize("name", ["../../../scan.nii", "/elsewhere/scan.nii", "..\\..\\scan.nii", "C:\\scan.nii"])
def test_names_that_lead_out_of_an_archive_lead_nowhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(mriseg.read(zipped({name: SCAN})).data, VOXELS)
    assert not any(tmp_path.iterdir())


def test_links_in_an_archive_are_not_followed():
    link = zipfile.ZipInfo("scan.nii")
    link.external_attr = 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ReadError, match="no file"):
        mriseg.read(stream.getvalue())


def test_links_to_files_in_a_folder_are_followed_and_those_to_folders_are_not(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "object").write_bytes(SCAN)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "scan.nii").symlink_to(tmp_path / "store" / "object")
    (tmp_path / "study" / "round").symlink_to(tmp_path / "study")
    (tmp_path / "study" / "nowhere").symlink_to(tmp_path / "gone")
    assert len(files(tmp_path / "study")) == 1


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "scan.nii").write_bytes(SCAN)
    assert [file.name for file in files(tmp_path)] == ["scan.nii"]
    with pytest.raises(ReadError, match="neither"):
        files(tmp_path / "pipe")


def test_a_folder_that_cannot_be_read_to_the_end_is_told(tmp_path):
    with pytest.raises(ReadError, match="cannot be opened"):
        files(tmp_path / "DOE_JANE")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["folder", "zip", "list"])
def test_ten_thousand_files_are_refused_at_once(where, tmp_path):
    names = [f"{number}.dcm" for number in range(10_000)]
    if where == "folder":
        for name in names:
            (tmp_path / name).touch()
    source = {"folder": lambda: tmp_path, "zip": lambda: zipped(dict.fromkeys(names, b"x")),
              "list": lambda: [(name, b"x") for name in names]}[where]()  # fmt: skip
    began = time.process_time()
    with little_memory(60e6), pytest.raises(TooLargeError, match="files"):
        mriseg.read(source)
    assert time.process_time() - began < 5


def test_a_list_of_contents_without_end_is_not_read():
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(directory), 4, 0)
    content = b"PK\3\4" + directory + end
    with little_memory(5e6), pytest.raises(TooLargeError, match="lists more"):
        mriseg.read(content)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_archive_is_refused(share):
    content = zipped({"scan.nii": SCAN})
    assert "zip" in refusal(content[: int(share * len(content))])


def test_a_damaged_member_is_refused():
    content = bytearray(zipped({"scan.nii": SCAN}))
    content[len(content) // 2] ^= 0xFF
    assert refusal(bytes(content))


def test_an_encrypted_archive_is_told():
    content = bytearray(zipped({"scan.nii": SCAN}))
    content[content.index(b"PK\1\2") + 8] |= 1
    assert "password" in refusal(bytes(content))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_packing_is_told(method):
    assert "unusual" in refusal(zipped({"scan.nii": SCAN}, method))


def test_a_member_that_unpacks_to_more_than_it_says_is_not_unpacked():
    content = bytearray(zipped({"scan.nii": bytes(30_000_000)}))
    for place in (content.index(b"PK\3\4") + 22, content.index(b"PK\1\2") + 24):
        content[place : place + 4] = struct.pack("<L", 1000)
    with little_memory(3e6), pytest.raises(ReadError):
        mriseg.read(bytes(content))


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped({"x": content})], ids=("gz", "zip"))
def test_nothing_is_read_past_the_bound(pack):
    (file,) = files(pack(bytes(5_000_000)))
    with little_memory(2.5e6), pytest.raises(TooLargeError), file.open(1_000_000) as stream:
        stream.read()
    with pytest.raises(TooLargeError), file.open(1_000_000) as stream:
        stream.seek(0, io.SEEK_END)
    with pytest.raises(TooLargeError), file.open(1_000_000) as stream:
        stream.seek(4_000_000)


def test_a_bound_that_is_not_reached_changes_nothing():
    (file,) = files(gzip.compress(b"0123456789"))
    with file.open(10) as stream:
        assert stream.read() == b"0123456789"


def test_an_archive_in_an_archive_is_not_opened():
    assert "zip archive in another" in refusal(zipped({"inner.zip": zipped({"scan.nii": SCAN})}))


def test_most_unpacked_bounds_what_there_is():
    content = bytes(10_000_000)
    for source in (content, gzip.compress(content), zipped({"x": content}), zipped({"x": gzip.compress(content)})):
        (file,) = files(source)
        assert file.most_unpacked >= len(content)
    (file,) = files(content)
    assert file.most_unpacked == len(content)


def test_files_come_in_the_order_of_their_names_whatever_order_they_are_given_in():
    given = [(name, name.encode()) for name in ("b/1", "a", "c", "b/0", "a/z")]
    orders = (given, given[::-1], given[2:] + given[:2])
    names = [[(file.folder, file.name) for file in files(order)] for order in orders]
    assert names[0] == names[1] == names[2] == sorted(names[0])


def test_a_name_that_no_file_can_have_is_told():
    with pytest.raises(ReadError, match="no file of this name"):
        mriseg.read("scan\0.nii")


def test_files_that_are_a_bomb_each_are_not_all_unpacked(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_BYTES", 5_000_000)
    skip = "NRRD0004\ntype: float\ndimension: 3\nsizes: 20 20 20\nendian: little\nencoding: raw\nbyte skip: -1\n"
    heads = {f"{number}.nhdr": f"{skip}data file: x.raw\n\n".encode() for number in range(9)}
    found = contents(zipped(heads | {"x.raw": bytes(2_000_000)}))
    assert [item.refusal is None for item in found] == [True] * 2 + [False] * 8
    assert all("takes too long" in item.refusal for item in found[2:])
    assert found[0].load().data.shape == (20, 20, 20)  # loading one is not counted


def test_long_headers_count_for_what_parsing_them_takes(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_BYTES", limits.PARSED_COST * 12_000)
    headers = [(f"{number}.nrrd", b"NRRD0004\n" + b"a: b\n" * 1000) for number in range(5)]
    why = [item.refusal for item in contents([("1.nii", SCAN), *headers])]
    assert ["takes too long" in (reason or "") for reason in why] == [False, False, False, True, True, True]
