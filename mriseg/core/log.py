"""Where the log goes: to a stream, or from a process that works for another back to that one."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mriseg.core.printable import MOST_LINE, printable

LOGGER = logging.getLogger("mriseg")
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """Each record as a line; what more it holds are lines below it that are set in, and so no records of their own.

    Examples
    --------
    >>> record = logging.LogRecord("mriseg", logging.ERROR, "", 0, "a\x1b[2J\\nb", None, None)
    >>> print(LineFormatter("%(levelname)s %(message)s").format(record))
    ERROR a\\x1b[2J
      b
    """

    def __init__(self, format: str = FORMAT) -> None:
        super().__init__(format)

    def format(self, record: logging.LogRecord) -> str:
        first, *others = (printable(line, MOST_LINE) for line in super().format(record).split("\n"))
        return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in others)])


@contextmanager
def log_shown(stream: TextIO, level: int) -> Iterator[None]:
    """Within, the log is written to a stream.

    Parameters
    ----------
    stream : text file
    level : int
        Of the least that is shown, as `logging` has them.
    """
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(LineFormatter())
    with _handled_by(handler, level):
        yield


@contextmanager
def log_collected() -> Iterator[list[logging.LogRecord]]:
    """Within, what this thread logs is collected in full, to be sent to the process that writes the log.

    Yields
    ------
    list of LogRecord
        To which each is added.
    """
    collector = _Collector()
    with _handled_by(collector, logging.DEBUG):
        yield collector.records


class _Collector(logging.Handler):
    """Keeps the records of the thread that made it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.records.append(record)


@contextmanager
def _handled_by(handler: logging.Handler, level: int) -> Iterator[None]:
    before = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(min(level, before) if before else level)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)
        handler.close()
