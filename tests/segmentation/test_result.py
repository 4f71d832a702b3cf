from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, Tissue, segment
from mriseg.core.scan import picture
from mriseg.datasets.phantom import simulate
from mriseg.mixture.likelihood import bin_voxels
from mriseg.segmentation.result import Joint, before_correction


@pytest.fixture(scope="module", params=[Contrast.T1, Contrast.T2], ids=lambda contrast: contrast.name)
def scan(request, scanned):
    """An upright slice."""
    return picture(np.ascontiguousarray(scanned(request.param).data[:, :, 58].T[::-1]))


@pytest.fixture(scope="module")
def result(scan):
    return segment(scan)


@pytest.fixture(scope="module")
def inverted(scan):
    negative = picture(scan.data.max() - scan.data)
    return negative, segment(negative)


def test_posteriors_fill_the_grid_in_the_order_of_the_tissues(segmented):
    result = segmented(Contrast.T1)
    posteriors = result.posteriors
    assert posteriors.shape == (*result.labels.shape, 3)
    assert posteriors.dtype == np.float32
    winner = np.array([tissue.number for tissue in Tissue])[posteriors.argmax(-1)]
    np.testing.assert_array_equal(result.labels, winner * result.mask)


def test_partial_volumes_fill_the_grid_and_sum_to_one_in_the_brain(segmented):
    result = segmented(Contrast.T1)
    fractions = result.partial_volumes
    assert fractions.shape == (*result.labels.shape, 3)
    assert fractions.dtype == np.float32
    assert fractions.min() >= 0
    np.testing.assert_allclose(fractions.sum(-1)[result.mask], 1, atol=0.01)
    assert not fractions[~result.mask].any()


def test_volumes_are_sums_of_partial_volumes(segmented):
    result = segmented(Contrast.T1)
    sums = result.partial_volumes.reshape(-1, 3).sum(0, dtype=float) * 8 / 1000
    np.testing.assert_allclose([result.volumes_ml[tissue] for tissue in Tissue], sums, rtol=2e-3)
    shares = np.array([result.fractions[tissue] for tissue in Tissue])
    np.testing.assert_allclose(shares, sums / sums.sum(), rtol=2e-3)


def test_partial_volumes_lie_between_sure_tissues(segmented):
    """Where the posteriors are sure a voxel may still hold two tissues, but it holds most of the one."""
    result = segmented(Contrast.T1)
    posteriors, fractions = result.posteriors, result.partial_volumes
    for channel in range(3):
        assert fractions[..., channel][posteriors[..., channel] > 0.99].min() > 0.49


def test_entropy_is_zero_where_the_label_is_sure_and_one_where_it_is_open(segmented):
    result = segmented(Contrast.T1)
    open_result = replace(result, brain_posteriors=np.full_like(result.brain_posteriors, 1 / 3))
    sure_result = replace(result, brain_posteriors=(result.brain_posteriors > 0.5).astype(np.float32))
    np.testing.assert_allclose(open_result.entropy[result.mask], 1, atol=1e-5)
    np.testing.assert_allclose(sure_result.entropy, 0, atol=1e-5)


def test_entropy_is_that_of_shannon(segmented):
    result = segmented(Contrast.T1)
    p = result.posteriors[result.mask].astype(float)
    expected = -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0).sum(-1) / np.log(3)
    entropy = result.entropy
    assert entropy.dtype == np.float32
    np.testing.assert_allclose(entropy[result.mask], expected, atol=1e-4)
    assert not entropy[~result.mask].any()


def test_intervals_hold_their_volumes(segmented):
    result = segmented(Contrast.T1)
    for tissue, (low, high) in result.volume_intervals_ml.items():
        assert low < result.volumes_ml[tissue] < high


def test_a_result_of_one_channel_has_no_joint_histogram(segmented):
    assert segmented(Contrast.T1).joint is None


