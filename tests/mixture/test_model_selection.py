from itertools import pairwise

import numpy as np
import pytest

from mriseg.mixture.fit import fit_classes
from mriseg.mixture.histogram import Cells, Histogram, histogram
from mriseg.mixture.model_selection import criteria


def drawn(means, size=3200, noise=30.0):
    """Histogram of classes alike, a fifth of whose voxels two neighbors share, as the mixture expects it."""
    rng = np.random.default_rng(0)
    pure = [np.full(size, mean) for mean in means]
    mixed = len(means) * size // 4 // (len(means) - 1)
    shared = [a + (b - a) * rng.random(mixed) for a, b in pairwise(means)]
    values = np.concatenate([*pure, *shared])
    return histogram(values + rng.normal(0, noise, len(values)))


@pytest.fixture(scope="module")
def judged():
    return criteria(drawn((200, 600, 900)))


def test_two_to_six_classes_are_judged(judged):
    assert [criterion.classes for criterion in judged] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("means", [(200, 800), (200, 600, 900), (200, 500, 800, 1100)])
def test_the_number_of_classes_that_a_histogram_was_drawn_from_is_likeliest(means):
    judged = criteria(drawn(means))
    assert min(judged, key=lambda criterion: criterion.bic).classes == len(means)


def test_the_criteria_are_those_of_akaike_and_schwarz(judged):
    voxels = 12_000
    for criterion in judged:
        assert criterion.aic == pytest.approx(2 * criterion.parameters - 2 * criterion.log_likelihood)
        assert criterion.bic == pytest.approx(np.log(voxels) * criterion.parameters - 2 * criterion.log_likelihood)


def test_free_parameters_are_counted(judged):
    """Of two classes: 2 means, 3 variances, 3 of 4 weights and the outliers; of three, with a pair more, 3, 4, 8, 1."""
    assert [criterion.parameters for criterion in judged[:2]] == [9, 16]


def test_the_likelihood_is_that_of_all_voxels(judged):
    hist = drawn((200, 600, 900))
    mixture = fit_classes(Cells.of(hist), 4)
    assert judged[2].log_likelihood == pytest.approx(hist.counts @ np.log(mixture.density(hist.levels)), rel=1e-6)


def test_classes_that_a_histogram_is_too_coarse_for_are_left_out():
    coarse = Histogram(np.arange(7.0), np.full(7, 1000.0))
    assert [criterion.classes for criterion in criteria(coarse)] == [2, 3]
    assert criteria(Histogram(np.arange(3.0), np.full(3, 1000.0))) == ()
