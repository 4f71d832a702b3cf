"""Where the evidence for a finding is seen: at the place that was made so, in canonical axes."""

from dataclasses import replace

import numpy as np
import pytest
import scipy

from mriseg import Contrast, segment
from mriseg.core.findings import Finding, FindingCode, Level
from mriseg.core.scan import volume
from mriseg.core.tissue import ABNORMAL
from mriseg.datasets.phantom import simulate
from mriseg.image.orientation import orient, reorient
from mriseg.segmentation.places import voxel_of


@pytest.fixture(scope="module")
def head(coarse):
    scan = simulate(coarse, Contrast.T1)
    return scan, segment(scan, mask=coarse.truth > 0)


def found(scan, result, code):
    return voxel_of(scan, result, Finding(code, Level.CARE, "It is so."))


def moved(result, mask):
    """The result with another region, as if its border had been moved."""
    region = replace(result.stages.region, mask=mask, box=tuple(slice(0, n) for n in mask.shape))
    return replace(result, stages=replace(result.stages, region=region))


def test_of_two_abnormal_parts_the_larger_is_shown(with_lesion):
    scan, result = with_lesion
    canonical = reorient(result.labels, result.orientation) == ABNORMAL.number
    voxel = found(scan, result, FindingCode.ABNORMAL_TISSUE)
    labels, _ = scipy.ndimage.label(canonical)
    assert labels[voxel] == 1 + np.bincount(labels.ravel())[1:].argmax()


def test_the_place_is_the_same_however_the_axes_are_stored(coarse, with_lesion):
    scan, result = with_lesion
    turned = volume(scan.data[::-1].transpose(2, 0, 1), scan.affine)
    labels = np.ascontiguousarray(result.labels[::-1].transpose(2, 0, 1))
    _, orientation = orient(turned)
    stored = replace(result, labels=labels, orientation=orientation)
    # The stages are in canonical axes, whatever the file's are; here both are made to be the same.
    canonical = reorient(labels, orientation) > 0
    stored = moved(stored, canonical)
    voxel = found(turned, stored, FindingCode.ABNORMAL_TISSUE)
    assert reorient(labels, orientation)[voxel] == ABNORMAL.number


def test_a_border_that_was_moved_is_shown_where_it_was(head):
    scan, result = head
    mask = result.brain.mask.copy()
    extra = np.zeros_like(mask)
    extra[4:8, 20:26, 20:26] = True
    voxel = found(scan, moved(result, mask | extra), FindingCode.MASK_CONTRADICTED)
    assert extra[voxel]
    assert not mask[voxel]


def test_an_outline_is_doubted_where_nothing_is_seen_to_end(head):
    scan, result = head
    mask = result.stages.region.mask
    x, y, _ = (int(n) for n in np.argwhere(mask).mean(0))
    top = np.flatnonzero(mask[x, y]).max()
    flat = scan.data.copy()
    faded = (slice(x - 5, x + 6), slice(y - 5, y + 6), slice(top - 5, top + 6))
    flat[faded] = flat[faded].mean()
    voxel = found(replace(scan, data=flat), result, FindingCode.MASK_UNSURE)
    assert mask[voxel]
    assert np.abs(np.subtract(voxel, (x, y, top))).max() <= 8
    assert np.abs(np.subtract(found(scan, result, FindingCode.MASK_UNSURE), (x, y, top))).max() > 8


def test_a_one_sided_mask_is_shown_on_its_larger_side(head):
    scan, result = head
    mask = result.stages.region.mask.copy()
    middle = mask.shape[0] // 2
    gone = np.zeros_like(mask)
    gone[: middle - 3, 25:35, 20:30] = True
    voxel = found(scan, moved(result, mask & ~gone), FindingCode.MASK_ASYMMETRIC)
    assert gone[::-1][voxel]


def test_a_cut_brain_is_shown_where_it_is_cut(head):
    scan, result = head
    mask = result.stages.region.mask.copy()
    cut = int(np.argwhere(mask)[:, 2].mean())
    mask[:, :, cut:] = False
    region = replace(result.stages.region, mask=mask, box=(*result.stages.region.box[:2], slice(0, cut)))
    voxel = found(scan, replace(result, stages=replace(result.stages, region=region)), FindingCode.PARTIAL_BRAIN)
    assert voxel[2] == cut - 1


def test_a_misfit_is_shown_at_a_voxel_of_that_intensity(head):
    scan, result = head
    level = float(result.mixture.means.max()) * 1.1
    # Far fewer than at the peaks, which the curves explain.
    more = 0.6 * result.histogram.counts.max()
    counts = result.histogram.counts + more * (np.abs(result.histogram.levels - level) < 4 * result.histogram.width)
    voxel = found(
        scan, replace(result, histogram=replace(result.histogram, counts=counts)), FindingCode.HISTOGRAM_MISSED
    )
    corrected = orient(scan)[0].data[voxel] / reorient(result.bias, result.orientation)[voxel]
    assert corrected == pytest.approx(level, abs=12 * result.histogram.width)


def test_shading_is_shown_where_it_is_strongest(head):
    scan, result = head
    voxel = found(scan, result, FindingCode.STRONG_SHADING)
    field = np.abs(np.log(reorient(result.bias, result.orientation)))
    inside = result.stages.region.mask
    assert inside[voxel]
    assert field[voxel] >= np.quantile(field[inside], 0.98)


@pytest.mark.parametrize("code", [FindingCode.NOISY, FindingCode.CONTRAST_UNSURE, FindingCode.FEW_LEVELS])
def test_what_holds_of_all_of_the_scan_has_no_place(head, code):
    assert found(*head, code) is None
