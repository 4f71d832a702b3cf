import numpy as np
import pytest

from mriseg.core.tissue import Contrast
from mriseg.mixture.fit import fit
from mriseg.mixture.likelihood import bin_voxels
from mriseg.mixture.spatial_prior import PriorZones, uniform_prior
from mriseg.segmentation.skull_rim import RIM_MM, UNLIKELY_WHITE, bone_at_the_rim, darker_than_white, vessels_at_the_rim

ISO = (1.0, 1.0, 1.0)


def distances(shape, spacing=ISO):
    """From the middle, mm."""
    lines = [(np.arange(n) - (n - 1) / 2) * side for n, side in zip(shape, spacing, strict=True)]
    return np.sqrt(sum(line**2 for line in np.meshgrid(*lines, indexing="ij", sparse=True)))


def in_two(cortical, white_at_the_rim=UNLIKELY_WHITE / 2):
    """Zones in one of which hardly any white matter is expected."""
    shares = np.array([[0.1, 0.3, 0.6], [0.5, 0.5 - white_at_the_rim, white_at_the_rim]])
    return PriorZones(cortical.astype(np.int16), shares, np.zeros(2))


# A whole brain of 80 mm, in which white matter lies within 24 mm of the middle.
FROM_MIDDLE = distances((87, 87, 87))
BALL = FROM_MIDDLE <= 40
CORE = FROM_MIDDLE <= 24
SHELL = BALL & (FROM_MIDDLE > 38)
CORTICAL = in_two(FROM_MIDDLE > 30)
NOWHERE = uniform_prior(BALL.shape)
BOTH = pytest.mark.parametrize("zones", [CORTICAL, NOWHERE], ids=["zones", "one zone"])


@BOTH
def test_white_at_the_inner_skull_is_taken_and_deep_white_is_kept(zones):
    np.testing.assert_array_equal(bone_at_the_rim(CORE | SHELL, BALL, zones, ISO), SHELL)


def test_only_what_is_darker_than_most_white_matter_is_darker_than_it():
    levels = np.random.default_rng(0).normal(np.repeat([100.0, 200.0, 300.0], 4000), 10.0).astype(np.float32)
    voxels, mask = levels.reshape(20, 20, 30), np.ones((20, 20, 30), bool)
    prior = uniform_prior(mask.shape)
    binned = bin_voxels([voxels], mask)
    mixture = fit(binned.cells(mask, prior), Contrast.T2.dark_to_bright, prior)
    darker = darker_than_white(binned, mixture)
    limit = mixture.means[0] - mixture.sds[0]
    assert limit == pytest.approx(90, abs=4)
    np.testing.assert_array_equal(darker[np.abs(voxels - limit) > 1], (voxels < limit)[np.abs(voxels - limit) > 1])


@BOTH
def test_without_white_at_the_rim_nothing_is_taken(zones):
    assert not bone_at_the_rim(CORE, BALL, zones, ISO).any()


@BOTH
def test_only_what_was_named_white_and_lies_in_the_mask_is_taken(zones):
    white = np.random.default_rng(0).random(BALL.shape) < 0.6
    taken = bone_at_the_rim(white, BALL, zones, ISO)
    assert taken.any()
    assert not (taken & ~(white & BALL)).any()


@BOTH
def test_white_behind_another_tissue_is_kept(zones):
    behind = (FROM_MIDDLE > 37) & (FROM_MIDDLE <= 38.5)  # by 1.5 mm of another tissue
    assert not bone_at_the_rim(behind, BALL, zones, ISO).any()


@BOTH
def test_one_gap_lets_the_outside_reach_what_lies_behind(zones):
    behind = (FROM_MIDDLE > 37.2) & (FROM_MIDDLE <= 39)
    assert not bone_at_the_rim(behind, BALL, zones, ISO).any()
    bridged = behind.copy()
    bridged[43, 43, 82:] = BALL[43, 43, 82:]
    taken = bone_at_the_rim(bridged, BALL, zones, ISO)
    assert (taken & behind).sum() > 0.7 * behind.sum()


def test_white_is_taken_only_where_none_is_expected():
    spoke = np.zeros_like(BALL)
    spoke[43, 43, 43:] = BALL[43, 43, 43:]  # from the middle to the skull
    np.testing.assert_array_equal(bone_at_the_rim(spoke, BALL, CORTICAL, ISO), spoke & (FROM_MIDDLE > 30))
    taken = bone_at_the_rim(spoke, BALL, NOWHERE, ISO)
    depth = FROM_MIDDLE[taken].min()
    assert 40 - RIM_MM <= depth <= 40 - RIM_MM + 1.5


@pytest.mark.parametrize(("white", "taken"), [(UNLIKELY_WHITE - 0.01, True), (UNLIKELY_WHITE + 0.01, False)])
def test_where_white_matter_is_likely_at_the_skull_it_is_kept(white, taken):
    assert bone_at_the_rim(SHELL, BALL, in_two(FROM_MIDDLE > 30, white), ISO).any() == taken


