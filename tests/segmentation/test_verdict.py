from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.brain.confidence import LOOK
from mriseg.core.scan import picture
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.verdict import HEADLINES, Level, verdict
from mriseg.segmentation.warnings import doubt_contrast, doubt_fit, doubt_names, doubt_size, doubt_tissues

# What a good scan has; each test spoils one thing.
SOUND = {
    "tissue_contrast": 4.0,
    "snrd_total": 25.0,
    "gm_wm_ratio": 1.3,
    "bias_range": 0.2,
    "mixed_share": 0.4,
    "spacing_x": 1.0,
    "spacing_y": 1.0,
    "spacing_z": 1.2,
}


@pytest.fixture(scope="module")
def sound(coarse):
    """A result without fault: the phantom at 4 mm, its brain as if found, its figures as of a good scan."""
    result = segment(simulate(coarse, Contrast.T1), mask=coarse.truth > 0)
    brain = replace(result.brain, given=False, confidence=0.97)
    mixture = replace(result.mixture, converged=True)
    return replace(
        result, brain=brain, mixture=mixture, contrast_confidence=0.98, quality=SOUND, warnings=(), settings=Settings()
    )


def levels(found):
    return {finding.about: finding.level for finding in found.findings}


def worst(found):
    """What stands first: the worst."""
    return found.findings[0]


def test_a_clean_scan_can_be_used(sound):
    found = verdict(sound)
    assert found.level is Level.GOOD
    assert found.headline == HEADLINES[Level.GOOD]
    assert {"Outline of the brain", "Names of the tissues", "Gray against white matter", "Noise"} <= set(levels(found))


@pytest.mark.parametrize(
    ("spoilt", "about", "level", "why"),
    [
        ({"snrd_total": 9.0}, "Noise", Level.CARE, "9"),
        ({"snrd_total": 4.0}, "Noise", Level.NOT, "4"),
        ({"tissue_contrast": 1.2}, "Gray against white matter", Level.CARE, "1.2"),
        ({"bias_range": 1.1}, "Shading", Level.CARE, "110%"),
        ({"mixed_share": 0.7}, "Mixed voxels", Level.CARE, "70%"),
        ({"spacing_z": 5.0}, "Thick slices", Level.CARE, "1 x 1 x 5 mm"),
        ({"gm_wm_ratio": 4.0}, "Gray to white matter", Level.CARE, "4.0"),
    ],
)
def test_each_weak_figure_is_one_finding_that_says_why_and_what_to_do(sound, spoilt, about, level, why):
    found = verdict(replace(sound, quality={**SOUND, **spoilt}))
    assert found.level is level
    assert [finding.about for finding in found.findings if finding.level > Level.GOOD] == [about]
    assert worst(found).about == about
    assert why in worst(found).why
    assert worst(found).do.endswith(".")


def test_a_mask_that_is_doubted_forbids_the_figures(sound):
    doubt = f"The average brain hardly fits this volume. {LOOK}"
    brain = replace(sound.brain, confidence=0.2, doubts=(doubt,))
    found = verdict(replace(sound, brain=brain, warnings=(doubt,)))
    assert found.level is Level.NOT
    assert (worst(found).about, worst(found).says) == ("Outline of the brain", doubt)


@pytest.mark.parametrize(("confidence", "level"), [(0.0, Level.NOT), (0.6, Level.CARE), (0.9, Level.GOOD)])
def test_a_mask_is_trusted_by_its_confidence_where_nothing_was_said(sound, confidence, level):
    found = verdict(replace(sound, brain=replace(sound.brain, confidence=confidence)))
    assert levels(found)["Outline of the brain"] is level


def test_what_the_user_said_is_not_doubted(sound):
    given = replace(sound.brain, given=True, confidence=1.0)
    said = Settings(contrast="t1")
    found = verdict(replace(sound, brain=given, settings=said, contrast_confidence=1.0))
    assert found.level is Level.GOOD
    assert "you said" in next(finding.says for finding in found.findings if finding.about == "Outline of the brain")


