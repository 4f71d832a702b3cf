"""Every way through the page, without a browser."""

import gc
import io
import re
import weakref
import zipfile
from html import escape
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.testing.v1 import AppTest

from mriseg import Contrast, Tissue, segment
from mriseg.core.scan import volume
from mriseg.datasets import samples
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.evaluation.agreement import dice
from mriseg.evaluation.baselines import METHODS
from mriseg.export.images import encode_scan
from tests.messages import split_message
from tests.patience import PATIENCE

ENTRY = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture
def page() -> AppTest:
    """The page as it opens."""
    return AppTest.from_file(ENTRY, default_timeout=PATIENCE).run()


@pytest.fixture(scope="module")
def slice_file() -> bytes:
    return encode_scan(SAMPLES["slice-t2"].make()[0])


@pytest.fixture(scope="module")
def head_file(coarse) -> bytes:
    return encode_scan(simulate(coarse, Contrast.T1))


@pytest.fixture(scope="module")
def flair_file(coarse) -> bytes:
    return encode_scan(simulate(coarse, Contrast.FLAIR))


def drop(page: AppTest, content: bytes, name: str) -> AppTest:
    return page.file_uploader[0].set_value((name, content, "")).run()


def kept(page: AppTest):
    return page.session_state["analysis"]


def metrics(page: AppTest) -> list[str]:
    return [metric.value for metric in page.metric]


def sent(page: AppTest) -> dict:
    """What the viewer is told, without the slices."""
    return next(split_message(part.proto.bytes)[1] for part in page.get("bidi_component") if part.proto.bytes)


def words(page: AppTest) -> str:
    return "\n".join(element.value for kind in ("markdown", "caption", "latex") for element in page.get(kind))


def verdict(page: AppTest) -> str:
    (line,) = [
        body
        for body in (element.proto.body for element in page.get("html"))
        if '<details class="mriseg-verdict' in body
    ]
    return line


def knob(page: AppTest, label: str):
    return next(
        knob
        for kind in ("slider", "select_slider", "number_input", "toggle")
        for knob in getattr(page.sidebar, kind)
        if knob.label == label
    )


def uploader(page: AppTest, label: str):
    return next(box for box in page.file_uploader if box.label == label)


def pictures(page: AppTest) -> list:
    """What `st.image` drew; until Streamlit 1.66 it is called otherwise."""
    return [*page.get("image"), *page.get("imgs")]


def open_tab(page: AppTest, title: str) -> AppTest:
    """As a click on the tab does."""
    page.session_state["more"] = title
    return page.run()


def test_a_second_visitor_finds_the_same_opening(page):
    again = AppTest.from_file(ENTRY, default_timeout=PATIENCE).run()
    assert nothing_broke(again)
    assert metrics(again) == metrics(page)


def nothing_broke(page: AppTest) -> bool:
    return not page.exception and not page.error


def test_the_page_opens_on_a_segmented_sample(page):
    assert nothing_broke(page)
    said = sent(page)["texts"]
    assert (said["original"], said["layers"]["segmented"]) == ("Original", "Segmented")
    assert len(page.get("plotly_chart")) == 1
    assert [metric.label for metric in page.metric] == [tissue.title for tissue in Tissue]
    assert "Not a medical device" in "".join(element.proto.body for element in page.get("html"))


def test_the_formula_holds_the_fitted_values(page):
    curves = kept(page).result.curves
    open_tab(page, "How this was computed")
    formula = page.get("latex")[1].value
    for mean in curves.means:
        assert f"{mean:.4g}" in formula


def test_every_symbol_of_the_formulas_is_defined(page):
    open_tab(page, "How this was computed")
    defined = {math for line in words(page).splitlines() for math in re.findall(r"\$([^$]+)\$", line)}
    said = " ".join(defined)
    formulas = " ".join(page.get("latex")[at].value for at in (0, 2, 3))
    letters = re.findall(r"(?:\\(?:pi|mu|sigma|omega)|(?<![\\A-Za-z])[a-z])(?:_\{\w+\}|_\w)?(?![A-Za-z])", formulas)
    symbols = {letter.strip() for letter in letters} - {"d", "df"}
    assert {r"\pi_{ab}", r"\omega", "u", "m_{ab}", "h_{ab}", "w_{kj}", r"\sigma", "f"} <= symbols
    assert {symbol for symbol in symbols if symbol not in said} == set()


