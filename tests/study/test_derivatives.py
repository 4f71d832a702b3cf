"""The folder of results: on what the files of a scan depend, and that they appear together or not at all."""

import json

import pytest

import mriseg
from mriseg import Settings
from mriseg.core.errors import WriteError
from mriseg.export import atomic_files
from mriseg.study import derivatives, fingerprint
from mriseg.study.bids import StudyScan
from mriseg.study.record import Record

DONE = Record("x", mask_confidence=0.9, verdict="Fine.")


@pytest.fixture
def scan(tmp_path) -> StudyScan:
    """A scan of a study, whatever it holds."""
    file = tmp_path / "in" / "sub-1_T1w.nii"
    file.parent.mkdir()
    file.write_bytes(b"one")
    return StudyScan(file, name="sub-1", folder="sub-1/anat", source="sub-1/anat/sub-1_T1w.nii", is_bids=True)


def finish(out, scan, identity, content=b"labels", record=DONE):
    staging = atomic_files.staging_name()
    atomic_files.write(out, f"{staging}/sub-1/anat/sub-1_dseg.nii.gz", content)
    files = {"sub-1/anat/sub-1_dseg.nii.gz": len(content)}
    derivatives.finish(out, scan, record, identity=identity, staging=staging, files=files)


def test_what_was_finished_is_found_again_for_the_same_bytes_settings_and_source(scan, tmp_path):
    identity = fingerprint.identity(scan, Settings())
    assert derivatives.cached_record(tmp_path, scan, identity) is None
    finish(tmp_path, scan, identity)
    found = derivatives.cached_record(tmp_path, scan, identity)
    assert (found.mask_confidence, found.verdict, found.path) == (0.9, "Fine.", str(scan.path))
    assert derivatives.is_done(tmp_path, scan)
    assert [(name, source) for name, source, _ in derivatives.records(tmp_path)] == [("sub-1", scan.source)]
    assert derivatives.cached_record(tmp_path, scan, fingerprint.identity(scan, Settings(margin=1.0))) is None
    scan.path.write_bytes(b"two")
    assert derivatives.cached_record(tmp_path, scan, fingerprint.identity(scan, Settings())) is None


@pytest.mark.parametrize("damage", ["cut short", "gone", "of another version", "not final"])
def test_what_is_not_whole_is_done_anew(scan, tmp_path, damage):
    identity = fingerprint.identity(scan, Settings())
    finish(tmp_path, scan, identity, record=Record("x", "Why not.", is_final=damage != "not final"))
    labels = tmp_path / "sub-1/anat/sub-1_dseg.nii.gz"
    if damage == "cut short":
        labels.write_bytes(b"lab")
    elif damage == "gone":
        labels.unlink()
    elif damage == "of another version":
        file = tmp_path / derivatives.RECORDS / "sub-1.json"
        stored = json.loads(file.read_bytes())
        stored["record"]["findings"] = ["Noise: It is noisy."]
        file.write_text(json.dumps(stored))
    assert derivatives.cached_record(tmp_path, scan, identity) is None


def test_a_scan_that_is_done_anew_leaves_nothing_of_the_earlier_run(scan, tmp_path):
    finish(tmp_path, scan, fingerprint.identity(scan, Settings()))
    staging = atomic_files.staging_name()
    failed = Record("x", "Why not.")
    derivatives.finish(tmp_path, scan, failed, identity={"source": scan.source}, staging=staging, files={})
    assert not (tmp_path / "sub-1/anat/sub-1_dseg.nii.gz").exists()
    assert not derivatives.is_done(tmp_path, scan)
    assert [record.failure for _, _, record in derivatives.records(tmp_path)] == ["Why not."]


def test_results_of_another_contrast_are_known_by_their_source(scan, tmp_path):
    finish(tmp_path, scan, fingerprint.identity(scan, Settings()))
    assert not derivatives.is_of_another(tmp_path, scan)
    zipped = StudyScan(scan.path, "sub-1", scan.folder, source="sub-1/anat/sub-1_T1w.nii.gz", is_bids=True)
    assert not derivatives.is_of_another(tmp_path, zipped)
    other = StudyScan(scan.path, "sub-1", scan.folder, source="sub-1/anat/sub-1_T2w.nii", is_bids=True)
    assert derivatives.is_of_another(tmp_path, other)


def test_the_folder_says_who_made_it_and_is_refused_to_others(scan, tmp_path):
    out, study = tmp_path / "out", scan.path.parent
    derivatives.describe(out, study, is_bids=True)
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["GeneratedBy"] == [{"Name": "mriseg", "Version": mriseg.__version__}]
    assert description["DatasetLinks"] == {"raw": "../in"}
    derivatives.check(out, study)
    (out / "dataset_description.json").write_text(json.dumps({"GeneratedBy": [{"Name": "other"}]}))
    with pytest.raises(WriteError, match="another dataset"):
        derivatives.check(out, study)
    with pytest.raises(WriteError, match="study itself"):
        derivatives.check(study, study)
