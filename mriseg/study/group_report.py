"""The report of a study as one HTML file beside its results: what to look at first, distributions, every segmentation.

It asks for nothing but the pictures that lie beside it, so it works offline and from a file server alike. Names and
reasons come from files and may hold anything: all text is escaped, links are percent-encoded and start in the folder
of the report, and the page's own policy lets no script run but the one written here.
"""

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from mriseg.core.findings import Level, Topic
from mriseg.core.tissue import LABELS, Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.plotting import mosaic, strip_plot
from mriseg.report.content import setting_texts
from mriseg.report.html_page import swatch
from mriseg.study.flags import Judgment, ShownColumn, common_topics, judge, shown_column
from mriseg.study.table import COLUMNS, LEAST_SCANS, Row, most_z

_HERE = Path(__file__).parent
STYLE = (_HERE / "group_report.css").read_text("utf-8")
SCRIPT = (_HERE / "group_report.js").read_text("utf-8")

# Figures that are shown at once; the others are folded away. None of an interval's ends.
MAIN = (
    *(f"{tissue.abbreviation.lower()}_ml" for tissue in Tissue),
    "lesion_ml",
    "cranial_cavity_ml",
    "brain_parenchymal_fraction",
    "gm_wm_ratio",
    "tissue_contrast",
    "snrd_total",
    "bias_range",
    "mixed_share",
    "efc",
    "mask_confidence",
)
IN_TABLE = (*(key for key in MAIN if key != "efc"), "contrast_confidence")
INTERVAL_ENDS = ("_ml_low", "_ml_high")
MOST_LISTED = 100  # flagged scans that are listed with their pictures; all are in the table
MOST_NAMED = 200  # failures of one reason that are named
LEVELS = {Level.GOOD: "good", Level.CARE: "with care", Level.NOT: "do not use"}


@dataclass(frozen=True, eq=False)
class _Study:
    """What the parts of the report are made of.

    Attributes
    ----------
    rows : sequence of Row
    judged : sequence of Judgment
        One for each row.
    flagged : sequence of int
        Numbers of the rows to look at, the worst first.
    common : mapping of Topic to int
        What is found of most scans.
    shown : sequence of ShownColumn
    links : mapping of str to str
        To the picture of each segmented scan, by its name.
    """

    rows: Sequence[Row]
    judged: Sequence[Judgment]
    flagged: Sequence[int]
    common: Mapping[Topic, int]
    shown: Sequence[ShownColumn]
    links: Mapping[str, str]

    @classmethod
    def of(cls, rows: Sequence[Row], pictures: Mapping[str, str]) -> "_Study":
        links = {name: "./" + quote(path.encode("utf-8", "surrogateescape")) for name, path in pictures.items()}
        shown = [each for column in COLUMNS if (each := shown_column(column, rows)) is not None]
        common = common_topics([row for row in rows if row.record.failure is None])
        judged = judge(rows, shown, common)
        reasoned = (n for n, judgment in enumerate(judged) if judgment.reasons)
        flagged = sorted(reasoned, key=lambda n: (judged[n].rank, -n))[::-1]
        return cls(rows, judged, flagged, common=common, shown=shown, links=links)

    @property
    def done(self) -> int:
        """How many scans were segmented."""
        return sum(row.record.failure is None for row in self.rows)


def html(rows: Sequence[Row], settings: Mapping[str, Any] | None, pictures: Mapping[str, str]) -> str:
    """Make the report of a study.

    Parameters
    ----------
    rows : sequence of Row
        One for each scan, each with a name of its own.
    settings : mapping or None
        By name, that all scans were segmented with; None if they were not all the same.
    pictures : mapping of str to str
        Where the picture of each segmented scan lies, as a path from the folder of the report, by the scan's name.

    Returns
    -------
    str
        A whole document without a date: equal arguments give equal text.
    """
    study = _Study.of(rows, pictures)
    body = [
        _header(study),
        _flagged(study),
        _failures(rows),
        _distributions(study),
        _every_scan(len(rows)),
        _settings(settings),
        f'<script type="application/json" id="study">{_json(_plain(study))}</script>',
        f"<script>{SCRIPT}</script>",
    ]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(_title(rows))}</title>\n<style>\n{STYLE}"
        f":root {{ --wide: {mosaic.WIDTH}; --high: {mosaic.HEIGHT}; }}\n</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )
    return page.encode("utf-8", "replace").decode()  # a file name may hold bytes that are no text


