"""The curves over the histogram are the mixture's own, in counts of a bar."""

from dataclasses import replace

import numpy as np
import pytest

from mriseg import Tissue, segment
from mriseg.app import texts
from mriseg.app.panels.mixture_figures import BARS, histogram_figure
from mriseg.core.tissue import NO_TISSUE
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
