"""A folder of results that somebody tampered with: whatever lies in it, nothing outside changes and the run ends."""

import hashlib
import json
import os
import random
import shutil
import signal
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mriseg import cli
from mriseg.export import atomic_files, confined
from mriseg.study import derivatives
from tests import stub_study

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
DRAWS = int(os.environ.get("MRISEG_HOSTILE_DRAWS", "25"))
LONG_AGO = 1_000_000
SECONDS = 60  # of one run; a pipe that is waited for takes forever
FORMULA = '=HYPERLINK("http://example.org")'


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """Kind, time of change, and content or aim of all that a folder holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.readlink() if path.is_symlink() else hashlib.sha1(path.read_bytes()) if path.is_file() else ""
        content = content if isinstance(content, str | Path) else content.hexdigest()
        found[path.relative_to(folder).as_posix()] = (status.st_mode, status.st_mtime_ns, str(content))
    return found


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A study, its results, and folders beside them that are nobody's business."""
    folder = tmp_path_factory.mktemp("hostile")
    study, out = stub_study.make_study(folder / "study", 2), folder / "out"
    stub_study.run(study, out)
    (out / "logs").mkdir()
    (out / "sub-00000" / "figures").mkdir()
    left = atomic_files.staging_name().replace(f"-{os.getpid()}-", "-999999999-")
    atomic_files.write(out, f"{left}/file", b"half")
    for name in ("a.json", "sub-00000.json", "sub-00000_dseg.nii.gz", "anat/sub-00000_dseg.nii.gz", "x-1-1/file"):
        file = folder / "outside" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"of somebody else")
    for file in [*(folder / "outside").rglob("*")]:
        os.utime(file, (LONG_AGO, LONG_AGO))
    return folder


@pytest.fixture
def run(monkeypatch):
    """Goes through a study on the command line, without its engine; gives the exit status."""

    @contextmanager
    def engine(*anything):
        yield stub_study.one_after_the_other

    def too_long(*anything):
        raise TimeoutError

    def run(folder: Path, *options: str) -> int:
        signal.alarm(SECONDS)
        try:
            return cli.main(["cohort", str(folder / "study"), str(folder / "out"), *options])
        except SystemExit as ended:
            return ended.code
        finally:
            signal.alarm(0)

    monkeypatch.setattr(cli, "_engine", engine)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a third of the time
    before = signal.signal(signal.SIGALRM, too_long)
    yield run
    signal.signal(signal.SIGALRM, before)


def put_link(path: Path, outside: Path, rng: random.Random) -> None:
    aims = [outside, outside / "a.json", outside / "new", outside / "anat", "../outside", "../study", ".", "/"]
    path.symlink_to(rng.choice(aims))


def put_hard_link(path: Path, outside: Path, rng: random.Random) -> None:
    os.link(outside / rng.choice(["a.json", "sub-00000.json"]), path)


def put_pipe(path: Path, outside: Path, rng: random.Random) -> None:
    os.mkfifo(path)


def put_socket(path: Path, outside: Path, rng: random.Random) -> None:
    with socket.socket(socket.AF_UNIX) as end, suppress(OSError):  # of a path too long for one
        end.bind(str(path))


def put_folder(path: Path, outside: Path, rng: random.Random) -> None:
    (path / "in it").mkdir(parents=True)


def put_sparse(path: Path, outside: Path, rng: random.Random) -> None:
    path.touch()
    os.truncate(path, 30_000_000_000)


def put_bytes(path: Path, outside: Path, rng: random.Random) -> None:
    contents = [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 200_000, b"0" * 5000, b'{"files": 3}', b"null"]
    path.write_bytes(rng.choice(contents))


def put_record(path: Path, outside: Path, rng: random.Random) -> None:
    """A record whose parts are exchanged for others."""
    paths = [
        *(str(outside / "a.json"), "../outside/a.json", "sub-00000/../../outside/a.json"),
        *("", ".", "..", "/", "a\0b", "a\nb", "sub-00000", "tissue_volumes.tsv"),
        *("../study/sub-00000/anat/sub-00000_T1w.nii", "sub-00000/anat/../../../outside/sub-00000_dseg.nii.gz"),
        *("sub-00000/anat/sub-00000_dseg.nii.gz", "sub-00001/anat/sub-00001_dseg.nii.gz"),
    ]
    values = [
        None,
        True,
        1,
        -1.5,
        1e308,
        float("nan"),
        10**400,
        FORMULA,
        "\x1b]0;x\x07",
        [],
        [FORMULA],
        {"GM": FORMULA},
    ]
    stored = sound_record()
    for _ in range(rng.randint(0, 3)):
        where = rng.choice([stored, stored["record"], stored["record"], stored["of"]])
        if isinstance(where, dict):
            where[rng.choice(list(where))] = rng.choice(values)
    listed = rng.sample(paths, 5)
    stored["files"] = rng.choice(
        [dict.fromkeys(listed, 16), dict.fromkeys(listed, 16), listed, [listed], FORMULA, None]
    )
    path.write_text(json.dumps(stored))


