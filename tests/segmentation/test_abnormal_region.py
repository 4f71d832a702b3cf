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


@pytest.mark.parametrize("contrast", [Contrast.T1, Contrast.T2, Contrast.FLAIR])
def test_a_slice_sets_it_apart_and_no_fluid(patient, contrast):
    at = int(np.rint(np.linalg.solve(patient.affine, [*PLACE, 1.0])[2]))
    truth = patient.truth[:, :, at]
    scan = picture(np.where(truth > 0, simulate(patient, contrast).data[:, :, at], 0).astype(np.float32))
    result = segment(scan, Settings(contrast=contrast.setting), mask=truth > 0)
    lesion, label = truth == 7, result.labels == 7
    assert 2 * (lesion & label).sum() / (lesion.sum() + label.sum()) > 0.6
    assert (label & (truth == 3)).sum() < 0.1 * label.sum()


def test_as_long_as_nobody_knows_what_is_bright_it_may_be_fluid(phantom):
    truth = phantom.truth[:, :, 57]
    scan = picture(np.where(truth > 0, simulate(phantom, Contrast.T2).data[:, :, 57], 0).astype(np.float32))
    region = segment(scan, mask=truth > 0).stages.region
    data = orient(scan)[0].data[region.box]
    assert look_in_slice(data, region, (1.0, 1.0), None).mask is not None
    assert look_in_slice(data, region, (1.0, 1.0), Contrast.T2.dark_to_bright).mask is None
