from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.scan import picture
from mriseg.datasets.lesions import add_lesion
from mriseg.datasets.phantom import EDEMA, simulate
from mriseg.image.orientation import orient
from mriseg.segmentation.abnormal_region import look_in_slice, look_in_volume

PLACE = (30.0, -10.0, 30.0)


@pytest.fixture(scope="module")
def patient(phantom):
    return add_lesion(phantom, PLACE, 20.0, EDEMA)


def test_in_a_volume_it_lies_where_it_was_put(patient, segmented):
    healthy = segmented(Contrast.FLAIR)
    region, brain = healthy.stages.region, healthy.stages.brain
    data = simulate(patient, Contrast.FLAIR).data[region.box]
    seen = look_in_volume([data], region, brain, (2.0, 2.0, 2.0), is_shaded=True).mask
    truth = (patient.truth == 7)[region.box]
    assert 2 * (seen & truth).sum() / (seen.sum() + truth.sum()) > 0.75
    assert not (seen & ~region.box_mask).any()


def test_one_channel_is_enough(patient, phantom, segmented):
    healthy = segmented(Contrast.FLAIR)
    region, brain = healthy.stages.region, healthy.stages.brain
    flair, other = (simulate(head, Contrast.FLAIR).data[region.box] for head in (patient, phantom))
    alone, both = (
        look_in_volume(channels, region, brain, (2.0, 2.0, 2.0), is_shaded=True).mask
        for channels in ([flair], [other, flair])
    )
    np.testing.assert_array_equal(alone, both)


def test_where_no_average_brain_lies_nothing_is_looked_for(patient, segmented):
    healthy = segmented(Contrast.FLAIR)
    region = healthy.stages.region
    data = simulate(patient, Contrast.FLAIR).data[region.box]
    nowhere = replace(healthy.stages.brain, registration=None)
    assert look_in_volume([data], region, nowhere, (2.0, 2.0, 2.0), is_shaded=False).mask is None


def test_a_slice_sets_it_apart_where_fluid_is_dark(patient):
    at = int(np.rint(np.linalg.solve(patient.affine, [*PLACE, 1.0])[2]))
    truth = patient.truth[:, :, at]
    for contrast, is_seen in ((Contrast.FLAIR, True), (Contrast.T2, False)):
        scan = picture(np.where(truth > 0, simulate(patient, contrast).data[:, :, at], 0).astype(np.float32))
        result = segment(scan, Settings(contrast=contrast.setting), mask=truth > 0)
        assert (result.abnormal is not None) == is_seen
    box = result.stages.region.box  # bright is not enough: on T2 these are the ventricles
    assert look_in_slice(orient(scan)[0].data[box], result.stages.region).mask is not None
