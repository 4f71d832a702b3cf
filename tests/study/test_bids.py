"""Which scans a study holds."""

import os
from pathlib import Path

import pytest

from mriseg import MrisegError
from mriseg.study.bids import find, is_bids

BIDS = (
    "sub-01/anat/sub-01_T1w.nii.gz",
    "sub-01/anat/sub-01_T2w.nii.gz",
    "sub-01/anat/sub-01_T1w.json",
    "sub-01/func/sub-01_task-rest_bold.nii.gz",
    "sub-02/ses-a/anat/sub-02_ses-a_acq-hr_run-1_T1w.nii",
    "sub-02/ses-a/anat/sub-02_ses-a_part-phase_T1w.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_T1w.nii.gz",
    "sub-02/ses-b/anat/sub-03_ses-b_T1w.nii.gz",  # of somebody else
    "sub-02/ses-b/anat/sub-02_ses-a_T1w.nii.gz",  # of another visit
    "sub-02/ses-b/anat/sub-02_ses-b_T1w_copy.nii.gz",
    "sub-02/ses-b/anat/sub-02_ses-b_desc-preproc_T1w.nii.gz",
    "sub-x y/anat/sub-x y_T1w.nii.gz",
    "derivatives/other/sub-01/anat/sub-01_T1w.nii.gz",
    "sourcedata/sub-01/anat/sub-01_T1w.nii.gz",
    "code/sub-01_T1w.nii.gz",
)
PLAIN = (
    "a.nii.gz",
    "b.hdr",
    "b.img",
    "c.txt",
    "notes.json",
    ".DS_Store",
    "._a.nii.gz",
    "dicom/one/IM0001",
    "dicom/one/IM0002",
    "more/head-1.mgz",
    "more/head_1.mgz",
    "more/readme.md",
    "empty/readme.md",
)


def filled(folder: Path, names) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_a_dataset_is_read_by_the_names_of_bids(tmp_path):
    study = filled(tmp_path, BIDS)
    assert is_bids(study)
    found = {scan.name: scan for scan in find(study)}
    assert set(found) == {"sub-01", "sub-02_ses-a_acq-hr_run-1", "sub-02_ses-b"}
    scan = found["sub-02_ses-a_acq-hr_run-1"]
    assert (scan.participant, scan.session) == ("sub-02", "ses-a")
    assert scan.folder == "sub-02/ses-a/anat"
    assert scan.source == BIDS[4]
    assert scan.path == study / BIDS[4]
    assert found["sub-01"].session is None


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"suffix": "T2w"}, {"sub-01"}),
        ({"participants": ["01"]}, {"sub-01"}),
        ({"participants": ["sub-02"]}, {"sub-02_ses-a_acq-hr_run-1", "sub-02_ses-b"}),
        ({"sessions": ["b"]}, {"sub-02_ses-b"}),
        ({"participants": ["02"], "sessions": ["ses-a"]}, {"sub-02_ses-a_acq-hr_run-1"}),
    ],
)
def test_participants_and_sessions_are_chosen(tmp_path, options, names):
    assert {scan.name for scan in find(filled(tmp_path, BIDS), **options)} == names


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"participants": ["01", "77"]}, "sub-77"),
        ({"sessions": ["c"]}, "ses-c"),
        ({"suffix": "FLAIR"}, "no scan in it"),
        ({"participants": ["01"], "sessions": ["a"]}, "sub-01"),
        ({"participants": ["02"], "suffix": "T2w"}, "sub-02"),
    ],
)
def test_what_is_asked_for_and_not_there_is_said(tmp_path, options, says):
    with pytest.raises(MrisegError, match=says):
        find(filled(tmp_path, BIDS), **options)


def test_of_a_plain_folder_every_scan_is_taken_once(tmp_path):
    study = filled(tmp_path, PLAIN)
    assert not is_bids(study)
    found = find(study)
    assert [scan.source for scan in found] == ["a.nii.gz", "b.hdr", "dicom", "more/head-1.mgz", "more/head_1.mgz"]
    names = [scan.name for scan in found]
    assert names[:3] == ["sub-a", "sub-b", "sub-dicom"]
    # Names that differ in signs only are told apart, and stay what they are when others come.
    assert len(set(names)) == 5
    assert all(name.startswith("sub-morehead1") for name in names[3:])
    filled(study, ["0.nii"])
    assert {scan.name for scan in find(study)} == {*names, "sub-0"}


def test_loose_dicom_files_are_one_scan(tmp_path):
    study = filled(tmp_path / "head", ["IM1", "IM2.dcm"])
    (scan,) = find(study)
    assert scan.path == study
    assert scan.name == "sub-head"


def test_results_within_the_study_are_no_scans(tmp_path):
    study = filled(tmp_path, ["a.nii", "results/sub-a/anat/sub-a_dseg.nii.gz"])
    assert [scan.name for scan in find(study, leave_out=study / "results")] == ["sub-a"]


