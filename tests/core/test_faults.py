"""What the log says of an error: enough to find the fault, and nothing of what was at work."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from mriseg.core.errors import ReadError
from mriseg.core.faults import TOO_LITTLE_MEMORY, UNFORESEEN, explain, fault_text

NAME = "DOE^JANE_19700101.nii"
logger = logging.getLogger("mriseg.test")


def caught(raises) -> BaseException:
    try:
        raises()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fails_in_a_library():
    upload = NAME
    np.linalg.inv(np.zeros((2, 2))), upload


def fails_with_a_name():
    raise KeyError(NAME)


def fails_while_another_is_told():
    try:
        fails_with_a_name()
    except KeyError as error:
        raise OSError(2, "No such file", NAME) from error


def fails_while_another_is_handled():
    try:
        fails_with_a_name()
    except KeyError:
        fails_in_a_library()


def test_where_a_library_failed_is_told_by_file_line_and_function():
    text = fault_text(caught(fails_in_a_library))
    assert text.startswith("numpy.linalg.LinAlgError\n")
    assert "  numpy/linalg/" in text
    assert " in inv" in text


@pytest.mark.parametrize(
    "fails", [fails_in_a_library, fails_with_a_name, fails_while_another_is_told, fails_while_another_is_handled]
)
def test_no_name_of_an_upload_and_no_path_of_this_machine_comes_in(fails):
    text = fault_text(caught(fails))
    assert "DOE" not in text
    assert "1970" not in text
    assert not any(line.strip().startswith("/") for line in text.splitlines())


def test_code_that_lies_beside_an_upload_is_not_named(tmp_path):
    code = compile("def of_jane_doe():\n    raise ValueError('x')\n", str(tmp_path / "jane_doe.py"), "exec")
    names: dict = {}
    exec(code, names)
    assert fault_text(caught(names["of_jane_doe"])) == "ValueError\n  elsewhere"


@pytest.mark.parametrize("fails", [fails_while_another_is_told, fails_while_another_is_handled])
def test_what_led_to_an_error_is_told_before_it(fails):
    first, second = fault_text(caught(fails)).split("\nwhich led to\n")
    assert first.startswith("KeyError")
    assert second.startswith(("FileNotFoundError", "numpy.linalg.LinAlgError"))


def test_errors_that_name_each_other_end():
    a, b = ValueError(NAME), TypeError(NAME)
    a.__cause__, b.__cause__ = b, a
    assert fault_text(a) == "TypeError\nwhich led to\nValueError"


def test_only_our_own_messages_are_logged_and_said(caplog):
    with caplog.at_level(logging.DEBUG, "mriseg"):
        assert explain(ReadError("The file is cut short."), logger) == "The file is cut short."
        assert explain(MemoryError(NAME), logger) == TOO_LITTLE_MEMORY
        assert explain(KeyError(NAME), logger) == UNFORESEEN.format("KeyError")
    assert [record.levelno for record in caplog.records] == [logging.DEBUG, logging.ERROR, logging.ERROR]
    assert caplog.messages == ["mriseg.core.errors.ReadError: The file is cut short.", "MemoryError", "KeyError"]


def test_a_program_that_asks_for_no_log_sees_none():
    code = (
        "import logging; from mriseg.core.faults import explain; "
        "explain(KeyError('x'), logging.getLogger('mriseg.any')); "
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
