"""Files that appear whole or not at all."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from mriseg.core.errors import WriteError
from mriseg.export import atomic_files
from tests.patience import PATIENCE


def test_a_file_is_replaced_and_nothing_stays_beside_it(tmp_path):
    for content in (b"old", b"new"):
        atomic_files.replace(tmp_path, "a/b.txt", content)
        assert (tmp_path / "a/b.txt").read_bytes() == content
    atomic_files.clear(tmp_path)
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_file()) == ["b.txt"]


def test_what_cannot_be_written_leaves_the_old_and_no_rest(tmp_path, monkeypatch):
    atomic_files.replace(tmp_path, "a", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(WriteError, match="No space left"), atomic_files.translate_os_errors():
            atomic_files.replace(tmp_path, "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert list((tmp_path / atomic_files.FOLDER).iterdir()) == []


def left_by(process: int, begin: str = f"{atomic_files.FOLDER}/") -> str:
    """Where a process of this machine writes what is unfinished."""
    return atomic_files.staging_name(begin).replace(f"-{os.getpid()}-", f"-{process}-")


@pytest.fixture
def ended() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("begin", [f"{atomic_files.FOLDER}/", atomic_files.BESIDE])
def test_what_a_program_left_that_ended_is_removed_and_that_of_others_is_not(tmp_path, ended, begin):
    left, mine = left_by(ended, begin), atomic_files.staging_name(begin)
    elsewhere, old = f"{begin}another.machine-{ended}-0", f"{begin}another.machine-1-1"
    not_ours = [f"{begin}backup", f"{begin}a-b-c"]
    for name in (left, mine, elsewhere, old, *not_ours):
        atomic_files.write(tmp_path, f"{name}/sub-01/file", b"half")
    long_ago = 0
    for name in (old, *not_ours):
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / "results.txt").write_text("no rest")
    atomic_files.clear(tmp_path, begin)
    assert not (tmp_path / left).exists()
    assert not (tmp_path / old).exists()
    assert all((tmp_path / name / "sub-01/file").exists() for name in (mine, elsewhere, *not_ours))
    assert (tmp_path / "results.txt").exists()


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid() != 0, reason="only root gives files away")
def test_what_another_user_left_is_left(tmp_path, ended):
    name = left_by(ended, atomic_files.BESIDE)
    atomic_files.write(tmp_path, f"{name}/file", b"half")
    os.chown(tmp_path / name, 12345, 12345)
    atomic_files.clear(tmp_path, atomic_files.BESIDE)
    assert (tmp_path / name).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody says in a file how a process is")
def test_a_program_that_was_killed_has_ended_though_nobody_asked_how(tmp_path):
    """In a container whose first process asks nobody, the workers of a killed run stay so for good."""
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    left = left_by(killed.pid)
    atomic_files.write(tmp_path, f"{left}/file", b"half")
    atomic_files.clear(tmp_path)
    assert (tmp_path / left).exists()
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # it is over, and not asked
    os.kill(killed.pid, 0)
    atomic_files.clear(tmp_path)
    assert not (tmp_path / left).exists()
    killed.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="containers of their own numbers of processes are Linux's")
def test_a_container_of_the_same_name_has_numbers_of_its_own(tmp_path, ended, monkeypatch):
    """There a number that no process has here may be that of a run at work."""
    monkeypatch.setattr(os, "getpid", lambda: ended)
    here = atomic_files.staging_name()
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[1]")
    there = atomic_files.staging_name()
    for name in (here, there):
        atomic_files.write(tmp_path, f"{name}/file", b"half")
    monkeypatch.undo()
    atomic_files.clear(tmp_path)
    assert list((tmp_path / atomic_files.FOLDER).iterdir()) == [tmp_path / there]


def test_two_names_are_never_one():
    assert len({atomic_files.staging_name() for _ in range(100)}) == 100


def test_a_machine_may_be_called_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "node-7/../x y")
    name = atomic_files.staging_name()
    assert (tmp_path / name).parent == tmp_path / atomic_files.FOLDER
    atomic_files.write(tmp_path, name, b"")
    atomic_files.clear(tmp_path)
    assert (tmp_path / name).exists()  # its program, this one, still runs


@pytest.mark.slow
def test_a_lock_holds_until_it_is_left(tmp_path):
    code = (
        "import sys; from pathlib import Path; from mriseg.export import atomic_files\n"
        "with atomic_files.locked(Path(sys.argv[1]), 'sub-1'): print('in')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with atomic_files.locked(tmp_path, "sub-1"):
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(4)
    assert other.communicate(timeout=PATIENCE)[0] == "in\n"
