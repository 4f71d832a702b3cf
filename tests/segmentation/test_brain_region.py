from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings
from mriseg.brain.extraction import Brain
from mriseg.core.errors import BrainNotFoundError, SettingsError
from mriseg.core.scan import picture, volume
from mriseg.datasets.phantom import simulate
from mriseg.image.orientation import orient
from mriseg.registration.slice import SliceLevel
from mriseg.segmentation.brain_region import brain_region, compact, find_brain, first_voxel_mm

SIDE_MM = 2.0


@pytest.fixture(scope="module")
def ball():
    """A ball of 20 mm in a cube of 80, 20 mm from its first corner: the scan, and its brain as found."""
    offset = np.stack(np.meshgrid(*[SIDE_MM * np.arange(40) - 30] * 3, indexing="ij"))
    mask = np.sqrt((offset**2).sum(0)) <= 20
    return volume(np.where(mask, 500.0, 0.0), np.diag([SIDE_MM] * 3 + [1])), Brain(mask, False)


@pytest.mark.parametrize("margin", [-6.0, 0.0, 6.0])
def test_a_margin_moves_the_border_by_so_many_millimeters(ball, margin):
    scan, brain = ball
    mask = brain_region(brain, scan, Settings(margin=margin)).mask
    line = mask[:, 15, 15]
    assert line.sum() * SIDE_MM == pytest.approx(40 + SIDE_MM + 2 * margin, abs=SIDE_MM)
    assert line.all() == brain.mask[:, 15, 15].all()


def test_without_a_margin_the_mask_is_that_of_the_brain(ball):
    scan, brain = ball
    region = brain_region(brain, scan, Settings())
    np.testing.assert_array_equal(region.mask, brain.mask)
    np.testing.assert_array_equal(region.box_mask, brain.mask[region.box])


def test_the_box_is_one_voxel_wider_than_the_brain(ball):
    scan, brain = ball
    region = brain_region(brain, scan, Settings())
    assert region.box == (slice(4, 27),) * 3  # the brain lies in 5 to 25
    assert region.spatial_prior.index.shape == region.box_mask.shape == (23, 23, 23)


def test_a_mask_moved_out_of_existence_is_refused(ball):
    scan, brain = ball
    slice_of_it = np.zeros_like(brain.mask)
    slice_of_it[:, :, 13:17] = brain.mask[:, :, 13:17]  # 8 mm
    with pytest.raises(BrainNotFoundError, match="8 mm is empty"):
        brain_region(Brain(slice_of_it, False), scan, Settings(margin=-8.0))


def test_a_pixel_size_tells_how_far_a_margin_is(ball):
    _, brain = ball
    flat = Brain(brain.mask[:, :, 15], False)
    scan = picture(np.where(flat.mask, 500.0, 0.0))
    counts = [
        np.count_nonzero(brain_region(flat, scan, Settings(margin=4.0, pixel_size=size)).mask[:, 15])
        for size in (1.0, 2.0, 4.0)
    ]
    assert counts == [21 + 8, 21 + 4, 21 + 2]
    # As the head's size has it, where the user gives none.
    known = replace(flat, level=SliceLevel(2, 10.0, pixel_mm=2.0))
    assert np.count_nonzero(brain_region(known, scan, Settings(margin=4.0)).mask[:, 15]) == 21 + 4


def test_the_average_brain_is_asked_where_it_lies_and_the_mask_is_sure(segmented, scanned):
    scan, _ = orient(scanned(Contrast.T1))
    brain = segmented(Contrast.T1).brain
    assert len(brain_region(brain, scan, Settings()).spatial_prior) > 1
    for other, settings in (
        (brain, Settings(use_position=False)),
        (replace(brain, registration=None), Settings()),
        (replace(brain, confidence=0.0), Settings()),
    ):
        assert len(brain_region(other, scan, settings).spatial_prior) == 1


def test_the_average_brain_lies_where_the_whole_grid_has_it(segmented, scanned):
    """The box cuts a part out of the prior and moves none of it: white matter is expected where it is."""
    scan, _ = orient(scanned(Contrast.T1))
    result = segmented(Contrast.T1)
    region = brain_region(result.brain, scan, Settings())
    expected = region.spatial_prior.shares[:, 2][region.spatial_prior.index]
    white = np.asarray(result.labels == 2)[region.box]
    assert expected[white].mean() > 2 * expected[region.box_mask & ~white].mean()


def test_a_given_mask_is_turned_with_the_scan(coarse):
    data, mask = simulate(coarse, Contrast.T1).data[:, ::-1], coarse.truth[:, ::-1] > 0
    back_to_front = np.diag([1.0, -1.0, 1.0, 1.0])
    back_to_front[1, 3] = data.shape[1] - 1
    scan = volume(data, coarse.affine @ back_to_front)
    canonical, _ = orient(scan)
    brain = find_brain(scan, canonical, Settings(), mask)
    assert brain.given
    np.testing.assert_array_equal(brain.mask, coarse.truth > 0)


@pytest.mark.parametrize(("fault", "why"), [("shape", "39 x 40 x 40"), ("empty", "empty")])
def test_a_mask_that_cannot_be_is_refused(ball, fault, why):
    scan, brain = ball
    mask = brain.mask[1:] if fault == "shape" else np.zeros_like(brain.mask)
    with pytest.raises(SettingsError, match=why):
        find_brain(scan, scan, Settings(), mask)


def test_what_the_settings_choose_is_taken(ball):
    """Of a picture: a ball in a volume would be turned every way, to see whether it is a head."""
    scan, brain = picture(ball[0].data[:, :, 15]), ball[1].mask[:, :, 15]
    assert find_brain(scan, scan, Settings(mask="all"), None).mask.all()
    np.testing.assert_array_equal(find_brain(scan, scan, Settings(mask="none"), None).mask, brain)


def test_a_compact_brain_is_the_same_brain(ball):
    _, brain = ball
    same = compact(brain)
    np.testing.assert_array_equal(same.mask, brain.mask)
    assert same.mask is not brain.mask
    nothing = Brain(np.zeros((3, 4), bool), False)
    assert compact(nothing) is nothing


def test_the_first_voxel_lies_at_the_first_corner_of_the_box():
    np.testing.assert_array_equal(first_voxel_mm((slice(10, 20), slice(4, 9)), (1.5, 2.0)), [15, 8])
