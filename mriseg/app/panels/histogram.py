"""Row two: the histogram with the fitted mixture over it, and the arithmetic in figures."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from mriseg.app import texts
from mriseg.app.session import Analysis, current
from mriseg.core.tissue import Tissue
from mriseg.mixture.em_trace import Step, before_correction, steps_of_fit
from mriseg.mixture.histogram import Histogram
from mriseg.mixture.model import Mixture
from mriseg.mixture.model_selection import criteria
from mriseg.segmentation.result import Result

BARS = 256  # as many as the screen can show; the mixture was fitted to finer ones
HEIGHT = 260  # pixels: with the pictures above it fits a laptop
ELLIPSE_SDS, JOINT_HEIGHT = 2.0, 420
BAR_COLOUR, MIXED_COLOUR, SUM_COLOUR = "rgba(160, 160, 160, 0.45)", "#A6A6A6", "#D55E00"
EDGE_COLOUR = "rgba(60, 60, 60, 0.5)"
TERMS_A_LINE = 2  # of the formula, so that it fits a tablet
WHOLE_HEIGHT = {"xref": "x", "yref": "y domain"}
CONFIG = {"displayModeBar": False}  # its buttons would cover the legend
DASHES = {Tissue.GM: "dash", Tissue.WM: "solid", Tissue.CSF: "dot"}  # never told apart by colour alone


def histogram_figure(
    mixture: Mixture,
    histogram: Histogram,
    before: Histogram | None = None,
    logarithmic: bool = False,
    dark: bool = False,
    unit: str = texts.VOXELS,
) -> go.Figure:
    """Counts of the brain's intensities, each weighted Gaussian, the mixed voxels, their sum and the thresholds.

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

    Returns
    -------
    plotly.graph_objects.Figure
        Curves are scaled to the counts of a bar.
    """
    bars = histogram.rebin(BARS)
    scale = bars.counts.sum() * bars.width
    x = np.linspace(bars.levels[0], bars.levels[-1], 2 * BARS)

    def curve(height: np.ndarray, **style: object) -> dict[str, object]:
        return {"type": "scatter", "mode": "lines", "x0": x[0], "dx": x[1] - x[0], "y": np.float32(height), **style}

    traces: list[dict[str, object]] = [
        {
            "type": "bar",
            "x0": bars.levels[0],
            "dx": bars.width,
            "y": np.float32(bars.counts),
            "name": texts.HISTOGRAM_BARS,
            "marker": {"color": BAR_COLOUR, "line": {"width": 0}},
        }
    ]
    if before is not None:
        coarse = before.rebin(BARS)
        style = {"color": MIXED_COLOUR, "width": 1.5, "shape": "hvh"}
        counts = coarse.counts * (bars.width / coarse.width)
        line = curve(counts, name=texts.BEFORE_CORRECTION, line=style)
        traces.append(line | {"x0": coarse.levels[0], "dx": coarse.width})
    for tissue, density in zip(mixture.tissues, scale * mixture.pure_densities(x).T, strict=True):
        red, green, blue = tissue.rgb
        if not dark:  # yellow on white needs an edge
            edge = {"color": EDGE_COLOUR, "width": 4, "dash": DASHES[tissue]}
            traces.append(curve(density, line=edge, hoverinfo="skip", showlegend=False))
        style = {"color": tissue.colour, "width": 2.5, "dash": DASHES[tissue]}
        ground = {} if logarithmic else {"fill": "tozeroy", "fillcolor": f"rgba({red}, {green}, {blue}, 0.25)"}
        traces.append(curve(density, name=tissue.title, line=style, **ground))
    if mixture.deep_gray is not None:
        style = {"color": Tissue.GM.colour, "width": 1.5, "dash": "longdash"}
        traces.append(curve(scale * mixture.deep_density(x), name=texts.DEEP_GRAY, line=style))
    style = {"color": MIXED_COLOUR, "width": 1.5, "dash": "dashdot"}
    traces.append(curve(scale * mixture.mixed_density(x), name=texts.MIXED, line=style))
    traces.append(curve(scale * mixture.density(x), name=texts.SUM, line={"color": SUM_COLOUR, "width": 2}))
    vertical: dict[str, object] = {"title": {"text": unit}, "hoverformat": ",.0f"}
    if logarithmic:
        vertical |= {"type": "log", "range": [0, np.log10(max(bars.counts.max(), 10.0)) + 0.2]}
    shapes, annotations = _thresholds(mixture)
    return _figure(
        traces,
        {
            "height": HEIGHT,
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


def _thresholds(mixture: Mixture) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Lines where one tissue becomes likelier than the next, and what stands at them."""
    shapes, annotations = [], []
    # The labels stand on the outer sides, so that they do not cover each other where the thresholds are close.
    for threshold, end in zip(mixture.thresholds(), ("right", "left"), strict=False):
        line = {"dash": "dot", "width": 1, "color": MIXED_COLOUR}
        ends = {"x0": threshold, "x1": threshold, "y0": 0, "y1": 1}
        shapes.append({"type": "line", **WHOLE_HEIGHT, **ends, "line": line})
        words = {"text": f"{texts.THRESHOLD} {number(threshold)}", "showarrow": False}
        annotations.append({"x": threshold, "xanchor": end, **WHOLE_HEIGHT, "y": 1, "yanchor": "top", **words})
    return shapes, annotations


