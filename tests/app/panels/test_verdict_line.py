"""The verdict as HTML: one line, five groups of reasons, buttons that say where to look."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mriseg import Contrast
from mriseg.app import texts
from mriseg.app.panels.verdict_line import verdict_html
from mriseg.core.findings import Aspect, Finding, FindingCode, Level
from mriseg.segmentation.verdict import HEADLINES


class Parsed(HTMLParser):
    """Text, tags and buttons of a verdict."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.text, self.targets, self.labels, self.titles, self.line = [], "", [], [], [], ""
        self._open = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._open.append(tag)
        if tag == "button":
            given = dict(attrs)
            self.targets.append(json.loads(given["data-mriseg-go"]))
            self.labels.append(given["aria-label"])

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, data):
        self.text += data
        if "summary" in self._open:
            self.line += data
        if self._open[-2:] == ["dt", "strong"]:
            self.titles.append(data)


@pytest.fixture(scope="module")
def sound(segmented):
    return segmented(Contrast.T1)


def doubted(result, *findings):
    return replace(result, findings=findings)


def test_the_line_says_how_far_and_the_five_groups_why(sound):
    parsed = Parsed(verdict_html(sound, {}))
    assert HEADLINES[max(finding.level for finding in sound.findings)] in parsed.line
    assert parsed.titles == [aspect.value for aspect in Aspect]
    assert all(finding.text in parsed.text for finding in sound.findings)


def test_a_doubt_is_named_in_the_line_and_shown_at_its_place(sound):
    noise = Finding(FindingCode.TOO_NOISY, Level.NOT, "It is too noisy.", "Scan anew.")
    outline = Finding(FindingCode.MASK_UNSURE, Level.CARE, "It may be wrong.")
    parsed = Parsed(verdict_html(doubted(sound, noise, outline), {FindingCode.MASK_UNSURE: (1, 2, 3)}))
    assert parsed.line.startswith("✕" + HEADLINES[Level.NOT])
    assert texts.TO_CHECK.format("Noise, Brain outline") in parsed.line
    assert {"voxel": [1, 2, 3], "layer": "mask", "outline": True} in parsed.targets
    assert {"voxel": None, "layer": "corrected", "outline": False} in parsed.targets
    assert f"{texts.SHOW_REASON}: {noise.text}" in parsed.labels  # buttons that are read aloud one by one differ
    assert texts.LEVELS["NOT"] in parsed.text


def test_of_the_fit_the_histogram_is_shown(sound):
    missed = Finding(FindingCode.HISTOGRAM_MISSED, Level.CARE, "They do not follow.")
    (target,) = [t for t in Parsed(verdict_html(doubted(sound, missed), {})).targets if t.get("histogram")]
    assert target["layer"] == "segmented"
    good = Parsed(verdict_html(doubted(sound), {})) if sound.findings == () else Parsed(verdict_html(sound, {}))
    assert {"histogram": True} in good.targets
    explained = texts.FIT_EXPLAINED.format(f"{100 * (1 - sound.quality['misfit']):.0f} %")
    assert explained in good.text


def test_markup_in_a_sentence_stays_text(sound):
    hostile = Finding(FindingCode.CONTRAST_NOT_AS_STATED, Level.CARE, 'The header says "><script>alert(1)</script>')
    html = verdict_html(doubted(sound, hostile), {})
    assert "<script" not in html
    assert hostile.text in Parsed(html).text