def test_what_each_step_buys_is_told_for_the_sample(page):
    page.session_state["ladder open"] = True  # as a click on the fold does
    page.run()
    assert nothing_broke(page)
    shown = next(block.proto.body for block in page.get("html") if "mriseg-ladder" in block.proto.body)
    result = kept(page)
    for tissue, value in dice(result.result.labels, result.truth).items():
        assert f"<td>{value:.3f}<" in shown, tissue
    assert [method.title for method in METHODS.values() if escape(method.title) not in shown] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slice-t1", "head-t2"])
def test_a_sample_with_a_known_truth_shows_how_well_it_agrees(page, name, monkeypatch):
    monkeypatch.setattr(samples, "_head", lambda: make_phantom(spacing=3.0))  # half as fine
    page.sidebar.selectbox[0].select(name).run()
    assert nothing_broke(page)
    assert "ground truth" in words(page)
    assert kept(page).result.contrast.setting == name.split("-")[1]


def test_a_dropped_picture_is_segmented_at_once_and_has_no_volumes(page, slice_file):
    drop(page, slice_file, "slice.jpg")  # a PNG: what it is, its bytes say
    assert nothing_broke(page)
    assert kept(page).result.contrast is Contrast.T2
    assert all(value.endswith("%") for value in metrics(page))
    assert sent(page)["kind"] == "picture"
    assert sent(page)["affine"] is None


def test_with_a_pixel_size_a_picture_has_volumes(page, slice_file):
    drop(page, slice_file, "slice.png")
    knob(page, "Pixel size in mm").set_value(1.0).run()
    assert all(value.endswith(" mL/mm") for value in metrics(page))


@pytest.mark.slow
def test_a_dropped_volume_is_segmented_at_once(page, head_file):
    drop(page, head_file, "head.nii.gz")
    assert nothing_broke(page)
    result = kept(page).result
    assert result.contrast is Contrast.T1
    assert metrics(page) == [f"{result.volumes_ml[tissue]:.0f} mL" for tissue in Tissue]


def test_a_wrong_contrast_is_one_click_to_change(page, slice_file):
    drop(page, slice_file, "slice.png")
    found = kept(page).result
    page.sidebar.button_group[0].set_value("t1").run()
    said = kept(page).result
    assert said.contrast is Contrast.T1
    assert said.brain is found.brain  # it was not searched again
    # The bright fluid of a T2-weighted scan is white matter to whoever insists on T1.
    assert said.mixture.tissues[-1] is Tissue.WM
    assert found.mixture.tissues[-1] is Tissue.CSF


def test_another_scan_starts_with_an_open_contrast(page, slice_file):
    page.sidebar.button_group[0].set_value("t1").run()
    drop(page, slice_file, "slice.png")
    assert kept(page).result.settings.contrast == "auto"


def test_a_volume_comes_in_its_planes_at_the_slices_with_most_brain(page, head_file):
    drop(page, head_file, "head.nii.gz")
    header = sent(page)
    assert {(part["axis"], part["index"]) for part in header["slices"]} == set(enumerate(kept(page).widest))
    assert [title for _, title in header["planes"]] == ["Axial", "Coronal", "Sagittal"]
    assert nothing_broke(page)


def test_another_setting_is_another_result_of_the_same_scan(page, head_file):
    drop(page, head_file, "head.nii.gz")
    before = sent(page)
    knob(page, "Spatial smoothing strength").set_value(0.0).run()
    after = sent(page)
    assert after["scan"] == before["scan"]
    assert after["result"] != before["result"]


