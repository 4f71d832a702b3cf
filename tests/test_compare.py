import numpy as np
import pytest

from mriseg import MrisegError, Tissue
from mriseg.compare import dice


def test_the_same_labels_agree_wholly():
    labels = np.array([[0, 1], [2, 3]], np.uint8)
    assert dice(labels, labels) == {Tissue.GM: 1.0, Tissue.WM: 1.0, Tissue.CSF: 1.0}


def test_overlap_is_twice_the_common_voxels_over_both_sizes():
    labels = np.array([1, 1, 1, 2, 0, 0], np.uint8)
    truth = np.array([1, 2, 0, 2, 2, 0], np.uint8)
    assert dice(labels, truth) == {Tissue.GM: 2 * 1 / (3 + 1), Tissue.WM: 2 * 1 / (1 + 3), Tissue.CSF: 1.0}


def test_another_grid_is_refused():
    with pytest.raises(MrisegError, match="one grid"):
        dice(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
