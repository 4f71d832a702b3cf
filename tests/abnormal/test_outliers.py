from dataclasses import replace

import numpy as np
import pytest
import scipy

from mriseg.abnormal.outliers import abnormal_parts
from mriseg.core.tissue import Contrast
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import CYST, EDEMA, ENHANCED
from tests.abnormal.conftest import PLACE


def overlap(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def with_edema(phantom):
    return add_lesion(phantom, PLACE, 20.0, EDEMA)


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.PD, Contrast.FLAIR])
def test_a_healthy_head_has_nothing_abnormal(phantom, standard, contrast):
    assert not abnormal_parts(standard(phantom, contrast)).any()


def test_a_bright_lesion_is_seen_where_it_lies(with_edema, standard):
    truth = standard(with_edema).intensities > 0.5
    assert overlap(abnormal_parts(standard(with_edema, Contrast.FLAIR)), truth) > 0.75


def test_a_ring_is_seen_with_what_it_encloses(patient, standard):
    truth = standard(patient).intensities > 0.5
    assert overlap(abnormal_parts(standard(patient, Contrast.T1)), truth) > 0.75


def test_a_mirrored_brain_has_mirrored_parts(patient, standard):
    brain = standard(patient, Contrast.T1)
    mirrored = replace(brain, intensities=brain.intensities[::-1], mask=brain.mask[::-1])
    parts, mirror_image = abnormal_parts(brain), abnormal_parts(mirrored)
    assert (parts[::-1] == mirror_image).mean() > 0.999


def test_brightness_has_no_unit(patient, standard):
    brain = standard(patient, Contrast.FLAIR)
    scaled = replace(brain, intensities=brain.intensities * np.float32(8))
    np.testing.assert_array_equal(abnormal_parts(brain), abnormal_parts(scaled))


def test_before_the_shading_is_known_only_what_is_far_off_counts(with_edema, standard):
    brain = standard(with_edema, Contrast.FLAIR)
    early, late = abnormal_parts(brain, is_shaded=True), abnormal_parts(brain)
    assert early.sum() <= late.sum()
    assert not (early & ~late).any()


def test_a_dark_middle_beside_the_ventricles_belongs_to_its_rim(phantom, standard):
    """By itself it could be a ventricle that was pushed aside."""
    ring = add_lesion(phantom, (-24.0, -30.0, 24.0), 25.0, EDEMA, middle=CYST)
    middle = standard(replace(ring, matter=np.where(ring.matter == CYST, EDEMA, phantom.matter))).intensities > 0.5
    seen = abnormal_parts(standard(ring, Contrast.FLAIR))
    assert (seen & middle).sum() > 0.7 * middle.sum()


def test_thin_bright_vessels_at_the_surface_are_not_abnormal(phantom, standard):
    brain = phantom.truth > 0
    rim = brain & ~scipy.ndimage.binary_erosion(brain, iterations=2)
    voxels = np.moveaxis(np.indices(brain.shape), 0, -1)
    place_mm = voxels @ phantom.affine[:3, :3].T + phantom.affine[:3, 3]
    sinus = rim & (np.abs(place_mm[..., 0]) < 12) & (place_mm[..., 1] < -30)
    assert sinus.sum() * 0.008 > 5
    enhanced = standard(replace(phantom, matter=np.where(sinus, ENHANCED, phantom.matter)), Contrast.T1)
    assert abnormal_parts(enhanced).sum() * enhanced.voxel_ml < 0.5