def test_participants_of_a_plain_folder_are_chosen_by_the_names_they_get(tmp_path):
    study = filled(tmp_path, PLAIN)
    assert [scan.name for scan in find(study, participants=["b"])] == ["sub-b"]
    with pytest.raises(MrisegError, match="sessions"):
        find(study, sessions=["1"])


@pytest.mark.parametrize("name", ["absent", "file.nii"])
def test_what_is_no_folder_is_no_study(tmp_path, name):
    filled(tmp_path, ["file.nii"])
    with pytest.raises(MrisegError, match="no such folder"):
        find(tmp_path / name)


def test_a_participant_without_such_a_scan_keeps_nobody_else_from_theirs(tmp_path):
    """As in a list of all participants that a job is made of."""
    study = filled(tmp_path, [*BIDS, "sub-04/func/sub-04_task-rest_bold.nii.gz"])
    assert [scan.name for scan in find(study, participants=["01", "04"])] == ["sub-01"]


def test_results_are_never_scans_wherever_they_lie(tmp_path):
    study = filled(tmp_path, ["a.nii", "more/b.nii", "more/results/sub-a/anat/sub-a_dseg.nii.gz", "more/.trash/c.nii"])
    filled(study, ["more/results/.mriseg/records/sub-a.json"])
    assert [scan.source for scan in find(study)] == ["a.nii", "more/b.nii"]


@pytest.mark.parametrize(
    "twins",
    [
        ("sub-01/anat/sub-01_T1w.nii", "sub-01/anat/sub-01_T1w.nii.gz"),
        ("sub-a/anat/sub-a_T1w.nii", "sub-A/anat/sub-A_T1w.nii"),
    ],
)
def test_scans_whose_results_would_have_one_name_are_told(tmp_path, twins):
    with pytest.raises(MrisegError, match="same name"):
        find(filled(tmp_path, twins))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has other rights.")
def test_a_participant_who_cannot_be_read_keeps_nobody_else_from_theirs(tmp_path, monkeypatch):
    study = filled(tmp_path, ["sub-01/anat/sub-01_T1w.nii", "sub-02/anat/sub-02_T1w.nii"])
    whole = Path.iterdir

    def iterdir(folder):
        if folder.name == "sub-01":
            raise PermissionError(13, "Permission denied")
        return whole(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    closed, opened = find(study)
    assert "Permission denied" in closed.refusal
    assert opened.refusal is None


def test_long_and_strange_names_are_cut_to_what_a_file_system_takes(tmp_path):
    study = filled(tmp_path, [f"{'a' * 200}.nii", f"{'a' * 200}b.nii"])
    (study / os.fsdecode(b"x\xff.nii")).write_bytes(b"")
    (study / os.fsdecode(b"x\xfe.nii")).write_bytes(b"")
    names = [scan.name for scan in find(study)]
    assert len(set(names)) == 4
    assert max(map(len, names)) < 120


OURS = ("_dseg.nii.gz", "_label-GM_probseg.nii.gz", "_desc-brain_mask.nii.gz", "_dseg.tsv", "_desc-tissue_stats.json",
        "_desc-tissue_report.html", "_desc-tissue_report.pdf", "_dseg.png", "_label-CSF_probseg.png")  # fmt: skip


def test_results_of_segment_beside_the_scans_are_no_scans(tmp_path):
    study = filled(
        tmp_path, ["a.nii.gz", "b.png", *(f"a{suffix}" for suffix in OURS), *(f"b{suffix}" for suffix in OURS)]
    )
    filled(study, ["more/c.nii", "more/c_dseg.nii.gz", "only results/d_label-GM_probseg.nii.gz"])
    assert [scan.source for scan in find(study)] == ["a.nii.gz", "b.png", "more/c.nii"]


def test_results_are_not_written_into_the_folder_of_a_scan(tmp_path):
    study = filled(tmp_path, ["head/IM1", "head/IM2"])
    assert len(find(study, leave_out=study / "results")) == 1
    with pytest.raises(MrisegError, match="OUT_DIR lies in the folder of a scan"):
        find(study, leave_out=study / "head/results")


@pytest.mark.parametrize("closed", ["lost+found", "more/closed", "dicom/closed"])
def test_a_folder_that_cannot_be_read_is_named_and_left_out(tmp_path, monkeypatch, closed):
    study = filled(tmp_path, [*PLAIN, f"{closed}/x.nii"])
    whole = os.scandir

    def scandir(path):
        if str(path).endswith(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    told = []
    expected = ["a.nii.gz", "b.hdr", "dicom", "more/head-1.mgz", "more/head_1.mgz"]
    assert [scan.source for scan in find(study, warn=told.append)] == expected
    (sentence,) = told
    assert sentence.startswith(f"{closed} cannot be read (Permission denied)")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_is_no_dicom_file(tmp_path):
    study = filled(tmp_path, ["a.nii"])
    (study / "pipes").mkdir()
    os.mkfifo(study / "pipes" / "IM1")
    os.mkfifo(study / "IM1")
    assert [scan.source for scan in find(study)] == ["a.nii"]
