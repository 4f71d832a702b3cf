"""Which of several dropped files are listed."""

import io
from dataclasses import dataclass

import nibabel
import pytest
import streamlit as st

from mriseg import Contrast
from mriseg.app.uploads import forget, listing
from mriseg.phantom import simulate
from mriseg.samples import SAMPLES
from mriseg.write import encode_scan


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
    forget()
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
