import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast, Result, Scan, segment
from mriseg.core.scan import picture, volume
from mriseg.image.morphology import bounding_box
from mriseg.plotting import mosaic
from tests.helpers import ALL_AXES, little_memory, stored_as

SLICES = 12
BESIDE_EACH_OTHER = 10  # axial and coronal ones: left and right lie in the plane


def pixels(content: bytes) -> np.ndarray:
    image = PIL.Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return np.asarray(image).astype(int)


def color(image: np.ndarray) -> np.ndarray:
    """Where a picture has color."""
    return image.max(-1) - image.min(-1) > 40


def runs(line: np.ndarray) -> list[tuple[int, int]]:
    """Where a line of booleans is true: first of each run, and the one past its last."""
    edges = np.flatnonzero(np.diff(np.r_[0, line.astype(int), 0]))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def labeled(like: Result, labels: np.ndarray) -> Result:
    """A result that has nothing but labels."""
    return replace(like, labels=labels, box=bounding_box(labels > 0))


def block(sides: tuple[float, float, float] = (2.0, 2.0, 2.0)) -> tuple[Scan, np.ndarray]:
    """A cuboid of 100 x 120 x 80 mm in the middle of 200 mm of air, and where it is."""
    shape = [round(200 / side) for side in sides]
    distances = np.meshgrid(
        *(np.abs((np.arange(n) + 0.5) * s - 100) for n, s in zip(shape, sides, strict=True)), indexing="ij"
    )
    inside = np.all([d < half for d, half in zip(distances, (50, 60, 40), strict=True)], 0)
    return volume(np.where(inside, 100, 0).astype(np.float32), np.diag([*sides, 1.0])), inside


@pytest.fixture(scope="module")
def head(scanned, segmented):
    return scanned(Contrast.T1), segmented(Contrast.T1)


def test_a_head_becomes_a_small_picture_of_fixed_size_and_equal_bytes(head):
    content = mosaic.jpeg(*head)
    assert pixels(content).shape == (mosaic.HEIGHT, mosaic.WIDTH, 3)
    assert 20_000 < len(content) < 130_000
    assert mosaic.jpeg(*head) == content


def test_bare_slices_lie_above_and_the_same_with_tissues_below(head):
    image = pixels(mosaic.jpeg(*head))
    above, below = np.vsplit(image, 2)
    assert color(above).mean() < 0.001
    assert color(below).mean() > 0.1
    outside = ~color(below) & (np.abs(above - below).max(-1) < 25)
    assert (outside | color(below)).mean() > 0.9


@pytest.mark.parametrize("axes", [ALL_AXES[k] for k in (5, 13, 22, 30, 38, 47)], ids="".join)
def test_the_axis_order_of_the_file_does_not_show(head, axes):
    scan, result = head
    expected = mosaic.jpeg(scan, labeled(result, result.labels))
    data, affine = stored_as(axes, scan.data, scan.affine)
    labels, _ = stored_as(axes, result.labels, scan.affine)
    assert mosaic.jpeg(volume(data, affine), labeled(result, labels)) == expected


