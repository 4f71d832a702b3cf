"""What a visitor sees. Screenshots of each step stay in test-artifacts/."""

import io

import nibabel
import pytest

from mriseg import Contrast
from mriseg.phantom import simulate
from mriseg.samples import SAMPLES
from mriseg.write import encode_scan
from tests.browser.conftest import SCREENSHOTS, rest

pytestmark = pytest.mark.browser
PICTURES = '[data-testid="stImage"] img'


def sources(page) -> list[str]:
    return [image.get_attribute("src") for image in page.locator(PICTURES).all()]


def bars(page) -> str:
    """The heights of the histogram's bars, as drawn."""
    paths = page.locator(".js-plotly-plot .barlayer path").all()
    return "".join(path.get_attribute("d") or "" for path in paths[::16])


def keep(page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def drop(page, name: str, content: bytes) -> None:
    """Give a file to the first input and wait until its pictures stand."""
    before = sources(page)[0]
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": "", "buffer": content})
    page.wait_for_function(
        "([selector, before]) => { const image = document.querySelector(selector);"
        " return image && image.getAttribute('src') !== before }",
        arg=[PICTURES, before],
    )
    rest(page)


def assert_whole(page) -> None:
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator('[data-testid="stAlertContentError"]').count() == 0
    assert page.requests_outside == []
    for image in page.locator(PICTURES).all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 100")


def test_the_page_opens_with_scan_segmentation_and_histogram_in_view(page):
    keep(page, "opening")
    assert_whole(page)
    for words in ("Original", "Segmented", "Gray matter", "White matter", "Cerebrospinal fluid"):
        assert page.get_by_text(words).count() > 0
    for selector in (PICTURES, ".js-plotly-plot"):
        box = page.locator(selector).first.bounding_box()
        assert box["y"] + box["height"] <= 900  # nobody needs to scroll


@pytest.mark.parametrize("kind", ["picture", "volume"])
def test_a_dropped_scan_changes_pictures_plot_and_figures(page, kind, phantom):
    content, name = {
        "picture": lambda: (encode_scan(SAMPLES["slice-t2"].make()[0]), "slice.jpg"),
        "volume": lambda: (encode_scan(simulate(phantom, Contrast.T2)), "head.nii.gz"),
    }[kind]()
    pictures, plot = sources(page), bars(page)
    figures = page.locator('[data-testid="stMetricValue"]').all_inner_texts()
    drop(page, name, content)
    keep(page, f"dropped-{kind}")
    assert_whole(page)
    assert not {*pictures} & {*sources(page)}
    assert bars(page) != plot
    assert page.locator('[data-testid="stMetricValue"]').all_inner_texts() != figures
    assert page.get_by_text("T2w").count() > 0


def test_the_segmented_picture_shows_the_colours_of_all_tissues(page):
    colours = (
        page.locator(PICTURES)
        .nth(1)
        .evaluate(
            """image => {
            const canvas = document.createElement('canvas');
            canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            const count = {orange: 0, yellow: 0, blue: 0};
            for (let i = 0; i < data.length; i += 4) {
                const [r, g, b] = data.slice(i, i + 3);
                if (b - r > 60) count.blue += 1;
                else if (r - b > 60 && g - b > 60) count[r - g > 35 ? 'orange' : 'yellow'] += 1;
            }
            return count;
        }"""
        )
    )
    assert min(colours.values()) > 500, colours


def test_moving_the_slice_redraws_both_pictures(page, phantom):
    drop(page, "head.nii.gz", encode_scan(simulate(phantom, Contrast.T2)))
    before = sources(page)
    page.locator('[role="group"][aria-label="Slice"] input').focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([selector, before]) => document.querySelector(selector).getAttribute('src') !== before",
        arg=[PICTURES, before[0]],
    )
    rest(page)
    keep(page, "another-slice")
    assert_whole(page)
    assert not {*before} & {*sources(page)}


def test_the_brains_outline_is_shown_and_moves_with_the_margin(page, phantom):
    drop(page, "head.nii.gz", encode_scan(simulate(phantom, Contrast.T1)))
    shown = [sources(page)[0]]

    def wait_for_another() -> None:
        page.wait_for_function(
            "([selector, before]) => document.querySelector(selector)?.getAttribute('src') !== before",
            arg=[PICTURES, shown[-1]],
        )
        rest(page)
        shown.append(sources(page)[0])

    page.get_by_text("Outline", exact=True).click()
    wait_for_another()
    keep(page, "outline")
    page.locator('[role="group"][aria-label="Tighter or looser (mm)"] input').focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_another()
    keep(page, "looser")
    assert_whole(page)
    assert len({*shown}) == 3


def test_the_other_half_of_a_scan_may_follow_and_another_scan_replaces_both(page, phantom):
    scan = simulate(phantom, Contrast.T1)
    pair = nibabel.Nifti1Pair(scan.data, scan.affine)
    halves = {"header": io.BytesIO(), "image": io.BytesIO()}
    for half, stream in halves.items():
        pair.file_map[half].fileobj = stream
    pair.to_file_map()
    box = page.locator("input[type=file]").first
    box.set_input_files({"name": "t1.hdr", "mimeType": "", "buffer": halves["header"].getvalue()})
    page.get_by_text("one half of a .hdr/.img pair").wait_for()
    box.set_input_files({"name": "t1.img", "mimeType": "", "buffer": halves["image"].getvalue()})
    page.locator(PICTURES).first.wait_for()
    rest(page)
    keep(page, "pair")
    assert_whole(page)
    drop(page, "slice.png", encode_scan(SAMPLES["slice-t1"].make()[0]))
    assert page.get_by_text("Plane").count() == 0  # a picture has one
    assert_whole(page)


def test_a_folder_of_scans_is_chosen_from(page, phantom, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    for contrast in (Contrast.FLAIR, Contrast.T1):
        (folder / f"{contrast.setting}.nii.gz").write_bytes(encode_scan(simulate(phantom, contrast)))
    page.get_by_text("Or a whole folder").click()
    before = sources(page)[0]
    page.locator("input[type=file][webkitdirectory]").set_input_files(folder)
    page.get_by_text("Scan in it").wait_for()
    page.wait_for_function(
        "([selector, before]) => document.querySelector(selector)?.getAttribute('src') !== before",
        arg=[PICTURES, before],
    )
    rest(page)
    keep(page, "folder")
    assert_whole(page)
    page.get_by_role("combobox", name="Scan in it").click()
    assert page.get_by_role("option").count() == 2


def test_a_bad_file_gets_a_sentence_and_the_page_stays_usable(page):
    page.locator("input[type=file]").first.set_input_files(
        {"name": "scan.nii.gz", "mimeType": "", "buffer": b"these words are no scan"}
    )
    page.get_by_text("its content is not").wait_for()
    keep(page, "bad-file")
    assert page.locator('[data-testid="stException"]').count() == 0
    assert page.locator(PICTURES).count() == 0
    page.locator("input[type=file]").first.set_input_files(
        {"name": "slice.png", "mimeType": "image/png", "buffer": encode_scan(SAMPLES["slice-t1"].make()[0])}
    )
    page.locator(PICTURES).first.wait_for()
    rest(page)
    assert_whole(page)
