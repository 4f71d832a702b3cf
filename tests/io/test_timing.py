import pytest

from mriseg.io.timing import time_series


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.72, "a time series, 0.72 s apart"),
        (60.0, "a time series, 60 s apart"),
        (3000.0, "a time series, 3000 s apart by its header, probably 3 s"),
        (1234.5, "a time series, 1234 s apart by its header, probably 1.23 s"),
        (2e6, "a time series"),
        (1e-6, "a time series"),
        (float("inf"), "a time series"),
        (float("nan"), "a time series"),
    ],
)
def test_times_that_no_scanner_has_are_doubted(seconds, words):
    assert time_series(seconds) == words
