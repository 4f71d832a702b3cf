import numpy as np

from mriseg import Contrast, Tissue


def test_posteriors_fill_the_grid_in_the_order_of_the_tissues(segmented):
    result = segmented(Contrast.T1)
    posteriors = result.posteriors
    assert posteriors.shape == (*result.labels.shape, 3)
    assert posteriors.dtype == np.float32
    winner = np.array([tissue.number for tissue in Tissue])[posteriors.argmax(-1)]
    np.testing.assert_array_equal(result.labels, winner * result.mask)


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
    assert result.box_posteriors.shape[:3] == result.box_bias.shape == result.mask[result.box].shape


def test_the_brain_is_the_sum_of_the_tissues(segmented):
    result = segmented(Contrast.T1)
    voxel_ml = 8 / 1000
    assert np.isclose(result.brain_ml, result.mask.sum() * voxel_ml, rtol=1e-5)


def test_a_result_does_not_print_its_arrays(segmented):
    text = repr(segmented(Contrast.T1))
    assert "labels" not in text
    assert "volumes_ml" in text
