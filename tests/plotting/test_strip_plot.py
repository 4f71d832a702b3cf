import re
from xml.etree import ElementTree

import numpy as np
import pytest

from mriseg.plotting import strip_plot
from mriseg.plotting.strip_plot import Outlier, quartiles, svg


def plotted(plot: str, kind: str) -> list[float]:
    """Where across a plot the marks of a kind begin."""
    paths = re.findall(rf'<path class="{kind}" d="([^"]*)"', plot)
    return [float(x) for path in paths for x in re.findall(r"M([\d.-]+) ", path)]


def test_dots_lie_where_their_values_do():
    plot = svg(np.array([0.0, 5.0, 10.0]), [], "")
    low, middle, high = sorted(plotted(plot, "dots"))
    assert (low, high) == (strip_plot.LEFT, strip_plot.RIGHT)
    assert middle == pytest.approx((low + high) / 2, abs=0.1)


def test_equal_values_lie_beside_each_other_and_none_is_lost():
    plot = svg(np.repeat(4.0, 300), [], "")
    places = re.findall(r"M([\d.]+ [\d.]+)h0", plot)
    assert len(set(places)) == 300
    assert all(strip_plot.TOP - 6 <= float(place.split()[1]) <= strip_plot.BOTTOM + 6 for place in places)


def test_a_value_far_away_does_not_press_the_others_together():
    values = np.linspace(10, 20, 50)
    plot = svg(values, [Outlier(1e6, "far", "./far.jpg", 3)], "")
    assert np.ptp(plotted(plot, "dots")) > 40
    assert plotted(plot, "apart") == [strip_plot.RIGHT]
    assert 'href="./far.jpg" data-scan="3"' in plot


def test_of_many_scans_bars_count_those_that_do_not_lie_apart():
    values = np.random.default_rng(0).normal(50, 5, 2000)
    plot = svg(values, [Outlier(90.0, "far", None, 0)], "")
    assert 'class="dots"' not in plot
    tops = [float(y) for y in re.findall(r"V([\d.]+)H", re.search(r'class="bars" d="([^"]*)"', plot)[1])]
    assert len(tops) == strip_plot.BARS
    assert min(tops) == pytest.approx(strip_plot.TOP)
    assert plotted(plot, "apart") != []
    assert "<a " not in plot


def ticks(plot: str) -> list[tuple[float, float]]:
    """Where the labels of the axis stand, and what they say."""
    return [(float(x), float(value)) for x, value in re.findall(r'<text x="([\d.]+)"[^>]*>([^<]*)</text>', plot)]


@pytest.mark.parametrize(("low", "high"), [(0.0, 10.0), (-0.0023, 0.0011), (980.0, 1020.0), (3.2e6, 9.9e6)])
def test_the_labels_stand_at_their_values(low, high):
    across, values = np.array(ticks(svg(np.linspace(low, high, 30), [], ""))).T
    expected = strip_plot.LEFT + (strip_plot.RIGHT - strip_plot.LEFT) * (values - low) / (high - low)
    np.testing.assert_allclose(across, expected, atol=0.06)
    assert 2 <= len(values) <= 6
    np.testing.assert_allclose(np.diff(values), np.diff(values)[0])


def test_the_box_reaches_from_quartile_to_quartile_and_the_line_is_the_median():
    values = np.array([0.0, 1, 2, 6, 7, 8, 10])
    root = ElementTree.fromstring(svg(values, [], ""))
    low, middle, high = quartiles(values)
    scale = (strip_plot.RIGHT - strip_plot.LEFT) / 10
    box = root.find("rect")
    assert float(box.get("x")) == pytest.approx(strip_plot.LEFT + scale * low, abs=0.06)
    assert float(box.get("width")) == pytest.approx(scale * (high - low), abs=0.11)
    (median,) = plotted(svg(values, [], ""), "median")
    assert median == pytest.approx(strip_plot.LEFT + scale * middle, abs=0.06)


@pytest.mark.parametrize(("value", "end"), [(1e6, strip_plot.RIGHT), (-1e6, strip_plot.LEFT)])
def test_a_triangle_points_to_a_value_beyond_the_axis(value, end):
    plot = svg(np.linspace(10, 20, 50), [Outlier(value, "far", None, 0)], "")
    (shape,) = re.findall(r'class="apart" d="([^"]*)"', plot)
    start, tip = re.match(r"M([\d.-]+) [\d.-]+l([\d.-]+)", shape).groups()
    assert float(start) == end
    assert np.sign(float(tip)) == np.sign(value)


def test_two_scans_that_lie_apart_at_one_value_are_both_seen():
    plot = svg(np.linspace(10, 20, 50), [Outlier(25.0, name, None, n) for n, name in enumerate("ab")], "")
    marks = re.findall(r'class="apart" d="M([\d.-]+) ([\d.-]+)', plot)
    assert len(marks) == len(set(marks)) == 2


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-9, 1700.0])
def test_one_value_lies_in_the_middle(value):
    (x,) = plotted(svg(np.array([value]), [], ""), "dots")
    assert x == pytest.approx((strip_plot.LEFT + strip_plot.RIGHT) / 2)


def test_what_a_study_names_is_escaped():
    plot = svg(np.arange(9.0), [Outlier(20.0, '<b>&"', "a&b.html", 1)], 'x" onload="')
    root = ElementTree.fromstring(plot)
    assert root.get("aria-label") == 'x" onload="'
    assert root.get("onload") is None
    assert root.find("a").get("aria-label") == '<b>&"'
    assert root.find("a").get("href") == "a&b.html"
    assert root.find("a/path/title").text == '<b>&"'
