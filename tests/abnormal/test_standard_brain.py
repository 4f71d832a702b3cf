import numpy as np
import pytest

from mriseg.abnormal.standard_brain import expectation, smoothed
from mriseg.core.tissue import Contrast
from mriseg.image.resampling import Grid


def test_what_is_expected_sums_to_one_and_is_symmetric():
    expected = expectation()
    np.testing.assert_allclose(expected.gray + expected.white + expected.fluid, 1, atol=1e-5)
    np.testing.assert_allclose(expected.white, expected.white[::-1], atol=0.02)


def test_the_way_to_the_average_brain_and_back_keeps_a_lesion_in_its_place(patient, standard):
    lesion = patient.truth == 7
    carried = standard(patient)
    assert (carried.intensities > 0.5).sum() * carried.voxel_ml == pytest.approx(20, rel=0.1)
    spacing = tuple(float(side) for side in np.sqrt((patient.affine[:3, :3] ** 2).sum(0)))
    back = carried.to_scan(carried.intensities, Grid(lesion.shape, spacing, np.zeros(3))) > 0.5
    assert 2 * (back & lesion).sum() / (back.sum() + lesion.sum()) > 0.9


def test_nothing_outside_the_brain_is_carried(phantom, standard):
    brain = standard(phantom, Contrast.T1)
    assert brain.mask.any()
    assert not brain.intensities[~brain.mask].any()


def test_smoothing_within_the_brain_keeps_what_is_even():
    mask = np.zeros((9, 9, 9), bool)
    mask[2:7, 2:7, 2:7] = True
    values = np.where(mask, 5.0, 100.0)
    np.testing.assert_allclose(smoothed(values, mask, 3.0)[mask], 5, rtol=1e-5)
