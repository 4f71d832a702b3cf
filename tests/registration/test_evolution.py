import numpy as np

from mriseg.registration.evolution import Effort, evolve

EFFORT = Effort(rounds=12, parents=8, least_parents=4, children=12, step=0.8, decay=0.8)
PEAK = np.array([1.5, -2.0, 0.25])


def rugged(vectors):
    """A broad hill at PEAK with ripples whose slopes lead nowhere."""
    away = vectors - PEAK
    return -(away**2).sum(1) + 0.3 * np.cos(9 * away).sum(1)


def test_the_highest_of_many_hills_is_found():
    starts = np.array([[-4.0, 4.0, 4.0], [4.0, 4.0, -4.0], [-4.0, -4.0, 0.0]])
    found, scores = evolve(rugged, starts, np.full(3, 2.0), EFFORT)
    np.testing.assert_allclose(found[0], PEAK, atol=0.2)
    assert scores[0] > 0.7  # the next hill has 0.4


def test_the_best_come_first_with_their_scores():
    found, scores = evolve(rugged, np.zeros((1, 3)), np.ones(3), EFFORT)
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_array_equal(scores, rugged(found))


def test_no_start_is_lost_for_a_worse_vector():
    """Parents compete with their children, so what was found once is not forgotten."""
    _, scores = evolve(rugged, PEAK[None], np.full(3, 50.0), EFFORT)
    assert scores[0] >= rugged(PEAK[None])[0]


def test_what_does_not_vary_is_inherited():
    starts = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    found, _ = evolve(rugged, starts, np.array([0.0, 1.0, 1.0]), EFFORT)
    assert set(found[:, 0]) <= {1.0, 2.0}


def test_the_same_search_finds_the_same():
    first, second = (evolve(rugged, np.zeros((2, 3)), np.ones(3), EFFORT)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
