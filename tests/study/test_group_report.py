import json
import time
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

import numpy as np
import pytest

from mriseg import Tissue
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import Contrast
from mriseg.core.version import DISCLAIMER
from mriseg.study import group_report
from mriseg.study.record import Record
from mriseg.study.table import Row
from tests.study.test_table import changed, record, study

HOSTILE = "sub-01\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
VOID = {"meta", "img", "path", "rect", "input", "br"}


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its words by the id of the section they stand in."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, str] = {}
        self.json = ""
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        assert self._open == []  # every element is closed

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self._open.append((tag, attributes.get("id") or (self._open[-1][1] if self._open else "")))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data):
        tag, section = self._open[-1] if self._open else ("", "")
        if tag == "script":
            self.json += data if section == "study" else ""
        elif tag != "style":
            self.words[section] = self.words.get(section, "") + data

    def links(self, tag: str, attribute: str) -> list[str]:
        return [found[attribute] for name, found in self.tags if name == tag and found.get(attribute)]

    @property
    def study(self):
        return json.loads(self.json)


def pictures(rows: list[Row]) -> dict[str, str]:
    return {row.name: f"{row.name}/figures/{row.name}.jpg" for row in rows if row.record.failure is None}


def page(rows: list[Row], settings=None, links=None) -> Page:
    return Page(group_report.html(rows, settings, pictures(rows) if links is None else links))


def test_an_outlier_is_listed_first_with_its_value_and_linked_to_its_picture():
    rows = study()
    rows[11] = changed(rows[11], snrd_total=8.0)
    found = page(rows)
    median = np.median([row.record.quality["snrd_total"] for row in rows])
    assert f"signal to noise against air (SNRd) 8.0 (median {median:.1f})" in found.words["flagged"]
    assert "sub-11" in found.words["flagged"]
    assert "sub-12" not in found.words["flagged"]
    marks = [attributes for tag, attributes in found.tags if tag == "path" and attributes.get("class") == "apart"]
    assert len(marks) == 1
    plotted = [a for tag, a in found.tags if tag == "a" and (a.get("aria-label") or "").startswith("sub-11: 8.0")]
    assert [a["href"] for a in plotted] == ["./sub-11/figures/sub-11.jpg"]
    assert found.study["flagged"] == [11]


def test_the_worst_is_listed_first_and_a_common_finding_sets_no_scan_apart():
    rows = study()
    thick = Finding(FindingCode.THICK_SLICES, Level.CARE, "So.")
    cut = Finding(FindingCode.PARTIAL_BRAIN, Level.CARE, "The top is cut.")
    noise = Finding(FindingCode.TOO_NOISY, Level.NOT, "Too noisy.")
    doubtful = Finding(FindingCode.MASK_DOUBTFUL, Level.NOT, "It may be none.")
    rows = [replace(row, record=replace(row.record, level=Level.CARE, findings=(thick,))) for row in rows]
    rows[3] = replace(rows[3], record=replace(rows[3].record, findings=(thick, cut)))
    rows[20] = replace(rows[20], record=replace(rows[20].record, level=Level.NOT, findings=(noise,)))
    rows[8] = replace(
        rows[8], record=replace(rows[8].record, level=Level.NOT, mask_doubtful=True, findings=(doubtful, thick))
    )
    rows[9] = replace(rows[9], record=replace(rows[9].record, contrast=Contrast.T2))
    found = page(rows)
    assert sorted(found.study["flagged"]) == [3, 8, 9, 20]
    assert set(found.study["flagged"][:2]) == {8, 20}
    words = found.words["flagged"]
    assert "Thick slices (29 of 30)" in words
    assert "Part of a brain: The top is cut." in words
    assert words.count("Thick slices: So.") == 1  # of the scan that cannot be used everything is told
    assert "It looks T2-weighted; most scans of the study look T1-weighted." in words
    assert "Brain outline: It may be none." in words


def test_failures_are_gathered_by_their_reasons():
    rows = study(10)
    rows += [Row(f"sub-x{n}", "x", Record("x", "It is cut short." if n else "It is <no> head.")) for n in range(3)]
    found = page(rows)
    assert "2 scans: sub-x1, sub-x2" in found.words["failed"]
    assert "It is <no> head." in found.words["failed"]
    assert "10 segmented3 failed" in found.words[""]


def test_names_and_reasons_are_text_whatever_they_hold():
    rows = study(10)
    rows[0] = replace(changed(rows[0], snrd_total=8.0), name=HOSTILE)
    hostile = Finding(FindingCode.TOO_NOISY, Level.NOT, HOSTILE)
    rows[1] = Row(f"{HOSTILE}2", HOSTILE, Record("x", f"{HOSTILE}</script><!--"))
    rows[2] = replace(rows[2], record=replace(rows[2].record, level=Level.NOT, findings=(hostile,)))
    html = group_report.html(rows, {"mask": HOSTILE}, pictures(rows))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("<script") == html.count("</script") == 2  # the data and the program
    found = Page(html)
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert HOSTILE in found.words["flagged"]
    assert HOSTILE in found.words["failed"]
    assert [scan[0] for scan in found.study["scans"]][:2] == [HOSTILE, f"{HOSTILE}2"]


