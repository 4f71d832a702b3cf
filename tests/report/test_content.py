import datetime
from dataclasses import replace

import pytest

from mriseg import Settings, Tissue
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import LABELS
from mriseg.quality.definitions import FIGURES
from mriseg.report.content import _value, report_content


@pytest.mark.parametrize(
    ("value", "key", "words"),
    [
        (0.0254, "wm2max", "0.0254"),
        (2, "cnr", "2.00"),
        (383.2, "fber", "383"),
        (42000, "fber", "42,000"),
        (0.187, "bias_range", "19 %"),
        (1.0, "bias_range", "100 %"),
        (0.9999, "mean_posterior", "99 %"),
    ],
)
def test_figures_have_three_digits_or_percent(value, key, words):
    assert _value(value, next(figure for figure in FIGURES if figure.key == key)) == words


def test_settings_are_told_by_name_so_that_they_can_be_made_again(volume):
    settings = Settings(margin=1.5, use_position=False, contrast="t2")
    content = report_content(volume[0], replace(volume[1], settings=settings), None)
    told = dict(content.settings)
    assert set(told) == {name.replace("_", " ") for name in vars(settings)}
    assert (told["margin"], told["use position"], told["contrast"], told["pixel size"]) == ("1.5", "no", "t2", "none")


def test_findings_keep_their_order_and_say_their_level_beside_the_title(volume):
    findings = (
        Finding(FindingCode.TOO_NOISY, Level.NOT, "It is too noisy.", "Scan anew."),
        Finding(FindingCode.THICK_SLICES, Level.CARE, "They are thick."),
        Finding(FindingCode.MASK_PLAUSIBLE, Level.GOOD, "It is plausible."),
    )
    content = report_content(volume[0], replace(volume[1], findings=findings), None)
    assert content.findings == (
        ("Noise (do not use)", "It is too noisy. Scan anew."),
        ("Thick slices (with care)", "They are thick."),
        ("Brain outline", "It is plausible."),
    )
    assert content.headline == "Do not use these numbers as they are."


def test_the_volumes_add_up_to_the_cavity(volume, slice_of_head):
    for (scan, result), decimals in ((volume, 0), (slice_of_head[:2], 1)):
        *tissues, cavity = report_content(scan, result, None).volumes.rows
        assert sum(float(row[1]) for row in tissues) == pytest.approx(float(cavity[1]), abs=1.6 * 10**-decimals)
        assert sum(float(row[-1].rstrip(" %")) for row in tissues) == pytest.approx(100, abs=0.16)


def test_the_facts_say_what_was_segmented_and_whose_word_it_was(volume):
    scan, result = volume
    facts = dict(report_content(scan, result, datetime.date(2031, 5, 17)).facts)
    assert facts["Image"] == f"volume of {' × '.join(map(str, scan.data.shape))} voxels, voxel size 2 × 2 × 2 mm"
    assert facts["Contrast"].startswith("T1-weighted (found, ")
    assert facts["Date of this report"] == "2031-05-17"
    brain = replace(result.brain, given=True, confidence=0.31)
    given = replace(result, settings=Settings(contrast="t1"), brain=brain, contrast_confidence=0.24)
    facts = dict(report_content(scan, given, None).facts)
    assert facts["Contrast"] == "T1-weighted (as chosen, 24 % confidence)"
    assert facts["Brain outline"] == "as given, 31 % confidence, DOUBTFUL"
    assert "Date of this report" not in facts


def test_no_figure_of_quality_stands_twice(volume):
    content = report_content(*volume, None)
    titles = [row[0] for row in content.quality.rows]
    assert len(set(titles)) == len(titles)
    assert not {"Brain parenchymal fraction (BPF)", "Gray/white ratio (GM/WM)"} & set(
        titles
    )  # they stand under the volumes


def test_what_is_abnormal_has_a_row_and_the_tissues_are_also_given_filled(with_lesion):
    scan, result = with_lesion
    content = report_content(scan, result, None)
    assert content.key == LABELS
    *tissues, abnormal, cavity = content.volumes.rows
    assert abnormal[0] == "Abnormal tissue (L)"
    assert float(abnormal[1]) == round(result.abnormal.volume_ml)
    assert sum(float(row[1]) for row in (*tissues, abnormal)) == pytest.approx(float(cavity[1]), abs=2.1)
    assert sum(float(row[-1].rstrip(" %")) for row in (*tissues, abnormal)) == pytest.approx(100, abs=0.21)
    assert f"GM {result.filled_volumes_ml[Tissue.GM]:.0f}, WM" in content.volumes_note
    assert "no diagnosis" in " ".join(text for _, text in content.findings)


def test_of_a_brain_without_it_the_report_has_no_place_for_it(volume):
    content = report_content(*volume, None)
    assert content.key == tuple(Tissue)
    assert len(content.volumes.rows) == len(Tissue) + 1
    assert "abnormal" not in content.volumes_note
