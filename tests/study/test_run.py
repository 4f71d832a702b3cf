"""A study as a whole: what is redone and what not, what survives being killed, and whose the numbers are."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
import pytest

import mriseg
from mriseg import Settings, cli
from mriseg.core.faults import UNFORESEEN
from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.export import atomic_files, confined
from mriseg.export.images import encode_scan
from mriseg.study import bids, derivatives, fingerprint
from mriseg.study import run as cohort
from tests import stub_study
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


def tree(out: Path) -> dict[str, bytes]:
    """Every file of a folder of results but the logs; others may be writing."""
    found = {}
    for folder, _, names in os.walk(out):
        for name in names:
            with suppress(FileNotFoundError):
                found[(Path(folder) / name).relative_to(out).as_posix()] = (Path(folder) / name).read_bytes()
    return {name: content for name, content in found.items() if not name.startswith("logs/")}


def rows(out: Path) -> list[dict[str, str]]:
    with (out / derivatives.TABLE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two participants, one with two visits, one of which is damaged."""
    folder = tmp_path_factory.mktemp("study")
    scan = simulate(make_phantom(spacing=4.0), Contrast.T1)
    other = simulate(make_phantom(1, spacing=4.0), Contrast.T1)
    for place, content in (
        ("sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz", encode_scan(scan)),
        ("sub-01/ses-2/anat/sub-01_ses-2_acq-hr_run-1_T1w.nii.gz", encode_scan(other)),
        ("sub-02/anat/sub-02_T1w.nii.gz", b"damaged"),
    ):
        (folder / place).parent.mkdir(parents=True)
        (folder / place).write_bytes(content)
    (folder / "dataset_description.json").write_text('{"Name": "Heads", "BIDSVersion": "1.10.0"}')
    return folder


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """The folder of results of that study, and the exit status."""
    out = tmp_path_factory.mktemp("results") / "mriseg"
    return out, cli.main(["cohort", str(study), str(out), "--workers", "2"])


@pytest.mark.slow
def test_a_failed_scan_is_reported_and_the_others_are_done(finished):
    out, status = finished
    assert status == cli.A_SCAN_FAILED
    found = {row["scan"]: row for row in rows(out)}
    assert {name: row["status"] for name, row in found.items()} == {
        "sub-01_ses-1": "done",
        "sub-01_ses-2_acq-hr_run-1": "done",
        "sub-02": "failed",
    }
    assert "named .nii" in found["sub-02"]["reason"]
    assert not list((out / "sub-02").rglob("*.nii.gz")) if (out / "sub-02").exists() else True
    assert found["sub-01_ses-2_acq-hr_run-1"]["session_id"] == "ses-2"
    assert found["sub-02"]["gm_ml"] == found["sub-02"]["session_id"] == "n/a"


