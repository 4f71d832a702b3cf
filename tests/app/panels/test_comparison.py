"""What the page says of how far two segmentations agree."""

import numpy as np
import pytest

from mriseg.app.panels.comparison import agreement_table
from mriseg.core.tissue import BRAIN_TISSUE, Tissue
from mriseg.evaluation.agreement import agreement


@pytest.fixture(scope="module")
def both():
    """Labels, and the same with all gray matter called white."""
    labels = np.random.default_rng(0).choice(np.array([0, 1, 2, 3], np.uint8), (12, 12))
    return labels, np.where(labels == Tissue.GM.number, np.uint8(Tissue.WM.number), labels)


def test_what_cannot_be_told_apart_has_one_row_of_both_together(both):
    _, _, *rows = agreement_table(agreement(*both, None, joined=True), "Otsu", "pixels").splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {BRAIN_TISSUE}", f"| {Tissue.CSF.title}"]
    assert rows[0] == f"| {BRAIN_TISSUE} | 1.000 | 1.000 | +0.0 % | 0.0 |"


def test_each_tissue_has_a_row_else_and_the_head_says_the_unit(both):
    head, _, *rows = agreement_table(agreement(*both, None), "Otsu", "pixels").splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {tissue.title}" for tissue in Tissue]
    assert rows[0].startswith(f"| {Tissue.GM.title} | 0.000 |")
    assert head.startswith("| This result against: Otsu |")
    assert head.endswith("(pixels) |")
