"""Labels, shares and scans are told apart on phantoms; the scans in many exports."""

import numpy as np
import pytest
import scipy

from mriseg import Contrast
from mriseg.core.tissue import Tissue
from mriseg.datasets.phantom import simulate
from mriseg.segmentation.label_map import FEW_LEVELS, Content, content, texture_of

CONTRASTS = [Contrast.T1, Contrast.T2, Contrast.FLAIR]


@pytest.fixture(scope="module", params=[*CONTRASTS, "stripped"], ids=str)
def intensities(request, coarse):
    if request.param == "stripped":
        return np.where(coarse.truth > 0, simulate(coarse, Contrast.T1).data, 0)
    return simulate(coarse, request.param).data


def clipped(data, share, within):
    """Cut off at the brightest, so much of the brain."""
    return np.minimum(data, np.percentile(data[within], 100 * (1 - share)))


def quantized(data, levels):
    top = np.percentile(data, 99.9)
    return np.rint(np.clip(data / top, 0, 1) * (levels - 1)).astype(np.float32)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4])
def test_a_scan_that_was_cut_off_is_a_scan(coarse, intensities, share):
    assert content(clipped(intensities, share, coarse.truth > 0)) is Content.SCAN


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_what_was_cut_off_is_not_counted_among_the_flat_regions_of_labels(coarse, share):
    inside = coarse.truth > 0
    stripped = np.where(inside, quantized(simulate(coarse, Contrast.T1).data, 200), 0)
    texture = texture_of(clipped(stripped, share, inside))
    assert texture.top > 0.5
    assert texture.flat < 0.2


@pytest.mark.parametrize("levels", [24, 32, 64])
def test_a_scan_of_few_gray_levels_is_a_scan(intensities, levels):
    assert content(quantized(intensities, levels)) is Content.SCAN


@pytest.mark.parametrize("levels", [8, FEW_LEVELS])
def test_a_scan_of_next_to_no_gray_levels_is_named_so(intensities, levels):
    data = quantized(intensities, levels)
    assert np.unique(data).size <= levels
    assert content(data) is Content.FEW_LEVELS


@pytest.mark.parametrize("letters", [1.0, 1.5])
def test_letters_burned_into_a_smooth_template_make_no_map(coarse, letters):
    smooth = scipy.ndimage.gaussian_filter(simulate(coarse, Contrast.T1).data, 1.0)
    smooth[2:8, 20:24, 10:14] = letters * smooth.max()
    assert content(np.rint(smooth * (255 / smooth.max()))) is Content.SCAN


@pytest.mark.parametrize("background", [-1000.0, 0.0, 37.0])
def test_the_value_of_the_background_does_not_matter(coarse, intensities, background):
    inside = coarse.truth > 0
    assert content(np.where(inside, np.rint(intensities), background)) is Content.SCAN
    cubes = 1 + (np.indices(inside.shape) // 4 * np.reshape([1, 13, 131], (3, 1, 1, 1))).sum(0) % 90
    assert content(np.where(inside, cubes + 100.0, background)) is Content.MAP


@pytest.mark.parametrize(
    ("tissue", "sharpness"), [(Tissue.WM, 1.1), (Tissue.WM, 1.6), (Tissue.GM, 1.6), (Tissue.CSF, 1.6)]
)
@pytest.mark.parametrize("stored", ["float", "bytes"])
def test_shares_of_a_tissue_are_a_map(coarse, tissue, sharpness, stored):
    smooth = scipy.ndimage.gaussian_filter((coarse.truth == tissue.number).astype(np.float32), 0.4)
    shares = np.clip(sharpness * smooth - (sharpness - 1) / 2, 0, 1)
    assert content(np.rint(shares * 255) if stored == "bytes" else shares) is Content.MAP


def test_mixtures_with_a_number_for_each_pure_tissue_are_a_map(coarse):
    white = scipy.ndimage.gaussian_filter((coarse.truth == Tissue.WM.number).astype(np.float32), 0.4)
    gray = scipy.ndimage.gaussian_filter((coarse.truth == Tissue.GM.number).astype(np.float32), 0.4)
    mixed = np.clip(1.6 * (gray + 2 * white) - 0.3, 0, 2)
    pure = np.abs(mixed - 1) < 0.45
    assert content(np.where(pure, 1, mixed)) is Content.MAP


def test_a_head_in_the_corner_is_no_map(coarse):
    scan = simulate(coarse, Contrast.T1).data
    corner = np.zeros((4 * scan.shape[0], *scan.shape[1:]), np.float32)
    corner[: scan.shape[0]] = scan  # nothing of it in the middle half
    assert content(corner) is Content.SCAN


def test_the_texture_of_stripes_is_known():
    """Of values 0 to 3 along the longest axis, each twice: of the neighbors that differ one pair in four is no step."""
    line = np.tile(np.repeat(np.arange(4), 2), 12)
    data = np.broadcast_to(line[:, None, None], (96, 32, 32)).astype(np.float32)
    texture = texture_of(data)
    assert texture.levels == 4
    assert texture.stepwise == pytest.approx(3 / 4, abs=0.05)  # 0-1, 1-2, 2-3, and 3-0 that is none
