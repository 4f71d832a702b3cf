"""A segmentation as one picture for a slide or a handout: original and segmented, with key, scale, sides and sizes."""

import io
from dataclasses import replace

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from mriseg.core.findings import Level
from mriseg.core.scan import Scan
from mriseg.core.scan_id import clean_scan_id
from mriseg.core.tissue import ABNORMAL, BRAIN_TISSUE, LABELS, Label, Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.plotting import slices as render
from mriseg.report.content import ICV, RADIOLOGICAL, SIDES_UNKNOWN, volumes_table
from mriseg.report.pictures import Picture, pictures
from mriseg.segmentation.joined import join_gray_white
from mriseg.segmentation.result import Result
from mriseg.segmentation.verdict import verdict

FINER = 2  # pixels across for one of the report's: sharp on a projector and on paper
OPACITY = 0.6  # of the tissues' colors, as on the page
BORDER, GAP, SWATCH = 36, 14, 30  # pixels
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE, LEADING = 40, 28, 22, 1.35  # pixels; height of a line over that of its letters
INK, FADED, PAPER = (20, 24, 31), (90, 96, 108), (255, 255, 255)  # faded letters: 6.3 to 1 on paper
ORIGINAL, SEGMENTED = "Original", "Segmented"
OF_ICV, OF_AREA = "of ICV", "of intracranial area"  # of a slice the share is one of its area
Entry = tuple[Tissue | Label | None, str]  # of the key: whose color, and the words beside it


def figure(scan: Scan, result: Result, scan_id: str = "") -> PIL.Image.Image:
    """Draw a segmentation with everything that is needed to read it.

    Parameters
    ----------
    scan : Scan
        That was segmented; of several channels the first.
    result : Result
    scan_id : str, optional
        What the scan is called, as `mriseg.core.scan_id` cleans it.

    Returns
    -------
    PIL.Image.Image
        RGB, about 1900 pixels wide. A picture stands beside its segmentation, the three planes of a volume over
        theirs. Gray and white matter are one where they cannot be told apart, and a verdict that is not good stands
        below the title. The same scan and result give the same pixels.
    """
    result = _shown(result)
    shown = pictures(scan, result, opacity=OPACITY, finer=FINER)
    rows = _rows(shown)
    width = max(sum(image.shape[1] for _, image in row) + GAP * (len(row) - 1) for row in rows)
    notes, caution = _notes(scan, result, width, scan_id), _caution(result)
    entries = _key(result)
    heights = [max(image.shape[0] for _, image in row) + _line(SMALL_SIZE) + GAP for row in rows]
    height = (
        2 * BORDER
        + _line(TITLE_SIZE)
        + _line(TEXT_SIZE) * bool(caution)
        + sum(heights)
        + len(_broken(entries, width)) * _line(TEXT_SIZE)
        + GAP
        + len(notes) * _line(SMALL_SIZE)
    )
    canvas = PIL.Image.new("RGB", (width + 2 * BORDER, height), PAPER)
    draw = PIL.ImageDraw.Draw(canvas)
    y = BORDER
    draw.text((BORDER, y), _title(result), fill=INK, font=_font(TITLE_SIZE))
    y += _line(TITLE_SIZE)
    if caution:
        draw.text((BORDER, y), caution, fill=INK, font=_font(TEXT_SIZE))
        y += _line(TEXT_SIZE)
    for row, below in zip(rows, heights, strict=True):
        x = BORDER
        for title, image in row:
            draw.text((x, y), title, fill=FADED, font=_font(SMALL_SIZE))
            canvas.paste(PIL.Image.fromarray(image).convert("RGB"), (x, y + _line(SMALL_SIZE)))
            x += image.shape[1] + GAP
        y += below
    y = _draw_key(canvas, _broken(entries, width), y) + GAP
    for note in notes:
        draw.text((BORDER, y), note, fill=FADED, font=_font(SMALL_SIZE))
        y += _line(SMALL_SIZE)
    return canvas


def png(scan: Scan, result: Result, scan_id: str = "") -> bytes:
    """The figure as the bytes of a PNG.

    Parameters
    ----------
    scan, result, scan_id
        As for `figure`.

    Returns
    -------
    bytes
    """
    stream = io.BytesIO()
    figure(scan, result, scan_id).save(stream, "PNG")
    return stream.getvalue()


def _rows(shown: tuple[Picture, ...]) -> list[list[tuple[str, np.ndarray]]]:
    """The pictures with their titles, row by row."""
    if len(shown) == 1:
        return [[(ORIGINAL, shown[0].original), (SEGMENTED, shown[0].segmented)]]
    return [
        [(f"{ORIGINAL}: {picture.title}", picture.original) for picture in shown],
        [(SEGMENTED, picture.segmented) for picture in shown],
    ]


