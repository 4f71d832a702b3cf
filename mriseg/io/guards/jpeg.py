"""How much a JPEG has before its picture, and how often it draws it.

Before the picture come segments: tables, profiles, comments. Pillow passes over each of them, and over every byte
between them, at the pace of Python.

A progressive JPEG refines the picture in about ten scans, each over all of it. Thousands of scans that change nothing
fit in a small file, and a decoder would go through the picture for each.
"""

from typing import BinaryIO

from mriseg.core.errors import ReadError

MOST_SCANS = 100
MOST_STEPS = 5_000  # segments and bytes between them; a profile of a megabyte has 16 segments
BLOCK_BYTES = 1 << 16
UNUSUAL = "The JPEG is damaged or of an unusual kind. Open it in a viewer and save it as PNG."
START_OF_SCAN = b"\xff\xda"  # never within compressed data, where 0 follows 0xff


def check_segments(stream: BinaryIO) -> None:
    """Refuse a JPEG of more segments before its picture than any program writes.

    Parameters
    ----------
    stream : binary file
        At the JPEG.

    Raises
    ------
    ReadError
        If there are more than `MOST_STEPS`.
    """
    stream.seek(2, 1)
    for _ in range(MOST_STEPS):
        if (lead := stream.read(1)) not in (b"", b"\xff"):
            continue
        marker = lead and stream.read(1)
        if marker in (b"", b"\xda"):
            return
        if marker == b"\xff":  # of several the last counts
            stream.seek(-1, 1)
        elif marker != b"\x00":
            stream.seek(max(0, int.from_bytes(stream.read(2), "big") - 2), 1)
    raise ReadError(UNUSUAL)


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
        raise ReadError(UNUSUAL)
