from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.brain.confidence import LOOK
from mriseg.core.decimals import percent
from mriseg.core.findings import WARNING_CODES, Finding, FindingCode, Level, Topic
from mriseg.core.scan import GeometryConflict, HeaderContrast, Scan, Space, picture, volume
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.image.morphology import offset_mask
from mriseg.segmentation.findings import assess
from mriseg.segmentation.head_direction import HeadDirection
from mriseg.segmentation.result import Result

GM, WM, CSF = Tissue

# What a good scan has; each test spoils one thing.
SOUND = {
    "tissue_contrast": 4.0,
    "fluid_contrast": 5.0,
    "snrd_total": 25.0,
    "gm_wm_ratio": 1.3,
    "bias_range": 0.2,
    "mixed_share": 0.4,
    "position_weight": 0.1,
    "misfit": 0.015,
    "misfit_by_chance": 0.005,
    "misfit_below": 0.002,
    "misfit_between": 0.01,
    "misfit_above": 0.003,
    "spacing_x": 1.0,
    "spacing_y": 1.0,
    "spacing_z": 1.2,
}


@pytest.fixture(scope="module")
def scan(coarse) -> Scan:
    """The phantom at 4 mm, whose header states the contrast that it has."""
    stated = HeaderContrast(Contrast.T1, "spin echo, TR 500 ms, TE 10 ms")
    return replace(simulate(coarse, Contrast.T1), header_contrast=stated)


@pytest.fixture(scope="module")
def sound(coarse, scan) -> Result:
    """A result without fault: the brain as if found, the figures as of a good scan."""
    result = segment(scan, mask=coarse.truth > 0)
    brain = replace(result.brain, given=False, confidence=0.97)
    mixture = replace(result.mixture, converged=True)
    return replace(
        result, brain=brain, mixture=mixture, contrast_confidence=0.98, quality=SOUND, findings=(), settings=Settings()
    )


def of_code(findings, code) -> Finding:
    (finding,) = [finding for finding in findings if finding.code is code]
    return finding


def doubted(findings) -> list[FindingCode]:
    return [finding.code for finding in findings if finding.level > Level.GOOD]


def test_a_ragged_histogram_of_few_voxels_is_no_misfit(scan, sound):
    few = {**SOUND, "misfit": 0.11, "misfit_by_chance": 0.09}
    assert doubted(assess(scan, replace(sound, quality=few))) == []


def test_a_picture_of_few_gray_levels_is_not_green(phantom, scanned):
    data, brain = scanned(Contrast.T1).data[:, :, 50], phantom.truth[:, :, 50] > 0
    for levels, doubt in ((256, False), (10, True)):
        coarser = np.floor(data / data[brain].max() * levels)
        result = segment(picture(coarser), mask=brain)
        codes = {finding.code for finding in result.findings if finding.level > Level.GOOD}
        assert (FindingCode.HISTOGRAM_MISSED in codes) is doubt


def test_of_a_sound_scan_everything_is_good(scan, sound):
    assert [finding.code for finding in assess(scan, sound)] == [
        FindingCode.MASK_PLAUSIBLE,
        FindingCode.CONTRAST_FOUND,
        FindingCode.GRAY_WHITE_APART,
        FindingCode.NOISE_HARMLESS,
    ]
    assert doubted(assess(scan, sound)) == []


