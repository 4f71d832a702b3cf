"""The histogram with the fitted mixture over it as a drawing for paper: SVG that pages and PDF show alike."""

from html import escape

import numpy as np

from mriseg.core.decimals import decimal
from mriseg.core.tissue import NO_TISSUE, Tissue
from mriseg.mixture.model import Mixture
from mriseg.segmentation.result import Result

WIDTH, HEIGHT = 500, 335
LEFT, RIGHT, TOP, BOTTOM = 50, 492, 26, 222  # of the frame
LEGEND_TOP, LEGEND_LINE, LEGEND_COLUMNS = 270, 20, (4, 160, 344)
SAMPLE = 30  # length of a line in the legend
FONT_SIZE = 14
BARS, POINTS = 200, 240
TAIL = 0.0005  # share of the voxels beyond either end of the axis
HIGHEST = 1.5  # of the fitted sum: a bar beyond, such as a saturated level, is cut off
TICKS = 5  # about as many on an axis
THOUSANDS = 5000  # voxels of a bar beyond which they are counted in thousands
INK, BAR_GRAY, NO_TISSUE_GRAY, SUM_RED, CASING = "#222222", "#D0D0D0", "#777777", "#C44500", "#444444"
# Line styles, so that nothing is told by color alone.
DASHES = {Tissue.GM: "9 4", Tissue.WM: "", Tissue.CSF: "2 3"}
NO_TISSUE_DASH, THRESHOLD_DASH = "9 3 2 3", "1 3"


def mixture_svg(result: Result) -> str:
    """Draw what was counted, the fitted curve of each tissue, their sum and the thresholds.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
        An SVG element without fonts of its own; curves are scaled to the counts of a bar. The same result gives the
        same text.
    """
    histogram, mixture = result.histogram.rebin(BARS), result.mixture
    scale = histogram.counts.sum() * histogram.width
    low, high = _axis_limits(histogram.levels, histogram.counts, mixture)
    x = np.linspace(low, high, POINTS)
    total = scale * mixture.density(x)
    top = 1.08 * float(min(max(histogram.counts.max(), total.max()), HIGHEST * total.max()))
    frame = _Frame(low, high, top)

    curves = scale * mixture.class_curves(x).T
    parts = [frame.bars(histogram.levels, histogram.counts, histogram.width)]
    entries = [("Counted", "", BAR_GRAY)]
    for tissue, curve in zip(mixture.tissues, curves, strict=True):
        parts.append(frame.filled(x, curve, tissue.color))
    for tissue, curve in zip(mixture.tissues, curves, strict=True):
        # Yellow vanishes on paper without a dark edge.
        parts.append(frame.line(x, curve, color=CASING, width=3.4, dash=DASHES[tissue]))
        parts.append(frame.line(x, curve, color=tissue.color, width=2.0, dash=DASHES[tissue]))
    entries += [(tissue.title, DASHES[tissue], tissue.color) for tissue in Tissue if tissue in mixture.tissues]
    unexplained = scale * mixture.unexplained_curve(x)
    if unexplained.any():
        parts.append(frame.line(x, unexplained, color=NO_TISSUE_GRAY, width=1.5, dash=NO_TISSUE_DASH))
        entries.append((NO_TISSUE, NO_TISSUE_DASH, NO_TISSUE_GRAY))
    parts.append(frame.line(x, total, color=SUM_RED, width=1.5, dash=""))
    entries.append(("Sum", "", SUM_RED))
    thresholds = mixture.thresholds()
    if len(thresholds):
        entries.append(("Threshold", THRESHOLD_DASH, INK))
    parts += [frame.threshold(level) for level in thresholds]
    parts += [
        frame.label(x[curve.argmax()], float(total[curve.argmax()]), tissue.abbreviation)
        for tissue, curve in zip(mixture.tissues, curves, strict=True)
    ]
    unit = "voxels" if result.labels.ndim == 3 else "pixels"
    parts += [*frame.axes(unit), *_legend(entries)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(describe_mixture(mixture))}" font-size="{FONT_SIZE}" fill="{INK}">'
        + "".join(parts)
        + "</svg>"
    )


def describe_mixture(mixture: Mixture) -> str:
    """What the drawing shows, for those who cannot see it.

    Parameters
    ----------
    mixture : Mixture

    Returns
    -------
    str
        One sentence.
    """
    classes = ", ".join(
        f"{tissue.title.lower()} about {decimal(mean, 4)}"
        for tissue, mean in zip(mixture.tissues, mixture.means, strict=True)
    )
    return f"Histogram of the brain's intensities with the fitted Gaussians over it: {classes}."


