from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue, segment
from mriseg.brain.extraction import Brain
from mriseg.core.findings import FindingCode, Level
from mriseg.core.tissue import ABNORMAL
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import EDEMA, simulate
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.segmentation.abnormal_findings import abnormal_findings
from mriseg.segmentation.abnormal_tissue import Side, measure_abnormal
from mriseg.segmentation.stages import BrainRegion
from mriseg.segmentation.tissue_maps import TissueMaps

LEFT = (-30.0, -10.0, 30.0)


@pytest.fixture(scope="module")
def patient(phantom):
    return add_lesion(phantom, LEFT, 30.0, EDEMA)


@pytest.fixture(scope="module")
def scan(patient):
    return simulate(patient, Contrast.FLAIR)


@pytest.fixture(scope="module")
def result(scan, patient):
    return segment(scan, mask=patient.truth > 0)


def test_a_lesion_is_set_apart(result, patient):
    lesion, label = patient.truth == 7, result.labels == ABNORMAL.number
    assert 2 * (lesion & label).sum() / (lesion.sum() + label.sum()) > 0.85


def test_it_is_measured(result):
    abnormal = result.abnormal
    assert abnormal.volume_ml == pytest.approx(30, rel=0.15)
    assert abnormal.interval_ml[0] < abnormal.volume_ml < abnormal.interval_ml[1]
    assert abnormal.side is Side.LEFT
    assert abnormal.parts == 1
    assert abnormal.largest_ml == pytest.approx(abnormal.volume_ml, rel=0.1)


def test_all_shares_and_volumes_sum_to_the_brain(result, patient):
    assert sum(result.fractions.values()) + result.abnormal.share == pytest.approx(1)
    assert result.brain_ml == pytest.approx(result.mask.sum() * 0.008, rel=1e-3)
    np.testing.assert_allclose(result.posteriors.sum(-1) + result.abnormal_posterior, patient.truth > 0, atol=1e-5)


def test_filled_the_tissues_have_the_whole_brain(result):
    filled = result.filled_volumes_ml
    assert sum(filled.values()) == pytest.approx(result.brain_ml, rel=1e-3)
    assert filled[Tissue.WM] - result.volumes_ml[Tissue.WM] > 15  # the lesion lies in white matter
    assert all(filled[tissue] > result.volumes_ml[tissue] for tissue in Tissue)


def test_the_tissues_are_those_of_the_same_head_without_it(result, phantom, segmented):
    healthy = segmented(Contrast.FLAIR)
    for tissue in (Tissue.GM, Tissue.WM):
        assert result.filled_volumes_ml[tissue] == pytest.approx(healthy.volumes_ml[tissue], rel=0.03)


def test_the_mixture_is_that_of_the_same_head_without_it(result, segmented):
    ours, healthy = (
        dict(zip(of.mixture.tissues, zip(of.mixture.means, of.mixture.sds, strict=True), strict=True))
        for of in (result, segmented(Contrast.FLAIR))
    )
    for tissue in (Tissue.GM, Tissue.WM):
        np.testing.assert_allclose(ours[tissue], healthy[tissue], rtol=0.03)


def test_switched_off_there_is_none(result, scan, patient):
    without = segment(scan, Settings(lesions=False), mask=patient.truth > 0, earlier=result)
    assert without.abnormal is None
    assert not (without.labels == ABNORMAL.number).any()
    np.testing.assert_allclose(without.posteriors.sum(-1), patient.truth > 0, atol=1e-5)


def test_it_is_said_how_much_there_is_and_where(result):
    (finding,) = abnormal_findings(result)
    assert finding.code is FindingCode.ABNORMAL_TISSUE
    assert finding.level is Level.CARE
    assert "mostly on the left" in finding.text
    assert "no diagnosis" in finding.text


@pytest.mark.parametrize(
    ("share", "ml", "code", "level"),
    [
        (0.001, 1.0, FindingCode.ABNORMAL_TISSUE, Level.GOOD),
        (0.01, None, FindingCode.ABNORMAL_TISSUE, Level.CARE),
        (0.6, 900.0, FindingCode.MOSTLY_ABNORMAL, Level.NOT),
    ],
)
def test_how_bad_it_is_hangs_on_how_much_there_is(result, share, ml, code, level):
    other = replace(result, abnormal=replace(result.abnormal, share=share, volume_ml=ml))
    (finding,) = abnormal_findings(other)
    assert (finding.code, finding.level) == (code, level)


def test_a_brain_without_has_nothing_to_say(segmented):
    assert segmented(Contrast.FLAIR).abnormal is None
    assert not list(abnormal_findings(segmented(Contrast.FLAIR)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"volume_ml": 18.04, "side": Side.LEFT}, "18 mL of tissue unlike any of the three, mostly on the left; "),
        (
            {"volume_ml": 18.04, "parts": 2, "largest_ml": 11.0, "side": Side.BOTH},
            "18 mL of tissue unlike any of the three, in 2 parts, the largest 11, on both sides; ",
        ),
        (
            {"volume_ml": None, "largest_ml": None, "share": 0.188, "side": Side.UNKNOWN},
            "18.8 % of the brain is unlike any of the three tissues; ",
        ),
    ],
)
def test_what_is_said_of_it_is_how_much_where_and_no_more(result, changes, words):
    (finding,) = abnormal_findings(replace(result, abnormal=replace(result.abnormal, **changes)))
    assert finding.statement.startswith(words + "this is no diagnosis.")


@pytest.mark.parametrize(("speck", "parts"), [(1, 1), (5, 2)])
def test_a_speck_is_no_part(speck, parts):
    labels = np.full((20, 20, 20), Tissue.WM.number, np.uint8)
    labels[2:8, 2:8, 2:8] = labels[15 : 15 + speck, 15 : 15 + speck, 15 : 15 + speck] = ABNORMAL.number
    mask, abnormal = labels > 0, (labels == ABNORMAL.number).astype(np.float32)
    empty = np.zeros((*labels.shape, 3))
    maps = TissueMaps(mask, labels, empty.astype(np.float32), empty.astype(np.uint8), abnormal)
    measured = measure_abnormal(
        maps,
        BrainRegion(mask, (slice(None),) * 3, uniform_prior(mask.shape)),
        Brain(mask, stripped=False),
        spacing=(1.0, 1.0, 1.0),
        voxel_ml=0.001,
        contrast=Contrast.FLAIR,
        sides_known=True,
    )
    assert measured.parts == parts
    assert measured.largest_ml == pytest.approx(0.216)
    assert measured.volume_ml == pytest.approx(0.216 + 0.001 * speck**3)
    assert measured.side is Side.UNKNOWN  # no average brain tells the middle