@pytest.mark.parametrize(
    ("figures", "code", "level", "says"),
    [
        ({"position_weight": 0.5}, FindingCode.POSITION_DECIDES, Level.CARE, "a factor of 1.6"),
        ({"misfit": 0.08}, FindingCode.HISTOGRAM_MISSED, Level.CARE, "8 % of the voxels"),
        ({"misfit": 0.2, "misfit_above": 0.12}, FindingCode.HISTOGRAM_MISSED, Level.NOT, "brighter than all tissues"),
        ({"snrd_total": 9.0}, FindingCode.NOISY, Level.CARE, "noise ratio 9."),
        ({"snrd_total": 4.0}, FindingCode.TOO_NOISY, Level.NOT, "noise ratio 4."),
        ({"tissue_contrast": 1.2}, FindingCode.GRAY_WHITE_CLOSE, Level.CARE, "ratio 1.2"),
        ({"tissue_contrast": 0.5}, FindingCode.GRAY_WHITE_ALIKE, Level.CARE, "ratio 0.5)"),
        ({"tissue_contrast": 0.2}, FindingCode.GRAY_WHITE_ONE, Level.CARE, "ratio 0.2)"),
        ({"fluid_contrast": 2.4}, FindingCode.FLUID_GRAY_CLOSE, Level.CARE, "ratio 2.4"),
        ({"fluid_contrast": 1.3}, FindingCode.FLUID_GRAY_ALIKE, Level.CARE, "ratio 1.3"),
        ({"bias_range": 1.1}, FindingCode.STRONG_SHADING, Level.CARE, "110 %"),
        ({"mixed_share": 0.7}, FindingCode.MOSTLY_MIXED, Level.CARE, "70 %"),
        ({"spacing_z": 5.0}, FindingCode.THICK_SLICES, Level.CARE, "1 x 1 x 5 mm"),
        ({"gm_wm_ratio": 4.0}, FindingCode.UNUSUAL_RATIO, Level.CARE, "4.0"),
    ],
)
def test_each_weak_figure_is_one_finding_that_says_why_and_what_to_do(scan, sound, figures, code, level, says):
    findings = assess(scan, replace(sound, quality={**SOUND, **figures}))
    assert doubted(findings) == [code]
    assert findings[0].level is level
    assert says in findings[0].statement
    assert findings[0].action.endswith(".")


@pytest.mark.parametrize(("contrast", "told"), [(1.9, []), (1.4, [FindingCode.FLUID_GRAY_ALIKE])])
def test_of_a_picture_only_fluid_that_no_good_picture_has_is_doubted(scan, sound, contrast, told):
    flat = replace(sound, labels=sound.labels[:, :, 20], quality={**SOUND, "fluid_contrast": contrast})
    assert [code for code in doubted(assess(picture(scan.data[:, :, 20]), flat)) if code.topic is Topic.FLUID] == told


@pytest.mark.slow
@pytest.mark.parametrize(("fluid", "is_told"), [(93.0, True), (130.0, False)])
def test_fluid_as_bright_as_gray_matter_is_told_by_what_the_scan_shows(coarse, fluid, is_told):
    rng = np.random.default_rng(0)
    signal = np.array([0.0, 92.0, 75.0, fluid], np.float32)[coarse.truth]
    made = volume(signal + rng.normal(0, 3, signal.shape).astype(np.float32), coarse.affine)
    result = segment(made, Settings(contrast="pd"), mask=coarse.truth > 0)
    told = {FindingCode.FLUID_GRAY_ALIKE, FindingCode.FLUID_GRAY_CLOSE} & set(doubted(result.findings))
    assert bool(told) == is_told
    assert any("Fluid and gray matter" in warning for warning in result.warnings) == is_told


def test_doubts_in_the_mask_are_taken_over_as_they_are(scan, sound):
    doubt = Finding(FindingCode.MASK_MISFIT, Level.NOT, "The average brain hardly fits this volume.", LOOK)
    findings = assess(scan, replace(sound, brain=replace(sound.brain, confidence=0.2, doubts=(doubt,))))
    assert findings[0] == doubt
    assert doubted(findings) == [doubt.code]


@pytest.mark.parametrize(
    ("confidence", "code", "level"),
    [
        (0.0, FindingCode.MASK_DOUBTFUL, Level.NOT),
        (0.6, FindingCode.MASK_UNSURE, Level.CARE),
        (0.9, FindingCode.MASK_PLAUSIBLE, Level.GOOD),
    ],
)
def test_a_mask_is_trusted_by_its_confidence_where_nothing_was_said(scan, sound, confidence, code, level):
    findings = assess(scan, replace(sound, brain=replace(sound.brain, confidence=confidence)))
    assert of_code(findings, code).level is level


def test_what_the_user_said_is_not_doubted_where_the_evidence_agrees(scan, sound):
    given = replace(sound.brain, given=True, confidence=1.0)
    result = replace(sound, brain=given, settings=Settings(contrast="t1"), contrast_confidence=0.95)
    findings = assess(scan, result)
    assert doubted(findings) == []
    assert {FindingCode.MASK_GIVEN, FindingCode.CONTRAST_GIVEN} <= {finding.code for finding in findings}


