import colorsys

import pytest

from mriseg import Contrast, Tissue
from mriseg.core.tissue import BACKGROUND

NAMED = [contrast for contrast in Contrast if contrast is not Contrast.UNKNOWN]


def luminance(rgb):
    """Relative luminance as in the WCAG."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_numbers_are_those_of_bids():
    assert {tissue.abbreviation: tissue.number for tissue in Tissue} == {"GM": 1, "WM": 2, "CSF": 3}
    assert BACKGROUND == 0


def test_posteriors_are_stored_in_the_order_of_the_numbers():
    assert [tissue.number for tissue in Tissue] == [1, 2, 3]


def test_names_are_spelled_out():
    assert [tissue.title for tissue in Tissue] == ["Gray matter", "White matter", "Cerebrospinal fluid"]


def test_color_is_the_same_in_both_notations():
    for tissue in Tissue:
        assert "#{:02X}{:02X}{:02X}".format(*tissue.rgb) == tissue.color


def test_colors_stay_apart_in_a_grayscale_print():
    csf, gm, wm = (luminance(tissue.rgb) for tissue in (Tissue.CSF, Tissue.GM, Tissue.WM))
    assert csf + 0.2 < gm
    assert gm + 0.2 < wm


def test_no_two_colors_differ_only_as_red_and_green():
    hues = [colorsys.rgb_to_hsv(*(v / 255 for v in tissue.rgb))[0] for tissue in Tissue]
    assert not any(0.25 < hue < 0.45 for hue in hues)


@pytest.mark.parametrize("contrast", NAMED)
def test_a_contrast_orders_all_three_tissues(contrast):
    assert set(contrast.dark_to_bright) == set(Tissue)


def test_orders_are_those_of_radiology():
    gm, wm, csf = Tissue
    assert Contrast.T1.dark_to_bright == (csf, gm, wm)
    assert Contrast.T2.dark_to_bright == (wm, gm, csf)
    assert Contrast.PD.dark_to_bright == (wm, gm, csf)
    assert Contrast.FLAIR.dark_to_bright == (csf, wm, gm)


def test_suffixes_are_those_of_bids():
    assert [contrast.suffix for contrast in Contrast] == ["T1w", "T2w", "PDw", "FLAIR", "unknown"]
