"""Siemens mosaics: all slices of a fast volume as tiles of one large picture.

How many tiles there are, and on which side of the first slice the others lie, only the vendor's own header says.
"""

import struct
from dataclasses import replace
from math import ceil, sqrt

import numpy as np

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.dicom.plane import DicomSlice

COUNT, NORMAL = "NumberOfImagesInMosaic", "SliceNormalVector"
# Of all entries together; scanners write some hundred. A source can have thousands of such headers.
MOST_ITEMS = 2_000
NOT_UNFOLDED = (
    "The slices are tiles of one picture (a mosaic), and what says how they lie is missing. Export the series from the "
    "scanner with its private entries, or convert it there."
)


def unfold(mosaic: DicomSlice, vendor_header: bytes) -> list[DicomSlice]:
    """The slices of a mosaic.

    Parameters
    ----------
    mosaic : Plane
        The large picture; its position is that of a slice as large as it, around the same center as the first tile.
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
    try:
        fields = _values(vendor_header)
        (count,) = map(int, fields[COUNT][:1])
        normal = np.array(fields[NORMAL][:3], float)
    except (struct.error, KeyError, ValueError) as error:
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


def _values(header: bytes) -> dict[str, list[str]]:
    """The values of the two entries that are asked for.

    The header is a list of tags with a name and some items; of either of its two versions an item tells its length
    another way.
    """
    fields: dict[str, list[str]] = {}
    is_second = header.startswith(b"SV10")
    position = 8 if is_second else 0
    (tags,) = struct.unpack_from("<I", header, position)
    position += 8
    first_count, left = None, MOST_ITEMS
    for _ in range(tags):
        name, _, _, _, count, _ = struct.unpack_from("<64si4s3i", header, position)
        position += 84
        first_count = count if first_count is None else first_count
        items = []
        left -= 1 + max(count, 0)
        if left < 0:
            raise ValueError
        for _ in range(count):
            lengths = struct.unpack_from("<4i", header, position)
            length = lengths[1] if is_second else lengths[0] - first_count
            if length < 0:
                raise ValueError
            position += 16
            items.append(_until_zero(header[position : position + length]))
            position += length + -length % 4
        if _until_zero(name) in (COUNT, NORMAL):
            fields[_until_zero(name)] = [item for item in items if item]
        if len(fields) == 2:
            break
    return fields


def _until_zero(text: bytes) -> str:
    return text.partition(b"\0")[0].decode("latin-1").strip()
