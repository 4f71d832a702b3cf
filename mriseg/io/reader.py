"""From bytes, paths, folders and archives to a `Scan`. What a file is, its first bytes say, not its name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.core.scan import Scan, farthest_apart_mm
from mriseg.io.catalog import ScanEntry, best, most_suitable, of_part, refused
from mriseg.io.dicom.reader import is_dicom, read_dicom
from mriseg.io.file import File
from mriseg.io.packing import packing
from mriseg.io.pictures.picture import is_picture, read_picture
from mriseg.io.pictures.tiff import is_tiff, read_tiff
from mriseg.io.sources import files, left_out
from mriseg.io.streams import listing
from mriseg.io.volumes.metaimage import is_metaimage, read_metaimage
from mriseg.io.volumes.mgh import is_mgh, read_mgh
from mriseg.io.volumes.minc import is_minc, read_minc
from mriseg.io.volumes.nifti import is_nifti, read_nifti
from mriseg.io.volumes.nrrd import is_nrrd, read_nrrd
from mriseg.io.volumes.parrec import is_parrec, read_parrec

Source = bytes | str | Path | Sequence[tuple[str, bytes]]

# Each format by its first bytes, and who lists the scans of one such file; NIfTI last, as Analyze has no magic number.
FORMATS: tuple[tuple[Callable[[bytes], bool], Callable[[File, Sequence[File]], tuple[ScanEntry, ...]]], ...] = (
    (is_picture, read_picture),
    (is_tiff, read_tiff),
    (is_mgh, read_mgh),
    (is_nrrd, read_nrrd),
    (is_metaimage, read_metaimage),
    (is_minc, read_minc),
    (is_parrec, read_parrec),
    (is_nifti, read_nifti),
)
READABLE = (
    "mriseg reads DICOM series (a folder, its files or a zip), NIfTI, Analyze, MGH, NRRD, MetaImage, MINC 1 and "
    "PAR/REC volumes and PNG, JPEG, TIFF, BMP, WebP and GIF pictures"
)
# Files that people do drop, told apart so that the message can say what to do with each.
KNOWN_BUT_UNREAD = (
    (b"%PDF", "a PDF document", "Export the image from it as PNG."),
    (b"PK", "an empty or split zip archive", "Pack the scan again."),
    (b"\x89HDF", "a MINC 2 or other HDF5 file", "Convert it with mnc2nii and drop the .nii."),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture", "Open it in a viewer and save it as PNG."),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", "Open it in a viewer and save it as PNG."),
    (b"8BPS", "a Photoshop file", "Save the image as PNG."),
    *(
        (bytes([0, 0, 0, length]) + b"ftyp", "a HEIC or AVIF picture or a film", "Save one picture of it as PNG.")
        for length in range(16, 64, 4)  # of the first box of its kind of file
    ),
    (b"MATLAB", "a MATLAB file", "Save the volume as .nii.gz."),
    (b"\x93NUMPY", "a NumPy array", "Save it as .nii.gz, which also holds the voxel size."),
)


def read(source: Source, name: str | None = None) -> Scan:
    """Read an MR image.

    Parameters
    ----------
    source : bytes, str, Path or sequence of (str, bytes)
        The content of a file, the path of a file or folder, or the names and contents of several files. Zip archives
        are looked into. Of several scans the one that shows the tissues best is read; `contents` lists them.
    name : str, optional
        What the file was called whose content is given. Only its ending is used, to find the other half of a pair and
        to word the error when the content is not what the ending promises.

    Returns
    -------
    Scan
        In the file's own axis order.

    Raises
    ------
    ReadError
        If it is none of the formats that `docs/formats.md` lists, damaged, too large, or holds no gray-scale picture or
        volume.

    Examples
    --------
    >>> from mriseg.datasets.samples import SAMPLES
    >>> from mriseg.export.images import encode_scan
    >>> png = encode_scan(SAMPLES["slice-t1"].make()[0])
    >>> read(png, "slice.png").data.shape
    (233, 197)
    """
    return best(contents(source, name)).load()


def contents(source: Source, name: str | None = None) -> tuple[ScanEntry, ...]:
    """List the scans that a source holds, from their headers; nothing of a volume's size is allocated.

    Parameters
    ----------
    source, name
        As for `read`.

    Returns
    -------
    tuple of ScanEntry
        Each scan with its title and a way to load it; those that cannot be read with the reason.

    Raises
    ------
    ReadError
        If nothing in it can be read.

    Examples
    --------
    >>> from mriseg.datasets.samples import SAMPLES
    >>> from mriseg.export.images import encode_scan
    >>> pictures = [(f"{name}.png", encode_scan(SAMPLES[name].make()[0])) for name in ("slice-t1", "slice-t2")]
    >>> [entry.title for entry in contents(pictures)]
    ['File 1: picture of 233 x 197 pixels', 'File 2: picture of 233 x 197 pixels']
    """
    others = left_out(source)
    try:
        entries = _entries(source, name)
    except ReadError as error:
        if not others:
            raise
        raise type(error)(f"{error} {others}") from error
    refusals = [entry.refusal for entry in entries if entry.refusal]
    if len(refusals) == len(entries):
        raise ReadError(f"{refusals[0]} {others}".strip())
    return tuple(of_part(entry, others) for entry in entries) if others else entries


def read_mask(source: Source, scan: Scan) -> np.ndarray:
    """Read a brain mask: an image on the grid of a scan, above zero in the brain.

    Parameters
    ----------
    source
        As for `read`.
    scan : Scan
        That the mask belongs to.

    Returns
    -------
    ndarray of bool, shape of the scan

    Raises
    ------
    ReadError
        If it cannot be read or lies on another grid.

    Examples
    --------
    >>> import numpy as np
    >>> from mriseg.core.scan import picture
    >>> from mriseg.export.images import encode_scan
    >>> brain = np.zeros((64, 64), np.float32)
    >>> brain[16:48, 16:48] = 1
    >>> int(read_mask(encode_scan(picture(brain)), picture(np.ones((64, 64)))).sum())
    1024
    """
    return read_on_grid(source, scan, "mask").data > 0


def read_on_grid(source: Source, scan: Scan, what: str) -> Scan:
    """Read an image that must lie on the grid of a scan.

    Parameters
    ----------
    source
        As for `read`.
    scan : Scan
        That the image belongs to.
    what : str
        How messages are to call the image.

    Returns
    -------
    Scan

    Raises
    ------
    ReadError
        If it cannot be read or lies on another grid.
    """
    entry = best(_entries(source))
    image = entry.load() if entry.load_map is None else entry.load_map()
    check_shape(image.data.shape, scan, what)
    if farthest_apart_mm(image, scan) > min(scan.spacing or (1.0,)) / 2:  # headers round
        raise ReadError(
            f"The {what} has the scan's size but lies elsewhere in space (their affines differ). "
            "Resample it to the scan's grid."
        )
    return image


def _entries(source: Source, name: str | None = None) -> tuple[ScanEntry, ...]:
    """What a source holds, be it refused or not.

    Raises
    ------
    ReadError
        If it holds nothing that could be an image.
    """
    with listing():
        groups = _listed(files(source, name))
    entries = most_suitable(tuple(entry for group in groups for entry in group), limits.MAX_ITEMS)
    if not entries:
        raise ReadError(f"None of the files is an image that can be read. {READABLE}.")
    return entries


def check_shape(shape: tuple[int, ...], scan: Scan, what: str) -> None:
    """Refuse an image of another shape than the scan's; `what` is how the message calls it.

    Parameters
    ----------
    shape : tuple of int
        Of the image.
    scan : Scan
        The scan that it must fit.
    what : str
        How the message calls the image.
    """
    if shape != scan.data.shape:
        sizes = [" x ".join(map(str, each)) for each in (shape, scan.data.shape)]
        raise ReadError(f"The {what} has {sizes[0]} voxels, the scan {sizes[1]}. Give a {what} on the scan's grid.")


def _listed(files: Sequence[File]) -> list[tuple[ScanEntry, ...]]:
    """The scans of each file that holds one; what cannot be read is listed with its reason if there are others."""
    dicom, groups, packings = [], [], []
    given = [file for file in files if not file.is_beside]
    for file in given:
        try:
            start = file.start()
            if is_dicom(start):
                dicom.append(file)
                continue
            reader = next((reader for is_kind, reader in FORMATS if is_kind(start)), None)
            if reader is not None:
                groups.append(reader(file, files))
            elif len(given) == 1:
                raise ReadError(_not_read(file, start))
            elif packed := packing(start, is_gzipped=file.is_packed):
                packings.append(packed)
        except ReadError as error:
            if len(given) == 1:
                raise
            groups.append((refused("unreadable", str(error)),))
    if len(groups) > 1:
        groups = [
            tuple(replace(entry, title=f"File {number}: {entry.title}") for entry in group)
            for number, group in enumerate(groups, 1)
        ]
    if dicom:
        try:
            groups.insert(0, read_dicom(dicom))
        except ReadError as error:
            if not groups:
                raise
            groups.insert(0, (refused("DICOM files", str(error)),))
    if packings and not groups:
        raise ReadError(packings[0])
    return groups


def _not_read(file: File, start: bytes) -> str:
    if not start.strip(b"\x00"):
        return "The file is empty. Choose the scan again, or export it anew."
    if packed := packing(start, is_gzipped=file.is_packed):
        return packed
    for magic, what, advice in KNOWN_BUT_UNREAD:
        if start.startswith(magic):
            return f"This is {what}, which is not read here. {advice}"
    ending = file.name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending in ("img", "raw", "zraw", "rec"):
        return "This is one half of a volume, without the header that says its size. Drop both files together."
    if ending in ("nii", "mgh", "mgz", "dcm", "nrrd", "nhdr", "mha", "mhd", "mnc", "par"):
        return f"The file is named .{ending}, but its content is not of that kind. Export the volume again as .nii.gz."
    return f"This is not an image that can be read. {READABLE}."
