import datetime
import io
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pypdf
import pytest

from mriseg import Contrast, Tissue, read, report, segment
from mriseg.core.decimals import percent
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.version import DISCLAIMER, __version__
from mriseg.datasets.phantom import simulate
from mriseg.quality.definitions import FIGURES
from mriseg.report.content import LEVELS, _value, report_content
from mriseg.segmentation.verdict import verdict
from tests.report.documents import Page, words_of


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
            row = f"{result.volumes_ml[tissue]:.0f} {low:.0f} to {high:.0f} {percent(result.fractions[tissue], 1)}"
            assert f"{tissue.title} ({tissue.abbreviation}) {row}" in text
        assert f"Intracranial volume (ICV) {result.brain_ml:.0f}" in text

    def test_the_ratios_are_those_of_the_volumes(self, both, which, volume):
        ml = volume[1].volumes_ml
        text = " ".join(both[which].split())
        parenchyma = (ml[Tissue.GM] + ml[Tissue.WM]) / sum(ml.values())
        assert f"(GM + WM) / (GM + WM + CSF): {parenchyma:.3f}" in text
        assert f"GM / WM: {ml[Tissue.GM] / ml[Tissue.WM]:.2f}" in text

    def test_the_mixture_is_in_figures(self, both, which, volume):
        mixture, curves = volume[1].mixture, volume[1].curves
        text = " ".join(both[which].split())
        values = zip(mixture.tissues, curves.class_shares, curves.class_means, curves.class_sds, strict=True)
        for tissue, weight, mean, sd in values:
            assert f"{tissue.title} {weight:.3f} {mean:.4g} {sd:.3g}" in text
        for _, mean, sd in (part for k in range(curves.classes + 1) for part in curves.gaussians_of(k)):
            assert f"N({mean:.4g}, {sd:.3g}²)" in text

    def test_every_figure_of_quality_has_its_meaning(self, both, which, volume):
        text = " ".join(both[which].split())
        shown = [figure for figure in FIGURES if figure.key in volume[1].quality and figure.usual]
        assert len(shown) > 4
        for figure in shown:
            assert f"{figure.name} {_value(volume[1].quality[figure.key], figure)}" in text
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


def test_the_same_result_gives_the_same_bytes_of_less_than_a_megabyte(volume):
    day = datetime.date(2031, 5, 17)
    for make in (report.html, report.pdf):
        first = make(*volume, day)
        assert first == make(*volume, day)
        assert len(first if isinstance(first, bytes) else first.encode()) < 1e6


@pytest.mark.slow
def test_a_picture_is_one_plane_and_has_volumes_only_with_a_pixel_size(slice_of_head):
    scan, sized, unsized = slice_of_head
    known, unknown = report_content(scan, sized, None), report_content(scan, unsized, None)
    assert len(known.pictures) == 1
    assert "per mm of slice thickness" in known.volumes_note
    assert known.volumes.rows[0][1] == f"{sized.volumes_ml[Tissue.GM]:.1f}"
    assert len(unknown.volumes.head) == 2
    assert "no volumes" in unknown.volumes_note
    assert unknown.volumes.rows[0][1] == percent(unsized.fractions[Tissue.GM], 1)
    for result in (sized, unsized):
        page = Page(report.html(scan, result))
        assert sum(tag == "img" for tag, _ in page.tags) == 2
        assert all(tissue.title in words_of(report.pdf(scan, result)) for tissue in Tissue)


def test_the_files_follow_the_stem_like_the_others(volume):
    files = report.outputs(*volume)
    assert set(files) == {"_desc-tissue_report.html", "_desc-tissue_report.pdf"}
    assert files["_desc-tissue_report.html"]().startswith(b"<!DOCTYPE html>")
    assert files["_desc-tissue_report.pdf"]().startswith(b"%PDF-")


@pytest.mark.slow
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


def test_a_report_bears_the_id_of_its_scan_or_a_line_to_write_it_on(volume):
    for words_with in (
        lambda scan_id: Page(report.html(*volume, None, scan_id)).words,
        lambda scan_id: words_of(report.pdf(*volume, None, scan_id)),
    ):
        assert "Scan ID: P017" in words_with("P017")
        assert "Scan ID: ____" in words_with("")
        assert "Scan ID: b-1" in words_with("<b>1")
