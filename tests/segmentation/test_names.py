from dataclasses import replace

import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.findings import FindingCode, Level
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.names import CONTRADICTED, SURE_NAMES, certainty, names
from mriseg.segmentation.verdict import verdict

CONTRASTS = [Contrast.T1, Contrast.T2, Contrast.FLAIR]


@pytest.fixture(scope="module")
def told(coarse):
    """The phantom in one contrast, told another."""

    def segmented_as(true: Contrast, said: Contrast):
        return segment(simulate(coarse, true), Settings(contrast=said.setting), mask=coarse.truth > 0)

    return segmented_as


@pytest.mark.parametrize("true", CONTRASTS)
@pytest.mark.parametrize("said", CONTRASTS)
def test_a_wrong_word_is_doubted_with_both_numbers_and_a_right_one_is_not(told, true, said):
    result = told(true, said)
    (finding,) = names(result)
    assert result.contrast is said
    if said is true:
        assert (finding.code, finding.level) == (FindingCode.CONTRAST_GIVEN, Level.GOOD)
        return
    assert (finding.code, finding.level) == (FindingCode.CONTRAST_CONTRADICTED, Level.NOT)
    evidence = result.stages.tissues.assignment.evidence
    assert f"{true.title} has a probability of {certainty(evidence[true])}" in finding.statement
    assert f"{said.title} of only {certainty(evidence[said])}" in finding.statement
    assert finding.action.startswith("Set the contrast to automatic")
    assert verdict(result).level is Level.NOT


@pytest.mark.parametrize(
    ("confidence", "level"),
    [
        (CONTRADICTED - 0.01, Level.NOT),
        (CONTRADICTED, Level.CARE),
        (SURE_NAMES - 0.01, Level.CARE),
        (SURE_NAMES, Level.GOOD),
    ],
)
def test_the_level_is_that_of_the_probability_of_what_was_said(told, confidence, level):
    (finding,) = names(replace(told(Contrast.T1, Contrast.T1), contrast_confidence=confidence))
    assert finding.level is level


def test_no_word_makes_a_doubt_good(told):
    """What the engine would doubt by itself it doubts as well where the user said it."""
    for confidence in (0.3, 0.6, SURE_NAMES - 0.01):
        result = replace(told(Contrast.T1, Contrast.T1), contrast_confidence=confidence)
        (own,) = names(replace(result, settings=Settings()))
        (said,) = names(result)
        assert own.level > Level.GOOD
        assert said.level > Level.GOOD


def test_a_contrast_agent_is_told(told):
    result = replace(told(Contrast.T1, Contrast.T1), settings=Settings())
    tissues = result.stages.tissues
    enhanced = replace(tissues, assignment=replace(tissues.assignment, agent=True))
    (plain,), (finding,) = (
        names(replace(result, stages=replace(result.stages, tissues=of))) for of in (tissues, enhanced)
    )
    assert "agent" not in plain.text
    assert "T1-weighted, probably with contrast agent" in finding.statement
    assert finding.code is FindingCode.CONTRAST_FOUND
    labels = result.labels.copy()
    labels[labels == 2] = 0  # as if vessels had been left out
    (of_volume,) = names(replace(result, labels=labels))
    assert of_volume.text == finding.text
