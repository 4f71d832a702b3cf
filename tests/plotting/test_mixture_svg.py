import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from mriseg import Contrast, Tissue
from mriseg.plotting import mixture_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(segmented):
    return ElementTree.fromstring(mixture_svg.mixture_svg(segmented(Contrast.T1)))


def words(svg: ElementTree.Element) -> list[str]:
    return [text.text for text in svg.iter(f"{SVG}text")]


def points(path: ElementTree.Element) -> np.ndarray:
    return np.array([[float(n) for n in pair.split()] for pair in re.split("[ML]", path.get("d"))[1:]])


def test_every_tissue_is_named_twice_at_its_gaussian_and_in_the_legend(drawn):
    for tissue in Tissue:
        assert words(drawn).count(tissue.abbreviation) == 1
        assert words(drawn).count(tissue.title) == 1


def test_the_tissues_differ_in_their_dashes_and_not_by_color_alone(drawn):
    dashes = {
        tissue: {
            path.get("stroke-dasharray") for path in drawn.iter(f"{SVG}path") if path.get("stroke") == tissue.color
        }
        for tissue in (Tissue.WM, Tissue.CSF)
    }
    assert dashes == {Tissue.WM: {None}, Tissue.CSF: {"2 3"}}


def test_the_curve_of_a_tissue_peaks_where_its_voxels_do(drawn, segmented):
    mixture = segmented(Contrast.T1).mixture
    ticks = {
        float(text.text): float(text.get("x"))
        for text in drawn.iter(f"{SVG}text")
        if text.get("text-anchor") == "middle" and re.fullmatch(r"[\d.]+", text.text)
    }
    (low, x_low), *_, (high, x_high) = sorted(ticks.items())
    for tissue in (Tissue.WM, Tissue.CSF):
        line = next(path for path in drawn.iter(f"{SVG}path") if path.get("stroke") == tissue.color)
        x, y = points(line).T
        at = low + (x[y.argmin()] - x_low) / (x_high - x_low) * (high - low)
        levels = np.linspace(mixture.means.min(), mixture.means.max(), 1000)
        peak = levels[mixture.class_curves(levels)[:, mixture.tissues.index(tissue)].argmax()]
        assert at == pytest.approx(peak, abs=0.02 * (mixture.means.max() - mixture.means.min()))


def test_the_bars_hold_as_many_voxels_as_the_sum_curve(drawn):
    areas = {}
    for color in (mixture_svg.BAR_GRAY, mixture_svg.SUM_RED):
        path = next(p for p in drawn.iter(f"{SVG}path") if color in (p.get("fill"), p.get("stroke")))
        x, y = points(path).T if color == mixture_svg.SUM_RED else points_of_area(path).T
        areas[color] = np.trapezoid(mixture_svg.BOTTOM - y, x)
    assert areas[mixture_svg.BAR_GRAY] == pytest.approx(areas[mixture_svg.SUM_RED], rel=0.03)


def points_of_area(path: ElementTree.Element) -> np.ndarray:
    return np.array([[float(n) for n in pair.split()] for pair in re.split("[ML]", path.get("d").rstrip("Z"))[1:]])


def test_everything_lies_within_the_drawing(drawn):
    for text in drawn.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= mixture_svg.WIDTH
        assert 0 <= float(text.get("y")) <= mixture_svg.HEIGHT
    for path in drawn.iter(f"{SVG}path"):
        if path.get("fill") == "none" and "v" not in path.get("d").lower() and "h" not in path.get("d").lower():
            x, y = points(path).T
            assert x.min() >= mixture_svg.LEFT
            assert x.max() <= mixture_svg.RIGHT
            assert y.min() >= mixture_svg.TOP
            assert y.max() <= mixture_svg.BOTTOM


def test_classes_of_one_tissue_are_each_named_and_stand_once_in_the_legend(segmented):
    result = segmented(Contrast.T1)
    doubled = replace(result.mixture, tissues=(Tissue.GM, Tissue.GM, Tissue.WM))
    named = words(ElementTree.fromstring(mixture_svg.mixture_svg(replace(result, mixture=doubled))))
    assert [named.count(tissue.abbreviation) for tissue in Tissue] == [2, 1, 0]
    assert [named.count(tissue.title) for tissue in Tissue] == [1, 1, 0]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0.09, 0.71, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    np.testing.assert_allclose(mixture_svg._ticks(low, high), ticks, atol=1e-12)
