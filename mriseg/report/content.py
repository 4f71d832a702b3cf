"""What a report says and shows, before it is laid out as a page or on paper.

Words come from the result and from here, never from a file's name or the text fields of a header.
"""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from mriseg.core.decimals import decimal, percent
from mriseg.core.findings import Level
from mriseg.core.scan import Scan
from mriseg.core.scan_id import clean_scan_id
from mriseg.core.tissue import ABNORMAL, LABELS, NO_TISSUE, Label, Tissue
from mriseg.core.version import __version__
from mriseg.plotting.mixture_svg import describe_mixture, mixture_svg
from mriseg.quality.definitions import FIGURES, Figure, Group, Mark, mark, usual_text
from mriseg.report.pictures import Picture, pictures
from mriseg.segmentation.names import certainty
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict

TITLE = "Brain tissue report"
UNIDENTIFIED = "Anonymous report. Scan ID: ____________"
IDENTIFIED = "Anonymous report. Scan ID: {}"
SIDES_UNKNOWN = "Left and right are unknown, so no letters are drawn."
CURVES = "The curves over the histogram are sums of Gaussians, share N(mean, SD²):"
RADIOLOGICAL = "The patient's right is at the left of the picture (radiological convention)."
ICV = "Intracranial volume (ICV)"
PER_MM = "Volumes of a picture are per mm of slice thickness."
NO_VOLUMES = "The pixel size is unknown, so there are shares but no volumes."
INTERVALS = (
    "The volume of a tissue is the sum of the partial volumes of all voxels. The 95 % range holds if the brain outline "
    "is right. Intracranial volume (ICV) is brain and cerebrospinal fluid."
)
FILLED = "If abnormal tissue is replaced by what a standard brain (MNI152) has there, the tissues are"
SPACINGS = ("spacing_x", "spacing_y", "spacing_z")  # the size of a voxel stands among the facts
LEVELS = {Level.GOOD: "", Level.CARE: " (with care)", Level.NOT: " (do not use)"}
OUTSIDE = {Mark.NONE: "", Mark.BELOW: "below ", Mark.ABOVE: "above "}
BETTER = {"high": "higher", "low": "lower", "one": "near\u00a01", "none": ""}


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading for each column; the first column names the row.

    Attributes
    ----------
    head : tuple of str
    rows : tuple of tuple of str
    text_columns : tuple of int
        Columns that hold words rather than numbers.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class ReportContent:
    """A report's content, each part as text or as a picture.

    Attributes
    ----------
    facts : tuple of (str, str)
        What was segmented and when the report was made.
    headline : str
        How far the segmentation can be used, in one sentence.
    findings : tuple of (str, str)
        What can be trusted and what not: what it is about, and whole sentences.
    pictures : tuple of Picture
        The planes, or the one of a picture.
    sides : str
        What the letters on the pictures say; empty for a picture, which has none.
    key : tuple of Tissue and Label
        What the colors of the pictures say.
    volumes : Table
        A row for each of the key, in their order, and one for the whole.
    volumes_note : str
    ratios : tuple of (str, str)
    figure, figure_text : str
        The mixture as SVG, and what it shows.
    mixture : Table
    mixture_note : str
        The Gaussians that its curves are the sums of.
    quality : Table
    settings : tuple of (str, str)
    notes : tuple of str
        What was done that the user should know.
    identity : str
        That it names nobody, with the ID of the scan or a line to write it on.
    """

    facts: tuple[tuple[str, str], ...]
    headline: str
    findings: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    sides: str
    key: tuple[Tissue | Label, ...]
    volumes: Table
    volumes_note: str
    ratios: tuple[tuple[str, str], ...]
    figure: str
    figure_text: str
    mixture: Table
    mixture_note: str
    quality: Table
    settings: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    identity: str


