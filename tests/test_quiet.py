import logging
import warnings

import pytest

from mriseg.quiet import quiet


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
