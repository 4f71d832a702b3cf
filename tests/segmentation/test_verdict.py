import itertools
from dataclasses import replace

import pytest

from mriseg import Contrast
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.segmentation.verdict import HEADLINES, verdict

GOOD = Finding(FindingCode.MASK_PLAUSIBLE, Level.GOOD, "It is plausible.")
CARE = Finding(FindingCode.NOISY, Level.CARE, "It is noisy.")
NOT = Finding(FindingCode.UNUSUAL_SIZE, Level.NOT, "It is too large.")


@pytest.mark.parametrize(
    ("findings", "level"), [((GOOD,), Level.GOOD), ((CARE, GOOD), Level.CARE), ((NOT, CARE, GOOD), Level.NOT)]
)
def test_the_worst_finding_decides(segmented, findings, level):
    for order in itertools.permutations(findings):
        judged = verdict(replace(segmented(Contrast.T1), findings=order))
        assert judged.level is level
        assert judged.headline == HEADLINES[level]
        assert judged.findings == order


def test_only_what_is_not_good_is_a_doubt(segmented):
    assert verdict(replace(segmented(Contrast.T1), findings=(NOT, CARE, GOOD))).doubts == (NOT, CARE)
    assert verdict(replace(segmented(Contrast.T1), findings=(GOOD,))).doubts == ()


def test_a_real_result_is_good_only_without_warnings(segmented):
    result = segmented(Contrast.T1)
    assert (verdict(result).level is Level.GOOD) <= (result.warnings == ())
