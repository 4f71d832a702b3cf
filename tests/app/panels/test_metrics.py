"""What the page writes of the figures of a result."""

from dataclasses import replace

import pytest

from mriseg import segment
from mriseg.app.panels.metrics import APART, Size, shown_sizes
from mriseg.core.tissue import ABNORMAL, BRAIN_TISSUE, Tissue
from mriseg.datasets.samples import SAMPLES


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


def test_what_cannot_be_told_apart_is_one_number_unless_both_are_asked_for(result, monkeypatch):
    alike = replace(
        result,
        quality={**result.quality, "tissue_contrast": 0.1},
        volumes_ml={Tissue.GM: 500.0, Tissue.WM: 400.0, Tissue.CSF: 100.0},
        volume_intervals_ml={Tissue.GM: (450.0, 550.0), Tissue.WM: (350.0, 450.0), Tissue.CSF: (80.0, 130.0)},
    )
    both, fluid = shown_sizes(alike)
    assert (both.title, both.volume, both.interval) == (BRAIN_TISSUE, 900, (870, 920))
    assert both.share + fluid.share == pytest.approx(1)
    assert [size.title for size in shown_sizes(result)] == [tissue.title for tissue in Tissue]
    monkeypatch.setattr("mriseg.app.panels.metrics.st.session_state", {APART: True})
    assert [size.title for size in shown_sizes(alike)] == [tissue.title for tissue in Tissue]


def test_what_is_abnormal_has_a_tile_and_is_no_part_of_the_tissues(with_lesion, monkeypatch):
    _, result = with_lesion
    *tissues, abnormal = shown_sizes(result)
    assert abnormal == Size(
        ABNORMAL.title, result.abnormal.share, result.abnormal.volume_ml, result.abnormal.interval_ml
    )
    assert sum(size.share for size in tissues) + abnormal.share == pytest.approx(1)
    both, fluid, same = shown_sizes(replace(result, quality={**result.quality, "tissue_contrast": 0.1}))
    assert same == abnormal
    assert both.volume + fluid.volume + same.volume == pytest.approx(result.brain_ml)
    assert both.share + fluid.share + same.share == pytest.approx(1)
    low, high = both.interval
    assert low < both.volume < high
