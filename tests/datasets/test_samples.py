import numpy as np
import pytest

from mriseg import Tissue, read, segment
from mriseg.brain.stripped import stripped_mask
from mriseg.core.findings import Level
from mriseg.core.scan import volume
from mriseg.datasets.samples import SAMPLES
from mriseg.evaluation.agreement import dice
from mriseg.export.images import encode_scan
from mriseg.segmentation.verdict import verdict


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_the_same_each_time_and_its_truth_lies_on_its_grid(name):
    (scan, truth), (again, _) = SAMPLES[name].make(), SAMPLES[name].make()
    assert np.array_equal(scan.data, again.data)
    if truth is not None:
        assert truth.shape == scan.data.shape
        assert {*np.unique(truth)} == {0, *(tissue.number for tissue in Tissue)}


@pytest.mark.parametrize("name", ["mni152-t1", "slice-t1"])
def test_a_saved_sample_reads_back_as_it_was(name):
    scan, _ = SAMPLES[name].make()
    back = read(encode_scan(scan))
    assert np.array_equal(back.data, scan.data)
    assert back.kind == scan.kind
    if scan.affine is not None:
        assert np.allclose(back.affine, scan.affine)


@pytest.mark.parametrize("name", ["axial-t1", "axial-t2", "slice-t1", "slice-t2"])
def test_a_slice_is_named_rightly_and_agrees_with_its_truth(name):
    scan, truth = SAMPLES[name].make()
    result = segment(scan, SAMPLES[name].settings)
    assert verdict(result).level is Level.GOOD
    assert result.volumes_ml is not None
    assert result.contrast.setting == name.split("-")[1]
    overlap = dice(result.labels, truth)
    assert overlap[Tissue.GM] > 0.9
    assert overlap[Tissue.WM] > 0.9
    assert overlap[Tissue.CSF] > 0.8


@pytest.mark.slow
def test_the_average_brain_is_named_rightly():
    scan, _ = SAMPLES["mni152-t1"].make()
    # The mask of the T1-weighted average holds 1887 mL; everything of it is brain or fluid.
    assert stripped_mask(scan.data).sum() / 1000 == pytest.approx(1887, rel=0.02)
    # All of it takes ten seconds; every other voxel shows the same.
    result = segment(volume(scan.data[::2, ::2, ::2], scan.affine @ np.diag([2.0, 2.0, 2.0, 1.0])))
    assert result.contrast.setting == "t1"
    assert result.brain_ml == pytest.approx(1887, rel=0.02)
