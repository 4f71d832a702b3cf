"""A search for the best of many parameter vectors where slopes mislead: evolution from a set of starts.

References
----------
Hansen, Arnold, Auger: Evolution strategies. Springer Handbook of Computational Intelligence, 2015.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SEED = 0  # of the children: the same score gives the same answer


@dataclass(frozen=True)
class Effort:
    """How long to search.

    Attributes
    ----------
    rounds : int
        Generations.
    parents, least_parents : int
        Vectors that have children in the first generation; one fewer in each that follows, down to the least.
    children : int
        Of each parent.
    step, decay : float
        Standard deviation of the children about their parent, in `spread`, and its decrease from round to round.
    """

    rounds: int
    parents: int
    least_parents: int
    children: int
    step: float
    decay: float


def evolve(
    score: Callable[[np.ndarray], np.ndarray], starts: np.ndarray, spread: np.ndarray, effort: Effort
) -> tuple[np.ndarray, np.ndarray]:
    """Find parameters of high score: in each round the best have children near by, and compete with them.

    Parameters
    ----------
    score : callable
        Takes vectors, shape (n, parameters), to their scores, shape (n,).
    starts : ndarray of shape (n, parameters)
    spread : ndarray of shape (parameters,)
        How far each parameter varies; 0 for one that children inherit.
    effort : Effort

    Returns
    -------
    vectors : ndarray of shape (n, parameters)
        The last generation with its parents, best first.
    scores : ndarray of shape (n,)
    """
    random = np.random.default_rng(SEED)
    vectors, scores, step = starts, score(starts), effort.step * spread
    for parents in range(effort.parents, effort.parents - effort.rounds, -1):
        best = np.argsort(-scores, kind="stable")[: max(parents, effort.least_parents)]
        vectors, scores = vectors[best], scores[best]
        born = np.repeat(vectors, effort.children, 0)
        born += step * random.standard_normal(born.shape)
        vectors, scores = np.concatenate([vectors, born]), np.concatenate([scores, score(born)])
        step = step * effort.decay
    order = np.argsort(-scores, kind="stable")
    return vectors[order], scores[order]
