import numpy as np
import pytest
import scipy

from mriseg.core.tissue import Contrast, Tissue
from mriseg.datasets.phantom import (
    AIR,
    BONE,
    CSF,
    FULL_SIGNAL,
    GM,
    MARROW,
    MATTER,
    SEQUENCES,
    WM,
    Sequence,
    make_phantom,
    simulate,
)


def test_equal_seeds_give_equal_heads(coarse):
    np.testing.assert_array_equal(make_phantom(seed=1, spacing=4.0).matter, coarse.matter)


def test_another_seed_gives_another_head(coarse):
    assert np.mean(make_phantom(seed=2, spacing=4.0).matter != coarse.matter) > 0.03


def test_truth_is_the_tissues_and_nothing_else(phantom):
    assert set(np.unique(phantom.truth)) == {0, *(tissue.number for tissue in Tissue)}
    np.testing.assert_array_equal(phantom.truth > 0, np.isin(phantom.matter, (GM, WM, CSF)))


def test_volumes_are_those_of_a_head(phantom):
    ml = np.bincount(phantom.truth.ravel()) * np.linalg.det(phantom.affine[:3, :3]) / 1000
    assert 1200 < ml[1:].sum() < 2200
    assert ml[GM] > ml[WM] > ml[CSF] > 100


def test_the_brain_is_one_piece_in_a_closed_skull(phantom):
    brain = phantom.truth > 0
    around = scipy.ndimage.binary_dilation(brain) & ~brain
    assert np.isin(phantom.matter[around], (BONE, MARROW)).mean() > 0.99
    assert scipy.ndimage.label(brain)[1] == 1


def test_the_brain_lies_at_its_place_in_mni_space(phantom):
    center = phantom.affine[:3] @ [*scipy.ndimage.center_of_mass(phantom.truth > 0), 1]
    np.testing.assert_allclose(center, [0, -20, 5], atol=10)


def test_gray_matter_is_shallower_than_white_and_fluid_shallowest(phantom):
    depth = scipy.ndimage.distance_transform_edt(phantom.truth > 0)
    fluid, gray, white = (depth[phantom.truth == number].mean() for number in (CSF, GM, WM))
    assert fluid < gray < white


def test_heights_cut_a_slab(coarse):
    slab = make_phantom(seed=1, spacing=4.0, heights=(-10.0, 30.0))
    assert slab.matter.shape[2] == 11
    assert slab.affine[2, 3] == -10
    assert slab.matter.shape[:2] == coarse.matter.shape[:2]


@pytest.mark.parametrize("contrast", SEQUENCES)
def test_tissues_are_as_bright_as_the_contrast_says(phantom, contrast):
    image = simulate(phantom, contrast, noise=0, bias=0).data
    core = {t: scipy.ndimage.binary_erosion(phantom.truth == t.number) for t in Tissue}
    means = [image[core[tissue]].mean() for tissue in contrast.dark_to_bright]
    assert means[0] < means[1] < means[2]


def test_the_signal_is_that_of_the_equations():
    # Spin echo after 90 degrees: density (1 - exp(-TR/T1)) exp(-TE/T2).
    assert Sequence(4000, 90).signal(0.9, 800, 80) == pytest.approx(0.9 * (1 - np.exp(-5)) * np.exp(-90 / 80))
    # Inversion recovery with TI = T1 ln 2 and a long TR nulls.
    assert Sequence(1e6, 10, inversion=1000 * np.log(2)).signal(1, 1000, 80) == pytest.approx(0, abs=1e-9)


def test_flair_nulls_fluid():
    signal = {number: SEQUENCES[Contrast.FLAIR].signal(*MATTER[number]) for number in (GM, WM, CSF)}
    assert signal[CSF] < 0.15 * signal[WM]


def test_noise_is_as_strong_as_asked(phantom):
    noisy = simulate(phantom, Contrast.T1, noise=3, bias=0).data
    clean = simulate(phantom, Contrast.T1, noise=0, bias=0).data
    brightest = FULL_SIGNAL * SEQUENCES[Contrast.T1].signal(*MATTER[WM])
    assert (noisy - clean)[phantom.matter == WM].std() == pytest.approx(0.03 * brightest, rel=0.02)


def test_noise_in_the_air_is_that_of_a_magnitude_image(phantom):
    noisy = simulate(phantom, Contrast.T1, noise=3, bias=0).data
    sd = 0.03 * FULL_SIGNAL * SEQUENCES[Contrast.T1].signal(*MATTER[WM])
    far = scipy.ndimage.binary_erosion(phantom.matter == AIR, iterations=3)
    assert noisy[far].mean() == pytest.approx(sd * np.sqrt(np.pi / 2), rel=0.02)


def test_bias_has_the_range_asked_for(coarse):
    biased = simulate(coarse, Contrast.T2, noise=0, bias=40).data
    flat = simulate(coarse, Contrast.T2, noise=0, bias=0).data
    field = biased[flat > 1] / flat[flat > 1]
    assert 0.79 < field.min() < field.max() < 1.21
    assert np.ptp(field) > 0.3


def test_a_scan_is_repeatable_and_another_seed_is_another_scan(coarse):
    first, again, other = (simulate(coarse, Contrast.T1, seed=seed).data for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_scan_lies_where_the_anatomy_lies(coarse):
    np.testing.assert_array_equal(simulate(coarse, Contrast.T1).affine, coarse.affine)
