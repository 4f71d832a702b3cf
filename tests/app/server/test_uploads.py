"""Which of several dropped files are listed."""

import io
from dataclasses import dataclass

import nibabel
import pytest
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from mriseg import Contrast
from mriseg.app.server import uploads
from mriseg.app.server.uploads import content, forget, listing
from mriseg.core.errors import MrisegError
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan


@dataclass(frozen=True)
class Dropped:
    """A file as Streamlit hands it over."""

    file_id: str
    name: str
    content: bytes

    def getvalue(self) -> bytes:
        return self.content


@pytest.fixture(autouse=True)
def _forget():
    yield
    st.session_state.clear()


@pytest.fixture(scope="module")
def good() -> list[Dropped]:
    return [Dropped(name, f"{name}.png", encode_scan(SAMPLES[name].make()[0])) for name in ("slice-t1", "slice-t2")]


def test_a_wrong_file_after_others_is_refused_and_no_other_takes_its_place(good):
    wrong = Dropped("wrong", "notes.txt", b"these words are no scan")
    found = listing("box", [wrong], [*good, wrong])
    assert not found.items
    assert found.error


def test_the_other_half_of_a_scan_is_put_to_the_first(coarse):
    scan = simulate(coarse, Contrast.T1)
    pair = nibabel.Nifti1Pair(scan.data, scan.affine)
    halves = [io.BytesIO(), io.BytesIO()]
    pair.file_map["header"].fileobj, pair.file_map["image"].fileobj = halves
    pair.to_file_map()
    header, image = (
        Dropped(name, f"t1.{name}", half.getvalue()) for name, half in zip(("hdr", "img"), halves, strict=True)
    )
    assert listing("box", [header], [header]).error
    assert len(listing("box", [image], [header, image]).items) == 1


def test_a_scan_after_others_is_listed_alone(good):
    first, second = good
    assert len(listing("box", [second], [first, second]).items) == 1
    assert len(listing("box", [first, second], [first, second]).items) == 2


def test_more_than_the_server_can_hold_of_one_is_refused(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_TAKEN_BYTES", 1000)
    st.session_state.clear()
    files = [UploadedFile(UploadedFileRec(f"id {n}", "a.nii", "", bytes(600)), None) for n in (1, 2)]
    found = uploads.listing("box", files, files)
    assert "take them away" in found.error.lower()
    assert uploads.listing("box", files, files) is found
    st.session_state.clear()


def test_a_lone_file_is_held_until_another_comes_or_it_is_taken_away(monkeypatch):
    asked = []
    monkeypatch.setattr(uploads, "take_upload", lambda file: asked.append(file) or file.getvalue())
    first, second = Dropped("1", "a.nii", b"first"), Dropped("2", "b.nii", b"second")
    assert [content("mask", file) for file in (first, first, second, second)] == [b"first"] * 2 + [b"second"] * 2
    assert asked == [first, second]
    assert uploads.taken_bytes() == len(b"second")
    assert content("mask", None) is None
    assert uploads.taken_bytes() == 0


def test_a_lone_file_that_is_too_much_is_refused_as_long_as_it_stands_there(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_TAKEN_BYTES", 1000)
    file = Dropped("1", "a.nii", bytes(1200))
    for _ in range(2):
        with pytest.raises(MrisegError, match=r"(?i)take them away"):
            content("mask", file)
    assert uploads.taken_bytes() == 0
    assert content("mask", Dropped("2", "b.nii", bytes(900))) == bytes(900)


def test_one_box_is_let_go_of_and_the_others_stay(good):
    listing("scan", good, good)
    content("mask", Dropped("1", "a.nii", b"mask"))
    forget("scan")
    assert uploads.taken_bytes() == len(b"mask")


def test_beside_what_others_dropped_the_server_has_room_for_so_much(monkeypatch, good):
    """A picture is always taken, so that a server full of heads still shows one."""
    others = {"box": {"theirs": ("b.nii", bytes(500_000))}}
    monkeypatch.setattr(uploads, "held_by_others", lambda key: [others])
    monkeypatch.setattr(uploads, "MOST_TAKEN_BYTES_OF_ALL", 1_000_000)
    monkeypatch.setattr(uploads, "LITTLE_BYTES", 300_000)
    for size, fits in ((300_000, True), (400_000, True), (600_000, False)):
        files = [Dropped(f"{size}", "a.nii", bytes(size))]
        assert (listing("box", files, files).error == uploads.texts.NO_ROOM) is not fits
    others["box"]["theirs"] = ("b.nii", bytes(2_000_000))
    files = [Dropped("little", good[0].name, good[0].content)]
    assert listing("box", files, files).items
    others.clear()  # they leave
    again = [Dropped("again", "a.nii", bytes(600_000))]
    assert listing("box", again, again).error != uploads.texts.NO_ROOM
