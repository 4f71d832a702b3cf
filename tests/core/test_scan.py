import numpy as np
import pytest

from mriseg.core.errors import ReadError
from mriseg.core.scan import MAX_NON_FINITE_SHARE, picture, volume

DATA = np.random.default_rng(0).random((20, 20, 20))


def test_voxel_volume_is_the_determinant_of_the_affine():
    sheared = np.array([[1.0, 0.5, 0.2, 0], [0, 2, 0.7, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
    assert volume(DATA, sheared).voxel_ml == pytest.approx(0.006)


def test_a_mirrored_affine_has_a_positive_voxel_volume():
    assert volume(DATA, np.diag([-1.0, 2, 3, 1])).voxel_ml == pytest.approx(0.006)


def test_spacing_is_the_length_of_the_axes():
    turned = np.array([[0.0, -2, 0, 0], [1.2, 0, 0, 0], [1.6, 0, 3, 0], [0, 0, 0, 1]])
    assert volume(DATA, turned).spacing == pytest.approx((2, 2, 3))


def test_a_picture_has_no_geometry():
    scan = picture(DATA[0].repeat(2, 0).repeat(2, 1))
    assert (scan.kind, scan.affine, scan.spacing, scan.voxel_ml) == ("picture", None, None, None)


def test_data_cannot_be_changed():
    scan = volume(DATA, np.eye(4))
    with pytest.raises(ValueError, match="read-only"):
        scan.data[0, 0, 0] = 1


def test_data_are_a_copy():
    data = DATA.astype(np.float32)
    scan = volume(data, np.eye(4))
    data[:] = 0
    assert scan.data.any()


def test_the_affine_is_a_copy_and_cannot_be_changed():
    affine = np.eye(4)
    scan = volume(DATA, affine)
    affine[0, 0] = 9
    assert scan.affine[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        scan.affine[0, 0] = 9


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_few_broken_values_become_zero_and_are_told(broken):
    data = DATA.copy()
    data[:2, 0, 0] = broken
    scan = volume(data, np.eye(4))
    assert not scan.data[:2, 0, 0].any()
    np.testing.assert_array_equal(scan.data[2:], data[2:].astype(np.float32))
    assert any("2 values" in note for note in scan.notes)


def test_infinities_that_cancel_are_found():
    data = DATA.copy()
    data[0, 0, :2] = np.inf, -np.inf
    assert np.isfinite(volume(data, np.eye(4)).data).all()


def test_many_broken_values_are_refused():
    data = DATA.copy().ravel()
    data[: int(MAX_NON_FINITE_SHARE * data.size) + 1] = np.nan
    with pytest.raises(ReadError, match="not numbers"):
        volume(data.reshape(DATA.shape), np.eye(4))


@pytest.fixture
def ball():
    """A ball in air; where it is, intensities from -1 to 1."""
    steps = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in (24, 22, 20)], indexing="ij"))
    inside = np.sqrt((steps**2).sum(0)) < 9
    return inside, np.where(inside, np.sin(steps[0] + 2 * steps[1] + 3 * steps[2]), np.nan)


@pytest.mark.parametrize(("offset", "background"), [(5.0, 0.0), (0.0, -1.0)])
def test_nan_around_a_head_is_no_signal(ball, offset, background):
    """0, or the darkest intensity where that is below 0."""
    inside, data = ball
    data[12, 11, 10] = np.nan  # a single broken voxel within
    scan = volume(data + offset, np.eye(4))
    finite = np.isfinite(data)
    np.testing.assert_array_equal(scan.data[finite], (data + offset)[finite].astype(np.float32))
    np.testing.assert_allclose(scan.data[~inside], background, atol=0.01)
    assert any("background holds no numbers" in note for note in scan.notes)


def test_nan_in_pieces_is_refused(ball):
    """Not around one piece: holes through the head, or two halves."""
    _, data = ball
    for broken in (np.arange(24) % 3 == 0, np.abs(np.arange(24) - 12) < 3):
        with pytest.raises(ReadError, match="not only around the head"):
            volume(np.where(broken[:, None, None], np.nan, data), np.eye(4))


def test_sound_data_earn_no_note():
    assert volume(DATA, np.eye(4)).notes == ()


@pytest.mark.parametrize("affine", [np.zeros((4, 4)), np.diag([1.0, 1, 0, 1]), np.full((4, 4), np.nan)])
def test_an_affine_that_is_not_invertible_is_refused(affine):
    with pytest.raises(ReadError, match="affine"):
        volume(DATA, affine)


def test_a_scan_says_what_it_is():
    text = str(volume(DATA, np.diag([-0.5, 1, 1.25, 1])))
    assert text == "volume, 20 x 20 x 20 voxels of 0.5 x 1 x 1.25 mm, axes LAS"
    assert str(picture(np.ones((30, 40)))) == "picture, 30 x 40 pixels, pixel size unknown"


def test_a_scan_does_not_print_its_intensities():
    assert len(repr(volume(DATA, np.eye(4)))) < 400
