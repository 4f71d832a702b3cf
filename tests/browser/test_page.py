"""What a visitor sees. Screenshots of each step stay in test-artifacts/."""

import io

import nibabel
import pytest

from mriseg import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.export.images import encode_scan
from tests.browser.conftest import CANVAS, assert_whole, colors, drop, keep, shown_result, wait_for_another

pytestmark = pytest.mark.browser


def bars(page) -> str:
    """The heights of the histogram's bars, as drawn."""
    paths = page.locator(".js-plotly-plot .barlayer path").all()
    return "".join(path.get_attribute("d") or "" for path in paths[::16])


def test_the_page_opens_with_scan_segmentation_and_histogram_in_view(page):
    keep(page, "opening")
    assert_whole(page)
    for words in ("Original", "Segmented", "Gray matter", "White matter", "Cerebrospinal fluid"):
        assert page.get_by_text(words).count() > 0
    for selector in (CANVAS, ".js-plotly-plot"):
        box = page.locator(selector).first.bounding_box()
        assert box["y"] + box["height"] <= 900  # nobody needs to scroll


@pytest.mark.parametrize("kind", ["picture", "volume"])
def test_a_dropped_scan_changes_pictures_plot_and_figures(page, kind, coarse):
    content, name = {
        "picture": lambda: (encode_scan(SAMPLES["slice-t2"].make()[0]), "slice.jpg"),
        "volume": lambda: (encode_scan(simulate(coarse, Contrast.T2)), "head.nii.gz"),
    }[kind]()
    plot = bars(page)
    figures = page.locator('[data-testid="stMetricValue"]').all_inner_texts()
    drop(page, name, content)
    keep(page, f"dropped-{kind}")
    assert_whole(page)
    assert bars(page) != plot
    assert page.locator('[data-testid="stMetricValue"]').all_inner_texts() != figures
    assert page.get_by_text("T2-weighted").count() > 0


def test_the_segmented_picture_shows_the_colors_of_all_tissues(page):
    assert min(colors(page, 1).values()) > 500
    assert max(colors(page, 0).values()) == 0  # the original is gray


def test_the_margin_moves_the_outline(page, coarse):
    drop(page, "head.nii.gz", encode_scan(simulate(coarse, Contrast.T1)))
    before = shown_result(page)
    tissue = sum(colors(page, 1).values())
    page.locator('[role="group"][aria-label="Brain outline: shrink / grow (mm)"] input').focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_another(page, before)
    page.get_by_text("Display options").click()
    page.get_by_role("button", name="Brain border").click()
    keep(page, "looser")
    assert_whole(page)
    assert sum(colors(page, 1).values()) > tissue


def test_the_other_half_of_a_scan_may_follow_and_another_scan_replaces_both(page, coarse):
    scan = simulate(coarse, Contrast.T1)
    pair = nibabel.Nifti1Pair(scan.data, scan.affine)
    halves = {"header": io.BytesIO(), "image": io.BytesIO()}
    for half, stream in halves.items():
        pair.file_map[half].fileobj = stream
    pair.to_file_map()
    box = page.locator("input[type=file]").first
    box.set_input_files({"name": "t1.hdr", "mimeType": "", "buffer": halves["header"].getvalue()})
    page.get_by_text("one half of a .hdr/.img pair").wait_for()
    box.set_input_files({"name": "t1.img", "mimeType": "", "buffer": halves["image"].getvalue()})
    wait_for_another(page, None)
    keep(page, "pair")
    assert_whole(page)
    drop(page, "slice.png", encode_scan(SAMPLES["slice-t1"].make()[0]))
    assert page.get_by_text("Plane", exact=True).count() == 0  # a picture has one
    assert_whole(page)


def test_a_folder_of_scans_is_chosen_from(page, coarse, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    for contrast in (Contrast.FLAIR, Contrast.T1):
        (folder / f"{contrast.setting}.nii.gz").write_bytes(encode_scan(simulate(coarse, contrast)))
    page.get_by_text("Upload a DICOM folder").click()
    before = shown_result(page)
    page.locator("input[type=file][webkitdirectory]").set_input_files(folder)
    page.get_by_text("Series", exact=True).wait_for()
    wait_for_another(page, before)
    keep(page, "folder")
    assert_whole(page)
    page.get_by_role("combobox", name="Series").click()
    assert page.get_by_role("option").count() == 2


def test_a_bad_file_gets_a_sentence_and_the_page_stays_usable(page):
    page.locator("input[type=file]").first.set_input_files(
        {"name": "scan.nii.gz", "mimeType": "", "buffer": b"these words are no scan"}
    )
    page.get_by_text("its content is not").wait_for()
    keep(page, "bad-file")
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator(CANVAS).count() == 0
    page.locator("input[type=file]").first.set_input_files(
        {"name": "slice.png", "mimeType": "image/png", "buffer": encode_scan(SAMPLES["slice-t1"].make()[0])}
    )
    wait_for_another(page, None)
    assert_whole(page)
