"""The fitted mixture as tables and as a formula, in Markdown."""

from mriseg.app import texts
from mriseg.mixture.model_selection import criteria
from mriseg.segmentation.result import Result

TERMS_A_LINE = 2  # of the formula, so that it fits a tablet


def selection_table(result: Result) -> str:
    """Differences of both criteria from their best, as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    found = criteria(result.histogram)
    aic, bic = min(c.aic for c in found), min(c.bic for c in found)
    rows = ["| K | AIC | BIC |", "|---|---|---|"]
    rows += [f"| {c.classes} | {c.aic - aic:,.0f} | {c.bic - bic:,.0f} |" for c in found]
    return "\n".join(rows)


def fitted_table(result: Result) -> str:
    """Shares, means and standard deviations as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
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
    """The mixture with its fitted values, in TeX.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
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
    """Four significant digits without an exponent where it can be avoided.

    Parameters
    ----------
    value : float

    Returns
    -------
    str
    """
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
