"""PAR/REC, the volumes that Philips scanners export: a table with a line for each slice, and the slices.

nibabel reads the table and knows how the slices lie in space.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.parrec import PARRECHeader, parse_PAR_header

from mriseg.core import limits
from mriseg.core.decimals import decimal
from mriseg.core.errors import ReadError
from mriseg.io.catalog import MAP, ScanEntry, rank, refused_as_scan
from mriseg.io.detached_data import header_lines
from mriseg.io.file import File
from mriseg.io.raw_slices import Slices
from mriseg.io.raw_volume import BROKEN_AFFINE, affine_of_spacing, in_words, is_plausible
from mriseg.io.sidecar import partner

MAGIC = b"# === DATA DESCRIPTION FILE"
DAMAGED = "The PAR header is damaged or of another version than 4, 4.1 and 4.2. Export the scan again, or as DICOM."
HALF = "This is one half of a PAR/REC pair. Drop both files together."
BROKEN_OFF = "The scan was broken off: no volume in it has all its slices. Export a complete scan."
# Lines before the table that are looked at; the others hold the patient's name, the date and the like.
FIELDS = (b"Max. number of slices/locations", b"Angulation midslice", b"Off Centre midslice")
# Columns of the table that tell volumes apart, slowest first, and what to call each; not every version has all.
COLUMNS = {
    "image_type_mr": "type",
    "scanning sequence": "sequence",
    "dynamic scan number": "dynamic",
    "label type": "label",
    "diffusion_b_factor": "b",
    "diffusion b value number": "",
    "gradient orientation number": "direction",
    "cardiac phase number": "phase",
    "echo number": "echo",
}
TYPE, B_FACTOR = (list(COLUMNS).index(name) for name in ("image_type_mr", "diffusion_b_factor"))
GRID = ("image pixel size", "recon resolution", "slice orientation", "pixel spacing", "slice thickness", "slice gap")
MAGNITUDE, TYPES = 0, {0: "magnitude", 1: "real part", 2: "imaginary part", 3: "phase"}
# Of the types, in the order in which Philips lists them for XML/REC, those that are no intensities of a scan.
MAPS = {
    2: "imaginary parts",
    3: "phases",
    6: "T1",
    7: "T2",
    11: "apparent diffusion coefficients (ADC)",
    12: "blood volume",
    13: "blood flow",
    14: "transit times",
    15: "times to peak",
    16: "fractional anisotropy (FA)",
    17: "apparent diffusion coefficients (ADC)",
    18: "the magnetic field",
    28: "t statistics",
    31: "T2*",
    32: "R2",
    33: "R2*",
}
# In units of `rank`: how much finer such a volume would have to be than a plain magnitude to be preferred.
NO_MAGNITUDE, DIFFUSION_WEIGHTED = -8.0, -2.0


def is_parrec(start: bytes) -> bool:
    """Whether a file that starts with these bytes is the PAR of a pair.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    return start.startswith(MAGIC)


