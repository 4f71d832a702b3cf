"""DICOM: the files of one or many series become the scans that can be chosen among.

A DICOM scan is a heap of files, one for each slice, in no order and under no useful names, often of several series at
once. So all files of a source are looked at together: their headers are read one by one (`dicom_elements`,
`dicom_header`), their slices put into stacks (`dicom_stacks`), and each stack becomes an item, together with what the
header says of its contrast (`dicom_contrast`). Only loading an item decodes pixels, slice by slice into the volume
(`dicom_pixels`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import acos, degrees

import nibabel
import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.scan import HeaderContrast, Scan, Space, picture, volume
from mriseg.core.tissue import Contrast
from mriseg.io.catalog import MAP, ScanEntry, rank, refused, refused_as_scan
from mriseg.io.dicom.contrast import header_contrast, purpose, quantity, rank_penalty
from mriseg.io.dicom.elements import Budget, is_dicom, read_elements
from mriseg.io.dicom.geometry import Grid, arrange
from mriseg.io.dicom.header import (
    INDEX,
    MODALITIES,
    NO_IMAGE,
    Frame,
    Tags,
    description,
    frames_of,
    is_image,
    is_index,
    number,
    text,
)
from mriseg.io.dicom.pixels import Pixels, decoded
from mriseg.io.dicom.plane import DicomSlice
from mriseg.io.dicom.stacks import Stack, stacks
from mriseg.io.file import File
from mriseg.io.raw_volume import in_words

__all__ = ["is_dicom", "read_dicom"]

PLANES = ("sagittal", "coronal", "axial")  # by the axis of the body that the normal lies nearest to
OBLIQUE_DEGREES = 20.0
# What may be left out, one or several.
OF_SOURCE = "DICOM file of the source", "DICOM files of the source"
OF_SERIES = "file of the series", "files of the series"
SLICES = "slice", "slices"
SCANNER_COORDINATES = 1  # NIfTI's code for them


def read_dicom(files: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the scans of a source's DICOM files.

    Parameters
    ----------
    files : sequence of File
        All DICOM files of the source, in any order.

    Returns
    -------
    tuple of Item
        One for each volume, in the order of the series' numbers; then what cannot be read, with the reason.

    Raises
    ------
    ReadError
        If they hold no image at all.
    TooLargeError
        If there is more in them than is looked at.
    """
    budget = Budget()
    series: dict[str, list[Frame]] = defaultdict(list)
    refusals: dict[tuple[str, str], list[Tags]] = defaultdict(list)
    damaged: list[ReadError] = []
    are_all_indices = True
    for file in files:
        try:
            elements = read_elements(file, budget)
        except ReadError as error:
            _check_spent(budget, error)
            damaged.append(error)
            continue
        are_all_indices &= is_index(elements)
        if is_index(elements) or not is_image(elements):
            continue
        uid = text(elements.entries, "SeriesInstanceUID")
        try:
            series[uid].extend(frames_of(file, elements, budget))
        except ReadError as error:
            _check_spent(budget, error)
            refusals[uid, str(error)].append(elements.entries)
    notes = (_left_out(len(damaged), *OF_SOURCE),) if damaged else ()
    entries = []
    for uid in sorted(series, key=lambda uid: _series_order(series[uid][0].tags if series[uid] else {}, uid)):
        unread = sum(len(tags) for (of, _), tags in refusals.items() if of == uid)
        of_series = (*notes, *((_left_out(unread, *OF_SERIES),) if unread else ()))
        entries += [_entry(stack, of_series) for stack in stacks(series[uid], budget)]
    for (_, why), tags in sorted(
        refusals.items(), key=lambda entry: (_series_order(entry[1][0], entry[0][0]), entry[0])
    ):
        entries.append(refused(_refused_title(tags), why))
    if damaged:
        entries.append(refused("damaged DICOM files", str(damaged[0])))
    if not entries:
        raise ReadError(INDEX if are_all_indices else NO_IMAGE)
    return tuple(entries)


def _check_spent(budget: Budget, error: ReadError) -> None:
    """What is too much for the source as a whole is not passed over file by file."""
    if min(budget.elements, budget.header_bytes, budget.frames) < 0:
        raise error


def _series_order(tags: Tags, uid: str) -> tuple[float, str]:
    return number(tags, "SeriesNumber", 0), uid


def _left_out(count: int, one: str, several: str) -> str:
    what = f"1 {one}" if count == 1 else f"{count} {several}"
    return f"{what} could not be read and {'is' if count == 1 else 'are'} left out."


