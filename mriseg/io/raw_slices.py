"""Volumes whose slices lie apart in their file, or are scaled each by its own factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from nibabel.affines import voxel_sizes

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.core.scan import Scan, Space, volume
from mriseg.io.file import CUT_SHORT, File
from mriseg.io.raw_volume import read_over_end, read_voxels


@dataclass(frozen=True, eq=False)
class Slices:
    """One volume as its file stores it; in each slice the first axis runs fastest.

    Attributes
    ----------
    file : File
        That holds the voxels.
    dtype : dtype
        Integers or floating point, in the byte order of the file.
    shape : tuple of int
        Voxels along each axis; the slices lie along the third.
    offsets : sequence of int
        Where each slice begins, in bytes of the unpacked content.
    slopes, intercepts : ndarray of float, one for each slice
        Values are slope * stored + intercept.
    bounds : tuple of float
        What is stored beyond them counts as them.
    affine : ndarray of shape (4, 4)
        From voxel indices to RAS+ mm.
    sides_known : bool
        Whether the affine says truly which side of the body is left.
    notes : tuple of str
        What the user should know.
    space : Space
        Which coordinates the affine leads to.
    """

    file: File
    dtype: np.dtype
    shape: tuple[int, int, int]
    offsets: Sequence[int]
    slopes: np.ndarray
    intercepts: np.ndarray
    bounds: tuple[float, float]
    affine: np.ndarray
    sides_known: bool = True
    notes: tuple[str, ...] = ()
    space: Space = Space.UNKNOWN

    @property
    def spacing(self) -> tuple[float, ...]:
        """Side of a voxel along each axis, in mm."""
        return tuple(float(side) for side in voxel_sizes(self.affine))

    def check(self) -> None:
        """Refuse what is too large, too small, or more than the file can hold.

        Raises
        ------
        ReadError
        """
        limits.check_shape(self.shape)
        if self.shape[2] > limits.MAX_SLICES:
            raise TooLargeError(f"The volume announces more than {limits.MAX_SLICES} slices. Crop it to the head.")
        size = prod(self.shape[:2]) * self.dtype.itemsize
        if min(self.offsets) < 0 or max(self.offsets) + size > self.file.most_unpacked:
            raise ReadError(CUT_SHORT)

    def load(self) -> Scan:
        """Read the volume. Needs it in float32 and a slice and a block beyond.

        Raises
        ------
        ReadError
            If the file proves shorter than it should be or damaged.
        """
        data = np.empty(self.shape, np.float32, order="F")
        with self.file.open() as stream:
            for k in np.argsort(self.offsets, kind="stable"):  # a packed file is read in one go
                stream.seek(self.offsets[k])
                scaling = (self.slopes[k], self.intercepts[k])
                voxels = read_voxels(stream, (*self.shape[:2], 1), self.dtype, scaling)
                with np.errstate(over="ignore", invalid="ignore"):
                    low, high = sorted(self.slopes[k] * np.array(self.bounds) + self.intercepts[k])
                    np.clip(voxels[:, :, 0], np.float32(low), np.float32(high), out=data[:, :, k])
            read_over_end(stream)
        return volume(
            data, self.affine, None, notes=self.notes, sides_known=self.sides_known, space=self.space, copy=False
        )
