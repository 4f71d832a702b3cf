import io
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

from mriseg import Contrast, Settings, segment
from mriseg.core.scan import picture
from mriseg.core.tissue import ABNORMAL, Tissue
from mriseg.image.orientation import orient, reorient_box
from mriseg.plotting import animation
from mriseg.plotting.animation import MOST_BYTES, MOST_SLICES, OPACITY, WIPE_STEPS, gif
from mriseg.plotting.slices import default_plane
from mriseg.segmentation.joined import join_gray_white


@pytest.fixture(scope="module")
def head(scanned, segmented):
    return scanned(Contrast.T1), segmented(Contrast.T1)


@pytest.fixture(scope="module")
def slice_(scanned):
    data = scanned(Contrast.T1).data
    scan = picture(np.rint(data[:, ::-1, data.shape[2] // 2].T / data.max() * 255))
    return scan, segment(scan, Settings(contrast="t1"))


def frames(content: bytes) -> list[np.ndarray]:
    image = PIL.Image.open(io.BytesIO(content))
    shown = []
    for number in range(image.n_frames):
        image.seek(number)
        shown.append(np.asarray(image.convert("RGB")))
    return shown


def test_a_picture_is_wiped_from_original_to_segmented_and_back(slice_):
    shown = frames(gif(*slice_))
    assert len(shown) == 2 * WIPE_STEPS
    colorful = [(np.ptp(frame.astype(int), axis=2) > 30).mean() for frame in shown]
    assert colorful[0] == 0
    assert colorful[WIPE_STEPS] == max(colorful)
    assert np.all(np.diff(colorful[: WIPE_STEPS + 1]) > -0.01)
    half = shown[WIPE_STEPS // 2]
    left, right = half[:, : half.shape[1] // 2 - 2], half[:, half.shape[1] // 2 + 2 :]
    assert np.ptp(left.astype(int), axis=2).max() > 60
    assert np.ptp(right.astype(int), axis=2).max() == 0


def test_colors_are_those_of_the_tissues_over_gray(slice_):
    full = frames(gif(*slice_))[WIPE_STEPS]
    gray = np.rint(np.linspace(0, 255, animation.LEVELS))
    allowed = {(level,) * 3 for level in gray.astype(int).tolist()}
    for tissue in Tissue:
        mixed = np.rint((1 - OPACITY) * np.linspace(0, 255, animation.LEVELS)[:, None] + OPACITY * np.array(tissue.rgb))
        allowed |= {tuple(color) for color in mixed.astype(int).tolist()}
    assert {tuple(color) for color in np.unique(full.reshape(-1, 3), axis=0).tolist()} <= allowed


def test_the_scan_is_seen_under_the_colors(slice_):
    full = frames(gif(*slice_))[WIPE_STEPS]
    white = np.unique(full[(full[..., 0] - full[..., 2].astype(int)) > 60].reshape(-1, 3), axis=0)
    assert len(white) > 20


def test_what_cannot_be_told_apart_has_one_color(slice_):
    scan, result = slice_
    joined = replace(result, labels=join_gray_white(result.labels))
    assert gif(scan, replace(result, quality={**result.quality, "tissue_contrast": 0.1})) == gif(scan, joined)
    assert gif(scan, result) != gif(scan, joined)


def test_a_volume_is_gone_through(head):
    scan, result = head
    shown = frames(gif(scan, result))
    canonical, orientation = orient(scan)
    plane = default_plane(canonical.spacing)
    through = reorient_box(result.box, result.labels.shape, orientation)[plane.axis]
    assert len(shown) == min(MOST_SLICES, through.stop - through.start)
    middle = shown[len(shown) // 2].astype(int)
    half = middle.shape[1] // 2
    assert np.ptp(middle[:, : half - 3], axis=2).max() == 0
    assert (np.ptp(middle[:, half + 3 :], axis=2) > 60).mean() > 0.1


def test_what_is_abnormal_has_stripes_of_its_full_color(slice_):
    scan, result = slice_
    labels = np.array(result.labels)
    labels[labels == Tissue.WM.number] = ABNORMAL.number
    full = frames(gif(scan, replace(result, labels=labels)))[WIPE_STEPS]
    assert (full == ABNORMAL.rgb).all(-1).mean() > 0.02


def test_frames_shrink_until_the_animation_is_small(head, monkeypatch):
    whole = gif(*head)
    assert len(whole) <= MOST_BYTES
    monkeypatch.setattr(animation, "MOST_BYTES", len(whole) // 2)
    smaller = gif(*head)
    assert len(smaller) < len(whole)
    assert frames(smaller)[0].shape[0] < frames(whole)[0].shape[0]


def test_the_same_result_gives_the_same_bytes(slice_):
    assert gif(*slice_) == gif(*slice_)