def _figure(traces: list[dict[str, object]], layout: dict[str, object]) -> go.Figure:
    """A figure from plain dictionaries, taken as they are: checking each entry takes 15 times as long as the rest."""
    margins = {"l": 10, "r": 10, "t": 30, "b": 10}
    return go.Figure({"data": traces, "layout": {"margin": margins, **layout}}, _validate=False)


@st.fragment
def show_histogram() -> None:
    """Draw the histogram with the mixture over it; only this part runs again when its own controls move."""
    analysis = current()
    result = analysis.result
    with st.container(horizontal=True):
        logarithmic = st.toggle(texts.LOGARITHMIC, key="logarithmic", help=texts.LOGARITHMIC_HELP)
        uncorrected = result.settings.correct_bias and st.toggle(
            texts.BEFORE_CORRECTION, key="before correction", help=texts.BEFORE_CORRECTION_HELP
        )
    figure = histogram_figure(
        result.mixture,
        result.histogram,
        before_correction(analysis.scan, result) if uncorrected else None,
        logarithmic,
        is_dark(),
        unit_of(analysis),
    )
    st.plotly_chart(figure, key="histogram", alt=texts.HISTOGRAM_ALT, config=CONFIG)


def show_steps(analysis: Analysis) -> None:
    """Expectation-maximisation step by step: a slider over its iterations and the likelihood that they climb."""
    st.markdown(texts.STEPS_WORDS)
    steps = steps_of_fit(analysis.result)
    at = st.select_slider(
        texts.STEP,
        range(len(steps)),
        format_func=lambda n: texts.ITERATION.format(steps[n].iteration),
        key=f"step {analysis.key}",
    )
    curves, climb = st.columns([3, 1])
    with curves:
        figure = histogram_figure(
            steps[at].mixture, analysis.result.histogram, None, False, is_dark(), unit_of(analysis)
        )
        st.plotly_chart(figure, key="steps", alt=texts.HISTOGRAM_ALT, config=CONFIG)
    with climb:
        st.plotly_chart(climb_figure(steps, at), key="climb", alt=texts.CLIMB_ALT, config=CONFIG)


