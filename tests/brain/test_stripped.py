import numpy as np
import pytest
import scipy

from mriseg.brain.stripped import above_level, is_stripped, stripped_mask
from mriseg.datasets.phantom import SEQUENCES
from tests.helpers import dice

SPACING = (2.0, 2.0, 2.0)


def stripped(scan, phantom, background=0.0):
    return np.where(phantom.truth > 0, scan.data, np.float32(background))


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_a_whole_head_is_not_taken_for_a_stripped_brain(scanned, contrast):
    assert not is_stripped(scanned(contrast).data, SPACING)


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_a_stripped_brain_is_recognized(scanned, phantom, contrast):
    assert is_stripped(stripped(scanned(contrast), phantom), SPACING)


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_a_head_whose_air_was_set_to_zero_is_not_stripped(scanned, phantom, contrast):
    """One value lies around it, but the skull is there."""
    assert not is_stripped(np.where(phantom.matter > 0, scanned(contrast).data, 0), SPACING)


@pytest.mark.parametrize(("axis", "index"), [(2, 58), (1, 60), (0, 44)])
@pytest.mark.parametrize("contrast", SEQUENCES)
def test_slices_are_told_apart_as_well(scanned, phantom, contrast, axis, index):
    scan = scanned(contrast)
    head = np.where(phantom.matter > 0, scan.data, 0)
    assert is_stripped(stripped(scan, phantom).take(index, axis), SPACING[:2])
    assert not is_stripped(head.take(index, axis), SPACING[:2])


def test_noise_around_a_brain_is_no_mask():
    rows, columns = np.ogrid[:100, :100]
    brain = 100.0 * (np.hypot(rows - 50, columns - 50) < 30)
    noisy = brain + np.random.default_rng(0).rayleigh(3.0, brain.shape)
    assert is_stripped(brain.astype(np.float32), (1.0, 1.0))
    assert not is_stripped(noisy.astype(np.float32), (1.0, 1.0))


@pytest.mark.parametrize("background", [0.0, -500.0, 1.5])
def test_what_a_mask_left_is_all_that_differs_from_its_background(scanned, phantom, background):
    scan = scanned(next(iter(SEQUENCES)))
    assert dice(stripped_mask(stripped(scan, phantom, background)), phantom.truth > 0) > 0.99


def test_holes_are_filled_and_specks_left_out():
    data = np.zeros((40, 40))
    data[5:30, 5:30] = 10
    data[15:18, 15:18] = 0
    data[36, 36] = 10
    expected = np.zeros(data.shape, bool)
    expected[5:30, 5:30] = True
    np.testing.assert_array_equal(above_level(data, 5), expected)


def test_what_splines_leave_around_a_resampled_brain_is_no_air(scanned, phantom):
    brain = stripped(next(iter(map(scanned, SEQUENCES))), phantom)
    turned = scipy.ndimage.rotate(brain, 5, (0, 1), reshape=False, order=3)
    assert np.mean(turned != 0) > 1.2 * np.mean(brain != 0)
    assert is_stripped(turned, SPACING)
