"""MGH and MGZ, the volumes of FreeSurfer. nibabel reads the header."""

from collections.abc import Sequence

import numpy as np
from nibabel.freesurfer.mghformat import DATA_OFFSET, MGHHeader, header_dtype

from mriseg.core.errors import ReadError
from mriseg.io.catalog import ScanEntry
from mriseg.io.file import File
from mriseg.io.raw_volume import BROKEN_AFFINE, SIZE_UNKNOWN, RawVolume, affine_of_spacing, is_plausible, items

VERSION = b"\x00\x00\x00\x01"  # all that the format has for a magic number
CORONAL = ((-1, 0, 0), (0, 0, -1), (0, 1, 0))  # in RAS, where each axis points in a file that does not say it
TYPES = range(12)  # codes that FreeSurfer has given out


def is_mgh(start: bytes) -> bool:
    """Whether a file that starts with these bytes is MGH: its version, possible sizes, a type and a flag.

    Parameters
    ----------
    start : bytes
        The first bytes of a file.
    """
    if not start.startswith(VERSION) or len(start) < DATA_OFFSET:
        return False
    header = np.frombuffer(start, header_dtype, 1)[0]
    return bool((header["dims"] > 0).all() and header["type"] in TYPES and header["goodRASFlag"] in (0, 1))


def read_mgh(file: File, among: Sequence[File]) -> tuple[ScanEntry, ...]:
    """List the volumes of a file, packed (MGZ) or not; nothing of their size is allocated before one of them is loaded.

    Parameters
    ----------
    file : File
    among : sequence of File
        Not looked at: the file stands for itself.

    Returns
    -------
    tuple of Item
        One for each frame.

    Raises
    ------
    ReadError
        If the header announces more than the file holds or than is read, or a type that FreeSurfer gave up.
    """
    start = file.start()[: header_dtype.itemsize]
    sides_known = bool(np.frombuffer(start, header_dtype)[0]["goodRASFlag"])
    header = MGHHeader(start, check=False)
    if not sides_known:  # nibabel fills in 1 mm, and directions that turn FreeSurfer's upside down
        header["Mdc"] = CORONAL
    try:
        dtype = header.get_data_dtype()
    except KeyError as error:
        raise ReadError("The volume holds a rare type. Save it as float, for example with mri_convert.") from error
    with np.errstate(over="ignore", invalid="ignore"):
        affine, note = np.array(header.get_affine(), float), "" if sides_known else SIZE_UNKNOWN
    if not is_plausible(affine):
        affine, sides_known, note = affine_of_spacing(header["delta"]), False, BROKEN_AFFINE
    i, j, k, count = map(int, header["dims"])
    return items(
        RawVolume(
            file, DATA_OFFSET, dtype, shape=(i, j, k), affine=affine, count=count, sides_known=sides_known, note=note
        )
    )
