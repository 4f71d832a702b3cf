"""A scan before anything is known of it."""

import io

import numpy as np
import PIL.Image
import pytest

from mriseg.core.scan import picture, volume
from mriseg.plotting.preview import GAP, HEIGHT, WIDEST, preview


def shown(scan) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(preview(scan))))


def test_the_planes_stand_side_by_side_in_one_scale():
    data = np.zeros((40, 60, 30), np.float32)
    data[20, 30, 15] = 100.0
    image = shown(volume(data, np.diag([2.0, 2.0, 4.0, 1.0])))
    assert image.shape == (HEIGHT, round(HEIGHT * (40 + 40 + 60) / 60) + 2 * GAP)
    thirds = np.array_split(image, [240, 480 + GAP], axis=1)
    assert all(part.max() > 200 for part in thirds)  # the middle slice of each plane holds the bright voxel


def test_a_picture_is_shown_as_it_came():
    data = np.tile(np.linspace(0, 1, 50, dtype=np.float32), (25, 1))
    image = shown(picture(data))
    assert image.shape == (HEIGHT, 2 * HEIGHT)
    assert (np.diff(image[100].astype(int)) >= 0).all()
    assert image.min() == 0
    assert image.max() == 255


@pytest.mark.parametrize("shape", [(400, 20, 20), (60, 60, 3), (1, 90, 90)])
def test_whatever_its_shape_it_is_no_larger_than_the_page_holds(shape):
    image = shown(volume(np.random.default_rng(0).random(shape, np.float32), np.eye(4)))
    assert image.shape[0] <= HEIGHT
    assert image.shape[1] <= WIDEST + 2 * GAP + 3
