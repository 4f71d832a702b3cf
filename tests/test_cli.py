import json
import os
import subprocess
import sys
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from mriseg import Contrast
from mriseg.cli import _summary, main
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export import atomic_files
from mriseg.export.images import encode_scan
from mriseg.plotting.slices import png
from mriseg.segmentation.pipeline import STAGES
from mriseg.study.record import of_result
from mriseg.study.stage_line import StageLine
from tests.not_heads import bottle


@pytest.fixture(scope="module")
def files(tmp_path_factory, coarse):
    """A folder with a picture, a volume and a text that calls itself a volume."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "slice.png").write_bytes(encode_scan(SAMPLES["slice-t2"].make()[0]))
    (folder / "head.nii.gz").write_bytes(encode_scan(simulate(coarse, Contrast.T1)))
    (folder / "flair.nii.gz").write_bytes(encode_scan(simulate(coarse, Contrast.FLAIR)))
    (folder / "broken.nii.gz").write_text("not a scan")
    return folder


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_segment_writes_the_files_of_each_scan_and_says_the_volumes(files, tmp_path, capsys):
    assert run("segment", files / "slice.png", files / "head.nii.gz", "--out", tmp_path, "--pixel-size", 1) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert {"slice_dseg.png", "slice_label-GM_probseg.png", "head_dseg.nii.gz", "head_desc-brain_mask.nii.gz"} <= names
    figures = json.loads((tmp_path / "slice_desc-tissue_stats.json").read_text())
    assert figures["contrast"] == "T2w"
    assert figures["volumes_ml"]["CSF"] > 0
    captured = capsys.readouterr()
    assert f"GM {figures['volumes_ml']['GM']:.1f} mL" in captured.out
    assert captured.err == ""


def test_a_scan_that_fails_gets_a_line_and_no_file_and_the_others_are_done(files, tmp_path, capsys):
    assert run("segment", files / "broken.nii.gz", files / "slice.png", "--out", tmp_path) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert "named .nii, but its content is not" in errors[0]
    assert (tmp_path / "slice_dseg.png").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("broken")]


def test_what_nobody_foresaw_gets_a_line_and_the_others_are_done(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mriseg.study.attempt.read_mask", lambda *anything: 1 / 0)
    mask = files / "slice.png"
    assert run("segment", files / "slice.png", "--out", tmp_path, "--mask", mask) == 1
    errors = capsys.readouterr().err
    assert "not foreseen (ZeroDivisionError)" in errors
    assert "ERROR mriseg.study.attempt: ZeroDivisionError\n  mriseg/study/attempt.py:" in errors
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_fault_is_logged_without_names_whoever_did_the_work(files, tmp_path, capsys, jobs):
    mask = tmp_path / "doe_jane.png"
    mask.write_bytes(b"no mask")
    scans = [files / "slice.png"]
    if jobs > 1:
        scans, mask = [files / "broken.nii.gz", files / "slice.png"], "auto"
    assert run("segment", *scans, "--out", tmp_path, "--mask", mask, "--jobs", jobs, "--verbose") == 1
    errors = capsys.readouterr().err
    assert "DEBUG mriseg.study.attempt: mriseg.core.errors.ReadError: " in errors
    assert "  mriseg/io/" in errors
    assert "doe_jane" not in errors
    assert "broken.nii.gz" not in errors.replace(f"mriseg: {files / 'broken.nii.gz'}: ", "")


def test_verbose_tells_each_stage_and_quiet_what_failed_alone(files, tmp_path, capsys):
    assert run("segment", files / "slice.png", "--out", tmp_path, "--verbose") == 0
    told = capsys.readouterr()
    assert "slice: T2w" in told.out
    for stage in ("read", *STAGES, "write"):
        assert f"DEBUG mriseg.study.attempt: stage: {stage}\n" in told.err
    assert run("segment", files / "slice.png", "--out", tmp_path, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert run("segment", files / "slice.png", files / "broken.nii.gz", "--out", tmp_path, "--quiet") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1


@pytest.mark.slow
def test_jobs_change_nothing_but_the_time(files, several, tmp_path):
    scans = files / "slice.png", several / "b.nii.gz", "--mask", "all"
    assert run("segment", *scans, "--out", tmp_path / "one") == 0
    assert run("segment", *scans, "--out", tmp_path / "two", "--jobs", 2) == 0
    for path in (tmp_path / "one").iterdir():
        if not path.name.endswith(".json"):  # which holds the seconds
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.slow
def test_a_given_mask_is_the_brain(files, coarse, tmp_path):
    image = nibabel.load(files / "head.nii.gz")
    given = (coarse.truth > 0).astype(np.uint8)  # no search finds just that, and the average brain fits it at once
    nibabel.save(nibabel.Nifti1Image(given, image.affine), tmp_path / "given.nii.gz")
    assert run("segment", files / "head.nii.gz", "--out", tmp_path, "--mask", tmp_path / "given.nii.gz") == 0
    assert np.array_equal(nibabel.load(tmp_path / "head_desc-brain_mask.nii.gz").dataobj, given)


def test_a_doubtful_brain_is_said_on_the_line_and_in_the_figures(tmp_path, capsys):
    image = np.clip(bottle()[:, :, 48], 0, 255).astype(np.uint8)
    (tmp_path / "bottle.png").write_bytes(png(np.where(image > 20, image, 0).astype(np.uint8)))
    assert run("segment", tmp_path / "bottle.png", "--out", tmp_path, "--mask", "none") == 0
    printed = capsys.readouterr().out
    assert "DOUBTFUL" in printed
    assert "no skull" in printed
    figures = json.loads((tmp_path / "bottle_desc-tissue_stats.json").read_text())
    assert figures["mask_doubtful"]
    assert figures["mask_confidence"] < 0.5
    assert any("no skull" in warning for warning in figures["warnings"])
    refused = {finding["code"] for finding in figures["findings"] if finding["level"] == "NOT"}
    assert refused == {"histogram-missed", "mask-not-a-brain"}  # the gray levels of a drawing are few
    assert all(set(finding) == {"code", "level", "text"} for finding in figures["findings"])


@pytest.mark.slow
def test_the_brain_is_made_looser_by_a_margin(files, tmp_path):
    sizes = []
    for margin in (-4, 0, 4):
        folder = tmp_path / str(margin)
        assert run("segment", files / "head.nii.gz", "--out", folder, "--margin", margin) == 0
        sizes.append(np.asarray(nibabel.load(folder / "head_desc-brain_mask.nii.gz").dataobj).sum())
        assert json.loads((folder / "head_desc-tissue_stats.json").read_text())["settings"]["margin"] == margin
    assert sizes == sorted(sizes)
    assert len({*sizes}) == 3


def test_further_contrasts_are_fitted_with_the_first(files, tmp_path):
    assert run("segment", files / "head.nii.gz", "--out", tmp_path, "--channel", files / "flair.nii.gz") == 0
    figures = json.loads((tmp_path / "head_desc-tissue_stats.json").read_text())
    assert {len(means) for means in figures["mixture"]["channel_means"]} == {2}


def test_a_further_contrast_on_another_grid_is_refused(files, tmp_path, capsys):
    assert run("segment", files / "head.nii.gz", "--out", tmp_path, "--channel", files / "slice.png") == 1
    assert "one grid" in capsys.readouterr().err


def test_classes_position_smoothness_and_bias_strength_are_settings(files, tmp_path):
    knobs = "--classes", 4, "--no-position", "--smoothness", 0.5, "--bias-strength", 2, "--no-lesions"
    assert run("segment", files / "head.nii.gz", "--out", tmp_path, *knobs) == 0
    figures = json.loads((tmp_path / "head_desc-tissue_stats.json").read_text())
    assert figures["settings"]["classes"] == len(figures["mixture"]["means"]) == 4
    assert figures["settings"]["use_position"] is False
    assert figures["settings"]["smoothness"] == 0.5
    assert figures["settings"]["bias_strength"] == 2
    assert figures["settings"]["lesions"] is False
    assert not any("anatomical prior" in note for note in figures["notes"])


def test_abnormal_tissue_is_on_the_line_of_its_scan(with_lesion):
    record = of_result("a", with_lesion[1])
    line, *doubts = _summary("a", record)
    assert line.endswith(f", L {record.abnormal.volume_ml:.1f} mL ({record.abnormal.share:.1%})")
    assert any("no diagnosis" in doubt for doubt in doubts)
    assert " L " not in _summary("a", replace(record, abnormal=None))[0]


def test_a_report_is_written_on_request_and_names_no_file(files, tmp_path):
    assert run("segment", files / "slice.png", "--out", tmp_path / "without") == 0
    assert run("segment", files / "slice.png", "--out", tmp_path / "with", "--report") == 0
    written, plain = ({path.name for path in (tmp_path / folder).iterdir()} for folder in ("with", "without"))
    assert written - plain == {"slice_desc-tissue_report.html", "slice_desc-tissue_report.pdf"}
    page = (tmp_path / "with" / "slice_desc-tissue_report.html").read_text(encoding="utf-8")
    assert "slice.png" not in page
    assert str(files) not in page
    assert (tmp_path / "with" / "slice_desc-tissue_report.pdf").read_bytes().startswith(b"%PDF-")


def test_a_mask_that_lies_elsewhere_is_refused(files, tmp_path, capsys):
    image = nibabel.load(files / "head.nii.gz")
    moved = image.affine.copy()
    moved[0, 3] += 10
    nibabel.save(nibabel.Nifti1Image(np.ones(image.shape, np.uint8), moved), tmp_path / "moved.nii.gz")
    assert run("segment", files / "head.nii.gz", "--out", tmp_path, "--mask", tmp_path / "moved.nii.gz") == 1
    assert "lies elsewhere" in capsys.readouterr().err


def test_a_file_that_is_not_ours_is_named_and_kept_and_the_other_scans_are_done(files, tmp_path, capsys):
    (tmp_path / "head_dseg.nii.gz").write_bytes(b"by hand")
    scans = files / "head.nii.gz", files / "slice.png"
    assert run("segment", *scans, "--out", tmp_path, "--verbose") == 1
    told = capsys.readouterr().err
    (line,) = [line for line in told.splitlines() if line.startswith("mriseg: ")]
    assert "head_dseg.nii.gz lies in the folder of results" in line
    assert "head_dseg" not in told.replace(line, "")  # the log names no file
    assert "stage: fit" not in told.partition("TakenError")[0]  # it was found out before the work
    assert [path.name for path in tmp_path.glob("head*")] == ["head_dseg.nii.gz"]
    assert (tmp_path / "slice_dseg.png").exists()


def test_what_a_killed_run_left_is_cleared_by_the_next_whatever_it_is_about(files, tmp_path):
    left = atomic_files.staging_name(atomic_files.BESIDE).replace(f"-{os.getpid()}-", "-999999999-")
    atomic_files.write(tmp_path, f"{left}/_dseg.png", b"half")
    assert run("segment", files / "broken.nii.gz", "--out", tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def several(files, tmp_path):
    """A folder with two scans and a file that cannot be read as one."""
    folder = tmp_path / "several.scans"
    folder.mkdir()
    head = nibabel.load(files / "head.nii.gz")
    nibabel.save(head, folder / "a.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.asarray(head.dataobj)[::2, ::2, ::2], head.affine * 2), folder / "b.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), folder / "c.nii.gz")
    return folder


def test_list_says_what_there_is_which_is_taken_and_why_not_the_others(several, capsys):
    assert run("list", several) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("*  1  File 1: ")
    assert "50 x 59 x 51 voxels of 4 x 4 x 4 mm" in lines[0]
    assert lines[1].startswith("   2  File 2: ")
    assert "27 are needed" not in lines[3]
    assert "at least 4096 are needed" in lines[3]


def test_list_and_segment_say_what_of_a_folder_is_left_out(several, tmp_path, capsys):
    os.mkfifo(several / "pipe")
    (several / "round").symlink_to(several)
    left_out = (
        "Left out of the folder: 1 link to a folder (not followed; give the folder itself), 1 pipe (never opened)."
    )
    assert run("list", several) == 0
    assert left_out in capsys.readouterr().out.splitlines()
    assert run("segment", several, "--out", tmp_path, "--item", 2, "--mask", "all") == 0
    assert left_out in capsys.readouterr().out
    assert left_out in json.loads((tmp_path / "several.scans_desc-tissue_stats.json").read_text())["notes"]


def test_a_folder_is_segmented_under_its_name_by_its_best_scan_or_the_one_asked_for(files, several, tmp_path, capsys):
    assert run("segment", several, "--out", tmp_path) == 0
    assert "Of 3 scans in it, number 1" in capsys.readouterr().out
    assert run("segment", several / "a.nii.gz", "--out", tmp_path) == 0
    assert (tmp_path / "several.scans_dseg.nii.gz").read_bytes() == (tmp_path / "a_dseg.nii.gz").read_bytes()
    another = "--item", 2, "--mask", "all"
    assert run("segment", several, "--out", tmp_path, *another) == 1
    assert "several.scans_dseg.nii.gz in the folder of results is of another scan" in capsys.readouterr().err
    assert run("segment", several, "--out", tmp_path, *another, "--overwrite") == 0
    assert nibabel.load(tmp_path / "several.scans_dseg.nii.gz").shape == (25, 30, 26)
    assert run("segment", several, "--out", tmp_path, "--item", 4) == 1
    assert "there is no number 4" in capsys.readouterr().err


HOSTILE_NAME = "a\x1b[2J\x1b]0;owned\x07\rmriseg: done\n  2  \x9b31m\u202egnp\u200b\udcff.nii"


def is_one_line(text: str) -> bool:
    return all(line.isprintable() for line in text.splitlines()) and not set(text) & {"\r", "\x85", "\u2028"}


def test_names_of_files_steer_no_terminal(files, tmp_path, capsys, monkeypatch):
    folder = tmp_path / HOSTILE_NAME
    folder.mkdir()
    (folder / HOSTILE_NAME).write_text("not a scan")
    scan = tmp_path / f"b{HOSTILE_NAME}.png"
    scan.write_bytes((files / "slice.png").read_bytes())
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert run("list", folder) == 1
    assert run("segment", folder, scan, "--out", tmp_path / "out", "--verbose") == 1
    assert run("segment", folder / "absent", "--out", tmp_path / "out") == 1
    assert run("samples", "--save", "slice-t1", folder / "absent" / HOSTILE_NAME) == 1
    for arguments in (["segment", HOSTILE_NAME, HOSTILE_NAME, "--out", "x"], ["list", "a", HOSTILE_NAME]):
        with pytest.raises(SystemExit):
            run(*arguments)
    told = capsys.readouterr()
    assert is_one_line(told.out)
    assert is_one_line(told.err)
    assert r"a\x1b[2J\x1b]0;owned\x07\x0dmriseg: done\x0a  2  \x9b31m\u202egnp\u200b\xff" in told.out
    assert told.err.count("mriseg: /") == 4


def test_the_line_of_the_progress_is_steered_by_itself_alone(capsys, monkeypatch):
    monkeypatch.setattr("os.get_terminal_size", lambda number: os.terminal_size((60, 20)))
    monkeypatch.setattr("sys.stderr.fileno", lambda: 2)
    with StageLine(f"[1/1] {HOSTILE_NAME}: ", True) as progress:
        progress("read")
    lines = capsys.readouterr().err.split("\r\x1b[K")
    assert lines[0] == lines[-1] == ""
    assert all(line.isprintable() and len(line) < 60 for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["segment", "a.nii.gz"],
        ["segment", "a.nii.gz", "--out", ""],
        ["segment", "a.nii.gz", "--out", " "],
        ["cohort", "a", ""],
        ["cohort", "", "a"],
        ["segment", "a.nii.gz", "--out", "x", "--contrast", "ct"],
        ["segment", "a.nii.gz", "--out", "x", "--pixel-size", "0"],
        ["segment", "a.nii.gz", "--out", "x", "--jobs", "0"],
        ["segment", "a/t1.nii.gz", "b/t1.nii.gz", "--out", "x"],
        ["segment", "a.nii.gz", "b.nii.gz", "--out", "x", "--mask", "m.nii.gz"],
        ["segment", "a.nii.gz", "b.nii.gz", "--out", "x", "--channel", "t2.nii.gz"],
        ["segment", "a.nii.gz", "--out", "x", "--classes", "7"],
        ["segment", "a.nii.gz", "--out", "x", "--smoothness", "11"],
        ["segment", "a.nii.gz", "--out", "x", "--bias-strength", "0"],
        ["samples", "--save", "nothing", "x.nii.gz"],
    ],
    ids=" ".join,
)
def test_bad_usage_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert capsys.readouterr().err


def test_samples_are_listed_and_saved(tmp_path, capsys):
    assert run("samples", "--list") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in SAMPLES)
    assert run("samples", "--save", "mni152-t1", tmp_path / "average.nii.gz") == 0
    assert nibabel.load(tmp_path / "average.nii.gz").shape == (197, 233, 189)


def test_the_module_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "mriseg", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mriseg ")
