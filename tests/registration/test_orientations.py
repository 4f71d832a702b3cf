import numpy as np
import pytest
import scipy
from nibabel.affines import apply_affine

from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.registration import orientations
from mriseg.registration.affine import Registration, register
from mriseg.registration.atlas import atlas
from mriseg.registration.orientations import FRAMES, Frame, register_any_orientation

# MNI positions, mm: the middle of the brain and far out in all directions.
LANDMARKS = np.array([[0, -20, 8], [50, -20, 8], [-50, -20, 8], [0, 50, 8], [0, -85, 8], [0, -20, 60], [0, -50, -40.0]])
GOOD = 0.28  # nats: what the phantom's upright fit has, and no turned one


@pytest.fixture(scope="module")
def upright(coarse):
    """Image, head and spacing of the phantom, cut so that no two of its sides are equally long."""
    data = simulate(coarse, Contrast.T1).data
    head = scipy.ndimage.binary_fill_holes(coarse.matter > 0)
    return np.clip(data / np.percentile(data[head], 98.5), 0, 1).astype(np.float32), head, (4.0, 4.0, 4.0)


@pytest.fixture(scope="module")
def registered(upright):
    return register(*upright, atlas())


def stored(array, rotation):
    """The array as if its voxels were stored along other axes than its header says."""
    order = [int(np.flatnonzero(row)[0]) for row in rotation]
    array = np.transpose(array, order)
    for axis, row in enumerate(rotation):
        if row.sum() < 0:
            array = np.flip(array, axis)
    return np.ascontiguousarray(array)


def test_there_are_24_ways_to_turn_a_head_the_first_of_which_leaves_it():
    rotations = [frame.rotation for frame in FRAMES if frame.enlargement == 1]
    assert len({tuple(rotation.astype(int).ravel()) for rotation in rotations}) == 24
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    for rotation in rotations:
        np.testing.assert_array_equal(rotation @ rotation.T, np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)


# The nose behind; upside down; axes exchanged in turn, as by the matrix of another order of storage.
@pytest.mark.slow
@pytest.mark.parametrize(
    "rotation",
    [[[-1, 0, 0], [0, -1, 0], [0, 0, 1]], [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]],
)
def test_a_head_is_found_whatever_its_header_says_of_the_axes(upright, registered, rotation):
    image, head, spacing = upright
    rotation = np.array(rotation, float)
    turned = register_any_orientation(
        stored(image, rotation), stored(head, rotation), spacing, atlas(), good_agreement=GOOD
    )
    assert turned.agreement == pytest.approx(registered.agreement, abs=0.02)
    # Where the landmarks are in voxels of the turned array, counted from the far end where an axis is flipped.
    here = apply_affine(registered.affine, LANDMARKS) / 4 @ rotation.T
    here += np.where(rotation.sum(1) < 0, np.array(stored(image, rotation).shape) - 1, 0)
    assert 4 * np.linalg.norm(apply_affine(turned.affine, LANDMARKS) / 4 - here, axis=1).max() < 6


@pytest.mark.slow
def test_a_head_of_a_newborns_size_is_found(upright, registered):
    image, head, spacing = upright
    small = register_any_orientation(image, head, tuple(0.62 * s for s in spacing), atlas(), good_agreement=GOOD)
    here, there = (apply_affine(affine, LANDMARKS) for affine in (0.62 * registered.affine, small.affine))
    assert np.linalg.norm(here - there, axis=1).max() < 6


@pytest.mark.slow
def test_a_good_upright_fit_is_taken_as_it_is(upright, registered, monkeypatch):
    monkeypatch.setattr(orientations, "_likeliest_frame", None)  # it is not even asked
    again = register_any_orientation(*upright, atlas(), good_agreement=GOOD)
    np.testing.assert_array_equal(again.affine, registered.affine)


@pytest.mark.parametrize(("agreement", "believed"), [(0.20, False), (0.23, False), (0.25, True), (0.5, True)])
def test_only_a_clearly_better_fit_turns_a_head(upright, monkeypatch, agreement, believed):
    fits = iter([Registration(np.eye(4), 0.2, 1.0), Registration(np.eye(4), agreement, 1.0)])
    monkeypatch.setattr(orientations, "register", lambda *_: next(fits))
    monkeypatch.setattr(orientations, "_likeliest_frame", lambda *_: Frame(np.diag([-1.0, -1.0, 1.0])))
    image = upright[0]
    chosen = register_any_orientation(*upright, atlas(), good_agreement=GOOD)
    assert chosen.agreement == (agreement if believed else 0.2)
    if believed:  # its first voxel is the last along both axes
        np.testing.assert_array_equal(chosen.affine[:3, 3], [4.0 * (n - 1) for n in image.shape[:2]] + [0])


@pytest.mark.parametrize(("agreement", "believed"), [(0.27, False), (0.29, True)])
def test_at_another_size_only_a_good_fit_is_believed(upright, monkeypatch, agreement, believed):
    fits = iter([Registration(np.eye(4), 0.1, 1.0), Registration(np.eye(4), agreement, 1.0)])
    monkeypatch.setattr(orientations, "register", lambda *_: next(fits))
    monkeypatch.setattr(orientations, "_likeliest_frame", lambda *_: Frame(np.eye(3), 1.25))
    chosen = register_any_orientation(*upright, atlas(), good_agreement=GOOD)
    assert chosen.affine[0, 0] == (0.8 if believed else 1)


def test_without_a_slice_as_large_as_a_head_there_is_none():
    image = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    with pytest.raises(BrainNotFoundError):
        register_any_orientation(image, np.zeros(image.shape, bool), (3.0,) * 3, atlas(), good_agreement=GOOD)
