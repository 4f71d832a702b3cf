"""Row two: the histogram with the fitted mixture over it, and the arithmetic in figures."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.mixture_figures import HEIGHT, climb_figure, histogram_figure, joint_figure
from mriseg.app.panels.mixture_tables import fitted_formula, fitted_table, selection_table
from mriseg.app.session import Analysis, current
from mriseg.mixture.em_trace import em_steps
from mriseg.segmentation.result import Result, before_correction

CONFIG = {"displayModeBar": False}  # its buttons would cover the legend


@st.fragment
def show_histogram() -> None:
    """Draw the histogram with the mixture over it; only this part runs again when its own controls move."""
    analysis = current()
    result = analysis.result
    chart = st.container(key="chart")  # as high as the style gives it
    with st.container(horizontal=True):
        logarithmic = st.toggle(texts.LOGARITHMIC, key="logarithmic", help=texts.LOGARITHMIC_HELP)
        uncorrected = result.settings.correct_bias and st.toggle(
            texts.BEFORE_CORRECTION, key="before correction", help=texts.BEFORE_CORRECTION_HELP
        )
    figure = histogram_figure(
        result.mixture,
        result.histogram,
        before=before_correction(analysis.scan, result) if uncorrected else None,
        logarithmic=logarithmic,
        dark=is_dark(),
        unit=unit_of(analysis),
    )
    chart.plotly_chart(figure, key="histogram", alt=texts.HISTOGRAM_ALT, config=CONFIG, height="stretch")


def show_steps(analysis: Analysis) -> None:
    """Expectation-maximization step by step: a slider over its iterations and the likelihood that they climb.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    st.markdown(texts.STEPS_WORDS)
    steps = em_steps(analysis.result.histogram, analysis.result.mixture)
    at = st.select_slider(
        texts.STEP,
        range(len(steps)),
        format_func=lambda n: texts.ITERATION.format(steps[n].iteration),
        key=f"step {analysis.key}",
    )
    curves, climb = st.columns([3, 1])
    with curves:
        figure = histogram_figure(
            steps[at].mixture, analysis.result.histogram, dark=is_dark(), unit=unit_of(analysis), height=HEIGHT
        )
        st.plotly_chart(figure, key="steps", alt=texts.HISTOGRAM_ALT, config=CONFIG)
    with climb:
        st.plotly_chart(climb_figure(steps, at), key="climb", alt=texts.CLIMB_ALT, config=CONFIG)


def is_dark() -> bool:
    """Whether the visitor sees the page on a dark ground."""
    return st.context.theme.type == "dark"


def unit_of(analysis: Analysis) -> str:
    """What the histogram counts.

    Parameters
    ----------
    analysis : Analysis
        What is shown.

    Returns
    -------
    str
    """
    return texts.VOXELS if analysis.scan.kind == "volume" else texts.PIXELS


def show_joint(result: Result) -> None:
    """Draw the joint histogram where several contrasts were fitted together.

    Parameters
    ----------
    result : Result
    """
    if result.joint is not None:
        st.plotly_chart(joint_figure(result), key="joint", alt=texts.JOINT_ALT, config=CONFIG)


def show_selection(result: Result) -> None:
    """What the criteria say of two to six classes, worked out when asked for.

    Parameters
    ----------
    result : Result
    """
    with st.expander(texts.SELECTION, on_change="rerun") as expander:
        if expander.open:
            st.caption(texts.SELECTION_HELP)
            st.markdown(selection_table(result))


def show_fitted(result: Result) -> None:
    """Shares, means and standard deviations as a table.

    Parameters
    ----------
    result : Result
    """
    st.markdown(fitted_table(result), help=texts.FITTED_HELP)


def show_method(result: Result) -> None:
    """The formula in general and with the fitted values filled in, and what was done in words.

    Parameters
    ----------
    result : Result
    """
    with st.container(border=True):
        st.latex(r"p(x\mid\theta)=\sum_{k=1}^{K}\pi_k\,\mathcal{N}(x\mid\mu_k,\Sigma_k)")
        st.markdown(texts.METHOD_WORDS)
        st.markdown(texts.FITTED)
        st.latex(fitted_formula(result))
