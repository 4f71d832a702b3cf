"""Silence for libraries that print or log what they think of a damaged file, in which names may stand."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger: str) -> Iterator[None]:
    """Without warnings, and without the messages of a logger, which is left as it was.

    Parameters
    ----------
    logger : str
        Name of the library's logger.
    """
    of_library = logging.getLogger(logger)
    level = of_library.level
    of_library.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        of_library.setLevel(level)
