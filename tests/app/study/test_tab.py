"""Several scans on the page, without a browser."""

import gc
import io
import threading
import time
import weakref
import zipfile
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from mriseg import Contrast, read, segment
from mriseg.app import texts
from mriseg.app.study import queue as study_queue
from mriseg.app.study.queue import MOST_SCANS, State, Study
from mriseg.app.study.tab import _dropped, study_table, zipped
from mriseg.core.errors import MrisegError
from mriseg.core.faults import TOO_LITTLE_MEMORY, UNFORESEEN
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from mriseg.export.writer import outputs
from mriseg.study import attempt
from tests.dicom_files import brainlike, series
from tests.patience import PATIENCE

ENTRY = str(Path(__file__).parents[3] / "streamlit_app.py")
BROKEN = b"these words are no scan"


@pytest.fixture(scope="module")
def head_file(coarse) -> bytes:
    return encode_scan(simulate(coarse, Contrast.T1))


@pytest.fixture(scope="module")
def slice_file() -> bytes:
    return encode_scan(SAMPLES["slice-t2"].make()[0])


@pytest.fixture(scope="module")
def done(head_file, slice_file) -> Study:
    """A head, a file that is none, and a picture, all segmented."""
    study = Study()
    study.add([("Doe_Jane.nii.gz", head_file), ("Doe_John.nii.gz", BROKEN), ("Doe_Jim.png", slice_file)])
    study.start()
    until(lambda: not study.is_running)
    return study


def until(is_so) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def members(study: Study) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(zipped(study))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_scans_are_numbered_in_the_order_of_upload_and_a_broken_one_stops_nothing(done):
    assert [upload.name for upload in done.uploads] == ["sub-01", "sub-02", "sub-03"]
    assert [upload.state for upload in done.uploads] == [State.DONE, State.FAILED, State.DONE]
    assert "its content is not of that kind" in done.uploads[1].record.failure


def test_figures_and_labels_are_those_of_the_engine(done, head_file, slice_file):
    files = members(done)
    for upload, content in ((done.uploads[0], head_file), (done.uploads[2], slice_file)):
        scan = read(content)
        result = segment(scan)
        assert upload.record.volumes_ml == result.volumes_ml
        assert upload.record.fractions == result.fractions
        for suffix, made in outputs(scan, result).items():
            if not suffix.endswith("stats.json"):  # which says how long it took
                assert files[f"{upload.name}/anat/{upload.name}{suffix}"] == made()


def test_the_zip_has_table_report_and_pictures_and_no_name_of_a_file(done):
    files = members(done)
    assert {"tissue_volumes.tsv", "tissue_volumes.json", "group_report.html", "uploads.tsv"} < files.keys()
    assert files["sub-01/figures/sub-01_desc-tissues_mosaic.jpg"].startswith(b"\xff\xd8")
    lines = files["uploads.tsv"].decode().splitlines()
    assert lines[1:] == ["sub-01\t1\t50 x 59 x 51", "sub-02\t2\tn/a", "sub-03\t3\t233 x 197"]
    assert len(files["tissue_volumes.tsv"].decode().splitlines()) == 4
    assert not any("Doe_J" in name or b"Doe_J" in content for name, content in files.items())
    assert "Doe_J" not in study_table(done)


def test_the_table_shows_volumes_of_volumes_and_shares_of_pictures(done):
    shown = study_table(done)
    tissue, volume = next(iter(done.uploads[0].record.volumes_ml.items()))
    assert f"<td>{volume:.0f} mL<small>{done.uploads[0].record.fractions[tissue]:.1%}</small></td>" in shown
    assert f"<td>{done.uploads[2].record.fractions[tissue]:.1%}<small>{texts.STUDY_NO_VOLUME}" in shown
    assert shown.count("<img ") == 2
    assert done.uploads[1].record.failure in shown


def test_of_a_finished_scan_neither_upload_nor_volume_is_kept(done):
    assert all(upload.load is None for upload in done.uploads)
    assert not any(isinstance(value, np.ndarray) for upload in done.uploads for value in vars(upload).values())


def test_loose_dicom_files_are_a_scan_for_each_series_and_other_files_one_each(slice_file):
    first, second = series(brainlike((32, 40, 12))), series(brainlike((40, 32, 10)))
    study = Study()
    study.add([("a.png", slice_file), *first, ("b.png", slice_file), *second])
    shapes = [upload.load()[0].data.shape for upload in study.uploads]
    assert [len(shape) for shape in shapes] == [2, 3, 3, 2]
    assert {min(shape) for shape in shapes[1:3]} == {12, 10}


def test_no_more_than_a_handful_is_taken(slice_file):
    study = Study()
    study.add([("scan.png", slice_file)] * (MOST_SCANS + 3))
    assert len(study.uploads) == MOST_SCANS
    assert study.notes == [texts.STUDY_TOO_MANY.format(MOST_SCANS)]


def test_what_waits_is_bounded(slice_file, monkeypatch):
    monkeypatch.setattr(study_queue, "MOST_WAITING_BYTES", 2 * len(slice_file))
    study = Study()
    study.add([("scan.png", slice_file)] * 3)
    assert len(study.uploads) == 2
    assert len(study.notes) == 1


