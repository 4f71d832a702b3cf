import numpy as np

from mriseg.abnormal.parts import enclosed_by, large_parts, touching


def ring(opening=0):
    """A ring of bright pixels about a dark middle, in a brain, with so many pixels of it missing."""
    y, x = np.ogrid[-20:21, -20:21]
    radius = np.hypot(x, y)
    brain, dark = radius < 20, radius < 6
    bright = (radius >= 6) & (radius < 9) & ~((np.abs(y) < opening) & (x > 0))
    return bright, dark, brain


def test_what_a_ring_encloses_joins_it():
    bright, dark, brain = ring()
    joined = enclosed_by(bright, dark, brain, least_contact=0.5, steps=2)
    assert joined[bright | dark].all()
    assert not (joined & ~brain).any()


def test_what_is_bright_on_one_side_only_encloses_nothing():
    bright, dark, brain = ring()
    bright[:, :24] = False
    np.testing.assert_array_equal(enclosed_by(bright, dark, brain, least_contact=0.5, steps=2), bright)


def test_a_gap_in_the_ring_is_closed():
    bright, dark, brain = ring(opening=2)
    joined = enclosed_by(bright, dark, brain, least_contact=0.5, steps=3)
    assert not bright[20, 26]
    assert joined[20, 26]


def test_parts_join_over_faces_only():
    mask = np.eye(3, dtype=bool)
    assert touching(mask, np.diag([True, False, False])).sum() == 1
    assert not large_parts(mask, 2).any()
