import numpy as np
import pytest

from mriseg.brain.extraction import extract
from mriseg.brain.field_of_view import LARGEST_MM, MARGIN_MM, SMALLEST_MM, head_box
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import make_phantom, simulate
from mriseg.image.morphology import bounding_box


def ball(side_voxels: int, share: float) -> np.ndarray:
    """A bright ball in noise, of a share of the width."""
    x, y, z = np.ogrid[(slice(-1, 1, side_voxels * 1j),) * 3]
    noise = np.random.default_rng(0).random((side_voxels,) * 3, np.float32)
    return np.where(x**2 + y**2 + z**2 < share**2, 100, 0) + noise


def test_an_ordinary_field_of_view_is_searched_as_a_whole():
    data = ball(50, 0.2)
    side = LARGEST_MM / 50
    assert head_box(data, (side,) * 3) == (slice(0, 50),) * 3


def test_of_a_large_one_the_part_with_the_head_is():
    data = ball(100, 0.2)
    side = 1.5 * LARGEST_MM / 100
    inside = bounding_box(data > 50)
    margin = MARGIN_MM / side
    for part, of_ball in zip(head_box(data, (side,) * 3), inside, strict=True):
        assert 0 <= of_ball.start - part.start - margin < 3
        assert 0 <= part.stop - of_ball.stop - margin < 3


def test_what_is_larger_than_a_head_is_refused_with_its_size():
    with pytest.raises(BrainNotFoundError, match=r"1[012]\d\d mm wide, far larger .* \(5 x 5 x 5 mm\) is wrong"):
        head_box(ball(240, 0.95), (5.0, 5.0, 5.0))


def test_what_is_far_smaller_than_a_head_is_refused_with_its_size():
    data = ball(50, 0.9)
    head_box(data, (SMALLEST_MM / 50,) * 3)
    with pytest.raises(BrainNotFoundError, match=r"18 x 18 x 18 mm large, far smaller .* \(0.36 x 0.36 x 0.36 mm\)"):
        head_box(data, (0.36,) * 3)


@pytest.mark.slow
def test_a_head_in_a_meter_of_noise_is_found_where_it_is():
    scan = simulate(make_phantom(spacing=4.0), Contrast.T1)
    alone = extract(scan.data, scan.spacing)
    noise = np.random.default_rng(0).random((200, 180, 170), np.float32) * np.float32(0.02 * scan.data.max())
    at = tuple(slice(50, 50 + n) for n in scan.data.shape)
    noise[at] = scan.data
    padded = extract(noise, scan.spacing)
    overlap = 2 * (padded.mask[at] & alone.mask).sum() / (padded.mask.sum() + alone.mask.sum())
    assert overlap > 0.97
    assert padded.registration is not None
    shift = padded.registration.affine[:3, 3] - alone.registration.affine[:3, 3]
    np.testing.assert_allclose(shift, 200, atol=4)
