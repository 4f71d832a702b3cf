import numpy as np
import pytest
import scipy

from mriseg.brain.background import background_level
from mriseg.core.tissue import Contrast
from mriseg.datasets.phantom import CSF, simulate
from mriseg.segmentation.names import SURE_NAMES
from mriseg.segmentation.slice_contrast import MOST_DEVIATION, name_slice
from mriseg.segmentation.slice_contrast_tables import COEFFICIENTS, INTERCEPTS, KINDS
from mriseg.segmentation.slice_features import BRAIN_SIDE, features, view_slice
from mriseg.segmentation.slice_tissues import tissue_levels
from tests.not_heads import NO_ANATOMY, OTHERS

CONTRASTS = (Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR)
AXIAL, CORONAL, SAGITTAL = (2, 58), (1, 60), (0, 46)


def upright(values, axis, index):
    return np.ascontiguousarray(np.moveaxis(values, axis, 0)[index].T[::-1])


@pytest.fixture(scope="module")
def cut(phantom, scanned):
    """A slice of the phantom in a contrast, and its brain."""

    def of(contrast, plane=AXIAL):
        return upright(scanned(contrast).data, *plane), upright(phantom.truth > 0, *plane)

    return of


def named(image, brain, **options):
    return name_slice(image, brain, background_level=background_level(image, brain), **options)


@pytest.mark.parametrize("plane", [AXIAL, CORONAL, SAGITTAL])
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_slices_in_three_planes_are_named(cut, contrast, plane):
    found = named(*cut(contrast, plane))
    assert found.tissues == contrast.dark_to_bright
    assert not found.inverted
    assert not found.agent
    assert 0.5 < found.confidence <= 1
    assert found.evidence[contrast] == found.confidence


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.FLAIR])
@pytest.mark.parametrize("level", [0.0, 0.4, 1.0, 2.2])
def test_a_blob_of_any_signal_takes_no_name(cut, contrast, level):
    """A sixth of the brain is of another signal: in the unit of its median."""
    image, brain = cut(contrast)
    row, column = np.indices(image.shape)
    there = np.argwhere(brain)
    center = there.mean(0) - [0, 0.22 * np.ptp(there[:, 1])]
    blob = brain & (np.hypot(row - center[0], column - center[1]) < np.sqrt(brain.sum() / 6 / np.pi))
    image = np.where(blob, level * np.median(image[brain]), image).astype(np.float32)
    assert named(image, brain).tissues == contrast.dark_to_bright


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2])
def test_a_negative_has_the_names_of_its_scan_in_reversed_order(cut, contrast):
    image, brain = cut(contrast)
    found = named(image.max() - image, brain)
    assert found.inverted
    assert found.contrast is contrast
    assert found.tissues == contrast.dark_to_bright[::-1]


def test_neither_gain_nor_size_nor_the_shape_of_pixels_decides(cut):
    image, brain = cut(Contrast.FLAIR)
    first = features(view_slice(image, brain, background_level=0.0, inverted=False))
    louder = features(view_slice(1000 * image, brain, background_level=0.0, inverted=False))
    assert louder == pytest.approx(first, abs=1e-3)
    oblong = named(image[::2], brain[::2], spacing=(2.0, 1.0))
    fine = named(*(scipy.ndimage.zoom(a, 2, order=1) for a in (image, brain)))
    assert oblong.tissues == fine.tissues == Contrast.FLAIR.dark_to_bright


def test_the_brain_has_one_size_on_the_grid(cut):
    image, brain = cut(Contrast.T1)
    for factor in (0.5, 3, 8):
        zoomed = [scipy.ndimage.zoom(a, factor, order=0) for a in (image, brain)]
        view = view_slice(*zoomed, background_level=0.0, inverted=False)
        filled = np.argwhere(view.brain)
        assert abs(np.ptp(filled, axis=0).max() + 1 - BRAIN_SIDE) <= 3
        assert view.signal.shape == view.brain.shape


