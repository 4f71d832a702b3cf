import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.image.panels import find_scan


@pytest.fixture(scope="module")
def head(coarse):
    """A slice of a head in air, about 200 pixels high, its levels from 0 to 255."""
    level = np.kron(simulate(coarse, Contrast.T1, bias=0).data[:, :, 20].T[::-1], np.ones((4, 4)))
    return np.clip(level * (255 / np.percentile(level, 99.9)), 0, 255).astype(np.float32)


def box_of(picture, head):
    panel = find_scan(picture.astype(np.float32))
    (rows, columns), (height, width) = panel.box, head.shape
    assert panel.framed
    assert panel.count == 1
    return rows.start, rows.stop - height, columns.start, columns.stop - width


def test_a_head_in_air_has_no_frame(head):
    for picture in (head, 255 - head, np.pad(head, ((0, 0), (90, 90))), np.pad(head, 40)):
        panel = find_scan(picture)
        assert not panel.framed
        assert panel.count == 1


@pytest.mark.parametrize("level", [255, 200, 128])
@pytest.mark.parametrize(
    "bars", [((40, 40), (0, 0)), ((0, 0), (50, 50)), ((40, 0), (0, 0)), ((30, 30), (30, 30))], ids=str
)
def test_plain_bars_on_any_side_are_left_out(head, bars, level):
    found = box_of(np.pad(head, bars, constant_values=level), head)
    # A line of air and noise more or less is no matter.
    np.testing.assert_allclose(found, (bars[0][0], bars[0][0], bars[1][0], bars[1][0]), atol=2)


@pytest.mark.parametrize("background", [236, 120, 255])
def test_the_window_of_a_viewer_is_left_out(head, background):
    rows, columns = head.shape
    image = PIL.Image.new("L", (columns + 200, rows + 160), background)
    draw = PIL.ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width, 30), fill=90)
    draw.text((10, 6), "Viewer, series 3", fill=255, font_size=16)
    draw.rectangle((0, image.height - 24, image.width, image.height), fill=205)
    for number in range(4):
        draw.rectangle((10, 60 + 36 * number, 90, 84 + 36 * number), fill=180)
    picture = np.asarray(image).copy()
    picture[80 : 80 + rows, 120 : 120 + columns] = head
    np.testing.assert_allclose(box_of(picture, head), (80, 80, 120, 120), atol=2)


@pytest.mark.parametrize("gray", [140, 255])
def test_a_frame_of_thin_lines_is_left_out(scanned, gray):
    head = scanned(Contrast.T1).data[:, :, 58].T[::-1]
    head = np.clip(head / np.percentile(head, 99.5) * 200, 0, 255).round()
    gray = min(gray, 255)
    picture = np.pad(np.pad(head, 2, constant_values=gray), 9).astype(np.float32)
    panel = find_scan(picture)
    assert panel.framed
    assert [(part.start, part.stop) for part in panel.box] == [(11, 11 + side) for side in head.shape]


def test_no_line_is_seen_in_a_head(scanned):
    for contrast in (Contrast.T1, Contrast.T2, Contrast.FLAIR):
        for axis, index in ((0, 48), (1, 58), (2, 50)):
            image = np.ascontiguousarray(scanned(contrast).data.take(index, axis).T[::-1])
            assert not find_scan(image).framed
