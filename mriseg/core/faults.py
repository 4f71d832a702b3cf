"""What is said of an error: a sentence for whoever gave the scan, and in the log where it came about.

The log never holds what was at work: no variables, and no message but those of our own errors, which name neither a
person nor a file. So it can be sent to those who can help.
"""

import logging
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from mriseg.core.errors import MrisegError, TakenError

TOO_LITTLE_MEMORY = "There is not enough memory for this scan. Crop it to the head, or use a computer with more memory."
UNFORESEEN = "It could not be segmented, for a reason not foreseen ({}). Please report that, with what the log shows."

PACKAGE = Path(__file__).parents[1]
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
LIBRARIES = ("site-packages", "dist-packages")  # folders that installed libraries lie in
ELSEWHERE = "elsewhere"  # stands for code of nobody knows whose, whose path may hold a name

# A library stays silent unless the program that uses it asks for its log.
logging.getLogger("mriseg").addHandler(logging.NullHandler())


def explain(error: Exception, logger: logging.Logger) -> str:
    """The sentence for people that says why a scan was not segmented, and what to do; the log has where.

    Parameters
    ----------
    error : Exception
    logger : Logger
        Of the module that caught it. What was foreseen is logged for those who ask for details only.

    Returns
    -------
    str
        The message of one of our own errors. Of any other nothing but its type.
    """
    if isinstance(error, MrisegError):
        log_fault(error, logger, logging.DEBUG)
        return str(error)
    log_fault(error, logger)
    return TOO_LITTLE_MEMORY if isinstance(error, MemoryError) else UNFORESEEN.format(type(error).__name__)


def log_fault(error: BaseException, logger: logging.Logger, level: int = logging.ERROR) -> None:
    """Log the type of an error and where it came about, and the same of those that led to it.

    Parameters
    ----------
    error : BaseException
    logger : Logger
    level : int
        As `logging` has them.
    """
    if logger.isEnabledFor(level):
        logger.log(level, "%s", fault_text(error))


def fault_text(error: BaseException) -> str:
    """The type of an error and the functions that it passed through, and the same of those that led to it.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
        A line for each error and each frame, those that led to it first. Files are named by their paths in mriseg, in
        a library or in Python itself; other code is not named.

    Examples
    --------
    >>> try:
    ...     int("DOE^JANE")
    ... except ValueError as error:
    ...     print(fault_text(error))
    ValueError
      elsewhere
    """
    return "\nwhich led to\n".join("\n".join([_title(each), *_frames(each)]) for each in reversed([*_chain(error)]))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, the one that led to it, and so on."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _title(error: BaseException) -> str:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    is_told = isinstance(error, MrisegError) and not isinstance(error, TakenError)
    return f"{name}: {error}" if is_told else name


def _frames(error: BaseException) -> Iterator[str]:
    before = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = _file(Path(frame.f_code.co_filename))
        line = f"  {ELSEWHERE}" if file is None else f"  {file}:{number} in {frame.f_code.co_name}"
        if line != before:
            yield line
        before = line


def _file(path: Path) -> str | None:
    """The path of a file of mriseg, a library or Python, from the folder that it is installed in; None of others."""
    if path.is_relative_to(PACKAGE):
        return path.relative_to(PACKAGE.parent).as_posix()
    for index, part in enumerate(path.parts):
        if part in LIBRARIES:
            return Path(*path.parts[index + 1 :]).as_posix()
    if path.is_relative_to(STANDARD_LIBRARY):
        return path.relative_to(STANDARD_LIBRARY).as_posix()
    return None
