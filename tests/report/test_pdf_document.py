import datetime
import io
from dataclasses import replace

import pypdf
import pytest

from mriseg import MrisegError, report
from mriseg.brain.confidence import LOOK
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.report import pdf_document as report_pdf
from tests.report.documents import words_of


def test_the_pdf_is_two_tagged_pages_with_its_fonts_in_it(volume):
    reader = pypdf.PdfReader(io.BytesIO(report.pdf(*volume)))
    assert len(reader.pages) == 2
    assert reader.pages[0].mediabox.width == pytest.approx(595, abs=1)
    catalog = reader.trailer["/Root"]
    assert catalog["/Lang"] == "en"
    assert catalog["/MarkInfo"]["/Marked"]
    elements = [kid.get_object() for kid in catalog["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    kinds = [element["/S"] for element in elements]
    assert kinds[0] == "/H1"
    assert kinds.count("/Figure") == 7
    assert all(element["/Alt"] for element in elements if element["/S"] == "/Figure")
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            described = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert "/FontFile2" in described
    assert reader.metadata.title == "Brain tissue report"
    assert reader.metadata.author is None


def test_with_abnormal_tissue_the_pdf_still_has_two_pages_and_says_how_much(with_lesion):
    scan, result = with_lesion
    content = report.pdf(scan, result)
    assert len(pypdf.PdfReader(io.BytesIO(content)).pages) == 2
    words = words_of(content)
    assert words.count("Abnormal tissue") >= 3  # finding, key, row
    assert f"{result.abnormal.volume_ml:.0f}" in words


def test_many_warnings_still_fit_two_pages(volume):
    scan, result = volume
    says = "Only 63 % of a brain lies in the image; volumes are those of this part."
    warning = Finding(FindingCode.MASK_OUT_OF_VIEW, Level.NOT, says, LOOK)
    doubted = replace(result, findings=(*(warning,) * 8, *result.findings))
    assert len(pypdf.PdfReader(io.BytesIO(report.pdf(scan, doubted))).pages) == 2


def test_without_its_fonts_the_error_says_what_to_install(volume, monkeypatch):
    monkeypatch.setattr(report_pdf, "find_spec", lambda name: None)
    with pytest.raises(MrisegError, match="font-source-sans-pro"):
        report.pdf(*volume)


def test_the_date_is_in_the_files_own_information_too(volume):
    day = datetime.date(2031, 5, 17)
    dated, undated = (pypdf.PdfReader(io.BytesIO(report.pdf(*volume, date))).metadata for date in (day, None))
    assert dated.creation_date.date() == day
    assert undated.creation_date.year == 1970  # as reproducible builds have it
