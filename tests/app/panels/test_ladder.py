from mriseg.app.panels.ladder import ladder_table
from mriseg.core.tissue import BRAIN_TISSUE, Tissue
from mriseg.evaluation.baselines import METHODS
from mriseg.evaluation.ladder import Rung

ONE = dict(zip(Tissue, (0.9, 0.8, 0.7), strict=True))
OTHER = dict(zip(Tissue, (0.6, 0.5, 0.4), strict=True))


def test_with_a_truth_its_overlaps_stand_before_the_agreement_with_the_result():
    head, rule, row = ladder_table([Rung(METHODS["otsu"], OTHER, ONE, 0.123)]).splitlines()
    assert row == "| Otsu's thresholds in the brain | 0.600 | 0.500 | 0.400 | 0.500 | 0.800 | 0.12 |"
    assert head.count("|") == rule.count("|") == row.count("|")


def test_what_cannot_be_told_apart_has_one_column():
    both = {Tissue.GM: 0.9, Tissue.CSF: 0.7}
    head, rule, row = ladder_table([Rung(METHODS["otsu"], None, both, 0.123)]).splitlines()
    assert row == "| Otsu's thresholds in the brain | 0.900 | 0.700 | 0.800 | 0.12 |"
    assert head.startswith(f"| Method (Dice) | {BRAIN_TISSUE} | {Tissue.CSF.title} | ")
    assert head.count("|") == rule.count("|") == row.count("|")


def test_without_a_truth_only_the_agreement_with_the_result_is_told():
    head, rule, row = ladder_table([Rung(METHODS["otsu"], None, ONE, 0.123)]).splitlines()
    assert row == "| Otsu's thresholds in the brain | 0.900 | 0.800 | 0.700 | 0.800 | 0.12 |"
    assert head.count("|") == rule.count("|") == row.count("|")
    assert "truth" not in head
