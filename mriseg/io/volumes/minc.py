"""MINC 1, the volumes of the Montreal Neurological Institute before 2003. They are netCDF classic files.

MINC 2 is HDF5 and is not read: damaged files crash and hang the only complete library for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import BinaryIO

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.scan import Space
from mriseg.io.catalog import MAP, NOT_MR, ScanEntry, rank, refused_as_scan
from mriseg.io.file import File
from mriseg.io.raw_slices import Slices
from mriseg.io.raw_volume import BROKEN_AFFINE, SIZE_UNKNOWN, affine_of_spacing, in_words, is_plausible
from mriseg.io.timing import time_series
from mriseg.io.volumes.netcdf import DAMAGED, MAGIC, Variable, values, variables

# What a file says of the coordinates of its axes; "callosal" are the person's own, turned.
SPACES = {b"native": Space.SCANNER, b"talairach": Space.TALAIRACH}
COSINES = {"xspace": (1, 0, 0), "yspace": (0, 1, 0), "zspace": (0, 0, 1)}  # unless the file says others; RAS+
# What else than MR a file may say that it is.
MODALITIES = {
    b"PET": "positron emission tomography (PET)",
    b"SPECT": "scintigraphy",
    b"GAMMA": "scintigraphy",
    b"CT": "computed tomography (CT)",
    b"DSA": "an X-ray image",
    b"DR": "an X-ray image",
}
WANTED = ("study", "image", "image-max", "image-min", "time", *COSINES)


def is_minc(start: bytes) -> bool:
    """Whether a file that starts with these bytes is netCDF classic, as MINC 1 is.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start[:4] in MAGIC


