import base64
import io
import re
from dataclasses import replace

import numpy as np
import PIL.Image

from mriseg import report
from mriseg.plotting import slices as render
from mriseg.report.content import report_content
from tests.report.documents import Page


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


def test_the_pictures_of_the_page_are_those_of_the_parts(volume):
    html = report.html(*volume)
    contents = re.findall(r"base64,([^\"]+)", html)
    shots = report_content(*volume, None).pictures
    assert len(contents) == 2 * len(shots)
    for content, expected in zip(contents, [s for p in shots for s in (p.original, p.segmented)], strict=True):
        image = PIL.Image.open(io.BytesIO(base64.b64decode(content)))
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert not image.info  # no time, no software, no comment


def test_only_what_there_is_has_a_place_on_the_page(volume, slice_of_head):
    of_volume, of_picture = (Page(report.html(*pair)).words for pair in (volume, slice_of_head[:2]))
    assert "radiological convention" in of_volume
    assert "radiological convention" not in of_picture  # a picture has no sides
    assert "What was done" in of_volume
    scan, result = volume
    assert "What was done" not in Page(report.html(scan, replace(result, notes=()))).words


def test_the_longer_the_verdict_the_smaller_the_pictures_on_paper(volume):
    scan, result = volume
    width = [
        int(re.search(r"--paper: (\d+)mm", report.html(scan, replace(result, findings=findings)))[1])
        for findings in (result.findings, result.findings * 2)
    ]
    assert width[1] < width[0]
