import gzip
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast, MrisegError, Tissue, report
from mriseg.core.errors import TakenError
from mriseg.export import atomic_files, confined, writer
from mriseg.export.ownership import STATS, Origin, digest, signed
from mriseg.export.writer import outputs, stem, suffixes, write

NIFTI_NAMES = {
    "_dseg.nii.gz",
    "_label-GM_probseg.nii.gz",
    "_label-WM_probseg.nii.gz",
    "_label-CSF_probseg.nii.gz",
    "_desc-brain_mask.nii.gz",
    "_desc-tissue_stats.json",
    "_dseg.tsv",
}


def image_of(content: bytes) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("foo.nii.gz", "foo"),
        ("foo.NII", "foo"),
        ("a.b.png", "a.b"),
        ("folder", "folder"),
        ("T1.mgz", "T1"),
        ("t1.IMG.gz", "t1"),
        ("sub-01_T1w.nii.gz", "sub-01_T1w"),
    ],
)
def test_the_stem_is_the_name_without_its_format(name, short):
    assert stem(Path(name)) == short


def test_the_stem_of_a_folder_is_its_whole_name(tmp_path):
    (tmp_path / "series.3").mkdir()
    assert stem(tmp_path / "series.3") == "series.3"


@pytest.mark.slow
def test_the_files_of_a_volume_hold_the_result_on_the_scans_grid(scanned, segmented):
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    files = outputs(scan, result)
    assert set(files) == NIFTI_NAMES
    labels = image_of(files["_dseg.nii.gz"]())
    assert labels.get_data_dtype() == np.uint8
    assert np.array_equal(labels.dataobj, result.labels)
    assert np.allclose(labels.affine, scan.affine)
    assert np.array_equal(image_of(files["_desc-brain_mask.nii.gz"]()).dataobj, result.mask)
    for channel, tissue in enumerate(Tissue):
        posterior = image_of(files[f"_label-{tissue.abbreviation}_probseg.nii.gz"]())
        assert posterior.get_data_dtype() == np.float32
        assert np.array_equal(posterior.dataobj, result.posteriors[..., channel])


def test_equal_results_give_equal_bytes(scanned, segmented):
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    first, second = outputs(scan, result), outputs(scan, result)
    assert all(first[name]() == second[name]() for name in first)


def test_a_picture_becomes_pictures(slice_of_head):
    scan, result = slice_of_head
    files = outputs(scan, result)

    def pixels(name):
        return np.asarray(PIL.Image.open(io.BytesIO(files[name]())))

    assert np.array_equal(pixels("_dseg.png"), result.labels)
    assert np.array_equal(pixels("_desc-brain_mask.png") == 255, result.mask)
    white = pixels("_label-WM_probseg.png")
    assert white.dtype == np.uint16
    assert np.abs(white / 65535 - result.posteriors[..., 1]).max() < 1 / 65535


