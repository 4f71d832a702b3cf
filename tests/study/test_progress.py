"""What is said while a study goes on."""

import logging
from dataclasses import replace

import pytest

from mriseg.core.errors import WriteError
from mriseg.core.log import log_collected
from mriseg.study.bids import StudyScan
from mriseg.study.progress import shown
from mriseg.study.record import Record
from mriseg.study.run import Outcome


def outcome(name: str, failure: str | None = None, is_new: bool = True) -> Outcome:
    return Outcome(StudyScan(name, name, "anat", name, True), Record(name, failure), is_new, 2.5)


OUTCOMES = [outcome("sub-1"), outcome("sub-2", "It is a shoe."), outcome("sub-3", is_new=False)]


def test_elsewhere_than_on_a_terminal_each_scan_is_a_line_and_the_log_has_it_too(tmp_path, capfd):
    log = tmp_path / "logs" / "a.log"
    assert list(shown(OUTCOMES, 4, out=tmp_path, log="logs/a.log")) == OUTCOMES
    lines = capfd.readouterr().err.splitlines()
    assert [line.split("]")[0] for line in lines] == ["[1/4", "[2/4", "[3/4"]
    assert "sub-1: done (2.5 s)" in lines[0]
    assert "sub-2: It is a shoe." in lines[1]
    assert "sub-3: done before" in lines[2]
    assert "left" in lines[0]
    logged = log.read_text().splitlines()
    assert [line.split(" ", 2)[2].split(" (")[0] for line in logged] == [
        "sub-1: done", "sub-2: It is a shoe.", "sub-3: done before",
    ]  # fmt: skip


def test_on_a_terminal_there_is_a_bar_with_failures_and_what_was_done_before(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(shown(OUTCOMES, 3, out=tmp_path, log="a.log")) == OUTCOMES
    said = capfd.readouterr().err
    assert "3/3" in said
    assert "1 failed, 1 done before" in said
    assert "sub-2: It is a shoe." in said
    assert "[1/3]" not in said


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_name_steers_neither_terminal_nor_log(tmp_path, capfd, monkeypatch, is_terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    name = "sub-1\x1b[2J\n\u202e\udcff"
    list(shown([outcome(name, "It is a shoe.")], 1, out=tmp_path, log="a.log", quiet=True))
    said = r"sub-1\x1b[2J\x0a\u202e\xff: It is a shoe."
    assert said in capfd.readouterr().err
    (line,) = (tmp_path / "a.log").read_text().splitlines()
    assert said in line


@pytest.mark.parametrize("is_terminal", [True, False])
def test_quietly_only_what_failed_is_shown_and_the_log_has_all(tmp_path, capfd, monkeypatch, is_terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    assert list(shown(OUTCOMES, 3, out=tmp_path, log="a.log", quiet=True)) == OUTCOMES
    (line,) = capfd.readouterr().err.splitlines()
    assert "sub-2: It is a shoe." in line
    assert len((tmp_path / "a.log").read_text().splitlines()) == 3


def test_what_the_worker_logged_stands_before_its_line(tmp_path):
    with log_collected() as records:
        logging.getLogger("mriseg.any").error("KeyError\n  mriseg/any.py:3 in any")
    list(shown([replace(OUTCOMES[1], log=tuple(records)), OUTCOMES[0]], 2, out=tmp_path, log="a.log"))
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert lines[0].endswith("ERROR mriseg.any: KeyError")
    assert lines[1] == "  mriseg/any.py:3 in any"
    assert "sub-2: It is a shoe." in lines[2]
    assert "sub-1" in lines[3]


def test_it_is_written_as_it_happens(tmp_path):
    log = tmp_path / "a.log"
    going_on = shown(iter(OUTCOMES), 3, out=tmp_path, log="a.log")
    next(going_on)
    assert "sub-1" in log.read_text()


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(WriteError, match="log"):
        next(shown(OUTCOMES, 3, out=tmp_path, log="logs/a.log"))


def test_a_study_goes_on_though_nobody_listens_and_the_log_is_full(tmp_path, monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stderr", Gone())
    assert list(shown(OUTCOMES, 3, out=tmp_path, log="a.log")) == OUTCOMES
