import numpy as np
import pytest

from mriseg.mixture.fit import FLUID_DARK, fit
from mriseg.mixture.likelihood import bin_voxels
from mriseg.mixture.spatial_prior import uniform_prior
from mriseg.segmentation.tissue_curves import tissue_curves
from tests.helpers import three_classes

SHAPE = (40, 40, 20)
MEANS = (20.0, 60.0, 100.0)


def mixture(outliers=0.0):
    return three_classes(
        means=MEANS,
        sds=(6.0, 6.0, 6.0),
        weights=(0.3, 0.4, 0.3 - outliers),
        mixed_weights=(0.0, 0.0, 0.0),
        mixed_sd=6.0,
        outliers=outliers,
        outlier_range=(-200.0, 300.0),
    )


@pytest.fixture(scope="module")
def brain():
    """Intensities of three tissues, whose places are known, and the class of each voxel."""
    rng = np.random.default_rng(0)
    classes = rng.choice(3, SHAPE, p=(0.3, 0.4, 0.3))
    return rng.normal(np.array(MEANS)[classes], 6).astype(np.float32), classes


def posteriors_of(classes):
    return (np.arange(3)[:, None, None, None] == classes).astype(np.float32)


def test_a_tissue_has_the_curve_of_the_voxels_that_it_was_given(brain):
    data, classes = brain
    mask = np.ones(SHAPE, bool)
    curves = tissue_curves(posteriors_of(classes), mask, bin_voxels([data], mask), mixture())
    for k in range(3):
        share, mean, sd = curves.moments_of(k)
        own = data[classes == k]
        assert (share, mean) == pytest.approx((len(own) / data.size, own.mean()), rel=0.01)
        assert sd == pytest.approx(own.std(), rel=0.05)
    assert curves.unexplained == 0


def test_place_and_neighbors_move_the_curve_and_not_the_intensity_alone(brain):
    data, classes = brain
    mask = np.ones(SHAPE, bool)
    given = posteriors_of(classes)
    given[:, :20] = np.array([0, 1, 0], np.float32)[:, None, None, None]  # one half is gray matter, whatever it shows
    curves = tissue_curves(given, mask, bin_voxels([data], mask), mixture())
    assert curves.class_shares == pytest.approx([0.15, 0.7, 0.15], abs=0.01)


def test_voxels_without_a_posterior_are_of_no_tissue(brain):
    data, classes = brain
    mask = np.ones(SHAPE, bool)
    given = posteriors_of(classes)
    rim = np.zeros(SHAPE, bool)
    rim[:4] = True
    bright = np.where(rim, np.float32(140) + 0.1 * data, data)
    curves = tissue_curves(given * ~rim, mask, bin_voxels([bright], mask), mixture())
    share, mean, _ = curves.moments_of(3)
    assert (share, mean) == pytest.approx((rim.mean(), bright[rim].mean()), rel=0.01)


def test_outliers_of_the_mixture_are_of_no_tissue(brain):
    data, classes = brain
    mask = np.ones(SHAPE, bool)
    odd = np.random.default_rng(1).random(SHAPE) < 0.02
    data = np.where(odd, np.float32(200), data)
    model = mixture(outliers=0.02)
    curves = tissue_curves(posteriors_of(classes), mask, bin_voxels([data], mask), model)
    expected = 0.02 / 500 / model.density(data.ravel())  # by Bayes' rule, voxel by voxel
    assert curves.unexplained == pytest.approx(expected.mean(), rel=0.05)
    assert curves.unexplained >= odd.mean()


def test_of_several_channels_the_curves_are_those_of_the_first(brain):
    data, classes = brain
    mask = np.ones(SHAPE, bool)
    alone = tissue_curves(posteriors_of(classes), mask, bin_voxels([data], mask), mixture())
    binned = bin_voxels([data, 300 - data + np.random.default_rng(2).normal(0, 3, SHAPE)], mask)
    joint = fit(binned.cells(mask, uniform_prior(SHAPE)), FLUID_DARK)
    both = tissue_curves(posteriors_of(classes), mask, binned, joint)
    np.testing.assert_allclose(both.class_shares, alone.class_shares, atol=0.005)
    np.testing.assert_allclose(both.class_means, alone.class_means, rtol=0.01)