@pytest.mark.parametrize(
    ("contrast", "confidence", "level"),
    [(Contrast.UNKNOWN, 0.9, Level.CARE), (Contrast.UNKNOWN, 0.4, Level.NOT), (Contrast.T1, 0.6, Level.NOT)],
)
def test_an_unknown_or_doubtful_contrast_is_told_in_the_words_of_the_warning(sound, contrast, confidence, level):
    warning = doubt_names(contrast, confidence)
    found = verdict(replace(sound, contrast=contrast, contrast_confidence=confidence, warnings=(warning,)))
    assert found.level is level
    assert worst(found).says == warning


def test_every_warning_is_a_finding_once_and_none_is_called_good(sound):
    few = replace(sound.mixture, tissues=(Tissue.CSF, Tissue.GM, Tissue.GM), converged=False)
    weak = {**SOUND, "tissue_contrast": 0.7}
    volumes = dict.fromkeys(Tissue, 900.0)
    warnings = (doubt_tissues(few), doubt_contrast(weak), doubt_fit(few), doubt_size(2700.0), "The header says so.")
    found = verdict(replace(sound, mixture=few, quality=weak, volumes_ml=volumes, warnings=warnings))
    for warning in warnings:
        (finding,) = [finding for finding in found.findings if finding.says == warning]
        assert finding.level > Level.GOOD
    assert found.level is Level.NOT
    assert sum(finding.about == "Gray against white matter" for finding in found.findings) == 1


def test_the_worst_comes_first(sound):
    found = verdict(replace(sound, quality={**SOUND, "bias_range": 2.0, "snrd_total": 3.0}))
    order = [finding.level for finding in found.findings]
    assert order == sorted(order, reverse=True)
    assert found.level is order[0]


def test_a_truncated_head_is_told_and_a_tight_crop_is_not(sound):
    mask = sound.brain.mask
    box = np.argwhere(mask)
    low, high = box.min(0), box.max(0) + 1
    tight = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    assert "Part of a brain" not in levels(verdict(replace(sound, brain=replace(sound.brain, mask=tight))))
    slab = np.zeros_like(mask)
    slab[:, :, 20:25] = mask[:, :, 20:25]  # with nothing beyond it
    found = verdict(replace(sound, brain=replace(sound.brain, mask=slab)))
    assert "bottom and top" in worst(found).why
    half = replace(sound.brain, mask=mask[:, :, (low[2] + high[2]) // 2 :])
    found = verdict(replace(sound, brain=half))
    assert worst(found).about == "Part of a brain"
    assert "bottom" in worst(found).why
    assert "top" not in worst(found).why


def test_without_air_nothing_is_said_of_noise(sound):
    quality = {key: value for key, value in SOUND.items() if key != "snrd_total"}
    assert "Noise" not in levels(verdict(replace(sound, quality=quality)))


def test_a_slice_speaks_for_itself_alone(coarse):
    scan, truth = simulate(coarse, Contrast.T1), coarse.truth > 0
    at = truth.shape[2] // 2
    result = segment(picture(scan.data[:, :, at]), mask=truth[:, :, at])
    slices = {finding.about: finding for finding in verdict(result).findings}
    assert "pixel size" in slices["A single slice"].do
    measured = segment(picture(scan.data[:, :, at]), Settings(pixel_size=4.0), mask=truth[:, :, at])
    slices = {finding.about: finding for finding in verdict(measured).findings}
    assert "each mm" in slices["A single slice"].why


def test_findings_are_sentences(sound):
    for finding in verdict(sound).findings:
        for part in (finding.says, finding.why, finding.do):
            assert part == "" or part.endswith(".")
        assert str(finding).startswith(finding.says)


def test_of_a_real_result_the_verdict_never_says_less_than_the_warnings(segmented):
    result = segmented(Contrast.T1)
    found = verdict(result)
    assert set(result.warnings) <= {finding.says for finding in found.findings}
    assert (found.level is Level.GOOD) <= (result.warnings == ())
