from dataclasses import replace

import numpy as np
import pytest
import scipy

from mriseg.brain.confidence import DOUBTFUL, picture_confidence, stripped_picture_confidence, volume_confidence
from mriseg.core.findings import FindingCode, Level
from mriseg.core.tissue import Contrast
from mriseg.registration.slice import SlicePose

CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)


@pytest.fixture
def judge(scanned, segmented):
    """Judge the phantom's T2 scan with something changed."""

    def of(contrast=Contrast.T2, data=None, mask=None, stripped=False, **registration):
        scan, brain = scanned(contrast), segmented(contrast).brain
        return volume_confidence(
            scan.data if data is None else data,
            scan.spacing,
            brain.mask if mask is None else mask,
            registration=replace(brain.registration, **registration),
            stripped=stripped,
        )

    return of


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_good_mask_is_trusted(judge, contrast):
    judged = judge(contrast)
    assert judged.value > 0.9
    assert judged.doubts == ()


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"agreement": 0.15}, FindingCode.MASK_MISFIT, "hardly fits"),
        ({"agreement": 0.36, "stripped": True}, FindingCode.MASK_MISFIT, "hardly fits"),
        ({"coverage": 0.5}, FindingCode.MASK_OUT_OF_VIEW, "50 % of a brain"),
    ],
)
def test_each_weak_figure_makes_a_mask_doubtful_and_is_told(judge, change, code, says):
    judged = judge(**change)
    assert judged.value < DOUBTFUL
    assert [(doubt.code, doubt.level) for doubt in judged.doubts] == [(code, Level.NOT)]
    assert says in judged.doubts[0].text


def test_half_a_brain_is_doubted(judge, segmented):
    mask = segmented(Contrast.T2).brain.mask.copy()
    mask[: mask.shape[0] // 2] = False
    judged = judge(mask=mask)
    assert judged.value < DOUBTFUL
    assert "left and right" in judged.doubts[0].text


def test_a_bright_skull_is_no_mr_image(judge, phantom):
    """A CT: air at -1000, soft tissue at 40, bone at 1000."""
    data = np.where(phantom.matter > 0, 40.0, -1000.0)
    data += np.random.default_rng(0).normal(0, 10, data.shape)
    away = 2.0 * scipy.ndimage.distance_transform_edt(phantom.truth == 0)
    data[(away > 0) & (away < 8)] = 1000
    judged = judge(data=data.astype(np.float32))
    assert judged.value < 0.1
    assert "CT" in judged.doubts[0].text


def test_two_middling_figures_together_name_the_worse(judge):
    judged = judge(agreement=0.22, coverage=0.7)
    assert judged.value < DOUBTFUL
    assert len(judged.doubts) == 1
    assert "agreement 0.22" in judged.doubts[0].text


@pytest.mark.parametrize(
    ("cost", "agreement", "trusted"), [(-0.6, 0.8, True), (-0.42, 0.8, False), (-0.6, 0.45, False)]
)
def test_a_slice_is_trusted_for_its_outline_and_its_place_in_the_atlas(cost, agreement, trusted):
    rows, columns = np.ogrid[:100, :100]
    radius = np.hypot(rows - 50, columns - 50)
    image = np.where(radius < 36, 0.8, np.where((radius > 42) & (radius < 48), 0.9, 0.0))
    pose = SlicePose(np.array([[0.0, 1.0, 0.0], [0, 0, 0], [-1.0, 0, 0]]), agreement)
    judged = picture_confidence(image, radius < 36, pose=pose, outline_cost=cost)
    assert (judged.value > 0.9) == trusted
    assert (judged.doubts == ()) == trusted


def test_a_stripped_slice_without_anatomy_is_doubted():
    assert stripped_picture_confidence(0.1).doubts == ()
    assert stripped_picture_confidence(0.005).value == 0.0
