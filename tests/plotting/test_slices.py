import io

import numpy as np
import PIL.Image
import pytest

from mriseg import Tissue
from mriseg.core.tissue import ABNORMAL
from mriseg.plotting import slices
from mriseg.plotting.slices import AnatomicalPlane, View


@pytest.fixture
def body():
    """A volume whose voxels say where they lie: 100 x + 10 y + z, in canonical axes of 3 x 4 x 5 voxels."""
    x, y, z = np.ogrid[:3, :4, :5]
    return 100 * x + 10 * y + z


def test_an_axial_slice_has_front_at_the_top_and_the_patients_right_at_the_left(body):
    piece = slices.cut(body, View(AnatomicalPlane.AXIAL, 2))
    assert piece.shape == (4, 3)
    assert piece[0, 0] == 232  # right, front
    assert piece[-1, -1] == 2  # left, back


def test_a_coronal_slice_has_the_crown_at_the_top(body):
    piece = slices.cut(body, View(AnatomicalPlane.CORONAL, 1))
    assert piece[0, 0] == 214  # right, top
    assert piece[-1, -1] == 10  # left, bottom


@pytest.mark.parametrize("radiological", [True, False])
def test_a_sagittal_slice_looks_to_the_left_in_either_convention(body, radiological):
    piece = slices.cut(body, View(AnatomicalPlane.SAGITTAL, 1, radiological))
    assert piece[0, 0] == 134  # front, top
    assert piece[-1, -1] == 100  # back, bottom


def test_the_neurological_convention_mirrors_picture_and_letters_alike(body):
    facing, above = View(AnatomicalPlane.AXIAL, 2), View(AnatomicalPlane.AXIAL, 2, radiological=False)
    assert np.array_equal(slices.cut(body, facing), slices.cut(body, above)[:, ::-1])
    assert facing.letters == ("R", "L", "A", "P")
    assert above.letters == ("L", "R", "A", "P")


def test_where_the_file_does_not_say_which_side_is_left_there_are_no_letters():
    assert View(AnatomicalPlane.AXIAL, 2, sides_known=False).letters is None


def test_a_thick_sliced_volume_opens_in_the_plane_it_was_acquired_in():
    assert slices.default_plane((0.9, 5.0, 0.9)) is AnatomicalPlane.CORONAL
    assert slices.default_plane((1.0, 1.0, 1.0)) is AnatomicalPlane.AXIAL


def test_pixels_are_as_high_and_wide_as_the_voxels():
    assert slices.pixel_sides((1.0, 2.0, 5.0), View(AnatomicalPlane.SAGITTAL)) == (5.0, 2.0)
    assert slices.pixel_sides((1.0, 2.0, 5.0), View(AnatomicalPlane.AXIAL)) == (2.0, 1.0)


def test_enlarged_pictures_keep_the_proportions_of_the_body():
    image = np.zeros((10, 40), np.uint8)
    assert slices.enlarge(image, (4.0, 1.0), (400, 500), smooth=True).shape == (400, 400)
    assert slices.enlarge(image, (1.0, 1.0), (400, 500), smooth=True).shape == (125, 500)


def test_enlarging_labels_makes_no_new_ones():
    labels = np.array([[0, 3], [1, 2]], np.uint8)
    assert {*np.unique(slices.enlarge(labels, (1, 1), (101, 99), smooth=False))} == {0, 1, 2, 3}


def test_a_window_shows_air_black_and_the_brightest_of_the_brain_white():
    data = np.linspace(0, 1000, 10_000).reshape(100, 100)
    mask = (data > 400) & (data < 800)
    low, high = slices.window(data, mask)
    assert low == pytest.approx(10, abs=1)
    assert high == pytest.approx(800, abs=2)
    levels = slices.gray(data, (low, high))
    assert levels.min() == 0
    assert levels.max() == 255


@pytest.mark.parametrize("tissue", Tissue)
def test_full_color_is_that_of_the_tissue_and_none_leaves_the_scan(tissue):
    levels, labels = np.full((2, 2), 100, np.uint8), np.array([[0, tissue.number]] * 2, np.uint8)
    covered = slices.colored(levels, labels, 1.0)
    assert tuple(covered[0, 1]) == tissue.rgb
    assert tuple(covered[0, 0]) == (100, 100, 100)
    assert (slices.colored(levels, labels, 0.0) == 100).all()


def test_the_scale_bar_is_50_mm_long():
    image = np.full((300, 300), 128, np.uint8)
    drawn = slices.annotated(image, View(None), pixel_mm=0.5)
    bright = (drawn[-9] == slices.LETTER_GRAY).sum()
    assert bright == pytest.approx(100, abs=1)


def test_letters_grow_with_the_pixels():
    blank = np.full((300, 300), 128, np.uint8)
    heights = []
    for size in (1, 2):
        drawn = slices.annotated(blank, View(AnatomicalPlane.AXIAL), None, size)
        heights.append(np.ptp(np.flatnonzero((drawn[60:240, :60] == slices.LETTER_GRAY).any(1))))
    assert heights[1] == pytest.approx(2 * heights[0], abs=3)


def test_a_picture_of_unknown_size_is_not_written_on():
    image = np.full((30, 30), 128, np.uint8)
    assert np.array_equal(slices.annotated(image, View(None), None), image)


def test_png_is_lossless():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(np.asarray(PIL.Image.open(io.BytesIO(slices.png(image)))), image)


def test_what_is_abnormal_has_its_color_and_stripes_that_its_neighbors_have_not():
    labels = np.full((12, 24), Tissue.WM.number, np.uint8)
    labels[:, 12:] = ABNORMAL.number
    image = slices.colored(np.full(labels.shape, 200, np.uint8), labels, opacity=0.3)
    assert len(np.unique(image[:, :12].reshape(-1, 3), axis=0)) == 1
    striped, between = (
        image[:, 12:][where] for where in (slices.stripes((12, 24))[:, 12:], ~slices.stripes((12, 24))[:, 12:])
    )
    assert (striped == ABNORMAL.rgb).all()
    np.testing.assert_allclose(between, np.full_like(between, 0.7 * 200 + 0.3 * np.array(ABNORMAL.rgb) + 0.5), atol=1)
