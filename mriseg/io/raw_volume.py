"""Volumes whose voxels lie in a row behind a header: where they lie, and how they are read block by block."""

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import BinaryIO

import nibabel
import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.scan import GeometryConflict, Scan, Space, volume
from mriseg.io.catalog import ScanEntry, rank, refused_as_scan
from mriseg.io.file import CUT_SHORT, File

# DICOM, ITK and NRRD count to the left and to the back, NIfTI to the right and to the front.
LPS_TO_RAS = np.diag([-1.0, -1, 1, 1])
SIDES_UNKNOWN = "The header does not say how the scan lies in space: left and right are unknown."
SIZE_UNKNOWN = "The header does not say how large the voxels are: 1 mm is assumed. Left and right are unknown too."
DIRECTIONS = (
    "The three volumes of the file are directions, as of nerve fibers: together they make vectors of length 1. Give a "
    "scan of the same head."
)
UNIT_LENGTH = (0.98, 1.02)  # of a vector, rounded when it was stored
UNIT_SHARE = 0.95  # of the vectors that are not 0
BROKEN_AFFINE = "The header's orientation is broken: voxel sizes are kept, left and right are unknown."


@dataclass(frozen=True, eq=False)
class RawVolume:
    """One or more volumes on one grid, as their file stores them, the first axis fastest.

    Attributes
    ----------
    file : File
        That holds the voxels.
    offset : int
        Of the first voxel, in bytes of the unpacked content.
    dtype : dtype
        Integers or floating point, in the byte order of the file.
    shape : tuple of int
        Voxels of one volume along each axis.
    affine : ndarray of shape (4, 4)
        From voxel indices to RAS+ mm.
    count : int
        Volumes, one after the other.
    scaling : tuple of float
        Slope and intercept: values are slope * stored + intercept.
    sides_known : bool
        Whether the affine says truly which side of the body is left.
    header : nibabel.Nifti1Header or None
        Geometry to write results with.
    note : str
        What the user should know of the geometry.
    space : Space
        Which coordinates the affine leads to.
    conflict : GeometryConflict or None
        Where the header contradicts itself on where the voxels lie.
    refusal : str
        Why its header says that it is no scan; empty if nothing speaks against it.
    series : str
        What several volumes are, such as "a time series, 2 s apart".
    """

    file: File
    offset: int
    dtype: np.dtype
    shape: tuple[int, int, int]
    affine: np.ndarray
    count: int = 1
    scaling: tuple[float, float] = (1.0, 0.0)
    sides_known: bool = True
    header: nibabel.Nifti1Header | None = None
    note: str = ""
    space: Space = Space.UNKNOWN
    conflict: GeometryConflict | None = None
    refusal: str = ""
    series: str = "several volumes"

    @property
    def volume_bytes(self) -> int:
        """Bytes of one volume as stored."""
        return prod(self.shape) * self.dtype.itemsize


def items(stored: RawVolume) -> tuple[ScanEntry, ...]:
    """The volumes as items to choose from.

    Parameters
    ----------
    stored : RawVolume

    Returns
    -------
    tuple of ScanEntry

    Raises
    ------
    ReadError
        If they are too large, too small, hold no real numbers, or more than their file can hold.
    """
    limits.check_shape(stored.shape)
    if stored.dtype.kind == "c":
        raise ReadError("The volume holds complex numbers. Save its magnitude as a new volume and try again.")
    if stored.dtype.kind not in "iuf" or stored.dtype.itemsize > 8:
        raise ReadError("The volume holds colors or a rare type. Save it in gray, as one number a voxel.")
    if stored.offset < 0 or stored.offset + stored.volume_bytes > stored.file.most_unpacked:
        raise ReadError(CUT_SHORT)
    spacing = tuple(float(side) for side in nibabel.affines.voxel_sizes(stored.affine))
    size = in_words(stored.shape, spacing)
    grid_rank = rank(stored.shape, spacing)
    titles = (
        [size]
        if stored.count == 1
        else [
            f"Volume {index + 1} of {stored.count} ({stored.series}), {size}"
            for index in range(min(stored.count, limits.MAX_ITEMS))
        ]
    )
    entries = (ScanEntry(title, grid_rank, partial(_load, stored, index)) for index, title in enumerate(titles))
    return tuple(refused_as_scan(entry, stored.refusal) if stored.refusal else entry for entry in entries)


def in_words(shape: tuple[int, ...], spacing: tuple[float, ...]) -> str:
    """A grid in words: its voxels and their sides.

    Parameters
    ----------
    shape : tuple of int
        Pixels or voxels along each axis.
    spacing : tuple of float
        Voxel sides, mm.

    Returns
    -------
    str
    """
    return f"{' x '.join(map(str, shape))} voxels of {' x '.join(f'{side:.3g}' for side in spacing)} mm"