def climb_figure(steps: Sequence[Step], at: int) -> go.Figure:
    """The log-likelihood over the iterations, with a mark at the one shown."""
    iterations, heights = [step.iteration for step in steps], [step.log_likelihood for step in steps]
    mark = {"size": 12, "color": SUM_COLOUR}
    return _figure(
        [
            {
                "type": "scatter",
                "x": iterations,
                "y": heights,
                "mode": "lines+markers",
                "line": {"color": SUM_COLOUR},
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


def is_dark() -> bool:
    """Whether the visitor sees the page on a dark ground."""
    return st.context.theme.type == "dark"


def unit_of(analysis: Analysis) -> str:
    """What the histogram counts."""
    return texts.VOXELS if analysis.scan.kind == "volume" else texts.PIXELS


def joint_figure(result: Result) -> go.Figure:
    """Joint histogram of the first two contrasts, and each tissue as the ellipse of two standard deviations."""
    joint, mixture = result.joint, result.mixture
    assert joint is not None
    traces: list[dict[str, object]] = [
        {
            "type": "heatmap",
            "x": joint.bars[0].levels,
            "y": joint.bars[1].levels,
            "z": np.log1p(joint.counts.T.astype(np.float32)),
            "colorscale": "Greys",
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
        style = {"color": tissue.colour, "width": 3, "dash": DASHES[tissue]}
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


def show_joint(result: Result) -> None:
    """Draw the joint histogram where several contrasts were fitted together."""
    if result.joint is not None:
        st.plotly_chart(joint_figure(result), key="joint", alt=texts.JOINT_ALT, config=CONFIG)


def show_selection(result: Result) -> None:
    """What the criteria say of two to six classes, worked out when asked for."""
    with st.expander(texts.SELECTION, on_change="rerun") as expander:
        if expander.open:
            st.caption(texts.SELECTION_HELP)
            st.markdown(selection_table(result))


def selection_table(result: Result) -> str:
    """Differences of both criteria from their best, as a Markdown table."""
    found = criteria(result.histogram)
    aic, bic = min(c.aic for c in found), min(c.bic for c in found)
    rows = ["| K | AIC | BIC |", "|---|---|---|"]
    rows += [f"| {c.classes} | {c.aic - aic:,.0f} | {c.bic - bic:,.0f} |" for c in found]
    return "\n".join(rows)


def show_fitted(result: Result) -> None:
    """Shares, means and standard deviations as a table."""
    st.markdown(fitted_table(result), help=texts.FITTED_HELP)


def show_method(result: Result) -> None:
    """The formula in general and with the fitted values filled in, and what was done in words."""
    with st.container(border=True):
        st.latex(r"p(x\mid\theta)=\sum_{k=1}^{K}\pi_k\,\mathcal{N}(x\mid\mu_k,\Sigma_k)")
        st.markdown(texts.METHOD_WORDS)
        st.markdown(texts.FITTED)
        st.latex(fitted_formula(result))


def fitted_table(result: Result) -> str:
    """Shares, means and standard deviations as a Markdown table."""
    mixture = result.mixture
    rows = [texts.FITTED_HEAD, "|---|---|---|---|"]
    for tissue, weight, mean, sd in zip(mixture.tissues, mixture.weights, mixture.means, mixture.sds, strict=True):
        rows.append(f"| {tissue.abbreviation} | {weight:.3f} | {number(mean)} | {number(sd)} |")
    if mixture.deep_gray is not None:
        weight, mean, sd = mixture.deep_gray
        rows.append(f"| {texts.DEEP_GRAY} | {weight:.3f} | {number(mean)} | {number(sd)} |")
    rows.append(f"| {texts.MIXED_ROW} | {mixture.mixed_weights.sum():.3f} | | {number(mixture.mixed_sd)} |")
    rows.append(f"| {texts.OUTLIERS} | {mixture.outliers:.3f} | | |")
    return "\n".join(rows)


def fitted_formula(result: Result) -> str:
    """The mixture with its fitted values, in TeX."""
    mixture = result.mixture
    terms = [
        rf"\underbrace{{{weight:.3f}\,\mathcal{{N}}(x\mid{number(mean)},{number(sd)}^2)}}_{{\text{{{tissue.title}}}}}"
        for tissue, weight, mean, sd in zip(mixture.tissues, mixture.weights, mixture.means, mixture.sds, strict=True)
    ]
    if mixture.deep_gray is not None:
        weight, mean, sd = mixture.deep_gray
        terms.append(
            rf"\underbrace{{{weight:.3f}\,\mathcal{{N}}(x\mid{number(mean)},{number(sd)}^2)}}_{{\text{{deep gray}}}}"
        )
    mixed = rf"\underbrace{{{mixture.mixed_weights.sum():.3f}\,m(x)}}_{{\text{{mixed voxels}}}}"
    outliers = rf"\underbrace{{{mixture.outliers:.3f}\,u(x)}}_{{\text{{outliers}}}}"
    terms += [mixed, outliers]
    lines = [r"\;+\;".join(terms[first : first + TERMS_A_LINE]) for first in range(0, len(terms), TERMS_A_LINE)]
    return r"\begin{aligned}p(x)={}&" + r"\\&+\;".join(lines) + r"\end{aligned}"


def number(value: float) -> str:
    """Four significant digits without an exponent where it can be avoided."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
