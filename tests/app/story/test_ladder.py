import re

import pytest

from mriseg.app.story.ladder import ladder_table
from mriseg.core.tissue import Tissue
from mriseg.evaluation.baselines import METHODS
from mriseg.evaluation.ladder import Rung


def test_the_table_has_every_overlap_as_a_number_and_as_a_bar_of_that_length():
    plain, full = METHODS["everything"], METHODS["full"]
    rungs = [
        Rung(plain, {Tissue.GM: 0.25, Tissue.WM: 0.5, Tissue.CSF: 0.0}, {}, 1.0),
        Rung(full, {Tissue.GM: 0.9, Tissue.WM: 1.0, Tissue.CSF: 0.8}, {}, 1.0),
    ]
    first, second = ladder_table(rungs).split("<tbody>")[1].split("</tr>")[:2]
    for row, rung, expected in ((first, rungs[0], (0.25, 0.5, 0, 0.25)), (second, rungs[1], (0.9, 1, 0.8, 0.9))):
        assert rung.method.title in row
        assert [float(number) for number in re.findall(r"<td>([\d.]+)<", row)] == pytest.approx(expected)
        assert [float(width) / 100 for width in re.findall(r"width: ([\d.]+)%", row)] == pytest.approx(expected)
