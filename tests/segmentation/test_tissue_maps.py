import numpy as np
import pytest

from mriseg.core.tissue import Tissue
from mriseg.mixture.likelihood import bin_voxels
from mriseg.segmentation.tissue_maps import most_likely_tissue, tissue_maps, tissue_posteriors
from tests.helpers import three_classes

GM, WM, CSF = Tissue


@pytest.fixture
def posteriors():
    """Of three classes at 5 x 6 x 7 voxels."""
    return np.moveaxis(np.random.default_rng(0).dirichlet((1, 2, 1), (5, 6, 7)).astype(np.float32), -1, 0)


@pytest.mark.parametrize("order", [(CSF, GM, WM), (WM, GM, CSF), (GM, WM, CSF), (GM, CSF, WM)])
def test_classes_are_put_into_the_order_of_the_tissues(posteriors, order):
    expected = np.stack([posteriors[order.index(tissue)] for tissue in Tissue])
    np.testing.assert_array_equal(tissue_posteriors(posteriors.copy(), order), expected)


def test_classes_that_share_a_tissue_are_summed():
    classes = np.float32([[0.1, 0.4], [0.2, 0.3], [0.3, 0.2], [0.4, 0.1]])
    found = tissue_posteriors(classes, (CSF, GM, GM, WM))
    np.testing.assert_allclose(found, np.float32([[0.5, 0.5], [0.4, 0.1], [0.1, 0.4]]))


def test_a_tissue_of_no_class_is_nowhere():
    found = tissue_posteriors(np.float32([[0.25], [0.75]]), (CSF, WM))
    np.testing.assert_array_equal(found, [[0], [0.75], [0.25]])


def test_the_label_is_the_tissue_of_the_largest_posterior(posteriors):
    order = (CSF, GM, WM)
    numbers = np.array([tissue.number for tissue in order])
    np.testing.assert_array_equal(most_likely_tissue(posteriors, order), numbers[posteriors.argmax(0)])


def test_of_equal_posteriors_the_first_class_wins():
    half = np.float32([[0.5, 0.2], [0.5, 0.4], [0.0, 0.4]])
    np.testing.assert_array_equal(most_likely_tissue(half, (WM, CSF, GM)), [WM.number, CSF.number])


def test_maps_agree_with_each_other_and_are_empty_outside_the_brain(posteriors):
    mask = np.random.default_rng(1).random(posteriors.shape[1:]) < 0.6
    classes = posteriors * mask
    order = (CSF, GM, WM)
    mixture = three_classes((100.0, 500, 900), (40.0, 40, 40), (0.2, 0.4, 0.3), tissues=order)
    data = (classes * np.float32([100, 500, 900]).reshape(3, 1, 1, 1)).sum(0)
    maps = tissue_maps(classes.copy(), mask, bin_voxels([data], mask), mixture, thickness_mm=1.0)
    np.testing.assert_array_equal(maps.mask, mask)
    np.testing.assert_array_equal(maps.labels > 0, mask)
    assert maps.posteriors.shape == maps.partial_volumes.shape == (*mask.shape, 3)
    np.testing.assert_array_equal(maps.posteriors[..., list(Tissue).index(WM)], classes[2])
    winner = np.array([tissue.number for tissue in Tissue])[maps.posteriors.argmax(-1)]
    np.testing.assert_array_equal(maps.labels, winner * mask)
    assert not maps.partial_volumes[~mask].any()
    assert np.abs(maps.partial_volumes[mask].sum(-1, dtype=int) - 255).max() <= 2