def sound_record() -> dict:
    """As the stub's run leaves it."""
    record = {
        "failure": None, "is_final": True, "contrast": "T1w", "contrast_confidence": 0.99, "mask_confidence": 0.9,
        "mask_doubtful": False, "volumes_ml": {"GM": 1.0, "WM": 1.0, "CSF": 1.0},
        "volume_intervals_ml": {tissue: [0.9, 1.1] for tissue in ("GM", "WM", "CSF")},
        "fractions": {"GM": 0.4, "WM": 0.4, "CSF": 0.2}, "brain_ml": 1500.0, "quality": {"cjv": 0.5}, "warnings": [],
        "abnormal": None, "abnormal_sought": True,
        "verdict": "Fine.", "level": "GOOD", "findings": [], "several": "",
    }  # fmt: skip
    source = "sub-00000/anat/sub-00000_T1w.nii"
    return {"of": {"source": source}, "source": source, "record": record}


KINDS = (put_link, put_link, put_hard_link, put_pipe, put_socket, put_folder, put_sparse, put_bytes)


def tampered(template: Path, folder: Path, rng: random.Random) -> None:
    """A copy of the template in whose results some things are exchanged."""
    shutil.copytree(template, folder)
    out, outside = folder / "out", folder / "outside"
    for _ in range(rng.randint(1, 4)):
        path, kind = rng.choice([*out.rglob("*"), *(out / derivatives.OWN).glob("*")]), rng.choice(KINDS)
        if rng.random() < 0.4:
            path, kind = out / derivatives.RECORDS / rng.choice(["sub-00000.json", "sub-00009.json"]), put_record
        with suppress(OSError):  # another thing was put into its way
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path)
            kind(path, outside, rng)


@pytest.fixture
def copy(template, tmp_path):
    """The template once more, to be tampered with."""
    return Path(shutil.copytree(template, tmp_path / "copy"))


def store(folder: Path, name: str, **parts: object) -> None:
    """Put a record into the results."""
    (folder / "out" / derivatives.RECORDS / f"{name}.json").write_text(json.dumps({**sound_record(), **parts}))


def test_paths_that_a_record_lists_are_not_followed(copy, run):
    out, scan = copy / "out", copy / "study/sub-00000/anat/sub-00000_T1w.nii"
    of_another, by_hand = "sub-00001/anat/sub-00001_dseg.nii.gz", "sub-00000/anat/sub-00000_acq-hr_dseg.nii.gz"
    shutil.rmtree(out / "sub-00000/anat")
    for name in (by_hand, of_another):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(b"not of this scan")
    outside = [copy / "outside/a.json", "../outside/a.json", "sub-00000/anat/../../../outside/sub-00000_dseg.nii.gz"]
    listed = [*outside, scan, "../study/sub-00000/anat/sub-00000_T1w.nii", of_another, by_hand, "logs", ".", ""]
    store(copy, "sub-00000", files=dict.fromkeys(map(str, listed), 16))
    before = state(copy / "outside"), state(copy / "study")
    assert run(copy, "--participant-label", "00000") == cli.DONE
    assert (state(copy / "outside"), state(copy / "study")) == before
    assert (out / by_hand).read_bytes() == (out / of_another).read_bytes() == b"not of this scan"


@pytest.mark.parametrize("part", [".mriseg", ".mriseg/unfinished", ".mriseg/records", ".mriseg/locks", "logs"])
def test_a_folder_of_ours_that_is_a_link_is_refused_before_anything_is_done(copy, run, part, capsys):
    path = copy / "out" / part
    shutil.rmtree(path, ignore_errors=True)
    path.symlink_to(copy / "outside")
    before, results = state(copy / "outside"), state(copy / "out")
    assert run(copy) == cli.BAD_USAGE
    assert f"{part} in the folder of results is a link" in capsys.readouterr().err
    assert (state(copy / "outside"), state(copy / "out")) == (before, results)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("part", [".mriseg", ".mriseg/records", ".mriseg/locks/sub-00000"])
