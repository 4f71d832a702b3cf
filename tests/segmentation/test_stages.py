from dataclasses import fields, replace

import pytest

from mriseg import Contrast, Settings
from mriseg.segmentation.stages import STAGE_SETTINGS, Stages, reusable_stages

OTHER = {
    "contrast": "t2",
    "mask": "none",
    "margin": 1.0,
    "pixel_size": 0.5,
    "correct_bias": False,
    "bias_strength": 2.0,
    "use_position": False,
    "classes": 4,
}


def test_every_setting_but_the_smoothness_belongs_to_one_stage():
    knobs = [knob for of_stage in STAGE_SETTINGS.values() for knob in of_stage]
    assert sorted([*knobs, "smoothness"]) == sorted(knob.name for knob in fields(Settings))
    assert list(STAGE_SETTINGS) == [stage.name for stage in fields(Stages)]


@pytest.mark.parametrize("knob", OTHER)
def test_a_stage_is_kept_until_a_setting_that_it_hangs_on_changes(segmented, knob):
    stages = segmented(Contrast.T1).stages
    kept = reusable_stages(stages, Settings(), replace(Settings(), **{knob: OTHER[knob]}))
    untouched = list(STAGE_SETTINGS)[: next(at for at, knobs in enumerate(STAGE_SETTINGS.values()) if knob in knobs)]
    for stage in STAGE_SETTINGS:
        assert getattr(kept, stage) is (getattr(stages, stage) if stage in untouched else None)


def test_all_is_kept_where_only_the_smoothness_changes(segmented):
    stages = segmented(Contrast.T1).stages
    kept = reusable_stages(stages, Settings(), Settings(smoothness=0.0))
    assert all(getattr(kept, stage) is getattr(stages, stage) is not None for stage in STAGE_SETTINGS)


def test_what_is_kept_is_small(segmented):
    """Beside the mask, which the result shares, no more than a byte a voxel of the box."""
    result = segmented(Contrast.T1)
    region, tissues = result.stages.region, result.stages.tissues
    assert region.mask is result.brain.mask
    assert tissues.spatial_prior is region.spatial_prior
    assert region.spatial_prior.index.nbytes == result.box_bias.size
    assert all(coefficients.size < 200 for coefficients in result.stages.bias_correction.coefficients)