def test_where_writing_fails_no_file_appears(slice_of_head, tmp_path, monkeypatch):
    scan, result = slice_of_head
    monkeypatch.setattr(
        "mriseg.export.writer.lookup_table", lambda: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(MrisegError, match="No space left"):
        write(scan, result, tmp_path / "out", "foo")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_names_are_known_before_there_is_a_result(slice_of_head, scanned, segmented):
    for scan, result in (slice_of_head, (scanned(Contrast.T1), segmented(Contrast.T1))):
        assert suffixes(scan) == list(outputs(scan, result))


REPORTS = {report.HTML: lambda: b"<p>", report.PDF: lambda: b"%PDF"}


@pytest.fixture
def written(slice_of_head, tmp_path):
    """A folder with results and a report of a picture."""
    scan, result = slice_of_head
    folder = tmp_path / "out"
    write(scan, result, folder, "foo", more=REPORTS)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_scan_replaces_its_results_and_takes_the_report_away(slice_of_head, written):
    before = content(written)
    write(*slice_of_head, written, "foo")
    after = content(written)
    assert before.keys() - after.keys() == {f"foo{suffix}" for suffix in REPORTS}
    assert all(before[name] == after[name] for name in after if not name.endswith(STATS))
    figures = json.loads(after[f"foo{STATS}"])
    assert set(figures["origin"]["files"]) == {name.removeprefix("foo") for name in after} - {STATS}


@pytest.mark.parametrize("suffix", ["_dseg.png", "_dseg.tsv", STATS, report.HTML])
def test_what_was_changed_by_hand_is_kept_and_nothing_else_changes(slice_of_head, written, suffix):
    file = written / f"foo{suffix}"
    if suffix == STATS:
        file.write_text(file.read_text().replace("T1w", "T2w"))
    else:
        file.write_bytes(file.read_bytes() + b" by hand")
    before = content(written)
    for refused in (writer.check, lambda scan, *others: write(scan, slice_of_head[1], *others)):
        with pytest.raises(TakenError, match=r"--overwrite.*--out") as error:
            refused(slice_of_head[0], written, "foo")
        assert suffix == STATS or file.name in str(error.value)
    assert content(written) == before
    write(*slice_of_head, written, "foo", overwrite=True)
    assert report.HTML not in "".join(content(written))
    assert not any(b"by hand" in whole for whole in content(written).values())
    writer.check(slice_of_head[0], written, "foo")


def test_results_of_another_scan_are_kept(slice_of_head, written):
    scan, result = slice_of_head
    other = replace(scan, data=scan.data + 1)
    before = content(written)
    with pytest.raises(TakenError, match=r"foo_dseg\.png .* another scan"):
        writer.check(other, written, "foo")
    with pytest.raises(TakenError, match="another scan"):
        write(other, result, written, "foo")
    assert content(written) == before
    write(other, result, written, "bar")
    assert {name: whole for name, whole in content(written).items() if name.startswith("foo")} == before
    write(other, result, written, "foo", overwrite=True)
    assert not list(written.glob("foo*report*"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder"])
def test_what_is_no_file_is_refused_and_not_followed(slice_of_head, tmp_path, kind):
    folder, aim = tmp_path / "out", tmp_path / "by hand"
    folder.mkdir()
    path = folder / "foo_dseg.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(aim)
        if kind == "link":
            aim.write_bytes(b"by hand")
    with pytest.raises(TakenError, match=r"foo_dseg\.png"):
        write(*slice_of_head, folder, "foo")
    assert [path.name for path in folder.iterdir()] == ["foo_dseg.png"]
    if kind == "folder":
        with pytest.raises(TakenError, match="itself a folder"):
            write(*slice_of_head, folder, "foo", overwrite=True)
        return
    write(*slice_of_head, folder, "foo", overwrite=True)
    assert not path.is_symlink()
    assert path.is_file()
    assert not aim.exists() or aim.read_bytes() == b"by hand"


@pytest.mark.parametrize("listed", ["/x", "/../x", "/../../x", ".png", "_T1w.png", "_dseg.png/../../x"])
def test_a_list_that_somebody_else_signed_takes_no_other_file_away(slice_of_head, written, listed):
    """Whoever can write to the folder can sign; but what is no result of ours is not touched."""
    victim = Path(os.path.normpath(f"{written}/foo{listed}"))
    victim.parent.mkdir(exist_ok=True, parents=True)
    victim.write_bytes(b"by hand")
    figures = json.loads((written / f"foo{STATS}").read_text())
    said = figures.pop("origin")
    forged = Origin(said["scan"], {**said["files"], listed: [digest(b"by hand")]})
    (written / f"foo{STATS}").write_bytes(signed(figures, forged))
    write(*slice_of_head, written, "foo")
    assert victim.read_bytes() == b"by hand"


@pytest.mark.parametrize("step", range(12))
def test_killed_at_any_step_the_next_run_goes_on(slice_of_head, written, tmp_path, monkeypatch, step):
    """As when a new version writes other bytes."""
    scan, result = slice_of_head
    changed = replace(result, labels=np.where(result.labels == 1, 2, result.labels).astype(np.uint8))
    steps = 0

    def killed(whole):
        def act(*arguments):
            nonlocal steps
            steps += 1
            if steps > step:
                raise KeyboardInterrupt
            return whole(*arguments)

        return act

    with monkeypatch.context() as patch:
        patch.setattr(confined, "move", killed(confined.move))
        patch.setattr(confined, "remove", killed(confined.remove))
        patch.setattr(confined, "remove_tree", lambda *_: None)  # which a killed program does not come to
        with suppress(KeyboardInterrupt):
            write(scan, changed, written, "foo")
    writer.check(scan, written, "foo")
    (left,) = written.glob(".mriseg-*")
    left.rename(left.with_name(left.name.replace(f"-{os.getpid()}-", "-999999999-")))
    write(scan, changed, written, "foo")
    assert set(content(written)) == {f"foo{suffix}" for suffix in suffixes(scan)}


def test_two_that_write_at_once_leave_the_results_of_one(slice_of_head, tmp_path):
    scan, result = slice_of_head
    other = replace(scan, data=scan.data + 1)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(write, each, result, tmp_path / "out", "foo", more=REPORTS) for each in (scan, other)]
        errors = [run.exception() for run in runs]
    assert sum(isinstance(error, TakenError) for error in errors) == 1
    assert errors.count(None) == 1
    assert set(content(tmp_path / "out")) == {f"foo{suffix}" for suffix in [*suffixes(scan), *REPORTS]}


def test_an_unfinished_folder_of_a_run_that_ended_is_cleared(slice_of_head, tmp_path):
    left = atomic_files.staging_name(atomic_files.BESIDE).replace(f"-{os.getpid()}-", "-999999999-")
    atomic_files.write(tmp_path, f"{left}/_dseg.png", b"half")
    write(*slice_of_head, tmp_path, "foo")
    assert not (tmp_path / left).exists()
