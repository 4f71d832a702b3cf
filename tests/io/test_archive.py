"""Zip archives: what becomes a file of a source, and what does not."""

import io
import zipfile

import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.archive import is_litter, unzipped
from mriseg.io.file import File


def archive(members: dict[str, bytes], **options: object) -> File:
    """A zip archive in memory."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    content = stream.getvalue()
    return File("scans.zip", len(content), lambda: io.BytesIO(content))


def read(file: File) -> bytes:
    with file.open() as stream:
        return stream.read()


def test_each_member_is_a_file_in_its_folder_in_the_order_of_the_names():
    files = unzipped(archive({"b/2.dcm": b"two", "b/1.dcm": b"one", "a.nii": b"scan"}))
    assert [(file.folder, file.name, read(file)) for file in files] == [
        ((), "a.nii", b"scan"),
        (("b",), "1.dcm", b"one"),
        (("b",), "2.dcm", b"two"),
    ]


@pytest.mark.parametrize("litter", ["._t1.nii", ".DS_Store", "__MACOSX/._t1.nii", "sub/._t1.nii", "sub/Thumbs.db"])
def test_what_operating_systems_leave_is_no_file_wherever_it_lies(litter):
    files = unzipped(archive({litter: b"resource fork", "t1.nii": b"scan"}))
    assert [file.name for file in files] == ["t1.nii"]


@pytest.mark.parametrize("name", ["t1.nii", "_t1.nii", ".hidden.nii", "desktop.init"])
def test_what_only_looks_like_litter_is_kept(name):
    assert not is_litter(name)


def test_a_path_leads_nowhere():
    (file,) = unzipped(archive({"../../etc/passwd": b"content"}))
    assert (file.folder, file.name) == (("..", "..", "etc"), "passwd")  # a name that is never opened
    assert read(file) == b"content"


def test_what_is_no_archive_is_the_file_itself():
    file = File("t1.nii", 4, lambda: io.BytesIO(b"scan"))
    assert unzipped(file) == [file]


def test_a_damaged_archive_is_told():
    content = read(archive({"a": b"content" * 100}))[:-10]
    with pytest.raises(ReadError, match="damaged or of an unusual kind"):
        unzipped(File("a.zip", len(content), lambda: io.BytesIO(content)))


def test_a_packing_whose_memory_nobody_knows_is_refused():
    with pytest.raises(ReadError, match="packed in an unusual way"):
        unzipped(archive({"a": b"content"}, compression=zipfile.ZIP_LZMA))


def test_an_archive_of_too_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILES", 3)
    assert len(unzipped(archive(dict.fromkeys("abc", b"x")))) == 3
    with pytest.raises(TooLargeError, match="more than 3 files"):
        unzipped(archive(dict.fromkeys("abcd", b"x")))
