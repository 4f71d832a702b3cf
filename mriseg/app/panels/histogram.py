"""Row two: the histogram with the fitted mixture over it, and the arithmetic in figures."""

import streamlit as st

from mriseg.app import texts
from mriseg.app.panels.metrics import is_joined
from mriseg.app.panels.mixture_figures import for_the_viewer, histogram_figure, joint_figure
from mriseg.app.panels.mixture_tables import fitted_table
from mriseg.app.session import Analysis, current
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
        joined=is_joined(result),
        unit=unit_of(analysis),
    )
    figure.update_layout(meta=analysis.key)  # by which the browser knows that it is drawn
    chart.plotly_chart(
        for_the_viewer(figure), key="histogram", alt=texts.HISTOGRAM_ALT, config=CONFIG, height="stretch"
    )


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


def show_fitted(result: Result) -> None:
    """Shares, means and standard deviations as a table.

    Parameters
    ----------
    result : Result
    """
    st.markdown(fitted_table(result), help=texts.FITTED_HELP)
