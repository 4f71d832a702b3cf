import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriseg.core.decimals import PLAIN, decimal


@given(st.floats(*PLAIN, exclude_max=True), st.integers(1, 6))
def test_a_number_keeps_its_digits_and_has_no_exponent(value, digits):
    text = decimal(value, digits)
    assert "e" not in text
    assert decimal(-value, digits) == f"-{text}"
    last = min(10.0 ** (math.floor(math.log10(value)) - digits + 1), 1)  # what the last digit stands for
    assert abs(float(text) - value) <= last / 2 * (1 + 1e-6)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-300, "1e-300"), (1e300, "1e+300"), (math.inf, "inf"), (0.00001, "0.00001"), (100.0, "100")],
)
def test_what_no_zeros_could_tell_keeps_its_exponent(value, text):
    assert decimal(value) == text