def read_parrec(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a pair; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
        The PAR.
    among : sequence of File
        Where the REC is looked for.

    Returns
    -------
    tuple of ScanEntry
        One for each dynamic, echo, phase, direction and type of image; volumes that lack slices are left out.

    Raises
    ------
    ReadError
        If the PAR is damaged or of a version that nibabel does not read, announces more than the REC holds or than is
        read, or the REC is not among the files.
    """
    header, affine, table, volumes = _header(file)
    voxels = partner(file, among, ".rec", ".rec.gz")
    if voxels is None:
        raise ReadError(HALF)
    notes = []
    if sum(len(rows) for _, rows in volumes) < len(table):
        notes.append("The scan was broken off: volumes that lack slices are left out.")
    sides_known = is_plausible(affine)
    if not sides_known:
        affine = affine_of_spacing(header.get_zooms())
        notes.append(BROKEN_AFFINE)
    grid = _Grid(voxels, header.get_data_dtype(), header.get_data_shape(), affine=affine, sides_known=sides_known)
    varying = [
        column for column, values in enumerate(zip(*(key for key, _ in volumes), strict=True)) if len({*values}) > 1
    ]
    entries = []
    for number, (key, rows) in enumerate(volumes[: limits.MAX_ITEMS], 1):
        kind, title, which = _in_words(key, varying), "", []
        if len(volumes) > 1:
            title = f"Volume {number} of {len(volumes)} ({kind}), "
            which = [f"The file holds {len(volumes)} volumes; this is number {number} ({kind})."]
        slices = grid.slices(table, rows, notes=(*notes, *which))
        slices.check()
        title += in_words(slices.shape, slices.spacing)
        entry = ScanEntry(title, rank(slices.shape, slices.spacing) + _penalty(key), slices.load)
        what = MAPS.get(int(key[TYPE]))
        entries.append(entry if what is None else refused_as_scan(entry, MAP.format(what)))
    return tuple(entries)


@dataclass(frozen=True, eq=False)
class _Grid:
    """What all volumes of a pair share: the REC, how a voxel is stored in it, and the grid."""

    file: File
    dtype: np.dtype
    shape: tuple[int, ...]
    affine: np.ndarray
    sides_known: bool

    def slices(self, table: np.ndarray, rows: np.ndarray, notes: tuple[str, ...]) -> Slices:
        """The slices of one volume, which are some rows of the table."""
        slopes, intercepts = _scaling(table[rows])
        i, j, k = map(int, self.shape)
        return Slices(
            file=self.file,
            dtype=self.dtype,
            shape=(i, j, k),
            offsets=[int(row) * i * j * self.dtype.itemsize for row in rows],
            slopes=slopes,
            intercepts=intercepts,
            bounds=(0, np.iinfo(self.dtype).max),
            affine=self.affine,
            sides_known=self.sides_known,
            notes=notes,
        )


def _header(file: File) -> tuple[PARRECHeader, np.ndarray, np.ndarray, list[tuple[tuple[float, ...], np.ndarray]]]:
    """The header of the first volume as nibabel has it, its affine, the table of all slices, the complete volumes."""
    lines = (line.decode("latin-1") for line in header_lines(file, limits.MAX_PAR_BYTES) if _is_wanted(line))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            info, table = parse_PAR_header(lines)
            _check_grid(table)
            if not 0 < info["max_slices"] <= len(table):  # nibabel lists all slices that should be there
                raise ReadError(BROKEN_OFF)
            volumes = _volumes(table, info["max_slices"])
            # Of one volume: nibabel takes the number of volumes squared for finding those that lack slices.
            header = PARRECHeader(info, table[volumes[0][1]], permit_truncated=True)
            affine = header.get_affine()
    except ReadError:
        raise
    except Exception as error:  # nibabel raises whatever int, float, look-ups and its own checks think of
        raise ReadError(DAMAGED) from error
    return header, affine, table, volumes


def _penalty(key: tuple[float, ...]) -> float:
    """How much a volume is put after a plain magnitude of the same grid, in units of `rank`."""
    return (NO_MAGNITUDE if key[TYPE] != MAGNITUDE else 0) + (DIFFUSION_WEIGHTED if key[B_FACTOR] > 0 else 0)


def _is_wanted(line: bytes) -> bool:
    return not line.startswith(b".") or line[1:].strip().startswith(FIELDS)


def _volumes(table: np.ndarray, slice_count: int) -> list[tuple[tuple[float, ...], np.ndarray]]:
    """The complete volumes: what tells each apart, in the order of `COLUMNS`, and its rows of the table by slice.

    Older versions leave the direction of diffusion out, so a slice may come several times under one key: then the first
    of each is one volume, the second another.
    """
    known = table.dtype.names or ()
    columns = [table[name].tolist() if name in known else [0] * len(table) for name in COLUMNS]
    keys, numbers = list(zip(*columns, strict=True)), table["slice number"].tolist()
    seen: Counter[tuple[object, int]] = Counter()
    rows: dict[tuple[tuple[float, ...], int], list[int]] = {}
    for row in np.argsort(numbers, kind="stable").tolist():
        key, number = keys[row], numbers[row]
        rows.setdefault((key, seen[key, number]), []).append(row)
        seen[key, number] += 1
    complete = [
        (key, np.array(slice_rows))
        for (key, _), slice_rows in sorted(rows.items(), key=lambda entry: entry[0])
        if len(slice_rows) == slice_count and [numbers[row] for row in slice_rows] == [*range(1, slice_count + 1)]
    ]
    if not complete:
        raise ReadError(BROKEN_OFF)
    return complete


def _check_grid(table: np.ndarray) -> None:
    for name in GRID:
        if (table[name] != table[name][0]).any():
            raise ReadError(
                "The pair holds slices of several sizes or directions, as a survey does. Export one volume alone."
            )


def _scaling(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and intercepts of slices.

    Of Philips' two scales the floating-point values are proportional to the signal, the values displayed on the console
    are scaled for each image as it looks best. Only where the former are not given the latter are taken.
    """
    rescale, intercept, scale = rows["rescale slope"], rows["rescale intercept"], rows["scale slope"]
    with np.errstate(all="ignore"):
        slopes, intercepts = 1 / scale, intercept / (rescale * scale)
    if np.isfinite(slopes).all() and np.isfinite(intercepts).all():
        return slopes, intercepts
    return np.where(rescale == 0, 1.0, rescale), intercept


def _in_words(key: tuple[float, ...], varying: list[int]) -> str:
    """What a volume is, by the columns that vary among the volumes of its pair."""
    kind = TYPES.get(int(key[TYPE]), f"image type {key[TYPE]:.0f}")
    labels = list(COLUMNS.values())
    return ", ".join(
        [
            kind,
            *(f"{labels[column]} {decimal(key[column], 6)}" for column in varying if column != TYPE and labels[column]),
        ]
    )