def _title(rows: Sequence[Row]) -> str:
    return f"Brain tissue in a study of {_many(len(rows), 'scan')}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _header(study: _Study) -> str:
    rows, done, flagged = study.rows, study.done, len(study.flagged)
    counts = (
        (done, "segmented", "#scans"),
        (len(rows) - done, "failed", "#failed" if done < len(rows) else None),
        (flagged, "to look at", "#flagged" if flagged else None),
    )
    tiles = [f"<b>{count:,}</b> {label}" for count, label, _ in counts]
    linked = [
        f'<a href="{link}">{tile}</a>' if link else f"<span>{tile}</span>"
        for tile, (_, _, link) in zip(tiles, counts, strict=True)
    ]
    return (
        f"<header><h1>{escape(_title(rows))}</h1>"
        f'<p class="small">Gray matter, white matter and cerebrospinal fluid by mriseg {escape(__version__)}. '
        f"<strong>{escape(DISCLAIMER)}</strong></p>"
        f'<nav class="counts">{"".join(linked)}</nav></header>'
    )


def _flagged(study: _Study) -> str:
    done, links = study.done, study.links
    if not done:
        return ""
    note = ""
    if study.common:
        listed = "; ".join(f"{escape(topic)} ({count:,} of {done:,})" for topic, count in study.common.items())
        note = f'<p class="small">Found of most scans, so none is listed for it alone: {listed}.</p>'
    if not study.flagged:
        return f'<section id="flagged"><h2>Look at first</h2><p>No scan stands out.</p>{note}</section>'
    items = []
    for n in study.flagged[:MOST_LISTED]:
        row = study.rows[n]
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in study.judged[n].reasons)
        heading = f"{_link(row.name, n, links)} {_badge(row.record.level)}"
        items.append(f"<article>{_mosaic(row.name, n, links)}<div><h3>{heading}</h3><ul>{reasons}</ul></div></article>")
    more = len(study.flagged) - len(items)
    rest = f"<p>{_many(more, 'more scan')} below: show those to look at.</p>" if more else ""
    return f'<section id="flagged"><h2>Look at first</h2>{note}{"".join(items)}{rest}</section>'


def _mosaic(name: str, number: int, links: Mapping[str, str]) -> str:
    if name not in links:
        return ""
    return (
        f'<a href="{escape(links[name])}" data-scan="{number}"><img class="mosaic" loading="lazy" '
        f'src="{escape(links[name])}" width="{mosaic.WIDTH}" height="{mosaic.HEIGHT}" '
        f'alt="Slices of {escape(name)} with its tissues"></a>'
    )


def _link(name: str, number: int, links: Mapping[str, str]) -> str:
    if name not in links:
        return escape(name)
    return f'<a href="{escape(links[name])}" data-scan="{number}">{escape(name)}</a>'


def _badge(level: Level | None) -> str:
    if level is None:
        return ""
    return f'<span class="badge" data-level="{level.name}">{LEVELS[level]}</span>'


def _failures(rows: Sequence[Row]) -> str:
    """Failures by reason, the most frequent first."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.record.failure is not None:
            by_reason[row.record.failure].append(row.name)
    if not by_reason:
        return ""
    items = []
    for reason, names in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        listed = ", ".join(escape(name) for name in names[:MOST_NAMED])
        more = f" and {len(names) - MOST_NAMED:,} more, in the table" if len(names) > MOST_NAMED else ""
        items.append(f"<dt>{escape(reason)}</dt><dd>{_many(len(names), 'scan')}: {listed}{more}</dd>")
    return f'<section id="failed"><h2>Not segmented</h2><dl>{"".join(items)}</dl></section>'


def _distributions(study: _Study) -> str:
    apart: dict[str, set[int]] = defaultdict(set)
    for n, judgment in enumerate(study.judged):
        for name in judgment.apart:
            apart[name].add(n)
    main: list[str] = []
    others: list[str] = []
    for each in study.shown:
        name = each.column.name
        if not name.endswith(INTERVAL_ENDS):
            (main if name in MAIN else others).append(_plot(study, each, apart[name]))
    if not main:
        return ""
    folded = ""
    if others:
        folded = (
            f"<details><summary>{_many(len(others), 'more figure')}</summary>"
            f'<div class="plots">{"".join(others)}</div></details>'
        )
    text = f"Every dot is a scan; in studies of more than {strip_plot.MOST_DOTS} scans bars count them. "
    if study.done >= strip_plot.LEAST_QUARTILES:
        text += "The line is the median, the band holds the middle half. "
    if study.done >= LEAST_SCANS:
        text += (
            f"Diamonds lie apart from the other scans (modified z score above {most_z(study.done):.1f}, for figures of "
            "quality only on the bad side) and open the scan, of many the farthest "
            f"{strip_plot.MOST_APART}; triangles lie beyond the axis."
        )
    else:
        text += f"Of fewer than {LEAST_SCANS} scans none is said to lie apart."
    return (
        f'<section id="distributions"><h2>Distributions</h2><p class="small">{text}</p>'
        f'<div class="plots">{"".join(main)}</div>{folded}</section>'
    )


def _plot(study: _Study, shown: ShownColumn, apart: set[int]) -> str:
    known = [(n, value) for n, value in enumerate(shown.values) if value is not None]
    inside = np.array([value for n, value in known if n not in apart])
    dots = [
        strip_plot.Outlier(value, f"{study.rows[n].name}: {shown.text(value)}", study.links.get(study.rows[n].name), n)
        for n, value in known
        if n in apart
    ]
    low, _, high = strip_plot.quartiles(np.array([value for _, value in known]))
    figures = f"median {shown.text(shown.median)}"
    if len(known) >= strip_plot.LEAST_QUARTILES:
        figures += f", middle half {low:.{shown.decimals}f} to {high:.{shown.decimals}f}"
    text = f"{shown.column.title}: {figures}, {_many(len(known), 'scan')}, {len(dots)} apart"
    return (
        f'<figure><figcaption title="{escape(shown.column.meaning)}"><b>{escape(shown.column.title)}</b> '
        f"<span>{escape(figures)}</span></figcaption>{strip_plot.svg(inside, dots, text)}</figure>"
    )


def _every_scan(count: int) -> str:
    """The frame that the script fills with the pictures and the table."""
    return f"""<section id="scans"><h2>All scans</h2>