def report_content(scan: Scan, result: Result, date: datetime.date | None, scan_id: str = "") -> ReportContent:
    """Gather what a report holds.

    Parameters
    ----------
    scan : Scan
        That was segmented.
    result : Result
    date : date or None
        On which the report is made, if it is to say so.
    scan_id : str, optional
        What the scan is called; what cannot stand in a name is left out.

    Returns
    -------
    ReportContent
    """
    judged, name = verdict(result), clean_scan_id(scan_id)
    return ReportContent(
        facts=_facts(scan, result, date),
        headline=judged.headline,
        findings=tuple((f"{each.code.topic}{LEVELS[each.level]}", each.text) for each in judged.findings),
        pictures=pictures(scan, result),
        sides="" if scan.kind == "picture" else (RADIOLOGICAL if result.sides_known else SIDES_UNKNOWN),
        key=LABELS if result.abnormal else tuple(Tissue),
        volumes=volumes_table(result),
        volumes_note=_volumes_note(scan, result),
        ratios=_ratios(result),
        figure=mixture_svg(result),
        figure_text=describe_mixture(result.mixture),
        mixture=_mixture(result),
        mixture_note=_sums(result),
        quality=_quality(result),
        settings=setting_texts(asdict(result.settings)),
        notes=result.notes,
        identity=IDENTIFIED.format(name) if name else UNIDENTIFIED,
    )


def _facts(scan: Scan, result: Result, date: datetime.date | None) -> tuple[tuple[str, str], ...]:
    origin = "found" if result.settings.contrast == "auto" else "as chosen"
    sure = f"{certainty(result.contrast_confidence)} confidence"
    facts = [("Contrast", f"{result.contrast.title} ({origin}, {sure})")]
    size = " × ".join(str(n) for n in scan.data.shape)
    if scan.spacing is None:
        facts.append(("Image", f"picture of {size} pixels"))
    else:
        spacing = " × ".join(f"{side:.3g}" for side in scan.spacing)
        facts.append(("Image", f"volume of {size} voxels, voxel size {spacing} mm"))
    if result.mixture.channels > 1:
        facts.append(("Contrasts fitted together", str(result.mixture.channels)))
    sure = f"{certainty(result.brain.confidence)} confidence" + (", DOUBTFUL" if result.brain.doubtful else "")
    facts.append(("Brain outline", f"as given, {sure}" if result.brain.given else sure))
    if date is not None:
        facts.append(("Date of this report", date.isoformat()))
    facts.append(("Software", f"mriseg {__version__}"))
    return tuple(facts)


def volumes_table(result: Result) -> Table:
    """How much there is of each tissue.

    Parameters
    ----------
    result : Result

    Returns
    -------
    Table
        A row for each, then one for the whole; in mL, with a range and the share, or where no size is known the share.
    """
    abnormal = result.abnormal
    share: dict[Tissue | Label, str] = {tissue: percent(part, 1) for tissue, part in result.fractions.items()}
    if abnormal is not None:
        share[ABNORMAL] = percent(abnormal.share, 1)
    if result.volumes_ml is None or result.volume_intervals_ml is None or result.brain_ml is None:
        rows = [(_named(label), part) for label, part in share.items()]
        return Table(("Tissue", "Share of ICV"), (*rows, (ICV, "100.0 %")))
    decimals = 0 if result.brain_ml >= 100 else 1
    sizes: dict[Tissue | Label, tuple[float, tuple[float, float]]] = {
        tissue: (ml, result.volume_intervals_ml[tissue]) for tissue, ml in result.volumes_ml.items()
    }
    if abnormal and abnormal.volume_ml is not None and abnormal.interval_ml is not None:
        sizes[ABNORMAL] = abnormal.volume_ml, abnormal.interval_ml
    rows_ml = [
        (_named(label), f"{ml:.{decimals}f}", f"{low:.{decimals}f} to {high:.{decimals}f}", share[label])
        for label, (ml, (low, high)) in sizes.items()
    ]
    head = ("Tissue", "Volume, mL", "95 % range, mL", "Share of ICV")
    return Table(head, (*rows_ml, (ICV, f"{result.brain_ml:.{decimals}f}", "", "100.0 %")))


def _named(label: Tissue | Label) -> str:
    return f"{label.title} ({label.abbreviation})"


def _volumes_note(scan: Scan, result: Result) -> str:
    if result.volumes_ml is None:
        return NO_VOLUMES
    parts = [INTERVALS]
    if result.abnormal is not None and result.filled_volumes_ml is not None:
        filled = ", ".join(f"{tissue.abbreviation} {ml:.0f}" for tissue, ml in result.filled_volumes_ml.items())
        parts.append(f"{FILLED} {filled} mL.")
    return " ".join([*parts, PER_MM] if scan.kind == "picture" else parts)


