import numpy as np

from mriseg.core.tissue import LABELS, Tissue
from mriseg.segmentation.joined import join_gray_white


def test_gray_and_white_matter_have_one_number_and_all_else_stays():
    labels = np.array([[0, *(label.number for label in LABELS)]], np.uint8)
    joined = join_gray_white(labels)
    assert joined.dtype == np.uint8
    np.testing.assert_array_equal(joined == Tissue.GM.number, np.isin(labels, [Tissue.GM.number, Tissue.WM.number]))
    others = ~np.isin(labels, [Tissue.GM.number, Tissue.WM.number])
    np.testing.assert_array_equal(joined[others], labels[others])
