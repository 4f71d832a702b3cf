import numpy as np
import pytest

from mriseg.core.tissue import ORDERS, Contrast
from mriseg.image.morphology import distance_to_background
from mriseg.registration.affine import Registration
from mriseg.segmentation.ventricles import COARSE_MM, Ventricles, see_ventricles, ventricle_brightness

SPACING = (2.0, 2.0, 2.0)
FLUID_DARK, FLUID_BRIGHT = (Contrast.T1, Contrast.FLAIR), (Contrast.T2, Contrast.PD)


@pytest.fixture(scope="module")
def brightness(phantom):
    """Of the ventricles in an image on the phantom's grid; the average brain lies where it was bent from."""
    affine = np.eye(4)
    affine[:3, 3] = -phantom.affine[:3, 3]

    def of(data, mask=None, shift_mm=(0, 0, 0)):
        moved = affine.copy()
        moved[:3, 3] += shift_mm
        pose = Registration(moved, agreement=0.5, coverage=1.0)
        return ventricle_brightness(data, SPACING, phantom.truth > 0 if mask is None else mask, pose)

    return of


def test_ventricles_are_seen_dark_or_bright(brightness, scanned):
    for contrast in FLUID_DARK:
        assert brightness(scanned(contrast).data) < -0.15
    assert brightness(scanned(Contrast.T2).data) > 0.25
    assert brightness(scanned(Contrast.PD).data) > 0


def test_of_the_negative_they_are_the_opposite(brightness, scanned):
    data = scanned(Contrast.T2).data
    assert brightness(-data) == pytest.approx(-brightness(data), abs=1e-6)


def test_a_dark_rim_says_nothing(brightness, scanned, phantom):
    """Partial volume with an outside that is 0, which looks like the fluid of a FLAIR scan."""
    data = scanned(Contrast.T2).data.copy()
    data[distance_to_background(phantom.truth > 0, SPACING) < 5] = 0
    assert brightness(data) > 0.25


def test_an_average_brain_that_lies_badly_finds_them(brightness, scanned):
    assert brightness(scanned(Contrast.T2).data, shift_mm=(2, 6, -6)) > 0.25
    assert brightness(scanned(Contrast.T1).data, shift_mm=(2, 6, -6)) < -0.15


def test_where_none_are_in_the_mask_nothing_is_said(brightness, scanned, phantom):
    mask = phantom.truth > 0
    mask[:, :, 20:] = False
    assert brightness(scanned(Contrast.T2).data, mask) is None


def test_they_speak_against_contrasts_whose_fluid_is_elsewhere():
    for contrast in Contrast.T1, Contrast.FLAIR, Contrast.T2, Contrast.PD:
        sign = -1 if contrast.fluid_is_dark else 1
        assert Ventricles(0.3 * sign, coarse=True).log_odds(contrast, inverted=False) == 0
        assert Ventricles(-0.3 * sign, coarse=False).log_odds(contrast, inverted=False) < -5
        assert Ventricles(-0.3 * sign, coarse=True).log_odds(contrast, inverted=True) == 0


def test_orders_are_left_out_only_where_fluid_is_seen_elsewhere():
    dark, bright = [order for order in ORDERS if order[0].name == "CSF"], [Contrast.T2.dark_to_bright]
    assert [order for order in ORDERS if Ventricles(-0.3, coarse=False).allow(order)] == dark
    assert [order for order in ORDERS if Ventricles(0.3, coarse=False).allow(order)] == bright
    assert all(Ventricles(0.0, coarse=True).allow(order) for order in ORDERS)


def test_with_large_pixels_dark_ventricles_must_be_seen(phantom, scanned):
    """Functional images pass for FLAIR by their dark rim."""
    assert Ventricles(0.0, coarse=False).log_odds(Contrast.FLAIR, inverted=False) == 0
    assert Ventricles(0.0, coarse=True).log_odds(Contrast.FLAIR, inverted=False) < -5
    affine = np.eye(4)
    affine[:3, 3] = -phantom.affine[:3, 3]
    pose, data, mask = Registration(affine, 0.5, 1.0), scanned(Contrast.T1).data, phantom.truth > 0
    assert see_ventricles(data, SPACING, mask, pose).coarse == (SPACING[0] >= COARSE_MM)
