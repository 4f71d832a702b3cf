from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue
from mriseg.brain.extraction import Brain
from mriseg.core.scan import HeaderContrast, picture, volume
from mriseg.datasets.phantom import simulate
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.segmentation.brain_region import brain_region
from mriseg.segmentation.trial_fits import LEAST_SLAB_MM, TRIAL_MM, _is_slab, _thinning, identify_tissues


def region_of(scan, mask, settings=None):
    return brain_region(Brain(mask, False, given=True), scan, settings or Settings())


@pytest.fixture(scope="module")
def mask(coarse):
    return coarse.truth > 0


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR])
def test_the_contrast_is_recognized(coarse, mask, contrast):
    scan = simulate(coarse, contrast)
    found = identify_tissues(scan, scan, region_of(scan, mask), Settings())
    assert found.assignment.tissues == contrast.dark_to_bright
    assert not found.assignment.inverted
    assert found.assignment.confidence > 0.5


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_of_an_inverted_scan_the_tissues_are_those_of_its_negative(coarse, mask, contrast):
    scan = simulate(coarse, contrast)
    negative = volume(scan.data.max() - scan.data, scan.affine)
    for settings in (Settings(), Settings(contrast=contrast.setting)):
        found = identify_tissues(negative, negative, region_of(negative, mask), settings)
        assert found.assignment.inverted
        assert found.assignment.tissues == contrast.dark_to_bright
        np.testing.assert_allclose(found.background_level, scan.data.max(), rtol=0.05)
        signal = found.signal(negative.data)
        means = {tissue: signal[coarse.truth == tissue.number].mean() for tissue in Tissue}
        assert sorted(Tissue, key=means.get) == list(contrast.dark_to_bright)


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR])
def test_a_chosen_contrast_is_taken_and_the_evidence_stands_beside_it(coarse, mask, contrast):
    scan = simulate(coarse, Contrast.T1)
    region = region_of(scan, mask)
    chosen = identify_tissues(scan, scan, region, Settings(contrast=contrast.setting)).assignment
    assert chosen.contrast is contrast
    assert chosen.tissues == contrast.dark_to_bright
    by_itself = identify_tissues(scan, scan, region, Settings()).assignment
    assert chosen.evidence == by_itself.evidence
    assert chosen.likeliest is Contrast.T1
    assert chosen.confidence == chosen.evidence[contrast]
    assert (chosen.confidence > 0.9) == (contrast is Contrast.T1)


def test_a_header_that_agrees_makes_surer(coarse, mask):
    """PD and T2 share an order: which of them a scan is, the header decides."""
    scan = simulate(coarse, Contrast.PD)
    silent = identify_tissues(scan, scan, region_of(scan, mask), Settings()).assignment
    stated = replace(scan, header_contrast=HeaderContrast(Contrast.PD, "TR 3000 ms, TE 15 ms"))
    agreeing = identify_tissues(stated, stated, region_of(stated, mask), Settings()).assignment
    assert agreeing.contrast is Contrast.PD
    assert agreeing.confidence >= silent.confidence


def test_fine_voxels_are_thinned_and_coarse_ones_are_not():
    mask = np.zeros((240, 200, 30), bool)
    mask[21:201, 33:190, 3:27] = True
    steps = [part.step for part in _thinning(mask, (1.0, TRIAL_MM / 4, 5.0))]
    assert steps == [2, 4, 1]
    np.testing.assert_array_equal([part.start for part in _thinning(mask, (1.0, 1.0, 1.0))], [21, 33, 3])


def test_a_single_slice_of_brain_is_not_missed():
    mask = np.zeros((40, 40, 41), bool)
    mask[10:30, 10:30, 7] = True
    assert mask[_thinning(mask, (0.5, 0.5, 0.5))].any()


@pytest.mark.parametrize(
    ("slices", "spacing", "slab"),
    [(8, 5.0, True), (8, 1.0, True), (12, 5.0, False), (4, 1.0, False), (40, 2.0, False)],
)
def test_a_slab_is_thinner_than_a_head_and_thicker_than_a_slice(slices, spacing, slab):
    mask = np.zeros((100, 100, 60), bool)
    mask[10:90, 10:90, 5 : 5 + slices] = True
    assert LEAST_SLAB_MM == 5
    assert _is_slab(mask, (1.0, 1.0, spacing)) == slab


def test_a_picture_is_no_slab():
    mask = np.ones((40, 40), bool)
    assert not _is_slab(mask, None)
    assert not _is_slab(mask, (1.0, 1.0))


def test_a_slab_is_laid_into_the_average_brain_by_its_tissues(scanned, phantom):
    scan = volume(scanned(Contrast.T2).data[:, :, 50:58], phantom.affine)
    mask = phantom.truth[:, :, 50:58] > 0
    region = region_of(scan, mask)
    found = identify_tissues(scan, scan, region, Settings(contrast="t2"))
    assert len(found.spatial_prior) > 1
    expected = found.spatial_prior.shares[found.spatial_prior.index]  # of fluid, gray and white matter
    truth = phantom.truth[:, :, 50:58][region.box]
    for column, tissue in enumerate((Tissue.CSF, Tissue.GM, Tissue.WM)):
        share, here = expected[..., column][region.box_mask], (truth == tissue.number)[region.box_mask]
        assert share[here].mean() > 1.2 * share[~here].mean(), tissue
    alone = identify_tissues(scan, scan, region, Settings(contrast="t2", use_position=False))
    assert len(alone.spatial_prior) == 1


def test_a_picture_of_one_zone_is_named_too(scanned, phantom):
    image = picture(np.ascontiguousarray(scanned(Contrast.T2).data[:, :, 58].T[::-1]))
    mask = np.ascontiguousarray(phantom.truth[:, :, 58].T[::-1]) > 0
    region = region_of(image, mask)
    np.testing.assert_array_equal(region.spatial_prior.index, uniform_prior(region.box_mask.shape).index)
    found = identify_tissues(image, image, region, Settings()).assignment
    assert found.tissues == Contrast.T2.dark_to_bright
