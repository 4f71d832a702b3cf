import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from mriseg import Tissue
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import Contrast
from mriseg.study.record import Record, of_result
from mriseg.study.table import COLUMNS, MOST_Z, NOT_AVAILABLE, Row, dictionary, most_z, outliers, table, z_scores


def record(rng: np.random.Generator, **changed: object) -> Record:
    """Of a usual head."""
    volumes = {tissue: float(ml * rng.normal(1, 0.05)) for tissue, ml in zip(Tissue, (700, 500, 250), strict=True)}
    usual = Record(
        "scan.nii.gz",
        contrast=Contrast.T1,
        contrast_confidence=1.0,
        mask_confidence=float(rng.uniform(0.95, 1)),
        volumes_ml=volumes,
        volume_intervals_ml={tissue: (ml - 9, ml + 9) for tissue, ml in volumes.items()},
        fractions={tissue: ml / sum(volumes.values()) for tissue, ml in volumes.items()},
        brain_ml=sum(volumes.values()),
        quality={"snrd_total": float(rng.normal(30, 2)), "efc": float(rng.normal(0.6, 0.02)), "spacing_x": 1.0},
        verdict="All automatic checks passed.",
        level=Level.GOOD,
    )
    return replace(usual, **changed)


def study(count: int = 30) -> list[Row]:
    rng = np.random.default_rng(0)
    return [Row(f"sub-{n:02}", f"sub-{n:02}/anat/sub-{n:02}_T1w.nii.gz", record(rng)) for n in range(count)]


def changed(row: Row, **quality: float) -> Row:
    return replace(row, record=replace(row.record, quality={**row.record.quality, **quality}))


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_scores_do_not_change_with_the_unit_or_the_zero():
    values = np.random.default_rng(0).normal(5, 2, 99)
    np.testing.assert_allclose(z_scores(3 * values + 7), z_scores(values))
    np.testing.assert_allclose(z_scores(-values), -z_scores(values))


