from dataclasses import replace

import numpy as np
import pytest
import scipy

from mriseg import MrisegError, Tissue
from mriseg.core.tissue import ABNORMAL
from mriseg.evaluation.agreement import agreement, dice, match_labels, relabel

GM, WM, CSF = Tissue
SPACING = (0.9, 1.5, 2.5)


def cube(shape, *corners):
    """Gray matter from the first corner up to the second, which is not in it."""
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(low, high) for low, high in zip(*corners, strict=True))] = GM.number
    return labels


def shells(radius=20):
    """White matter in gray matter in fluid."""
    distance = np.linalg.norm(np.indices((2 * radius + 5,) * 3) - radius - 2, axis=0)
    return np.select([distance < radius / 2, distance < 0.8 * radius, distance < radius], [2, 1, 3]).astype(np.uint8)


def edge(mask):
    return mask & ~scipy.ndimage.binary_erosion(mask)


def hausdorff_by_brute_force(a, b, spacing):
    """From the distances between all pairs of surface voxels."""
    points = [np.argwhere(edge(mask)) * spacing for mask in (a, b)]
    distances = scipy.spatial.distance.cdist(*points)
    return max(np.percentile(distances.min(axis), 95) for axis in (0, 1))


def test_the_same_labels_agree_wholly():
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    assert dice(labels, labels) == {GM: 1.0, WM: 1.0, CSF: 1.0}


def test_overlap_is_twice_the_common_voxels_over_both_sizes():
    labels = np.array([1, 1, 1, 2, 0, 0], np.uint8)
    truth = np.array([1, 2, 0, 2, 2, 0], np.uint8)
    assert dice(labels, truth) == {GM: 2 * 1 / (3 + 1), WM: 2 * 1 / (1 + 3), CSF: 1.0}


def test_gray_and_white_matter_can_be_compared_as_one():
    labels, reference = np.array([[1, 1, 2, 3, 7]], np.uint8), np.array([[2, 0, 2, 3, 7]], np.uint8)
    joined = agreement(labels, reference, None, joined=True)
    assert list(joined) == [GM, CSF, ABNORMAL]
    assert joined[GM].dice == pytest.approx(4 / 5)
    assert dice(labels, reference, joined=True) == {GM: pytest.approx(4 / 5), CSF: 1}
    assert labels.tolist() == [[1, 1, 2, 3, 7]]


@pytest.mark.parametrize(
    "compare", [dice, match_labels, lambda a, b: agreement(a, b, None)],
    ids=("dice", "match_labels", "agreement"),
)  # fmt: skip
def test_another_grid_is_refused(compare):
    with pytest.raises(MrisegError, match="one grid"):
        compare(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


def test_a_cube_shifted_by_two_voxels():
    labels, reference = (cube((30, 30, 30), (5 + shift, 5, 5), (15 + shift, 15, 15)) for shift in (2, 0))
    found = agreement(labels, reference, SPACING)[GM]
    assert found.dice == 2 * 800 / 2000
    assert found.jaccard == 800 / 1200
    assert found.volume_difference == 0
    # Of 488 surface voxels a face of 100 is two voxels off; others lie on the common sides.
    assert found.hausdorff95 == pytest.approx(2 * SPACING[0])


def test_a_cube_grown_by_a_voxel_is_larger_by_known_amounts():
    labels, reference = cube((20, 20, 20), (4, 4, 4), (16, 16, 16)), cube((20, 20, 20), (5, 5, 5), (15, 15, 15))
    found = agreement(labels, reference, SPACING)[GM]
    assert found.volume_difference == pytest.approx(100 * (12**3 - 10**3) / 10**3)
    assert found.volume_difference_ml == pytest.approx((12**3 - 10**3) * 0.9 * 1.5 * 2.5 / 1000)
    assert found.dice == pytest.approx(2 * 10**3 / (10**3 + 12**3))


def test_where_the_spacing_is_unknown_distances_are_in_pixels_and_there_is_no_volume():
    labels, reference = cube((40, 40), (10, 10), (30, 30)), cube((40, 40), (13, 10), (33, 30))
    found = agreement(labels, reference, None)[GM]
    assert found.hausdorff95 == 3
    assert found.volume_difference_ml is None
    assert agreement(labels, reference, (0.5, 0.5))[GM].hausdorff95 == 1.5


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), SPACING, (3.0, 0.5, 0.8)])
@pytest.mark.parametrize("seed", range(4))
def test_the_distance_is_that_of_all_pairs_of_surface_voxels(seed, spacing):
    rng = np.random.default_rng(seed)
    labels, reference = (
        (scipy.ndimage.gaussian_filter(rng.normal(size=(14, 13, 12)), 1.5) > level).astype(np.uint8)
        for level in (0, 0.02 * seed)
    )
    expected = hausdorff_by_brute_force(labels == 1, reference == 1, spacing)
    assert agreement(labels, reference, spacing)[GM].hausdorff95 == pytest.approx(expected)
    assert agreement(reference, labels, spacing)[GM].hausdorff95 == pytest.approx(expected)


