"""A report as a PDF of A4 pages."""

import datetime
import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from fpdf import FPDF, XPos, YPos, encryption

from mriseg.core.errors import MrisegError
from mriseg.core.tissue import ABNORMAL, Label, Tissue
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.plotting import slices as render
from mriseg.report.content import TITLE, ReportContent, Table
from mriseg.report.pictures import Picture

# fpdf2 keeps the error that it got for a package it does without, and with it all that was at work when it was
# imported: the scan whose report came first would stay in memory for as long as the program runs.
if encryption.import_error is not None:
    encryption.import_error.__traceback__ = None

FAMILY = "sans-serif"  # what the mixture's SVG asks for too
MARGIN, BOTTOM = 14.0, 16.0  # mm
WIDTH = 210.0 - 2 * MARGIN
TITLE_SIZE, HEAD_SIZE, SIZE, BAND_SIZE, SMALL = 18.0, 12.0, 9.5, 9.0, 8.0  # points
LEADING = 0.43  # mm of a line for each point
GAP, CELL_GAP, KEY_WIDTH, SWATCH = 3.0, 2.5, 4.2, 2.6
# Of pictures, mm: as high as the page has room for with the volumes below them, within these.
VOLUMES_HEIGHT, ABNORMAL_HEIGHT, LOWEST, TALLEST = 58.0, 9.0, 36.0, 95.0  # a row and a line more where it is told
FIGURE_WIDTH = 108.0
BAND_INSET, TITLE_WIDTH = 3.5, 40.0
INK, FAINT, BAND, RULE = 34, 90, 242, 210  # gray levels
# A PDF wants a date. Without one given it is that of the epoch, as reproducible builds have it.
EPOCH = datetime.date(1970, 1, 1)


def document(content: ReportContent, date: datetime.date | None) -> bytes:
    """Lay a report out.

    Parameters
    ----------
    content : ReportContent
    date : date or None
        For the file's own information; the page says what the content says.

    Returns
    -------
    bytes
        Equal content and dates give equal bytes.

    Raises
    ------
    MrisegError
        If the fonts are not installed.
    """
    sheet = _Sheet(date, content.identity)
    sheet.paragraph("/H1", TITLE, TITLE_SIZE, bold=True)
    sheet.pairs(content.facts)
    sheet.verdict(content.headline, content.findings)
    sheet.heading("Original and segmented")
    sheet.pictures(content.pictures, VOLUMES_HEIGHT + ABNORMAL_HEIGHT * (ABNORMAL in content.key))
    sheet.key(content.key)
    if content.sides:
        sheet.paragraph("/P", content.sides, SMALL, gray=FAINT)
    sheet.heading("Volumes")
    sheet.ruled(content.volumes, SIZE, key=content.key)
    sheet.pairs(content.ratios)
    sheet.paragraph("/P", content.volumes_note, SMALL, gray=FAINT)
    sheet.add_page()
    sheet.heading("The mixture behind it")
    sheet.mixture(content)
    sheet.paragraph("/P", content.mixture_note, SMALL, gray=FAINT)
    sheet.heading("Quality")
    sheet.ruled(content.quality, SMALL)
    sheet.heading("Settings")
    sheet.pairs(content.settings, SMALL)
    if content.notes:
        sheet.heading("What was done")
        sheet.paragraph("/P", " ".join(content.notes), SMALL)
    return bytes(sheet.output())