def test_scores_of_a_normal_distribution_are_its_standard_deviations_whatever_a_few_far_values_are():
    rng = np.random.default_rng(1)
    values = rng.normal(10, 3, 100_000)
    values[:5000] = 1e6
    assert np.std(z_scores(values)[5000:]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("count", [8, 12, 20, 50, 200])
def test_of_normal_values_hardly_any_is_an_outlier_however_few_there_are(count):
    rng = np.random.default_rng(2)
    scores = np.abs([z_scores(rng.normal(size=count)) for _ in range(40_000 // count)])
    assert (scores > most_z(count)).mean() < 0.002
    assert (scores > most_z(count) / 2).mean() > 0.002


def test_where_most_values_are_alike_one_that_differs_stands_out_and_equal_ones_do_not():
    values = np.r_[np.ones(30), 1.2]
    scores = z_scores(values)
    assert scores[-1] > MOST_Z
    assert not scores[:-1].any()
    assert not z_scores(np.ones(9)).any()


def test_an_outlier_is_found_in_its_column_and_nowhere_else():
    rows = study()
    rows[4] = changed(rows[4], snrd_total=8.0)
    assert outliers(rows) == {"sub-04": ("snrd_total",)}


def test_only_the_bad_side_of_a_figure_of_quality_is_suspect():
    rows = study()
    rows[4], rows[5] = changed(rows[4], snrd_total=90.0), changed(rows[5], efc=0.2)
    assert outliers(rows) == {}
    rows[5] = changed(rows[5], efc=0.95)
    assert outliers(rows) == {"sub-05": ("efc",)}


def test_volumes_are_suspect_on_both_sides():
    rows = study()
    for n, ml in ((2, 150.0), (3, 1900.0)):
        rows[n] = replace(
            rows[n], record=replace(rows[n].record, volumes_ml={**rows[n].record.volumes_ml, Tissue.GM: ml})
        )
    assert outliers(rows) == {"sub-02": ("gm_ml",), "sub-03": ("gm_ml",)}


def test_what_nobody_could_see_sets_no_scan_apart():
    rows = study()
    rows[0] = changed(rows[0], spacing_x=1.000001)
    rows[1] = replace(rows[1], record=replace(rows[1].record, contrast_confidence=0.995))
    assert outliers(rows) == {}
    rows[0] = changed(rows[0], spacing_x=1.2)
    rows[1] = replace(rows[1], record=replace(rows[1].record, contrast_confidence=0.7))
    assert outliers(rows) == {"sub-00": ("spacing_x",), "sub-01": ("contrast_confidence",)}


def test_of_few_scans_none_lies_apart_and_failures_do_not_count():
    rows = study(7)
    rows[0] = changed(rows[0], snrd_total=1.0)
    rows += [Row(f"sub-f{n}", "x", Record("x", "It is cut short.")) for n in range(9)]
    assert outliers(rows) == {}


def test_a_value_that_is_no_number_is_left_out():
    rows = study()
    rows[3] = changed(rows[3], efc=float("nan"), snrd_total=float("inf"))
    assert outliers(rows) == {}


def test_the_table_holds_every_figure_exactly_and_says_what_is_not_available():
    rows = study(3)
    rows[1] = Row("sub-01_ses-2", "x", Record("x", "It is\tcut\nshort."))
    found = cells(table(rows))
    assert [line["scan"] for line in found] == ["sub-00", "sub-01_ses-2", "sub-02"]
    for line, row in zip(found, rows, strict=True):
        for column in COLUMNS:
            value = column.value(row.record)
            assert line[column.name] == NOT_AVAILABLE if value is None else float(line[column.name]) == value
    assert found[0]["status"] == "done"
    assert found[0]["reason"] == found[0]["session_id"] == found[0]["outliers"] == NOT_AVAILABLE
    assert found[1]["status"] == "failed"
    assert found[1]["reason"] == "It is cut short."
    assert (found[1]["participant_id"], found[1]["session_id"]) == ("sub-01", "ses-2")


def test_the_table_names_verdict_doubts_and_outliers():
    rows = study()
    rows[4] = changed(rows[4], snrd_total=8.0)
    doubts = (
        Finding(FindingCode.NOISY, Level.CARE, "It is noisy.", "Scan anew."),
        Finding(FindingCode.MOSTLY_MIXED, Level.CARE, "Many are mixed."),
    )
    rows[5] = replace(rows[5], record=replace(rows[5].record, level=Level.CARE, findings=doubts))
    found = cells(table(rows))
    assert found[4]["outliers"] == "snrd_total"
    assert found[5]["verdict"] == "CARE"
    assert found[5]["doubts"] == "Noise: It is noisy. Scan anew. Partial volume: Many are mixed."


def test_every_line_has_every_column_and_the_dictionary_explains_each():
    lines = table(study(2)).splitlines()
    heads = lines[0].split("\t")
    assert len(set(heads)) == len(heads)
    assert {len(line.split("\t")) for line in lines} == {len(heads)}
    words = json.loads(dictionary())
    assert list(words) == heads
    assert all(entry["Description"].endswith((".", ")")) for entry in words.values())


def test_names_of_columns_do_not_clash():
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)


def test_no_abnormal_tissue_is_none_only_where_it_was_looked_for(with_lesion):
    figures = {column.name: column.value for column in COLUMNS if column.name.startswith("lesion_")}
    found = of_result("a", with_lesion[1])
    abnormal = found.abnormal
    expected = {
        "lesion_ml": abnormal.volume_ml,
        "lesion_ml_low": abnormal.interval_ml[0],
        "lesion_ml_high": abnormal.interval_ml[1],
        "lesion_share": abnormal.share,
        "lesion_parts": abnormal.parts,
    }
    assert {name: value(found) for name, value in figures.items()} == expected
    nothing = replace(found, abnormal=None)
    assert {figures[name](nothing) for name in ("lesion_ml", "lesion_share", "lesion_parts")} == {0}
    assert figures["lesion_ml_low"](nothing) is None
    not_sought = replace(nothing, abnormal_sought=False)
    assert {value(not_sought) for value in figures.values()} == {None}
