from dataclasses import replace

import nibabel
import numpy as np
import pytest

from mriseg import read
from mriseg.core.tissue import ABNORMAL
from mriseg.image.orientation import orient, reorient
from mriseg.plotting import slices as render
from mriseg.report.content import report_content
from mriseg.segmentation.head_direction import HeadDirection
from tests.helpers import stored_as


def length_of_bar(image: np.ndarray) -> int:
    """Pixels of the bar in the lower left corner; 0 without one."""
    row = image[-render.LETTER_MARGIN - 2, render.LETTER_MARGIN :] == render.LETTER_GRAY
    return len(row) if row.all() else int(row.argmin())


def test_a_bar_of_50_mm_is_drawn_where_the_size_is_known(slice_of_head, volume):
    scan, sized, unsized = slice_of_head
    with_bar, without = (report_content(scan, result, None).pictures[0].original for result in (sized, unsized))
    seen = np.flatnonzero(sized.mask.any(0))
    margin = round(0.12 * (seen[-1] + 1 - seen[0]))
    columns = min(scan.data.shape[1], seen[-1] + 1 + margin) - max(0, seen[0] - margin)
    assert length_of_bar(with_bar) == pytest.approx(25 * with_bar.shape[1] / columns, abs=2)  # 25 pixels of 2 mm
    assert length_of_bar(without) == 0
    lengths = {length_of_bar(shot.original) for shot in report_content(*volume, None).pictures}
    assert len(lengths) == 1  # all planes are in one scale
    assert lengths.pop() > 50


def test_letters_are_drawn_only_where_the_file_says_which_side_is_left(volume):
    scan, result = volume
    unknown = replace(result, sides_known=False)
    with_letters, without = report_content(scan, result, None), report_content(scan, unknown, None)
    assert "right is at the left" in with_letters.sides
    assert "Left and right are unknown" in without.sides
    for a, b in zip(with_letters.pictures, without.pictures, strict=True):
        middle = slice(a.height // 2 - 12, a.height // 2 + 12)
        assert (a.original[middle, :20] != b.original[middle, :20]).any()


def test_the_patients_right_is_at_the_left_whatever_the_files_axes(volume):
    scan, result = volume
    data = np.array(scan.data)
    data[: data.shape[0] // 2] *= np.float32(0.3)  # canonical axes run from left to right: the left is dark
    found = []
    for axes in (("R", "A", "S"), ("P", "S", "R"), ("L", "P", "S")):
        (turned, affine), (labels, _) = (stored_as(axes, array, scan.affine) for array in (data, result.labels))
        again = read(nibabel.Nifti1Image(turned, affine).to_bytes())
        found.append(report_content(again, replace(result, labels=labels), None).pictures)
    axial = found[0][0].original
    assert axial[:, axial.shape[1] // 2 :].mean() < 0.6 * axial[:, : axial.shape[1] // 2].mean()
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a.original, b.original)
            np.testing.assert_array_equal(a.segmented, b.segmented)


def test_the_slices_cut_the_brain_in_its_middle_and_show_all_of_it(volume):
    for shot in report_content(*volume, None).pictures:
        changed = np.ptp(shot.segmented, -1) > 0  # in color
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert 0.6 < len(rows) / shot.height < 0.95
        assert 0.6 < len(columns) / shot.width < 0.95
        assert changed.mean() > 0.3


def test_of_a_slab_only_the_plane_that_shows_something_is_drawn(volume):
    scan, result = volume
    slab = slice(40, 48)
    thin = replace(scan, data=scan.data[:, :, slab])
    cut = replace(result, labels=result.labels[:, :, slab])
    titles = [shot.title for shot in report_content(thin, cut, None).pictures]
    assert len(titles) == 1
    assert titles[0].startswith("Axial")


def test_planes_are_not_named_where_the_header_calls_them_wrongly(volume):
    scan, result = volume
    turned = replace(result, sides_known=False, head_direction=HeadDirection(90.0, "top", "back"))
    content = report_content(scan, turned, None)
    assert [shot.title.split(",")[0] for shot in content.pictures] == ["Plane 3", "Plane 2", "Plane 1"]
    assert "Left and right are unknown" in content.sides


def test_the_slices_go_through_what_is_abnormal(with_lesion):
    scan, result = with_lesion
    slices = [
        int(picture.title.split("slice ")[1].split(" of")[0]) - 1
        for picture in report_content(scan, result, None).pictures
    ]
    abnormal = reorient(result.labels, orient(scan)[1]) == ABNORMAL.number
    most = [
        int(abnormal.sum(tuple(a for a in range(3) if a != plane.axis)).argmax()) for plane in render.AnatomicalPlane
    ]
    assert slices == most
    for picture in report_content(scan, result, None).pictures:
        assert (picture.segmented == ABNORMAL.rgb).all(-1).sum() > 50
