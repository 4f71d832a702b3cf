import numpy as np
import pytest

from mriseg.brain import volume
from mriseg.brain.volume import find_brain_in_volume
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.phantom import AIR, FAT, MUSCLE, SKIN, VITREOUS, make_phantom, simulate
from mriseg.image.morphology import largest_component
from mriseg.registration.affine import Registration
from tests.helpers import dice


@pytest.fixture
def found(segmented):
    """The mask on T2; what is found on the other contrasts, `test_segment` asks."""
    return segmented(Contrast.T2).brain.mask


def test_the_brain_is_found(found, phantom):
    assert dice(found, phantom.truth > 0) > 0.95


def test_nothing_beyond_the_skull_is_brain(found, phantom):
    assert np.isin(phantom.matter[found], (FAT, MUSCLE, SKIN, VITREOUS, AIR)).mean() < 0.002


def test_little_of_the_brain_is_left_out(found, phantom):
    assert (found & (phantom.truth > 0)).sum() > 0.93 * (phantom.truth > 0).sum()


def test_the_mask_is_one_piece(found):
    np.testing.assert_array_equal(largest_component(found), found)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1 + 3e-7, 3.7e-4, 1.9e5])
def test_the_unit_of_intensity_does_not_matter(scanned, segmented, factor):
    """A factor leaves only rounding errors, which the search for the brain must not amplify."""
    scan, known = scanned(Contrast.T1), segmented(Contrast.T1).mask
    found, _ = find_brain_in_volume(scan.data * np.float32(factor), scan.spacing)
    assert (found != known).sum() < 0.005 * known.sum()


@pytest.mark.slow
def test_air_around_the_head_does_not_matter(scanned):
    scan = scanned(Contrast.T2)
    known, _ = find_brain_in_volume(scan.data, scan.spacing)
    air = 5  # voxels, 10 mm
    noise = np.random.default_rng(0).rayleigh(np.sqrt(0.5) * scan.data[:3, :3].mean(), np.add(scan.data.shape, 2 * air))
    inner = (slice(air, -air),) * 3
    data = noise.astype(np.float32)
    data[inner] = scan.data
    found, _ = find_brain_in_volume(data, scan.spacing)
    assert (found[inner] != known).sum() < 0.005 * known.sum()


def test_positions_are_counted_from_the_center_of_the_first_voxel(coarse, monkeypatch):
    data = simulate(coarse, Contrast.T1).data
    where = np.eye(4)
    where[:3, 3] = -coarse.affine[:3, 3]
    monkeypatch.setattr(volume, "register_any_orientation", lambda *_, **__: Registration(where, 0.4, 1.0))
    monkeypatch.setattr(volume, "center", lambda _: (0, 0, 0))  # `where` counts from the first voxel
    whole, large = find_brain_in_volume(data, (4.0, 4.0, 4.0))
    # The same voxels cut in eight: the first of them has its center 1 mm before that of the whole.
    parts, cut = find_brain_in_volume(data.repeat(2, 0).repeat(2, 1).repeat(2, 2), (2.0, 2.0, 2.0))
    np.testing.assert_allclose(cut.affine[:3, 3], large.affine[:3, 3] + 1)
    assert dice(parts, whole.repeat(2, 0).repeat(2, 1).repeat(2, 2)) > 0.95


def test_a_volume_of_one_gray_holds_no_brain():
    with pytest.raises(BrainNotFoundError):
        find_brain_in_volume(np.full((40, 40, 40), 5, np.float32), (3.0, 3.0, 3.0))


def test_what_hardly_agrees_with_the_average_brain_is_no_head(coarse, monkeypatch):
    """Noise agrees by less than 0.1 nats, as `test_affine` has it."""
    data = simulate(coarse, Contrast.T1).data
    where = np.eye(4)
    where[:3, 3] = -coarse.affine[:3, 3]
    monkeypatch.setattr(volume, "register_any_orientation", lambda *_, **__: Registration(where, 0.11, 1.0))
    mask, _ = find_brain_in_volume(data, (4.0, 4.0, 4.0))
    assert mask.any()
    monkeypatch.setattr(volume, "register_any_orientation", lambda *_, **__: Registration(where, 0.09, 1.0))
    with pytest.raises(BrainNotFoundError, match="does not fit"):
        find_brain_in_volume(data, (4.0, 4.0, 4.0))


@pytest.mark.slow
def test_cortex_in_the_shade_is_left_out_less_once_the_shade_is_known(monkeypatch):
    phantom = make_phantom(spacing=3.0)
    scan, cortex = simulate(phantom, Contrast.T1, bias=60.0), phantom.truth == Tissue.GM.number
    missed, overlap = [], []
    for known in (True, False):
        if not known:
            monkeypatch.setattr(volume, "estimate_shading", lambda image, sides, **_: np.ones(image.shape, np.float32))
        mask, _ = find_brain_in_volume(scan.data, (3.0, 3.0, 3.0))
        missed.append((cortex & ~mask).sum())
        overlap.append(dice(mask, phantom.truth > 0))
    assert missed[0] < 0.85 * missed[1]
    assert overlap[0] >= overlap[1]
