"""The log of the page's server: what happened and where, never what a visitor gave.

The messages of errors and their tracebacks may hold the name of an upload, and Streamlit logs both. So in this process
no record carries a traceback: in its place stands what `mriseg.core.faults` says of the error.
"""

import logging
import sys
import threading
from functools import cache
from typing import Any

from mriseg.core.faults import fault_text, log_fault
from mriseg.core.log import LOGGER, LineFormatter

logger = logging.getLogger(__name__)


@cache
def log_to_the_server() -> None:
    """Write the faults of the page to standard error, and let no log show a traceback; once for all visitors."""
    handler = logging.StreamHandler(sys.__stderr__)
    handler.setFormatter(LineFormatter())
    LOGGER.addHandler(handler)
    logging.setLogRecordFactory(record_without_traceback)
    threading.excepthook = _log_of_thread


def record_without_traceback(*args: Any, **kwargs: Any) -> logging.LogRecord:
    """A log record that says of an error where it came about, and not what its message and its source lines say.

    Parameters
    ----------
    *args, **kwargs
        As `logging.LogRecord` takes them.

    Returns
    -------
    LogRecord
    """
    record = logging.LogRecord(*args, **kwargs)
    if record.exc_info is not None:
        error = record.exc_info[1]
        record.exc_info, record.exc_text = None, None if error is None else fault_text(error)
    return record


def _log_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        log_fault(args.exc_value, logger)
