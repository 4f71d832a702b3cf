import base64
import datetime
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pypdf
import pytest

from mriseg import Contrast, MrisegError, Settings, Tissue, read, report, segment
from mriseg.brain.confidence import LOOK
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.scan import picture
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.datasets.phantom import simulate
from mriseg.plotting import slices as render
from mriseg.quality.definitions import FIGURES
from mriseg.report import pdf_document as report_pdf
from mriseg.report.content import LEVELS, _value, report_content
from mriseg.segmentation.verdict import verdict
from tests.helpers import stored_as

VOID = {"meta", "img", "path", "rect", "br"}


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words, self._open, self._in_style = "", [], False
        self.feed(html)
        assert self._open == []  # every element is closed

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words += f" {data}"


def words_of(content: bytes) -> str:
    """A PDF's words, one space between them."""
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


@pytest.fixture(scope="module")
def volume(scanned, segmented):
    return scanned(Contrast.T1), segmented(Contrast.T1)


@pytest.fixture(scope="module")
def slice_of_head(scanned):
    data = scanned(Contrast.T1).data
    scan = picture(np.rint(data[:, ::-1, data.shape[2] // 2].T / data.max() * 255))
    return scan, segment(scan, Settings(pixel_size=2.0)), segment(scan)


@pytest.fixture(scope="module")
def both(volume):
    """The words of a volume's report, as page and on paper."""
    return Page(report.html(*volume)).words, words_of(report.pdf(*volume))


@pytest.mark.parametrize("which", [0, 1], ids=["html", "pdf"])
class TestWords:
    def test_every_tissue_has_its_volume_interval_and_share(self, both, which, volume):
        result = volume[1]
        text = " ".join(both[which].split())
        for tissue in Tissue:
            low, high = result.volume_intervals_ml[tissue]
            row = f"{result.volumes_ml[tissue]:.0f} {low:.0f} to {high:.0f} {result.fractions[tissue]:.1%}"
            assert f"{tissue.title} ({tissue.abbreviation}) {row}" in text
        assert f"Cranial cavity {result.brain_ml:.0f}" in text

    def test_the_ratios_are_those_of_the_volumes(self, both, which, volume):
        ml = volume[1].volumes_ml
        text = " ".join(both[which].split())
        parenchyma = (ml[Tissue.GM] + ml[Tissue.WM]) / sum(ml.values())
        assert f"(GM + WM) / cranial cavity: {parenchyma:.3f}" in text
        assert f"GM / WM: {ml[Tissue.GM] / ml[Tissue.WM]:.2f}" in text

    def test_the_mixture_is_in_figures(self, both, which, volume):
        mixture = volume[1].mixture
        text = " ".join(both[which].split())
        for tissue, weight, mean, sd in zip(mixture.tissues, mixture.weights, mixture.means, mixture.sds, strict=True):
            assert f"{tissue.title} {weight:.3f} {mean:.4g} {sd:.3g}" in text

    def test_every_figure_of_quality_has_its_meaning(self, both, which, volume):
        text = " ".join(both[which].split())
        shown = [figure for figure in FIGURES if figure.key in volume[1].quality and figure.usual]
        assert len(shown) > 4
        for figure in shown:
            assert f"{figure.title} {_value(volume[1].quality[figure.key], figure)}" in text
            assert figure.meaning in text

    def test_the_verdict_is_said_in_full(self, both, which, volume):
        judged = verdict(volume[1])
        text = " ".join(both[which].split())
        assert judged.headline in text
        for finding in judged.findings:
            assert f"{finding.code.topic}{LEVELS[finding.level]} {finding.text}" in text

    def test_settings_version_and_disclaimer_are_there(self, both, which):
        text = " ".join(both[which].split())
        assert "smoothness: 1" in text
        assert "contrast: auto" in text
        assert f"mriseg {__version__}" in text
        assert DISCLAIMER in text

    def test_no_date_unless_one_is_given(self, both, which, volume):
        day = datetime.date(2031, 5, 17)
        dated = Page(report.html(*volume, day)).words if which == 0 else words_of(report.pdf(*volume, day))
        assert "2031-05-17" in dated
        assert not re.search(r"\b(19|20)\d\d-\d\d-\d\d\b", both[which])


@pytest.mark.parametrize(
    ("value", "key", "words"),
    [
        (0.0254, "wm2max", "0.0254"),
        (2, "cnr", "2.00"),
        (383.2, "fber", "383"),
        (42000, "fber", "42,000"),
        (0.187, "bias_range", "19%"),
    ],
)
def test_figures_have_three_digits_or_percent(value, key, words):
    assert _value(value, next(figure for figure in FIGURES if figure.key == key)) == words


def test_warnings_are_said_in_full_and_markup_in_them_stays_text(volume):
    scan, result = volume
    warning = 'Trust <b>nothing</b> & "no one": σ ± 2 ≥ μ <script>alert(1)</script>'
    doubted = replace(result, findings=(Finding(FindingCode.NOT_CONVERGED, Level.CARE, warning),))
    html = report.html(scan, doubted)
    assert warning in Page(html).words
    assert verdict(doubted).headline in Page(html).words
    assert "<script" not in html
    assert "<b>" not in html
    assert warning in words_of(report.pdf(scan, doubted))


def test_nothing_that_names_a_person_or_a_file_comes_in(coarse, tmp_path):
    scan, mask = simulate(coarse, Contrast.T1), coarse.truth > 0
    image = nibabel.Nifti1Image(np.asarray(scan.data), scan.affine)
    nameless = read(image.to_bytes())
    for name, secret in {"descrip": b"DOE^JANE 1960", "aux_file": b"jane.txt", "intent_name": b"Jane 4711"}.items():
        image.header[name] = secret
    path = tmp_path / "doe_jane_4711.nii"
    nibabel.save(image, path)
    named = read(path)
    result = segment(named, mask=mask)
    html, pdf = report.html(named, result), report.pdf(named, result)
    metadata = pypdf.PdfReader(io.BytesIO(pdf)).metadata
    for text in (re.sub('base64,[^"]*', "", html), words_of(pdf), str(metadata)):
        assert not re.search(r"\bdoe\b|jane|4711|1960", text, re.IGNORECASE)
        assert str(tmp_path) not in text
    assert (html, pdf) == (report.html(nameless, result), report.pdf(nameless, result))


def test_the_page_asks_for_nothing_from_outside_and_needs_no_script(volume):
    html = report.html(*volume)
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in page.tags}
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    addresses = set(re.findall(r"https?://[^\"\s]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of a vocabulary, which nobody fetches
    assert "url(" not in html
    assert "@import" not in html


def test_the_page_says_its_language_and_each_picture_what_it_shows(volume):
    page = Page(report.html(*volume))
    tags = dict(page.tags)
    assert tags["html"]["lang"] == "en"
    alternatives = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert len(set(alternatives)) == 6
    for plane in render.AnatomicalPlane:
        assert sum(plane.title in text for text in alternatives) == 2
    assert "gray matter" in tags["svg"]["aria-label"]
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")


def test_the_same_result_gives_the_same_bytes_of_less_than_a_megabyte(volume):
    day = datetime.date(2031, 5, 17)
    for make in (report.html, report.pdf):
        first = make(*volume, day)
        assert first == make(*volume, day)
        assert len(first if isinstance(first, bytes) else first.encode()) < 1e6


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


def test_many_warnings_still_fit_two_pages(volume):
    scan, result = volume
    says = "Only 63% of a brain lies in the image; volumes are those of what is seen."
    warning = Finding(FindingCode.MASK_OUT_OF_VIEW, Level.NOT, says, LOOK)
    doubted = replace(result, findings=(*(warning,) * 8, *result.findings))
    assert len(pypdf.PdfReader(io.BytesIO(report.pdf(scan, doubted))).pages) == 2


def test_a_picture_is_one_plane_and_has_volumes_only_with_a_pixel_size(slice_of_head):
    scan, sized, unsized = slice_of_head
    known, unknown = report_content(scan, sized, None), report_content(scan, unsized, None)
    assert len(known.pictures) == 1
    assert "for each mm of slice thickness" in known.volumes_note
    assert known.volumes.rows[0][1] == f"{sized.volumes_ml[Tissue.GM]:.1f}"
    assert len(unknown.volumes.head) == 2
    assert "no volumes" in unknown.volumes_note
    assert unknown.volumes.rows[0][1] == f"{unsized.fractions[Tissue.GM]:.1%}"
    for result in (sized, unsized):
        page = Page(report.html(scan, result))
        assert sum(tag == "img" for tag, _ in page.tags) == 2
        assert all(tissue.title in words_of(report.pdf(scan, result)) for tissue in Tissue)


def length_of_bar(image: np.ndarray) -> int:
    """Pixels of the bar in the lower left corner; 0 without one."""
    row = image[-render.LETTER_MARGIN - 2, render.LETTER_MARGIN :] == render.LETTER_GRAY
    return len(row) if row.all() else int(row.argmin())


def test_a_bar_of_50_mm_is_drawn_where_the_size_is_known(slice_of_head, volume):
    scan, sized, unsized = slice_of_head
    with_bar, without = (report_content(scan, result, None).pictures[0].original for result in (sized, unsized))
    seen = np.flatnonzero(sized.mask.any(0))
    margin = round(0.12 * (seen[-1] + 1 - seen[0]))
    columns = min(scan.data.shape[1], seen[-1] + 1 + margin) - max(0, seen[0] - margin)
    assert length_of_bar(with_bar) == pytest.approx(25 * with_bar.shape[1] / columns, abs=2)  # 25 pixels of 2 mm
    assert length_of_bar(without) == 0
    lengths = {length_of_bar(shot.original) for shot in report_content(*volume, None).pictures}
    assert len(lengths) == 1  # all planes are in one scale
    assert lengths.pop() > 50


def test_letters_are_drawn_only_where_the_file_says_which_side_is_left(volume):
    scan, result = volume
    unknown = replace(scan, sides_known=False)
    with_letters, without = report_content(scan, result, None), report_content(unknown, result, None)
    assert "right is at the left" in with_letters.sides
    assert "does not say" in without.sides
    for a, b in zip(with_letters.pictures, without.pictures, strict=True):
        middle = slice(a.height // 2 - 12, a.height // 2 + 12)
        assert (a.original[middle, :20] != b.original[middle, :20]).any()


def test_the_patients_right_is_at_the_left_whatever_the_files_axes(volume):
    scan, result = volume
    data = np.array(scan.data)
    data[: data.shape[0] // 2] *= np.float32(0.3)  # canonical axes run from left to right: the left is dark
    found = []
    for axes in (("R", "A", "S"), ("P", "S", "R"), ("L", "P", "S")):
        (turned, affine), (labels, _) = (stored_as(axes, array, scan.affine) for array in (data, result.labels))
        again = read(nibabel.Nifti1Image(turned, affine).to_bytes())
        found.append(report_content(again, replace(result, labels=labels), None).pictures)
    axial = found[0][0].original
    assert axial[:, axial.shape[1] // 2 :].mean() < 0.6 * axial[:, : axial.shape[1] // 2].mean()
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a.original, b.original)
            np.testing.assert_array_equal(a.segmented, b.segmented)


def test_the_slices_cut_the_brain_in_its_middle_and_show_all_of_it(volume):
    for shot in report_content(*volume, None).pictures:
        changed = np.ptp(shot.segmented, -1) > 0  # in color
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert 0.6 < len(rows) / shot.height < 0.95
        assert 0.6 < len(columns) / shot.width < 0.95
        assert changed.mean() > 0.3


def test_of_a_slab_only_the_plane_that_shows_something_is_drawn(volume):
    scan, result = volume
    slab = slice(40, 48)
    thin = replace(scan, data=scan.data[:, :, slab])
    cut = replace(result, labels=result.labels[:, :, slab])
    titles = [shot.title for shot in report_content(thin, cut, None).pictures]
    assert len(titles) == 1
    assert titles[0].startswith("Axial")


def test_the_pictures_of_the_page_are_those_of_the_parts(volume):
    html = report.html(*volume)
    contents = re.findall(r"base64,([^\"]+)", html)
    shots = report_content(*volume, None).pictures
    assert len(contents) == 2 * len(shots)
    for content, expected in zip(contents, [s for p in shots for s in (p.original, p.segmented)], strict=True):
        image = PIL.Image.open(io.BytesIO(base64.b64decode(content)))
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert not image.info  # no time, no software, no comment


def test_without_its_fonts_the_error_says_what_to_install(volume, monkeypatch):
    monkeypatch.setattr(report_pdf, "find_spec", lambda name: None)
    with pytest.raises(MrisegError, match="font-source-sans-pro"):
        report.pdf(*volume)


def test_the_files_follow_the_stem_like_the_others(volume):
    files = report.outputs(*volume)
    assert set(files) == {"_desc-tissue_report.html", "_desc-tissue_report.pdf"}
    assert files["_desc-tissue_report.html"]().startswith(b"<!DOCTYPE html>")
    assert files["_desc-tissue_report.pdf"]().startswith(b"%PDF-")


def test_the_first_report_lets_go_of_its_scan():
    """Asked of a program that has made none before."""
    code = (
        "import gc, weakref, mriseg; from mriseg import report; from mriseg.datasets.samples import SAMPLES\n"
        "def made():\n"
        " scan, _ = SAMPLES['slice-t1'].make(); result = mriseg.segment(scan)\n"
        " report.pdf(scan, result); report.html(scan, result)\n"
        " return weakref.ref(scan), weakref.ref(result)\n"
        "kept = made(); gc.collect(); print([one() for one in kept])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "[None, None]\n"
