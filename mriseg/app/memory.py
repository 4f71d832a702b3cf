"""Memory that the server gives back as soon as an array is dropped."""

import ctypes
from functools import cache

M_MMAP_THRESHOLD = -3  # glibc's number for the setting, see mallopt(3)
# Arrays above this get pages of their own, which return to the system with them. Left to itself glibc raises the
# threshold to 32 MB, and half a head's arrays stay behind as holes: 75 MB of the peak of a whole head.
OWN_PAGES_FROM = 1_000_000  # bytes


@cache
def return_freed_memory() -> None:
    """Make the C library return large arrays at once; where it is not glibc, leave it alone."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, OWN_PAGES_FROM)
    except (AttributeError, OSError, TypeError):
        return
