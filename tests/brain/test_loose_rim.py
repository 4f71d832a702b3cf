import numpy as np
import pytest

from mriseg import Contrast
from mriseg.brain.extraction import extract
from mriseg.brain.loose_rim import dark_rim, is_loosely_stripped
from mriseg.datasets.phantom import SEQUENCES
from mriseg.image.morphology import dilate
from tests.helpers import dice

SPACING = (2.0, 2.0, 2.0)
LOOSE_MM = 4.0  # outside the inner skull

FROM_MIDDLE = np.linalg.norm(np.indices((60, 60, 60)) - 29.5, axis=0) * 2
BALL, SHELL = FROM_MIDDLE < 50, (FROM_MIDDLE >= 46) & (FROM_MIDDLE < 50)


def textured(shading=0.0):
    """A bright ball of 100 mm with noise, brighter at one side."""
    rng = np.random.default_rng(0)
    along = np.linspace(1, 1 + shading, 60, dtype=np.float32)[:, None, None]
    return (along * (100 + 5 * rng.standard_normal(BALL.shape))).astype(np.float32)


def stripped(scan, phantom, farther_mm):
    """The head up to so far outside the inner skull: intensities, voxel sides, mask."""
    mask = dilate(phantom.truth > 0, farther_mm, SPACING) if farther_mm else phantom.truth > 0
    return np.where(mask, scan.data, 0), SPACING, mask


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD])  # on FLAIR fluid is as dark as bone
@pytest.mark.parametrize("farther_mm", [2.0, LOOSE_MM])
def test_bone_around_a_brain_is_seen(scanned, phantom, contrast, farther_mm):
    assert is_loosely_stripped(*stripped(scanned(contrast), phantom, farther_mm))


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_a_brain_stripped_at_the_inner_skull_is_not_loose(scanned, phantom, contrast):
    assert not is_loosely_stripped(*stripped(scanned(contrast), phantom, 0))


@pytest.mark.parametrize("shift", [-500.0, 0.0, 2000.0])
@pytest.mark.parametrize("factor", [0.01, 1.0])
def test_neither_scale_nor_zero_of_the_intensities_matters(factor, shift):
    dark = np.where(SHELL, textured() / 5, textured())
    for data, loose in ((textured(), False), (dark, True)):
        assert is_loosely_stripped(np.where(BALL, factor * data, 0) + np.float32(shift), SPACING, BALL) == loose


def test_a_brain_in_which_nothing_lies_deep_is_not_loose():
    small = FROM_MIDDLE < 9
    assert not is_loosely_stripped(textured(), SPACING, small)
    assert not dark_rim(textured(), SPACING, small).any()


@pytest.mark.parametrize("shading", [0.0, 1.5])
def test_the_dark_rim_is_the_shell_of_bone_however_the_coil_shades(shading):
    data = np.where(SHELL, textured(shading) / 3, textured(shading))
    assert dice(dark_rim(np.where(BALL, data, 0), SPACING, BALL), SHELL) > 0.98


def test_what_is_dark_behind_tissue_is_no_rim():
    behind = (FROM_MIDDLE >= 40) & (FROM_MIDDLE < 44)
    data = np.where(behind, textured() / 3, textured())
    assert not dark_rim(np.where(BALL, data, 0), SPACING, BALL)[behind].any()


@pytest.mark.slow
@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_the_border_of_a_loosely_stripped_brain_moves_to_the_inner_skull(scanned, phantom, contrast):
    data, _, mask = stripped(scanned(contrast), phantom, LOOSE_MM)
    brain, truth = extract(data, SPACING), phantom.truth > 0
    assert dice(mask, truth) < 0.93
    assert dice(brain.mask, truth) > 0.98
    assert not (brain.mask & ~mask).any()
    assert np.count_nonzero(np.isin(phantom.truth, (1, 2)) & ~brain.mask) < 0.01 * np.count_nonzero(truth)
    assert not brain.doubtful
    assert any("Bone" in note for note in brain.notes)