def is_plausible(affine: np.ndarray) -> bool:
    """Whether an affine gives every voxel a place and a size that a scanner can have.

    Parameters
    ----------
    affine : ndarray of shape (4, 4)
        From voxel indices to RAS+ mm.
    """
    low, high = limits.VOXEL_SIDES_MM
    with np.errstate(all="ignore"):
        if not np.isfinite(affine).all() or not abs(np.linalg.det(affine[:3, :3])) >= 1e-9:
            return False
        sides = nibabel.affines.voxel_sizes(affine)
    return bool((sides > low).all() and (sides < high).all())


def affine_of_spacing(spacing: tuple[float, ...]) -> np.ndarray:
    """The affine of an upright grid with voxels of these sides, 1 mm where one cannot be.

    Parameters
    ----------
    spacing : tuple of float
        Voxel sides, mm.

    Returns
    -------
    ndarray of shape (4, 4)
        In mm.
    """
    sides = np.array((*spacing, 1, 1, 1)[:3], float)
    low, high = limits.VOXEL_SIDES_MM
    sides[~((sides > low) & (sides < high))] = 1
    return np.diag([*sides, 1])


def _load(stored: RawVolume, index: int) -> Scan:
    with stored.file.open() as stream:
        stream.seek(stored.offset + index * stored.volume_bytes)
        data = read_voxels(stream, stored.shape, stored.dtype, stored.scaling)
        read_over_end(stream)
    if stored.count == 3 and -1.001 <= data.min() < 0 and data.max() <= 1.001 and _are_directions(stored):
        raise ReadError(DIRECTIONS)
    notes = [stored.note] if stored.note else []
    if stored.count > 1:
        notes.append(f"The file holds {stored.count} volumes ({stored.series}); this is number {index + 1}.")
    return volume(
        data,
        stored.affine,
        stored.header,
        notes=tuple(notes),
        sides_known=stored.sides_known,
        space=stored.space,
        geometry_conflict=stored.conflict,
        copy=False,
    )


def _are_directions(stored: RawVolume) -> bool:
    """Whether the middle slices of three volumes are the components of vectors of one length."""
    plane = (*stored.shape[:2], 1)
    squares = np.zeros(plane, np.float32)
    size = prod(plane) * stored.dtype.itemsize
    with stored.file.open() as stream:
        for index in range(3):
            stream.seek(stored.offset + index * stored.volume_bytes + stored.shape[2] // 2 * size)
            squares += read_voxels(stream, plane, stored.dtype, stored.scaling) ** 2
    lengths = np.sqrt(squares[squares > 0])
    low, high = UNIT_LENGTH
    return bool(lengths.size) and bool(np.mean((lengths > low) & (lengths < high)) > UNIT_SHARE)


def read_over_end(stream: BinaryIO) -> None:
    """Read what little may follow the voxels: where gzip finds its end it compares the checksum.

    Parameters
    ----------
    stream : binary file
    """
    for _ in range(limits.MAX_TRAILING_BLOCKS):
        if not stream.read(limits.TRAILING_BLOCK_BYTES):
            break


def read_voxels(
    stream: BinaryIO,
    shape: tuple[int, int, int],
    dtype: np.dtype,
    scaling: tuple[float, float] = (1.0, 0.0),
) -> np.ndarray:
    """Read a volume whose first axis runs fastest.

    Needs the volume in float32 and `limits.BLOCK_BYTES` a few times over, whatever type is stored.

    Parameters
    ----------
    stream : binary file
        At the first voxel.
    shape : tuple of int
        Voxels along each axis; checked by the caller.
    dtype : dtype
        Integers or floating point, in the byte order of the file.
    scaling : tuple of float
        Slope and intercept: values are slope * stored + intercept, in double precision before they are rounded.

    Returns
    -------
    ndarray of float32, the shape given, Fortran order

    Raises
    ------
    ReadError
        If the stream ends before the volume does.
    """
    count, (slope, intercept) = prod(shape), scaling
    voxels = np.empty(count, np.float32)
    step = max(1, limits.BLOCK_BYTES // dtype.itemsize)
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit becomes infinite and is counted as broken
        for first in range(0, count, step):
            wanted = min(step, count - first)
            block = stream.read(wanted * dtype.itemsize)
            if len(block) < wanted * dtype.itemsize:
                raise ReadError(CUT_SHORT)
            stored = np.frombuffer(block, dtype)
            if scaling != (1.0, 0.0):
                stored = stored * np.float64(slope) + np.float64(intercept)
            voxels[first : first + wanted] = stored
    return voxels.reshape(shape, order="F")
