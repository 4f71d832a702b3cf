"""The curves over the histogram are the mixture's own, in counts of a bar."""

from dataclasses import replace

import numpy as np
import pytest

from mriseg import Tissue, segment
from mriseg.app import texts
from mriseg.app.panels.mixture_figures import BARS, LINE_COLORS, TEXT_COLORS, for_the_viewer, histogram_figure
from mriseg.core.tissue import BRAIN_TISSUE, NO_TISSUE
from mriseg.datasets.samples import SAMPLES


@pytest.fixture(scope="module")
def result():
    return segment(next(iter(SAMPLES.values())).make()[0])


def trace(figure, name):
    (one,) = [trace for trace in figure.data if trace.name == name]
    return one


def intensities(line):
    return line.x0 + line.dx * np.arange(len(line.y))


def test_bars_hold_every_voxel_of_the_histogram(result):
    bars = trace(histogram_figure(result.mixture, result.histogram), texts.HISTOGRAM_BARS)
    assert np.sum(bars.y, dtype=float) == pytest.approx(result.histogram.counts.sum(), rel=1e-5)


def test_the_sum_is_the_density_of_the_mixture_in_counts_of_a_bar(result):
    figure = histogram_figure(result.mixture, result.histogram)
    bars, total = trace(figure, texts.HISTOGRAM_BARS), trace(figure, texts.SUM)
    expected = result.mixture.density(intensities(total)) * np.sum(bars.y, dtype=float) * bars.dx
    np.testing.assert_allclose(total.y, expected, rtol=1e-4)


def test_each_tissue_has_its_own_density(result):
    figure = histogram_figure(result.mixture, result.histogram, dark=True)
    bars = trace(figure, texts.HISTOGRAM_BARS)
    for k, tissue in enumerate(result.mixture.tissues):
        line = trace(figure, tissue.title)
        density = result.curves.class_densities(intensities(line))[:, k]
        expected = density * np.sum(bars.y, dtype=float) * bars.dx
        np.testing.assert_allclose(line.y, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_the_sum_is_the_sum_of_the_curves_that_are_shown(result):
    figure = histogram_figure(result.mixture, result.histogram, dark=True)
    names = [tissue.title for tissue in result.mixture.tissues] + [NO_TISSUE] * bool(result.curves.unexplained)
    shown = np.sum([trace(figure, name).y for name in names], 0)
    np.testing.assert_allclose(trace(figure, texts.SUM).y, shown, rtol=1e-4, atol=1e-3)


def test_every_threshold_says_between_which_tissues_it_lies(result):
    doubled = replace(result.mixture, tissues=(Tissue.CSF, Tissue.GM, Tissue.GM))
    for mixture, expected in ((result.mixture, ["CSF | GM", "GM | WM"]), (doubled, ["CSF | GM"])):
        figure = histogram_figure(mixture, result.histogram)
        assert [note.text.rpartition(" ")[0] for note in figure.layout.annotations] == expected
        assert len(figure.layout.shapes) == len(expected)


def test_what_was_before_correction_keeps_its_area_in_bars_of_the_new_width(result):
    figure = histogram_figure(result.mixture, result.histogram, before=result.histogram)
    bars, outline = trace(figure, texts.HISTOGRAM_BARS), trace(figure, texts.BEFORE_CORRECTION)
    np.testing.assert_allclose(outline.y, bars.y, rtol=1e-6)
    assert (outline.x0, outline.dx) == (bars.x0, bars.dx)
    assert len(outline.y) == len(result.histogram.rebin(BARS).counts)


def test_under_the_viewer_plotly_writes_nothing_over_the_peaks_and_still_says_what_is_pointed_at(result):
    figure = for_the_viewer(histogram_figure(result.mixture, result.histogram))
    assert {trace.hoverinfo for trace in figure.data} == {"none", "skip"}
    assert not any(trace.hovertemplate for trace in figure.data)
    assert figure.layout.dragmode is False
    for tissue in result.mixture.tissues:
        assert trace(figure, tissue.title).showlegend is False  # the viewer names it at its peak
        assert trace(figure, tissue.title).meta["tissue"] == tissue.number


def test_of_gray_and_white_matter_as_one_there_is_one_curve_and_one_threshold(result):
    figure = histogram_figure(result.mixture, result.histogram, joined=True)
    density = sum(
        result.curves.class_densities(intensities(trace(figure, texts.SUM)))[:, k]
        for k, tissue in enumerate(result.mixture.tissues)
        if tissue is not Tissue.CSF
    )
    bars, line = trace(figure, texts.HISTOGRAM_BARS), trace(figure, BRAIN_TISSUE)
    expected = density * np.sum(bars.y, dtype=float) * bars.dx
    np.testing.assert_allclose(line.y, expected, rtol=1e-4, atol=1e-4 * expected.max())
    assert [note.text.rpartition(" ")[0] for note in figure.layout.annotations] == ["CSF | GM+WM"]


def luminance(color: str) -> float:
    """As WCAG defines it."""
    parts = np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize(("dark", "ground"), [(False, "#FFFFFF"), (True, "#262730")])
def test_texts_and_thresholds_can_be_read_on_either_ground(dark, ground):
    for colors in (TEXT_COLORS, LINE_COLORS):
        low, high = sorted((luminance(colors[dark]), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5