<noscript><p>The pictures and the table of all scans need JavaScript. The figures are also in the table of the study,
the pictures in its folders.</p></noscript>
<form id="tools" hidden>
<span role="group" aria-label="View">
<button type="button" data-view="mosaics" aria-pressed="true">Pictures</button>
<button type="button" data-view="table" aria-pressed="false">Table</button></span>
<label>Find <input type="search" id="find" placeholder="name, reason, contrast"></label>
<label>Show <select id="which">
<option value="all">all</option><option value="flagged">to look at</option><option value="failed">failed</option>
<option value="marked">not usable</option><option value="unmarked">not marked</option></select></label>
<label>Order <select id="order"></select></label>
<button type="button" id="save">Save those not usable</button>
<output id="count">{count:,}</output>
<span class="pages"><button type="button" id="before" aria-label="Page before">‹</button><span id="page"></span>
<button type="button" id="after" aria-label="Next page">›</button></span>
</form>
<p class="small" id="keys" hidden>Click enlarges. Then <kbd>j</kbd> and <kbd>k</kbd> or the arrow keys go from scan to
scan, <kbd>x</kbd> marks one as not usable, <kbd>Esc</kbd> closes. Above the bare slices, below with tissues: {_key()}.
<span id="kept"></span></p>
<div id="mosaics"></div>
<div id="table" hidden></div>
</section>
<dialog id="enlarged" aria-label="One scan enlarged" tabindex="-1"><div class="bar">
<button type="button" data-step="-1">‹ Before</button><button type="button" data-step="1">Next ›</button>
<strong></strong><span class="badge"></span><span class="at"></span>
<label><input type="checkbox"> not usable</label><button type="button" class="close" aria-label="Close">×</button></div>
<img class="mosaic" alt=""><p class="figures"></p><ul></ul></dialog>"""


def _key() -> str:
    return ", ".join(f"{swatch(label)}{escape(label.title.lower())}" for label in LABELS)


def _settings(settings: Mapping[str, Any] | None) -> str:
    if settings is None:
        return ""
    items = "".join(
        f"<div><dt>{escape(name)}:</dt><dd>{escape(text)}</dd></div>" for name, text in setting_texts(settings)
    )
    return f'<details id="settings"><summary>Settings</summary><dl class="facts">{items}</dl></details>'


def _plain(study: _Study) -> dict[str, Any]:
    """What the script needs of every scan; texts that many have are there once."""
    by_name = {each.column.name: each for each in study.shown}
    columns = [by_name[name] for name in IN_TABLE if name in by_name]
    at = {each.column.name: n for n, each in enumerate(columns)}
    texts: dict[str, int] = {}
    scans = []
    for n, row in enumerate(study.rows):
        record, judgment = row.record, study.judged[n]
        reasons = [record.failure] if record.failure is not None else judgment.reasons
        values = [
            None if (value := column.values[n]) is None else round(value, column.decimals or None) for column in columns
        ]
        scans.append(
            [
                row.name,
                study.links.get(row.name),
                "FAILED" if record.failure is not None else record.level.name if record.level is not None else "",
                record.contrast.suffix if record.contrast is not None else "",
                values if record.failure is None else [],
                [at[name] for name in judgment.apart if name in at],
                [texts.setdefault(text, len(texts)) for text in reasons],
            ]
        )
    return {
        "columns": [
            {"title": each.heading, "meaning": each.column.meaning, "decimals": each.decimals} for each in columns
        ],
        "levels": {"FAILED": "failed", **{level.name: text for level, text in LEVELS.items()}},
        "flagged": list(study.flagged),
        "texts": list(texts),
        "scans": scans,
    }


def _json(plain: Any) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(plain, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