@pytest.mark.parametrize("limit", ["MOST_KEPT_BYTES", "MOST_KEPT_BYTES_OF_ALL"])
@pytest.mark.parametrize("has_some", [True, False])
def test_past_the_room_probabilities_and_then_all_files_are_left_out(done, slice_file, monkeypatch, limit, has_some):
    full = done.uploads[2]
    size = {suffix: len(content) for suffix, content in full.files.items()}
    without = full.kept_bytes - sum(length for suffix, length in size.items() if "probseg" in suffix)
    others = done.kept_bytes if limit.endswith("ALL") else 0
    monkeypatch.setattr(study_queue, limit, others + (without + 1000 if has_some else 1000))
    study = Study()
    study.add([("scan.png", slice_file)])
    study.start()
    until(lambda: not study.is_running)
    (upload,) = study.uploads
    assert (upload.state, upload.is_complete) == (State.DONE, False)
    assert upload.files.keys() == ({suffix for suffix in size if "probseg" not in suffix} if has_some else set())
    assert upload.record.fractions == full.record.fractions
    assert "sub-01" in members(study)["tissue_volumes.tsv"].decode()


def test_a_stopped_scan_waits_again_and_is_done_when_the_study_goes_on(slice_file, monkeypatch):
    entered, leave, runs = threading.Event(), threading.Event(), []

    def slow(scan, settings, mask, progress, channels):
        runs.append(scan)
        entered.set()
        assert leave.wait(PATIENCE)
        progress("fit")
        return segment(scan, settings)

    monkeypatch.setattr(attempt, "segment", slow)
    study = Study()
    study.add([("scan.png", slice_file)])
    study.start()
    study.start()  # a second time is once
    assert entered.wait(PATIENCE)
    study.stop()
    assert study.is_stopping
    leave.set()
    until(lambda: not study.is_running)
    assert study.uploads[0].state is State.WAITING
    study.start()
    until(lambda: not study.is_running)
    assert study.uploads[0].state is State.DONE
    assert len(runs) == 2


def test_with_its_visitor_a_study_is_gone_and_its_work_ends(slice_file, monkeypatch):
    entered, leave, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(scan, settings, mask, progress, channels):
        entered.set()
        assert leave.wait(PATIENCE)
        try:
            progress("fit")
        finally:
            ended.set()

    monkeypatch.setattr(attempt, "segment", slow)
    study = Study()
    study.add([("scan.png", slice_file)] * 2)
    study.start()
    assert entered.wait(PATIENCE)
    gone = weakref.ref(study)
    del study
    gc.collect()
    assert gone() is None
    leave.set()
    assert ended.wait(PATIENCE)
    with pytest.raises(MrisegError, match="no longer kept"):
        zipped(gone())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), TOO_LITTLE_MEMORY),
        (KeyError("Doe"), UNFORESEEN.format("KeyError")),
        (MrisegError("No."), "No."),
    ],
)
def test_whatever_goes_wrong_becomes_a_sentence_and_the_next_scan_is_done(slice_file, monkeypatch, error, words):
    calls = []

    def first_fails(scan, settings, mask, progress, channels):
        calls.append(scan)
        if len(calls) == 1:
            raise error
        return segment(scan, settings)

    monkeypatch.setattr(attempt, "segment", first_fails)
    study = Study()
    study.add([("scan.png", slice_file)] * 2)
    study.start()
    until(lambda: not study.is_running)
    assert study.uploads[0].record.failure == words
    assert study.uploads[1].state is State.DONE


@pytest.fixture
def page() -> AppTest:
    """The page with the study open."""
    page = AppTest.from_file(ENTRY, default_timeout=PATIENCE).run()
    page.session_state["more"] = "Study"
    return page.run()


def box(page: AppTest, label: str = texts.STUDY_UPLOAD):
    return next(box for box in page.file_uploader if box.label == label)


def button(page: AppTest, label: str):
    return next(button for button in page.main.button if button.label == label)


def test_a_study_is_dropped_started_and_finished_while_the_page_is_used(page, slice_file):
    box(page).set_value([("Doe.png", slice_file, ""), ("Roe.nii", BROKEN, "")]).run()
    study = page.session_state["study"]
    assert study.count(State.WAITING) == 2
    assert not box(page).value  # the box is empty again: what was dropped belongs to the study
    button(page, "Start").click().run()
    page.sidebar.slider(key="margin").set_value(-1.0).run()  # a control moves meanwhile
    until(lambda: not study.is_running)
    page.run()
    assert page.session_state["study"] is study
    assert not page.exception
    assert [upload.state for upload in study.uploads] == [State.DONE, State.FAILED]
    assert button(page, "Continue").disabled
    shown = "".join(element.proto.body for element in page.get("html"))
    assert study.uploads[0].record.verdict in shown
    button(page, "Clear").click().run()
    assert not page.session_state["study"].uploads
    assert not page.exception


def test_a_box_that_was_replaced_adds_nothing_more(page, slice_file):
    first = box(page)
    first.set_value([("Doe.png", slice_file, "")]).run()
    assert box(page).id != first.id
    # The browser may tell of it once more, when Streamlit no longer has the file.
    st.session_state.update({"study box": 1, first.key: [DeletedFile("gone")]})
    try:
        _dropped(first.key)
        assert "study" not in st.session_state
    finally:
        st.session_state.clear()


def test_a_study_stays_when_the_scan_above_it_cannot_be_segmented(page, slice_file):
    box(page).set_value([("Doe.png", slice_file, "")]).run()
    box(page, texts.UPLOAD).set_value(("scan.nii.gz", BROKEN, "")).run()
    assert page.error
    assert page.session_state["study"].count(State.WAITING) == 1
    assert "sub-01" in "".join(element.proto.body for element in page.get("html"))