def read_minc(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a file; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
    among : sequence of File
        Not looked at: the file stands for itself.

    Returns
    -------
    tuple of ScanEntry
        One for each time.

    Raises
    ------
    ReadError
        If it holds no volume of MINC, one of vectors or on an irregular grid, a damaged header, or less than that
        announces.
    """
    with file.open() as stream:
        fields = variables(stream.read(limits.MAX_HEADER_BYTES), WANTED)
        image = _image(fields)
        dtype = _dtype(image)
        slopes, intercepts, bounds = _scaling(fields, dtype, stream)
    affine, sides_known, note = _geometry(fields, image.axes[:-4:-1])
    *times, k, j, i = image.shape
    first = Slices(
        file=file,
        dtype=dtype,
        shape=(i, j, k),
        offsets=_steps(image.offset, k, i * j * dtype.itemsize if times else image.stride),
        slopes=slopes[0],
        intercepts=intercepts[0],
        bounds=bounds,
        affine=affine,
        sides_known=sides_known,
        notes=(note,) if note else (),
        space=_space(fields),
    )
    first.check()
    title, rank_of_grid = in_words(first.shape, first.spacing), rank(first.shape, first.spacing)
    refusal = _refusal(fields)
    if prod(times) == 1:
        entry = ScanEntry(title, rank_of_grid, first.load)
        return (refused_as_scan(entry, refusal) if refusal else entry,)
    count, series, entries = times[0], _series(fields), []
    for number in range(min(count, limits.MAX_ITEMS)):
        at_time = replace(
            first,
            offsets=_steps(image.offset + number * image.stride, k, i * j * dtype.itemsize),
            slopes=slopes[number],
            intercepts=intercepts[number],
            notes=(*first.notes, f"The file holds {count} volumes ({series}); this is number {number + 1}."),
        )
        entries.append(ScanEntry(f"Volume {number + 1} of {count} ({series}), {title}", rank_of_grid, at_time.load))
    return tuple(refused_as_scan(entry, refusal) if refusal else entry for entry in entries)


def _refusal(fields: dict[str, Variable]) -> str:
    """Why the file says that it is no scan; empty if it does not."""
    modality = _words(fields["study"], "modality") if "study" in fields else b""
    if modality.upper() == b"LABEL":
        return MAP.format("labels")
    return NOT_MR.format(MODALITIES[modality]) if modality in MODALITIES else ""


def _image(fields: dict[str, Variable]) -> Variable:
    """The variable of the voxels, if it is a volume in three axes of space, perhaps at several times."""
    if "image" not in fields:
        raise ReadError("This netCDF file holds no MINC volume. Save the scan as .nii.gz.")
    image = fields["image"]
    if sorted(image.axes[-3:]) != sorted(COSINES) or len(image.axes) > 4:
        raise ReadError(
            "The MINC file is no volume in three axes of space, or has several numbers for each voxel. "
            "Save one volume of it as .nii.gz."
        )
    if min(image.shape) < 1:
        raise ReadError(DAMAGED)
    return image


def _steps(first: int, count: int, size: int) -> range:
    return range(first, first + count * size, size)


def _dtype(image: Variable) -> np.dtype:
    """As stored, with what an attribute says of the sign; bytes have none unless it says so."""
    signs = _text(image, "signtype") or (b"unsigned" if image.dtype.itemsize == 1 else b"signed__")
    if image.dtype.kind == "i" and signs.startswith(b"unsigned"):
        return np.dtype(image.dtype.str.replace("i", "u"))
    if image.dtype.kind == "S":
        raise ReadError(DAMAGED)
    return image.dtype


def _scaling(
    fields: dict[str, Variable], dtype: np.dtype, stream: BinaryIO
) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """Slopes and intercepts of shape (volumes, slices), and the lowest and highest valid value as stored.

    The valid range is mapped to the darkest and brightest value, of the whole or of each slice.
    """
    image = fields["image"]
    slices = (1, *image.shape[:-2])[-2:]
    ones, zeros = np.broadcast_to(1.0, slices), np.broadcast_to(0.0, slices)
    if dtype.kind == "f":
        return ones, zeros, (-np.inf, np.inf)
    low, high = _valid_range(image, dtype)
    if "image-max" not in fields or "image-min" not in fields:
        return ones, zeros, (low, high)
    ends = []
    for variable in (fields["image-min"], fields["image-max"]):
        axes = len(variable.axes)
        if axes > len(image.axes) - 2 or variable.axes != image.axes[:axes] or variable.shape != image.shape[:axes]:
            raise ReadError("The MINC file scales its values in an unusual way. Convert it with mnc2nii.")
        each = values(variable, stream)
        ends.append(each.reshape(variable.shape + (1,) * (len(image.axes) - 2 - axes)))
    with np.errstate(all="ignore"):  # what comes out infinite or undefined is counted as broken when it is read
        slopes = (ends[1] - ends[0]) / (high - low)
        intercepts = ends[0] - low * slopes
    return np.broadcast_to(slopes, slices), np.broadcast_to(intercepts, slices), (low, high)


def _valid_range(image: Variable, dtype: np.dtype) -> tuple[float, float]:
    full = np.iinfo(dtype)
    given = _numbers(image, "valid_range", 2)
    if given is None:
        ends = _numbers(image, "valid_min", 1), _numbers(image, "valid_max", 1)
        given = np.array([full.min if ends[0] is None else ends[0][0], full.max if ends[1] is None else ends[1][0]])
    low, high = sorted(map(float, given))
    if not full.min <= low < high <= full.max:
        raise ReadError(DAMAGED)
    return low, high


def _text(variable: Variable, name: str) -> bytes:
    given = variable.attributes.get(name)
    return given if isinstance(given, bytes) else b""


def _words(variable: Variable, name: str) -> bytes:
    """A text of the standard's, which are filled up with underscores."""
    return _text(variable, name).strip(b"\0 ").rstrip(b"_")


def _numbers(variable: Variable, name: str, count: int) -> np.ndarray | None:
    given = variable.attributes.get(name)
    if given is None:
        return None
    if isinstance(given, bytes) or len(given) != count:
        raise ReadError(DAMAGED)
    return given.astype(float)


def _geometry(fields: dict[str, Variable], axes: tuple[str, ...]) -> tuple[np.ndarray, bool, str]:
    """The affine to RAS+ mm, whether it tells left from right, and what to say of it."""
    columns, starts, steps = np.empty((3, 3)), np.zeros(3), np.ones(3)
    is_sized = True
    for n, axis in enumerate(axes):
        columns[:, n] = COSINES[axis]
        if axis not in fields:
            is_sized = False
            continue
        if _text(fields[axis], "spacing").startswith(b"irregular"):
            raise ReadError("The slices of the MINC file lie at irregular distances. Resample it with mincresample.")
        cosines, start, step = (
            _numbers(fields[axis], name, count) for name, count in (("direction_cosines", 3), ("start", 1), ("step", 1))
        )
        columns[:, n] = columns[:, n] if cosines is None else cosines
        starts[n] = 0 if start is None else start[0]
        steps[n] = 1 if step is None else step[0]
        is_sized &= step is not None
    affine = np.eye(4)
    with np.errstate(over="ignore", invalid="ignore"):
        affine[:3, :3] = columns * steps
        affine[:3, 3] = columns @ starts
    if not is_sized:
        return np.eye(4), False, SIZE_UNKNOWN
    if not is_plausible(affine):
        return affine_of_spacing(tuple(np.abs(steps))), False, BROKEN_AFFINE
    return affine, True, ""


def _space(fields: dict[str, Variable]) -> Space:
    """The coordinates of the first axis that says them."""
    said = (_words(fields[axis], "spacetype") for axis in COSINES if axis in fields)
    return next((SPACES[words] for words in said if words in SPACES), Space.UNKNOWN)


def _series(fields: dict[str, Variable]) -> str:
    step = _numbers(fields["time"], "step", 1) if "time" in fields else None
    return "several volumes" if step is None or step[0] <= 0 else time_series(step[0])
