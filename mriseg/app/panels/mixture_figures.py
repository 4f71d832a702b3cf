"""Plots of the mixture: histogram with fitted Gaussians, the climbing fit, two channels against each other."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mriseg.app import texts
from mriseg.app.panels.drawn_curves import DASHES, DrawnCurve, curve_heights, drawn_curves, tissue_thresholds
from mriseg.core.decimals import decimal
from mriseg.core.tissue import NO_TISSUE
from mriseg.mixture.em_trace import Step
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.model import Mixture
from mriseg.segmentation.result import Result

BARS = 256  # as many as the screen can show; the mixture was fitted to finer ones
LABEL_LINE = 15  # pixels between the labels of thresholds
HEIGHT = 260  # pixels of plots that stand by themselves
ELLIPSE_SDS, JOINT_HEIGHT = 2.0, 420
BAR_COLOR, SUM_COLOR = "rgba(160, 160, 160, 0.45)", "#D55E00"
# Of texts, and of lines that are no tissue's, on a light and on a dark ground: at least 4.5:1 against it.
TEXT_COLORS, LINE_COLORS = ("#31333F", "#FAFAFA"), ("#6B6B6B", "#A6A6A6")
GROUND_COLORS = ("rgba(255, 255, 255, 0.85)", "rgba(14, 17, 23, 0.85)")  # below the name of a threshold
EDGE_COLOR = "rgba(60, 60, 60, 0.5)"
WHOLE_HEIGHT = {"xref": "x", "yref": "y domain"}
LOW_MARGINS, TITLE_STANDOFF = {"l": 10, "r": 10, "t": 26, "b": 6}, 3  # pixels: on a projector each counts
TOOLTIP = "%{y:,.0f}"  # where the bars and curves have other intensities plotly would write those, too


def histogram_figure(
    mixture: Mixture,
    histogram: Histogram,
    *,
    before: Histogram | None = None,
    logarithmic: bool = False,
    dark: bool = False,
    joined: bool = False,
    unit: str = texts.VOXELS,
    height: int | None = None,
) -> go.Figure:
    """Counts of the brain's intensities, the fitted curve of each tissue, their sum and the thresholds.

    Parameters
    ----------
    mixture : Mixture
    histogram : Histogram
        That it was fitted to.
    before : Histogram, optional
        The same before bias correction, drawn as a line.
    logarithmic : bool
        Whether counts rise by powers of ten.
    dark : bool
        Whether it is drawn on a dark ground.
    joined : bool
        Whether gray and white matter are one curve.
    unit : str
        What is counted.
    height : int, optional
        Pixels; by default as high as the chart's container.

    Returns
    -------
    plotly.graph_objects.Figure
        Curves are scaled to the counts of a bar.
    """
    hist = histogram.rebin(BARS)
    scale = hist.counts.sum() * hist.width
    x = np.linspace(hist.levels[0], hist.levels[-1], 2 * BARS)
    drawn = drawn_curves(mixture, joined=joined)

    traces = [_bars(hist)]
    if before is not None:
        traces.append(_uncorrected(before.rebin(BARS), hist.width, dark=dark))
    traces += _curves(mixture, drawn, (x, scale), dark=dark, filled=not logarithmic)
    shapes, annotations = _thresholds(mixture, drawn, dark=dark)
    return _figure(
        traces,
        {
            "height": height,
            "bargap": 0,
            "hovermode": "x unified",
            "hoverlabel": {"namelength": -1},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11, **_ink(dark)}},
            "xaxis": _axis({"title": {"text": texts.INTENSITY}, "hoverformat": ".4~g"}, dark=dark),
            "yaxis": _axis(_counts_axis(hist, unit, logarithmic), dark=dark),
            "shapes": shapes,
            "annotations": annotations,
        },
    )


def for_the_viewer(figure: go.Figure) -> go.Figure:
    """A histogram over which the viewer draws names and handles of the curves, and says what is under the pointer.

    Parameters
    ----------
    figure : go.Figure
        Changed and returned. Plotly still says what is pointed at, but writes nothing over the peaks, a drag does not
        zoom, and the legend, whose tissues are named at their curves, leaves the curves more height.
    """
    for trace in figure.data:
        if trace.hoverinfo != "skip":
            trace.hoverinfo, trace.hovertemplate = "none", None
        if trace.meta is not None:
            trace.showlegend = False
    figure.layout.dragmode = False
    figure.layout.margin = LOW_MARGINS
    figure.layout.legend.update(x=0, font_size=12)
    figure.layout.xaxis.title.update(standoff=TITLE_STANDOFF, font_size=12)
    return figure


def _ink(dark: bool) -> dict[str, str]:
    """The color of texts."""
    return {"color": TEXT_COLORS[dark]}


def _axis(settings: dict[str, object], *, dark: bool) -> dict[str, object]:
    """An axis whose texts can be read on either ground."""
    title = settings["title"] | {"font": _ink(dark)}  # type: ignore[operator]
    return {**settings, "title": title, "tickfont": _ink(dark)}


def _counts_axis(histogram: Histogram, unit: str, logarithmic: bool) -> dict[str, object]:
    axis: dict[str, object] = {"title": {"text": unit}, "hoverformat": ",.0f"}
    if logarithmic:
        axis |= {"type": "log", "range": [0, np.log10(max(histogram.counts.max(), 10.0)) + 0.2]}
    return axis


def _bars(histogram: Histogram) -> dict[str, object]:
    return {
        "type": "bar",
        "x0": histogram.levels[0],
        "dx": histogram.width,
        "y": np.float32(histogram.counts),
        "name": texts.HISTOGRAM_BARS,
        "marker": {"color": BAR_COLOR, "line": {"width": 0}},
        "hovertemplate": TOOLTIP,
    }


def _curve(x: np.ndarray, height: np.ndarray, **style: object) -> dict[str, object]:
    """A line over evenly spaced intensities, of which only the first and the step are sent."""
    # Simplified lines would be polygons at the peaks.
    line = {"simplify": False, **style.pop("line", {})}  # type: ignore[dict-item]
    trace = {"type": "scatter", "mode": "lines", "x0": x[0], "dx": x[1] - x[0], "y": np.float32(height)}
    return {**trace, "hovertemplate": TOOLTIP, "line": line, **style}


def _uncorrected(before: Histogram, width: float, *, dark: bool) -> dict[str, object]:
    """The outline of the histogram before bias correction, scaled to bars of another width."""
    style = {"color": LINE_COLORS[dark], "width": 1.5, "shape": "hvh"}
    counts = before.counts * (width / before.width)
    line = _curve(before.levels, counts, name=texts.BEFORE_CORRECTION, line=style)
    return line | {"dx": before.width}


def _curves(
    mixture: Mixture, drawn: tuple[DrawnCurve, ...], on: tuple[np.ndarray, float], *, dark: bool, filled: bool
) -> list[dict[str, object]]:
    """The curve of each tissue's voxels, that of no tissue's and the sum of all.

    `on` holds the intensities and what makes a density the count of a bar.
    """
    x, scale = on
    traces = []
    for curve, density in zip(drawn, scale * curve_heights(mixture, drawn, x), strict=True):
        tissue = curve.tissue
        red, green, blue = tissue.rgb
        if not dark:  # yellow on white needs an edge
            edge = {"color": EDGE_COLOR, "width": 4, "dash": curve.dash}
            # Without a template of its own, for that would be shown in spite of "skip".
            traces.append(_curve(x, density, line=edge, hoverinfo="skip", hovertemplate=None, showlegend=False))
        style = {"color": tissue.color, "width": 2.5, "dash": curve.dash}
        ground = {"fill": "tozeroy", "fillcolor": f"rgba({red}, {green}, {blue}, 0.25)"} if filled else {}
        # By `meta` the viewer knows whose curve is pointed at.
        traces.append(_curve(x, density, name=curve.title, meta={"tissue": tissue.number}, line=style, **ground))
    unexplained = scale * mixture.unexplained_curve(x)
    if unexplained.any():
        style = {"color": LINE_COLORS[dark], "width": 1.5, "dash": "dashdot"}
        traces.append(_curve(x, unexplained, name=NO_TISSUE, line=style))
    traces.append(_curve(x, scale * mixture.density(x), name=texts.SUM, line={"color": SUM_COLOR, "width": 2}))
    return traces


def _thresholds(
    mixture: Mixture, drawn: tuple[DrawnCurve, ...], *, dark: bool
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Lines where one tissue becomes likelier than another, and between which at what intensity stands at each."""
    shapes, annotations = [], []
    for number_of, (level, below, above) in enumerate(tissue_thresholds(mixture, drawn)):
        line = {"dash": "dot", "width": 1, "color": LINE_COLORS[dark]}
        ends = {"x0": level, "x1": level, "y0": 0, "y1": 1}
        shapes.append({"type": "line", **WHOLE_HEIGHT, **ends, "line": line})
        label = {"text": f"{below} | {above} {decimal(level)}", "showarrow": False, "font": _ink(dark)}
        label["bgcolor"] = GROUND_COLORS[dark]
        # One line lower each, so that they do not cover each other where thresholds are close.
        height = {"y": 1, "yanchor": "top", "yshift": -LABEL_LINE * number_of}
        annotations.append({"x": level, "xanchor": "left", **WHOLE_HEIGHT, **height, **label})
    return shapes, annotations


