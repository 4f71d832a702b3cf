"""What a TIFF announces, looked over before its directories are believed.

A TIFF is a chain of directories, one for each page, and a directory a list of tags, each with the number of its values
and where they lie. tifffile turns the values of some tags into Python numbers as soon as it meets the tag. A number
takes ten times the room there that it takes in the file, many directories can point to the same values, and a chain
can lead back to itself; so what a directory would cost is added up before any of it is read.
"""

import struct
from typing import BinaryIO

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.guards.png import DAMAGED
from mriseg.io.streams import spend

VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
MOST_TAGS = 512  # of a directory: raw files of cameras have about 100
# Values that are read at once: sizes, descriptions, where strips lie. A stack of 500 pages with 512 strips each has
# 4 MB of them. Large values of other tags (profiles, previews, layers) are left where they are.
READ_AT_ONCE = frozenset(
    (258, 270, 273, 277, 279, 282, 283, 305, 324, 325, 330, 338, 339, 347, 513, 514, 530, 42113, 50838, 50839)
)
MOST_BYTES_AT_ONCE = 8_000_000
# Of microscopes (STK, LSM): tifffile lays their pages out in ways of their own. No scanner of heads writes them.
FOREIGN = frozenset((33628, 33629, 33630, 33631, 34412))


def count_pages(stream: BinaryIO, size: int) -> int:
    """Count the pages of a TIFF, as far as one more than `limits.MAX_ITEMS`.

    Parameters
    ----------
    stream : binary file
        Seekable, at its beginning.
    size : int
        Of the file in bytes.

    Returns
    -------
    int

    Raises
    ------
    ReadError
        If its directories announce more than those of a picture or stack can have, or lie outside the file.
    """
    start = stream.read(16)
    order = "<" if start[:2] == b"II" else ">"
    is_big = struct.unpack_from(order + "H", start, 2)[0] == 43
    forms = ("Q", "HHQ8x", "Q") if is_big else ("H", "HHI4x", "I")
    number, entry, pointer = (struct.Struct(order + form) for form in forms)
    offset = pointer.unpack_from(start, 8 if is_big else 4)[0]
    seen: set[int] = set()
    at_once = 0
    while offset and offset not in seen and len(seen) <= limits.MAX_ITEMS:
        seen.add(offset)
        if offset >= size:
            raise ReadError(DAMAGED)
        stream.seek(offset)
        tags = number.unpack(stream.read(number.size))[0]
        if tags > MOST_TAGS:
            raise ReadError(DAMAGED)
        spend(limits.PARSED_COST * tags * entry.size)
        for code, kind, count in entry.iter_unpack(stream.read(tags * entry.size)):
            at_once += count * VALUE_BYTES.get(kind, 0) if code in READ_AT_ONCE else 0
            if code in FOREIGN or at_once > MOST_BYTES_AT_ONCE:
                raise ReadError(DAMAGED)
        offset = pointer.unpack(stream.read(pointer.size))[0]
    return len(seen)