def test_what_belongs_to_another_user_is_refused(copy, run, part, capsys):
    os.chown(copy / "out" / part, 12345, 12345)
    (copy / "study/sub-00000/anat/sub-00000_T1w.nii").write_bytes(b"another scan")
    assert run(copy) == (cli.A_SCAN_FAILED if "locks/" in part else cli.BAD_USAGE)
    assert f"{part} in the folder of results belongs to another user" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_what_a_lock_points_to_is_left_as_it_is(copy, run, kind, capsys):
    lock, aim = copy / "out/.mriseg/locks/sub-00000", copy / "outside/a.json"
    lock.unlink()
    if kind == "link":
        lock.symlink_to(aim)
    elif kind == "pipe":
        os.mkfifo(lock)
    else:
        os.link(aim, lock)
    before = state(copy / "outside")
    assert run(copy) == (cli.DONE if kind == "hard link" else cli.A_SCAN_FAILED)
    assert state(copy / "outside") == before
    assert ("no ordinary file" in capsys.readouterr().err) == (kind != "hard link")


def test_a_folder_of_a_scan_that_is_a_link_fails_that_scan_alone(copy, run, capsys):
    shutil.rmtree(copy / "out/sub-00000")
    (copy / "out/sub-00000").symlink_to(copy / "outside")
    for name in ("sub-00000", "sub-00001"):
        (copy / f"study/{name}/anat/{name}_T1w.nii").write_bytes(b"another scan")
    before = state(copy / "outside")
    assert run(copy) == cli.A_SCAN_FAILED
    assert state(copy / "outside") == before
    errors = capsys.readouterr().err
    assert "sub-00000 in the folder of results is a link" in errors
    assert "sub-00001: done" in errors


@pytest.mark.parametrize("name", ["sub-00000/anat/sub-00000_dseg.nii.gz", "README.md"])
def test_what_no_record_lists_is_kept_unless_asked(copy, run, name, capsys):
    shutil.rmtree(copy / "out")
    file = copy / "out" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"by hand")
    assert run(copy) == (cli.BAD_USAGE if name == "README.md" else cli.A_SCAN_FAILED)
    assert f"{name} lies in OUT_DIR and no record says" in capsys.readouterr().err
    assert file.read_bytes() == b"by hand"
    assert run(copy, "--overwrite") == cli.DONE
    assert file.read_bytes() != b"by hand"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", '"=', "\t=", "\0=", "＝"])
def test_a_record_puts_no_formula_into_the_table(copy, run, sign):
    formula = f'{sign}HYPERLINK("http://example.org")'
    record = sound_record()["record"]
    finding = {"code": "noisy", "level": "CARE", "text": formula, "action": ""}
    for name, changed in (("sub-00007", {"failure": formula}), ("sub-00008", {"findings": [finding]})):
        store(copy, name, record={**record, **changed}, files={})
    store(copy, "sub-00009", record={**record, "volumes_ml": {"GM": formula, "WM": 1, "CSF": 1}}, files={})
    assert run(copy) == cli.DONE
    text = (copy / "out" / derivatives.TABLE).read_text(encoding="utf-8")
    lines = {line.split("\t")[2]: line.split("\t") for line in text.splitlines()}
    assert "HYPERLINK" in "".join(lines["sub-00007"]) + "".join(lines["sub-00008"])
    assert "sub-00009" not in lines  # a volume that is no number is none of ours
    assert len({len(line) for line in lines.values()}) == 1
    risky = ("=", "+", "@", "＝", '"')
    assert not any(cell.startswith(risky) or cell.startswith("-HYPER") for line in lines.values() for cell in line)
    assert text.isprintable() or set(text) <= {*filter(str.isprintable, text), "\t", "\n"}


@pytest.mark.parametrize("has_descriptors", [True, False])
@pytest.mark.slow
def test_whatever_lies_in_the_results_nothing_outside_changes(template, run, tmp_path, monkeypatch, has_descriptors):
    monkeypatch.setattr(confined, "HAS_DESCRIPTORS", has_descriptors)
    for draw in range(DRAWS):
        folder = tmp_path / str(draw)
        tampered(template, folder, random.Random(draw))
        before = state(folder / "outside"), state(folder / "study")
        status = run(folder, *(["--overwrite"] if draw % 3 == 0 else []))
        assert (state(folder / "outside"), state(folder / "study")) == before, draw
        assert status in (cli.DONE, cli.A_SCAN_FAILED, cli.BAD_USAGE), draw
        table = folder / "out" / derivatives.TABLE
        if status != cli.BAD_USAGE and table.is_file():
            cells = [cell for line in table.read_text().splitlines() for cell in line.split("\t")]
            assert not any(cell.startswith(("=", "@", "+")) for cell in cells), draw
        shutil.rmtree(folder)