def test_smoothness_answers_without_searching_the_brain_again(page, slice_file):
    drop(page, slice_file, "slice.png")
    before = kept(page).result
    knob(page, "Spatial smoothing strength").set_value(0.0).run()
    after = kept(page).result
    assert after.brain is before.brain
    assert after.settings.smoothness == 0
    assert not np.array_equal(after.labels, before.labels)


def test_another_number_of_classes_answers_without_searching_the_brain_again(page, slice_file):
    drop(page, slice_file, "slice.png")
    before = kept(page).result
    knob(page, "Number of tissue classes").set_value(5).run()
    assert nothing_broke(page)
    after = kept(page).result
    assert after.brain is before.brain
    assert after.mixture.classes == 5
    open_tab(page, "How this was computed")
    formula = page.get("latex")[1].value
    for mean in after.curves.means:
        assert f"{mean:.4g}" in formula


def test_the_average_brain_need_not_be_asked(page, head_file):
    open_tab(drop(page, head_file, "head.nii.gz"), "Numbers and trust")
    assert "weak anatomical prior" in words(page)
    next(toggle for toggle in page.sidebar.toggle if toggle.label == "Use anatomical prior (MNI152)").set_value(
        False
    ).run()
    assert nothing_broke(page)
    assert "weak anatomical prior" not in words(page)
    assert not kept(page).result.settings.use_position


@pytest.mark.slow
def test_a_second_contrast_is_fitted_with_the_first(page, head_file, flair_file):
    drop(page, head_file, "head.nii.gz")
    assert len(page.get("plotly_chart")) == 1
    uploader(page, "Add T2 or FLAIR of the same head").set_value([("flair.nii.gz", flair_file, "")]).run()
    assert nothing_broke(page)
    assert kept(page).result.mixture.channels == 2
    assert len(page.get("plotly_chart")) == 2


def test_a_second_contrast_on_another_grid_is_refused_in_words(page, head_file, slice_file):
    drop(page, head_file, "head.nii.gz")
    uploader(page, "Add T2 or FLAIR of the same head").set_value([("slice.png", slice_file, "")]).run()
    assert not page.exception
    assert "one grid" in page.error[0].value


def test_the_brain_is_made_tighter_and_looser_without_searching_it_again(page, slice_file):
    drop(page, slice_file, "slice.png")
    found = kept(page).result
    sizes = {}
    for margin in (-2.0, 2.0):
        page.sidebar.slider(key="margin").set_value(margin).run()
        assert nothing_broke(page)
        moved = kept(page).result
        assert moved.brain is found.brain
        sizes[margin] = moved.mask.sum()
    assert sizes[-2.0] < found.mask.sum() < sizes[2.0]


def test_everything_can_be_used(page, slice_file):
    drop(page, slice_file, "slice.png")
    page.sidebar.selectbox(key="brain").select("all").run()
    assert nothing_broke(page)
    assert kept(page).result.mask.all()
    assert "Brain outline **as chosen**" in words(page)


@pytest.mark.slow
def test_a_mask_of_ones_own_is_used_and_taking_it_away_brings_the_found_one_back(page, head_file, coarse):
    drop(page, head_file, "head.nii.gz")
    found = kept(page).result.mask
    page.sidebar.selectbox(key="brain").select("own").run()
    np.testing.assert_array_equal(kept(page).result.mask, found)  # none is there yet
    own = encode_scan(volume((coarse.truth > 0).astype(np.float32), coarse.affine))
    page.file_uploader(key="mask").set_value(("mask.nii.gz", own, "")).run()
    assert nothing_broke(page)
    np.testing.assert_array_equal(kept(page).result.mask, coarse.truth > 0)
    page.sidebar.selectbox(key="brain").select("auto").run()
    np.testing.assert_array_equal(kept(page).result.mask, found)


def test_a_mask_on_another_grid_is_refused_in_words(page, head_file, slice_file):
    drop(page, head_file, "head.nii.gz")
    page.sidebar.selectbox(key="brain").select("own").run()
    page.file_uploader(key="mask").set_value(("mask.png", slice_file, "")).run()
    assert "Give a mask on the scan's grid" in page.error[0].value


