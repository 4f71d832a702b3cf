from dataclasses import replace

import numpy as np
import pytest

from mriseg.abnormal.levels import half_sample_mode, narrower_spread, tissue_levels
from mriseg.core.tissue import Contrast


def test_a_third_of_outliers_does_not_move_the_mode():
    rng = np.random.default_rng(0)
    clean = rng.normal(100, 5, 6000)
    assert half_sample_mode(np.concatenate([clean, rng.normal(200, 20, 3000)])) == pytest.approx(100, abs=4)


def test_the_spread_is_that_of_the_side_without_outliers():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(100, 5, 20_000), rng.uniform(100, 300, 10_000)])
    assert narrower_spread(values, 100.0) == pytest.approx(5, rel=0.1)
    assert narrower_spread(np.array([3.0, 4.0]), 2.0) == 0


@pytest.mark.parametrize(
    ("contrast", "fluid_is_bright"),
    [(Contrast.T1, False), (Contrast.T2, True), (Contrast.PD, True), (Contrast.FLAIR, False)],
)
def test_it_is_seen_whether_fluid_is_bright(phantom, standard, contrast, fluid_is_bright):
    levels = tissue_levels(standard(phantom, contrast))
    assert levels.fluid_is_bright == fluid_is_bright
    assert (levels.white > levels.gray) == (contrast is Contrast.T1)


def test_a_lesion_leaves_the_levels(phantom, patient, standard):
    healthy, with_lesion = (tissue_levels(standard(head, Contrast.FLAIR)) for head in (phantom, patient))
    assert with_lesion.gray == pytest.approx(healthy.gray, rel=0.03)
    assert with_lesion.white == pytest.approx(healthy.white, rel=0.03)


def test_without_a_brain_in_view_there_are_no_levels(phantom, standard):
    brain = standard(phantom, Contrast.T1)
    assert tissue_levels(replace(brain, mask=np.zeros_like(brain.mask))) is None
