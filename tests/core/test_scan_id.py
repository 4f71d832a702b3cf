"""What of a typed name may stand in the name of a file."""

import re

import pytest

from mriseg.core.scan_id import LONGEST, clean_scan_id


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("P017_v.2", "P017_v.2"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("", ""),
        ("ä ö", ""),
        ("-a-", "a"),
    ],
)
def test_what_is_no_letter_digit_or_mark_is_left_out(typed, cleaned):
    assert clean_scan_id(typed) == cleaned


def test_whatever_is_typed_it_is_short_and_harmless_and_cleaning_it_again_changes_nothing():
    for typed in ("x" * 200, "<b>&\"'", "a\nb\0c", "x" * (LONGEST - 1) + "..y"):
        cleaned = clean_scan_id(typed)
        assert re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|", cleaned)
        assert len(cleaned) <= LONGEST
        assert clean_scan_id(cleaned) == cleaned
