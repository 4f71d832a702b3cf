"""Which of several dropped files are listed."""

import io
import weakref
from contextlib import suppress
from dataclasses import dataclass

import nibabel
import pytest
import streamlit as st

from mriseg import Contrast
from mriseg.app.server import budget, uploads
from mriseg.app.server.arrivals import Arrivals, UploadRefusedError
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


@pytest.fixture
def arriving(monkeypatch) -> Arrivals:
    """Where 1000 bytes of one visitor are held."""
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    monkeypatch.setattr(budget, "VISITOR_UPLOAD_BYTES", 1000)
    arrivals = Arrivals()
    monkeypatch.setattr(uploads, "arrivals", arrivals)
    return arrivals


def sent(arrivals: Arrivals, *sizes: int) -> list[Dropped]:
    """Files that were sent together, of so many bytes each; Streamlit has empty ones."""
    names = [f"{size} of {len(sizes)}" for size in sizes]
    arrivals.expect("", names)
    for name, size in zip(names, sizes, strict=True):
        with suppress(UploadRefusedError):
            arrivals.keep("", name, bytes(size))
    return [Dropped(name, "a.nii", b"") for name in names]


def test_more_than_the_server_can_hold_of_one_is_refused_and_nothing_of_it_held(arriving):
    files = sent(arriving, 600, 601)
    refused = uploads.listing("box", files, files)
    assert "take them away" in refused.error.lower()
    assert uploads.listing("box", files, files) is refused
    assert budget.uploaded() == 0


def test_what_arrived_is_taken_over_and_counted_once(arriving):
    (file,) = sent(arriving, 900)
    assert content("mask", file) == bytes(900)
    assert arriving.content("", file.file_id) is None
    assert budget.uploaded("") == 900
    assert content("mask", None) is None
    assert budget.uploaded() == 0


def test_a_lone_file_is_held_until_another_comes_or_it_is_taken_away(monkeypatch):
    asked = []
    monkeypatch.setattr(uploads, "read_upload", lambda file: asked.append(file) or file.getvalue())
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    first, second = Dropped("1", "a.nii", b"first"), Dropped("2", "b.nii", b"second")
    assert [content("mask", file) for file in (first, first, second, second)] == [b"first"] * 2 + [b"second"] * 2
    assert asked == [first, second]
    assert budget.uploaded() == len(b"second")
    assert content("mask", None) is None
    assert budget.uploaded() == 0


def test_a_lone_file_that_is_too_much_is_refused_as_long_as_it_stands_there(arriving):
    (file,) = sent(arriving, 1200)
    for _ in range(2):
        with pytest.raises(MrisegError, match=r"(?i)take them away"):
            content("mask", file)
    assert budget.uploaded() == 0
    (another,) = sent(arriving, 900)
    assert content("mask", another) == bytes(900)


def test_one_box_is_let_go_of_and_the_others_stay(good, monkeypatch):
    monkeypatch.setattr(budget, "_holders", weakref.WeakSet())
    listing("scan", good, good)
    content("mask", Dropped("1", "a.nii", b"mask"))
    forget("scan")
    assert budget.uploaded() == len(b"mask")
