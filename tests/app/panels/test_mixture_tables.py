"""The numbers in the table are the result's."""

import pytest

from mriseg import segment
from mriseg.app.panels.mixture_tables import fitted_formula, fitted_table, naming_table, number
from mriseg.datasets.samples import SAMPLES


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


def test_the_table_has_the_fitted_values_and_its_shares_sum_to_one(result):
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in fitted_table(result).splitlines()[2:]]
    curves, titles = result.curves, [tissue.title for tissue in result.mixture.tissues]
    whole = {row[0]: [float(cell) for cell in row[1:]] for row in rows}
    for k, title in enumerate(titles):
        expected = [curves.class_shares[k], curves.class_means[k], curves.class_sds[k]]
        assert whole[title] == pytest.approx(expected, rel=1e-3, abs=1e-3)
    assert sum(share for share, *_ in whole.values()) == pytest.approx(1, abs=0.003)


def test_the_formula_holds_every_gaussian_of_every_curve(result):
    formula = fitted_formula(result)
    assert formula.count(r"\mathcal{N}") == len(result.curves.weights)
    for mean in result.curves.means:
        assert number(mean) in formula


def test_the_mixture_that_names_voxels_is_told_whole(result):
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in naming_table(result).splitlines()[2:]]
    mixture = result.mixture
    assert sum(float(share) for _, share, _, _ in rows) == pytest.approx(1, abs=0.004)
    for k, tissue in enumerate(mixture.tissues):
        expected = [f"{mixture.weights[k]:.3f}", f"μ = {number(mixture.means[k])}", f"σ = {number(mixture.sds[k])}"]
        assert [f"Pure {tissue.title.lower()}", *expected] in rows
    assert sum(row[0].startswith("Mixed") for row in rows) == len(mixture.layout.pairs)
    assert rows[-1][:2] == ["Outliers", f"{mixture.outliers:.3f}"]


@pytest.mark.parametrize(("value", "text"), [(123.456, "123.5"), (12345.6, "12346"), (0.012345, "0.01235")])
def test_a_number_has_four_digits_and_no_exponent(value, text):
    assert number(value) == text
