import numpy as np
import pytest
import scipy

from mriseg.brain import extraction
from mriseg.brain.extraction import extract
from mriseg.brain.stripped import is_stripped
from mriseg.core.errors import BrainNotFoundError
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import AIR, SEQUENCES, make_phantom, simulate
from tests.helpers import dice

SPACING = (2.0, 2.0, 2.0)


def axial(volume, index=58):
    return np.ascontiguousarray(volume[:, :, index].T[::-1])


def stripped(scan, phantom, background=0.0):
    return np.where(phantom.truth > 0, scan.data, np.float32(background))


@pytest.mark.parametrize("background", [0.0, -500.0, 1.5])
def test_a_stripped_brain_is_taken_as_it_is(scanned, phantom, background):
    brain = extract(stripped(scanned(Contrast.T1), phantom, background), SPACING)
    assert brain.stripped
    assert any("skull-stripped" in note for note in brain.notes)
    assert dice(brain.mask, phantom.truth > 0) > 0.99


def test_a_stripped_slice_is_taken_as_it_is(scanned, phantom):
    brain = extract(axial(stripped(scanned(Contrast.T1), phantom)), (2.0, 2.0))
    assert brain.stripped
    assert dice(brain.mask, axial(phantom.truth > 0)) > 0.98


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_a_brightened_head_whose_air_is_one_value_is_not_taken_for_a_brain_without_skull(scanned, phantom, contrast):
    """Its skull is not dark: only the brain within tells."""
    image = axial(scanned(contrast).data)
    bright = np.rint(255 * (image / image.max()) ** 0.7).astype(np.float32)
    bright[axial(phantom.matter) == AIR] = 0
    assert is_stripped(bright, SPACING[:2])
    brain = extract(bright, SPACING[:2])
    assert not brain.stripped
    assert dice(brain.mask, axial(phantom.truth > 0)) > 0.9


def test_the_brain_in_a_picture_keeps_clear_of_a_white_frame(scanned):
    image = axial(scanned(Contrast.T1).data)
    plain = extract(image, (2.0, 2.0))
    framed = extract(np.pad(image, 25, constant_values=image.max()), (2.0, 2.0))
    assert dice(framed.mask[25:-25, 25:-25], plain.mask) > 0.97
    assert not framed.mask[:25].any()
    assert any("frame" in note for note in framed.notes)


def test_the_brain_is_found_in_an_inverted_picture(scanned):
    image = axial(scanned(Contrast.T1).data)
    inverted = extract(image.max() - image, (2.0, 2.0))
    assert dice(inverted.mask, extract(image, (2.0, 2.0)).mask) > 0.95
    assert any("inverted" in note for note in inverted.notes)


@pytest.mark.slow
@pytest.mark.parametrize("across", range(3))
def test_a_thin_slab_is_searched_slice_by_slice(across):
    # In canonical axes: which way the slab lies, its slices are pictures.
    head = make_phantom(seed=0, spacing=2.0, heights=None if across < 2 else (10.0, 38.0))
    cut = (slice(None),) * across + ((slice(42, 56),) if across < 2 else (slice(None),))
    data, matter, truth = simulate(head, Contrast.T1).data[cut], head.matter[cut], head.truth[cut]
    brain = extract(data, SPACING)
    assert any("slab" in note for note in brain.notes)
    assert dice(brain.mask, truth > 0) > 0.92
    assert (matter[brain.mask] == AIR).mean() < 0.005


@pytest.mark.slow
def test_a_sinus_at_the_border_of_a_brain_is_taken_out_of_its_mask(scanned, segmented, monkeypatch):
    """The atlas lets the mask reach into air that it does not know of."""
    brain, scan = segmented(Contrast.T2).brain, scanned(Contrast.T2)
    foremost = np.argwhere(brain.mask)[brain.mask.nonzero()[1].argmax()]
    away = 2.0 * np.sqrt(sum((axis - at) ** 2 for axis, at in zip(np.ogrid[:99, :117, :101], foremost, strict=True)))
    air = np.random.default_rng(0).rayleigh(3.0, scan.data.shape)
    data = np.where(away < 20, air, scan.data).astype(np.float32)
    monkeypatch.setattr(extraction, "find_brain_in_volume", lambda *_: (brain.mask, brain.registration))
    mask = extract(data, SPACING).mask
    assert (brain.mask & (away < 14)).sum() > 500
    assert not mask[away < 14].any()  # nearer to the tissue around it the blur is not dark
    assert dice(mask, brain.mask & (away >= 20)) > 0.995


def test_an_enclosed_void_stays_in_the_mask(scanned, segmented, monkeypatch):
    """On a good FLAIR scan the ventricles are as dark as air."""
    brain, scan = segmented(Contrast.T2).brain, scanned(Contrast.T2)
    middle = np.round(scipy.ndimage.center_of_mass(brain.mask)).astype(int)
    void = tuple(slice(at - 4, at + 5) for at in middle)
    data = scan.data.copy()
    data[void] = 0
    monkeypatch.setattr(extraction, "find_brain_in_volume", lambda *_: (brain.mask, brain.registration))
    np.testing.assert_array_equal(extract(data, SPACING).mask, brain.mask)


@pytest.mark.parametrize("shape", [(64, 64), (40, 40, 40), (64, 64, 10)])
def test_where_there_is_nothing_no_brain_is_found(shape):
    with pytest.raises(BrainNotFoundError):
        extract(np.zeros(shape, np.float32), (2.0,) * len(shape))


@pytest.mark.parametrize("shape", [(64, 64), (40, 40, 40)])
def test_where_gray_levels_differ_in_the_last_digit_no_brain_is_found(shape):
    data = np.full(shape, 5, np.float32)
    data[(0,) * len(shape)] = np.nextafter(np.float32(5), np.float32(6))
    with pytest.raises(BrainNotFoundError):
        extract(data, (2.0,) * len(shape))


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_a_stripped_brain_is_trusted(scanned, phantom, contrast):
    brain = extract(stripped(scanned(contrast), phantom), SPACING)
    assert brain.confidence > 0.9
    assert brain.registration is not None
