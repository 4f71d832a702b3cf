"""MetaImage, the volumes of ITK: lines of `Key = value`, then the voxels (.mha) or the name of their file (.mhd).

Where writers disagree, it is read as ITK reads it: space is LPS, of several spellings of one field the same one counts.
"""

import io
import re
from collections.abc import Sequence
from math import prod

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.catalog import NOT_MR, ScanEntry
from mriseg.io.detached_data import beside, header_lines, inflated, rest
from mriseg.io.file import File
from mriseg.io.raw_volume import (
    BROKEN_AFFINE,
    LPS_TO_RAS,
    SIDES_UNKNOWN,
    SIZE_UNKNOWN,
    RawVolume,
    affine_of_spacing,
    is_plausible,
    items,
)

FIELD = re.compile(rb"\s*(\w+)\s*[=:](.*)")
# A header may begin with any field; the kind of object and the number of axes come early.
START = re.compile(rb"\s*(ObjectType\s*[=:]\s*Image\b|\w+\s*[=:][^\0]*?^\s*NDims\s*[=:]|NDims\s*[=:])", re.I | re.M)
DAMAGED = "The MetaImage header is damaged or incomplete. Export the volume again."
HALF = (
    "This is one half of a MetaImage pair, the .mhd without the file of its voxels. Drop both files together, "
    "or save the volume as a single .mha."
)
TYPES = {
    **{"MET_CHAR": "i1", "MET_SHORT": "i2", "MET_INT": "i4", "MET_LONG": "i4", "MET_LONG_LONG": "i8"},
    **{"MET_UCHAR": "u1", "MET_USHORT": "u2", "MET_UINT": "u4", "MET_ULONG": "u4", "MET_ULONG_LONG": "u8"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
# What else than MR a header may say that it is; most say nothing.
MODALITIES = {"MET_MOD_CT": "computed tomography (CT)", "MET_MOD_NM": "scintigraphy", "MET_MOD_US": "ultrasound"}
# Spellings of one field; the first that is there counts.
MATRIX = ("transformmatrix", "rotation", "orientation")
ORIGIN = ("origin", "position", "offset")
SPACING = ("elementspacing", "elementsize")
BIG_ENDIAN = ("binarydatabyteordermsb", "elementbyteordermsb")


def is_metaimage(start: bytes) -> bool:
    """Whether a file that starts with these bytes is MetaImage or the header of a pair.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return START.match(start) is not None


def read_metaimage(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a file; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
        A .mha file, or the .mhd of a pair.
    among : sequence of File
        Where the other half of a pair is looked for.

    Returns
    -------
    tuple of Item
        One for each volume. A 2-D image becomes one slice.

    Raises
    ------
    ReadError
        If the header is wrong, announces more than the file holds or than is read, holds something other than volumes
        of real numbers, or its voxels are not among the files.
    """
    header, end = _header(file)
    try:
        sizes = [int(size) for size in header["dimsize"].split()]
        if not 2 <= len(sizes) <= limits.MAX_AXES or len(sizes) != int(header["ndims"]) or min(sizes) < 1:
            raise ReadError(DAMAGED)
        if int(header.get("elementnumberofchannels", 1)) != 1:
            raise ReadError("The volume holds several numbers for each voxel. Save one channel as a volume of its own.")
        dtype = np.dtype(TYPES.get(header["elementtype"].removesuffix("_ARRAY"), "V"))
        dtype = dtype.newbyteorder(">" if _is_true(_first(header, BIG_ENDIAN) or "") else "<")
        affine, sides_known, note = _geometry(header, len(sizes))
        voxels, offset = _voxels(header, file, end, among=among, size=prod(sizes) * dtype.itemsize)
    except ReadError:
        raise
    except (KeyError, ValueError) as error:
        raise ReadError(DAMAGED) from error
    modality = MODALITIES.get(header.get("modality", ""))
    i, j, k, *further = (*sizes, 1)
    return items(
        RawVolume(
            voxels,
            offset,
            dtype,
            shape=(i, j, k),
            affine=affine,
            count=prod(further),
            sides_known=sides_known,
            note=note,
            refusal=NOT_MR.format(modality) if modality else "",
        )
    )


def _header(file: File) -> tuple[dict[str, str], int]:
    """The fields of the header, their names in lower case, and where it ends: with the field that names the voxels."""
    fields, end = {}, 0
    for line in header_lines(file):
        end += len(line)
        if field := FIELD.match(line):
            name, value = (part.decode("latin-1").strip() for part in field.groups())
            fields[name.lower()] = value
            if name.lower() == "elementdatafile":
                break
    return fields, end


def _first(header: dict[str, str], spellings: tuple[str, ...]) -> str | None:
    return next((header[name] for name in spellings if name in header), None)


def _is_true(value: str) -> bool:
    return value[:1].lower() in ("t", "y", "1")


def _numbers(text: str, count: int) -> np.ndarray:
    return np.array(text.split(), float).reshape(count)


def _geometry(header: dict[str, str], axes: int) -> tuple[np.ndarray, bool, str]:
    """The affine to RAS+ mm, whether it tells left from right, and what to say of it."""
    matrix, origin, spacing = (_first(header, spellings) for spellings in (MATRIX, ORIGIN, SPACING))
    if spacing is None:
        return np.eye(4), False, SIZE_UNKNOWN
    sides = _numbers(spacing, axes)[:3]
    if matrix is None or axes < 3:
        return affine_of_spacing(tuple(np.abs(sides))), False, SIDES_UNKNOWN
    affine = np.eye(4)
    with np.errstate(over="ignore", invalid="ignore"):
        # The matrix has a row for each axis of the grid: where it points.
        affine[:3, :3] = _numbers(matrix, axes * axes).reshape(axes, axes)[:3, :3].T * sides
        if origin is not None:
            affine[:3, 3] = _numbers(origin, axes)[:3]
        affine = LPS_TO_RAS @ affine
    if not is_plausible(affine):
        return affine_of_spacing(tuple(np.abs(sides))), False, BROKEN_AFFINE
    return affine, True, ""


def _voxels(header: dict[str, str], file: File, end: int, among: Sequence[File], size: int) -> tuple[File, int]:
    """The file that holds the voxels, unpacked, and where in it they begin; `size` is what they take in bytes."""
    if not _is_true(header.get("binarydata", "True")):
        raise ReadError("The voxels are written as text. Save the volume in binary.")
    name = header["elementdatafile"]
    source, begin = (file, end) if name.upper() == "LOCAL" else (beside(file, name, among, HALF), 0)
    skip = int(header.get("headersize", 0))
    if skip > 0:
        begin = skip  # from the beginning of the file, even if that is the header's own
    if _is_true(header.get("compresseddata", "")):
        packed = rest(source, begin)
        if not packed.is_packed:  # by gzip, which some programs take for zlib
            packed = inflated(packed)
        packed.start()  # refuses what is not packed so
        return packed, 0
    if skip == -1:  # they end with the file
        with source.open() as stream:
            begin = stream.seek(0, io.SEEK_END) - size
    return source, begin
