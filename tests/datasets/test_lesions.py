import numpy as np
import pytest
import scipy

from mriseg.core.tissue import ABNORMAL, Contrast
from mriseg.datasets.lesions import MIDDLE_SHARE, add_lesion, irregular_shape
from mriseg.datasets.phantom import CSF, CYST, EDEMA, ENHANCED, GM, WM, simulate

CENTER = (-30.0, -10.0, 30.0)


@pytest.fixture(scope="module")
def ring(coarse):
    return add_lesion(coarse, CENTER, 30.0, ENHANCED, middle=CYST)


def test_a_lesion_has_its_volume_and_its_place(coarse, ring):
    lesion = ring.truth == ABNORMAL.number
    assert lesion.sum() * 4**3 / 1000 == pytest.approx(30, abs=0.04)
    middle = ring.affine[:3] @ [*scipy.ndimage.center_of_mass(lesion), 1]
    np.testing.assert_allclose(middle, CENTER, atol=8)
    assert np.isin(coarse.matter[lesion], (GM, WM)).all()


def test_nothing_else_of_the_head_changes(coarse, ring):
    outside = ring.truth != ABNORMAL.number
    np.testing.assert_array_equal(ring.matter[outside], coarse.matter[outside])
    np.testing.assert_array_equal(ring.truth > 0, coarse.truth > 0)


def test_the_middle_of_a_ring_lies_within_its_rim(ring):
    middle, rim = ring.matter == CYST, ring.matter == ENHANCED
    assert middle.sum() / (middle | rim).sum() == pytest.approx(MIDDLE_SHARE, abs=0.01)
    center = np.argwhere(middle | rim).mean(0)
    farness = {
        name: np.linalg.norm(np.argwhere(part) - center, axis=1).mean()
        for name, part in (("rim", rim), ("middle", middle))
    }
    assert farness["middle"] < 0.8 * farness["rim"]  # of a ball 0.63


def test_shapes_are_compact_and_irregular():
    allowed, voxels = np.ones((40, 40, 40), bool), 4000
    shape = irregular_shape(allowed, np.full(3, 20), voxels, spacing=np.ones(3), seed=1) > 0
    pieces, _ = scipy.ndimage.label(shape)
    assert shape.sum() == voxels
    assert np.bincount(pieces[shape]).max() > 0.95 * voxels
    ball = np.linalg.norm(np.indices(shape.shape) - 20.0, axis=0) < (3 * voxels / (4 * np.pi)) ** (1 / 3)
    assert 0.6 < 2 * (shape & ball).sum() / (shape.sum() + ball.sum()) < 0.95
    another = irregular_shape(allowed, np.full(3, 20), voxels, spacing=np.ones(3), seed=2) > 0
    assert (another != shape).any()


@pytest.mark.parametrize(
    ("contrast", "matter", "between"),
    [
        (Contrast.T1, EDEMA, (CSF, GM)),
        (Contrast.T2, EDEMA, (GM, CSF)),
        (Contrast.FLAIR, EDEMA, (GM, None)),
        (Contrast.T1, ENHANCED, (WM, None)),
        (Contrast.FLAIR, CYST, (CSF, WM)),
    ],
)
def test_lesions_are_as_bright_as_they_are_known_to_be(coarse, contrast, matter, between):
    patient = add_lesion(coarse, CENTER, 60.0, matter)
    image = simulate(patient, contrast, noise=0, bias=0).data
    lesion, fluid, gray, white = (
        image[scipy.ndimage.binary_erosion(patient.matter == number)].mean() for number in (matter, CSF, GM, WM)
    )
    known = {CSF: fluid, GM: gray, WM: white, None: np.inf}
    darker, brighter = between
    assert 1.15 * known[darker] < lesion < known[brighter] / 1.15
