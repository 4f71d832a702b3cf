from dataclasses import replace

import numpy as np
import pytest

from mriseg.measure import doubts, fractions, quality, volumes
from mriseg.mixture import Mixture
from mriseg.name import Naming
from mriseg.tissue import Contrast, Tissue

GM, WM, CSF = Tissue


@pytest.fixture
def posteriors():
    """Random posteriors of float32 in half of a grid, zero in the other."""
    values = np.random.default_rng(0).dirichlet((2, 3, 1), (6, 7, 8)).astype(np.float32)
    values[3:] = 0
    return values


@pytest.fixture
def mixture():
    return Mixture(
        means=np.array([150.0, 400, 700]),
        sds=np.array([30.0, 40, 30]),
        weights=np.array([0.1, 0.4, 0.3]),
        mixed_weights=np.array([0.1, 0.05, 0.04]),
        mixed_sd=30.0,
        outliers=0.01,
        outlier_range=(0.0, 1000.0),
        log_likelihood=-6.0,
        iterations=9,
        converged=True,
        tissues=(CSF, GM, WM),
    )


@pytest.fixture
def sound(mixture):
    """Arguments of `doubts` for a segmentation without fault."""
    return {
        "naming": Naming(Contrast.T1, mixture.tissues, 0.99),
        "mixture": mixture,
        "figures": {"cnr": 6.0},
        "brain_ml": 1500.0,
        "extent_mm": (180.0, 220.0, 180.0),
    }


def test_volumes_are_sums_of_posteriors(posteriors):
    expected = posteriors.reshape(-1, 3).sum(0, dtype=float) * 0.002
    found = volumes(posteriors, 0.002)
    np.testing.assert_allclose([found[tissue] for tissue in Tissue], expected)


def test_a_hundred_million_voxels_lose_nothing_to_single_precision():
    many = np.broadcast_to(np.float32([0.1, 0.2, 0.7]), (5000, 2000, 3))
    assert volumes(many, 0.001)[GM] == pytest.approx(1000, rel=1e-6)


def test_without_a_voxel_size_there_is_no_volume(posteriors):
    assert volumes(posteriors, None) is None


def test_fractions_are_shares_of_the_volumes(posteriors):
    shares, ml = fractions(posteriors), volumes(posteriors, 1.0)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[WM] == pytest.approx(ml[WM] / sum(ml.values()))


def test_quality_figures_are_as_defined(posteriors, mixture):
    mask = posteriors.sum(-1) > 0
    bias = np.where(mask, 1.0, 50.0)
    bias[0, 0, 0], bias[0, 0, 1] = 0.9, 1.17
    figures = quality(posteriors, mixture, bias, mask)
    share = fractions(posteriors)
    assert figures["brain_parenchymal_fraction"] == pytest.approx(share[GM] + share[WM])
    assert figures["mean_posterior"] == pytest.approx(posteriors[:3].max(-1).mean(), rel=1e-5)
    assert figures["mixed_share"] == pytest.approx(0.19)
    assert figures["cnr"] == pytest.approx(300 / 50)
    assert figures["cjv"] == pytest.approx(70 / 300)
    assert figures["bias_range"] == pytest.approx(0.3)


def test_contrast_to_noise_is_that_of_gray_and_white_whatever_their_order(posteriors, mixture):
    mask = posteriors.sum(-1) > 0
    flair = replace(mixture, tissues=(CSF, WM, GM))
    t2 = replace(mixture, tissues=(WM, GM, CSF))
    ones = np.ones(mask.shape)
    assert quality(posteriors, flair, ones, mask)["cnr"] == pytest.approx(6)
    assert quality(posteriors, t2, ones, mask)["cnr"] == pytest.approx(250 / 50)
    swapped = replace(mixture, sds=np.array([30.0, 40, 60]))
    assert quality(posteriors, replace(swapped, tissues=(CSF, GM, WM)), ones, mask)["cjv"] == pytest.approx(100 / 300)


def test_a_sound_segmentation_is_not_doubted(sound):
    assert doubts(**sound) == ()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"naming": Naming(Contrast.UNKNOWN, (CSF, GM, WM), 0.99)}, "no contrast that is known"),
        ({"naming": Naming(Contrast.T1, (CSF, GM, WM), 0.6)}, "60%"),
        ({"naming": Naming(Contrast.T1, (WM, GM, CSF), 0.99, inverted=True)}, "inverted"),
        ({"figures": {"cnr": 0.5}}, "hardly differ"),
        ({"brain_ml": 2500.0}, "2500 mL"),
        ({"brain_ml": 200.0}, "200 mL"),
    ],
)
def test_each_fault_is_told_in_one_sentence_of_its_own(sound, fault, says):
    (sentence,) = doubts(**{**sound, **fault})
    assert says in sentence
    assert sentence.endswith(".")


def test_a_mixture_that_did_not_settle_is_told(sound, mixture):
    (sentence,) = doubts(**{**sound, "mixture": replace(mixture, converged=False)})
    assert "not settled" in sentence


@pytest.mark.parametrize(
    "unknown",
    [
        {"brain_ml": None},
        {"extent_mm": None, "brain_ml": 90.0},
        {"extent_mm": (180.0, 220.0, 18.0), "brain_ml": 90.0},  # a slab
    ],
)
def test_what_is_not_known_is_not_doubted(sound, unknown):
    assert doubts(**{**sound, **unknown}) == ()
