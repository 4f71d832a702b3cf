"""The numbers in the table are the result's."""

import pytest

from mriseg import segment
from mriseg.app.panels.mixture_tables import fitted_table, number
from mriseg.datasets.samples import SAMPLES


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


def test_the_table_has_the_fitted_values_and_its_shares_sum_to_one(result):
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in fitted_table(result).splitlines()[2:]]
    mixture = result.mixture
    for row, tissue, mean, sd in zip(rows, mixture.tissues, mixture.means, mixture.sds, strict=False):
        assert row[0] == tissue.abbreviation
        assert [float(cell) for cell in row[2:]] == pytest.approx([mean, sd], rel=1e-3)
    assert sum(float(row[1]) for row in rows) == pytest.approx(1, abs=0.0005 * len(rows))


@pytest.mark.parametrize(("value", "text"), [(123.456, "123.5"), (12345.6, "12346"), (0.012345, "0.01235")])
def test_a_number_has_four_digits_and_no_exponent(value, text):
    assert number(value) == text
