import numpy as np
import pytest

from mriseg import Contrast
from mriseg.brain.cut_away import find_cut_away
from mriseg.brain.extraction import extract

SPACING = (2.0, 2.0, 2.0)
ML = 0.008  # of a voxel


def cut_at_the_front(data, mask, missing_ml):
    """The scan with all in front of a plane set to 0, and how much of the brain that is."""
    in_front = np.cumsum(mask.sum((0, 2))[::-1])[::-1] * ML
    first = int(np.flatnonzero(in_front > missing_ml)[-1])
    cut = data.copy()
    cut[:, first:] = 0
    return cut, float(in_front[first])


def piece(data):
    brain = extract(data, SPACING)
    return find_cut_away(data, SPACING, brain.mask, brain.registration)


@pytest.mark.slow
@pytest.mark.parametrize("is_stripped", [False, True])
def test_a_piece_that_was_cut_away_is_told_by_where_it_was(phantom, scanned, is_stripped):
    mask = phantom.truth > 0
    data = np.where(mask | (not is_stripped), scanned(Contrast.T1).data, np.float32(0))
    assert piece(data) is None
    cut, missing_ml = cut_at_the_front(data, mask, missing_ml=100.0)
    found = piece(cut)
    assert (found.axis, found.forward) == (1, True)
    # Less than is missing, and least in a whole head: the average brain is laid over what is left.
    assert 0.3 * missing_ml < found.volume_ml < 1.1 * missing_ml


@pytest.mark.slow
def test_a_field_of_view_that_ends_cuts_nothing_away(phantom, scanned):
    """Beyond the image nothing was written over."""
    data, mask = scanned(Contrast.T1).data, phantom.truth > 0
    in_front = np.cumsum(mask.sum((0, 2))[::-1])[::-1] * ML
    assert piece(data[:, : int(np.flatnonzero(in_front > 60.0)[-1])]) is None


@pytest.mark.slow
def test_what_a_mask_leaves_out_was_not_cut_away(scanned, segmented):
    """It is still there: no one value lies over it."""
    data, brain = scanned(Contrast.T1).data, segmented(Contrast.T1).brain
    behind = np.arange(data.shape[1])[:, None] < np.flatnonzero(brain.mask.any((0, 2)))[-20]
    assert find_cut_away(data, SPACING, brain.mask & behind, brain.registration) is None
