from dataclasses import replace

import numpy as np
import pytest
import skimage

from mriseg import Contrast
from mriseg.core.findings import FindingCode, Level
from mriseg.core.scan import picture
from mriseg.core.tissue import Tissue
from mriseg.segmentation.findings import assess
from mriseg.segmentation.gray_levels import clipped_share, gray_levels, unevenness


@pytest.fixture
def segmented_phantom(scanned, segmented):
    return scanned(Contrast.T1), segmented(Contrast.T1)


def codes(scan, result):
    return {finding.code: finding.level for finding in assess(scan, result)}


def test_a_scan_with_all_its_levels_has_no_finding(segmented_phantom):
    scan, result = segmented_phantom
    assert clipped_share(scan, result) < 0.001
    assert gray_levels(scan, result) > 1000
    assert not {FindingCode.CLIPPED, FindingCode.FEW_LEVELS} & codes(scan, result).keys()


@pytest.mark.parametrize(("share", "level"), [(0.02, None), (0.1, Level.CARE), (0.4, Level.NOT)])
@pytest.mark.parametrize("end", ["bright", "dark"])
def test_tissue_that_is_cut_off_is_measured_and_told(segmented_phantom, share, level, end):
    """Gray and white matter at one value; here the labels are given, and any voxels do."""
    scan, result = segmented_phantom
    data = np.array(scan.data)
    solid = np.flatnonzero(np.isin(result.labels, (1, 2)))[: round(share * result.mask.sum())]
    data.flat[solid] = data[result.mask].max() + 1 if end == "bright" else data[result.mask].min() - 1
    cut = replace(scan, data=data)
    assert clipped_share(cut, result) == pytest.approx(share, abs=0.001)
    assert codes(cut, result).get(FindingCode.CLIPPED) is level


def test_fluid_that_is_cut_off_does_no_harm(segmented_phantom):
    scan, result = segmented_phantom
    data = np.array(scan.data)
    data[result.labels == Tissue.CSF.number] = data.max() + 1
    assert clipped_share(replace(scan, data=data), result) < 0.001


@pytest.mark.parametrize(("levels", "level"), [(64, None), (20, Level.CARE), (12, Level.NOT)])
def test_few_gray_levels_are_counted_and_told(segmented_phantom, levels, level):
    scan, result = segmented_phantom
    brain = scan.data[result.mask]
    edges = np.linspace(brain.min(), brain.max(), levels + 1)[1:-1]
    coarse = replace(scan, data=np.searchsorted(edges, scan.data).astype(np.float32))
    assert gray_levels(coarse, result) <= levels
    ranked = np.argsort(np.argsort(brain, kind="stable"), kind="stable")
    even = np.array(scan.data)
    even[result.mask] = ranked * levels // brain.size
    exact = replace(scan, data=even)
    assert gray_levels(exact, result) == levels
    assert codes(exact, result).get(FindingCode.FEW_LEVELS) is level
    assert FindingCode.CLIPPED not in codes(exact, result)  # though each level holds a twelfth


def test_an_equalized_image_is_told(segmented_phantom):
    scan, result = segmented_phantom
    assert unevenness(scan) > 0.1
    equalized = replace(scan, data=np.rint(255 * skimage.exposure.equalize_hist(scan.data)).astype(np.float32))
    assert unevenness(equalized) < 0.05
    assert codes(equalized, result)[FindingCode.EQUALIZED] is Level.NOT
    assert FindingCode.EQUALIZED not in codes(scan, result)


@pytest.mark.parametrize(("share", "level"), [(0.1, None), (0.4, Level.NOT)])
def test_only_much_that_is_cut_off_is_told_of_a_picture(segmented_phantom, share, level):
    scan, result = segmented_phantom
    flat = replace(result, labels=result.labels[:, :, 58])
    data = np.array(scan.data[:, :, 58])
    solid = np.flatnonzero(np.isin(flat.labels, (1, 2)))[: round(share * flat.mask.sum())]
    data.flat[solid] = data[flat.mask].max() + 1
    assert codes(picture(data), flat).get(FindingCode.CLIPPED) is level
