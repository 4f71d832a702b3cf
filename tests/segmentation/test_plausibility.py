from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Tissue, segment
from mriseg.core.decimals import percent
from mriseg.core.findings import FindingCode, Level
from mriseg.core.scan import picture
from mriseg.datasets.phantom import simulate
from mriseg.registration.slice import SliceLevel
from mriseg.segmentation.plausibility import (
    ANY_PART,
    BRAIN_MM,
    REGIONS,
    WHOLE,
    implausible_shares,
    plausible_slice,
    region_of_slice,
)

GM, WM, CSF = Tissue


@pytest.fixture(scope="module")
def scan(coarse):
    return simulate(coarse, Contrast.T1)


@pytest.fixture(scope="module")
def whole(coarse, scan):
    return segment(scan, mask=coarse.truth > 0)


def with_shares(result, fluid, ratio):
    white = (1 - fluid) / (1 + ratio)
    shares = {GM: ratio * white, WM: white, CSF: fluid}
    return replace(result, fractions=shares, quality={**result.quality, "gm_wm_ratio": ratio})


@pytest.mark.parametrize(
    ("fluid", "ratio", "told"),
    [
        (0.2, 1.3, []),
        (0.44, 1.3, [(FindingCode.TOO_MUCH_FLUID, Level.CARE)]),
        (0.6, 1.3, [(FindingCode.TOO_MUCH_FLUID, Level.NOT)]),
        (0.01, 1.3, [(FindingCode.TOO_LITTLE_FLUID, Level.CARE)]),
        (0.2, 4.0, [(FindingCode.UNUSUAL_RATIO, Level.CARE)]),
        (0.2, 0.5, [(FindingCode.UNUSUAL_RATIO, Level.CARE)]),
        (0.2, 6.0, [(FindingCode.UNUSUAL_RATIO, Level.NOT)]),
        (0.2, 0.2, [(FindingCode.UNUSUAL_RATIO, Level.NOT)]),
    ],
)
def test_shares_of_a_whole_brain_that_none_has_are_told(scan, whole, fluid, ratio, told):
    findings = list(implausible_shares(scan, with_shares(whole, fluid, ratio)))
    assert [(finding.code, finding.level) for finding in findings] == told
    for finding in findings:
        number = f"{ratio:.1f}" if finding.code is FindingCode.UNUSUAL_RATIO else percent(fluid)
        assert number in finding.statement


def test_of_a_slice_its_level_says_what_can_be(scan, whole):
    flat = picture(np.zeros((40, 40), np.float32))
    levels = {"vertex": SliceLevel(2, 75.0, 1.0), "middle": SliceLevel(2, 10.0, 1.0), "unknown": None}
    most_fluid = {}
    for title, level in levels.items():
        of_slice = replace(whole, labels=np.zeros((40, 40), np.uint8), brain=replace(whole.brain, level=level))
        shares = np.linspace(0.3, 0.99, 70)
        most_fluid[title] = max(s for s in shares if not list(implausible_shares(flat, with_shares(of_slice, s, 2.0))))
    assert most_fluid["middle"] < most_fluid["unknown"] < most_fluid["vertex"]


@pytest.mark.parametrize("axis", range(3))
def test_every_level_has_a_region_and_near_a_border_both_count(axis):
    low, high = BRAIN_MM[axis]
    for level_mm in np.linspace(low - 20, high + 20, 60):
        fluid, ratio = plausible_slice(SliceLevel(axis, level_mm, 1.0))
        own = region_of_slice(axis, level_mm)
        assert fluid[0] <= own.fluid[0] < own.fluid[1] <= fluid[1]
        assert ratio[0] <= own.ratio[0] < own.ratio[1] <= ratio[1]
    border = REGIONS[axis][0].within_mm[1]
    both = REGIONS[axis][:2]
    fluid, _ = plausible_slice(SliceLevel(axis, border - 1, 1.0))
    assert fluid == (min(r.fluid[0] for r in both), max(r.fluid[1] for r in both))


def test_of_tissues_that_cannot_be_told_apart_no_proportion_is_judged(scan, whole):
    unusual = with_shares(whole, 0.2, 6.0)
    alike = replace(unusual, quality={**unusual.quality, "tissue_contrast": 0.1})
    assert [finding.code for finding in implausible_shares(scan, unusual)] == [FindingCode.UNUSUAL_RATIO]
    assert list(implausible_shares(scan, alike)) == []


def test_an_unknown_part_may_hold_more_fluid_than_a_whole_brain_and_less_than_the_vertex():
    assert WHOLE.fluid[1] < ANY_PART.fluid[1] < REGIONS[2][-1].fluid[1]


def test_a_slab_is_judged_as_a_part(coarse, scan, whole):
    slab = replace(scan, data=scan.data[:, :, 20:24])
    told = list(implausible_shares(slab, with_shares(whole, 0.6, 1.3)))
    assert told == []
    assert [finding.level for finding in implausible_shares(slab, with_shares(whole, 0.9, 1.3))] == [Level.NOT]
