"""From bytes or a path to a `Scan`. What a file is, its first bytes say, not its name."""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from nibabel.affines import apply_affine

from mriseg.errors import ReadError
from mriseg.read_nifti import HEADER_BYTES, is_nifti, read_nifti
from mriseg.read_picture import is_picture, read_picture
from mriseg.scan import Scan

GZIP_MAGIC = b"\x1f\x8b"
READABLE = "mriseg reads NIfTI volumes (.nii, .nii.gz) and PNG, JPEG and TIFF pictures"
# Formats that people do drop, told apart so that the message can say what to do with each.
KNOWN_BUT_UNREAD = (
    (128, b"DICM", "a DICOM file", "Convert the series to NIfTI with dcm2niix and drop the .nii.gz."),
    (0, b"PK\x03\x04", "a zip archive", "Unpack it and drop the scan inside."),
    (0, b"GIF8", "a GIF picture", "Save it as PNG."),
    (0, b"BM", "a BMP picture", "Save it as PNG."),
    (8, b"WEBP", "a WebP picture", "Save it as PNG."),
    (0, b"%PDF", "a PDF document", "Export the image from it as PNG."),
    (0, b"NRRD", "an NRRD volume", "Convert it to NIfTI and drop the .nii.gz."),
)


def read(source: bytes | str | Path, name: str | None = None) -> Scan:
    """Read an MR image.

    Parameters
    ----------
    source : bytes, str or Path
        The content of a file, or the path of one.
    name : str, optional
        What the file was called. Only its ending is used, and only to word the error when the content is
        not what the ending promises.

    Returns
    -------
    Scan
        In the file's own axis order.

    Raises
    ------
    ReadError
        If it is none of the formats listed in the README, damaged, too large, or not a single gray-scale
        picture or volume.
    """
    if isinstance(source, bytes):
        return _read_stream(io.BytesIO(source), len(source), name)
    path = Path(source)
    if path.is_dir():
        raise ReadError(f"This is a folder. {READABLE}; give the file itself.")
    try:
        with path.open("rb") as stream:
            return _read_stream(stream, path.stat().st_size, path.name)
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror or 'unknown reason'}.") from error


def read_mask(source: bytes | str | Path, scan: Scan) -> np.ndarray:
    """Read a brain mask: an image on the grid of a scan, above zero in the brain.

    Parameters
    ----------
    source : bytes, str or Path
        The content of a file, or the path of one.
    scan : Scan
        That the mask belongs to.

    Returns
    -------
    ndarray of bool, shape of the scan

    Raises
    ------
    ReadError
        If it cannot be read or lies on another grid.
    """
    mask = read(source)
    if mask.data.shape != scan.data.shape:
        raise ReadError(
            f"The mask has the shape {mask.data.shape}, the scan {scan.data.shape}. Give a mask on the scan's grid."
        )
    if mask.affine is not None and scan.affine is not None:
        # Where the corners of the grid lie, within half a voxel: headers round.
        corners = np.array([*np.ndindex(2, 2, 2)]) * (np.array(scan.data.shape) - 1)
        apart = apply_affine(mask.affine, corners) - apply_affine(scan.affine, corners)
        if np.abs(apart).max() > min(scan.spacing or (1.0,)) / 2:
            raise ReadError(
                "The mask has the scan's size but lies elsewhere in space (their affines differ). "
                "Resample it to the scan's grid."
            )
    return mask.data > 0


def _read_stream(stream: BinaryIO, size: int, name: str | None) -> Scan:
    start = stream.read(HEADER_BYTES)
    stream.seek(0)
    if not start.strip(b"\x00"):
        raise ReadError("The file is empty. Choose the scan again, or export it anew.")
    if is_picture(start):
        return read_picture(stream)
    if start.startswith(GZIP_MAGIC):
        unpacked = gzip.GzipFile(fileobj=stream)
        try:
            start = unpacked.read(HEADER_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise ReadError("The compressed file is damaged. Copy or download it again.") from error
        unpacked.seek(0)
        if is_nifti(start):
            return read_nifti(unpacked, compressed_size=size)
    elif is_nifti(start):
        return read_nifti(stream, size=size)
    raise ReadError(_not_read(start, name))


def _not_read(start: bytes, name: str | None) -> str:
    for offset, magic, what, advice in KNOWN_BUT_UNREAD:
        if start[offset : offset + len(magic)] == magic:
            return f"This is {what}, which is not read here. {advice}"
    if name and name.lower().endswith((".nii", ".nii.gz")):
        return "The file is named as NIfTI, but its content is not. Export the volume again as .nii.gz."
    return f"This is not an image that can be read. {READABLE}."
