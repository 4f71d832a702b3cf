"""How a figure is distributed over the scans of a study: SVG with every scan as a dot, or bars where they are too many.

Scans that lie apart are diamonds, and links; values far out are triangles at the edge that point to where they lie, so
that one of them does not press all others into one place. Colors are CSS variables of the page.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH, HEIGHT = 440, 104
LEFT, RIGHT, TOP, BOTTOM = 14, 426, 12, 72  # of the dots; the axis lies below
LABELS_AT = 92
DOT, LARGE_DOT, FEW = 4.4, 7.0, 60  # diameters of a dot, the larger for so few values
DIAMOND = 5.5  # half its height
MOST_DOTS = 500  # more become bars
BARS = 64
MOST_APART = 100  # marks on one plot, those of the farthest; the others count as dots or in bars
FAR = 5.0  # interquartile ranges from the quartiles: beyond is off the axis
TICKS = 4  # about as many
LEAST_QUARTILES = 4  # values
ALIKE = 0.05  # where all values are one the axis reaches so far around it


@dataclass(frozen=True)
class Outlier:
    """A scan that lies apart from the others.

    Attributes
    ----------
    value : float
        In the unit of the axis.
    label : str
        Its name and value, shown where it is pointed at.
    link : str or None
        Where it leads to, percent-encoded.
    scan : int
        Its number in the study.
    """

    value: float
    label: str
    link: str | None
    scan: int


def quartiles(values: np.ndarray) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile.

    Parameters
    ----------
    values : ndarray of shape (n,)
        At least one.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> quartiles(np.array([1.0, 2.0, 3.0, 4.0, 100.0]))
    (2.0, 3.0, 4.0)
    """
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)


def svg(values: np.ndarray, outliers: Sequence[Outlier], description: str) -> str:
    """Draw a distribution.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Of the scans that do not lie apart, finite, in the unit of the axis.
    outliers : sequence of Outlier
        Those that do; there is at least one scan.
    description : str
        What is drawn, for those who cannot see it.

    Returns
    -------
    str
        An SVG element; equal values give equal text.
    """
    every = np.append(values, [outlier.value for outlier in outliers])
    low, middle, high = quartiles(every)
    axis = _Axis(every)
    parts = []
    if len(every) >= LEAST_QUARTILES:
        left, right = axis.at(low), axis.at(high)
        parts.append(
            f'<rect class="quartiles" x="{left:.1f}" y="{TOP - 6}" width="{max(right - left, 1):.1f}" '
            f'height="{BOTTOM - TOP + 12}"/>'
        )
    by_distance = sorted(outliers, key=lambda outlier: -abs(outlier.value - middle))
    marked = by_distance[:MOST_APART]
    values = np.append(values, [outlier.value for outlier in by_distance[MOST_APART:]])
    within = (values >= axis.low) & (values <= axis.high)
    parts.append((_dots if len(every) <= MOST_DOTS else _bars)(axis, np.sort(values[within])))
    middle_line = (TOP + BOTTOM) / 2
    parts += [
        f'<path class="beyond" d="{_shape(axis, value, axis.at(value), middle_line)}"/>'
        for value in (values.min(initial=axis.low), values.max(initial=axis.high))
        if not axis.low <= value <= axis.high
    ]
    if len(every) >= LEAST_QUARTILES:
        parts.append(f'<path class="median" d="M{axis.at(middle):.1f} {TOP - 6}V{BOTTOM + 6}"/>')
    across = [axis.at(outlier.value) for outlier in marked]
    heights = _heights(across, 2 * DIAMOND)
    parts += [_mark(axis, outlier, x, y) for outlier, x, y in zip(marked, across, heights, strict=True)]
    parts.append(f'<path class="axis" d="M{LEFT} {BOTTOM + 6}H{RIGHT}"/>')
    for tick in axis.ticks():
        x = f"{axis.at(tick):.1f}"
        parts.append(f'<path class="axis" d="M{x} {BOTTOM + 6}v4"/><text x="{x}" y="{LABELS_AT}">{tick:g}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{escape(description)}">{"".join(parts)}</svg>'


class _Axis:
    """Values across, from the least to the largest that is not far from the quartiles."""

    def __init__(self, values: np.ndarray) -> None:
        low, _, high = quartiles(values)
        self.low, self.high = float(values.min()), float(values.max())
        if high > low:
            most = FAR * (high - low)
            self.low, self.high = max(self.low, low - most), min(self.high, high + most)
        if self.high <= self.low:
            margin = abs(self.low) * ALIKE or 1.0
            self.low, self.high = self.low - margin, self.high + margin

    def at(self, value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** np.floor(np.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
        counts = range(int(np.ceil(self.low / step - 1e-9)), int(np.floor(self.high / step + 1e-9)) + 1)
        return [float(f"{count * step:.12g}") for count in counts]


def _heights(across: Sequence[float], size: float) -> list[float]:
    """Where marks of a size lie so that those of one place are side by side about the middle line."""
    columns = [round(x / size) for x in across]
    most = max(Counter(columns).values(), default=1)
    step = min(size, (BOTTOM - TOP) / most)
    seen: Counter[int] = Counter()
    heights = []
    for column in columns:
        before = seen[column]
        seen[column] += 1
        heights.append((TOP + BOTTOM) / 2 + step * ((before + 1) // 2) * (1 if before % 2 else -1))
    return heights


def _dots(axis: _Axis, values: np.ndarray) -> str:
    across = [axis.at(value) for value in values]
    size = LARGE_DOT if len(values) <= FEW else DOT
    # A line of no length with round ends is a dot.
    path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in zip(across, _heights(across, size), strict=True))
    return f'<path class="dots" d="{path}" stroke-width="{size}"/>'


def _bars(axis: _Axis, values: np.ndarray) -> str:
    counts, edges = np.histogram(values, BARS, (axis.low, axis.high))
    height = (BOTTOM - TOP) / max(int(counts.max()), 1)
    path = [f"M{axis.at(edges[0]):.1f} {BOTTOM}"]
    for count, edge in zip(counts, edges[1:], strict=True):
        path.append(f"V{BOTTOM - height * count:.1f}H{axis.at(edge):.1f}")
    return f'<path class="bars" d="{"".join(path)}V{BOTTOM}Z"/>'


def _mark(axis: _Axis, outlier: Outlier, x: float, y: float) -> str:
    shape = _shape(axis, outlier.value, x, y)
    mark = f'<path class="apart" d="{shape}"><title>{escape(outlier.label)}</title></path>'
    if outlier.link is None:
        return mark
    return (
        f'<a href="{escape(outlier.link)}" data-scan="{outlier.scan}" aria-label="{escape(outlier.label)}">{mark}</a>'
    )


def _shape(axis: _Axis, value: float, x: float, y: float) -> str:
    """A diamond, or beyond the axis a triangle that points there."""
    r = DIAMOND
    if axis.low <= value <= axis.high:
        return f"M{x:.1f} {y - r:.1f}l{r} {r}l{-r} {r}l{-r} {-r}z"
    out = r + 3 if value > axis.high else -r - 3
    return f"M{x:.1f} {y - r:.1f}l{out} {r}l{-out} {r}z"
