"""Siemens mosaics: all slices of a fast volume as tiles of one large picture.

How many tiles there are, and on which side of the first slice the others lie, only the vendor's own header says.
"""

import warnings
from dataclasses import replace
from math import ceil, sqrt
from struct import error as struct_error
from typing import Any

import numpy as np

from mriseg import limits
from mriseg.dicom_plane import Plane
from mriseg.errors import ReadError

NOT_UNFOLDED = (
    "The slices are tiles of one picture (a mosaic), and what says how they lie is missing. Export the series from the "
    "scanner with its private entries, or convert it there."
)


def unfold(mosaic: Plane, vendor_header: bytes) -> list[Plane]:
    """The slices of a mosaic.

    Parameters
    ----------
    mosaic : Plane
        The large picture; its position is that of a slice as large as it, around the same centre as the first tile.
    vendor_header : bytes
        The "CSA image header" of the file.

    Returns
    -------
    list of Plane
        In the order of the tiles, from the upper left row by row.

    Raises
    ------
    ReadError
        If it does not say how the tiles lie.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nibabel warns of its own DICOM reader, which is not used
        from nibabel.nicom import csareader

    try:
        tags: dict[str, Any] = csareader.read(vendor_header)["tags"]
        count = int(tags["NumberOfImagesInMosaic"]["items"][0])
        normal = np.array(tags["SliceNormalVector"]["items"][:3], float)
    except (csareader.CSAError, struct_error, LookupError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ReadError(NOT_UNFOLDED) from error
    place, (rows, columns) = mosaic.place, mosaic.shape
    apart = place and (place.apart or place.thickness)
    if place is None or apart is None or normal.shape != (3,) or not 1 <= count <= rows * columns:
        raise ReadError(NOT_UNFOLDED)
    across_count = ceil(sqrt(count))
    if rows % across_count or columns % across_count or not abs(abs(normal @ place.normal) - 1) < 0.01:
        raise ReadError(NOT_UNFOLDED)
    rows, columns = rows // across_count, columns // across_count
    limits.check_shape((columns, rows, count))
    directions = np.array(place.directions).reshape(2, 3)
    half = (across_count - 1) / 2 * np.array([columns, rows]) * place.sides
    first = np.array(place.position) + half @ directions
    step = place.normal * np.sign(normal @ place.normal) * apart
    tiles = []
    for tile in range(count):
        down, across = divmod(tile, across_count)
        window = slice(down * rows, (down + 1) * rows), slice(across * columns, (across + 1) * columns)
        position = tuple((first + tile * step).tolist())
        tiles.append(replace(mosaic, place=replace(place, position=position), window=window))
    return tiles
