"""Which scans of a study are looked at first, told by codes and figures."""

from dataclasses import replace

import pytest

from mriseg.core.findings import Finding, FindingCode, Level, Topic
from mriseg.core.tissue import Contrast
from mriseg.study.flags import common_topics, judge, shown_column
from mriseg.study.record import Record
from mriseg.study.table import COLUMNS, LEAST_SCANS, Row
from tests.study.test_table import changed, study

NOISY = Finding(FindingCode.NOISY, Level.CARE, "It is noisy.")
TOO_NOISY = Finding(FindingCode.TOO_NOISY, Level.NOT, "It is too noisy.")
THICK = Finding(FindingCode.THICK_SLICES, Level.CARE, "They are thick.")


def having(row: Row, *findings: Finding, **changes: object) -> Row:
    level = max((finding.level for finding in findings), default=Level.GOOD)
    return replace(row, record=replace(row.record, findings=findings, level=level, **changes))


def judged(rows, common=()):
    return judge(rows, [each for column in COLUMNS if (each := shown_column(column, rows))], common)


def test_a_topic_is_common_where_most_scans_have_it_by_whichever_code():
    rows = study(20)
    rows = [having(row, TOO_NOISY if n % 2 else NOISY, *([THICK] if n < 10 else [])) for n, row in enumerate(rows)]
    assert common_topics(rows) == {Topic.NOISE: 20}  # of thick slices it is half, not most
    assert common_topics([having(row, NOISY, NOISY) for row in rows]) == {Topic.NOISE: 20}  # one scan counts once


def test_of_few_scans_nothing_is_common():
    rows = [having(row, THICK) for row in study(LEAST_SCANS)]
    assert common_topics(rows) == {Topic.THICKNESS: LEAST_SCANS}
    assert common_topics(rows[1:]) == {}


def test_what_is_common_is_no_reason_unless_the_scan_cannot_be_used():
    rows = study(10)
    rows[0], rows[1] = having(rows[0], NOISY), having(rows[1], TOO_NOISY, THICK)
    apart = judged(rows, {Topic.NOISE, Topic.THICKNESS})
    assert apart[0].reasons == ()
    assert apart[1].reasons == ("Noise: It is too noisy.", "Thick slices: They are thick.")
    assert judged(rows)[0].reasons == ("Noise: It is noisy.",)
    assert apart[1].rank > apart[0].rank


def test_a_certainty_is_never_shown_as_full():
    certain = {"mask_confidence": 1.0, "contrast_confidence": 0.9999}
    rows = [having(changed(row, mean_posterior=1.0), **certain) for row in study(3)]
    shown = {column.name: shown_column(column, rows) for column in COLUMNS}
    for name in (*certain, "mean_posterior"):
        assert shown[name].values == [99.0] * 3


def test_another_contrast_than_most_and_a_figure_apart_are_reasons_with_the_median():
    rows = study(30)
    rows[4] = having(rows[4], contrast=Contrast.FLAIR)
    rows[7] = changed(rows[7], snrd_total=8.0)
    apart = judged(rows)
    assert apart[4].reasons == ("It looks FLAIR; most scans of the study look T1-weighted.",)
    (reason,) = apart[7].reasons
    assert apart[7].apart == ("snrd_total",)
    assert reason.startswith("Apart from the other scans: signal to noise against air (SNRd) 8.0 (median ")


def test_a_scan_that_failed_is_not_judged():
    rows = [*study(10), Row("sub-x", "x", Record("x", "It is a shoe."))]
    assert judged(rows)[-1].reasons == ()


@pytest.mark.parametrize(("name", "text"), [("mask_confidence", "50.0%"), ("gm_ml", "700\u00a0mL")])
def test_a_column_is_shown_in_its_unit_and_without_failed_scans(name, text):
    column = next(column for column in COLUMNS if column.name == name)
    rows = [*study(10), Row("sub-x", "x", Record("x", "It is a shoe."))]
    shown = shown_column(column, rows)
    assert shown.values[-1] is None
    assert shown.text(50.0 if name == "mask_confidence" else 700.0) == text
    assert shown_column(column, rows[-1:]) is None
