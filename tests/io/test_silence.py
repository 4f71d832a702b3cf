import logging
import warnings

import pytest

from mriseg.io.silence import quiet


def fail(logger):
    warnings.warn("DOE^JANE", stacklevel=1)
    logger.critical("DOE^JANE")
    raise KeyError


def test_nothing_is_said_within_and_all_is_as_before_after_it(capfd, caplog):
    logger = logging.getLogger("a library")
    logger.setLevel(logging.INFO)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KeyError), quiet("a library"):
            fail(logger)
        with pytest.raises(UserWarning):
            warnings.warn("heard again", stacklevel=1)
    assert logger.level == logging.INFO
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_threads_that_overlap_leave_all_as_it_was():
    logger = logging.getLogger("a library")
    logger.setLevel(logging.INFO)
    filters = list(warnings.filters)
    first, second = quiet("a library"), quiet("a library")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logger.level > logging.CRITICAL  # the second is still within
    assert warnings.filters != filters
    second.__exit__(None, None, None)
    assert logger.level == logging.INFO
    assert warnings.filters == filters
