import io
import logging
import threading

from mriseg.core.log import LOGGER, log_collected, log_shown

logger = logging.getLogger("mriseg.test")


def test_what_is_logged_within_is_shown_from_the_level_on():
    stream, level = io.StringIO(), LOGGER.level
    with log_shown(stream, logging.INFO):
        logger.debug("too little")
        logger.info("enough %d", 1)
    logger.error("too late")
    assert stream.getvalue().endswith(" INFO mriseg.test: enough 1\n")
    assert stream.getvalue().count("\n") == 1
    assert LOGGER.level == level


def test_a_message_steers_no_terminal_and_forges_no_record():
    stream = io.StringIO()
    with log_shown(stream, logging.INFO):
        logger.info("scan\x1b[2J\r\u202e\n2031-01-01 00:00:00,000 INFO mriseg: all is well\n  set in already")
    first, *others = stream.getvalue().splitlines()
    assert first.endswith(r" INFO mriseg.test: scan\x1b[2J\x0d\u202e")
    assert others == ["  2031-01-01 00:00:00,000 INFO mriseg: all is well", "  set in already"]


def test_a_thread_collects_its_own_log_alone():
    with log_collected() as records:
        logger.debug("mine")
        other = threading.Thread(target=logger.error, args=("of another",))
        other.start()
        other.join()
    logger.error("too late")
    assert [record.getMessage() for record in records] == ["mine"]


def test_collecting_hides_nothing_from_a_stream():
    stream = io.StringIO()
    with log_shown(stream, logging.ERROR):
        with log_collected() as records:
            logger.debug("a")
            logger.error("b")
        logger.debug("c")
    assert len(records) == 2
    assert stream.getvalue().count("\n") == 1