class _Frame:
    """The plot's coordinates: intensities across, voxels of a bar upwards."""

    def __init__(self, low: float, high: float, top: float) -> None:
        self._low, self._high, self._top = low, high, top

    def _x(self, level: np.ndarray | float) -> np.ndarray:
        return np.clip(LEFT + (RIGHT - LEFT) * (np.asarray(level) - self._low) / (self._high - self._low), LEFT, RIGHT)

    def _y(self, count: np.ndarray | float) -> np.ndarray:
        return np.clip(BOTTOM - (BOTTOM - TOP) * np.asarray(count) / self._top, TOP, BOTTOM)

    def bars(self, levels: np.ndarray, counts: np.ndarray, width: float) -> str:
        """Counts as one filled staircase, the shape that adjoining bars have."""
        shown = (levels + width / 2 > self._low) & (levels - width / 2 < self._high)
        edges = np.stack([levels[shown] - width / 2, levels[shown] + width / 2], 1).ravel()
        return _area(self._x(edges), self._y(np.repeat(counts[shown], 2)), BAR_GRAY, 1)

    def filled(self, x: np.ndarray, curve: np.ndarray, color: str) -> str:
        return _area(self._x(x), self._y(curve), color, 0.3)

    def line(self, x: np.ndarray, curve: np.ndarray, *, color: str, width: float, dash: str) -> str:
        return f'<path d="M{_points(self._x(x), self._y(curve))}" {_stroke(color, width, dash)}/>'

    def threshold(self, level: float) -> str:
        return f'<path d="M{float(self._x(level)):.1f} {TOP}V{BOTTOM}" {_stroke(INK, 1, THRESHOLD_DASH)}/>'

    def label(self, level: float, height: float, letters: str) -> str:
        """A tissue's short name where its curve is highest, above all curves."""
        y = max(float(self._y(height)) - 5, TOP + FONT_SIZE)
        return _text(float(self._x(level)), y, letters, "middle", bold=True)

    def axes(self, unit: str) -> list[str]:
        parts = [f'<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" {_stroke(INK, 1, "")}/>']
        for level in _ticks(self._low, self._high):
            x = float(self._x(level))
            parts.append(f'<path d="M{x:.1f} {BOTTOM}v4" {_stroke(INK, 1, "")}/>')
            parts.append(_text(x, BOTTOM + 17, decimal(level, 6), "middle"))
        thousands = self._top >= THOUSANDS
        for count in _ticks(0, self._top):
            y = float(self._y(count))
            parts.append(f'<path d="M{LEFT} {y:.1f}h-4" {_stroke(INK, 1, "")}/>')
            parts.append(_text(LEFT - 7, y + 4, f"{count / 1000 if thousands else count:g}", "end"))
        title = f"Thousand {unit} of each bar" if thousands else f"{unit.capitalize()} of each bar"
        parts.append(_text(LEFT, TOP - 10, title, "start"))
        parts.append(
            _text((LEFT + RIGHT) / 2, BOTTOM + 35, "Intensity after bias correction, arbitrary units", "middle")
        )
        return parts


def _axis_limits(levels: np.ndarray, counts: np.ndarray, mixture: Mixture) -> tuple[float, float]:
    """The ends of the axis: nearly all voxels and the classes as wide as they are seen, within what was counted."""
    passed = np.cumsum(counts) / counts.sum()
    first, last = levels[np.searchsorted(passed, [TAIL, 1 - TAIL]).clip(0, len(levels) - 1)]
    low = max(levels[0], min(first, (mixture.means - 3 * mixture.sds).min()))
    high = min(levels[-1], max(last, (mixture.means + 3 * mixture.sds).max()))
    return float(low), float(high)


def _ticks(low: float, high: float) -> np.ndarray:
    """Round numbers between two others."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda digit: abs(digit * power - rough))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return step * np.arange(first, last + 1) + 0.0  # not -0


def _legend(entries: list[tuple[str, str, str]]) -> list[str]:
    """Names with the line or area that stands for them, in columns."""
    rows = -(-len(entries) // len(LEGEND_COLUMNS))
    parts = []
    for index, (name, dash, color) in enumerate(entries):
        x, y = LEGEND_COLUMNS[index // rows], LEGEND_TOP + LEGEND_LINE * (index % rows + 1) - 5
        if color == BAR_GRAY:
            parts.append(f'<rect x="{x}" y="{y - 9}" width="{SAMPLE}" height="10" fill="{color}"/>')
        else:
            path = f'<path d="M{x} {y - 4}h{SAMPLE}" '
            if color in {tissue.color for tissue in Tissue}:
                parts.append(f"{path}{_stroke(CASING, 3.4, dash)}/>")
            parts.append(f"{path}{_stroke(color, 2, dash)}/>")
        parts.append(_text(x + SAMPLE + 6, y, name, "start"))
    return parts


def _area(x: np.ndarray, y: np.ndarray, color: str, opacity: float) -> str:
    path = f"M{x[0]:.1f} {BOTTOM}L{_points(x, y)}L{x[-1]:.1f} {BOTTOM}Z"
    return f'<path d="{path}" fill="{color}" fill-opacity="{opacity:g}" stroke="none"/>'


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))


def _stroke(color: str, width: float, dash: str) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{color}" stroke-width="{width:g}"{dashes}'


def _text(x: float, y: float, text: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif"{weight}>{escape(text)}</text>'
    )
