"""Which curves stand over the histogram, what they are called, and where the likeliest tissue changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mriseg.app import texts
from mriseg.core.tissue import BRAIN_TISSUE, BRAIN_TISSUE_SHORT, Tissue
from mriseg.mixture.model import Mixture

DASHES = {Tissue.GM: "dash", Tissue.WM: "solid", Tissue.CSF: "dot"}  # never told apart by color alone
FURTHER_DASHES = ("longdash", "dashdot", "longdashdot")  # of a tissue's second class and those after it
SPREADS, STEPS = 4, 4096  # standard deviations beyond the outer means, and points, among which thresholds are sought


@dataclass(frozen=True)
class DrawnCurve:
    """A curve over the histogram: that of one class, or of gray and white matter together.

    Attributes
    ----------
    title, short : str
        Its names in the legend and at a threshold.
    tissue : Tissue
        Whose color it has; of gray and white matter together the first.
    dash : str
        As plotly calls it.
    classes : tuple of int
        The mixture's classes whose sum it is.
    """

    title: str
    short: str
    tissue: Tissue
    dash: str
    classes: tuple[int, ...]


def drawn_curves(mixture: Mixture, *, joined: bool = False) -> tuple[DrawnCurve, ...]:
    """The curves of a mixture from dark to bright, no two with the same name, color and dash.

    Parameters
    ----------
    mixture : Mixture
        Named.
    joined : bool
        Whether gray and white matter are shown as one.

    Returns
    -------
    tuple of DrawnCurve
    """
    if joined:
        one = DrawnCurve(BRAIN_TISSUE, BRAIN_TISSUE_SHORT, Tissue.GM, DASHES[Tissue.GM], _brain_classes(mixture))
        fluid = [curve for curve in drawn_curves(mixture) if curve.tissue is Tissue.CSF]
        return tuple(sorted([one, *fluid], key=lambda curve: mixture.means[list(curve.classes)].mean()))
    count, seen = Counter(mixture.tissues), Counter[Tissue]()
    curves = []
    for k, tissue in enumerate(mixture.tissues):
        dash = DASHES[tissue] if not seen[tissue] else FURTHER_DASHES[(seen[tissue] - 1) % len(FURTHER_DASHES)]
        seen[tissue] += 1
        title = tissue.title if count[tissue] == 1 else texts.ONE_OF_SEVERAL.format(tissue.title, seen[tissue])
        curves.append(DrawnCurve(title, tissue.abbreviation, tissue, dash, (k,)))
    return tuple(curves)


def curve_heights(mixture: Mixture, curves: tuple[DrawnCurve, ...], x: np.ndarray) -> np.ndarray:
    """Weighted density of each curve.

    Parameters
    ----------
    mixture : Mixture
    curves : tuple of DrawnCurve
    x : ndarray of shape (n,)
        Intensities.

    Returns
    -------
    ndarray of shape (curves, n)
    """
    heights = mixture.class_curves(x).T
    return np.stack([heights[list(curve.classes)].sum(0) for curve in curves])


def tissue_thresholds(mixture: Mixture, curves: tuple[DrawnCurve, ...]) -> Iterator[tuple[float, str, str]]:
    """Intensities at which the likeliest tissue changes, of the first channel.

    Parameters
    ----------
    mixture : Mixture
    curves : tuple of DrawnCurve
        Those of one tissue count together.

    Yields
    ------
    tuple of (float, str, str)
        From dark to bright, between the outer means, with the short names of the tissues below and above.
    """
    tissues = list(dict.fromkeys(curve.tissue for curve in curves))
    names = {curve.tissue: curve.short for curve in curves}
    spread = SPREADS * mixture.sds.max()
    x = np.linspace(mixture.means[0] - spread, mixture.means[-1] + spread, STEPS)
    heights = curve_heights(mixture, curves, x)
    by_tissue = [
        sum(one for one, curve in zip(heights, curves, strict=True) if curve.tissue is tissue) for tissue in tissues
    ]
    winner = np.argmax(by_tissue, 0)
    inside = (x > mixture.means[0]) & (x < mixture.means[-1])  # beyond them a wide class can win again
    for at in np.flatnonzero((np.diff(winner) != 0) & inside[1:]):
        yield float(x[at] + x[at + 1]) / 2, names[tissues[winner[at]]], names[tissues[winner[at + 1]]]


def _brain_classes(mixture: Mixture) -> tuple[int, ...]:
    return tuple(k for k, tissue in enumerate(mixture.tissues) if tissue is not Tissue.CSF)