def _figure(traces: list[dict[str, object]], layout: dict[str, object]) -> go.Figure:
    """A figure from plain dictionaries, taken as they are: checking each entry takes 15 times as long as the rest."""
    margins = {"l": 10, "r": 10, "t": 30, "b": 10}
    return go.Figure({"data": traces, "layout": {"margin": margins, **layout}}, _validate=False)


def climb_figure(steps: Sequence[Step], at: int) -> go.Figure:
    """The log-likelihood over the iterations, with a mark at the one shown.

    Parameters
    ----------
    steps : sequence of Step
        Of the climbing fit.
    at : int
        Which of them.

    Returns
    -------
    go.Figure
    """
    iterations, heights = [step.iteration for step in steps], [step.log_likelihood for step in steps]
    mark = {"size": 12, "color": SUM_COLOR}
    return _figure(
        [
            {
                "type": "scatter",
                "x": iterations,
                "y": heights,
                "mode": "lines+markers",
                "line": {"color": SUM_COLOR},
                "marker": {"size": 4},
            },
            {"type": "scatter", "x": [iterations[at]], "y": [heights[at]], "mode": "markers", "marker": mark},
        ],
        {
            "height": HEIGHT,
            "showlegend": False,
            "xaxis": {"title": {"text": texts.STEP}},
            "yaxis": {"title": {"text": texts.LOG_LIKELIHOOD}},
        },
    )


