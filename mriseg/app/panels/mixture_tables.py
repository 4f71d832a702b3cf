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


def naming_table(result: Result) -> str:
    """The fitted values of the mixture that names the voxels, as a Markdown table.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        Its shares sum to 1.
    """
    mixture = result.mixture
    names = [tissue.title.lower() for tissue in mixture.tissues]
    rows = [texts.NAMING_HEAD, "|---|---|---|---|"]

    def add(name: str, share: float, mean: str = "", sd: str = "") -> None:
        rows.append(f"| {name} | {share:.3f} | {mean} | {sd} |")

    for k, name in enumerate(names):
        add(
            texts.PURE.format(name),
            mixture.weights[k],
            f"μ = {number(mixture.means[k])}",
            f"σ = {number(mixture.sds[k])}",
        )
    for (a, b), share in zip(mixture.layout.pairs, mixture.mixed_weights, strict=True):
        add(texts.MIXED_OF.format(names[a], names[b]), share, texts.BETWEEN_MEANS, f"σ = {number(mixture.mixed_sd)}")
    if mixture.deep_gray is not None:
        share, mean, sd = mixture.deep_gray
        add(texts.DEEP_GRAY, share, f"μ = {number(mean)}", f"σ = {number(sd)}")
    low, high = (number(float(end[0])) for end in mixture.outlier_range)
    add(texts.OUTLIERS, mixture.outliers, texts.OUTLIER_RANGE.format(low, high))
    return "\n".join(rows)


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
