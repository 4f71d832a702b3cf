"""The fitted mixture as tables and as a formula, in Markdown."""

from mriseg.app import texts
from mriseg.core.tissue import NO_TISSUE
from mriseg.mixture.model_selection import criteria
from mriseg.report.content import curve_rows
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
    """Shares, means and standard deviations of the tissues' curves, as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    rows = [texts.FITTED_HEAD, "|---|---|---|---|"]
    rows += [
        f"| {title} | {weight:.3f} | {number(mean)} | {number(sd)} |" for title, weight, mean, sd in curve_rows(result)
    ]
    return "\n".join(rows)


def fitted_formula(result: Result) -> str:
    """The curves with their fitted values, in TeX.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    curves = result.curves
    names = [*(tissue.title for tissue in result.mixture.tissues), NO_TISSUE]
    lines = []
    for k, name in enumerate(names):
        gaussians = [
            rf"{weight:.3f}\,\mathcal{{N}}(x\mid{number(mean)},{number(sd)}^2)"
            for weight, mean, sd in curves.gaussians_of(k)
        ]
        if gaussians:
            several = [
                "+".join(gaussians[first : first + TERMS_A_LINE]) for first in range(0, len(gaussians), TERMS_A_LINE)
            ]
            lines.append(rf"&\textstyle\text{{{name}: }}" + r"\\&\quad+".join(several))
    return r"\begin{aligned}p(x)={}" + r"\\{}+{}".join(lines) + r"\end{aligned}"


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
