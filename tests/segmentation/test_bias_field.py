import numpy as np
import pytest

from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import simulate
from mriseg.image.morphology import bounding_box
from mriseg.mixture.fit import FLUID_BRIGHT, FLUID_DARK, fit
from mriseg.mixture.histogram import Cells, histogram
from mriseg.mixture.spatial_prior import prior_zones
from mriseg.registration.affine import Registration
from mriseg.registration.atlas import atlas
from mriseg.segmentation.bias_field import estimate_bias_field, evaluate_bias_field, uniform_field

SPACING = (2.0, 2.0, 2.0)
CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)


@pytest.fixture(scope="module")
def brain(phantom):
    """The brain of the phantom in its box."""
    mask = phantom.truth > 0
    return mask[bounding_box(mask, margin=1)]


@pytest.fixture(scope="module")
def flat(phantom):
    """What a scanner without a bias field sees of it, in the same box."""
    box = bounding_box(phantom.truth > 0, margin=1)
    return {contrast: simulate(phantom, contrast, bias=0).data[box] for contrast in CONTRASTS}


@pytest.fixture(scope="module")
def located(phantom, brain):
    """Zones of the average brain, which the phantom was made from."""
    to_scan = np.eye(4)
    to_scan[:3, 3] = -phantom.affine[:3, 3]
    first = np.array([part.start * 2.0 for part in bounding_box(phantom.truth > 0, margin=1)])
    return prior_zones(Registration(to_scan, 0.7, 1.0), atlas(), brain, spacing=SPACING, first_voxel_mm=first)


def correct(data, *arguments, **options):
    """The field, and the mixture."""
    coefficients, mixture = estimate_bias_field(data, *arguments, **options)
    return evaluate_bias_field(coefficients, data.shape), mixture