def test_a_header_shifts_the_odds_and_settles_who_shares_an_order(cut):
    image, brain = cut(Contrast.PD)
    silent, agreeing = named(image, brain), named(image, brain, stated=Contrast.PD)
    against = named(image, brain, stated=Contrast.T1)
    assert agreeing.contrast is Contrast.PD
    assert agreeing.confidence > silent.confidence
    assert against.evidence[Contrast.PD] < silent.evidence[Contrast.PD]


def test_bright_vessels_and_dura_on_t1_are_told(phantom, cut):
    image, brain = cut(Contrast.T1)
    rng = np.random.default_rng(0)
    sulci = upright(phantom.truth == CSF, *AXIAL) & (rng.random(brain.shape) < 0.06)
    dura = scipy.ndimage.binary_dilation(brain, iterations=1) & ~brain
    bright = 1.8 * np.percentile(image[brain], 95)
    found = named(np.where(sulci | dura, bright, image).astype(np.float32), brain)
    assert found.tissues == Contrast.T1.dark_to_bright
    assert found.agent


@pytest.mark.parametrize("kind", ["noise", "blocks"])
def test_what_is_no_slice_of_a_head_is_unknown_or_doubted(kind):
    rng = np.random.default_rng(0)
    image = rng.rayleigh(100, (160, 160)).astype(np.float32)
    if kind == "blocks":
        image = np.kron(rng.uniform(10, 100, (20, 20)), np.ones((8, 8))).astype(np.float32)
    brain = np.hypot(*(np.indices(image.shape) - 80)) < 60
    found = named(image, brain)
    assert found.contrast is Contrast.UNKNOWN or found.confidence < 0.8


@pytest.mark.parametrize("pixels", [1, 30])
def test_a_tiny_or_thin_brain_is_no_error(pixels):
    image = np.random.default_rng(0).uniform(1, 100, (64, 64)).astype(np.float32)
    brain = np.zeros(image.shape, bool)
    brain[20, 20 : 20 + pixels] = True
    assert np.isfinite(named(image, brain).confidence)


def test_the_table_has_a_row_for_each_figure_and_nothing_else(cut):
    figures = features(view_slice(*cut(Contrast.T1), background_level=0.0, inverted=False))
    assert list(figures) == list(COEFFICIENTS)
    table = np.array(list(COEFFICIENTS.values()))
    assert table.shape == (len(figures), 2 + len(KINDS))
    assert len(INTERCEPTS) == len(KINDS)
    assert (table[:, 1] > 0).all()
    assert np.abs(table[:, 2:]).max() * MOST_DEVIATION < 10, "no single figure decides alone"


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.FLAIR])
def test_the_levels_of_the_tissues_come_in_the_order_of_the_contrast(phantom, contrast):
    image = upright(simulate(phantom, contrast, noise=2, bias=0).data, *AXIAL)
    brain = upright(phantom.truth > 0, *AXIAL)
    view = view_slice(image, brain, background_level=0.0, inverted=False)
    inside = view.signal[view.brain]
    deviation = ((view.signal - np.median(inside)) / inside.std()).astype(np.float32)
    depth = scipy.ndimage.distance_transform_edt(view.brain)
    rank = np.where(view.brain, np.searchsorted(np.sort(depth[view.brain]), depth) / view.brain.sum(), -1)
    levels = tissue_levels(deviation, view.brain, rank, usual=view.brain)
    means = {"CSF": levels.sulci, "GM": levels.cortex, "WM": levels.white}
    assert sorted(means, key=means.__getitem__) == [tissue.name for tissue in contrast.dark_to_bright]
    assert levels.explained > 0.1
    assert levels.agreement > 0.3


@pytest.mark.parametrize("name", ["ball", "box", "citrus", "melon", "tubes"])
def test_what_is_no_head_has_no_sure_names(name):
    values = (OTHERS | NO_ANATOMY)[name]()
    values = values[0] if name in NO_ANATOMY else values
    image = values[:, :, values.shape[2] // 2].astype(np.float32)
    named = name_slice(image, np.ones(image.shape, bool), background_level=0.0)
    assert named.confidence < SURE_NAMES
