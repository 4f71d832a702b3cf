import numpy as np
import pytest

from mriseg.brain.told_mask import contradictions, disagreement, take_everything, take_given, take_stripped
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.findings import FindingCode, Level
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.image.morphology import offset_mask
from tests.not_heads import OTHERS

SPACING = (4.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def head(coarse):
    return simulate(coarse, Contrast.T1).data


@pytest.fixture(scope="module")
def mask(coarse):
    return coarse.truth > 0


def axial(volume, index=29):
    return np.ascontiguousarray(volume[:, :, index].T[::-1])


def codes(brain):
    return [(doubt.code, doubt.level) for doubt in brain.doubts]


def test_a_right_mask_is_taken_and_not_doubted(head, mask):
    brain = take_given(head, SPACING, mask)
    assert brain.given
    assert brain.registration is not None
    np.testing.assert_array_equal(brain.mask, mask)
    assert (brain.confidence, brain.doubts) == (1, ())


@pytest.mark.parametrize("told", ["everything", "no skull", "far out", "too far back"])
def test_a_mask_with_scalp_bone_or_air_in_it_is_taken_and_not_believed(head, mask, told):
    if told == "everything":
        brain = take_everything(head, SPACING)
        np.testing.assert_array_equal(brain.mask, np.ones_like(mask))
    elif told == "no skull":
        brain = take_stripped(head, SPACING)
    else:
        wrong = offset_mask(mask, 12.0, SPACING) if told == "far out" else np.roll(mask, -10, 1)
        brain = take_given(head, SPACING, wrong)
        np.testing.assert_array_equal(brain.mask, wrong)
    assert brain.doubtful
    doubt = brain.doubts[0]
    assert (doubt.code, doubt.level) == (FindingCode.MASK_CONTRADICTED, Level.NOT)
    outside = 1 - (brain.mask & mask).sum() / brain.mask.sum()
    assert float(doubt.statement.split("%")[0]) / 100 == pytest.approx(outside, abs=0.08)


def test_a_part_of_a_brain_is_told_as_one(head, mask):
    half = mask.copy()
    half[half.shape[0] // 2 :] = False
    brain = take_given(head, SPACING, half)
    assert codes(brain) == [(FindingCode.MASK_LEAVES_OUT, Level.CARE)]
    assert not brain.doubtful


def test_a_mask_of_what_is_no_head_is_judged_by_what_it_holds():
    bottle = OTHERS["bottle"]()
    brain = take_given(bottle, (2.0, 2.0, 2.0), bottle > 50)
    assert brain.doubtful
    assert FindingCode.MASK_CONTRADICTED not in [doubt.code for doubt in brain.doubts]


def test_what_the_user_says_is_stripped_is_compared_with_the_average_brain(head, mask):
    brain = take_stripped(np.where(mask, head, 0), SPACING)
    assert brain.confidence > 0.9
    assert brain.doubts == ()
    with pytest.raises(BrainNotFoundError):
        take_stripped(np.zeros((40, 40, 40), np.float32), SPACING)


def test_the_mask_of_a_picture_is_judged_too(scanned, phantom):
    image, mask = axial(scanned(Contrast.T1).data, 58), axial(phantom.truth > 0, 58)
    right = take_given(image, None, mask)
    assert (right.confidence, right.doubts) == (1, ())
    assert right.level.axis == 2
    for wrong in (take_everything(image, None), take_stripped(image, None), take_given(image, None, image > 20)):
        assert (wrong.doubts[0].code, wrong.doubts[0].level) == (FindingCode.MASK_CONTRADICTED, Level.NOT)


@pytest.mark.parametrize("shape", [(40, 50), (20, 30, 40)])
def test_everything_is_everything_and_trusted_in_nothing(shape):
    brain = take_everything(np.zeros(shape, np.float32), (1.0,) * len(shape))
    assert brain.mask.all()
    assert brain.given
    assert brain.doubtful


def test_disagreement_counts_both_ways():
    mask, found = np.zeros((2, 10), bool)
    mask[:8], found[4:9] = True, True
    assert disagreement(mask, found) == pytest.approx((0.5, 0.2))
    assert disagreement(found, found) == (0, 0)


@pytest.mark.parametrize(
    ("outside", "left_out", "told"),
    [
        (0.1, 0.2, []),
        (0.2, 0.0, [(FindingCode.MASK_CONTRADICTED, Level.CARE)]),
        (0.3, 0.0, [(FindingCode.MASK_CONTRADICTED, Level.NOT)]),
        (0.0, 0.4, [(FindingCode.MASK_LEAVES_OUT, Level.CARE)]),
    ],
)
def test_small_differences_are_no_contradiction(outside, left_out, told):
    judged = contradictions(outside, left_out)
    assert [(doubt.code, doubt.level) for doubt in judged.doubts] == told
    assert (judged.value < 0.5) == any(level is Level.NOT for _, level in told)
