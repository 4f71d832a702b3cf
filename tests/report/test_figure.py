import io

import numpy as np
import PIL.Image
import pytest

from mriseg.core.tissue import Tissue
from mriseg.plotting import slices as render
from mriseg.report import figure
from mriseg.report.content import report_content
from mriseg.report.figure import BORDER, FINER, INK, OPACITY, PAPER


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
    assert all(text.endswith("% of ICV") for text in without)
    _, result = volume
    for tissue, (_, text) in zip(Tissue, figure._key(result), strict=False):
        assert f": {result.volumes_ml[tissue]:.0f} mL, " in text


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