@pytest.mark.parametrize(("levels", "level"), [(8, Level.NOT), (20, Level.CARE), (200, None)])
def test_few_gray_levels_are_told_of_a_picture_too(scan, sound, levels, level):
    flat = replace(sound, labels=sound.labels[:, :, 20])
    low, high = np.percentile(scan.data[:, :, 20][flat.mask], [1, 99])
    steps = np.rint((scan.data[:, :, 20] - low) * (levels / (high - low))).astype(np.float32)
    told = [finding.level for finding in assess(picture(steps), flat) if finding.code is FindingCode.FEW_LEVELS]
    assert told == ([] if level is None else [level])


@pytest.mark.parametrize(
    ("contrast", "confidence", "code", "level"),
    [
        (Contrast.UNKNOWN, 0.9, FindingCode.CONTRAST_UNKNOWN, Level.CARE),
        (Contrast.UNKNOWN, 0.4, FindingCode.CONTRAST_UNKNOWN, Level.NOT),
        (Contrast.T1, 0.6, FindingCode.CONTRAST_UNSURE, Level.NOT),
    ],
)
def test_an_unknown_or_doubtful_contrast_is_told_with_its_probability(scan, sound, contrast, confidence, code, level):
    unstated = replace(scan, header_contrast=None)
    findings = assess(unstated, replace(sound, contrast=contrast, contrast_confidence=confidence))
    assert doubted(findings) == [code]
    assert findings[0].level is level
    assert percent(confidence) in findings[0].statement
    assert "contrast" in findings[0].text


@pytest.mark.parametrize("contrast", [Contrast.UNKNOWN, Contrast.T1])
@pytest.mark.parametrize("confidence", [0.996, 1.0])
def test_nothing_is_called_certain(scan, sound, contrast, confidence):
    sure = replace(
        sound,
        contrast=contrast,
        contrast_confidence=confidence,
        brain=replace(sound.brain, confidence=confidence),
    )
    told = " ".join(finding.text for finding in assess(replace(scan, header_contrast=None), sure))
    assert told.count("99 %") == 2
    assert "100 %" not in told


def test_another_contrast_than_the_header_states_is_told(scan, sound):
    stated = HeaderContrast(Contrast.PD, "spin echo, TR 3000 ms, TE 15 ms")
    finding = of_code(assess(replace(scan, header_contrast=stated), sound), FindingCode.CONTRAST_NOT_AS_STATED)
    assert "PD-weighted (spin echo, TR 3000 ms, TE 15 ms)" in finding.statement
    assert "segmented as T1-weighted" in finding.statement
    assert finding.level is Level.CARE


def test_a_scan_that_is_stored_inverted_is_told(scan, sound):
    tissues = sound.stages.tissues
    inverted = replace(tissues, assignment=replace(tissues.assignment, inverted=True))
    result = replace(sound, stages=replace(sound.stages, tissues=inverted))
    assert doubted(assess(scan, result)) == [FindingCode.INVERTED]


@pytest.mark.parametrize(
    ("tissues", "says"), [((CSF, GM, GM), "looks like white matter"), ((GM, GM, WM), "looks like cerebrospinal fluid")]
)
def test_a_tissue_that_no_class_looks_like_is_told(scan, sound, tissues, says):
    findings = assess(scan, replace(sound, mixture=replace(sound.mixture, tissues=tissues)))
    assert doubted(findings) == [FindingCode.MISSING_TISSUE]
    assert says in findings[0].statement


def test_a_mixture_that_did_not_settle_is_told(scan, sound):
    findings = assess(scan, replace(sound, mixture=replace(sound.mixture, converged=False)))
    assert doubted(findings) == [FindingCode.NOT_CONVERGED]


@pytest.mark.parametrize("brain_ml", [2500.0, 200.0])
def test_a_whole_brain_of_an_odd_size_forbids_the_figures(scan, sound, brain_ml):
    findings = assess(scan, replace(sound, volumes_ml=dict.fromkeys(Tissue, brain_ml / 3)))
    assert doubted(findings) == [FindingCode.UNUSUAL_SIZE]
    assert findings[0].level is Level.NOT
    assert f"{brain_ml:.0f} mL" in findings[0].statement


