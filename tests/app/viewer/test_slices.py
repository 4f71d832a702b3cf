"""What is sent to the viewer is what the engine found, voxel by voxel."""

import zlib
from dataclasses import replace

import numpy as np
import pytest

from mriseg import Contrast, segment
from mriseg.app.viewer.slices import FORMAT_VERSION, LEVELS, PICTURE, SliceSource, encode
from mriseg.core.tissue import ABNORMAL, LABELS, Tissue
from mriseg.datasets.phantom import simulate
from mriseg.datasets.samples import SAMPLES
from mriseg.image.orientation import orient, reorient
from mriseg.plotting import slices as render
from mriseg.plotting.slices import AnatomicalPlane, View
from mriseg.segmentation.tissue_maps import temperatures_of
from tests.messages import split_message

LIMITS = (0.0, 100.0)


def decode(content: bytes) -> tuple[dict, dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]]:
    """Header; of each slice the levels and, first axis the layers, the bytes."""
    version, header, content = split_message(content)
    assert version == FORMAT_VERSION
    at, slices = 0, {}
    for part in header["slices"]:
        plain = zlib.decompress(content[at : at + part["length"]])
        at += part["length"]
        rows, columns = part["shape"]
        pixels = rows * columns
        assert len(plain) == 8 * pixels
        slices[part["axis"], part["index"]] = (
            np.frombuffer(plain, "<u2", pixels).reshape(rows, columns),
            np.frombuffer(plain, np.uint8, offset=2 * pixels).reshape(6, rows, columns),
        )
    assert at == len(content)
    return header, slices


def sent(scan, result, slices, other=None):
    """Slices after they were sent, with their header."""
    source = SliceSource.of(scan, result, other)
    return decode(encode(source, slices, window=LIMITS, details={"more": 1}))


@pytest.fixture(scope="module")
def head(coarse):
    scan = simulate(coarse, Contrast.T1)
    return scan, segment(scan)


@pytest.mark.parametrize("plane", AnatomicalPlane)
def test_a_slice_arrives_as_the_engine_found_it(head, plane):
    scan, result = head
    canonical, orientation = orient(scan)
    index = canonical.data.shape[plane.axis] // 2
    view = View(plane, index)
    other = np.where(result.labels == Tissue.GM.number, Tissue.WM.number, result.labels).astype(np.uint8)
    header, slices = sent(scan, result, [(plane.axis, index)], other)
    levels, (labels, gray, white, abnormal, field, others) = slices[plane.axis, index]
    low, high = header["range"]
    shown = low + levels * ((high - low) / (LEVELS - 1))
    assert np.abs(shown - render.cut(canonical.data, view)).max() <= 0.51 * (high - low) / (LEVELS - 1)
    assert (labels == render.cut(reorient(result.labels, orientation), view)).all()
    assert (others == render.cut(reorient(other, orientation), view)).all()
    posteriors = render.cut(reorient(result.posteriors, orientation), view)
    assert np.abs(gray / 255 - posteriors[..., 0]).max() < 0.003
    assert np.abs(white / 255 - posteriors[..., 1]).max() < 0.003
    assert not abnormal.any()
    flattest, steepest = header["field"]
    bias = render.cut(reorient(result.bias, orientation), view)
    inside = labels > 0
    found = np.exp(flattest + field / 255 * (steepest - flattest))
    assert np.abs(found / bias - 1)[inside].max() < 0.01
    assert header["more"] == 1
    assert header["temperatures"] == list(temperatures_of(result.mixture, max(canonical.spacing)))
    assert header["window"] == list(LIMITS)


def test_slices_beyond_the_brain_are_empty_but_there(head):
    scan, result = head
    _, slices = sent(scan, result, [(2, 0), (0, 0)])
    assert len(slices) == 2
    for levels, layers in slices.values():
        assert levels.size
        assert not layers[:3].any()


def test_around_the_brain_lies_the_brain(head):
    scan, result = head
    _, orientation = orient(scan)
    header, _ = sent(scan, result, [])
    mask = reorient(result.mask, orientation)
    box = tuple(slice(*ends) for ends in header["headBox"])
    assert mask[box].sum() == mask.sum()
    assert all(0 <= low < high <= n for (low, high), n in zip(header["headBox"], mask.shape, strict=True))


def test_a_picture_arrives_whole():
    scan, _ = SAMPLES["slice-t1"].make()
    result = segment(scan)
    header, slices = sent(scan, result, [(PICTURE, 0)])
    levels, (labels, *_) = slices[PICTURE, 0]
    assert header["kind"] == "picture"
    assert levels.shape == scan.data.shape
    assert (labels == result.labels).all()


@pytest.mark.slow
def test_the_axis_order_of_the_file_does_not_matter(head):
    scan, _ = head
    flipped = replace(
        scan,
        data=np.ascontiguousarray(scan.data.transpose(2, 0, 1)[::-1]),
        affine=scan.affine @ np.array([[0, 1, 0, 0], [0, 0, 1, 0], [-1, 0, 0, scan.data.shape[2] - 1], [0, 0, 0, 1.0]]),
        spacing=tuple(scan.spacing[i] for i in (2, 0, 1)),
        header=None,
    )
    both = [sent(one, segment(one), [(1, 30)])[1][1, 30] for one in (scan, flipped)]
    for mine, theirs in zip(*both, strict=True):
        assert (mine == theirs).all()


def test_what_cannot_be_told_apart_has_one_label_and_one_button(head):
    scan, result = head
    index = scan.data.shape[2] // 2
    source = SliceSource.of(scan, result, result.labels, joined=True)
    header, slices = decode(encode(source, [(2, index)], window=LIMITS, details={}))
    _, (labels, *_, others) = slices[2, index]
    _, apart = sent(scan, result, [(2, index)])
    own = apart[2, index][1][0]
    assert set(np.unique(own)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(labels, np.where(own == Tissue.WM.number, Tissue.GM.number, own))
    np.testing.assert_array_equal(others, labels)
    assert [entry["number"] for entry in header["legend"]] == [Tissue.GM.number, Tissue.CSF.number]
    assert len(header["tissues"]) == len(Tissue)


def test_what_is_abnormal_is_sent_with_its_probability_and_has_a_button(with_lesion):
    scan, result = with_lesion
    _, orientation = orient(scan)
    found = reorient(result.labels, orientation) == ABNORMAL.number
    index = int(found.sum((0, 1)).argmax())
    header, slices = sent(scan, result, [(2, index)])
    _, (labels, gray, white, abnormal, *_) = slices[2, index]
    view = View(AnatomicalPlane.AXIAL, index)
    assert (labels == ABNORMAL.number).any()
    expected = render.cut(reorient(result.abnormal_posterior, orientation), view)
    assert np.abs(abnormal / 255 - expected).max() < 0.003
    fluid = 1 - (gray + white.astype(float) + abnormal) / 255
    posteriors = render.cut(reorient(result.posteriors, orientation), view)
    assert np.abs(fluid - posteriors[..., 2])[labels > 0].max() < 0.01
    assert header["isAbnormal"]
    assert [entry["number"] for entry in header["legend"]] == [label.number for label in LABELS]
    healthy = SliceSource.of(scan, replace(result, abnormal=None), np.where(result.mask, 1, 0).astype(np.uint8))
    header, _ = decode(encode(healthy, [], window=LIMITS, details={}))
    assert not header["isAbnormal"]
    assert [entry["number"] for entry in header["legend"]] == [tissue.number for tissue in Tissue]
