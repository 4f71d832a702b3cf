"""How the slices of a stack lie, whatever order they come in."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.dicom.geometry import NO_THICKNESS, arrange
from mriseg.io.dicom.plane import DicomSlice, SlicePosition

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
COUNT, APART_MM = 20, 3.0
PIXELS = SimpleNamespace(shape=(32, 40))
TEN_DEGREES = np.tan(np.radians(10))


HEIGHTS_MM = np.arange(COUNT) * APART_MM


def stack(heights=HEIGHTS_MM, shift: float = 0.0) -> list[DicomSlice]:
    """Axial slices, each shifted to the back by `shift` mm for a mm of height."""
    positions = [SlicePosition((10, 20 + shift * z, z), AXIAL, (0.5, 0.8), APART_MM, None) for z in heights]
    return [DicomSlice(PIXELS, n, (1.0, 0.0), position) for n, position in enumerate(positions)]


@pytest.fixture(autouse=True)
def _small_volumes(monkeypatch):
    monkeypatch.setattr(limits, "MIN_VOLUME_VOXELS", 1)


def test_the_order_of_the_files_does_not_matter():
    slices = stack()
    grid, same = arrange(slices), arrange([slices[n] for n in np.random.default_rng(0).permutation(COUNT)])
    assert grid.planes == same.planes == tuple(slices)
    np.testing.assert_array_equal(grid.affine, same.affine)
    assert grid.notes == ()


def test_the_affine_takes_columns_rows_and_slices_to_the_patient_in_mm():
    affine = arrange(stack()).affine
    np.testing.assert_allclose(affine @ [0, 0, 0, 1], [-10, -20, 0, 1])  # from left and back to right and front
    np.testing.assert_allclose(affine @ [1, 0, 0, 0], [-0.5, 0, 0, 0])
    np.testing.assert_allclose(affine @ [0, 1, 0, 0], [0, -0.8, 0, 0])
    np.testing.assert_allclose(affine @ [0, 0, 1, 0], [0, 0, APART_MM, 0])


def test_a_missing_slice_is_told_and_the_longest_part_is_read():
    grid = arrange(stack(np.delete(HEIGHTS_MM, 14)))
    assert grid.shape == (40, 32, 14)
    assert "1 slice of the series is missing" in grid.notes[0]


def test_where_no_part_holds_half_of_the_slices_the_series_is_refused():
    with pytest.raises(ReadError, match="no part without a gap holds half"):
        arrange(stack(np.concatenate([np.arange(5) * APART_MM + 100 * part for part in range(4)])))


def test_slices_that_are_stacked_at_a_slant_are_told_and_keep_it():
    grid = arrange(stack(shift=TEN_DEGREES))
    assert grid.is_slanted
    assert grid.notes
    np.testing.assert_allclose(grid.affine[:3, 2], [0, -APART_MM * TEN_DEGREES, APART_MM], atol=1e-12)


def test_a_lone_slice_is_as_thick_as_its_header_says_or_a_picture():
    (lone,) = stack((5.0,))
    np.testing.assert_allclose(arrange([lone]).affine[:3, 2], [0, 0, APART_MM])
    grid = arrange([replace(lone, place=replace(lone.place, thickness=None))])
    assert grid.affine is None
    assert grid.notes == (NO_THICKNESS,)
