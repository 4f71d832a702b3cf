import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriseg.core.printable import MOST_CHARACTERS, printable

ANY = st.text(st.characters(codec=None, exclude_categories=()))  # lone surrogates among them


@given(ANY, st.integers(11, 400))
def test_nothing_that_steers_or_hides_is_left_and_nothing_is_too_long(text, most):
    shown = printable(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()  # no lone surrogate
    assert printable(shown, most) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\x1b[2J\x1b]0;title\x07b", r"a\x1b[2J\x1b]0;title\x07b"),
        ("a\rmriseg: done\nmriseg: b", r"a\x0dmriseg: done\x0amriseg: b"),
        ("a\x9b31mb\x85", r"a\x9b31mb\x85"),  # the same as ESC [ in one byte
        ("scan\u202egpj.nii\u2066\u200f", r"scan\u202egpj.nii\u2066\u200f"),
        ("a\u200bb\ufeffc\u2060\u00ad", r"a\u200bb\ufeffc\u2060\xad"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\ud800x\udfff", r"\ud800x\udfff"),
        ("\U000e0041\ue000", r"\U000e0041\ue000"),
        ("a\u3164\u115f\ufe0f\u034f", r"a\u3164\u115f\ufe0f\u034f"),
        ("a" + "\u0301" * 5, "a\u0301\u0301" + r"\u0301" * 3),
        ("a\u00a0b\u3000c", r"a\xa0b\u3000c"),
    ],
)
def test_each_kind_of_sign_is_shown_by_its_code(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize(
    "name", ["sub-01_T1w.nii.gz", "Müller, Kopf (2).nii", "頭部 T1.nii", "Việt ngữ", "голова", "רֹאשׁ", "C:\\scans\\a"]
)
def test_names_of_all_scripts_stay_as_they_are(name):
    assert printable(name) == name


def test_of_a_long_name_both_ends_are_shown():
    shown = printable("start" + "x" * 10_000 + "end.nii.gz")
    assert shown.startswith("startxxx")
    assert shown.endswith("xxend.nii.gz")
    assert len(shown) <= MOST_CHARACTERS
    assert " ... " in shown
