from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, segment
from mriseg.core.findings import FindingCode, Level
from mriseg.core.scan import volume
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.registration.affine import Registration
from mriseg.segmentation.brain_size import cut, size
from mriseg.segmentation.head_direction import HeadDirection


@pytest.fixture(scope="module")
def scan(coarse):
    return simulate(coarse, Contrast.T1)


@pytest.fixture(scope="module")
def whole(coarse, scan):
    """A result whose brain is as if found, and seen as a whole."""
    result = segment(scan, mask=coarse.truth > 0)
    return replace(result, brain=replace(result.brain, given=False))


def of_volume(result, brain_ml, **of_brain):
    brain = replace(result.brain, **of_brain)
    return replace(result, brain=brain, volumes_ml=dict.fromkeys(Tissue, brain_ml / 3))


# Mean volumes with fluid at birth, 4 months, 9 months, 2 years, and of adults.
@pytest.mark.parametrize(
    ("brain_ml", "level"),
    [(375, Level.NOT), (492, Level.NOT), (690, Level.NOT), (820, Level.CARE), (1000, None), (1150, None), (1900, None)],
)
def test_a_whole_brain_smaller_than_an_adults_is_told(scan, whole, brain_ml, level):
    findings = list(size(scan, of_volume(whole, brain_ml)))
    assert [(f.code, f.level) for f in findings] == ([] if level is None else [(FindingCode.INFANT_SIZE, level)])
    for finding in findings:
        assert f"{brain_ml} mL" in finding.statement
        assert "infant" in finding.text


def test_an_adults_brain_without_its_fluid_may_be_smaller(scan, whole):
    assert list(size(scan, of_volume(whole, 850)))
    assert not list(size(scan, of_volume(whole, 850, stripped=True)))
    assert list(size(scan, of_volume(whole, 750, stripped=True)))


@pytest.mark.parametrize("brain_ml", [200, 2500])
def test_what_no_human_brain_measures_is_told_with_the_voxel_size(scan, whole, brain_ml):
    (finding,) = size(scan, of_volume(whole, brain_ml))
    assert (finding.code, finding.level) == (FindingCode.UNUSUAL_SIZE, Level.NOT)
    assert "voxel size" in finding.action


def cropped(scan, result, rows):
    """A field of view that ends at these rows, and the brain in it."""
    affine = scan.affine.copy()
    crop = volume(scan.data[:, :, rows], affine)
    return crop, replace(result, brain=replace(result.brain, mask=result.brain.mask[:, :, rows]))


def test_of_a_part_of_a_brain_nothing_is_said_of_its_size(scan, whole):
    height = whole.brain.mask.any((0, 1)).nonzero()[0]
    half = slice(0, int(height.mean()))
    crop, result = cropped(scan, whole, half)
    assert not list(size(crop, of_volume(result, 600)))
    assert [finding.code for finding in cut(result)] == [FindingCode.PARTIAL_BRAIN]


@pytest.mark.parametrize(("coverage", "told"), [(0.97, True), (0.5, False)])
def test_an_infants_head_may_be_whole_in_a_small_field_of_view(scan, whole, coverage, told):
    side = 95 / min(scan.data.shape)  # mm
    small = volume(scan.data, np.diag([side, side, side, 1.0]))
    registration = Registration(np.eye(4), 0.5, coverage)
    assert bool(list(size(small, of_volume(whole, 400, registration=registration)))) is told


def test_a_brain_is_cut_where_the_header_says_unless_its_axes_are_wrong(scan, whole):
    height = whole.brain.mask.any((0, 1)).nonzero()[0]
    _, result = cropped(scan, whole, slice(int(height.mean()), None))
    (finding,) = cut(result)
    assert "cut at the bottom." in finding.statement
    (finding,) = cut(replace(result, head_direction=HeadDirection(180.0, "back", "top")))
    assert "cut at" not in finding.statement
