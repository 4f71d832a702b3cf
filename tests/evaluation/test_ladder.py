from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, MrisegError, Settings, Tissue, segment
from mriseg.core.scan import picture
from mriseg.evaluation.agreement import dice
from mriseg.evaluation.baselines import METHODS, segment_simply
from mriseg.evaluation.ladder import ladder


@pytest.fixture(scope="module")
def slice_with_truth(scanned, phantom):
    """A picture of a slice of the T1 phantom, its result, and what it was simulated from."""
    data, truth = (np.ascontiguousarray(each[:, :, 45].T[::-1]) for each in (scanned(Contrast.T1).data, phantom.truth))
    scan = picture(np.rint(255 * np.clip(data / np.percentile(data, 99.8), 0, 1)))
    return scan, segment(scan, Settings(contrast="t1")), np.uint8(truth)


@pytest.fixture(scope="module")
def rungs(slice_with_truth):
    return tuple(ladder(*slice_with_truth))


def test_every_method_has_a_rung_in_the_order_of_what_it_knows(rungs):
    assert [rung.method for rung in rungs] == list(METHODS.values())


def test_overlaps_are_those_of_the_methods_labels(slice_with_truth, rungs):
    scan, result, truth = slice_with_truth
    for rung in rungs:
        labels = segment_simply(scan, result, rung.method.key)
        assert rung.truth_dice == dice(labels, truth)
        assert rung.result_dice == dice(labels, result.labels)
        assert rung.truth_mean == pytest.approx(sum(rung.truth_dice.values()) / len(Tissue))


def test_what_is_known_of_a_brain_brings_the_truth_nearer(rungs):
    by_key = {rung.method.key: rung for rung in rungs}
    assert by_key["everything"].truth_mean < by_key["mixture"].truth_mean <= by_key["full"].truth_mean + 0.01


def test_the_result_agrees_with_itself_and_took_as_long_as_it_says(slice_with_truth, rungs):
    full = rungs[-1]
    assert full.result_mean == 1
    assert full.seconds == sum(slice_with_truth[1].seconds.values())
    assert all(rung.seconds > 0 for rung in rungs)


def test_what_cannot_be_told_apart_is_scored_as_one(slice_with_truth):
    scan, result, truth = slice_with_truth
    rung = next(ladder(scan, result, truth, joined=True))
    labels = segment_simply(scan, result, rung.method.key)
    assert rung.truth_dice == dice(labels, truth, joined=True)
    assert rung.result_dice == dice(labels, result.labels, joined=True)


def test_without_a_truth_only_the_agreement_with_the_result_is_told(slice_with_truth):
    scan, result, _ = slice_with_truth
    first = next(ladder(scan, result, None))
    assert first.truth_dice is None
    assert first.truth_mean is None
    assert first.result_mean < 1


def test_a_method_that_the_scan_is_too_coarse_for_is_left_out(slice_with_truth):
    scan, result, truth = slice_with_truth
    coarse = replace(scan, data=np.float32(scan.data > scan.data.mean()))
    assert next(ladder(coarse, result, truth)).method.key not in ("everything", "k-means", "otsu", "mixture")


def test_a_truth_on_another_grid_is_refused(slice_with_truth):
    scan, result, truth = slice_with_truth
    with pytest.raises(MrisegError, match="shape"):
        next(ladder(scan, result, truth[1:]))
