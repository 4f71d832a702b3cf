from dataclasses import FrozenInstanceError

import pytest

from mriseg import Settings
from mriseg.core.errors import SettingsError
from mriseg.core.settings import BIAS_STRENGTHS, CLASSES, CONTRASTS, MASKS, PIXEL_SIZES_MM


@pytest.mark.parametrize(
    "setting",
    [
        *({"contrast": contrast} for contrast in CONTRASTS),
        *({"mask": mask} for mask in MASKS),
        *({"pixel_size": size} for size in (None, *PIXEL_SIZES_MM)),
        {"margin": -10.0},
        {"margin": 10.0},
        *({"classes": classes} for classes in CLASSES),
        {"use_position": False},
        {"smoothness": 0},
        {"smoothness": 10},
        *({"bias_strength": strength} for strength in BIAS_STRENGTHS),
    ],
    ids=str,
)
def test_what_is_listed_is_allowed(setting):
    Settings(**setting)


@pytest.mark.parametrize(
    "setting",
    [
        {"contrast": "T1"},
        {"contrast": "unknown"},
        {"mask": ""},
        {"pixel_size": 0.0},
        {"pixel_size": -1.0},
        {"pixel_size": 21.0},
        {"pixel_size": float("nan")},
        {"margin": 10.5},
        {"margin": float("nan")},
        {"classes": 1},
        {"classes": 7},
        {"classes": 2.5},
        {"smoothness": -0.1},
        {"smoothness": 11.0},
        {"smoothness": float("nan")},
        {"bias_strength": 0.05},
        {"bias_strength": 11.0},
        {"bias_strength": float("nan")},
    ],
    ids=str,
)
def test_what_is_not_listed_is_refused_with_what_is(setting):
    with pytest.raises(SettingsError, match="must"):
        Settings(**setting)


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Settings().contrast = "t1"


def test_equal_settings_are_one_cache_key():
    assert len({Settings(), Settings(contrast="auto"), Settings(contrast="t1")}) == 2


def test_every_contrast_that_can_be_named_can_be_chosen():
    assert set(CONTRASTS) == {"auto", "t1", "t2", "pd", "flair"}
