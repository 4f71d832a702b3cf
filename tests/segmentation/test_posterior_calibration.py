import numpy as np
import pytest

from mriseg.core.tissue import Tissue
from mriseg.segmentation.posterior_calibration import soften, temperatures


@pytest.fixture
def posteriors():
    """Random posteriors of float32 in half of a grid, zero in the other."""
    values = np.random.default_rng(0).dirichlet((0.3, 0.5, 0.2), (6, 7, 8)).astype(np.float32)
    values[3:] = 0
    return np.ascontiguousarray(np.moveaxis(values, -1, 0))


@pytest.mark.parametrize(("within_tissue", "about_fluid"), [(1.0, 6.0), (3.0, 1.0), (2.0, 2.5)])
def test_labels_stay_posteriors_sum_to_one_and_none_is_surer(posteriors, within_tissue, about_fluid):
    softened = posteriors.copy()
    soften(softened, within_tissue=within_tissue, about_fluid=about_fluid)
    np.testing.assert_array_equal(softened.argmax(0), posteriors.argmax(0))
    np.testing.assert_allclose(softened[:, :3].sum(0), 1, rtol=1e-5)
    assert not softened[:, 3:].any()
    assert softened.dtype == np.float32
    assert (softened.max(0) <= posteriors.max(0) + 1e-6).all()
    assert softened.max(0).mean() < posteriors.max(0).mean() - 0.01


def test_only_voxels_that_may_be_fluid_have_the_temperature_of_fluid(posteriors):
    softened = posteriors.copy()
    soften(softened, within_tissue=1.0, about_fluid=4.0)
    changed = np.abs(softened - posteriors).max(0) > 1e-4
    least = posteriors.argmin(0) == list(Tissue).index(Tissue.CSF)
    assert not changed[least].any()
    assert changed[:3][~least[:3]].mean() > 0.9


def test_posteriors_that_are_too_sure_by_a_temperature_are_mended_by_it():
    """Voxels whose log odds were doubled: divided by two they are right as often as they say."""
    rng = np.random.default_rng(1)
    true = rng.dirichlet((1, 1, 0.01), 60_000)
    drawn = (rng.random((len(true), 1)) > true.cumsum(1)).sum(1)
    too_sure = true**2 / (true**2).sum(1, keepdims=True)
    softened = np.ascontiguousarray(too_sure.T.astype(np.float32))
    soften(softened, within_tissue=2.0, about_fluid=2.0)
    right = softened.argmax(0) == drawn
    assert too_sure.max(1).mean() - right.mean() > 0.05
    assert softened.max(0).mean() == pytest.approx(right.mean(), abs=0.01)


def test_sure_contrasts_in_thin_slices_are_left_as_they_are(posteriors):
    before = posteriors.copy()
    within_tissue, about_fluid = temperatures(3.5, 5.0, 1.0)
    soften(posteriors, within_tissue=within_tissue, about_fluid=about_fluid)
    np.testing.assert_array_equal(posteriors, before)


def test_the_less_tissues_differ_and_the_thicker_slices_are_the_higher_the_temperatures():
    by_tissue = [temperatures(contrast, 6.0, 1.0)[0] for contrast in (5, 2.5, 1.5, 0.8, np.nan)]
    by_fluid = [temperatures(5.0, contrast, 1.0)[1] for contrast in (6, 3, 1, 0.5, np.nan)]
    by_thickness = [temperatures(5.0, 6.0, mm) for mm in (0.8, 1, 2, 5)]
    assert (np.diff(by_tissue) > 0).all()
    assert (np.diff(by_fluid) > 0).all()
    assert (np.diff(by_thickness, axis=0)[1:] > 0).all()
    assert by_thickness[0] == by_thickness[1] == (1, 1)


def test_where_gray_matter_holds_fluid_white_matter_is_less_sure_too():
    assert temperatures(5.0, 0.5, 1.0)[0] > 1.5