def _entry(stack: Stack, notes: tuple[str, ...]) -> ScanEntry:
    tags = stack.tags
    contrast = header_contrast(tags)
    weighted = contrast.contrast.suffix if contrast else ""
    parts = [description(tags) or _series_number(tags), weighted, purpose(tags), stack.label]
    if stack.grid is None:
        return refused(", ".join((*filter(None, parts), f"{stack.count} slices")), stack.refusal or "")
    grid, is_picture = stack.grid, stack.grid.affine is None
    if grid.affine is None:
        columns, rows, _ = grid.shape
        parts.append(f"picture, {columns} x {rows} pixels")
        rank_of_grid = rank(grid.shape[:2])
    else:
        spacing = tuple(float(side) for side in nibabel.affines.voxel_sizes(grid.affine))
        parts += [_facing(grid.affine), in_words(grid.shape, spacing)]
        rank_of_grid = rank(grid.shape, spacing, contrast.contrast if contrast else Contrast.UNKNOWN)
    title = ", ".join(filter(None, parts))
    load = partial(_load, grid, notes, contrast)
    entry = ScanEntry(title, rank_of_grid + rank_penalty(tags, grid.shape[2]), load, is_picture=is_picture)
    what = quantity(tags)
    return refused_as_scan(entry, MAP.format(what)) if what else entry


def _series_number(tags: Tags) -> str:
    return f"series {number(tags, 'SeriesNumber', 0):.0f}"


def _refused_title(tags: Sequence[Tags]) -> str:
    modality = text(tags[0], "Modality").upper()
    kind = modality if modality in MODALITIES else ""
    count = "1 file" if len(tags) == 1 else f"{len(tags)} files"
    return ", ".join(filter(None, (description(tags[0]) or _series_number(tags[0]), kind, count)))


def _facing(affine: np.ndarray) -> str:
    """The plane that the slices lie in."""
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal = np.abs(normal) / np.linalg.norm(normal)
    axis = int(normal.argmax())
    is_oblique = degrees(acos(min(1.0, normal[axis]))) > OBLIQUE_DEGREES
    return f"oblique, nearest to {PLANES[axis]}" if is_oblique else PLANES[axis]


def _load(grid: Grid, notes: tuple[str, ...], contrast: HeaderContrast | None) -> Scan:
    data, broken = _filled(grid)
    if broken:
        # What is left is arranged anew: without a slice in the middle only the longer part is a regular grid.
        left = [plane for plane in grid.planes if plane not in broken]
        del data
        grid = replace(again := arrange(left), notes=tuple(dict.fromkeys((*grid.notes, *again.notes))))
        notes = (*notes, _left_out(len(broken), *SLICES))
        data, broken = _filled(grid)
        if broken:
            raise next(iter(broken.values()))
    notes = (*notes, *grid.notes)
    if grid.affine is None:
        return replace(picture(data[:, :, 0].T, notes), header_contrast=contrast)
    header = nibabel.Nifti1Header()
    header.set_data_shape(grid.shape)
    header.set_sform(grid.affine, SCANNER_COORDINATES)
    if not grid.is_slanted:  # which a qform cannot hold
        header.set_qform(grid.affine, SCANNER_COORDINATES)
    header.set_xyzt_units("mm")
    return volume(data, grid.affine, header, notes, header_contrast=contrast, space=Space.SCANNER, copy=False)


def _filled(grid: Grid) -> tuple[np.ndarray, dict[DicomSlice, ReadError]]:
    """The voxels of a grid, shape (columns, rows, slices), and the slices that cannot be read, with the reason."""
    data = None
    broken: dict[DicomSlice, ReadError] = {}
    of_files: dict[Pixels, list[tuple[int, DicomSlice]]] = defaultdict(list)
    for number_in_stack, plane in enumerate(grid.planes):
        of_files[plane.pixels].append((number_in_stack, plane))
    for pixels, placed in of_files.items():
        # In the order of the file, so that a packed one is read over once; the tiles of a mosaic are one frame of it.
        of_frames: dict[int, list[tuple[int, DicomSlice]]] = defaultdict(list)
        for number_in_stack, plane in placed:
            of_frames[plane.index].append((number_in_stack, plane))
        indices = sorted(of_frames)
        try:
            for index, frame in zip(indices, decoded(pixels, indices), strict=True):
                if data is None:  # now that at least one slice has proved to be as large as announced
                    data = np.empty(grid.shape, np.float32, order="F")
                for number_in_stack, plane in of_frames[index]:
                    _scale(frame[plane.window], plane.scaling, data.T[number_in_stack])
        except ReadError as error:
            broken.update((plane, error) for _, plane in placed)
    if data is None or len(broken) == len(grid.planes):
        raise next(iter(broken.values()))
    if grid.planes[0].pixels.is_inverted and not broken:
        np.subtract(data.max(), data, out=data)
    return data, broken


def _scale(stored: np.ndarray, scaling: tuple[float, float], out: np.ndarray) -> None:
    """Put slope * stored + intercept into a slice, in double precision before it is rounded, some rows at a time."""
    if scaling == (1.0, 0.0):
        out[...] = stored
        return
    slope, intercept = np.float64(scaling[0]), np.float64(scaling[1])
    step = max(1, limits.BLOCK_BYTES // (8 * stored.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit becomes infinite and is counted as broken
        for row in range(0, len(stored), step):
            out[row : row + step] = stored[row : row + step] * slope + intercept
