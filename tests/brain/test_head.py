import numpy as np
import scipy

from mriseg.brain.head import head_in_slice, head_in_volume

SPACING = (3.0, 4.0, 5.0)


def ball(radius):
    x, y, z = (side * (np.arange(n) - n // 2) for n, side in zip((70, 60, 50), SPACING, strict=True))
    return np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2) <= radius


def test_the_head_of_a_volume_is_filled_though_canals_lead_into_it():
    whole = ball(80)
    foreground = whole & ~ball(50)
    foreground[:, 30, 25] = False  # an ear canal, 4 mm by 5 mm
    foreground[2, 2, 2] = True  # a speck in the air
    head = head_in_volume(foreground, SPACING)
    assert (head != whole).sum() < 0.01 * whole.sum()
    assert head[35, 30, 25]
    assert not head[2, 2, 2]


def test_a_head_that_the_image_cuts_is_filled_slice_by_slice():
    # The skull is open where the field of view ends, so that only slices enclose what is in it.
    whole = ball(80)[:, :, 25:]
    head = head_in_volume(whole & ~ball(50)[:, :, 25:], SPACING)
    assert head[35, 30, 0]
    assert (head != whole).sum() < 0.01 * whole.sum()


def test_the_head_of_a_slice_has_no_skin_no_letters_and_no_mouth():
    rows, columns = np.ogrid[:200, :200]
    radius = np.hypot(rows - 100, columns - 100)
    foreground = (radius < 80) & ~(radius < 50)
    foreground[93:107, 10:60] = False  # a mouth, 14 pixels wide
    foreground[5:7, 5:30] = True  # a letter
    head = head_in_slice(foreground)
    assert head[100, 30]
    assert head[100, 100]
    assert not head[:15].any()
    depth = scipy.ndimage.distance_transform_edt(radius < 80)
    assert abs(depth[head].min() - 3) <= 1
