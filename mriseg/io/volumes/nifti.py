"""NIfTI-1, NIfTI-2 and Analyze 7.5 volumes, as one file or in halves. nibabel reads the header."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import nibabel
import numpy as np
from nibabel.imageglobals import logger as nibabel_logger
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from mriseg.core.errors import ReadError
from mriseg.io.catalog import MAP, ScanEntry
from mriseg.io.file import File
from mriseg.io.raw_volume import BROKEN_AFFINE, SIDES_UNKNOWN, RawVolume, affine_of_spacing, is_plausible, items
from mriseg.io.sidecar import partner
from mriseg.io.timing import time_series
from mriseg.io.volumes.nifti_geometry import conflict_of, space_of, told
from mriseg.io.volumes.nifti_intent import meaning

NIFTI_1 = {b"n+1\x00": "single", b"ni1\x00": "pair"}
NIFTI_2 = {b"n+2\x00\r\n\x1a\n": "single", b"ni2\x00\r\n\x1a\n": "pair"}
ANALYZE_BYTES = {b"\x5c\x01\x00\x00": "<u2", b"\x00\x00\x01\x5c": ">u2"}  # the length of its header, 348
DAMAGED = "The NIfTI header is damaged. Export the volume again."
HALF = "This is one half of a .hdr/.img pair. Drop both files together, or save the volume as a single .nii.gz."
ANALYZE = "Analyze files do not say how the scan lies in space: left and right are unknown."
MM = {"meter": 1e3, "mm": 1.0, "micron": 1e-3}
# The longest side of a field of view, from a mouse's brain to a whole body; outside it the unit is wrong, not the size.
FIELDS_MM = (5.0, 2e3)
SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


def is_nifti(start: bytes) -> bool:
    """Whether a file that starts with these bytes is NIfTI or the header of a pair.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start[344:348] in NIFTI_1 or start[4:12] in NIFTI_2 or _is_analyze(start)


def _is_analyze(start: bytes) -> bool:
    """Analyze has no magic number: the length of its header and a number of dimensions have to do."""
    order = ANALYZE_BYTES.get(start[:4])
    return order is not None and len(start) >= 348 and 2 <= int(np.frombuffer(start, order, 1, 40)[0]) <= 7


def read_nifti(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a file; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
        A NIfTI file, or the header of a pair.
    among : sequence of File
        Where the other half of a pair is looked for.

    Returns
    -------
    tuple of Item
        One for each volume. Singleton axes past the third are dropped, a 2-D image becomes one slice.

    Raises
    ------
    ReadError
        If the header is wrong, announces more than the file holds or than is read, or holds something other than
        volumes of real numbers.
    """
    start = file.start()
    try:
        with _silence():  # what nibabel mends in a header it would also print
            header = _header(start)
            shape, count = _shape(header.get_data_shape())
            offset = int(header.get_data_offset())
            slope, intercept = header.get_slope_inter()
            dtype, series = header.get_data_dtype(), _series(header) if count > 1 else ""
            geometry, what = _geometry(header, shape), meaning(header, count)
    except ReadError:
        raise
    except (HeaderDataError, WrapStructError, ValueError, ArithmeticError) as error:
        raise ReadError(DAMAGED) from error
    kind = NIFTI_1.get(start[344:348]) or NIFTI_2.get(start[4:12])
    voxels = file if kind == "single" else partner(file, among, ".img", ".img.gz")
    if voxels is None:
        raise ReadError(HALF)
    stored = RawVolume(
        voxels,
        offset,
        dtype,
        shape=shape,
        count=count,
        scaling=(1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)),
        refusal="" if what is None else MAP.format(what),
        series=series,
        **geometry,
    )
    return items(stored)


def _header(start: bytes) -> Any:
    """The header alone: extensions, which may name a person, are not read."""
    if start[4:12] in NIFTI_2:
        return nibabel.nifti2.Nifti2Header(start[: nibabel.nifti2.Nifti2Header.sizeof_hdr])
    kind = NIFTI_1.get(start[344:348])
    if kind is None:
        return nibabel.spm99analyze.Spm99AnalyzeHeader(start[:348])
    return (nibabel.Nifti1Header if kind == "single" else nibabel.nifti1.Nifti1PairHeader)(start[:348])


def _shape(shape: tuple[int, ...]) -> tuple[tuple[int, int, int], int]:
    """The shape of one volume, and how many there are."""
    if not shape or min(shape) < 1:
        raise ReadError("The NIfTI header announces no voxels. Export the volume again.")
    i, j, k = (int(n) for n in (*shape[:3], 1, 1)[:3])
    return (i, j, k), prod(int(n) for n in shape[3:])


def _series(header: Any) -> str:
    """What several volumes are, as far as the header says."""
    step = float(header["pixdim"][4])
    try:
        unit = header.get_xyzt_units()[1]
    except (AttributeError, KeyError):
        unit = "unknown"
    if unit in SECONDS and 0 < step < np.inf:
        return time_series(step * SECONDS[unit])
    return "several echoes, directions or times"


def _geometry(header: Any, shape: tuple[int, int, int]) -> dict[str, Any]:
    """What a `RawVolume` must know of where the voxels lie."""
    affine, mm = header.get_best_affine(), _mm(header, shape)
    affine[:3] *= mm
    if not is_plausible(affine):
        return {"affine": affine_of_spacing(header.get_zooms()), "sides_known": False, "note": BROKEN_AFFINE}
    if isinstance(header, nibabel.spm99analyze.Spm99AnalyzeHeader):
        return {"affine": affine, "sides_known": False, "note": ANALYZE}
    stated = {"affine": affine, "header": _geometry_alone(header), "space": space_of(header)}
    if not (header["sform_code"] or header["qform_code"]):
        return {**stated, "sides_known": False, "note": SIDES_UNKNOWN}
    conflict = conflict_of(header, mm)
    if conflict is None:
        return stated
    return {**stated, "sides_known": not conflict.exchanges_sides, "note": told(conflict), "conflict": conflict}


def _mm(header: Any, shape: tuple[int, int, int]) -> float:
    """The unit that the header counts in, in mm."""
    try:
        unit = MM.get(header.get_xyzt_units()[0], 1.0)
    except (AttributeError, KeyError):  # Analyze has none; a code that the standard does not define
        return 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        longest = unit * np.max(np.multiply(nibabel.affines.voxel_sizes(header.get_best_affine()), shape))
    return unit if FIELDS_MM[0] <= longest <= FIELDS_MM[1] else 1.0


def _geometry_alone(header: nibabel.Nifti1Header) -> nibabel.Nifti1Header:
    """A header that says where the voxels lie, in the file's own unit, and nothing about whose they are."""
    clean = nibabel.nifti2.Nifti2Header() if isinstance(header, nibabel.nifti2.Nifti2Header) else nibabel.Nifti1Header()
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
