from itertools import combinations, pairwise

import numpy as np
import pytest

from mriseg.core.tissue import Tissue
from mriseg.mixture.fit import FLUID_DARK, fit
from mriseg.mixture.histogram import Cells, histogram
from mriseg.mixture.initialization import extend_to_channels, initial_parameters, least_variance_partition
from mriseg.mixture.layout import MixtureLayout
from mriseg.mixture.prior import even_expectation
from mriseg.mixture.standardization import Standardization


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_partition_has_the_least_variance_of_all(parts):
    rng = np.random.default_rng(6)
    levels, counts = np.sort(rng.normal(size=12)), rng.integers(1, 20, 12).astype(float)

    def within(edges):
        pieces = [(levels[a:b], counts[a:b]) for a, b in pairwise(edges)]
        return sum((c * (v - np.average(v, weights=c)) ** 2).sum() for v, c in pieces)

    least = min(within((0, *cuts, 12)) for cuts in combinations(range(1, 12), parts - 1))
    edges = least_variance_partition(levels, counts, parts)
    assert len(edges) == parts + 1
    assert within(edges) == pytest.approx(least)


def test_no_part_of_a_partition_is_empty():
    counts = np.zeros(50)
    counts[[2, 3, 40]] = 5
    edges = least_variance_partition(np.arange(50.0), counts, 3)
    assert all(counts[a:b].sum() > 0 for a, b in pairwise(edges))


def three_heaps(means=(-1.5, 0.0, 1.0), sizes=(3000, 5000, 4000)):
    """Points and counts of three classes apart."""
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(m, 0.1, n) for m, n in zip(means, sizes, strict=True)])
    cells = Cells.of(histogram(values)).filled()
    return cells.points, cells.counts[0]


def started(points, counts, layout=None, dark_outliers=False):
    layout = layout or MixtureLayout()
    expected = np.full((1, layout.components), 1 / layout.components)
    return initial_parameters(points, counts, layout, expected=expected, dark_outliers=dark_outliers)


def test_classes_apart_are_found_at_once():
    found = started(*three_heaps())
    np.testing.assert_allclose(found.means[:, 0], [-1.5, 0, 1], atol=0.02)
    assert len(set(found.covariances.ravel())) == 1


def test_a_few_voxels_far_out_are_no_class():
    points, counts = three_heaps()
    found = started(np.append(points, [[40.0]], 0), np.append(counts, 0.004 * counts.sum()))
    assert found.means.max() < 2


def test_much_bone_is_no_class_where_it_is_looked_for():
    points, counts = three_heaps()
    points, counts = np.insert(points, 0, -6.0, 0), np.insert(counts, 0, 0.08 * counts.sum())
    assert started(points, counts).means.min() < -5
    assert started(points, counts, dark_outliers=True).means.min() > -2


@pytest.mark.parametrize("deep", [(1, 2), (1, 0)])
def test_the_deep_nuclei_begin_between_gray_and_white_matter_nearer_to_gray(deep):
    found = started(*three_heaps(), MixtureLayout(3, deep))
    gray, white = found.means[list(deep), 0]
    assert 0 < (found.means[3, 0] - gray) / (white - gray) < 0.5


@pytest.mark.parametrize("classes", [2, 4, 6])
def test_a_start_has_a_mean_a_class_and_a_spread_more(classes):
    points, counts = three_heaps()
    found = initial_parameters(
        points, counts, MixtureLayout(classes), expected=even_expectation(classes), dark_outliers=False
    )
    assert (np.diff(found.means[:, 0]) > 0).all()
    assert found.covariances.shape == (classes + 1, 1, 1)
    np.testing.assert_array_equal(found.weights, even_expectation(classes))


def test_further_channels_begin_where_the_voxels_of_each_class_lie():
    rng = np.random.default_rng(1)
    centers = np.array([[200.0, 850], [600, 500], [900, 400]])
    intensities = np.concatenate([rng.normal(m, 20, (n, 2)) for m, n in zip(centers, (4000, 9000, 7000), strict=True)])
    counts = np.ones(len(intensities))
    start = fit(Cells.of(histogram(intensities[:, 0])), FLUID_DARK)
    scale = Standardization.of(intensities, counts)
    found = scale.restore(extend_to_channels(intensities, scale.points(intensities), counts, start))
    np.testing.assert_allclose(found.means, centers, atol=10)
    np.testing.assert_allclose(found.covariances, np.repeat(400 * np.eye(2)[None], 4, 0), atol=120)
    np.testing.assert_array_equal(found.weights, start.parameters.weights)
    assert start.tissues[0] is Tissue.CSF
