"""A report as one HTML page that asks for nothing from outside and prints on two sheets of A4."""

import base64
from html import escape

import numpy as np

from mriseg.core.tissue import Tissue
from mriseg.plotting import slices as render
from mriseg.report.content import DISCLAIMER, TITLE, UNIDENTIFIED, Parts, Table
from mriseg.report.pictures import Picture

# Of the first sheet on paper, mm: what is left for pictures without a verdict, and what each line of one takes; letters
# on such a line.
SHEET_MM, LINE_MM, LINE = 156.0, 4.2, 88
LOWEST_MM = 36.0
STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 800px; background: #fff; color: #222;
  font: 15px/1.4 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0 0 4px; font-size: 24px; }
h2 { margin: 18px 0 6px; font-size: 17px; break-after: avoid; }
p { margin: 4px 0; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; }
.facts div { display: flex; gap: 5px; }
dt, .small { color: #555; }
dd { margin: 0; }
.small { font-size: 13px; }
.verdict { margin: 10px 0; padding: 8px 12px; background: #f2f2f2; border-left: 4px solid #555;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.verdict dl { display: grid; grid-template-columns: 11em 1fr; gap: 2px 12px; margin: 4px 0 0; }
.planes { display: flex; gap: 10px; }
figure { display: flex; flex-direction: column; margin: 0; min-width: 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; }
.pair { display: grid; flex: 1; gap: 6px; grid-template-rows: 1fr 1fr; align-items: start; }
.beside { grid-template: auto / 1fr 1fr; }
.key { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0 0; }
i { display: inline-block; width: 12px; height: 12px; margin-right: 5px; border: 1px solid #444; vertical-align: -1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
table { width: 100%; border-collapse: collapse; break-inside: avoid; }
th, td { padding: 2px 8px 2px 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }
td { font-variant-numeric: tabular-nums; }
td.n, th.n { text-align: right; white-space: nowrap; }
th.n { white-space: normal; }
thead th { color: #555; font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; }
.mixture { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; break-inside: avoid; }
.mixture figure { flex: 3 1 330px; }
.mixture div { flex: 2 1 250px; }
svg { display: block; width: 100%; height: auto; }
footer { margin-top: 16px; padding-top: 6px; border-top: 1px solid #999; }
@media screen and (max-width: 600px) { .planes { flex-direction: column; } .verdict dl { grid-template-columns: 1fr; }
  .verdict dt { margin-top: 4px; }
  .quality thead { display: none; }
  .quality tr { display: flex; flex-wrap: wrap; gap: 0 12px; padding: 4px 0; border-bottom: 1px solid #ddd; }
  .quality th, .quality td { padding: 0; border: 0; }
  .quality th { flex: 1 0 100%; font-weight: 600; }
  .quality td::before { content: attr(data-head) ": "; color: #555; }
  .quality td:empty { display: none; }
  .quality td:last-child { flex: 1 0 100%; }
  .quality td:last-child::before { content: none; }
  .pair { grid-template: auto auto / 1fr; } }
@page { size: A4; margin: 12mm 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 9.5pt; line-height: 1.3; }
  .verdict { margin: 6px 0; padding: 4px 8px; font-size: 8.5pt; }
  h1 { font-size: 16pt; }
  h2 { margin: 10px 0 3px; font-size: 11.5pt; }
  .small, .settings dl, .settings p, .mixture table { font-size: 8pt; }
  .quality table { font-size: 7.5pt; }
  th, td { padding-top: 1px; padding-bottom: 1px; }
  .planes { max-width: var(--paper); }
  .sheet { break-before: page; }
}
"""


def page(parts: Parts) -> str:
    """Lay a report out.

    Parameters
    ----------
    parts : Parts

    Returns
    -------
    str
        A whole document; equal parts give equal text.
    """
    blocks = [
        f'<header><h1>{escape(TITLE)}</h1><p class="small">{escape(DISCLAIMER)}</p>',
        f"{_pairs(parts.facts, 'facts')}</header>",
        f'<section class="verdict"><p><strong>{escape(parts.headline)}</strong></p>',
        f"{_findings(parts.findings)}</section>",
        "<section><h2>Original and segmented</h2>",
        _pictures(parts),
        f'<p class="key">{"".join(_key(tissue) for tissue in Tissue)}</p>',
        f'<p class="small">{escape(parts.sides)}</p></section>' if parts.sides else "</section>",
        f"<section><h2>Volumes</h2>{_table(parts.volumes, keyed=True)}",
        _pairs(parts.ratios, "facts"),
        f'<p class="small">{escape(parts.volumes_note)}</p></section>',
        '<section class="sheet"><h2>The mixture behind it</h2><div class="mixture">',
        f"<figure>{parts.figure}</figure><div>{_table(parts.mixture)}</div></div></section>",
        f'<section class="quality"><h2>Quality</h2>{_table(parts.quality)}</section>',
        f'<section class="settings"><h2>Settings</h2>{_pairs(parts.settings, "facts")}</section>',
    ]
    if parts.notes:
        blocks.append(
            f'<section class="settings"><h2>What was done</h2><p>{escape(" ".join(parts.notes))}</p></section>'
        )
    blocks.append(f'<footer class="small"><p><strong>{escape(DISCLAIMER)}</strong> {escape(UNIDENTIFIED)}</p></footer>')
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(TITLE)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )


def _pictures(parts: Parts) -> str:
    """Each plane's original over its segmentation, all in one scale; those of a single plane side by side."""
    pictures, rows = parts.pictures, 2 if len(parts.pictures) > 1 else 1
    kind = "pair" if rows == 2 else "pair beside"
    shown = []
    for picture in pictures:
        images = _image(picture, picture.original, "original") + _image(picture, picture.segmented, "segmented")
        shown.append(
            f'<figure style="flex: {picture.width} 1 0"><figcaption class="small">{escape(picture.title)}</figcaption>'
            f'<div class="{kind}">{images}</div></figure>'
        )
    # On paper they leave room for the verdict and the volumes on the same sheet.
    lines = sum(-(-len(says) // LINE) for _, says in parts.findings)
    height = max(LOWEST_MM, (SHEET_MM - LINE_MM * lines) / rows)
    width = height * sum(picture.width for picture in pictures) / max(picture.height for picture in pictures)
    return f'<div class="planes" style="--paper: {width * 2 / rows:.0f}mm">{"".join(shown)}</div>'


def _image(picture: Picture, pixels: np.ndarray, what: str) -> str:
    content = base64.b64encode(render.png(pixels)).decode()
    return (
        f'<img src="data:image/png;base64,{content}" width="{picture.width}" height="{picture.height}" '
        f'alt="{escape(picture.title)}: {what}">'
    )


def _key(tissue: Tissue) -> str:
    return f'<span><i style="background: {tissue.colour}"></i>{escape(tissue.title)}</span>'


def _pairs(pairs: tuple[tuple[str, str], ...], kind: str) -> str:
    items = "".join(f"<div><dt>{escape(name)}:</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="{kind}">{items}</dl>'


def _findings(findings: tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(about)}</dt><dd>{escape(says)}</dd>' for about, says in findings)}</dl>"


def _table(table: Table, keyed: bool = False) -> str:
    """A table; the cells of numeric columns to the right, and the tissues' colours before their names if wanted."""
    kinds = ["" if column in table.worded else ' class="n"' for column in range(len(table.head))]
    head = "".join(f'<th scope="col"{kind}>{escape(cell)}</th>' for cell, kind in zip(table.head, kinds, strict=True))
    colours = [f'<i style="background: {tissue.colour}"></i>' for tissue in Tissue] if keyed else []
    rows = []
    for index, row in enumerate(table.rows):
        mark = colours[index] if index < len(colours) else ""
        cells = "".join(
            f'<td{kind} data-head="{escape(name)}">{escape(cell)}</td>'
            for cell, kind, name in zip(row[1:], kinds[1:], table.head[1:], strict=True)
        )
        rows.append(f'<tr><th scope="row">{mark}{escape(row[0])}</th>{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