@pytest.mark.slow
def test_the_numbers_and_labels_are_those_of_the_engine(study, finished):
    out, _ = finished
    scan = mriseg.read(study / "sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz")
    result = mriseg.segment(scan)
    row = next(row for row in rows(out) if row["scan"] == "sub-01_ses-1")
    for tissue in Tissue:
        assert float(row[f"{tissue.abbreviation.lower()}_ml"]) == result.volumes_ml[tissue]
    assert {key: float(row[key]) for key in result.quality} == result.quality
    image = nibabel.load(out / "sub-01/ses-1/anat/sub-01_ses-1_dseg.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), result.labels)
    np.testing.assert_array_equal(image.affine, scan.affine)
    figures = json.loads((out / "sub-01/ses-1/anat/sub-01_ses-1_desc-tissue_stats.json").read_text())
    assert figures["quality"] == result.quality
    assert "seconds" not in figures


def test_the_official_validator_finds_no_error(finished, tmp_path):
    out, _ = finished
    command = [Path(sys.executable).with_name("bids-validator-deno"), out, "--json"]
    environment = {**os.environ, "DENO_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue.get("severity") == "error"] == []
    # What the validator is to look at is not hidden from it.
    ignored = (out / ".bidsignore").read_text()
    assert not any(word in ignored for word in ("dseg", "probseg", "mask", "dataset_description"))


def test_the_validator_would_find_an_error(finished, tmp_path):
    out, _ = finished
    bad = tmp_path / "mriseg"
    shutil.copytree(out, bad)
    (bad / "sub-01/ses-1/anat/sub-01_ses-1_tissue-GM_dseg.nii.gz").write_bytes(b"")
    command = [Path(sys.executable).with_name("bids-validator-deno"), bad, "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "DENO_DIR": str(tmp_path / "deno")}
    )
    assert any(issue.get("severity") == "error" for issue in json.loads(done.stdout)["issues"]["issues"])


def test_a_second_run_does_nothing_again(study, finished, capfd):
    out, _ = finished
    before = {file: file.stat().st_mtime_ns for file in (out / "sub-01").rglob("*")}
    whole = tree(out)
    cli.main(["cohort", str(study), str(out), "--workers", "1"])
    assert "sub-01_ses-1: done before" in capfd.readouterr().err
    assert {file: file.stat().st_mtime_ns for file in (out / "sub-01").rglob("*")} == before
    assert tree(out) == whole


@pytest.fixture
def stubbed(tmp_path):
    """A study of stubs that was gone through."""
    study, out = stub_study.make_study(tmp_path / "study", 5), tmp_path / "out"
    assert all(outcome.is_new for outcome in stub_study.run(study, out))
    return study, out


def redone(study: Path, out: Path) -> set[str]:
    return {outcome.scan.name for outcome in stub_study.run(study, out) if outcome.is_new}


def test_only_what_changed_is_done_again(stubbed, monkeypatch):
    study, out = stubbed
    assert redone(study, out) == set()
    (study / "sub-00002/anat/sub-00002_T1w.nii").write_bytes(b"another scan")
    assert redone(study, out) == {"sub-00002"}
    (out / "sub-00003/anat/sub-00003_dseg.nii.gz").unlink()
    assert redone(study, out) == {"sub-00003"}
    (out / "sub-00004/anat/sub-00004_dseg.nii.gz").write_bytes(b"cut short")
    assert redone(study, out) == {"sub-00004"}
    for _ in range(2):
        again = stub_study.run(study, out, settings=Settings(smoothness=2.0))
    assert not any(outcome.is_new for outcome in again)
    assert redone(study, out) == {f"sub-0000{number}" for number in range(5)}


def test_a_scan_that_is_refused_after_all_leaves_no_results_of_the_one_before(stubbed):
    study, out = stubbed
    (study / "sub-00001/anat/sub-00001_T1w.nii").write_bytes(stub_study.REFUSED)
    assert redone(study, out) == {"sub-00001"}
    assert [file for file in (out / "sub-00001").rglob("*") if file.is_file()] == []
    assert {row["scan"]: row["status"] for row in rows(out)}["sub-00001"] == "failed"
    assert redone(study, out) == set()  # it would be refused again


def test_results_of_another_version_are_done_again(stubbed):
    study, out = stubbed
    record = out / derivatives.RECORDS / "sub-00000.json"
    record.write_text(record.read_text().replace(f'"version": "{mriseg.__version__}"', '"version": "0.0.0"'))
    assert redone(study, out) == {"sub-00000"}


def test_a_record_that_is_damaged_is_none(stubbed):
    study, out = stubbed
    for name, content in (
        ("sub-00000", b""),
        ("sub-00001", b"[]"),
        ("sub-00002", b'{"of": 1}'),
        ("sub-00003", b"\xff"),
    ):
        (out / derivatives.RECORDS / f"{name}.json").write_bytes(content)
    assert redone(study, out) == {"sub-00000", "sub-00001", "sub-00002", "sub-00003"}


def test_a_worker_of_another_version_does_nothing(tmp_path):
    study = stub_study.make_study(tmp_path / "study", 1)
    (scan,) = bids.find(study)
    outcome = cohort.segment_one(cohort.Task(scan, tmp_path / "out", Settings(), "0.0.0", "marks"))
    assert "0.0.0" in outcome.record.failure
    assert not (tmp_path / "out").exists()


def test_a_scan_over_which_workers_died_twice_is_given_up(tmp_path):
    """As on a cluster, which gives it to another worker as often as it likes."""
    study, out = stub_study.make_study(tmp_path / "study", 1), tmp_path / "out"
    (scan,) = bids.find(study)
    marks = atomic_files.staging_name()
    task = cohort.Task(scan, out, Settings(), mriseg.__version__, marks)
    for died in (0, 1):
        atomic_files.write(out, f"{marks}/{scan.name}", b"." * died)
        outcome = stub_study.segment_one(task)
        assert outcome.record.failure is None
        (out / derivatives.RECORDS / f"{scan.name}.json").unlink()
        shutil.rmtree(out / scan.participant)
    atomic_files.write(out, f"{marks}/{scan.name}", b"..")
    assert "worker died" in stub_study.segment_one(task).record.failure
    confined.remove_tree(out, marks)
    assert stub_study.segment_one(task).record.failure is None  # another run tries again


def test_of_a_full_disk_a_scan_fails_with_a_sentence_and_can_be_done_later(tmp_path, monkeypatch):
    study, out = stub_study.make_study(tmp_path / "study", 1), tmp_path / "out"
    (scan,) = bids.find(study)
    task = cohort.Task(scan, out, Settings(), mriseg.__version__, "marks")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        outcome = stub_study.segment_one(task)
    assert "No space left" in outcome.record.failure
    assert not outcome.record.is_final
    assert not list(out.rglob("*dseg*"))
    assert stub_study.segment_one(task).record.failure is None


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_bytes_and_never_shows_a_partial_file(tmp_path):
    """With stubs; `benchmarks/study.py` kills the engine itself."""
    size = 400_000
    study = stub_study.make_study(tmp_path / "study", 12, 1000)
    stub_study.main(study, tmp_path / "undisturbed", 1, size)
    expected = tree(tmp_path / "undisturbed")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tests.stub_study", study, out, "2", str(size)]
    rng = random.Random(0)
    for _ in range(4):
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        records = out / derivatives.RECORDS
        done, end = len(list(records.glob("*"))), time.monotonic() + PATIENCE
        while len(list(records.glob("*"))) <= done:
            assert process.poll() is None
            assert time.monotonic() < end
        time.sleep(rng.uniform(0, 0.05))
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for name, content in tree(out).items():
            if not name.startswith(derivatives.OWN):
                assert content == expected[name]
    assert derivatives.TABLE not in tree(out)  # it was never done
    stub_study.main(study, out, 2, size)
    assert tree(out) == expected


@pytest.mark.slow
def test_a_large_study_costs_the_driver_little_memory_and_its_table_is_right(tmp_path):
    """With 150 stubs; `benchmarks/study.py` has 10 000."""
    study, out = stub_study.make_study(tmp_path / "study", 150), tmp_path / "out"
    scans = bids.find(study)

    def peak(some):
        tracemalloc.start()
        for outcome in cohort.segment_study(some, out, Settings(), stub_study.one_after_the_other):
            assert outcome.record.failure is None
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    little, much = peak(scans[:30]), peak(scans)
    assert much < little + 120 * 500  # bytes; a scan's record alone is larger
    cohort.summarize(out, study, Settings(), is_bids=True)
    found = rows(out)
    assert [row["scan"] for row in found] == [scan.name for scan in scans]
    for row, scan in zip(found, scans, strict=True):
        expected = stub_study.attempt(scan.path, Settings(), use=lambda *_: None)
        assert float(row["gm_ml"]) == expected.volumes_ml[Tissue.GM]


def test_results_of_another_contrast_are_kept(tmp_path):
    study, out = stub_study.make_study(tmp_path / "study", 1), tmp_path / "out"
    stub_study.run(study, out)
    before = tree(out)
    other = study / "sub-00000/anat/sub-00000_T2w.nii"
    other.write_bytes(b"another contrast")
    scans = bids.find(study, "T2w")
    (outcome,) = cohort.segment_study(scans, out, Settings(), stub_study.one_after_the_other)
    assert "another scan" in outcome.record.failure
    assert {name: before[name] for name in before if "locks" not in name} == {
        name: content for name, content in tree(out).items() if "locks" not in name
    }


def test_a_scan_that_cannot_be_read_for_once_keeps_its_results(stubbed, monkeypatch):
    study, out = stubbed
    before = tree(out)
    with monkeypatch.context() as patch:
        patch.setattr(fingerprint, "digest", lambda path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        outcomes = stub_study.run(study, out)
    assert all("Input/output error" in outcome.record.failure for outcome in outcomes)
    assert tree(out) == before
    assert redone(study, out) == set()


def test_whatever_is_not_foreseen_is_the_failure_of_one_scan(stubbed, monkeypatch):
    study, out = stubbed
    whole = fingerprint.digest

    def digest(path):
        if "00003" in path.name:
            raise RuntimeError(f"secret {path}")
        return whole(path)

    monkeypatch.setattr(fingerprint, "digest", digest)
    (failed,) = [outcome for outcome in stub_study.run(study, out) if outcome.record.failure]
    assert failed.record.failure == UNFORESEEN.format("RuntimeError")
    (logged,) = failed.log
    assert "RuntimeError\n  mriseg/study/run.py:" in logged.getMessage()
    assert "secret" not in logged.getMessage()
    assert "00003" not in logged.getMessage()


def test_two_runs_at_once_do_a_scan_once(tmp_path):
    study, out = stub_study.make_study(tmp_path / "study", 1), tmp_path / "out"
    (scan,) = bids.find(study)
    task = cohort.Task(scan, out, Settings(), mriseg.__version__, "marks")
    with ThreadPoolExecutor() as pool, atomic_files.locked(out, scan.name):
        runs = [pool.submit(cohort.segment_one, task) for _ in range(2)]
        time.sleep(0.2)
        assert not any(run.done() for run in runs)
        identity, staging = fingerprint.identity(scan, Settings()), atomic_files.staging_name()
        files = stub_study.write(out, staging, scan=scan, image=scan.path.read_bytes(), result=None)
        record = stub_study.attempt(scan.path, Settings(), use=lambda *_: None)
        derivatives.finish(out, scan, record, identity=identity, staging=staging, files=files)
    assert [run.result().is_new for run in runs] == [False, False]


@pytest.mark.parametrize("kind", ["the study itself", "another dataset"])
def test_nobody_elses_dataset_is_written_over(study, tmp_path, kind, capsys):
    out = study if kind == "the study itself" else tmp_path
    description = out / "dataset_description.json"
    if out == tmp_path:
        description.write_text('{"Name": "fMRIPrep", "GeneratedBy": [{"Name": "fMRIPrep"}]}')
    before = description.read_bytes()
    with pytest.raises(SystemExit) as ended:
        cli.main(["cohort", str(study), str(out)])
    assert ended.value.code == 2
    assert "OUT_DIR" in capsys.readouterr().err
    assert description.read_bytes() == before


def test_runs_that_share_a_folder_leave_a_table_of_all(tmp_path):
    """As the tasks of a Slurm array do."""
    study, out = stub_study.make_study(tmp_path / "study", 4), tmp_path / "out"
    for part in (("00000", "00001"), ("00002", "00003")):
        scans = bids.find(study, participants=part)
        assert len(list(cohort.segment_study(scans, out, Settings(), stub_study.one_after_the_other))) == 2
        cohort.summarize(out, study, Settings(), is_bids=True)
    assert len(rows(out)) == 4


@pytest.mark.parametrize(
    "arguments", [["--participant-label", "99"], ["--workers", "0"], ["--suffix", "T2w"], ["--smoothness", "99"]]
)
def test_bad_usage(study, tmp_path, arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["cohort", str(study), str(tmp_path / "out"), *arguments])
    assert ended.value.code == 2
    assert not (tmp_path / "out").exists()