@pytest.mark.parametrize("space", [Space.TALAIRACH, Space.MNI, Space.TEMPLATE])
@pytest.mark.parametrize(("brain_ml", "fits"), [(1500.0, True), (2104.0, True), (4185.0, False), (200.0, False)])
def test_volumes_in_the_space_of_a_template_are_not_the_persons(scan, sound, space, brain_ml, fits):
    """Templates of up to 2104 mL are published: their size says nothing against the outline."""
    normalized, result = replace(scan, space=space), replace(sound, volumes_ml=dict.fromkeys(Tissue, brain_ml / 3))
    findings = assess(normalized, result)
    told = of_code(findings, FindingCode.TEMPLATE_SPACE)
    assert told.level is Level.CARE
    assert "not of the person" in told.statement
    assert (FindingCode.UNUSUAL_SIZE in doubted(findings)) is not fits


@pytest.mark.parametrize("space", [Space.UNKNOWN, Space.SCANNER, Space.ALIGNED])
def test_volumes_in_the_space_of_a_person_are_not_doubted(scan, sound, space):
    assert doubted(assess(replace(scan, space=space), sound)) == []


@pytest.mark.parametrize(
    ("conflict", "codes"),
    [
        (GeometryConflict(True, 0, 1.0), [FindingCode.TWO_ORIENTATIONS]),
        (GeometryConflict(False, 90, 1.0), [FindingCode.TWO_ORIENTATIONS]),
        (GeometryConflict(False, 12, 1.0), []),
        (GeometryConflict(False, 0, 0.8), [FindingCode.TWO_VOXEL_SIZES]),
        (GeometryConflict(True, 180, 1.5), [FindingCode.TWO_VOXEL_SIZES, FindingCode.TWO_ORIENTATIONS]),
    ],
)
def test_a_header_that_contradicts_itself_is_told_where_it_matters(scan, sound, conflict, codes):
    findings = assess(replace(scan, geometry_conflict=conflict), sound)
    assert doubted(findings) == codes
    for code in codes:
        assert of_code(findings, code).level is Level.CARE
    if FindingCode.TWO_VOXEL_SIZES in codes:
        assert f"{conflict.volume_ratio:.2f} times" in of_code(findings, FindingCode.TWO_VOXEL_SIZES).statement


@pytest.mark.parametrize(("degrees", "told"), [(8.0, False), (44.0, False), (46.0, True), (180.0, True)])
def test_a_head_that_lies_otherwise_than_its_header_says_is_told(scan, sound, degrees, told):
    findings = assess(scan, replace(sound, head_direction=HeadDirection(degrees, "back", "top")))
    assert doubted(findings) == [FindingCode.HEADER_AXES_WRONG] * told
    if told:
        finding = of_code(findings, FindingCode.HEADER_AXES_WRONG)
        assert finding.level is Level.CARE
        assert "the nose points to the back and the crown to the top" in finding.statement
        assert f"{degrees:.0f} degrees" in finding.statement


def test_what_is_not_known_is_not_doubted(scan, sound):
    small = replace(sound, volumes_ml=dict.fromkeys(Tissue, 30.0))
    slab, labels = replace(scan, data=scan.data[:, :, 20:25]), small.labels[:, :, 20:25]
    stages = replace(small.stages, region=replace(small.stages.region, mask=labels > 0))
    assert doubted(assess(slab, replace(small, labels=labels, stages=stages))) == []
    assert doubted(assess(scan, replace(sound, volumes_ml=None))) == []
    assert doubted(assess(replace(scan, header_contrast=None), sound)) == []
    for key, code in (("snrd_total", FindingCode.NOISE_HARMLESS), ("tissue_contrast", FindingCode.GRAY_WHITE_APART)):
        unmeasured = {name: value for name, value in SOUND.items() if name != key}
        findings = assess(scan, replace(sound, quality=unmeasured))
        assert doubted(findings) == []
        assert code not in {finding.code for finding in findings}


def test_the_worst_comes_first(scan, sound):
    findings = assess(scan, replace(sound, quality={**SOUND, "bias_range": 2.0, "snrd_total": 3.0}))
    order = [finding.level for finding in findings]
    assert order == sorted(order, reverse=True)
    assert doubted(findings) == [FindingCode.TOO_NOISY, FindingCode.STRONG_SHADING]


