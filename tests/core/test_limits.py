import re

import numpy as np
import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.core.limits import MAX_PIXELS, MAX_VOXELS, MIN_PICTURE_SIDE, MIN_VOLUME_VOXELS, check_shape


@pytest.mark.parametrize(
    "shape",
    [
        (MIN_PICTURE_SIDE, MIN_PICTURE_SIDE),
        (5000, MAX_PIXELS // 5000),
        (16, 16, MIN_VOLUME_VOXELS // 256),
        (512, 512, MAX_VOXELS // 512**2),
        (274, 384, 384),  # a head of 0.7 mm as it comes from the scanner
        (256, 256, 1),
        (1, 24, 24),
    ],
)
def test_usual_sizes_pass(shape):
    check_shape(shape)


@pytest.mark.parametrize("shape", [(5000, MAX_PIXELS // 5000 + 1), (512, 512, MAX_VOXELS // 512**2 + 1), (32000,) * 3])
def test_too_large_is_told_from_unreadable(shape):
    with pytest.raises(TooLargeError, match=str(shape[0])):
        check_shape(shape)


@pytest.mark.parametrize(
    "shape",
    [(MIN_PICTURE_SIDE - 1, 500), (3, 3), (0, 0), (23, 256, 1), (1, 1, 500), (7, 7, 7), (24, 2500), (2, 2, 20000)],
)
def test_too_small_or_too_slender_is_refused(shape):
    with pytest.raises(ReadError) as caught:
        check_shape(shape)
    assert not isinstance(caught.value, TooLargeError)


def test_a_size_beyond_64_bits_is_too_large():
    with pytest.raises(TooLargeError):
        check_shape((2**40, 2**40, 2**40))


def test_where_there_is_less_memory_less_is_read():
    limits.check_shape((256, 256, 256))
    with limits.at_most(10_000_000):
        with pytest.raises(TooLargeError, match="at most 10 million"):
            limits.check_shape((256, 256, 256))
        limits.check_shape((200, 200, 200))
    with limits.at_most(10**12), pytest.raises(TooLargeError, match="at most 40 million"):
        limits.check_shape((400, 400, 400))
    limits.check_shape((256, 256, 256))


def _brain(shape, share):
    """A mask of a share of a box, which no memory was taken for."""
    return np.broadcast_to(np.arange(shape[-1]) < share * shape[-1], shape)


def test_a_brain_of_the_finest_heads_is_segmented():
    limits.check_brain(
        (320, 390, 320), _brain((290, 350, 280), 0.42)
    )  # 12 million voxels of 0.5 mm, a liter and a half
    limits.check_brain((290, 350, 280), _brain((290, 350, 280), 0.42))  # the same, cropped to the brain
    limits.check_brain((5000, 5000), _brain((4400, 4400), 0.7))


@pytest.mark.parametrize(("shape", "classes"), [((340, 340, 340), 3), ((5000, 5000), 3), ((260, 260, 260), 6)])
def test_one_whose_maps_take_more_than_is_promised_is_refused_with_what_to_do(shape, classes):
    with pytest.raises(TooLargeError, match=r"million voxels, more .* voxels [\d.]+ times as long") as refusal:
        limits.check_brain(shape, _brain(shape, 1.0), classes)
    times = float(re.search(r"voxels ([\d.]+) times", str(refusal.value))[1])
    smaller = tuple(int(n / times) for n in shape)
    limits.check_brain(smaller, _brain(smaller, 1.0), classes)
