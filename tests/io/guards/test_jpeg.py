import io

import numpy as np
import pytest

from mriseg.core.errors import ReadError
from mriseg.io.guards.jpeg import MOST_STEPS, check_segments
from tests.helpers import encoded

PICTURE = encoded(np.zeros((32, 32), np.uint8), "JPEG", icc_profile=bytes(300_000))


@pytest.mark.parametrize("more", [b"", b"\xff" * 50, b"junk", b"\xff\xfe\x00\x04hi" * 100, b"\xff\x00\xff\xfe"])
def test_what_programs_write_is_let_through(more):
    check_segments(io.BytesIO(PICTURE[:2] + more + PICTURE[2:]))


@pytest.mark.parametrize("more", [b"\xff\xfe\x00\x02", b"\xff", b"x", b"\xff\x00"])
def test_countless_segments_before_the_picture_are_refused(more):
    with pytest.raises(ReadError, match="unusual"):
        check_segments(io.BytesIO(PICTURE[:2] + more * 2 * MOST_STEPS + PICTURE[2:]))
