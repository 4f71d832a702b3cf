"""The tab "How this was computed": formulas with symbols and fitted values, the fit step by step, classes."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.histogram import CONFIG, is_dark, unit_of
from mriseg.app.panels.mixture_figures import HEIGHT, climb_figure, histogram_figure
from mriseg.app.panels.mixture_tables import fitted_formula, naming_table, selection_table
from mriseg.app.session import Analysis
from mriseg.mixture.em_trace import em_steps
from mriseg.segmentation.result import Result


def show_method(analysis: Analysis) -> None:
    """Draw the tab; what takes a while is worked out when it is opened.

    Parameters
    ----------
    analysis : Analysis
        What is shown.
    """
    result = analysis.result
    with st.container(border=True):
        st.markdown(texts.CURVES_HEADING)
        st.latex(r"p(x)=\sum_{k}\sum_{j}w_{kj}\,\mathcal{N}(x\mid m_{kj},s_{kj}^2)")
        st.markdown(texts.CURVES_WORDS)
        st.markdown(texts.FITTED)
        st.latex(fitted_formula(result))
    with st.container(border=True):
        st.markdown(texts.NAMING_HEADING)
        st.latex(r"q(x)=\sum_{k}\pi_k\,\mathcal{N}(x\mid\mu_k,\sigma_k^2)+\sum_{a<b}\pi_{ab}\,m_{ab}(x)+\omega\,u(x)")
        st.latex(
            r"m_{ab}(x)=\int_0^1 h_{ab}(f)\,\mathcal{N}\bigl(x\mid(1-f)\mu_a+f\mu_b,\,\sigma^2\bigr)\,df,"
            r"\qquad u(x)=\frac{1}{x_1-x_0}\;\;(x_0\le x\le x_1)"
        )
        st.markdown(texts.NAMING_WORDS)
        st.markdown(texts.FITTED)
        st.markdown(naming_table(result))
    with st.expander(texts.STEPS, on_change="rerun", key="steps open") as expander:
        if expander.open:
            _show_steps(analysis)
    with st.expander(texts.SELECTION, on_change="rerun") as expander:
        if expander.open:
            _show_selection(result)


def _show_steps(analysis: Analysis) -> None:
    """Expectation-maximization step by step: a slider over its iterations and the likelihood that they climb."""
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


def _show_selection(result: Result) -> None:
    """What the criteria say of two to six classes."""
    st.caption(texts.SELECTION_HELP)
    st.markdown(selection_table(result))