def smooth_field(shape, mask, strength=1.0):
    """A field of some 40 % from end to end, brightest at one side, with geometric mean 1 in the mask."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    log_field = strength * (0.17 * x - 0.1 * z**2 + 0.08 * x * y)
    return np.exp(log_field - log_field[mask].mean()).astype(np.float32)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_a_flat_scan_stays_flat(flat, brain, contrast):
    field = correct(flat[contrast], brain, contrast.dark_to_bright)[0][brain]
    assert field.std() < 0.01
    assert np.abs(field - 1).max() < 0.03


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_an_uneven_scan_is_evened_out(flat, brain, contrast):
    truth = smooth_field(brain.shape, brain)
    log_truth = np.log(truth[brain])
    log_found = np.log(correct(flat[contrast] * truth, brain, contrast.dark_to_bright)[0][brain])
    assert np.ptp(log_truth) > 0.3
    assert np.corrcoef(log_found, log_truth)[0, 1] > 0.95
    assert np.std(log_truth - log_found) < 0.5 * np.std(log_truth)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_most_of_a_strong_field_is_removed(flat, brain, contrast):
    truth = smooth_field(brain.shape, brain, strength=1.4)
    log_truth = np.log(truth[brain])
    log_found = np.log(correct(flat[contrast] * truth, brain, contrast.dark_to_bright)[0][brain])
    assert np.ptp(log_truth) > np.log(1.6)
    assert np.std(log_truth - log_found) < 0.3 * np.std(log_truth)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_an_uneven_scan_is_evened_out_where_the_average_brain_says_what_to_expect(flat, brain, located, contrast):
    truth = smooth_field(brain.shape, brain)
    field, mixture = correct(
        flat[contrast] * truth, brain, contrast.dark_to_bright, spacing=SPACING, spatial_prior=located
    )
    log_truth, log_found = np.log(truth[brain]), np.log(field[brain])
    assert np.corrcoef(log_found, log_truth)[0, 1] > 0.95
    assert np.std(log_truth - log_found) < 0.5 * np.std(log_truth)
    assert len(mixture.zone_shares) == len(located)


def test_the_average_brain_leads_at_first_so_that_a_strong_field_hides_no_tissue(flat, brain, located):
    """At its weight of the end from the beginning on, fluid would be fitted a tenth too bright, and the field miss."""
    truth = smooth_field(brain.shape, brain, strength=3.0)
    field, mixture = correct(
        flat[Contrast.PD] * truth, brain, Contrast.PD.dark_to_bright, spacing=SPACING, spatial_prior=located
    )
    assert np.std(np.log(field / truth)[brain]) < 0.12 * np.std(np.log(truth[brain]))
    again = fit(Cells.of(histogram(flat[Contrast.PD][brain])), Contrast.PD.dark_to_bright)
    np.testing.assert_allclose(mixture.means, again.means, rtol=0.04)


@pytest.mark.parametrize("order", [FLUID_DARK, FLUID_BRIGHT])
@pytest.mark.parametrize("strength", [0.0, 1.4])
def test_where_tissue_lies_everywhere_alike_the_field_is_found_exactly(brain, order, strength):
    """Tissue without rim or depth, so that nothing looks like shading but shading."""
    rng = np.random.default_rng(0)
    dark = order == FLUID_DARK
    means = np.array([250.0, 600, 850] if dark else [300.0, 450, 1000])
    shares = (0.2, 0.45, 0.35) if dark else (0.35, 0.45, 0.2)
    data = rng.choice(means, brain.shape, p=shares) + rng.normal(0, 30, brain.shape)
    truth = smooth_field(brain.shape, brain, strength)
    field, mixture = correct((data * truth).astype(np.float32), brain, order, spacing=SPACING)
    assert np.std(np.log(field / truth)[brain]) < 0.01
    np.testing.assert_allclose(mixture.means, means, rtol=0.02)


def test_the_mixture_is_that_of_the_corrected_scan(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    field, mixture = correct(data, brain, FLUID_DARK)
    again = fit(Cells.of(histogram((data / field)[brain])), FLUID_DARK)
    np.testing.assert_allclose(mixture.means, again.means, rtol=0.03)
    np.testing.assert_allclose(mixture.sds, again.sds, rtol=0.1)


def test_a_slice_is_evened_out(flat, brain):
    height = brain.shape[2] // 2
    mask = brain[:, :, height]
    truth = smooth_field(brain.shape, brain)[:, :, height]
    log_truth = np.log(truth[mask])
    log_found = np.log(correct(flat[Contrast.T1][:, :, height] * truth, mask, FLUID_DARK)[0][mask])
    assert np.corrcoef(log_found, log_truth)[0, 1] > 0.95
    assert np.std(log_truth - log_found) < 0.5 * np.std(log_truth)


def test_geometric_mean_in_the_brain_is_one(flat, brain):
    field, _ = correct(flat[Contrast.T1] * smooth_field(brain.shape, brain), brain, FLUID_DARK)
    assert np.exp(np.log(field[brain]).mean()) == pytest.approx(1, abs=2e-3)


def test_the_unit_of_the_intensities_does_not_matter(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    here, there = (correct(data * np.float32(unit), brain, FLUID_DARK)[0] for unit in (1, 1000))
    np.testing.assert_allclose(there, here, atol=2e-3)


@pytest.mark.slow
def test_a_mirrored_scan_has_the_mirrored_field(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    mirrored, _ = correct(data[::-1], brain[::-1], FLUID_DARK, samples=brain.sum())
    np.testing.assert_allclose(mirrored[::-1], correct(data, brain, FLUID_DARK, samples=brain.sum())[0], atol=1e-5)


@pytest.mark.slow
def test_turned_axes_have_the_turned_field(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    here, _ = correct(data, brain, FLUID_DARK, spacing=(2.0, 2.0, 2.0), samples=brain.sum())
    turned = data.transpose(2, 0, 1), brain.transpose(2, 0, 1)
    there, _ = correct(*turned, FLUID_DARK, spacing=(2.0, 2.0, 2.0), samples=brain.sum())
    np.testing.assert_allclose(there.transpose(1, 2, 0), here, atol=1e-5)


def test_some_of_the_voxels_say_what_all_say(flat, brain):
    data = flat[Contrast.T1] * smooth_field(brain.shape, brain)
    every, _ = correct(data, brain, FLUID_DARK, samples=brain.sum())
    some, _ = correct(data, brain, FLUID_DARK)
    assert np.log(some / every)[brain].std() < 0.003


def test_what_lies_outside_the_brain_does_not_matter(flat, brain):
    data = flat[Contrast.T1]
    other = np.where(brain, data, 12345).astype(np.float32)
    np.testing.assert_array_equal(correct(other, brain, FLUID_DARK)[0], correct(data, brain, FLUID_DARK)[0])


def test_the_field_covers_the_box_and_is_positive(flat, brain):
    field, _ = correct(flat[Contrast.T2], brain, FLUID_BRIGHT)
    assert field.shape == brain.shape
    assert field.dtype == np.float32
    assert field.min() > 0


def test_too_few_gray_levels_have_a_flat_field(brain):
    levels = np.random.default_rng(0).integers(1, 5, brain.shape).astype(np.float32)
    field, mixture = correct(levels, brain, FLUID_DARK)
    np.testing.assert_array_equal(field, np.ones(brain.shape))
    assert mixture is None


def test_a_freer_field_bends_more(flat, brain):
    """The shading here is steeper than any that the penalty leaves alone."""
    x = np.linspace(-1, 1, brain.shape[0], dtype=np.float32)[:, None, None]
    shaded = flat[Contrast.T1] * np.exp(0.15 * np.cos(3 * np.pi * x))
    depths = [
        correct(shaded, brain, FLUID_DARK, spacing=SPACING, bias_strength=strength)[0].std()
        for strength in (0.1, 1, 10)
    ]
    assert depths[0] < depths[1] < depths[2]


def test_a_flat_field_is_one():
    np.testing.assert_array_equal(evaluate_bias_field(uniform_field(3), (5, 6, 7)), np.ones((5, 6, 7), np.float32))


def test_a_part_of_a_field_is_that_of_the_whole():
    coefficients = np.random.default_rng(0).normal(0, 0.1, (4, 3, 2)).astype(np.float32)
    part = slice(3, 4), slice(None), slice(1, 9, 4)
    whole = evaluate_bias_field(coefficients, (11, 12, 13))
    assert np.ptp(whole) > 0.1
    np.testing.assert_allclose(evaluate_bias_field(coefficients, (11, 12, 13), part), whole[part], rtol=1e-6)
