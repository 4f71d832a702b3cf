from dataclasses import replace

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from mriseg import Contrast, MrisegError, Tissue, segment
from mriseg.core.errors import SeparationError
from mriseg.core.scan import picture
from mriseg.core.settings import Settings
from mriseg.evaluation.agreement import dice
from mriseg.evaluation.baselines import METHODS, segment_simply

T1 = Contrast.T1.dark_to_bright
IN_THE_MASK = ("k-means", "otsu", "mixture", "corrected-mixture")
MODEL = ("without-neighbors", "without-position", "full")


@pytest.fixture(scope="module")
def labeled(scanned, segmented):
    """Labels of the T1 phantom by a method."""
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    found = {method: segment_simply(scan, result, method) for method in METHODS}
    return found.__getitem__


@pytest.fixture(scope="module")
def slice_in_two(scanned):
    """A picture, and a result on it of two classes."""
    piece = scanned(Contrast.T1).data[:, :, 45].T[::-1]
    scan = picture(np.rint(255 * np.clip(piece / np.percentile(piece, 99.8), 0, 1)))
    return scan, segment(scan, Settings(classes=2))


def ranks(scan, result, labels):
    """Intensities in the brain and the class of each, 0 for the darkest tissue of T1."""
    order = np.argsort([tissue.number for tissue in T1])
    return scan.data[result.mask], order[labels[result.mask] - 1]


def test_the_methods_come_in_the_order_of_what_they_know():
    assert tuple(METHODS) == ("everything", *IN_THE_MASK, *MODEL)
    assert all(key == method.key for key, method in METHODS.items())
    for method in METHODS.values():
        assert method.explanation.endswith(".")
        assert method.explanation.count(". ") == 0
    assert len({method.title for method in METHODS.values()}) == len(METHODS)


def test_an_unknown_method_is_refused(scanned, segmented):
    with pytest.raises(MrisegError, match="k-means"):
        segment_simply(scanned(Contrast.T1), segmented(Contrast.T1), "median")


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_on_the_grid_of_the_scan(method, labeled, scanned):
    labels = labeled(method)
    assert labels.dtype == np.uint8
    assert labels.shape == scanned(Contrast.T1).data.shape
    assert set(np.unique(labels)) <= {0, *(tissue.number for tissue in Tissue)}


def test_the_usual_demonstration_takes_air_for_fluid_and_leaves_no_background(labeled, phantom):
    labels = labeled("everything")
    assert labels.min() > 0
    assert (labels[phantom.matter == 0] == Tissue.CSF.number).mean() > 0.9


@pytest.mark.parametrize("method", IN_THE_MASK)
def test_other_simple_methods_label_the_brain_and_nothing_else(method, labeled, segmented):
    np.testing.assert_array_equal(labeled(method) > 0, segmented(Contrast.T1).mask)


def test_each_step_buys_something(labeled, phantom):
    of = {method: np.mean(list(dice(labeled(method), phantom.truth).values())) for method in METHODS}
    assert of["everything"] < of["mixture"] < of["corrected-mixture"] < of["full"]


def test_k_means_is_as_good_as_the_best_of_many_starts(labeled, scanned, segmented):
    values, classes = ranks(scanned(Contrast.T1), segmented(Contrast.T1), labeled("k-means"))
    within = sum(((values[classes == k] - values[classes == k].mean()) ** 2).sum() for k in range(3))
    assert within < 1.001 * KMeans(3, n_init=5, random_state=0).fit(values[:, None]).inertia_


def test_otsu_and_k_means_part_alike(labeled):
    assert (labeled("otsu") == labeled("k-means")).mean() > 0.999


def test_the_mixture_is_that_of_all_voxels(labeled, scanned, segmented):
    values, classes = ranks(scanned(Contrast.T1), segmented(Contrast.T1), labeled("mixture"))
    start = np.quantile(values, [0.1, 0.5, 0.9])[:, None]
    model = GaussianMixture(3, means_init=start, tol=1e-6, max_iter=1000).fit(values[::5, None].astype(float))
    expected = np.argsort(np.argsort(model.means_[:, 0]))[model.predict(values[:, None].astype(float))]
    assert (classes == expected).mean() > 0.97


@pytest.mark.parametrize("method", IN_THE_MASK)
def test_classes_are_named_by_the_contrast(method, scanned, segmented):
    scan, result = scanned(Contrast.T1), replace(segmented(Contrast.T1), contrast=Contrast.T2)
    labels = segment_simply(scan, result, method)
    means = {tissue: scan.data[labels == tissue.number].mean() for tissue in Tissue}
    assert sorted(means, key=means.__getitem__) == [*Contrast.T2.dark_to_bright]


@pytest.mark.parametrize("method", ["k-means", "mixture"])
def test_a_scan_stored_with_bright_air_has_the_same_labels(method, labeled, scanned, segmented):
    scan, result = scanned(Contrast.T1), segmented(Contrast.T1)
    brightest = float(scan.data.max())
    assignment = replace(result.stages.tissues.assignment, inverted=True)
    tissues = replace(result.stages.tissues, assignment=assignment, background_level=brightest)
    of_inverted = replace(result, stages=replace(result.stages, tissues=tissues))
    labels = segment_simply(replace(scan, data=brightest - scan.data), of_inverted, method)
    assert (labels == labeled(method)).mean() > 0.999


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_of_two_classes_can_be_compared_too(method, slice_in_two):
    scan, result = slice_in_two
    assert segment_simply(scan, result, method).shape == scan.data.shape


def test_the_full_model_is_the_result(labeled, segmented):
    np.testing.assert_array_equal(labeled("full"), segmented(Contrast.T1).labels)


def test_without_its_neighbors_a_voxel_differs_from_them_more_often(labeled):
    borders = {method: np.count_nonzero(np.diff(labeled(method), axis=0)) for method in MODEL}
    assert borders["without-neighbors"] > 1.01 * borders["full"]


def test_without_position_the_model_decides_some_voxels_otherwise(labeled, segmented):
    inside = segmented(Contrast.T1).mask
    assert 0.001 < (labeled("without-position") != labeled("full"))[inside].mean() < 0.1


def test_a_scan_of_hardly_any_levels_is_refused(scanned, segmented):
    scan = scanned(Contrast.T1)
    with pytest.raises(SeparationError, match="gray levels"):
        segment_simply(replace(scan, data=np.float32(scan.data > 100)), segmented(Contrast.T1), "k-means")
