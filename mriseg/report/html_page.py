"""A report as one HTML page that asks for nothing from outside and prints on two sheets of A4."""

import base64
from html import escape
from pathlib import Path

import numpy as np

from mriseg.core.tissue import ABNORMAL, Label, Tissue
from mriseg.core.version import DISCLAIMER
from mriseg.plotting import slices as render
from mriseg.report.content import TITLE, ReportContent, Table
from mriseg.report.pictures import Picture

# Of the first sheet on paper, mm: what is left for pictures without a verdict, and what each line of one takes; letters
# on such a line.
SHEET_MM, LINE_MM, LINE = 156.0, 4.2, 88
ABNORMAL_LINES = 3  # that its row and its sentence take
LOWEST_MM = 36.0
STYLE = Path(__file__).with_suffix(".css").read_text("utf-8")


def page(content: ReportContent) -> str:
    """Lay a report out.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        A whole document; equal content gives equal text.
    """
    blocks = [
        f'<header><h1>{escape(TITLE)}</h1><p class="small">{escape(DISCLAIMER)}</p>',
        f"{_pairs(content.facts, 'facts')}</header>",
        f'<section class="verdict"><p><strong>{escape(content.headline)}</strong></p>',
        f"{_findings(content.findings)}</section>",
        "<section><h2>Original and segmented</h2>",
        _pictures(content),
        f'<p class="key">{"".join(f"<span>{swatch(label)}{escape(label.title)}</span>" for label in content.key)}</p>',
        f'<p class="small">{escape(content.sides)}</p></section>' if content.sides else "</section>",
        f"<section><h2>Volumes</h2>{_table(content.volumes, content.key)}",
        _pairs(content.ratios, "facts"),
        f'<p class="small">{escape(content.volumes_note)}</p></section>',
        '<section class="sheet"><h2>The mixture behind it</h2><div class="mixture">',
        f"<figure>{content.figure}</figure><div>{_table(content.mixture)}</div></div>",
        f'<p class="small">{escape(content.mixture_note)}</p></section>',
        f'<section class="quality"><h2>Quality</h2>{_table(content.quality)}</section>',
        f'<section class="settings"><h2>Settings</h2>{_pairs(content.settings, "facts")}</section>',
    ]
    if content.notes:
        blocks.append(
            f'<section class="settings"><h2>What was done</h2><p>{escape(" ".join(content.notes))}</p></section>'
        )
    words = f"<strong>{escape(DISCLAIMER)}</strong> {escape(content.identity)}"
    blocks.append(f'<footer class="small"><p>{words}</p></footer>')
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(TITLE)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(blocks)
        + "\n</body>\n</html>\n"
    )


def _pictures(content: ReportContent) -> str:
    """Each plane's original over its segmentation, all in one scale; those of a single plane side by side."""
    pictures, rows = content.pictures, 2 if len(content.pictures) > 1 else 1
    kind = "pair" if rows == 2 else "pair beside"
    shown = []
    for picture in pictures:
        images = _image(picture, picture.original, "original") + _image(picture, picture.segmented, "segmented")
        shown.append(
            f'<figure style="flex: {picture.width} 1 0"><figcaption class="small">{escape(picture.title)}</figcaption>'
            f'<div class="{kind}">{images}</div></figure>'
        )
    # On paper they leave room for the verdict and the volumes on the same sheet.
    lines = sum(-(-len(text) // LINE) for _, text in content.findings) + ABNORMAL_LINES * (ABNORMAL in content.key)
    height = max(LOWEST_MM, (SHEET_MM - LINE_MM * lines) / rows)
    width = height * sum(picture.width for picture in pictures) / max(picture.height for picture in pictures)
    return f'<div class="planes" style="--paper: {width * 2 / rows:.0f}mm">{"".join(shown)}</div>'


def _image(picture: Picture, pixels: np.ndarray, kind: str) -> str:
    encoded = base64.b64encode(render.png(pixels)).decode()
    return (
        f'<img src="data:image/png;base64,{encoded}" width="{picture.width}" height="{picture.height}" '
        f'alt="{escape(picture.title)}: {kind}">'
    )


def swatch(label: Tissue | Label) -> str:
    """A patch of a color, striped for what is abnormal.

    Parameters
    ----------
    label : Tissue or Label

    Returns
    -------
    str
        An element `i`, to which the page's style gives a size.
    """
    if label is ABNORMAL:
        return f'<i style="background: repeating-linear-gradient(135deg, {label.color} 0 3px, #fff 3px 5px)"></i>'
    return f'<i style="background: {label.color}"></i>'


def _pairs(pairs: tuple[tuple[str, str], ...], kind: str) -> str:
    items = "".join(f"<div><dt>{escape(name)}:</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="{kind}">{items}</dl>'


def _findings(findings: tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(title)}</dt><dd>{escape(text)}</dd>' for title, text in findings)}</dl>"


def _table(table: Table, key: tuple[Tissue | Label, ...] = ()) -> str:
    """A table; the cells of numeric columns to the right, and colors before the names of the first rows."""
    kinds = ["" if column in table.text_columns else ' class="n"' for column in range(len(table.head))]
    head = "".join(f'<th scope="col"{kind}>{escape(cell)}</th>' for cell, kind in zip(table.head, kinds, strict=True))
    rows = []
    for index, row in enumerate(table.rows):
        mark = swatch(key[index]) if index < len(key) else ""
        cells = "".join(
            f'<td{kind} data-head="{escape(name)}">{escape(cell)}</td>'
            for cell, kind, name in zip(row[1:], kinds[1:], table.head[1:], strict=True)
        )
        rows.append(f'<tr><th scope="row">{mark}{escape(row[0])}</th>{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
