"""Silence for libraries that print or log what they think of a damaged file, in which names may stand."""

import logging
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

# Both are of the whole process: the first thread makes silence, and the last one that leaves ends it.
_inside = Counter[str]()
_silence: dict[str, ExitStack] = {}
_lock = threading.Lock()


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """Without warnings, and without the messages of a logger, which is left as it was.

    Parameters
    ----------
    logger : str
        Name of the library's logger.
    """
    of_library = logging.getLogger(logger)
    with _once(logger, _without_messages(of_library)), _once("", _without_warnings()):
        yield


@contextmanager
def _once(what: str, silence: AbstractContextManager[None]) -> Iterator[None]:
    """Within, there is silence, however many threads are within."""
    with _lock:
        if not _inside[what]:
            _silence[what] = ExitStack()
            _silence[what].enter_context(silence)
        _inside[what] += 1
    try:
        yield
    finally:
        with _lock:
            _inside[what] -= 1
            if not _inside[what]:
                _silence.pop(what).close()


@contextmanager
def _without_messages(logger: logging.Logger) -> Iterator[None]:
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    yield
    logger.setLevel(level)


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
