import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.volumes import UNKNOWN_SHARE, intervals, shares, volumes

GM, WM, CSF = Tissue


@pytest.fixture
def posteriors():
    """Random posteriors of float32 in half of a grid, zero in the other."""
    values = np.random.default_rng(0).dirichlet((2, 3, 1), (6, 7, 8)).astype(np.float32)
    values[3:] = 0
    return values


@pytest.fixture
def partial(posteriors):
    """Fractions of uint8 in the same half, as `partial_volumes` gives them."""
    return np.rint(posteriors * 255).astype(np.uint8)


def test_volumes_are_sums_of_partial_volumes(posteriors, partial):
    found = volumes(partial, 0.002)
    expected = posteriors.reshape(-1, 3).sum(0, dtype=float) * 0.002
    np.testing.assert_allclose([found[tissue] for tissue in Tissue], expected, rtol=0.005)


def test_all_volumes_are_that_of_the_brain_however_the_fractions_were_rounded(partial):
    assert sum(volumes(partial, 0.002).values()) == pytest.approx(3 * 7 * 8 * 0.002, rel=1e-12)


def test_pure_and_half_voxels_are_counted_within_a_step_of_the_fractions():
    voxels = np.array([[255, 0, 0], [0, 255, 0], [0, 255, 0], [0, 0, 0], [0, 128, 128]], np.uint8)
    found = volumes(voxels, 2.0)
    np.testing.assert_allclose([found[tissue] for tissue in Tissue], [2, 5, 1], rtol=1 / 255)


def test_a_hundred_million_voxels_lose_nothing_to_single_precision():
    many = np.broadcast_to(np.uint8([25, 51, 179]), (5000, 2000, 3))
    assert volumes(many, 0.001)[GM] == pytest.approx(10_000 * 25 / 255, rel=1e-6)


def test_without_a_voxel_size_there_is_no_volume(posteriors, partial):
    assert volumes(partial, None) is None
    assert intervals(posteriors, None, None) is None


def test_fractions_are_shares_of_the_volumes(partial):
    share, ml = shares(partial), volumes(partial, 1.0)
    assert sum(share.values()) == pytest.approx(1)
    assert share[WM] == pytest.approx(ml[WM] / sum(ml.values()))


def test_intervals_hold_the_volumes_and_no_less_than_nothing(posteriors, partial):
    ml = volumes(partial, 0.002)
    for tissue, (low, high) in intervals(posteriors, ml, 0.002).items():
        assert 0 <= low < ml[tissue] < high


def test_where_every_voxel_is_sure_only_the_model_is_in_doubt():
    sure = np.eye(3, dtype=np.float32)[np.random.default_rng(1).integers(0, 3, (9, 9))]
    ml = volumes((255 * sure).astype(np.uint8), 1.0)
    for tissue, (low, high) in intervals(sure, ml, 1.0).items():
        assert high - ml[tissue] == pytest.approx(UNKNOWN_SHARE * ml[tissue])
        assert ml[tissue] - low == pytest.approx(UNKNOWN_SHARE * ml[tissue])


def test_the_doubtful_voxels_widen_the_intervals(posteriors, partial):
    ml = volumes(partial, 0.002)
    surer = posteriors**3 / np.maximum((posteriors**3).sum(-1, keepdims=True), 1e-9)
    wide, narrow = intervals(posteriors, ml, 0.002), intervals(surer, ml, 0.002)
    assert all(wide[tissue][1] > narrow[tissue][1] > ml[tissue] for tissue in Tissue)


def test_intervals_grow_with_the_voxels(posteriors, partial):
    small, large = (intervals(posteriors, volumes(partial, ml), ml) for ml in (0.001, 0.008))
    for tissue in Tissue:
        np.testing.assert_allclose(large[tissue], np.multiply(small[tissue], 8))


def test_the_half_width_is_twice_the_doubtful_voxels_and_a_twentieth_of_the_volume():
    """500 voxels are gray for sure, 500 white; 200 are either, so that 200 x 0.5 x 0.5 = 50 of them are doubtful."""
    sure = np.eye(3, dtype=np.float32)[[0] * 500 + [1] * 500]
    posteriors = np.concatenate([sure, np.tile(np.float32([0.5, 0.5, 0]), (200, 1))])
    found = intervals(posteriors, {GM: 1200.0, WM: 1200.0, CSF: 10.0}, 2.0)
    half = 2 * 50 * 2.0 + 0.05 * 1200
    assert found[GM] == found[WM] == pytest.approx((1200 - half, 1200 + half))
    assert found[CSF] == pytest.approx((10 - 0.5, 10 + 0.5))


@pytest.fixture(scope="module", params=[Contrast.T1, Contrast.T2, Contrast.FLAIR], ids=lambda contrast: contrast.name)
def against_truth(request, coarse):
    """For each tissue, how far its volume is off, and the half width of its interval, mL."""
    scan = simulate(coarse, request.param)
    result = segment(scan, Settings(contrast=request.param.setting), mask=coarse.truth > 0)
    truth = {tissue: np.count_nonzero(coarse.truth == tissue.number) * scan.voxel_ml for tissue in Tissue}
    half = {tissue: high - result.volumes_ml[tissue] for tissue, (_, high) in result.volume_intervals_ml.items()}
    return request.param, {tissue: (abs(result.volumes_ml[tissue] - truth[tissue]), half[tissue]) for tissue in Tissue}


def test_the_intervals_hold_the_true_volumes_of_a_phantom(against_truth):
    _, off = against_truth
    assert all(error < half for error, half in off.values())


def test_the_intervals_are_no_wider_than_they_must_be(against_truth):
    """On T2 the border between fluid and gray matter is off by three quarters of the half width."""
    contrast, off = against_truth
    most = max(error / half for error, half in off.values())
    assert most > (0.6 if contrast is Contrast.T2 else 0.2)