def test_far_surfaces_are_found_as_well():
    labels, reference = cube((60, 9, 9), (1, 1, 1), (5, 5, 5)), cube((60, 9, 9), (50, 2, 2), (57, 8, 7))
    expected = hausdorff_by_brute_force(labels == 1, reference == 1, SPACING)
    assert agreement(labels, reference, SPACING)[GM].hausdorff95 == pytest.approx(expected)


@pytest.mark.parametrize("bound", ["MOST_ASKED", "MOST_FAR"])
def test_of_a_very_large_surface_some_voxels_speak_for_all(bound, monkeypatch):
    reference = shells()
    labels = np.roll(reference, 12, 0)
    exact = agreement(labels, reference, SPACING)
    monkeypatch.setattr(f"mriseg.evaluation.agreement.{bound}", 300)
    for tissue, found in agreement(labels, reference, SPACING).items():
        assert found.hausdorff95 == pytest.approx(exact[tissue].hausdorff95, rel=0.05)


def test_a_few_stray_voxels_do_not_move_the_distance():
    reference = cube((40, 40, 40), (5, 5, 5), (25, 25, 25))
    labels = reference.copy()
    labels[38, 38, 30:38] = GM.number
    assert agreement(labels, reference, SPACING)[GM].hausdorff95 == 0


def test_a_tissue_that_only_one_has_or_neither():
    labels = cube((10, 10, 10), (2, 2, 2), (5, 5, 5))
    found = agreement(labels, WM.number * (labels > 0).astype(np.uint8), SPACING)
    assert (found[GM].dice, found[GM].hausdorff95, found[GM].volume_difference) == (0, None, None)
    assert (found[WM].dice, found[WM].hausdorff95, found[WM].volume_difference) == (0, None, -100)
    assert (found[CSF].dice, found[CSF].hausdorff95, found[CSF].volume_difference) == (1, 0, None)


@pytest.mark.parametrize("numbers", [(0, 1, 2, 3), (0, 3, 1, 2), (0, 170, 85, 255), (0, 24, 3, 41)])
def test_any_three_numbers_are_matched(numbers):
    labels = shells()
    table = np.array(numbers, np.uint16)
    reference = np.roll(table[labels], 1, 0)
    matching = match_labels(labels, reference)
    assert dict(zip(matching.numbers, matching.tissues, strict=True)) == dict(zip(numbers[1:], Tissue, strict=True))
    np.testing.assert_array_equal(relabel(reference, matching), np.roll(labels, 1, 0))


def test_the_overlap_that_justifies_a_match_is_its_share_of_the_number():
    labels = np.array([1, 1, 1, 2, 0, 3, 3], np.uint8)
    reference = np.array([9, 9, 9, 9, 9, 4, 0], np.uint16)
    matching = match_labels(labels, reference)
    assert matching.numbers == (4, 9)
    assert matching.tissues == (CSF, GM)
    assert matching.voxels == (1, 5)
    assert matching.overlaps == (1, 3 / 5)
    np.testing.assert_allclose(matching.shares[1], [1 / 5, 3 / 5, 1 / 5, 0, 0])


