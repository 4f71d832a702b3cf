"""What tells one scan's bytes from another's."""

import os
import time

import pytest

import mriseg
from mriseg.study import fingerprint


@pytest.mark.parametrize(("header", "voxels"), [("x.hdr", "x.img"), ("x.nhdr", "other.raw.gz"), ("x.par", "x.REC")])
def test_voxels_in_a_file_of_their_own_count_too(tmp_path, header, voxels):
    for name in (header, voxels):
        (tmp_path / name).write_bytes(b"one")
    before = fingerprint.digest(tmp_path / header)
    assert fingerprint.digest(tmp_path / header) == before
    (tmp_path / "note.txt").write_bytes(b"of no interest")
    assert fingerprint.digest(tmp_path / header) == before
    (tmp_path / voxels).write_bytes(b"two")
    assert fingerprint.digest(tmp_path / header) != before


def test_names_in_a_folder_count_and_its_own_does_not(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / os.fsdecode(b"IM\xff")).write_bytes(b"slice")
    assert fingerprint.digest(tmp_path / "a") == fingerprint.digest(tmp_path / "b")
    (tmp_path / "b" / os.fsdecode(b"IM\xff")).rename(tmp_path / "b" / "IM")
    assert fingerprint.digest(tmp_path / "a") != fingerprint.digest(tmp_path / "b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders.")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "sub-01_T1w.nii")
    with pytest.raises(mriseg.MrisegError, match="neither"):
        fingerprint.digest(tmp_path / "sub-01_T1w.nii")


def test_a_file_too_large_to_be_read_is_known_by_size_time_and_ends_at_once(tmp_path):
    file = tmp_path / "x.nii"
    file.touch()
    os.truncate(file, 30_000_000_000)  # sparse
    began = time.process_time()
    before = fingerprint.digest(file)
    assert time.process_time() - began < 1
    assert fingerprint.digest(file) == before
    with file.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"x")
    os.utime(file, (0, 0))
    after = fingerprint.digest(file)
    os.utime(file, (1, 1))
    assert len({before, after, fingerprint.digest(file)}) == 3


def test_a_folder_of_more_files_than_are_read_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("mriseg.core.limits.MAX_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(mriseg.MrisegError, match="more than 3 files"):
        fingerprint.digest(tmp_path)
