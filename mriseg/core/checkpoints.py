"""Places within a long stage where whoever waits for it may leave: by what is called there raising.

A stage takes seconds on a large volume, and stages are told of only as they begin. So its loops ask here, each round;
where nobody wants to be asked that costs a tenth of a microsecond.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[Callable[[], None] | None] = ContextVar("asked at checkpoints", default=None)


@contextmanager
def asked_at_checkpoints(ask: Callable[[], None]) -> Iterator[None]:
    """Within, something is called at each checkpoint of this thread.

    Parameters
    ----------
    ask : callable
        What it raises ends the work; it must be fast.

    Examples
    --------
    >>> count = []
    >>> with asked_at_checkpoints(lambda: count.append(1)):
    ...     checkpoint()
    >>> checkpoint()
    >>> len(count)
    1
    """
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


def checkpoint() -> None:
    """Ask whoever waits for this work whether it is wanted still."""
    ask = _asked.get()
    if ask is not None:
        ask()