def test_three_numbers_are_three_tissues_even_where_one_tissue_swallowed_another():
    labels = np.repeat(np.array([1, 1, 1, 2, 3], np.uint8), 10)
    reference = np.repeat(np.array([5, 5, 6, 6, 7], np.uint16), 10)
    labels[20:26] = WM.number  # more of number 6 was found as white matter, but not only
    reference[45:] = 6
    assert match_labels(labels, reference).tissues == (GM, WM, CSF)


def test_fewer_than_three_numbers_leave_a_tissue_out():
    labels = shells()
    reference = np.array([0, 8, 5, 0], np.uint16)[labels]
    assert match_labels(labels, reference).tissues == (WM, GM)


def test_of_many_numbers_each_goes_where_most_of_it_lies():
    labels = shells()
    left = np.arange(labels.shape[0])[:, None, None] < labels.shape[0] // 2
    reference = labels.astype(np.uint16) + 1000 * left * (labels > 0)  # two halves with numbers of their own
    reference[labels == 0] = 77  # and the ground has one too
    matching = match_labels(labels, reference)
    assert matching.numbers == (1, 2, 3, 77, 1001, 1002, 1003)
    assert matching.tissues == (GM, WM, CSF, None, GM, WM, CSF)
    assert matching.overlaps == (1,) * 7
    np.testing.assert_array_equal(relabel(reference, matching), labels)


def test_little_fluid_that_was_mostly_missed_is_fluid_still_among_many_numbers():
    labels = np.repeat(np.array([1, 2, 3, 1, 1, 2], np.uint8), [500, 400, 25, 35, 300, 10])
    reference = np.repeat(np.array([5, 7, 3, 3, 9, 9], np.uint16), [500, 400, 25, 35, 300, 10])
    assert match_labels(labels, reference).tissues == (CSF, GM, WM, GM)


def test_a_skull_beside_three_tissues_does_not_take_one_of_their_places():
    labels = shells()
    reference = np.where(labels == 0, 1, np.array([0, 4, 5, 6])[labels]).astype(np.uint16)
    reference[: labels.shape[0] // 2][labels[: labels.shape[0] // 2] == CSF.number] = 1
    assert match_labels(labels, reference).tissues == (None, GM, WM, CSF)


def test_a_match_can_be_told_otherwise():
    labels = shells()
    matching = replace(match_labels(labels, labels), tissues=(WM, None, CSF))
    np.testing.assert_array_equal(relabel(labels, matching), np.array([0, 2, 0, 3], np.uint8)[labels])
    assert matching.overlaps == (0, 0, 1)


def test_an_empty_reference_is_refused():
    with pytest.raises(MrisegError, match="no label"):
        match_labels(shells(), np.zeros_like(shells()))


def test_what_is_abnormal_is_in_the_brain_and_takes_no_number_from_a_tissue():
    labels = np.repeat(np.array([1, 2, 3, ABNORMAL.number], np.uint8), 10)
    reference = np.repeat(np.array([5, 6, 7, 6], np.uint16), 10)
    matching = match_labels(labels, reference)
    assert matching.tissues == (GM, WM, CSF)
    assert matching.overlaps == (1, 0.5, 1)
    np.testing.assert_allclose(matching.shares[1], [0, 0, 0.5, 0, 0.5])


def test_the_parts_of_a_lesion_are_what_is_abnormal_and_compared_with_it():
    labels = np.repeat(np.array([1, 2, ABNORMAL.number], np.uint8), 10)
    reference = np.zeros_like(labels, np.uint16)
    reference[18:24], reference[24:28] = 1, 4
    matching = match_labels(labels, reference)
    assert matching.tissues == (ABNORMAL, ABNORMAL)
    assert matching.overlaps == (4 / 6, 1)
    told = relabel(reference, matching)
    assert agreement(labels, told, None)[ABNORMAL].dice == 2 * 8 / (10 + 10)
    assert ABNORMAL not in agreement(np.minimum(labels, 2), np.minimum(told, 1), None)
