"""A report as one HTML page that asks for nothing from outside and prints on two sheets of A4."""

import base64
from html import escape

import numpy as np

from mriseg import render
from mriseg.report_parts import DISCLAIMER, TITLE, UNIDENTIFIED, Parts, Picture, Table
from mriseg.tissue import Tissue

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
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.n { white-space: normal; }
thead th { color: #555; font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; }
.mixture { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; break-inside: avoid; }
.mixture figure { flex: 3 1 330px; }
.mixture div { flex: 2 1 250px; }
svg { display: block; width: 100%; height: auto; }
footer { margin-top: 16px; padding-top: 6px; border-top: 1px solid #999; }
@media screen and (max-width: 600px) { .planes { flex-direction: column; }
  .pair { grid-template: auto auto / 1fr; } }
@page { size: A4; margin: 12mm 14mm; }
@media print {
  body { padding: 0; max-width: none; font-size: 9.5pt; line-height: 1.3; }
  h1 { font-size: 16pt; }
  h2 { margin: 10px 0 3px; font-size: 11.5pt; }
  .small, .quality, .settings { font-size: 8pt; }
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
        f"<header><h1>{escape(TITLE)}</h1>{_pairs(parts.facts, 'facts')}</header>",
        f'<section class="verdict" aria-label="Verdict">{_paragraphs(parts.verdict)}</section>',
        "<section><h2>Original and segmented</h2>",
        _pictures(parts.pictures),
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
        blocks.append(f'<section class="settings"><h2>What was done</h2>{_paragraphs(parts.notes)}</section>')
    blocks.append(f'<footer class="small"><p><strong>{escape(DISCLAIMER)}</strong> {escape(UNIDENTIFIED)}</p></footer>')
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(TITLE)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )


def _pictures(pictures: tuple[Picture, ...]) -> str:
    """Each plane's original over its segmentation, all in one scale; those of a single plane side by side."""
    kind = "pair" if len(pictures) > 1 else "pair beside"
    shown = []
    for picture in pictures:
        images = _image(picture, picture.original, "original") + _image(picture, picture.segmented, "segmented")
        shown.append(
            f'<figure style="flex: {picture.width} 1 0"><figcaption class="small">{escape(picture.title)}</figcaption>'
            f'<div class="{kind}">{images}</div></figure>'
        )
    return f'<div class="planes">{"".join(shown)}</div>'


def _image(picture: Picture, pixels: np.ndarray, what: str) -> str:
    content = base64.b64encode(render.png(pixels)).decode()
    return (
        f'<img src="data:image/png;base64,{content}" width="{picture.width}" height="{picture.height}" '
        f'alt="{escape(picture.title)}: {what}">'
    )


def _key(tissue: Tissue) -> str:
    return f'<span><i style="background: {tissue.colour}"></i>{escape(tissue.title)}</span>'


def _paragraphs(sentences: tuple[str, ...]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _pairs(pairs: tuple[tuple[str, str], ...], kind: str) -> str:
    items = "".join(f"<div><dt>{escape(name)}:</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="{kind}">{items}</dl>'


def _table(table: Table, keyed: bool = False) -> str:
    """A table; the cells of numeric columns to the right, and the tissues' colours before their names if wanted."""
    kinds = ["" if column in table.worded else ' class="n"' for column in range(len(table.head))]
    head = "".join(f'<th scope="col"{kind}>{escape(cell)}</th>' for cell, kind in zip(table.head, kinds, strict=True))
    colours = [f'<i style="background: {tissue.colour}"></i>' for tissue in Tissue] if keyed else []
    rows = []
    for index, row in enumerate(table.rows):
        mark = colours[index] if index < len(colours) else ""
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True))
        rows.append(f'<tr><th scope="row">{mark}{escape(row[0])}</th>{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
