import numpy as np
import pytest

from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.realistic_slice import NOISE, PIXEL_MM, SIGNAL, TEXTURE, make_slice, simulate_slice

SEED = 1  # another than the sample's


@pytest.fixture(scope="module")
def anatomy():
    return make_slice(SEED)


@pytest.fixture(scope="module")
def scans(anatomy):
    return {contrast: simulate_slice(anatomy, contrast) for contrast in SIGNAL}


def pixels(anatomy, name):
    """Share of one kind of matter in each pixel, hung as the picture is."""
    share = anatomy.matter[name]
    return share.reshape(share.shape[0] // 2, 2, share.shape[1] // 2, 2).mean((1, 3))[::-1, ::-1].T


def at(anatomy, name):
    """Where the pixels hold almost nothing but one kind of matter."""
    return pixels(anatomy, name) > 0.99


def test_equal_seeds_give_equal_slices_and_others_give_others(anatomy, scans):
    again, other = make_slice(SEED), make_slice(SEED + 1)
    np.testing.assert_array_equal(again.truth, anatomy.truth)
    np.testing.assert_array_equal(simulate_slice(again, Contrast.T1), scans[Contrast.T1])
    assert np.mean(other.truth != anatomy.truth) > 0.05


def test_all_of_a_place_is_one_matter_or_another(anatomy):
    total = sum(anatomy.matter.values())
    assert total.min() > -1e-3
    assert total.max() < 1.01
    inside = np.repeat(np.repeat(anatomy.truth > 0, 2, 0), 2, 1).T[::-1, ::-1]
    np.testing.assert_allclose(total[inside], 1, atol=0.01)


def test_the_brain_is_as_large_as_a_slice_at_this_height_and_is_mostly_gray_and_white(anatomy):
    areas = np.bincount(anatomy.truth.ravel(), minlength=4) * PIXEL_MM**2 / 100  # cm2
    assert 130 < areas[1:].sum() < 220  # of an ellipse of 13.5 by 17.5 cm: 186
    gray, white, fluid = (areas[tissue.number] for tissue in Tissue)
    assert gray > white > fluid > 10


def test_it_hangs_as_radiologists_hang_it(anatomy):
    """Front at the top, and the patient's left at the right."""
    for tissue in Tissue:
        np.testing.assert_array_equal(anatomy.truth[at(anatomy, tissue.abbreviation)], tissue.number)
    vein = np.argwhere(pixels(anatomy, "sinus") > 0.5)
    assert len(vein) > 20
    assert vein[:, 0].min() > 0.8 * len(anatomy.truth)  # it runs behind the brain


@pytest.mark.parametrize("contrast", SIGNAL)
def test_tissues_are_as_bright_as_the_contrast_has_them(anatomy, scans, contrast):
    image = scans[contrast]
    means = {tissue: image[at(anatomy, tissue.abbreviation)].mean() for tissue in Tissue}
    for tissue, mean in means.items():
        assert mean == pytest.approx(SIGNAL[contrast][tissue.abbreviation], rel=0.12)
    assert sorted(means, key=means.get) == list(contrast.dark_to_bright)


@pytest.mark.parametrize("contrast", SIGNAL)
def test_the_air_holds_the_noise_of_magnitudes(anatomy, scans, contrast):
    corner = scans[contrast][:20, :20]  # of Rayleigh's distribution
    assert corner.mean() == pytest.approx(NOISE[contrast] * np.sqrt(np.pi / 2), rel=0.06)
    assert corner.std() == pytest.approx(NOISE[contrast] * np.sqrt(2 - np.pi / 2), rel=0.12)


def test_white_matter_has_a_texture_beside_the_noise(anatomy, monkeypatch):
    monkeypatch.setitem(NOISE, Contrast.T1, 0.0)
    white = at(anatomy, "WM")
    textured = simulate_slice(anatomy, Contrast.T1)[white]
    monkeypatch.setitem(TEXTURE, "WM", ())
    flat = simulate_slice(anatomy, Contrast.T1)[white]
    assert np.std(textured / flat) > 0.01


def test_the_image_lies_where_the_truth_lies(anatomy, scans):
    """A shift of one pixel anywhere makes it fit less."""
    image, truth = scans[Contrast.T2], anatomy.truth
    levels = np.array([0.04, *(SIGNAL[Contrast.T2][tissue.abbreviation] for tissue in Tissue)])
    inner = (slice(60, 220), slice(60, 170))

    def off(shift):
        return np.abs(np.roll(image, shift, (0, 1)) - levels[truth])[inner].mean()

    assert min(off(shift) for shift in ((0, 1), (1, 0), (0, -1), (-1, 0))) > 1.05 * off((0, 0))


def test_vessels_shine_where_blood_flows_in_and_are_dark_where_it_has_flowed_out(anatomy, scans):
    vessel, fluid = pixels(anatomy, "vessel") > 0.4, at(anatomy, "CSF")
    assert vessel.sum() >= 10
    for contrast, brighter in ((Contrast.T1, True), (Contrast.T2, False)):
        inside, beside = (np.median(scans[contrast][where]) for where in (vessel, fluid))
        assert (inside > 1.5 * beside) if brighter else (inside < 0.75 * beside)
