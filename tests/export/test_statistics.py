import json
from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue, segment
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.datasets.phantom import simulate
from mriseg.export.statistics import lookup_table, stats, volumes_table
from mriseg.segmentation.verdict import verdict


def test_the_figures_are_plain_json_and_those_of_the_result(slice_of_head):
    _, result = slice_of_head
    figures = json.loads(json.dumps(stats(result), allow_nan=False))
    assert figures["contrast"] == result.contrast.suffix
    assert figures["volumes_ml"]["GM"] == result.volumes_ml[Tissue.GM]
    assert figures["brain_ml"] == pytest.approx(sum(figures["volumes_ml"].values()))
    assert sum(figures["fractions"].values()) == pytest.approx(1)
    assert sum(figures["mixture"]["weights"]) == pytest.approx(1)
    pure_and_mixed = [*figures["mixture"]["pure_weights"], *figures["mixture"]["mixed_weights"].values()]
    assert sum(pure_and_mixed) + figures["mixture"]["outliers"] == pytest.approx(1)
    assert figures["settings"]["pixel_size"] == 2.0
    low, high = figures["volume_intervals_ml"]["GM"]
    assert low < figures["volumes_ml"]["GM"] < high
    assert figures["model_selection"] is None


@pytest.mark.parametrize("classes", [2, 4, 5, 6])
def test_the_figures_of_another_number_of_classes_are_whole_and_say_how_many_fit_best(coarse, classes):
    result = segment(simulate(coarse, Contrast.T1), Settings(classes=classes, contrast="t1"), mask=coarse.truth > 0)
    figures = json.loads(json.dumps(stats(result), allow_nan=False))
    mixture = figures["mixture"]
    assert len(mixture["means"]) == len(mixture["tissues"]) == classes
    total = sum(mixture["pure_weights"]) + sum(mixture["mixed_weights"].values()) + mixture["outliers"]
    assert total == pytest.approx(1)
    assert [row["classes"] for row in figures["model_selection"]] == [2, 3, 4, 5, 6]


def test_the_figures_hold_deep_gray_matter_where_it_has_its_own_brightness(segmented, slice_of_head):
    result = segmented(Contrast.T1)
    mixture = json.loads(json.dumps(stats(result), allow_nan=False))["mixture"]
    if result.mixture.layout.deep is None:
        assert mixture["deep_gray"] is None
    else:
        deep = mixture["deep_gray"]
        total = sum(mixture["pure_weights"]) + sum(mixture["mixed_weights"].values())
        assert total + deep["weight"] + mixture["outliers"] == pytest.approx(1)
        assert len(mixture["channel_means"]) == len(mixture["means"]) + 1
    assert stats(slice_of_head[1])["mixture"]["deep_gray"] is None


def test_the_figures_say_how_the_brain_was_found(segmented, slice_of_head):
    brain = segmented(Contrast.T1).brain
    figures = json.loads(json.dumps(stats(segmented(Contrast.T1)), allow_nan=False))
    assert figures["mask_confidence"] == brain.confidence
    assert figures["mask_doubtful"] is False
    np.testing.assert_array_equal(figures["registration"]["affine"], brain.registration.affine)
    assert json.loads(json.dumps(stats(slice_of_head[1])))["registration"] is None


def test_the_evidence_for_each_contrast_stands_beside_what_was_said(slice_of_head):
    scan, result = slice_of_head
    told = segment(scan, Settings(contrast="flair"), earlier=result)
    figures = json.loads(json.dumps(stats(told)))
    assert figures["contrast"] == "FLAIR"
    assert figures["contrast_evidence"] == stats(result)["contrast_evidence"]
    assert figures["contrast_confidence"] == figures["contrast_evidence"]["FLAIR"]
    assert set(figures["contrast_evidence"]) == {"T1w", "T2w", "PDw", "FLAIR"}


def test_the_lookup_table_has_a_row_for_each_label():
    rows = [row.split("\t") for row in lookup_table().splitlines()]
    assert rows[0] == ["index", "name", "abbreviation", "color"]
    assert [row[0] for row in rows[1:]] == ["0", "1", "2", "3", "7"]
    assert rows[2][1:3] == ["Gray matter", "GM"]


def test_the_table_of_volumes_leaves_unknown_volumes_empty(slice_of_head):
    scan, _ = slice_of_head
    rows = volumes_table(segment(scan)).splitlines()
    assert rows[0] == "tissue,name,volume_ml,fraction"
    assert rows[1].startswith("GM,Gray matter,,0.")


def test_findings_have_code_level_and_text_and_warnings_are_among_them(segmented):
    result = segmented(Contrast.T1)
    doubt = Finding(FindingCode.INVERTED, Level.CARE, "It is inverted.", "Look at it.")
    figures = json.loads(json.dumps(stats(replace(result, findings=(doubt, *result.findings)))))
    assert figures["findings"][0] == {"code": "inverted", "level": "CARE", "text": "It is inverted. Look at it."}
    assert [each["code"] for each in figures["findings"][1:]] == [each.code.value for each in result.findings]
    assert figures["warnings"] == ["It is inverted. Look at it.", *result.warnings]
    assert figures["verdict"] == verdict(replace(result, findings=(doubt,))).headline


def test_what_is_abnormal_is_a_figure_of_its_own(with_lesion):
    _, result = with_lesion
    figures = json.loads(json.dumps(stats(result), allow_nan=False))
    abnormal = result.abnormal
    assert figures["volumes_ml"]["lesion"] == abnormal.volume_ml
    assert figures["volume_intervals_ml"]["lesion"] == list(abnormal.interval_ml)
    assert sum(figures["fractions"].values()) == pytest.approx(1)
    assert sum(figures["volumes_ml"].values()) == pytest.approx(figures["brain_ml"])
    assert figures["abnormal"]["side"] == "left"
    assert sum(figures["abnormal"]["filled_volumes_ml"].values()) == pytest.approx(figures["brain_ml"], rel=1e-3)
    assert volumes_table(result).splitlines()[-1].startswith(f"L,Abnormal tissue,{abnormal.volume_ml:.3f},0.0")


def test_without_anything_abnormal_nothing_says_so(slice_of_head):
    _, result = slice_of_head
    assert result.abnormal is None
    figures = stats(result)
    assert figures["abnormal"] is None
    for key in ("volumes_ml", "volume_intervals_ml", "fractions"):
        assert "lesion" not in figures[key]
    assert len(volumes_table(result).splitlines()) == 1 + len(Tissue)


def test_of_a_picture_without_a_pixel_size_the_share_is_given_alone(with_lesion):
    _, result = with_lesion
    unsized = replace(result.abnormal, volume_ml=None, interval_ml=None, largest_ml=None, expected_ml=None)
    figures = stats(replace(result, volumes_ml=None, volume_intervals_ml=None, abnormal=unsized))
    assert figures["volumes_ml"] is None
    assert figures["volume_intervals_ml"] is None
    assert figures["fractions"]["lesion"] == unsized.share
    assert figures["abnormal"]["filled_volumes_ml"] is None
