import os
import socket

import pytest

import mriseg
from mriseg.core.errors import ReadError
from mriseg.io.folder import look_through
from mriseg.io.reader import contents
from mriseg.io.sources import files
from tests.io.test_sources import SCAN


@pytest.fixture
def study(tmp_path):
    """A folder with a scan, a link to another, and everything that is no file."""
    study = tmp_path / "study"
    (study / "b").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "object").write_bytes(SCAN)
    (study / "b" / "scan.nii").write_bytes(SCAN)
    (study / "a.nii").symlink_to(tmp_path / "store" / "object")
    (study / "round").symlink_to(study)
    (study / "b" / "elsewhere").symlink_to(tmp_path / "store")
    (study / "annexed.nii").symlink_to(tmp_path / "gone")
    os.mkfifo(study / "pipe.nii")
    (study / "b" / "linked_pipe").symlink_to(study / "pipe.nii")
    return study


LEFT_OUT = (
    "Left out of the folder: 2 links to folders (not followed; give the folder itself), 1 link that leads nowhere "
    "(fetch or copy the files that they stand for), 2 pipes (never opened)."
)


def test_files_and_links_to_files_are_read_and_all_else_is_counted(study):
    folder = look_through(study)
    assert [path.name for path in folder.files] == ["a.nii", "scan.nii"]
    assert folder.left_out == LEFT_OUT


def test_what_was_left_out_is_told_with_each_scan_and_without_where_it_leads(study):
    for entry in contents(study):
        assert entry.left_out == LEFT_OUT
        assert entry.load().notes[-1] == LEFT_OUT
    assert mriseg.read(str(study)).notes[-1] == LEFT_OUT
    for name in ("gone", "store", "elsewhere", "round", "pipe.nii"):
        assert name not in LEFT_OUT


def test_of_what_is_no_folder_and_of_plain_folders_nothing_is_left_out(study):
    assert contents(study / "b" / "scan.nii")[0].left_out == ""
    assert contents(SCAN)[0].left_out == ""
    for path in (study / "round", study / "annexed.nii", study / "pipe.nii", study / "b" / "elsewhere"):
        path.unlink()
    (study / "b" / "linked_pipe").unlink()
    assert look_through(study).left_out == ""
    assert mriseg.read(study).notes == mriseg.read(SCAN).notes


def test_a_folder_of_links_alone_is_refused_with_what_they_are(tmp_path):
    for number in range(3):
        (tmp_path / f"sub-{number}.nii").symlink_to(tmp_path / ".git" / "annex" / "objects" / str(number))
    with pytest.raises(ReadError, match=r"no file in it.* 3 links that lead nowhere \(fetch or copy the files"):
        contents(tmp_path)
    (tmp_path / "README.txt").write_text("Fetch what you need.")
    with pytest.raises(ReadError, match=r"not an image that can be read.* 3 links that lead nowhere"):
        contents(tmp_path)
    (tmp_path / "LICENSE").write_text("Free.")
    with pytest.raises(ReadError, match=r"None of the files is an image.* 3 links that lead nowhere"):
        contents(tmp_path)


def test_a_folder_within_that_may_not_be_read_is_counted_and_the_folder_itself_is_refused(study, monkeypatch):
    scandir = os.scandir

    def guarded(path):
        if str(path).endswith(closed):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", guarded)
    closed = "/b"
    assert "1 folder (may not be read; ask whoever owns it)" in look_through(study).left_out
    closed = "/study"
    with pytest.raises(ReadError, match="cannot be opened: Permission denied"):
        contents(study)


def test_a_socket_is_told_from_a_pipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket has 100 letters at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert look_through(tmp_path).left_out == "Left out of the folder: 1 socket (never opened)."


def test_what_became_a_pipe_since_it_was_looked_at_is_not_waited_for(tmp_path):
    path = tmp_path / "scan.nii"
    path.write_bytes(SCAN)
    (file,) = files(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ReadError, match="neither a file nor a folder"):
        file.start()


def test_results_of_an_earlier_run_are_no_scans_beside_one(tmp_path):
    """As when a folder was segmented with `--out` below itself: twice must give the same."""
    (tmp_path / "scan.nii").write_bytes(SCAN)
    results = tmp_path / "results"
    results.mkdir()
    for name in ("scan_dseg.nii.gz", "scan_label-GM_probseg.nii.gz", "scan_desc-brain_mask.nii.gz"):
        (results / name).write_bytes(SCAN)
    folder = look_through(tmp_path)
    assert [path.name for path in folder.files] == ["scan.nii"]
    assert folder.left_out == (
        "Left out of the folder: 3 maps of labels or probabilities (no scan; give the file itself)."
    )
    assert len(contents(tmp_path)) == 1


def test_a_folder_of_nothing_but_a_mask_holds_that_mask(tmp_path):
    (tmp_path / "scan_mask.nii").write_bytes(SCAN)
    folder = look_through(tmp_path)
    assert [path.name for path in folder.files] == ["scan_mask.nii"]
    assert folder.left_out == ""
