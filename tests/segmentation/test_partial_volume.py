from itertools import permutations

import numpy as np
import pytest

from mriseg.core.tissue import Contrast, Tissue
from mriseg.mixture.layout import FRACTION_STEPS
from mriseg.mixture.likelihood import TableIndex, bin_voxels, log_likelihood_table
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.segmentation.partial_volume import partial_volumes
from mriseg.segmentation.volumes import volumes
from tests.helpers import three_classes

GM, WM, CSF = Tissue
MEANS = np.array([20.0, 60, 100])
SHAPE = (40, 40, 40)
ORDERS = [contrast.dark_to_bright for contrast in Contrast if contrast.dark_to_bright]


def of(tissues=(CSF, GM, WM), **changed):
    usual = {
        "means": tuple(MEANS),
        "sds": (3.0, 3.0, 3.0),
        "weights": (0.2, 0.3, 0.3),
        "mixed_weights": (0.1, 0.08, 0.02),
        "mixed_sd": 3.0,
        "tissues": tissues,
    }
    return three_classes(**{**usual, **changed})


def posteriors_of(mixture, found, inside):
    """By intensity alone."""
    evidence = np.exp(
        log_likelihood_table(mixture, found)[:, TableIndex(found, uniform_prior(inside.shape))[:]].astype(float)
    )
    return (evidence / evidence.sum(0) * inside).astype(np.float32)


def certain(shape, of_class):
    posteriors = np.zeros((3, *shape), np.float32)
    posteriors[of_class] = 1
    return posteriors


def ramp():
    """A slice with all intensities from dark to bright."""
    data = np.linspace(10, 110, 401, dtype=np.float32)[:, None]
    return data, bin_voxels([data], np.ones(data.shape, bool))


def at(data, value):
    return int(np.abs(data[:, 0] - value).argmin())


@pytest.fixture
def scanned():
    """Intensities and a mask in space, the mask with random holes."""
    rng = np.random.default_rng(0)
    fraction = rng.dirichlet((0.2, 0.3, 0.3), SHAPE)
    data = (fraction @ MEANS + rng.normal(0, 3, SHAPE)).astype(np.float32)
    return data, rng.random(SHAPE) < 0.8


def test_fractions_are_whole_voxels_in_the_mask_and_nothing_outside(scanned):
    data, mask = scanned
    found = bin_voxels([data], mask)
    fractions = partial_volumes(posteriors_of(of(), found, mask), of(), found)
    assert fractions.shape == (*SHAPE, 3)
    assert fractions.dtype == np.uint8
    total = fractions.sum(-1, dtype=int)
    assert np.abs(total[mask] - 255).max() <= 3
    assert total[mask].mean() == pytest.approx(255, abs=0.2)
    assert not total[~mask].any()


@pytest.mark.parametrize("order", ORDERS)
def test_a_pure_voxel_holds_one_tissue(order):
    data, found = ramp()
    mixture = of(order, sds=(1.0, 1.0, 1.0), mixed_sd=1.0)
    for k, tissue in enumerate(order):
        fractions = partial_volumes(certain(data.shape, k), mixture, found)
        pure = fractions[at(data, MEANS[k]), 0]
        assert pure[list(Tissue).index(tissue)] >= 252
        assert pure.sum(dtype=int) == pytest.approx(255, abs=3)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("dark", "bright"), [(0, 1), (1, 2)])
def test_half_way_between_two_classes_a_voxel_holds_half_of_each(order, dark, bright):
    data, found = ramp()
    mixture = of(order, mixed_weights=(0.1, 0.1, 0.0), sds=(2.0, 2.0, 2.0), mixed_sd=2.0)
    half = at(data, MEANS[[dark, bright]].mean())
    columns = [list(Tissue).index(order[k]) for k in (dark, bright)]
    for k in (dark, bright):
        fractions = partial_volumes(certain(data.shape, k), mixture, found)[half, 0]
        np.testing.assert_allclose(fractions[columns], 127.5, atol=255 / FRACTION_STEPS)
        assert np.delete(fractions, columns).max() < 10


@pytest.mark.parametrize("sds", [3, 10, 30, 60])
def test_beyond_the_outermost_classes_a_voxel_holds_one_tissue(sds):
    """Mixed voxels have the noise of pure ones, and their intensities lie farther off."""
    ends = np.array([[20 - 2.0 * sds], [100 + 2.0 * sds]], np.float32)
    data = np.concatenate([ramp()[0], np.repeat(ends, 9, 0)])
    found = bin_voxels([data], np.ones(data.shape, bool))
    mixture = of(sds=(2.0, 2.0, 2.0), mixed_sd=2.0)
    dark, bright = (partial_volumes(certain(data.shape, k), mixture, found) for k in (0, 2))
    assert dark[-18, 0, list(Tissue).index(CSF)] > 240
    assert bright[-1, 0, list(Tissue).index(WM)] > 240


def test_the_fraction_follows_the_intensity():
    data, found = ramp()
    mixture = of(mixed_weights=(0.2, 0.2, 0.0), sds=(2.0, 2.0, 2.0), mixed_sd=2.0)
    fractions = partial_volumes(posteriors_of(mixture, found, np.ones(data.shape, bool)), mixture, found)
    between = (data[:, 0] > 20) & (data[:, 0] < 60)
    expected = 255 * (60 - data[between, 0]) / 40
    assert np.abs(fractions[between, 0, 2] - expected).mean() < 20
    assert np.abs(fractions[between, 0, 2] - expected).max() < 45
    assert (np.diff(fractions[between, 0, 2].astype(int)) <= 1).all()


