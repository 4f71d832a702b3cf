import pytest

from mriseg.core.terminal import Parser, complain, say

STEERING = "a\x1b]0;t\x07\r\n\u202eb\udcff"
SHOWN = r"a\x1b]0;t\x07\x0d\x0a\u202eb\xff"


def test_a_line_stays_a_line_whatever_is_in_it(capsys):
    say(f"first {STEERING}", "second")
    assert capsys.readouterr() == (f"first {SHOWN}\nsecond\n", "")


def test_a_complaint_names_the_file_and_why(capsys):
    complain("It is a shoe.", STEERING)
    complain("stopped.")
    assert capsys.readouterr() == ("", f"mriseg: {SHOWN}: It is a shoe.\nmriseg: stopped.\n")


def test_a_path_of_any_length_leaves_room_for_the_reason(capsys):
    complain("It is a shoe.", "/deep" * 2000)
    assert capsys.readouterr().err.endswith("/deep: It is a shoe.\n")


def test_what_was_typed_is_repeated_as_it_can_be_printed(capsys):
    with pytest.raises(SystemExit):
        Parser(prog="mriseg").parse_args([STEERING])
    assert SHOWN in capsys.readouterr().err
