"""Streams that are bounded, counted and inflated as they are read."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest

from mriseg.core import limits
from mriseg.core.errors import ReadError, TooLargeError
from mriseg.io.streams import Bounded, Inflated, listing, spend, translate_os_errors

PLAIN = np.random.default_rng(0).integers(0, 4, 100_000, np.uint8).tobytes()


@pytest.mark.parametrize("wbits", [zlib.MAX_WBITS, -zlib.MAX_WBITS])
def test_what_was_packed_comes_back_wherever_it_is_asked_for(wbits):
    packer = zlib.compressobj(wbits=wbits)
    packed = b"header" + packer.compress(PLAIN) + packer.flush()
    source = io.BytesIO(packed)
    source.seek(6)
    stream = io.BufferedReader(Inflated(source, wbits=wbits))
    for position in (0, 70_000, 99_990, 5, 50_000):
        stream.seek(position)
        assert stream.read(100) == PLAIN[position : position + 100]
    assert stream.read() == PLAIN[50_100:]


@pytest.mark.parametrize("end", [20, -100, -3])
def test_a_packing_that_is_cut_short_is_damaged(end):
    stream = io.BufferedReader(Inflated(io.BytesIO(zlib.compress(PLAIN)[:end]), damaged="Get it again."))
    with pytest.raises(ReadError, match="Get it again"):
        stream.read()


def test_what_is_no_packing_is_damaged():
    with pytest.raises(ReadError, match="damaged"):
        Inflated(io.BytesIO(b"no packing at all")).read(1)


def test_the_stream_below_is_closed_with_it():
    source = io.BytesIO(zlib.compress(b"content"))
    io.BufferedReader(Inflated(source)).close()
    assert source.closed


def test_no_more_is_read_than_was_allowed():
    stream = Bounded(io.BytesIO(bytes(1000)), 600)
    assert stream.read(600) == bytes(600)
    with pytest.raises(TooLargeError):
        stream.read(1)


def test_a_listing_costs_no_more_than_its_limit_and_only_while_it_goes_on(monkeypatch):
    monkeypatch.setattr(limits, "MAX_LISTED_BYTES", 100)
    with listing():
        spend(60)
        spend(40)
        with pytest.raises(TooLargeError, match="takes too long"):
            spend(1)
    spend(10**9)


def test_the_systems_errors_are_told_in_words_and_name_no_file():
    with pytest.raises(ReadError, match="cannot be opened: No such file") as caught, translate_os_errors():
        Path("/nowhere/jane_doe.nii").read_bytes()
    assert "jane_doe" not in str(caught.value)