def test_posteriors_weigh_what_each_class_expects():
    data, found = ramp()
    one, other = (partial_volumes(certain(data.shape, k), of(), found).astype(float) for k in (0, 1))
    both = partial_volumes((0.3 * certain(data.shape, 0) + 0.7 * certain(data.shape, 1)), of(), found)
    np.testing.assert_allclose(both, 0.3 * one + 0.7 * other, atol=1.1)
    assert np.abs(one - other).max() > 100


def test_the_class_of_the_posterior_holds_most_of_the_voxel():
    data, found = ramp()
    for k, tissue in enumerate(of().tissues):
        fractions = partial_volumes(certain(data.shape, k), of(), found)
        assert (fractions.argmax(-1) == list(Tissue).index(tissue)).all()
        assert fractions.max(-1).min() >= 127


@pytest.mark.parametrize("order", list(permutations(Tissue)))
def test_names_only_permute_the_fractions(scanned, order):
    data, mask = scanned[0][:4], scanned[1][:4]
    found = bin_voxels([data], mask)
    posteriors = posteriors_of(of(), found, mask)
    usual, renamed = (partial_volumes(posteriors, of(names), found) for names in ((CSF, GM, WM), order))
    columns = [list(Tissue).index(order[(CSF, GM, WM).index(tissue)]) for tissue in Tissue]
    np.testing.assert_array_equal(renamed[..., columns], usual)


def test_classes_of_one_tissue_are_summed():
    data, found = ramp()
    fractions = partial_volumes(certain(data.shape, 1), of((CSF, GM, GM)), found)
    apart = partial_volumes(certain(data.shape, 1), of((CSF, GM, WM)), found).astype(int)
    np.testing.assert_allclose(fractions[..., 0], apart[..., 0] + apart[..., 1], atol=1)
    assert not fractions[..., 1].any()


@pytest.mark.parametrize("axis", range(3))
def test_flipping_the_image_flips_the_fractions(scanned, axis):
    data, mask = (array[:12, :13, :14] for array in scanned)
    flipped_data, flipped_mask = np.flip(data, axis), np.flip(mask, axis)
    found, flipped = bin_voxels([data], mask), bin_voxels([flipped_data], flipped_mask)
    here = partial_volumes(posteriors_of(of(), found, mask), of(), found)
    there = partial_volumes(posteriors_of(of(), flipped, flipped_mask), of(), flipped)
    np.testing.assert_array_equal(np.flip(there, axis), here)


def test_a_slice_is_as_the_volume_it_is_cut_from(scanned):
    data, mask = scanned[0][:1], scanned[1][:1]
    volume, picture = bin_voxels([data], mask), bin_voxels([data[0]], mask[0])
    posteriors = posteriors_of(of(), volume, mask)
    np.testing.assert_array_equal(
        partial_volumes(posteriors[:, 0], of(), picture), partial_volumes(posteriors, of(), volume)[0]
    )


@pytest.mark.parametrize("noise", [2.0, 5.0])
def test_volumes_of_a_border_are_right_where_labels_are_biased(noise):
    """Fluid in sulci thinner than half a voxel: no label says fluid where it lies."""
    rng = np.random.default_rng(1)
    shape, share = (60, 60, 60), (0.1, 0.4, 0.2, 0.3)  # fluid, gray and white matter, narrow sulci
    kind = rng.choice(4, shape, p=share)
    fluid = np.where(kind == 3, rng.uniform(0, 0.5, shape), kind == 0)
    white = kind == 2
    truth = {GM: 1 - fluid - white, WM: white, CSF: fluid}
    clean = sum(truth[tissue] * mean for tissue, mean in zip((CSF, GM, WM), MEANS, strict=True))
    data = (clean + rng.normal(0, noise, shape)).astype(np.float32)
    mixture = of(weights=share[:3], sds=(noise,) * 3, mixed_sd=noise, mixed_weights=(0.3, 0.0, 0.0))
    # Of the two components of the first pair, the one that is mostly gray matter has all.
    mixture.parameters.weights[0, 3:5] = 0, 0.3
    mask = np.ones(shape, bool)
    found = bin_voxels([data], mask)
    posteriors = posteriors_of(mixture, found, mask)
    told = volumes(partial_volumes(posteriors, mixture, found), 0.001)
    label = posteriors.argmax(0)
    for k, tissue in enumerate((CSF, GM, WM)):
        assert told[tissue] == pytest.approx(truth[tissue].sum() / 1000, rel=0.01)
        if tissue is not WM:
            assert (label == k).sum() / 1000 != pytest.approx(truth[tissue].sum() / 1000, rel=0.1)


def test_volumes_of_a_straight_border_are_right():
    """Gray beside white matter, the border at all fractions of a voxel; posteriors are those of the mixture."""
    rng = np.random.default_rng(2)
    place = np.linspace(14, 26, 3600).reshape(60, 60)
    white = np.clip(place[..., None] - np.arange(40), 0, 1)
    data = (60 + 40 * white + rng.normal(0, 4, white.shape)).astype(np.float32)
    gray, mixed, pure = np.mean(white == 0), np.mean((white > 0) & (white < 1)), np.mean(white == 1)
    mixture = of(sds=(4.0, 4.0, 4.0), mixed_sd=4.0, weights=(0.0, gray, pure), mixed_weights=(0.0, mixed, 0.0))
    mask = np.ones(white.shape, bool)
    found = bin_voxels([data], mask)
    told = volumes(partial_volumes(posteriors_of(mixture, found, mask), mixture, found), 1.0)
    assert told[WM] == pytest.approx(white.sum(), rel=0.01)
    assert told[GM] == pytest.approx((1 - white).sum(), rel=0.01)
    assert told[CSF] < 0.001 * white.size