def test_a_doubtful_brain_shows_its_outline_and_says_why(page):
    """A stripped bottle."""
    rows, columns = np.ogrid[:160, :140]
    bottle = 120.0 * (np.hypot(rows - 80, columns - 70) < 60)
    bottle += (bottle > 0) * np.random.default_rng(0).normal(0, 4, bottle.shape)
    stream = io.BytesIO()
    PIL.Image.fromarray(np.clip(bottle, 0, 255).astype(np.uint8)).save(stream, "PNG")
    drop(page, stream.getvalue(), "bottle.png")
    assert nothing_broke(page)
    assert kept(page).result.brain.doubtful
    assert "no skull" in verdict(page)
    assert sent(page)["doubtful"]  # the viewer then draws the outline


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"no scan at all", "named .nii, but its content is not"),
        (encode_scan(SAMPLES["slice-t1"].make()[0])[:2000], "The picture is damaged"),
    ],
)
def test_a_bad_file_gets_the_engines_sentence_and_the_page_goes_on(page, content, sentence, slice_file):
    drop(page, content, "scan.nii.gz")
    assert not page.exception
    assert sentence in page.error[0].value
    assert not page.metric  # nothing of the scan before is shown as if it were this one's
    page.sidebar.selectbox[0].select("slice-t1").run()
    assert nothing_broke(page)
    assert page.metric


def test_a_constant_picture_is_refused_in_words(page):
    stream = io.BytesIO()
    PIL.Image.fromarray(np.full((64, 64), 7, np.uint8)).save(stream, "PNG")
    drop(page, stream.getvalue(), "flat.png")
    assert "same value" in page.error[0].value


@pytest.mark.slow
def test_what_nobody_foresaw_becomes_a_sentence(page, slice_file, monkeypatch):
    for step in ("mriseg.app.server.uploads.contents", "mriseg.app.session.segment"):
        with monkeypatch.context() as broken:
            broken.setattr(step, lambda *anything, **others: 1 / 0)
            drop(page, slice_file, "slice.png")
        assert not page.exception
        assert "not foreseen (ZeroDivisionError)" in page.error[0].value
        page.file_uploader[0].set_value(None).run()


