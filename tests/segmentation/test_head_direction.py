import numpy as np
import pytest

from mriseg.brain.extraction import Brain
from mriseg.core.scan import picture, volume
from mriseg.image.orientation import orient
from mriseg.registration.affine import Registration
from mriseg.segmentation.head_direction import head_direction

DATA = np.random.default_rng(0).random((24, 26, 28))


def turned_about_x(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1.0]])


def direction(header, found, confidence=1.0):
    """Of a head that was found turned by one affine in a scan whose canonical axes lie as another says."""
    canonical, _ = orient(volume(DATA, header))
    brain = Brain(np.ones(DATA.shape, bool), False, registration=Registration(found, 0.5, 1.0), confidence=confidence)
    return head_direction(canonical, brain)


@pytest.mark.parametrize(
    ("found", "degrees", "nose", "crown"),
    [
        (np.eye(4), 0, "front", "top"),
        (np.diag([-1.0, -1.0, 1.0, 1.0]), 180, "back", "top"),
        (np.diag([-1.0, 1.0, -1.0, 1.0]), 180, "front", "feet"),
        (turned_about_x(90), 90, "top", "back"),
        (turned_about_x(-60), 60, "feet", "front"),
        (np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]]), 120, "right", "front"),
    ],
)
def test_where_nose_and_crown_point_by_the_header(found, degrees, nose, crown):
    stretched = found @ np.diag([0.9, 0.95, 0.8, 1.0])
    lies = direction(np.diag([1.0, 2.0, 1.5, 1.0]), stretched)
    assert lies.degrees == pytest.approx(degrees, abs=0.1)
    assert (lies.nose, lies.crown) == (nose, crown)
    assert lies.contradicts_header is (degrees > 45)


@pytest.mark.parametrize("nodding", [-40, 30, 40])
def test_a_nodding_head_and_slanted_slices_contradict_no_header(nodding):
    assert not direction(np.eye(4), turned_about_x(nodding)).contradicts_header
    slanted = turned_about_x(-nodding) @ np.diag([1.0, 1.0, 3.0, 1.0])
    lies = direction(slanted, turned_about_x(nodding))  # in the coordinates of the scanner it is upright
    assert lies.degrees == pytest.approx(0, abs=0.1)


def test_in_every_order_of_storage_an_upright_head_is_upright():
    for signs in np.ndindex(2, 2, 2):
        header = np.diag([*(1.0 - 2 * np.array(signs)), 1.0])
        assert direction(header, np.eye(4)).degrees == pytest.approx(0, abs=0.1)


def test_what_may_be_no_head_has_no_direction():
    assert direction(np.eye(4), turned_about_x(90), confidence=0.3) is None
    scan = volume(DATA, np.eye(4))
    assert head_direction(scan, Brain(np.ones(DATA.shape, bool), False)) is None
    flat = picture(DATA[:, :, 3])
    assert head_direction(flat, Brain(np.ones(flat.data.shape, bool), False)) is None
