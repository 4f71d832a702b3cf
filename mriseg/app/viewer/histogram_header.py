"""What the viewer must know of the histogram and the curves over it to let the visitor drag them."""

import numpy as np

from mriseg.app.panels.drawn_curves import drawn_curves
from mriseg.app.panels.mixture_figures import BARS
from mriseg.core.tissue import Tissue
from mriseg.segmentation.result import Result


def describe_histogram(result: Result, *, joined: bool) -> dict[str, object]:
    """The bars as drawn, the Gaussians of each curve, and the fit's shares, as JSON takes them.

    Parameters
    ----------
    result : Result
    joined : bool
        Whether gray and white matter are shown as one.

    Returns
    -------
    dict
        `first`, `width` (of a bar, units of the corrected intensities) and `counts` of the bars; `curves` from dark to
        bright, each with its names, tissue, dash, `gaussians` (weight, mean, standard deviation; all weights with those
        of `none` sum to 1) and `centers` (means of its classes, between the outermost of which thresholds lie); `none`,
        the Gaussians of what no tissue explains; `shares` of the tissues by number; `joined`.
    """
    bars, curves, mixture = result.histogram.rebin(BARS), result.curves, result.mixture
    drawn = drawn_curves(mixture, joined=joined)
    shares = {tissue.number: result.fractions[tissue] for tissue in Tissue}
    if joined:
        shares[Tissue.GM.number] += shares.pop(Tissue.WM.number)
    return {
        "first": float(bars.levels[0]),
        "width": bars.width,
        "counts": [_short(count) for count in bars.counts],
        "curves": [
            {
                "title": curve.title,
                "short": curve.short,
                "tissue": curve.tissue.number,
                "rgb": curve.tissue.rgb,
                "dash": curve.dash,
                "gaussians": [gaussian for k in curve.classes for gaussian in curves.gaussians_of(k)],
                "centers": [float(mixture.means[k]) for k in curve.classes],
            }
            for curve in drawn
        ],
        "none": curves.gaussians_of(mixture.classes),
        "shares": shares,
        "joined": joined,
    }


def _short(count: np.floating) -> float:
    """A count with no more digits than a float32 has: those of a histogram with weights are no whole numbers."""
    return float(f"{count:.7g}")
