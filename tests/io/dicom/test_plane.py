"""Where a slice lies in the patient, and what part of its frame it takes."""

import numpy as np

from mriseg.io.dicom.plane import SlicePosition


def test_the_normal_is_a_unit_vector_that_makes_the_directions_right_handed():
    sagittal = SlicePosition((0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0), (1.0, 1.0), None, None)
    np.testing.assert_array_equal(sagittal.normal, [-1, 0, 0])
    uneven = SlicePosition((0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0, 3.0, 0.0), (1.0, 1.0), None, None)
    np.testing.assert_array_equal(uneven.normal, [0, 0, 1])