@pytest.mark.parametrize(
    "path", ["a b/ü%20#?.jpg", "javascript:alert(1)", "//elsewhere.example/x.jpg", '"><b>', "\\\\host\\x", "\udcff.jpg"]
)
def test_links_stay_beside_the_report(path):
    rows = study(10)
    rows[0] = changed(rows[0], snrd_total=8.0)
    found = page(rows, links={rows[0].name: path})
    base = "file:///study/out/group_report.html"
    hrefs = {*found.links("img", "src"), *(link for link in found.links("a", "href") if not link.startswith("#"))}
    hrefs |= {scan[1] for scan in found.study["scans"] if scan[1]}
    assert len(hrefs) == 1
    (href,) = hrefs
    assert urljoin(base, href).startswith("file:///study/out/")
    assert unquote(href[2:], errors="surrogateescape") == path


def test_the_page_asks_for_nothing_from_elsewhere_and_only_its_own_script_may_run():
    rows = study()
    rows[0] = changed(rows[0], snrd_total=8.0)
    html = group_report.html(rows, None, pictures(rows))
    found = Page(html)
    assert "http" not in html.replace("http-equiv", "")
    assert not found.links("script", "src")
    assert not found.links("link", "href")
    policy = next(a["content"] for tag, a in found.tags if tag == "meta" and a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert all(a.get("loading") == "lazy" for tag, a in found.tags if tag == "img" and a.get("src"))


def test_equal_rows_give_equal_text():
    settings = {"contrast": "auto", "margin": 0.5, "pixel_size": None, "correct_bias": True}
    first, second = (group_report.html(study(), settings, pictures(study())) for _ in range(2))
    assert first == second
    assert "margin:0.5" in Page(first).words["settings"]
    assert "correct bias:yes" in Page(first).words["settings"]


def test_it_says_what_it_is_and_that_it_is_no_medical_device():
    html = group_report.html(study(), None, {})
    assert DISCLAIMER in html
    assert "Brain tissue in a study of 30 scans" in html
    assert "No scan stands out." in html


@pytest.mark.parametrize("count", [1, 3, 7])
def test_of_few_scans_a_report_is_made_all_the_same(count):
    rows = study(count)
    rows[0] = changed(rows[0], snrd_total=1.0)
    found = page(rows)
    assert len(found.study["scans"]) == count
    assert found.study["flagged"] == []
    assert "none is said to lie apart" in found.words["distributions"]


def test_a_study_of_failures_alone_has_no_distributions():
    rows = [Row(f"sub-{n}", "x", Record("x", "It is cut short.")) for n in range(3)]
    found = page(rows)
    assert "distributions" not in found.words
    assert found.study["columns"] == []
    assert {found.study["texts"][scan[6][0]] for scan in found.study["scans"]} == {"It is cut short."}


def test_scans_without_volumes_or_air_have_the_figures_they_have():
    rows = study(10)
    rows[0] = replace(rows[0], record=replace(rows[0].record, volumes_ml=None, volume_intervals_ml=None, brain_ml=None))
    rows[1] = changed(rows[1], snrd_total=float("nan"))
    found = page(rows)
    titles = [column["title"] for column in found.study["columns"]]
    values = [scan[4] for scan in found.study["scans"]]
    assert values[0][titles.index("Gray matter, mL")] is None
    assert values[1][titles.index("Signal to noise against air (SNRd)")] is None
    expected = rows[2].record.volumes_ml[Tissue.GM]
    assert values[2][titles.index("Gray matter, mL")] == pytest.approx(expected, abs=0.5)


def test_ten_thousand_scans_fit_into_a_page():
    rng = np.random.default_rng(0)
    codes = (FindingCode.NOISY, FindingCode.MOSTLY_MIXED, FindingCode.THICK_SLICES)
    says = "A sentence of the length that such sentences have, with a number."
    findings = tuple(Finding(code, Level.CARE, says) for code in codes)
    of_each = (FindingCode.UNUSUAL_SIZE, FindingCode.UNUSUAL_RATIO, FindingCode.PARTIAL_BRAIN)
    sizes = [Finding(of_each[n % 3], Level.NOT, f"It measures {n} mL.") for n in range(10_000)]
    rows = [
        Row(f"sub-{n:05}_ses-1_run-1", "x", record(rng, findings=(*findings, size))) for n, size in enumerate(sizes)
    ]
    begun = time.process_time()
    html = group_report.html(rows, None, pictures(rows))
    assert time.process_time() - begun < 10
    assert len(html) < 15e6
    assert html.count("<article>") == group_report.MOST_LISTED
