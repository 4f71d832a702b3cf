"""Plots of the mixture: histogram with fitted Gaussians, the climbing fit, two channels against each other."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mriseg.app import texts
from mriseg.app.panels.mixture_tables import number
from mriseg.core.tissue import NO_TISSUE, Tissue
from mriseg.mixture.em_trace import Step
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.model import Mixture
from mriseg.segmentation.result import Result

BARS = 256  # as many as the screen can show; the mixture was fitted to finer ones
LABEL_LINE = 15  # pixels between the labels of thresholds
HEIGHT = 260  # pixels of plots that stand by themselves
ELLIPSE_SDS, JOINT_HEIGHT = 2.0, 420
BAR_COLOR, MIXED_COLOR, SUM_COLOR = "rgba(160, 160, 160, 0.45)", "#A6A6A6", "#D55E00"
EDGE_COLOR = "rgba(60, 60, 60, 0.5)"
WHOLE_HEIGHT = {"xref": "x", "yref": "y domain"}
DASHES = {Tissue.GM: "dash", Tissue.WM: "solid", Tissue.CSF: "dot"}  # never told apart by color alone


def histogram_figure(
    mixture: Mixture,
    histogram: Histogram,
    *,
    before: Histogram | None = None,
    logarithmic: bool = False,
    dark: bool = False,
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

    traces = [_bars(hist)]
    if before is not None:
        traces.append(_uncorrected(before.rebin(BARS), hist.width))
    traces += _curves(mixture, x, scale, dark=dark, filled=not logarithmic)
    vertical: dict[str, object] = {"title": {"text": unit}, "hoverformat": ",.0f"}
    if logarithmic:
        vertical |= {"type": "log", "range": [0, np.log10(max(hist.counts.max(), 10.0)) + 0.2]}
    shapes, annotations = _thresholds(mixture)
    return _figure(
        traces,
        {
            "height": height,
            "bargap": 0,
            "hovermode": "x unified",
            "hoverlabel": {"namelength": -1},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
            "xaxis": {"title": {"text": texts.INTENSITY}, "hoverformat": ".4~g"},
            "yaxis": vertical,
            "shapes": shapes,
            "annotations": annotations,
        },
    )


def _bars(histogram: Histogram) -> dict[str, object]:
    return {
        "type": "bar",
        "x0": histogram.levels[0],
        "dx": histogram.width,
        "y": np.float32(histogram.counts),
        "name": texts.HISTOGRAM_BARS,
        "marker": {"color": BAR_COLOR, "line": {"width": 0}},
    }


def _curve(x: np.ndarray, height: np.ndarray, **style: object) -> dict[str, object]:
    """A line over evenly spaced intensities, of which only the first and the step are sent."""
    # Simplified lines would be polygons at the peaks.
    line = {"simplify": False, **style.pop("line", {})}  # type: ignore[dict-item]
    trace = {"type": "scatter", "mode": "lines", "x0": x[0], "dx": x[1] - x[0], "y": np.float32(height)}
    return {**trace, "line": line, **style}


def _uncorrected(before: Histogram, width: float) -> dict[str, object]:
    """The outline of the histogram before bias correction, scaled to bars of another width."""
    style = {"color": MIXED_COLOR, "width": 1.5, "shape": "hvh"}
    counts = before.counts * (width / before.width)
    line = _curve(before.levels, counts, name=texts.BEFORE_CORRECTION, line=style)
    return line | {"dx": before.width}


def _curves(mixture: Mixture, x: np.ndarray, scale: float, *, dark: bool, filled: bool) -> list[dict[str, object]]:
    """The curve of each tissue's voxels, that of no tissue's and the sum of all, as counts of a bar."""
    traces = []
    for tissue, density in zip(mixture.tissues, scale * mixture.class_curves(x).T, strict=True):
        red, green, blue = tissue.rgb
        if not dark:  # yellow on white needs an edge
            edge = {"color": EDGE_COLOR, "width": 4, "dash": DASHES[tissue]}
            traces.append(_curve(x, density, line=edge, hoverinfo="skip", showlegend=False))
        style = {"color": tissue.color, "width": 2.5, "dash": DASHES[tissue]}
        ground = {"fill": "tozeroy", "fillcolor": f"rgba({red}, {green}, {blue}, 0.25)"} if filled else {}
        # By `meta` the viewer knows whose curve is pointed at.
        traces.append(_curve(x, density, name=tissue.title, meta={"tissue": tissue.number}, line=style, **ground))
    unexplained = scale * mixture.unexplained_curve(x)
    if unexplained.any():
        style = {"color": MIXED_COLOR, "width": 1.5, "dash": "dashdot"}
        traces.append(_curve(x, unexplained, name=NO_TISSUE, line=style))
    traces.append(_curve(x, scale * mixture.density(x), name=texts.SUM, line={"color": SUM_COLOR, "width": 2}))
    return traces


def _thresholds(mixture: Mixture) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Lines where one tissue becomes likelier than another, and between which at what intensity stands at each."""
    shapes, annotations = [], []
    for number_of, (level, below, above) in enumerate(mixture.crossings()):
        if mixture.tissues[below] is mixture.tissues[above]:
            continue
        line = {"dash": "dot", "width": 1, "color": MIXED_COLOR}
        ends = {"x0": level, "x1": level, "y0": 0, "y1": 1}
        shapes.append({"type": "line", **WHOLE_HEIGHT, **ends, "line": line})
        names = " | ".join(mixture.tissues[k].abbreviation for k in (below, above))
        label = {"text": f"{names} {number(level)}", "showarrow": False}
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