def test_the_rim_is_as_thick_in_millimetres_along_unlike_sides():
    sides = (0.5, 1.0, 2.0)
    far = distances((167, 87, 43), sides)
    ball = far <= 39
    taken = bone_at_the_rim(ball, ball, uniform_prior(ball.shape), sides)  # all of it is white
    for line, side in ((taken[83:, 43, 21], 0.5), (taken[83, 43:, 21], 1.0), (taken[83, 43, 21:], 2.0)):
        assert line.sum() * side == pytest.approx(RIM_MM, abs=side)
    assert not (taken & (far < 39 - RIM_MM - 1)).any()


@BOTH
def test_where_the_image_ends_there_is_no_skull(zones):
    part = (slice(20, None), slice(None), slice(None))  # 64 mm of the brain: no slab
    cut = PriorZones(zones.index[part], zones.shares, zones.deep)
    face = np.zeros_like(BALL)
    face[20:23] = BALL[20:23] & (FROM_MIDDLE[20:23] < 36)
    assert face.sum() > 5000
    assert not bone_at_the_rim(face[part], BALL[part], cut, ISO).any()
    shell = BALL[part] & (FROM_MIDDLE[part] > 38.5)
    np.testing.assert_array_equal(bone_at_the_rim(shell, BALL[part], cut, ISO), shell)


def test_where_the_image_ends_only_the_skull_at_its_edge_is_near():
    brain, white = BALL[20:], np.zeros_like(BALL[20:])
    white[0, 43] = brain[0, 43]  # across the face, from skull to skull
    taken = bone_at_the_rim(white, brain, uniform_prior(brain.shape), ISO)
    assert 0 < taken.sum() <= 2 * (RIM_MM + 1)


@pytest.mark.parametrize("axis", range(3))
def test_cut_faces_of_a_slab_are_no_rim(axis):
    slab = np.moveaxis(BALL.copy(), axis, 0)
    slab[:33], slab[54:] = False, False  # 21 mm, with nothing above and below
    slab = np.moveaxis(slab, 0, axis)
    assert not bone_at_the_rim(slab & CORE, slab, NOWHERE, ISO).any()
    taken = bone_at_the_rim(slab & (CORE | SHELL), slab, NOWHERE, ISO)
    np.testing.assert_array_equal(taken, slab & SHELL)


@BOTH
def test_nothing_is_reached_through_the_cut_faces_of_a_slab(zones):
    """What lies behind another tissue does so in a slab too, though empty slices follow on it."""
    slab = BALL.copy()
    slab[:, :, :33], slab[:, :, 54:] = False, False
    behind = (FROM_MIDDLE > 37.2) & (FROM_MIDDLE <= 39) & slab
    assert not bone_at_the_rim(behind, slab, zones, ISO).any()


def test_the_outer_slices_of_a_whole_brain_are_rim():
    brain = np.zeros((84, 84, 84), bool)
    brain[7:77, 7:77, 7:77] = True
    white = brain.copy()
    white[:, :, 9:] = False
    np.testing.assert_array_equal(bone_at_the_rim(white, brain, uniform_prior(brain.shape), ISO), white)


def test_a_slice_has_a_rim_all_around():
    far = distances((61, 61), (1.0, 1.0))  # less than a slab is wide
    disc, core, shell = far <= 28, far <= 15, (far <= 28) & (far > 26)
    for zones in (uniform_prior(disc.shape), in_two(far > 20)):
        np.testing.assert_array_equal(bone_at_the_rim(core | shell, disc, zones, (1.0, 1.0)), shell)
        assert not bone_at_the_rim(core, disc, zones, (1.0, 1.0)).any()


@pytest.mark.parametrize("axis", range(3))
def test_flipping_the_image_flips_what_is_taken(axis):
    white = (np.random.default_rng(1).random(BALL.shape) < 0.7) & BALL
    taken = bone_at_the_rim(white, BALL, NOWHERE, ISO)
    flipped = bone_at_the_rim(np.flip(white, axis), np.flip(BALL, axis), NOWHERE, ISO)
    assert taken.any()
    np.testing.assert_array_equal(np.flip(flipped, axis), taken)


@pytest.mark.parametrize(("enhanced", "is_taken"), [(SHELL, True), (CORE, False), (BALL & (FROM_MIDDLE > 39.9), False)])
def test_what_is_far_brighter_than_white_at_the_rim_is_a_vessel_if_it_is_much(enhanced, is_taken):
    rng = np.random.default_rng(0)
    peaks = rng.normal(np.repeat([20.0, 100.0, 200.0], 4000), 8.0).astype(np.float32).reshape(20, 20, 30)
    everywhere, prior = np.ones(peaks.shape, bool), uniform_prior(peaks.shape)
    mixture = fit(bin_voxels([peaks], everywhere).cells(everywhere, prior), Contrast.T1.dark_to_bright, prior)
    voxels = np.where(enhanced, 600, np.where(CORE, 200, 100)) + 8 * rng.standard_normal(BALL.shape)
    binned = bin_voxels([voxels.astype(np.float32)], BALL)
    taken = vessels_at_the_rim(CORE | enhanced, BALL, CORTICAL, spacing=ISO, binned=binned, mixture=mixture)
    np.testing.assert_array_equal(taken, enhanced if is_taken else np.zeros_like(BALL))