def joint_figure(result: Result) -> go.Figure:
    """Joint histogram of the first two contrasts, and each tissue as the ellipse of two standard deviations.

    Parameters
    ----------
    result : Result

    Returns
    -------
    go.Figure
    """
    joint, mixture = result.joint, result.mixture
    assert joint is not None
    traces: list[dict[str, object]] = [
        {
            "type": "heatmap",
            "x": joint.histograms[0].levels,
            "y": joint.histograms[1].levels,
            "z": np.log1p(joint.counts.T.astype(np.float32)),
            "colorscale": "Grays",
            "showscale": False,
            "hoverinfo": "skip",
        }
    ]
    turn = np.linspace(0, 2 * np.pi, 73)
    circle = ELLIPSE_SDS * np.stack([np.cos(turn), np.sin(turn)])
    for k, tissue in enumerate(mixture.tissues):
        ellipse = (
            mixture.parameters.means[k, :2, None]
            + np.linalg.cholesky(mixture.parameters.covariances[k, :2, :2]) @ circle
        )
        style = {"color": tissue.color, "width": 3, "dash": DASHES[tissue]}
        traces.append({"type": "scatter", "x": ellipse[0], "y": ellipse[1], "name": tissue.title, "line": style})
    return _figure(
        traces,
        {
            "height": JOINT_HEIGHT,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
            "xaxis": {"title": {"text": texts.JOINT_X}},
            "yaxis": {"title": {"text": texts.JOINT_Y}},
        },
    )