def test_the_patients_right_is_at_the_left(head):
    scan, inside = block()
    whole = pixels(mosaic.jpeg(scan, labeled(head[1], inside.astype(np.uint8))))
    right_only = inside.astype(np.uint8)
    right_only[: right_only.shape[0] // 2] = 0  # the axis runs from left to right
    # The box is that of the whole, so that the same is shown.
    result = replace(labeled(head[1], inside.astype(np.uint8)), labels=right_only)
    half = pixels(mosaic.jpeg(scan, result))
    shown, filled = (runs(color(image).any(0)) for image in (whole, half))
    assert len(shown) == SLICES
    for (first, end), (start, stop) in zip(shown[:BESIDE_EACH_OTHER], filled[:BESIDE_EACH_OTHER], strict=True):
        assert start == pytest.approx(first, abs=3)
        assert stop == pytest.approx((first + end) / 2, abs=3)


def test_of_sagittal_slices_one_lies_in_each_half_and_the_front_is_at_the_left(head):
    scan, inside = block()
    labels = inside.astype(np.uint8)
    front = np.where(np.arange(labels.shape[1])[None, :, None] >= labels.shape[1] // 2, labels, 0).astype(np.uint8)
    right = np.where(np.arange(labels.shape[0])[:, None, None] >= labels.shape[0] // 2, labels, 0).astype(np.uint8)
    result = labeled(head[1], labels)
    sagittal = runs(color(pixels(mosaic.jpeg(scan, result))).any(0))[BESIDE_EACH_OTHER:]
    seen = color(pixels(mosaic.jpeg(scan, replace(result, labels=front)))).any(0)
    for first, end in sagittal:
        assert seen[first : (first + end) // 2 - 3].all()
        assert not seen[(first + end) // 2 + 3 : end].any()
    seen = color(pixels(mosaic.jpeg(scan, replace(result, labels=right)))).any(0)
    assert [bool(seen[first:end].any()) for first, end in sagittal] == [False, True]


def test_thick_slices_keep_the_proportions_of_the_body(head):
    sizes = []
    for sides in ((2.0, 2.0, 2.0), (1.0, 2.0, 5.0)):
        scan, inside = block(sides)
        filled = color(pixels(mosaic.jpeg(scan, labeled(head[1], inside.astype(np.uint8)))))
        sizes.append([(end - first, int(filled[:, first:end].any(1).sum())) for first, end in runs(filled.any(0))])
    assert len(sizes[0]) == len(sizes[1]) == SLICES
    np.testing.assert_allclose(sizes[0], sizes[1], atol=5)
    width, height = sizes[0][0]
    assert width / height == pytest.approx(100 / 120, abs=0.05)
    width, height = sizes[0][-1]
    assert width / height == pytest.approx(120 / 80, abs=0.06)


def test_brain_that_the_mask_misses_is_shown_bare(head):
    scan, inside = block()
    lower = inside.astype(np.uint8)
    lower[:, :, 100 // 2 :] = 0
    above, below = np.vsplit(pixels(mosaic.jpeg(scan, labeled(head[1], lower))), 2)
    first, end = runs((above.max(-1) > 128).any(0))[BESIDE_EACH_OTHER]
    bright = (above[:, first:end].max(-1) > 128).any(1).sum()
    covered = color(below[:, first:end]).any(1).sum()
    assert covered == pytest.approx(bright / 2, abs=4)


def test_a_slab_of_few_slices_shows_each_once(head):
    rng = np.random.default_rng(0)
    labels = np.zeros((90, 110, 3), np.uint8)
    labels[20:70, 20:90] = 1
    scan = volume(rng.uniform(50, 100, labels.shape).astype(np.float32), np.diag([2.0, 2, 5, 1]))
    filled = color(pixels(mosaic.jpeg(scan, labeled(head[1], labels)))[mosaic.HEIGHT // 2 :])
    tall = [1 for first, end in runs(filled.any(0)) if filled[:, first:end].any(1).sum() > 40]
    assert len(tall) == 3


def test_a_picture_lies_beside_its_segmentation(scanned):
    scan = picture(scanned(Contrast.T1).data[:, ::-1, 50].T)
    image = pixels(mosaic.jpeg(scan, segment(scan)))
    left, right = np.hsplit(image, 2)
    assert color(left).mean() < 0.001
    assert color(right).mean() > 0.05


def test_no_letter_where_the_sides_are_not_known(head):
    scan, result = head
    corner = (slice(0, 20), slice(0, 14))
    known, unknown = (pixels(mosaic.jpeg(scan, replace(result, sides_known=is_known))) for is_known in (True, False))
    assert known[corner].max() > 180
    assert unknown[corner].max() < 120


def test_a_large_head_takes_little_memory(head):
    data = np.broadcast_to(np.linspace(0, 1000, 256, dtype=np.float32)[:, None, None], (256, 256, 256))
    scan = Scan(data, np.eye(4), (1.0, 1.0, 1.0), "volume", sides_known=True)
    labels = np.zeros(data.shape, np.uint8)
    labels[60:200, 40:215, 90:220] = 2
    result = labeled(head[1], labels)
    with little_memory(20e6):
        mosaic.jpeg(scan, result)
