"""The codes: each says something of its own, and what becomes a file comes back."""

import json
import re
from pathlib import Path

from mriseg.core.findings import ASPECTS, WARNING_CODES, Aspect, Finding, FindingCode, Level, Topic


def test_codes_are_short_words_that_differ_and_meanings_are_sentences():
    assert len({code.value for code in FindingCode}) == len({code.meaning for code in FindingCode}) == len(FindingCode)
    for code in FindingCode:
        assert re.fullmatch("[a-z]+(-[a-z]+)*", code.value)
        assert re.fullmatch(r"[A-Z].*\w\.", code.meaning)
        assert FindingCode.__members__[code.value.replace("-", "_").upper()] is code


def test_no_warning_is_listed_twice():
    assert len(set(WARNING_CODES)) == len(WARNING_CODES)


def test_a_finding_says_what_and_then_what_to_do():
    finding = Finding(FindingCode.THICK_SLICES, Level.CARE, "They are 5 mm thick.", "Scan anew.")
    assert finding.text == "They are 5 mm thick. Scan anew."
    assert finding.titled_text == "Thick slices: They are 5 mm thick. Scan anew."
    assert Finding(FindingCode.INVERTED, Level.CARE, "It is inverted.").text == "It is inverted."


def test_a_file_holds_the_code_and_the_level_as_words():
    plain = Finding(FindingCode.TOO_NOISY, Level.NOT, "It is noisy.", "Scan anew.").to_plain()
    assert json.loads(json.dumps(plain)) == {"code": "too-noisy", "level": "NOT", "text": "It is noisy. Scan anew."}


def test_every_code_is_documented_with_its_meaning():
    rows = [
        f"| `{code.value}` | {code.topic} | {code.meaning} | {'yes' if code in WARNING_CODES else ''} |"
        for code in FindingCode
    ]
    text = (Path(__file__).parents[2] / "docs" / "findings.md").read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `")] == rows


def test_every_topic_belongs_to_an_aspect_and_every_aspect_has_topics():
    assert set(ASPECTS) == set(Topic)
    assert set(ASPECTS.values()) == set(Aspect)
