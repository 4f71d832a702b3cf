"""NIfTI-1 and NIfTI-2 volumes through nibabel, header first."""

import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import IOBase
from math import prod
from typing import BinaryIO, cast

import nibabel
import numpy as np
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.spatialimages import HeaderDataError

from mriseg import limits
from mriseg.errors import ReadError
from mriseg.scan import Scan, volume

HEADER_BYTES = 544  # the longer of the two headers (NIfTI-2, 540 bytes) and the extension flag
NIFTI_1_SINGLE, NIFTI_1_PAIR = b"n+1\x00", b"ni1\x00"
NIFTI_2_SINGLE = b"n+2\x00\r\n\x1a\n"
CUT_SHORT = "The file is cut short: it holds less than its header announces. Copy or download it again."


def is_nifti(start: bytes) -> bool:
    """Whether a file that starts with these `HEADER_BYTES` bytes is NIfTI."""
    return start[344:348] in (NIFTI_1_SINGLE, NIFTI_1_PAIR) or start[4:12] == NIFTI_2_SINGLE


def read_nifti(stream: BinaryIO | GzipFile, size: int | None = None, compressed_size: int | None = None) -> Scan:
    """Read a volume, allocating nothing of its size before the header is found plausible.

    Parameters
    ----------
    stream : binary file
        At its beginning; of the unpacked content.
    size, compressed_size : int, optional
        Bytes of the file, plain or packed; one of them bounds what the header may announce.

    Returns
    -------
    Scan
        Singleton axes past the third dropped, on the file's own grid.

    Raises
    ------
    ReadError
        If the header is wrong, announces more than the file holds or than is read, or holds something
        other than one volume of real numbers.
    """
    start = stream.read(HEADER_BYTES)
    stream.seek(0)
    if start[344:348] == NIFTI_1_PAIR:
        raise ReadError("This is one half of a .hdr/.img pair. Save the volume as a single .nii.gz.")
    image_class = nibabel.Nifti2Image if start[4:12] == NIFTI_2_SINGLE else nibabel.Nifti1Image
    try:
        with _silence():  # what nibabel mends in a header it would also print
            image = image_class.from_stream(cast(IOBase, stream))
    except (HeaderDataError, ValueError, OSError, EOFError, zlib.error, OverflowError) as error:
        raise ReadError("The NIfTI header is damaged. Export the volume again.") from error
    shape = _single_volume_shape(image.shape)
    limits.check_shape(shape)
    dtype = image.get_data_dtype()
    if dtype.kind == "c":
        raise ReadError("The volume holds complex numbers. Save its magnitude as a new volume and try again.")
    if dtype.kind not in "iuf":
        raise ReadError("The volume holds colours. Save it in gray as one number a voxel and try again.")
    announced = prod(shape) * dtype.itemsize
    at_most = size if size is not None else (compressed_size or 0) * limits.MAX_DEFLATE_RATIO
    if announced > at_most:
        raise ReadError(CUT_SHORT)
    try:
        data = np.asarray(image.dataobj, dtype=np.float32)
    except (OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        raise ReadError(CUT_SHORT) from error
    try:
        stream.read(limits.MAX_TRAILING_BYTES)  # where gzip finds its end it compares the checksum
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError("The compressed file is damaged. Copy or download it again.") from error
    header: nibabel.Nifti1Header | None = _geometry(image.header)
    affine, notes = image.affine, tuple[str, ...]()
    sides_known = bool(image.header["sform_code"] or image.header["qform_code"])
    if not _is_plausible(affine):
        affine, header, sides_known = _affine_of_spacing(image.header), None, False
        notes = ("The header's orientation is broken: voxel sizes are kept, left and right are unknown.",)
    elif not sides_known:
        notes = ("The header does not say how the scan lies in space: left and right are unknown.",)
    return volume(data.reshape(shape), affine, header, notes, sides_known)


def _single_volume_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """The shape of the one volume that `shape` holds; a 2-D image becomes one slice."""
    if not shape or min(shape) < 1:
        raise ReadError("The NIfTI header announces no voxels. Export the volume again.")
    if prod(shape[3:]) > 1:
        raise ReadError(
            f"The file holds {prod(shape[3:])} volumes (a time series, several echoes or directions). "
            "Save one of them as a 3-D volume and try again."
        )
    i, j, k = (*shape[:3], 1, 1)[:3]
    return i, j, k


def _geometry(header: nibabel.Nifti1Header) -> nibabel.Nifti1Header:
    """A header that says where the voxels lie and nothing about whose they are."""
    clean = type(header)()
    clean.set_data_shape(header.get_data_shape()[:3])
    clean.set_zooms(header.get_zooms()[:3])
    try:
        clean.set_xyzt_units(*header.get_xyzt_units())
    except KeyError:  # a code that the standard does not define
        clean.set_xyzt_units("mm")
    for code in ("sform_code", "qform_code", "quatern_b", "quatern_c", "quatern_d", "pixdim"):
        clean[code] = header[code]
    for offset in ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"):
        clean[offset] = header[offset]
    return clean


@contextmanager
def _silence() -> Iterator[None]:
    """Without the messages of nibabel, whose logger is left as it was."""
    level = nibabel_logger.level
    nibabel_logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        nibabel_logger.setLevel(level)


def _is_plausible(affine: np.ndarray) -> bool:
    """Whether an affine gives every voxel a place and a size that a scanner can have."""
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        return False
    low, high = limits.VOXEL_SIDES_MM
    sides = nibabel.affines.voxel_sizes(affine)
    return bool((sides > low).all() and (sides < high).all())


def _affine_of_spacing(header: nibabel.Nifti1Header) -> np.ndarray:
    zooms = np.array((*header.get_zooms(), 1, 1, 1)[:3], float)
    low, high = limits.VOXEL_SIDES_MM
    zooms[~((zooms > low) & (zooms < high))] = 1
    return np.diag([*zooms, 1])
