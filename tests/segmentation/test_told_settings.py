from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.decimals import percent
from mriseg.core.findings import FindingCode, Level
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.told_settings import moved_border, told_settings


@pytest.fixture(scope="module")
def scan(coarse):
    return simulate(coarse, Contrast.T1)


@pytest.fixture(scope="module")
def result(coarse, scan):
    return segment(scan, mask=coarse.truth > 0)


@pytest.mark.parametrize(("left", "level"), [(0.2, None), (0.4, Level.CARE), (0.9, Level.NOT)])
def test_shading_that_the_user_left_in_is_told(result, left, level):
    stages = replace(result.stages, bias_correction=replace(result.stages.bias_correction, left=left))
    told = [finding.level for finding in told_settings(replace(result, stages=stages))]
    assert told == ([] if level is None else [level])


def test_shading_is_measured_where_its_correction_is_switched_off(coarse):
    shaded, mask = simulate(coarse, Contrast.T1, bias=100), coarse.truth > 0
    corrected = segment(shaded, mask=mask)
    uncorrected = segment(shaded, Settings(correct_bias=False), mask=mask, earlier=corrected)
    assert corrected.stages.bias_correction.left == 0
    left = uncorrected.stages.bias_correction.left
    assert left == pytest.approx(corrected.quality["bias_range"], rel=0.05)
    assert f"{percent(left)} brighter" in next(told_settings(uncorrected)).statement


def test_classes_that_name_much_otherwise_than_three_are_told(coarse, scan, result):
    mask = coarse.truth > 0
    two = segment(scan, Settings(classes=2), mask=mask)
    (finding,) = told_settings(two)
    assert finding.code is FindingCode.CLASSES_DISAGREE
    assert finding.level > Level.GOOD
    assert finding in two.findings
    other = np.mean((two.labels != result.labels)[mask])
    assert float(finding.statement.split(" %")[0].split()[-1]) / 100 == pytest.approx(other, abs=0.1)
    same = replace(two, mixture=two.stages.fitted)
    assert list(told_settings(same)) == []


@pytest.mark.parametrize(("margin", "level"), [(2.0, None), (9.0, Level.NOT)])
def test_a_border_that_was_moved_too_far_is_told(coarse, scan, result, margin, level):
    moved = segment(scan, Settings(margin=margin), mask=coarse.truth > 0, earlier=result)
    told = [finding.level for finding in moved_border(moved)]
    assert set(moved_border(moved)) <= set(moved.findings)
    assert told == ([] if level is None else [level])


@pytest.mark.slow
def test_a_given_mask_is_judged_by_the_brain_that_is_found(coarse, scan, result):
    """By a segmentation as a whole; `tests/brain/test_told_mask.py` asks which masks are believed."""
    about_the_mask = {FindingCode.MASK_CONTRADICTED, FindingCode.MASK_LEAVES_OUT}
    assert not about_the_mask & {finding.code for finding in result.findings}
    wrong = segment(scan, mask=np.roll(coarse.truth > 0, -10, 1))
    assert FindingCode.MASK_CONTRADICTED in {finding.code for finding in wrong.findings}
    assert wrong.brain.doubtful
