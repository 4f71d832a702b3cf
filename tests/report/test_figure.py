import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.tissue import BRAIN_TISSUE, Tissue
from mriseg.plotting import slices as render
from mriseg.report import figure
from mriseg.report.content import report_content
from mriseg.report.figure import BORDER, FINER, INK, OPACITY, PAPER
from mriseg.segmentation.verdict import HEADLINES


@pytest.fixture(scope="module")
def of_volume(volume):
    return np.asarray(figure.figure(*volume))


@pytest.fixture(scope="module")
def of_slice(slice_of_head):
    scan, sized, _ = slice_of_head
    return np.asarray(figure.figure(scan, sized))


def test_the_picture_has_twice_the_reports_pixels(slice_of_head, of_slice):
    scan, sized, _ = slice_of_head
    shot = report_content(scan, sized, None).pictures[0]
    assert of_slice.shape[1] - 2 * BORDER >= 2 * FINER * shot.width - 4
    assert of_slice.shape[0] > FINER * shot.height


def test_original_and_segmented_are_both_there(of_volume, of_slice):
    for image in (of_volume, of_slice):
        gray = (image[..., 0] == image[..., 1]) & (image[..., 1] == image[..., 2])
        assert not gray.all()
        assert gray.mean() > 0.4
    middle = of_slice.shape[1] // 2
    colorful = np.ptp(of_slice.astype(int), axis=2) > 60
    key_starts = np.flatnonzero(colorful[:, : BORDER + 4].any(1))[0]
    assert not colorful[:key_starts, : middle - BORDER].any()  # the original is gray
    assert colorful[:key_starts, middle + BORDER :].any()


def test_the_key_holds_every_tissues_color(of_volume, of_slice):
    for image in (of_volume, of_slice):
        below = image[-400:]
        for tissue in Tissue:
            # A square of it is larger than any contour.
            assert (below == tissue.rgb).all(-1).sum() > 500
        assert (image[:60] == INK).all(-1).any()  # the title
        assert (image[:, :BORDER] == PAPER).all()


def test_the_key_tells_amounts_where_they_are_known(slice_of_head, volume):
    _, sized, unsized = slice_of_head
    with_size, without = ([text for _, text in figure._key(result)] for result in (sized, unsized))
    assert "mL per mm of slice" in with_size[0]
    assert len(without) == len(Tissue)
    assert not any("mL" in text for text in without)
    assert all(text.endswith("% of intracranial area") for text in without)
    _, result = volume
    assert all(text.endswith("% of ICV") for _, text in figure._key(result)[: len(Tissue)])
    for tissue, (_, text) in zip(Tissue, figure._key(result), strict=False):
        assert f": {result.volumes_ml[tissue]:.0f} mL, " in text


def test_what_cannot_be_told_apart_has_one_color_and_one_number(slice_of_head):
    scan, sized, unsized = slice_of_head
    for result in (sized, unsized):
        alike = replace(result, quality={**result.quality, "tissue_contrast": 0.1})
        key = figure._key(figure._shown(alike))
        assert Tissue.WM not in [label for label, _ in key]
        both = next(text for label, text in key if label is Tissue.GM)
        share = result.fractions[Tissue.GM] + result.fractions[Tissue.WM]
        assert both.startswith(f"{BRAIN_TISSUE}: ")
        assert f"{100 * share:.1f}" in both.replace("\u00a0", " ")
    assert (
        f" {sized.volumes_ml[Tissue.GM] + sized.volumes_ml[Tissue.WM]:.1f} mL per mm"
        in figure._key(figure._shown(replace(sized, quality={**sized.quality, "tissue_contrast": 0.1})))[0][1]
    )
    own, joined = (np.asarray(figure.figure(scan, each)) for each in (sized, alike))
    assert (own == Tissue.WM.rgb).all(-1).any()
    assert not (joined == Tissue.WM.rgb).all(-1).any()
    assert (joined == Tissue.GM.rgb).all(-1).any()


def test_a_verdict_that_is_not_good_is_written(slice_of_head):
    _, sized, _ = slice_of_head
    for level in Level:
        judged = replace(sized, findings=(Finding(FindingCode.GRAY_WHITE_ONE, level, "", ""),))
        assert figure._caution(judged) == ("" if level is Level.GOOD else HEADLINES[level])


def test_the_verdict_has_a_line_of_its_own(slice_of_head):
    scan, sized, _ = slice_of_head
    good, doubtful = (
        np.asarray(figure.figure(scan, replace(sized, findings=(Finding(FindingCode.GRAY_WHITE_ONE, level, "", ""),))))
        for level in (Level.GOOD, Level.CARE)
    )
    more = doubtful.shape[0] - good.shape[0]
    end = BORDER + figure._line(figure.TITLE_SIZE)
    assert more > 0
    np.testing.assert_array_equal(doubtful[end + more :], good[end:])
    assert (doubtful[end : end + more] == INK).all(-1).any()


def test_letters_and_bar_are_larger_with_the_pixels(volume):
    scan, result = volume
    coarse, fine = (figure.pictures(scan, result, finer=finer)[0].original for finer in (1, FINER))
    lengths = []
    for image, size in ((coarse, 1), (fine, FINER)):
        margin = render.LETTER_MARGIN * size
        row = image[-margin - 2, margin:] == render.LETTER_GRAY
        lengths.append(int(row.argmin()))
    assert lengths[1] == pytest.approx(FINER * lengths[0], abs=3)


def test_colors_are_stronger_than_in_the_report(volume):
    scan, result = volume
    faint, strong = (
        figure.pictures(scan, result, opacity=opacity)[0].segmented.astype(int) for opacity in (0.35, OPACITY)
    )
    assert np.ptp(strong, axis=2).mean() > 1.2 * np.ptp(faint, axis=2).mean()


def test_the_scan_id_is_written_and_cleaned(slice_of_head):
    scan, sized, _ = slice_of_head
    notes = figure._notes(scan, sized, 1800, " P 017/b ")
    assert any("Scan ID: P-017-b." in note for note in notes)
    assert any("not a medical device" in note for note in notes)
    assert not any("Scan ID" in note for note in figure._notes(scan, sized, 1800, ""))


def test_the_same_result_gives_the_same_bytes(slice_of_head):
    scan, sized, _ = slice_of_head
    content = figure.png(scan, sized)
    assert content == figure.png(scan, sized)
    assert PIL.Image.open(io.BytesIO(content)).mode == "RGB"
    assert len(content) < 2_000_000
