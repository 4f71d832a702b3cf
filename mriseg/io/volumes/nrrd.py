"""NRRD, the volumes of 3D Slicer and Teem, in one file or as a header beside its voxels. pynrrd reads the header."""

import io
import re
import warnings
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.catalog import MAP, ScanEntry
from mriseg.io.detached_data import beside, bunzipped, header_lines, rest
from mriseg.io.file import File
from mriseg.io.raw_volume import (
    BROKEN_AFFINE,
    SIDES_UNKNOWN,
    SIZE_UNKNOWN,
    RawVolume,
    affine_of_spacing,
    is_plausible,
    items,
)
from mriseg.io.streams import DAMAGED as NOT_UNPACKED

MAGIC = b"NRRD000"
DAMAGED = "The NRRD header is damaged or incomplete. Export the volume again."
HALF = (
    "This is one half of a NRRD pair, the header without the file of its voxels. Drop both files together, "
    "or save the volume as a single .nrrd."
)
# All that is looked at; what else a header says, such as its content, may be about a person.
FIELDS = (
    "dimension", "type", "sizes", "endian", "encoding", "kinds", "data file", "datafile", "byte skip", "byteskip",
    "line skip", "lineskip", "space", "space dimension", "space directions", "space origin", "spacings",
)  # fmt: skip
# The names of each type, among them C's spellings, by numpy's name for it.
SPELLINGS = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
TYPES = {spelling: code for code, spellings in SPELLINGS.items() for spelling in spellings.split(", ")}
# What turns the axes of a space into RAS+; a fourth one is time.
SPACES = {
    **dict.fromkeys(("right-anterior-superior", "ras", "right-anterior-superior-time", "rast"), (1, 1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las", "left-anterior-superior-time", "last"), (-1, 1, 1)),
    **dict.fromkeys(("left-posterior-superior", "lps", "left-posterior-superior-time", "lpst"), (-1, -1, 1)),
}
# In other spaces nobody says where the patient's left is. ITK takes them for LPS, and writes series of volumes so.
UNSAID = (-1, -1, 1)
SPATIAL = ("domain", "space")  # kinds of axes, as the header calls them
# What the kinds of further axes say of the numbers along them, by a part of their names; "list" and "time" are scans.
MEANINGS = {
    **dict.fromkeys(("vector", "normal", "gradient", "point"), "vectors"),
    "matrix": "tensors",
    "color": "colors",
    "quaternion": "quaternions",
    "complex": "complex numbers",
}
ENCODINGS = ("raw", "gzip", "gz", "bzip2", "bz2")
INTERLEAVED = (
    "The volume holds several numbers for each voxel, such as colors, vectors or interleaved volumes. "
    "Save one of them as a volume of its own."
)


def is_nrrd(start: bytes) -> bool:
    """Whether a file that starts with these bytes is NRRD or the header of a pair.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start.startswith(MAGIC)


def read_nrrd(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a file; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
        A NRRD file, or the header of a pair.
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
        of real numbers one after the other, or its voxels are not among the files.
    """
    header, end = _header(file)
    try:
        if header["encoding"].lower() not in ENCODINGS:
            raise ReadError("The voxels are written as text. Save the volume with the encoding gzip or raw.")
        sizes = [int(size) for size in header["sizes"]]
        dtype = _dtype(header)
        if not 2 <= len(sizes) <= limits.MAX_AXES or len(sizes) != header["dimension"] or min(sizes) < 1:
            raise ReadError(DAMAGED)
        directions = _directions(header, len(sizes))
        axes = _spatial_axes(header, sizes, directions)
        affine, sides_known, note = _geometry(header, axes, directions)
        what = _meaning(header, sizes, axes)
        voxels, offset = _voxels(header, file, end, among=among, size=prod(sizes) * dtype.itemsize)
    except ReadError:
        raise
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ReadError(DAMAGED) from error
    i, j, k = (*(sizes[axis] for axis in axes), 1)[:3]
    count = prod(sizes) // (i * j * k)
    return items(
        RawVolume(
            voxels,
            offset,
            dtype,
            shape=(i, j, k),
            affine=affine,
            count=count,
            sides_known=sides_known,
            note=note,
            refusal=MAP.format(what) if what else "",
        )
    )


def _header(file: File) -> tuple[dict[str, Any], int]:
    """The fields of the header, their names in lower case, and where it ends."""
    import nrrd

    lines: list[str] = []
    end = 0
    for line in header_lines(file):
        end += len(line)
        text = line.decode("ascii", "ignore").rstrip()
        if not text:
            break
        name, _, value = text.partition(":")
        # "key:=value" is no field but what some program wanted to keep.
        if name.lower() in FIELDS and not value.startswith("="):
            text = f"{name.lower()}: {_without_gaps(value)}"
        elif lines:
            continue
        lines.append(text)
    try:
        with warnings.catch_warnings():  # of numbers too large for an integer, which come out negative
            warnings.simplefilter("ignore")
            return dict(nrrd.read_header(lines)), end
    except Exception as error:  # pynrrd raises whatever int, float and its own parsers think of
        raise ReadError(DAMAGED) from error


def _without_gaps(vectors: str) -> str:
    """Vectors as pynrrd wants them, without spaces inside the brackets."""
    return re.sub(r"\([^()]*\)", lambda vector: re.sub(r"\s", "", vector.group()), vectors)


def _dtype(header: dict[str, Any]) -> np.dtype:
    dtype = np.dtype(TYPES.get(header["type"].lower(), "V"))
    if dtype.itemsize < 2:
        return dtype
    return np.dtype({"little": "<", "big": ">"}[header["endian"].lower()] + dtype.str[1:])


def _directions(header: dict[str, Any], count: int) -> np.ndarray | None:
    """The step along each axis in space, NaN for an axis that does not lie in space; None if the header has none."""
    given = header.get("space directions")
    if given is None or np.isnan(given).all():
        return None
    if len(given) != count:
        raise ReadError(DAMAGED)
    return np.asarray(given, float)


def _spatial_axes(header: dict[str, Any], sizes: list[int], directions: np.ndarray | None) -> list[int]:
    """The two or three axes that lie in space.

    Raises
    ------
    ReadError
        If another axis runs faster than they do.
    """
    if directions is not None:
        axes = [axis for axis, step in enumerate(directions) if not np.isnan(step).all()]
    else:
        axes = [axis for axis, kind in enumerate(header.get("kinds", ())) if kind.lower() in SPATIAL]
    if len(axes) < 2:
        axes = [*range(len(sizes))]
    axes = axes[:3]
    if prod(sizes[: axes[-1] + 1]) != prod(sizes[axis] for axis in axes):
        raise ReadError(INTERLEAVED)
    return axes


def _meaning(header: dict[str, Any], sizes: list[int], axes: list[int]) -> str:
    """What several numbers for each voxel are, if the header says that they are no scans."""
    kinds = [str(kind).lower() for kind in header.get("kinds", ())]
    further = [kind for axis, kind in enumerate(kinds) if axis not in axes and sizes[axis] > 1]
    return next((what for kind in further for part, what in MEANINGS.items() if part in kind), "")


def _geometry(header: dict[str, Any], axes: list[int], directions: np.ndarray | None) -> tuple[np.ndarray, bool, str]:
    """The affine to RAS+ mm, whether it tells left from right, and what to say of it."""
    if directions is None:
        if "spacings" not in header:
            return np.eye(4), False, SIZE_UNKNOWN
        return affine_of_spacing(tuple(header["spacings"][axes])), False, SIDES_UNKNOWN
    steps = directions[axes]
    if steps.shape == (3, 4) and not steps[:, 3].any():
        steps = steps[:, :3]
    with np.errstate(over="ignore"):
        spacing = np.linalg.norm(steps, axis=1)
    if steps.shape != (3, 3):  # a plane, or axes that lie in time too
        return affine_of_spacing(tuple(spacing)), False, SIDES_UNKNOWN
    origin = np.asarray(header.get("space origin", np.zeros(3)), float)[:3]
    signs = SPACES.get(header.get("space", "").lower())
    affine = np.eye(4)
    affine[:3, :3] = steps.T
    affine[:3, 3] = origin if np.isfinite(origin).all() else 0  # unknown origins are written as NaN
    affine[:3] *= np.array(signs or UNSAID)[:, None]
    if not is_plausible(affine):
        return affine_of_spacing(tuple(spacing)), False, BROKEN_AFFINE
    return affine, signs is not None, "" if signs else SIDES_UNKNOWN


def _voxels(header: dict[str, Any], file: File, end: int, among: Sequence[File], size: int) -> tuple[File, int]:
    """The file that holds the voxels, unpacked, and where in it they begin; `size` is what they take in bytes."""
    name = header.get("data file", header.get("datafile"))
    source, begin = (file, end) if name is None else (beside(file, name, among, HALF), 0)
    skip = header.get("byte skip", header.get("byteskip", 0))
    if header.get("line skip", header.get("lineskip", 0)):
        raise ReadError("The header points into a file of another format. Save the volume as a single .nrrd.")
    if skip < -1:
        raise ReadError(DAMAGED)
    encoding = header["encoding"].lower()
    if encoding == "raw" and skip == -1:  # they end with the file
        with source.open() as stream:
            return source, stream.seek(0, io.SEEK_END) - size
    if encoding == "raw":
        return source, begin + skip
    packed = rest(source, begin)
    if encoding.startswith("b"):
        packed = bunzipped(packed)
    elif not packed.is_packed:
        raise ReadError(NOT_UNPACKED)
    packed.start()  # refuses what is not packed so
    return packed, skip