def _ratios(result: Result) -> tuple[tuple[str, str], ...]:
    gray, white = (result.fractions[tissue] for tissue in (Tissue.GM, Tissue.WM))
    parenchyma = result.quality["brain_parenchymal_fraction"]
    ratios = [("Brain parenchymal fraction (BPF), (GM + WM) / (GM + WM + CSF)", f"{parenchyma:.3f}")]
    if white > 0:
        ratios.append(("Gray/white ratio, GM / WM", f"{gray / white:.2f}"))
    return tuple(ratios)


def _mixture(result: Result) -> Table:
    rows = [(title, f"{weight:.3f}", decimal(mean, 4), decimal(sd)) for title, weight, mean, sd in curve_rows(result)]
    return Table(("Class", "Share π", "Mean μ", "SD σ"), tuple(rows))


def curve_rows(result: Result) -> list[tuple[str, float, float, float]]:
    """What the table of the curves says.

    Parameters
    ----------
    result : Result

    Returns
    -------
    list of (str, float, float, float)
        Title, share, mean and standard deviation (arbitrary units) of each tissue's curve; last of what no tissue
        explains, if there is any.
    """
    curves = result.curves
    rows = [(tissue.title, *curves.moments_of(k)) for k, tissue in enumerate(result.mixture.tissues)]
    return [*rows, (NO_TISSUE, *curves.moments_of(curves.classes))] if curves.unexplained else rows


def _sums(result: Result) -> str:
    """The Gaussians that each curve is the sum of, in a sentence."""
    curves, sums = result.curves, []
    for k, title in enumerate([*(tissue.title for tissue in result.mixture.tissues), NO_TISSUE]):
        parts = [f"{weight:.3f} N({decimal(mean, 4)}, {decimal(sd)}²)" for weight, mean, sd in curves.gaussians_of(k)]
        if parts:
            sums.append(f"{title} {' + '.join(parts)}")
    return f"{CURVES} {'; '.join(sums)}."


def _quality(result: Result) -> Table:
    """The figures of the whole scan that stand nowhere else in the report, with what is usual where that is known."""
    shown = [
        (figure, figure.usual_of(result.contrast, result.labels.ndim))
        for group in (Group.IMAGE, Group.MODEL)
        for figure in FIGURES
        if figure.group is group and not figure.is_part and figure.key in result.quality and figure.key not in SPACINGS
    ]
    rows = [
        (
            figure.name,
            _value(result.quality[figure.key], figure),
            *((_usual(result.quality[figure.key], figure, usual),) if any(known for _, known in shown) else ()),
            BETTER[figure.good],
            figure.meaning,
        )
        for figure, usual in shown
    ]
    if any(known for _, known in shown):
        head: tuple[str, ...] = ("Figure", "Value", "Usual (T1)", "Better", "What it means")
        return Table(head, tuple(rows), text_columns=(0, 3, 4))
    return Table(("Figure", "Value", "Better", "What it means"), tuple(rows), text_columns=(0, 2, 3))


def _value(value: float, figure: Figure) -> str:
    if figure.is_certainty:
        return certainty(value)
    if figure.unit == "%":
        return percent(value)
    return f"{value:#.3g}".rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def _usual(value: float, figure: Figure, usual: tuple[float, float] | None) -> str:
    """What is usual, and on which side of it the value lies if it lies outside."""
    return "" if usual is None else f"{OUTSIDE[mark(value, usual)]}{usual_text(figure, usual)}"


def setting_texts(settings: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Every setting with its value in words, so that the segmentation can be made again.

    Parameters
    ----------
    settings : mapping
        By name.

    Returns
    -------
    tuple of (str, str)

    Examples
    --------
    >>> setting_texts({"pixel_size": None, "use_position": True, "smoothness": 1.0})
    (('pixel size', 'none'), ('use position', 'yes'), ('smoothness', '1'))
    """
    return tuple((name.replace("_", " "), _setting_text(value)) for name, value in settings.items())


def _setting_text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