def test_a_joint_histogram_counts_every_voxel_of_the_brain_once():
    rng = np.random.default_rng(0)
    inside = rng.random((12, 13, 14)) < 0.7
    first, second = (rng.normal(0, 1, inside.shape).astype(np.float32) for _ in range(2))
    joint = Joint.of(bin_voxels([first, second], inside), inside)
    assert joint.counts.shape == tuple(len(bars.levels) for bars in joint.histograms)
    assert joint.counts.sum() == inside.sum()
    for axis, channel in enumerate((first, second)):
        levels = joint.histograms[axis].levels
        center = np.average(levels, weights=joint.counts.sum(1 - axis))
        expected = np.clip(channel[inside], levels[0], levels[-1]).mean()
        assert center == pytest.approx(expected, abs=joint.histograms[axis].width / 10)


def test_the_field_is_one_outside_the_box(segmented):
    result = segmented(Contrast.T1)
    bias = result.bias
    assert bias.shape == result.labels.shape
    assert bias[result.mask].std() > 0
    bias[result.box] = 1
    np.testing.assert_array_equal(bias, 1)


def test_the_box_holds_the_brain(segmented):
    result = segmented(Contrast.T1)
    inside = np.zeros_like(result.mask)
    inside[result.box] = True
    assert not (result.mask & ~inside).any()
    assert result.box_bias.shape == result.mask[result.box].shape


@pytest.mark.parametrize("axis", range(3))
def test_a_slice_of_the_posteriors_is_that_of_all_of_them(segmented, axis):
    result = segmented(Contrast.T1)
    whole = np.moveaxis(result.posteriors, axis, 0)
    for index, expected in enumerate(whole):
        found = result.posteriors_across(axis, index)
        assert found.shape[axis] == 1
        np.testing.assert_array_equal(np.moveaxis(found, axis, 0)[0], expected)


def test_no_more_is_kept_than_is_in_the_brain(coarse):
    """A server holds the results of many: the full grids are made when they are asked for."""
    result = segment(simulate(coarse, Contrast.T1), mask=coarse.truth > 0)
    voxels = np.count_nonzero(result.labels)
    assert result.brain_posteriors.shape == result.brain_fractions.shape == (voxels, 3)
    assert result.brain_posteriors.base is result.brain_fractions.base is None


def test_the_brain_is_the_sum_of_the_tissues(segmented):
    result = segmented(Contrast.T1)
    voxel_ml = 8 / 1000
    assert np.isclose(result.brain_ml, result.mask.sum() * voxel_ml, rtol=1e-5)


def test_a_result_does_not_print_its_arrays(segmented):
    text = repr(segmented(Contrast.T1))
    assert "labels" not in text
    assert "volumes_ml" in text


def test_before_correction_the_spread_of_white_matter_is_wider(scanned, segmented):
    result = segmented(Contrast.T1)
    assert result.bias[result.mask].std() > 0.02
    before, after = before_correction(scanned(Contrast.T1), result), result.histogram
    assert before.counts.sum() == pytest.approx(after.counts.sum(), rel=1e-3)

    def peak(bars):
        density = bars.rebin(64).counts / bars.counts.sum() / bars.rebin(64).width
        return density.max()

    assert peak(after) > 1.05 * peak(before)
    middle = [np.average(bars.levels, weights=bars.counts) for bars in (before, after)]
    assert middle[0] == pytest.approx(middle[1], rel=0.03)


def test_without_correction_both_histograms_are_one(scan, result):
    plain = segment(scan, Settings(correct_bias=False), earlier=result)
    before = before_correction(scan, plain)
    np.testing.assert_array_equal(before.levels, plain.histogram.levels)
    np.testing.assert_array_equal(before.counts, plain.histogram.counts)


def test_before_correction_an_inverted_scan_is_counted_from_its_black(inverted):
    negative, result = inverted
    assert result.stages.tissues.assignment.inverted
    before = before_correction(negative, result)
    middle = [np.average(bars.levels, weights=bars.counts) for bars in (before, result.histogram)]
    assert middle[0] == pytest.approx(middle[1], rel=0.05)