def test_a_truncated_head_is_told_and_a_tight_crop_is_not(scan, sound):
    mask = sound.brain.mask
    box = np.argwhere(mask)
    low, high = box.min(0), box.max(0) + 1
    tight = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    assert doubted(assess(scan, replace(sound, brain=replace(sound.brain, mask=tight)))) == []
    slab = np.zeros_like(mask)
    slab[:, :, 20:25] = mask[:, :, 20:25]  # with nothing beyond it
    findings = assess(scan, replace(sound, brain=replace(sound.brain, mask=slab)))
    assert "bottom and top" in of_code(findings, FindingCode.PARTIAL_BRAIN).statement
    half = replace(sound.brain, mask=mask[:, :, (low[2] + high[2]) // 2 :])
    findings = assess(scan, replace(sound, brain=half))
    assert doubted(findings) == [FindingCode.PARTIAL_BRAIN]
    assert "cut at the bottom." in findings[0].statement


def test_a_slice_speaks_for_itself_alone(coarse):
    scan, truth = simulate(coarse, Contrast.T1), coarse.truth > 0
    at = truth.shape[2] // 2
    result = segment(picture(scan.data[:, :, at]), mask=truth[:, :, at])
    assert "pixel size" in of_code(result.findings, FindingCode.NO_PIXEL_SIZE).action
    measured = segment(picture(scan.data[:, :, at]), Settings(pixel_size=4.0), mask=truth[:, :, at])
    assert "per mm" in of_code(measured.findings, FindingCode.SINGLE_SLICE).statement


def test_every_warning_is_a_finding_and_stands_in_one_order(scan, sound):
    stated = replace(scan, header_contrast=HeaderContrast(Contrast.PD, "TR 3000 ms"))
    few = replace(sound.mixture, tissues=(CSF, GM, GM), converged=False)
    weak = {**SOUND, "tissue_contrast": 0.7, "snrd_total": 4.0}
    doubt = Finding(FindingCode.MASK_ASYMMETRIC, Level.NOT, "It differs.", LOOK)
    result = replace(
        sound,
        brain=replace(sound.brain, confidence=0.2, doubts=(doubt,)),
        mixture=few,
        quality=weak,
        volumes_ml=dict.fromkeys(Tissue, 900.0),
        contrast_confidence=0.5,
    )
    result = replace(result, findings=assess(stated, result))
    codes = {finding.text: finding.code for finding in result.findings}
    assert [codes[warning] for warning in result.warnings] == [
        FindingCode.MASK_ASYMMETRIC,
        FindingCode.CONTRAST_UNSURE,
        FindingCode.CONTRAST_NOT_AS_STATED,
        FindingCode.MISSING_TISSUE,
        FindingCode.GRAY_WHITE_ALIKE,
        FindingCode.NOT_CONVERGED,
        FindingCode.UNUSUAL_SIZE,
    ]
    assert all(finding.level > Level.GOOD for finding in result.findings if finding.code in WARNING_CODES)
    assert FindingCode.TOO_NOISY in codes.values()  # a finding, but no warning


def test_a_result_holds_what_is_found_of_it(segmented, scanned):
    result = segmented(Contrast.T1)
    assert result.findings == assess(scanned(Contrast.T1), replace(result, findings=()))
    for finding in result.findings:
        for part in (finding.statement, finding.action):
            assert part == "" or part.endswith(".")


@pytest.mark.parametrize("margin_mm", [0.0, 4.0])
@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_a_rim_that_was_left_out_is_told_with_its_volume(scan, sound, margin_mm, contrast):
    mask = offset_mask(sound.mask, margin_mm, scan.spacing)
    stages = replace(sound.stages, region=replace(sound.stages.region, mask=mask))
    of_a_head = replace(sound, stages=stages, contrast=contrast)
    of_a_brain = replace(of_a_head, brain=replace(sound.brain, stripped=True))
    rim_ml = (mask & ~sound.mask).sum() * 64 / 1000
    code = FindingCode.VESSELS_LEFT_OUT if contrast is Contrast.T1 else FindingCode.RIM_LEFT_OUT
    for result in (of_a_brain, of_a_head):
        told = [finding for finding in assess(scan, result) if finding.code is code]
        if margin_mm and (contrast is Contrast.T1 or result is of_a_brain):
            assert f"{rim_ml:.0f} mL" in told[0].text
        else:
            assert not told