class _Sheet(FPDF):
    """An A4 page that is filled from the top, every piece of text tagged with what it is."""

    def __init__(self, date: datetime.date | None, identity: str) -> None:
        super().__init__("portrait", "mm", "A4")
        self._identity = identity
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, BOTTOM)
        self.c_margin = 0.0  # words begin where pictures do
        self.set_title(TITLE)
        self.set_lang("en")
        self.set_creator(f"mriseg {__version__}")
        self.set_creation_date(datetime.datetime.combine(date or EPOCH, datetime.time(), datetime.UTC))
        for style, weight in (("", "Regular"), ("B", "Bold")):
            self.add_font(FAMILY, style, _font(weight))
        self.add_page()

    def footer(self) -> None:
        """At the foot of every page: what the report is not for, whom it does not name, and the page."""
        self.set_y(-BOTTOM + 4)
        self._pen(SMALL, INK, bold=True)
        with self._tagged("/P"):
            self.cell(self.get_string_width(DISCLAIMER) + 2, 4, DISCLAIMER)
            self._pen(SMALL, FAINT)
            self.cell(0, 4, self._identity)
        self.set_x(MARGIN)
        self.cell(WIDTH, 4, f"Page {self.page_no()}", align="R")

    def paragraph(self, kind: str, text: str, size: float, *, gray: int = INK, bold: bool = False) -> None:
        """A paragraph over the whole width."""
        self._pen(size, gray, bold)
        self._room(self._height(text, WIDTH, size))
        with self._tagged(kind):
            self.multi_cell(WIDTH, LEADING * size, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, text: str) -> None:
        """A heading, never the last on a page."""
        self._room(30)
        self.ln(2.5)
        self.paragraph("/H2", text, HEAD_SIZE, bold=True)
        self.ln(0.5)

    def pairs(self, pairs: tuple[tuple[str, str], ...], size: float = SIZE) -> None:
        """Names with their values, as many on a line as fit."""
        line = LEADING * size
        for name, value in pairs:
            self._pen(size, FAINT)
            width = self.get_string_width(f"{name}: {value}") + 2
            if self.x > MARGIN and self.x + width > MARGIN + WIDTH:
                self.ln(line)
            self._room(line)
            with self._tagged("/P"):
                self.cell(self.get_string_width(f"{name}: "), line, f"{name}:")
                self._pen(size, INK)
                self.cell(self.get_string_width(value) + 5, line, value)
        self.ln(line)

    def verdict(self, headline: str, findings: tuple[tuple[str, str], ...]) -> None:
        """What can be trusted, on a gray band: the title of each finding, and beside it its text."""
        self.ln(1.5)
        self._band(((headline, 0.0, WIDTH - 2 * BAND_INSET, True),))
        text_width = WIDTH - 2 * BAND_INSET - TITLE_WIDTH
        for title, text in findings:
            self._band(((title, 0.0, TITLE_WIDTH - GAP, False), (text, TITLE_WIDTH, text_width, False)))

    def _band(self, columns: tuple[tuple[str, float, float, bool], ...]) -> None:
        """Texts side by side on the band: each with its distance from the left, its width, and whether it is bold."""
        height = 0.0
        for text, _, width, bold in columns:
            self._pen(BAND_SIZE, INK, bold)
            height = max(height, self._height(text, width, BAND_SIZE) + 0.9)
        self._room(height)
        y = self.y
        self.set_fill_color(BAND)
        self.rect(MARGIN, y, WIDTH, height, style="F")
        self.set_fill_color(FAINT)
        self.rect(MARGIN, y, 1.0, height, style="F")
        with self._tagged("/P"):
            for text, left, width, bold in columns:
                self._pen(BAND_SIZE, FAINT if len(columns) > 1 and not left else INK, bold)
                self.set_xy(MARGIN + BAND_INSET + left, y + 0.45)
                self.multi_cell(width, LEADING * BAND_SIZE, text, align="L")
        self.set_xy(MARGIN, y + height)

    def pictures(self, pictures: tuple[Picture, ...], below: float) -> None:
        """Each plane's original over its segmentation, in one scale, or beside it if it is one."""
        beside = len(pictures) == 1
        columns = 2 if beside else len(pictures)
        total = sum(picture.width for picture in pictures) * (2 if beside else 1)
        caption = LEADING * SMALL
        free = self.h - BOTTOM - self.y - caption - below
        tallest = min(TALLEST, max(LOWEST, free / (1 if beside else 2) - GAP / 2))
        scale = min((WIDTH - GAP * (columns - 1)) / total, tallest / max(picture.height for picture in pictures))
        row = scale * max(picture.height for picture in pictures) + GAP / 2
        self._room(caption + row * (1 if beside else 2))
        x, y = self.x, self.y
        for picture in pictures:
            width = picture.width * scale
            self.set_xy(x, y)
            self._pen(SMALL, FAINT)
            with self._tagged("/P"):
                self.cell(width, caption, picture.title)
            corners = ((x, y + caption), (x + width + GAP, y + caption) if beside else (x, y + caption + row))
            kinds = ("original", "segmented")
            for pixels, corner, kind in zip((picture.original, picture.segmented), corners, kinds, strict=True):
                self.image(io.BytesIO(render.png(pixels)), *corner, width, alt_text=f"{picture.title}: {kind}")
            x += width + GAP
        self.set_xy(MARGIN, y + caption + row * (1 if beside else 2))

    def key(self, key: tuple[Tissue | Label, ...]) -> None:
        """Which color is which tissue."""
        self._pen(SIZE, INK)
        for label in key:
            self._swatch(label, self.y + 0.8)
            with self._tagged("/P"):
                self.cell(self.get_string_width(label.title) + 6, LEADING * SIZE, label.title)
        self.ln(LEADING * SIZE)

    def ruled(self, table: Table, size: float, *, key: tuple[Tissue | Label, ...] = (), width: float = WIDTH) -> None:
        """A table with a rule under each row, and colors before the names of the first rows."""
        left = self.x
        widths = self._columns(table, size, width, KEY_WIDTH if key else 0.0)
        for index, row in enumerate((table.head, *table.rows)):
            self._pen(size, INK if index else FAINT, bold=not index)
            height = max(self._height(cell, w - CELL_GAP, size) for cell, w in zip(row, widths, strict=True)) + 0.8
            self._room(height)
            x, y = left, self.y
            if 0 < index <= len(key):
                self.set_xy(x, y)
                self._swatch(key[index - 1], y + 1)
            with self._tagged("/P"):  # a row is read as one sentence
                for column, (cell, w) in enumerate(zip(row, widths, strict=True)):
                    inset = KEY_WIDTH if key and column == 0 else 0.0
                    gap = CELL_GAP if column < len(widths) - 1 else 0.0
                    self.set_xy(x + inset, y + 0.4)
                    align = "L" if column in table.text_columns else "R"
                    self.multi_cell(w - gap - inset, LEADING * size, cell, align=align)
                    x += w
            self.set_draw_color(RULE)
            self.line(left, y + height, left + width, y + height)
            self.set_xy(left, y + height)
        self.set_xy(MARGIN, self.y + 1)

    def mixture(self, content: ReportContent) -> None:
        """The drawing, and its figures beside it."""
        y = self.y
        box = self.image(io.BytesIO(content.figure.encode()), MARGIN, y, FIGURE_WIDTH, alt_text=content.figure_text)
        self.set_xy(MARGIN + FIGURE_WIDTH + GAP, y)
        self.ruled(content.mixture, SMALL, width=WIDTH - FIGURE_WIDTH - GAP)
        self.set_xy(MARGIN, y + box.rendered_height)

    def _columns(self, table: Table, size: float, width: float, inset: float) -> list[float]:
        """Widths of the columns: those of their widest cells; the last of words takes what is left, or all share it."""
        self._pen(size, INK, bold=True)
        cells = [*zip(table.head, *table.rows, strict=True)]
        widths = [max(self.get_string_width(cell) for cell in column) + CELL_GAP + 0.1 for column in cells]
        widths[0] += inset
        if len(table.text_columns) > 1:
            widths[max(table.text_columns)] += width - sum(widths)
            return widths
        return [w + (width - sum(widths)) / len(widths) for w in widths]

    def _swatch(self, label: Tissue | Label, y: float) -> None:
        """A patch of a color before what follows, striped for what is abnormal."""
        self.set_fill_color(*label.rgb)
        if label is ABNORMAL:
            self.set_draw_color(255)
            self.rect(self.x, y, SWATCH, SWATCH, style="F")
            for along in (SWATCH / 2, SWATCH):
                self.line(self.x, y + along, self.x + along, y)
        self.set_draw_color(FAINT)
        self.rect(self.x, y, SWATCH, SWATCH, style="D" if label is ABNORMAL else "DF")
        self.set_x(self.x + 4)

    def _pen(self, size: float, gray: int, bold: bool = False) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(gray)

    def _height(self, text: str, width: float, size: float) -> float:
        """Of a paragraph in the current font."""
        height = self.multi_cell(width, LEADING * size, text, align="L", dry_run=True, output="HEIGHT")
        assert isinstance(height, float)
        return height

    def _room(self, height: float) -> None:
        """Go on to the next page if what follows does not fit on this one."""
        if self.y + height > self.h - BOTTOM:
            self.add_page()

    @contextmanager
    def _tagged(self, kind: str) -> Iterator[None]:
        """Text within is one element of the document's structure, in the order of reading."""
        mcid = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=kind, mcid=mcid)
        self._out(f"{kind} <</MCID {mcid}>> BDC")
        yield
        self._out("EMC")


def _font(weight: str) -> Path:
    """A font file of the installed package, which is not imported."""
    package = find_spec("font_source_sans_pro")
    folder = Path(package.submodule_search_locations[0]) if package and package.submodule_search_locations else Path()
    path = folder / "files" / f"SourceSansPro-{weight}.ttf"
    if not path.exists():
        raise MrisegError("The report's fonts are not there. Install font-source-sans-pro as requirements.txt says.")
    return path
