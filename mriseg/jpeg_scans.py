"""How often a JPEG draws its picture.

A progressive JPEG refines the picture in about ten scans, each over all of it. Thousands of scans that change nothing
fit in a small file, and a decoder would go through the picture for each.
"""

from typing import BinaryIO

from mriseg.errors import ReadError

MOST_SCANS = 100
BLOCK_BYTES = 1 << 16
START_OF_SCAN = b"\xff\xda"  # never within compressed data, where 0 follows 0xff


def check_scans(stream: BinaryIO) -> None:
    """Refuse a JPEG of more scans than an encoder writes.

    Parameters
    ----------
    stream : binary file
        At the JPEG; read to its end.

    Raises
    ------
    ReadError
        If there are more than `MOST_SCANS`.
    """
    scans, last = 0, b""
    while block := stream.read(BLOCK_BYTES):
        scans += (last + block).count(START_OF_SCAN)
        last = block[-1:]
    if scans > MOST_SCANS:
        raise ReadError("The JPEG is damaged or of an unusual kind. Open it in a viewer and save it as PNG.")
