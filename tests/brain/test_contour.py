import numpy as np
import pytest
import scipy

from mriseg.brain.contour import _closed_paths, brain_outlines
from tests.helpers import dice

BRAIN, SCALP = 1.0, 0.9


def head(brain=(52, 40), middle=(110, 100), shape=(220, 200), noise=0.03):
    """A picture of an elliptic brain of half axes in pixels, in 8 pixels of bone and 8 of scalp, and the brain."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]

    def ellipse(more):
        return ((rows - middle[0]) / (brain[0] + more)) ** 2 + ((columns - middle[1]) / (brain[1] + more)) ** 2 < 1

    image = np.where(ellipse(0), BRAIN, np.where(ellipse(8), 0.0, np.where(ellipse(16), SCALP, 0.0)))
    image = np.abs(image + noise * np.random.default_rng(0).standard_normal(shape))
    return image.astype(np.float32), ellipse(16), ellipse(0)


def to_surface(whole):
    return scipy.ndimage.distance_transform_edt(np.pad(whole, 1))[1:-1, 1:-1].astype(np.float32)


def outlines(image, whole):
    return brain_outlines(image, to_surface(whole))


@pytest.mark.parametrize("brain", [(52, 40), (44, 44), (40, 58)])
def test_the_brain_is_outlined_inside_its_skull(brain):
    image, whole, truth = head(brain)
    found = outlines(image, whole)
    assert len(found) == 1
    assert dice(found[0].inside, truth) > 0.95
    assert found[0].cost < -0.7


@pytest.mark.parametrize("middle", [(70, 60), (150, 140)])
def test_it_does_not_matter_where_in_the_picture_the_head_lies(middle):
    image, whole, truth = head(middle=middle)
    assert dice(outlines(image, whole)[0].inside, truth) > 0.95


def test_ventricles_are_no_skull():
    image, whole, truth = head()
    rows, columns = np.ogrid[:220, :200]
    image[np.hypot(rows - 110, columns - 100) < 9] = 0.0
    assert dice(outlines(image, whole)[0].inside, truth) > 0.95


def test_a_face_below_the_brain_is_left_out():
    image, whole, truth = head(brain=(45, 40), middle=(70, 100))
    rows, columns = np.ogrid[:220, :200]
    face = (rows > 131) & (rows < 205) & (np.abs(columns - 100) < 45)
    image[face & ~whole] = 0.7
    assert dice(outlines(image, whole | face)[0].inside, truth) > 0.93


def test_of_two_things_that_look_alike_both_are_told():
    left, _, brain_left = head(brain=(40, 32), middle=(110, 55), shape=(220, 220))
    right, _, brain_right = head(brain=(40, 32), middle=(110, 165), shape=(220, 220))
    image = np.maximum(left, right)
    whole = (np.abs(np.ogrid[:220, :220][0] - 110) < 56) & np.ones((220, 220), bool)  # one head with a bridge
    found = outlines(image, whole)
    assert len(found) == 2
    pair = sorted(found, key=lambda outline: np.argwhere(outline.inside)[:, 1].mean())
    assert dice(pair[0].inside, brain_left) > 0.9
    assert dice(pair[1].inside, brain_right) > 0.9
    assert found[0].cost <= found[1].cost


def test_noise_has_no_certain_outline():
    _, whole, _ = head()
    noise = np.random.default_rng(0).random(whole.shape).astype(np.float32)
    assert outlines(noise, whole)[0].cost > -0.5


def test_a_path_ends_where_it_began():
    # The cheapest radius jumps back at the end of the turn, farther than a path may.
    angles, radii = 72, 40
    cost = np.ones((1, angles, radii), np.float32)
    cost[0, np.arange(angles), 5 + np.arange(angles) // 3] = 0
    (path,) = _closed_paths(cost)
    steps = np.abs(np.diff(np.append(path, path[0])))
    assert steps.max() <= 3
    # Without the seam the cheapest path follows all of the line.
    cost[:] = 1
    line = 20 + np.rint(8 * np.sin(np.arange(angles) * 2 * np.pi / angles)).astype(int)
    cost[0, np.arange(angles), line] = 0
    np.testing.assert_array_equal(_closed_paths(cost)[0], line)
