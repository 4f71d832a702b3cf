"""Files below a folder of results, from which no name and no link leads out."""

import os
from pathlib import Path

import pytest

from mriseg.core.errors import TakenError
from mriseg.export import confined

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows makes no links without a right to")


@pytest.fixture(params=[True, False], ids=["descriptors", "paths"])
def root(request, tmp_path, monkeypatch) -> Path:
    """A folder of results with a link out of it, on a system with descriptors of folders and on one without."""
    monkeypatch.setattr(confined, "HAS_DESCRIPTORS", request.param)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"outside")
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a/file").write_bytes(b"inside")
    (out / "link").symlink_to("../outside")
    (out / "a/link").symlink_to("../../outside/file")
    return out


def make(root: Path, name: str) -> None:
    os.close(confined.create(root, name))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/..", "../outside/file", "/etc/passwd", "a//file", "a/./file", "a\0b"]
)
def test_a_name_that_could_lead_out_is_refused(root, name):
    for act in (make, confined.remove, confined.status, confined.check_folder):
        with pytest.raises(TakenError, match="leads out"):
            act(root, name)


def test_no_folder_is_entered_through_a_link(root):
    for act in (
        make,
        confined.remove,
        confined.status,
        confined.names,
        lambda root, name: confined.read(root, name, 100),
        lambda root, name: confined.move(root, name, "b"),
        lambda root, name: confined.move(root, "a/file", name),
    ):
        with pytest.raises(TakenError, match="link in the folder of results is a link"):
            act(root, "link/file")
    confined.remove_tree(root, "link/file")
    assert (root.parent / "outside/file").read_bytes() == b"outside"
    assert [path.name for path in (root.parent / "outside").iterdir()] == ["file"]


def test_a_link_is_neither_read_nor_written_through_but_replaced_and_removed_itself(root):
    with pytest.raises(OSError, match="ordinary"):
        confined.read(root, "a/link", 100)
    with pytest.raises(FileExistsError):
        make(root, "a/link")
    with pytest.raises(TakenError, match="no ordinary file"):
        confined.open_to_lock(root, "a/link")
    confined.move(root, "a/file", "a/link")
    assert (root / "a/link").read_bytes() == b"inside"
    confined.remove(root, "link")
    assert not (root / "link").is_symlink()
    assert (root.parent / "outside/file").read_bytes() == b"outside"


def test_only_ordinary_files_within_bounds_are_read(root):
    assert confined.read(root, "a/file", 6) == b"inside"
    os.mkfifo(root / "pipe")
    for name, most in (("a/file", 5), ("pipe", 100), ("a", 100)):
        with pytest.raises(OSError, match="ordinary"):
            confined.read(root, name, most)


def test_a_tree_is_removed_without_what_its_links_point_to(root):
    deep = root / "a" / "/".join("d" * 50)
    deep.mkdir(parents=True)
    (deep / "link").symlink_to(root.parent / "outside")
    confined.remove_tree(root, "a")
    assert confined.names(root) == ["link"]
    assert (root.parent / "outside/file").read_bytes() == b"outside"


def test_a_folder_that_is_exchanged_for_a_link_meanwhile_leads_nowhere(root, monkeypatch):
    """Between two steps of the way somebody else may act."""
    if not confined.HAS_DESCRIPTORS:
        pytest.skip("without descriptors that is not seen")
    whole = os.open

    def exchanging(path, flags, *rest, **others):
        if path == "file":
            os.rename(root / "a", root / "b")
            (root / "a").symlink_to(root.parent / "outside")
        return whole(path, flags, *rest, **others)

    (root / "a/file").unlink()
    monkeypatch.setattr(os, "open", exchanging)
    make(root, "a/file")
    assert (root / "b/file").read_bytes() == b""
    assert (root.parent / "outside/file").read_bytes() == b"outside"


def test_a_lock_keeps_its_content(root):
    descriptor = confined.open_to_lock(root, "a/file")
    os.close(descriptor)
    assert (root / "a/file").read_bytes() == b"inside"
