"""Records: what they keep, and that they come back from JSON as they were."""

import json

import pytest

from mriseg import Contrast, Settings, Tissue
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from mriseg.study.attempt import try_segment
from mriseg.study.derivatives import DAMAGED
from mriseg.study.record import Record, from_plain, of_result, to_plain


def test_a_record_holds_what_the_result_says(segmented):
    result = segmented(Contrast.T1)
    record = of_result("a", result)
    assert record.volumes_ml == result.volumes_ml
    assert record.contrast is result.contrast
    assert record.brain_ml == result.brain_ml
    assert record.warnings == result.warnings
    assert record.mask_confidence == result.brain.confidence
    assert record.findings == tuple(finding for finding in result.findings if finding.level > Level.GOOD)


def test_records_come_back_from_json(segmented):
    for record in (of_result("a", segmented(Contrast.T1), "Of 2"), Record("b", "Why not.", is_final=False)):
        assert from_plain(record.path, json.loads(json.dumps(to_plain(record), allow_nan=False))) == record


def test_what_is_abnormal_comes_back_from_json(with_lesion):
    _, result = with_lesion
    record = of_result("a", result)
    assert record.abnormal == result.abnormal
    assert record.abnormal_sought
    assert from_plain("a", json.loads(json.dumps(to_plain(record), allow_nan=False))) == record
    sideless = {**to_plain(record), "abnormal": {**to_plain(record)["abnormal"], "side": "above"}}
    with pytest.raises(DAMAGED):
        from_plain("a", sideless)


def test_findings_come_back_with_their_codes():
    findings = (
        Finding(FindingCode.TOO_NOISY, Level.NOT, "It is noisy.", "Scan anew."),
        Finding(FindingCode.INVERTED, Level.CARE, "It is inverted."),
    )
    plain = json.loads(json.dumps(to_plain(Record("a", findings=findings))))
    assert [(each["code"], each["level"]) for each in plain["findings"]] == [("too-noisy", "NOT"), ("inverted", "CARE")]
    assert from_plain("a", plain).findings == findings


@pytest.mark.parametrize("findings", [["Noise: It is noisy."], [{"code": "noisier", "level": "CARE", "text": "x"}]])
def test_a_record_of_another_version_is_refused(findings):
    with pytest.raises(DAMAGED):
        from_plain("a", {**to_plain(Record("a")), "findings": findings})


def test_a_picture_without_a_pixel_size_has_no_volumes_there_and_back(tmp_path):
    file = tmp_path / "slice.png"
    file.write_bytes(encode_scan(SAMPLES["slice-t1"].make()[0]))
    record = try_segment(file, Settings())
    assert record.failure is None
    assert record.volumes_ml is None
    assert sum(record.fractions.values()) == pytest.approx(1)
    assert from_plain(str(file), json.loads(json.dumps(to_plain(record)))) == record


def test_records_of_the_same_scan_are_equal_and_tissues_are_keys(segmented):
    record = of_result("a", segmented(Contrast.T1))
    assert set(record.fractions) == set(Tissue)
    assert record == of_result("a", segmented(Contrast.T1))
