"""What the page writes of the figures of a result."""

from dataclasses import replace

import pytest

from mriseg import segment
from mriseg.app.panels.metrics import numbers_table
from mriseg.datasets.samples import SAMPLES
from mriseg.quality.definitions import FIGURES


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


@pytest.mark.parametrize(("key", "cell"), [("mean_posterior", "| 99% |"), ("mixed_share", "| 100.0% |")])
def test_a_share_may_be_full_and_a_certainty_never(result, key, cell):
    title = next(figure.title for figure in FIGURES if figure.key == key)
    table = numbers_table(replace(result, quality={**result.quality, key: 0.99999}))
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {title} |")]
    assert cell in row
