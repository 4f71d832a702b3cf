"""One slice of a DICOM series: how it is stored, and where in the patient it lies."""

from dataclasses import dataclass

import numpy as np

from mriseg.io.dicom.pixels import Pixels


@dataclass(frozen=True, eq=False)
class SlicePosition:
    """Where a slice lies, in the patient's coordinates of DICOM: to the left, to the back and up, in mm.

    Attributes
    ----------
    position : tuple of 3 float
        The center of the first pixel.
    directions : tuple of 6 float
        Unit vectors: where the column number grows, where the row number grows.
    sides : (float, float)
        Distance of neighboring pixels along these two.
    thickness : float or None
        Of the slice, in mm, if the header says it.
    apart : float or None
        From the middle of the slice to that of the next, in mm, if the header says it. Some scanners write the gap.
    """

    position: tuple[float, ...]
    directions: tuple[float, ...]
    sides: tuple[float, float]
    thickness: float | None
    apart: float | None

    @property
    def normal(self) -> np.ndarray:
        """Unit vector at right angles to the slice."""
        normal = np.cross(self.directions[:3], self.directions[3:])
        return normal / np.linalg.norm(normal)


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """A slice: how it is stored and where it lies.

    Attributes
    ----------
    pixels : Pixels
        Of its file.
    index : int
        Of its frame in the file.
    scaling : (float, float)
        Slope and intercept: values are slope * stored + intercept.
    place : SlicePosition or None
        None if the header does not say.
    window : tuple of slice
        The rows and columns of the frame that it takes.
    """

    pixels: Pixels
    index: int
    scaling: tuple[float, float]
    place: SlicePosition | None
    window: tuple[slice, slice] = (slice(None), slice(None))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = (len(range(*cut.indices(n))) for cut, n in zip(self.window, self.pixels.shape, strict=True))
        return rows, columns
