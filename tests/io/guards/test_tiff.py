"""The directories of a TIFF, counted before any of them is believed."""

import io
import struct

import numpy as np
import pytest
import tifffile

from mriseg.core import limits
from mriseg.core.errors import ReadError
from mriseg.io.guards.tiff import FOREIGN, MOST_BYTES_AT_ONCE, MOST_TAGS, count_pages


def counted(content: bytes) -> int:
    return count_pages(io.BytesIO(content), len(content))


def written(pages: int, **options: object) -> bytes:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, **options) as writer:
        for _ in range(pages):
            writer.write(np.zeros((32, 32), np.uint8), metadata=None)
    return stream.getvalue()


def directory(*tags: tuple[int, int, int], following: int = 0) -> bytes:
    """A little-endian TIFF of one directory; each tag with its code, type and number of values."""
    entries = b"".join(struct.pack("<HHI4x", *tag) for tag in tags)
    return struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pages", [1, 3])
def test_every_page_of_a_sound_file_is_counted(big, order, pages):
    assert counted(written(pages, bigtiff=big, byteorder=order)) == pages


def test_a_chain_that_leads_back_to_itself_ends():
    assert counted(directory((256, 3, 1), following=8)) == 1


def test_no_more_pages_are_counted_than_tell_that_there_are_too_many(monkeypatch):
    monkeypatch.setattr(limits, "MAX_ITEMS", 2)
    assert counted(written(6)) == 3


@pytest.mark.parametrize(
    "content",
    [
        directory(*[(256, 3, 1)] * (MOST_TAGS + 1)),
        directory((273, 4, MOST_BYTES_AT_ONCE // 4 + 1)),  # where strips lie: read at once
        directory((min(FOREIGN), 3, 1)),
        directory((256, 3, 1), following=10**6),
    ],
    ids=["many tags", "many values", "of a microscope", "beyond the end"],
)
def test_what_would_cost_too_much_or_lies_outside_is_refused(content):
    with pytest.raises(ReadError, match="damaged"):
        counted(content)


def test_many_values_of_a_tag_that_is_left_where_it_is_cost_nothing():
    assert counted(directory((34675, 7, 2 * MOST_BYTES_AT_ONCE))) == 1