def drop_all(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return page.file_uploader[0].set_value([(name, content, "") for name, content in files]).run()


@pytest.mark.slow
def test_the_halves_of_a_pair_are_one_scan(page, coarse):
    scan = simulate(coarse, Contrast.T1)
    pair = nibabel.Nifti1Pair(scan.data, scan.affine)
    header, image = io.BytesIO(), io.BytesIO()
    pair.file_map["header"].fileobj, pair.file_map["image"].fileobj = header, image
    pair.to_file_map()
    drop(page, header.getvalue(), "t1.hdr")
    assert "one half" in page.error[0].value
    drop_all(page, ("t1.hdr", header.getvalue()), ("t1.img", image.getvalue()))
    assert nothing_broke(page)
    np.testing.assert_array_equal(kept(page).scan.data, scan.data)


@pytest.mark.slow
def test_of_several_scans_the_best_is_taken_another_can_be_chosen_and_both_fitted_together(
    page, head_file, flair_file, slice_file
):
    drop_all(page, ("a.png", slice_file), ("b.nii.gz", flair_file), ("c.nii.gz", head_file), ("d.txt", b"words"))
    assert nothing_broke(page)
    choice = next(box for box in page.sidebar.selectbox if box.label == "Series")
    assert [title[:8] for title in choice.options] == ["File 1: ", "File 2: ", "File 3: "]
    assert kept(page).result.contrast is Contrast.FLAIR  # of two alike the first
    choice.select_index(2).run()
    assert kept(page).result.contrast is Contrast.T1
    page.sidebar.multiselect[0].select(choice.options[1]).run()
    assert nothing_broke(page)
    assert kept(page).result.joint is not None


@pytest.mark.slow
def test_a_folder_is_taken_as_its_files(page, head_file):
    page.file_uploader(key="folder").set_value([("study/a/head.nii.gz", head_file, "")]).run()
    assert nothing_broke(page)
    assert kept(page).scan.kind == "volume"


def test_why_another_scan_cannot_be_segmented_is_said(page, slice_file):
    drop_all(
        page, ("slice.png", slice_file), ("tiny.nii", nibabel.Nifti1Image(np.ones((3, 3, 3)), np.eye(4)).to_bytes())
    )
    assert nothing_broke(page)
    assert "Not segmented: The volume is only 3 x 3 x 3 voxels" in words(page)


@pytest.mark.slow
def test_taking_the_scan_away_brings_the_opening_sample_back(page, slice_file):
    drop(page, slice_file, "slice.png")
    page.file_uploader[0].set_value(None).run()
    assert kept(page).source == next(iter(SAMPLES))


def test_an_earlier_upload_is_shown_again_and_another_may_be_taken_away_beside_it(page, slice_file):
    first, second = ("Doe_Jane.png", slice_file, ""), ("Doe_Jim.png", encode_scan(SAMPLES["slice-t1"].make()[0]), "")
    box = page.file_uploader(key="upload")
    box.set_value([first]).run()
    files = list(box._files)
    box = page.file_uploader(key="upload")
    box.set_value([first, second])
    box._files[0] = files[0]  # it stands there still
    box.run()
    files = list(box._files)
    chosen = page.sidebar.selectbox(key="source")
    assert [title.partition(" (")[0] for title in chosen.options[:2]] == ["Upload 2", "Upload 1"]
    assert chosen.value == "upload 2"
    found = kept(page).result.contrast
    chosen.select("upload 1").run()
    assert nothing_broke(page)
    assert kept(page).result.contrast is not found
    box = page.file_uploader(key="upload")
    box.set_value([first])
    box._files[0] = files[0]
    box.run()
    assert nothing_broke(page)
    assert page.sidebar.selectbox(key="source").value == "upload 1"
    assert "Doe" not in words(page)


def test_canceling_brings_back_what_stood_with_its_settings(page, slice_file, monkeypatch):
    box = page.file_uploader[0]
    box.set_value([("slice.png", slice_file, "")]).run()
    files = list(box._files)
    page.sidebar.button_group[0].set_value("t1").run()
    before = kept(page)
    later = encode_scan(SAMPLES["slice-t1"].make()[0])
    box = page.file_uploader[0]
    box.set_value([("slice.png", slice_file, ""), ("later.png", later, "")])
    box._files[0] = files[0]
    stopped: list[object] = []

    def stop(*arguments, **others):
        stopped.append(page.session_state["analysis"].is_aside)
        raise StopException

    with monkeypatch.context() as working:
        working.setattr("mriseg.app.session.segment", stop)
        box.run()
    assert stopped == [True]  # the labels of the earlier scan are kept, its intensities are not
    # As Streamlit does where the browser says that it is canceled: the callback, then the script anew.
    for key, value in page.session_state["controls of what stood last"].items():
        page.session_state[key] = value
    monkeypatch.setattr("mriseg.app.session.segment", lambda *_, **others: pytest.fail("it is segmented anew"))
    page.run()
    assert nothing_broke(page)
    assert kept(page).result is before.result
    assert page.sidebar.button_group[0].value == "t1"


@pytest.mark.parametrize(("label", "mask"), [("It is already skull-stripped", "none"), ("Use the whole image", "all")])
def test_a_scan_that_is_refused_is_shown_and_what_may_help_is_one_click(page, label, mask):
    noise = np.random.default_rng(0).integers(0, 255, (120, 120), dtype=np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(noise).save(stream, "PNG")
    drop(page, stream.getvalue(), "noise.png")
    assert "looks like a brain" in page.error[0].value
    assert not page.metric
    (picture,) = pictures(page)
    assert "as it was read" in picture.proto.imgs[0].caption
    next(button for button in page.main.button if button.label == label).click().run()
    assert page.sidebar.selectbox(key="brain").value == mask
    assert label not in [button.label for button in page.main.button]


def test_a_file_that_is_no_scan_gets_no_remedy(page):
    drop(page, b"these words are no scan", "scan.nii.gz")
    assert page.error
    assert not pictures(page)
    assert not [button for button in page.main.button if button.key and "remedy" in button.key]


def test_downloads_hold_the_result_and_no_name_of_the_dropped_file(page, slice_file):
    from mriseg.export.writer import outputs

    drop(page, slice_file, "Doe_Jane.png")
    labels = {button.label for button in page.get("download_button")}
    assert {
        "Labels",
        "Probabilities",
        "Brain mask",
        "Volumes (CSV)",
        "All figures (JSON)",
        "Everything (zip)",
    } <= labels
    assert "Doe" not in words(page)
    analysis = kept(page)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for suffix, content in outputs(analysis.scan, analysis.result).items():
            archive.writestr(f"mriseg{suffix}", content())
    assert b"Doe" not in stream.getvalue()


def test_a_typed_scan_id_goes_into_report_and_file_names_and_stays_with_its_scan(page, slice_file):
    from mriseg.app.panels import downloads

    asked = {}
    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(downloads, "download_button", lambda _, make, name, **more: asked.update({name: make}))
        drop(page, slice_file, "slice.png")
        page.sidebar.text_input[0].set_value("P 017/b").run()
    assert nothing_broke(page)
    assert sent(page)["scanId"] == "P-017-b"
    assert "Used as: P-017-b" in words(page)
    named = {name for name in asked if "P-017-b" in name}
    assert {name.replace("_P-017-b", "") for name in named} == set(asked) - named
    assert b"Scan ID: P-017-b" in asked["mriseg_P-017-b_desc-tissue_report.html"]()
    assert not dict(page.query_params)
    drop(page, encode_scan(SAMPLES["slice-t1"].make()[0]), "another.png")
    assert page.sidebar.text_input[0].value == ""
    assert sent(page)["scanId"] == ""
    page.sidebar.selectbox(key="source").select("slice-t1").run()
    assert not page.sidebar.text_input


def test_the_address_holds_sample_and_settings_and_opens_them_again(page):
    page.sidebar.selectbox(key="source").select("slice-t2").run()
    knob(page, "Number of tissue classes").set_value(4).run()
    knob(page, "Bias field correction").set_value(0.0).run()
    assert nothing_broke(page)
    again = AppTest.from_file(ENTRY, default_timeout=PATIENCE)
    for name, value in page.query_params.items():
        again.query_params[name] = value
    again.run()
    assert nothing_broke(again)
    assert kept(again).source == "slice-t2"
    assert kept(again).result.settings == kept(page).result.settings
    assert not kept(again).result.settings.correct_bias
    np.testing.assert_array_equal(kept(again).result.labels, kept(page).result.labels)


@pytest.mark.slow
def test_an_upload_leaves_nothing_in_the_address(page, slice_file):
    page.sidebar.selectbox(key="source").select("slice-t2").run()
    assert dict(page.query_params)
    drop(page, slice_file, "slice.png")
    knob(page, "Number of tissue classes").set_value(4).run()
    assert not dict(page.query_params)


def test_reset_brings_every_setting_back(page):
    first = kept(page).result
    knob(page, "Number of tissue classes").set_value(4).run()
    knob(page, "Spatial smoothing strength").set_value(0.0).run()
    assert kept(page).result.settings != first.settings
    next(button for button in page.sidebar.button if button.label == "Reset settings").click().run()
    assert kept(page).result.settings == first.settings
    np.testing.assert_array_equal(kept(page).result.labels, first.labels)


def test_the_verdict_and_every_figure_are_told(page):
    told = words(open_tab(page, "Numbers and trust"))
    assert "All automatic checks passed" in verdict(page)
    for title in ("Image quality", "(CJV)", "Partial-volume voxels"):
        assert title in told


def test_a_sample_is_compared_with_its_truth_and_the_viewer_gets_it(page):
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("truth").run()
    assert nothing_broke(page)
    assert sent(page)["comparedWith"] == "Ground truth"
    from mriseg.evaluation.agreement import dice

    truth = kept(page).truth
    for tissue, value in dice(kept(page).result.labels, truth).items():
        row = next(line for line in words(page).split("\n") if line.startswith(f"| {tissue.title} | {value:.3f}"))
        assert "%" in row


@pytest.mark.slow
def test_a_reference_in_another_order_is_matched_and_may_be_told_otherwise(page, head_file, coarse):
    drop(page, head_file, "head.nii.gz")
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("file").run()
    other = np.choose(kept(page).result.labels, [0, 30, 10, 20]).astype(np.int16)
    content = nibabel.Nifti1Image(other, kept(page).scan.affine).to_bytes()
    page.file_uploader(key="reference").set_value(("aseg.nii", content, "")).run()
    assert nothing_broke(page)
    chosen = {box.label.split()[1]: box.value for box in page.main.selectbox if box.label.startswith("Label")}
    assert chosen == {"10": "White matter", "20": "Cerebrospinal fluid", "30": "Gray matter"}
    assert "| Gray matter | 1.000 | 1.000 |" in words(page)
    next(box for box in page.main.selectbox if box.label.startswith("Label 30")).set_value("Not used").run()
    assert nothing_broke(page)
    assert "| Gray matter | 0.000 | 0.000 |" in words(page)


@pytest.mark.slow
def test_a_reference_on_another_grid_is_refused_in_words(page, head_file, slice_file):
    drop(page, head_file, "head.nii.gz")
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("file").run()
    page.file_uploader(key="reference").set_value(("truth.png", slice_file, "")).run()
    assert page.error
    assert not page.exception


def test_every_simpler_method_stands_beside_the_model(page):

    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("method").run()
    for key, method in METHODS.items():
        if key == "full":
            continue
        page.main.selectbox(key="compared method").select(key).run()
        assert nothing_broke(page)
        assert sent(page)["comparedWith"] == method.title


def test_all_methods_are_scored_against_the_truth_in_one_table(page):
    from mriseg.evaluation.agreement import dice
    from mriseg.evaluation.baselines import METHODS

    open_tab(page, "Compare")
    next(button for button in page.main.button if button.label == "Score all methods").click().run()
    assert nothing_broke(page)
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in words(page).splitlines() if line.count("|") == 8}
    assert {method.title for method in METHODS.values()} <= set(rows)
    result = dice(kept(page).result.labels, kept(page).truth)
    assert " | ".join(f"{result[tissue]:.3f}" for tissue in Tissue) in rows[METHODS["full"].title]
    knob(page, "Spatial smoothing strength").set_value(0.0).run()
    assert METHODS["k-means"].title not in words(page)  # of another result nothing is told until it is asked for


def test_a_pinned_result_stands_beside_a_new_one_in_one_move(page):
    open_tab(page, "Compare")
    next(button for button in page.main.button if button.label == "Pin this result").click().run()
    assert "| Gray matter | 1.000 |" in words(page)
    knob(page, "Spatial smoothing strength").set_value(0.0).run()
    assert nothing_broke(page)
    assert sent(page)["comparedWith"] == "Pinned result"
    assert "| Gray matter | 1.000 |" not in words(page)


def test_expectation_maximization_is_shown_step_by_step(page):
    page.session_state["steps open"] = True  # as a click on the fold does
    open_tab(page, "How this was computed")
    assert nothing_broke(page)
    assert len(page.get("plotly_chart")) == 3
    before = page.get("plotly_chart")[1].proto.spec
    slider = page.main.select_slider[0]
    slider.set_value(slider.options and 1).run()
    assert nothing_broke(page)
    assert page.get("plotly_chart")[1].proto.spec != before


def test_a_picture_has_nothing_to_turn(page):
    open_tab(page, "3-D")
    assert "one slice only" in words(page)
    assert nothing_broke(page)


@pytest.mark.slow
def test_a_further_contrast_goes_with_its_scan(page, head_file, flair_file, slice_file):
    drop(page, head_file, "t1.nii.gz")
    uploader(page, "Add T2 or FLAIR of the same head").set_value([("flair.nii.gz", flair_file, "")]).run()
    assert kept(page).result.joint is not None
    drop(page, slice_file, "slice.png")
    assert nothing_broke(page)
    assert kept(page).result.joint is None


@pytest.mark.slow
def test_the_size_of_a_pixel_goes_with_its_picture(page, slice_file):
    drop(page, slice_file, "slice.png")
    knob(page, "Pixel size in mm").set_value(0.5).run()
    assert kept(page).result.volumes_ml is not None
    drop(page, encode_scan(SAMPLES["slice-t1"].make()[0]), "another.png")
    assert kept(page).result.volumes_ml is None


def test_what_was_remembered_of_one_scan_is_not_shown_beside_another(page):
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("pinned").run()
    assert "pinned yet" in words(page)
    next(button for button in page.main.button if button.label == "Pin this result").click().run()
    assert sent(page)["comparedWith"] == "Pinned result"
    page.sidebar.selectbox(key="source").select("slice-t2").run()
    assert nothing_broke(page)
    assert sent(page)["comparedWith"] is None


def test_another_scan_is_compared_with_nothing_until_it_is_asked_for(page, slice_file):
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("method").run()
    assert sent(page)["comparedWith"] is not None
    drop(page, slice_file, "slice.png")
    assert nothing_broke(page)
    assert sent(page)["comparedWith"] is None
    assert page.main.selectbox(key="compare with").value == "nothing"
    page.main.selectbox(key="compare with").select("method").run()
    assert sent(page)["comparedWith"] is not None


def test_a_comparison_outlives_a_look_at_another_tab_and_follows_the_settings(page):
    open_tab(page, "Compare")
    page.main.selectbox(key="compare with").select("method").run()
    page.main.selectbox(key="compared method").select("k-means").run()
    before = sent(page)["result"]
    open_tab(page, "Numbers and trust")
    page.sidebar.slider(key="margin").set_value(-2.0).run()
    assert sent(page)["comparedWith"] == "k-means in the brain"
    assert sent(page)["result"] != before
    other = page.session_state["comparison"]
    assert not other.labels[~kept(page).result.mask].any()  # of the new mask
    open_tab(page, "Compare")
    assert page.main.selectbox(key="compare with").value == "method"
    assert page.main.selectbox(key="compared method").value == "k-means"
    assert nothing_broke(page)


def test_the_old_scan_is_gone_before_the_new_one_is_segmented(page, slice_file, head_file, monkeypatch):
    drop(page, head_file, "head.nii.gz")
    old = weakref.ref(kept(page).scan)
    alive = []

    def looked(*arguments, **others):
        gc.collect()
        alive.append(old() is not None)
        return segment(*arguments, **others)

    monkeypatch.setattr("mriseg.app.session.segment", looked)
    drop(page, slice_file, "slice.png")
    assert nothing_broke(page)
    assert alive == [False]


def test_a_segmentation_whose_intensities_were_put_aside_is_shown_again_as_it_was(page, head_file, monkeypatch):
    drop(page, head_file, "head.nii.gz")
    before = kept(page)
    page.session_state["analysis"] = before.put_aside()
    assert kept(page).kept_bytes < before.kept_bytes - before.scan.data.nbytes / 2
    assert kept(page).key == before.key
    monkeypatch.setattr("mriseg.app.session.segment", lambda *_, **others: pytest.fail("it is segmented anew"))
    page.run()
    assert not page.exception
    assert kept(page).result is before.result
    assert not kept(page).is_aside
    np.testing.assert_array_equal(kept(page).scan.data, before.scan.data)


@pytest.mark.slow
def test_a_slider_goes_on_from_what_was_put_aside(page, head_file):
    drop(page, head_file, "head.nii.gz")
    before = kept(page)
    page.session_state["analysis"] = before.put_aside()
    knob(page, "Spatial smoothing strength").set_value(2.0)
    page.run()
    assert kept(page).result.stages.bias_correction is before.result.stages.bias_correction
    expected = segment(before.scan, kept(page).result.settings)
    np.testing.assert_array_equal(kept(page).result.labels, expected.labels)