def _title(result: Result) -> str:
    contrast = result.contrast.title if result.contrast.dark_to_bright else "MR"
    return f"Brain tissues of a {contrast} scan"


def _caution(result: Result) -> str:
    """How far the numbers can be used, unless nothing speaks against them."""
    judged = verdict(result)
    return judged.headline if judged.level > Level.GOOD else ""


def _shown(result: Result) -> Result:
    """The result; where gray and white matter cannot be told apart, with all of both as gray matter."""
    if result.gray_white_apart:
        return result
    return replace(
        result,
        labels=join_gray_white(result.labels),
        fractions=_joined(result.fractions),
        volumes_ml=None if result.volumes_ml is None else _joined(result.volumes_ml),
    )


def _joined(sizes: dict[Tissue, float]) -> dict[Tissue, float]:
    return sizes | {Tissue.GM: sizes[Tissue.GM] + sizes[Tissue.WM], Tissue.WM: 0.0}


def _key(result: Result) -> list[Entry]:
    """What each color stands for with its size, and the size of the whole, which has none."""
    table = volumes_table(result)
    labels = LABELS if result.abnormal else tuple(Tissue)
    unit, whole = ("mL", OF_ICV) if result.labels.ndim > 2 else ("mL per mm of slice", OF_AREA)
    names: dict[Tissue | Label | None, str] = {None: ICV}
    if not result.gray_white_apart:
        names[Tissue.GM] = BRAIN_TISSUE
    entries: list[Entry] = []
    for label, (name, *sizes) in zip((*labels, None), table.rows, strict=True):
        if label is Tissue.WM and not result.gray_white_apart:
            continue  # counted with gray matter
        share = f"{sizes[-1]} {whole}" if label else ""
        volume = f"{sizes[0]} {unit}" if len(sizes) > 1 else ""
        size = ", ".join(filter(None, [volume, share]))
        if size:
            entries.append((label, f"{names.get(label, name)}: {size}"))
    return entries


def _broken(entries: list[Entry], width: int) -> list[list[Entry]]:
    """The key in as few lines as hold it."""
    lines: list[list[Entry]] = [[]]
    left = width
    for entry in entries:
        needed = _entry_width(entry)
        if lines[-1] and needed > left:
            lines.append([])
            left = width
        lines[-1].append(entry)
        left -= needed
    return lines


def _entry_width(entry: Entry) -> int:
    label, text = entry
    return round(_font(TEXT_SIZE).getlength(text)) + (SWATCH + GAP) * (label is not None) + 2 * GAP


def _draw_key(canvas: PIL.Image.Image, lines: list[list[Entry]], y: int) -> int:
    """Draw the key below a height, and return where it ends."""
    draw = PIL.ImageDraw.Draw(canvas)
    for line in lines:
        x = BORDER
        for label, text in line:
            start = x
            if label is not None:
                canvas.paste(PIL.Image.fromarray(_swatch(label)), (x, y + (TEXT_SIZE - SWATCH) // 2 + 2))
                start += SWATCH + GAP
            draw.text((start, y), text, fill=INK, font=_font(TEXT_SIZE))
            x += _entry_width((label, text))
        y += _line(TEXT_SIZE)
    return y


def _swatch(label: Tissue | Label) -> np.ndarray:
    """A square in the color of a label, with the stripes that what is abnormal has."""
    levels = np.full((SWATCH, SWATCH), 160, np.uint8)
    square = np.full((SWATCH, SWATCH), label.number, np.uint8)
    return render.colored(levels, square, OPACITY if label == ABNORMAL else 1.0)


def _notes(scan: Scan, result: Result, width: int, scan_id: str) -> list[str]:
    """The small print, in lines that fit."""
    sides = "" if scan.kind == "picture" else (RADIOLOGICAL if result.sides_known else SIDES_UNKNOWN)
    name = clean_scan_id(scan_id)
    words = [sides, f"Scan ID: {name}." if name else "", f"mriseg {__version__}. {DISCLAIMER}"]
    lines: list[str] = []
    for part in filter(None, words):
        joined = f"{lines[-1]} {part}" if lines else part
        if lines and _font(SMALL_SIZE).getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines


def _font(size: int) -> PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont:
    return PIL.ImageFont.load_default(size)


def _line(size: int) -> int:
    """Height of a line of letters."""
    return round(size * LEADING)
