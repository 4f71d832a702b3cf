"""A page or two that a clinician can keep: images, volumes, the mixture, quality and verdict, naming nobody.

`html` and `pdf` hold the same words and pictures. Neither asks for anything from outside, and the same scan, result
and date give the same bytes.
"""

import datetime
from collections.abc import Callable

from mriseg.core.scan import Scan
from mriseg.report.content import report_content
from mriseg.report.html_page import page
from mriseg.segmentation.result import Result

HTML, PDF = "_desc-tissue_report.html", "_desc-tissue_report.pdf"  # what follows the stem in their file names


def html(scan: Scan, result: Result, date: datetime.date | None = None, scan_id: str = "") -> str:
    """Report on a segmentation as one HTML page, readable on a telephone and printable on A4.

    Parameters
    ----------
    scan : Scan
        That was segmented; of several channels the first.
    result : Result
    date : date, optional
        On which the report is made; without one it bears none.
    scan_id : str, optional
        What the scan is called, as `mriseg.core.scan_id` cleans it; without one there is a line to write it on.

    Returns
    -------
    str
        A document of less than a megabyte with everything in it: no script, and nothing loaded from elsewhere.
    """
    return page(report_content(scan, result, date, scan_id))


def pdf(scan: Scan, result: Result, date: datetime.date | None = None, scan_id: str = "") -> bytes:
    """Report on a segmentation as a PDF of A4 pages.

    Parameters
    ----------
    scan : Scan
        That was segmented; of several channels the first.
    result : Result
    date : date, optional
        On which the report is made; without one it bears none.
    scan_id : str, optional
        What the scan is called, as `mriseg.core.scan_id` cleans it; without one there is a line to write it on.

    Returns
    -------
    bytes
        With selectable text, embedded fonts, and structure and alternative texts for those who read by ear.

    Raises
    ------
    MrisegError
        If the fonts are not installed.
    """
    from mriseg.report.pdf_document import (
        document,  # its library takes half a second and 30 MB, which most runs need not pay
    )

    return document(report_content(scan, result, date, scan_id), date)


def outputs(scan: Scan, result: Result) -> dict[str, Callable[[], bytes]]:
    """Both reports, undated, as in `mriseg.export.writer.outputs`: what follows the stem, and what makes it.

    Parameters
    ----------
    scan : Scan
        That was segmented; of several channels the first.
    result : Result

    Returns
    -------
    dict of str to callable
    """
    return {
        HTML: lambda: html(scan, result).encode(),
        PDF: lambda: pdf(scan, result),
    }
