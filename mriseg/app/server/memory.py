"""The server's memory: what of it scans may take, and how what was dropped goes back to the system."""

import ctypes
import gc
import os
from functools import cache

# What the page has: Community Cloud guarantees 690 MB and lets it take about 1 GB. A server with more says so by this
# variable of its environment, in MB.
SERVER_MB = int(os.environ.get("MRISEG_SERVER_MB", "1000"))
# With all libraries, the opening sample and the parts of Streamlit that come with the first visitor; and what heads
# of 256 x 256 x 256 voxels take beyond what is kept of them, while one is segmented and the last stages of another are
# run again. Measured by `benchmarks/load.py`.
IDLE_MB, SEGMENTING_MB = 200, 340
# Of the segmentations of all visitors and of what they dropped.
KEPT_BYTES = max(SERVER_MB - IDLE_MB - SEGMENTING_MB, 200) * 1_000_000
PEAK_BYTES_PER_VOXEL = 25  # of a volume while it is read and segmented
WORK_BYTES = max(SERVER_MB - IDLE_MB, 200) * 1_000_000  # of one scan, where nobody holds anything
KEPT_BYTES_PER_VOXEL = 8  # of a head with air around it: twice the scan itself
# Of what visitors drop, arriving or here, packed as it came: of one, a study of a scanner, zipped, and of all together.
UPLOAD_BYTES = KEPT_BYTES * 2 // 3
VISITOR_UPLOAD_BYTES = min(250_000_000, UPLOAD_BYTES * 5 // 6)

M_MMAP_THRESHOLD = -3  # glibc's number for the setting, see mallopt(3)
# Arrays above this get pages of their own, which return to the system with them. Left to itself glibc raises the
# threshold to 32 MB, and half a head's arrays stay behind as holes: 75 MB of the peak of a whole head.
OWN_PAGES_FROM = 1_000_000  # bytes


def most_voxels(beside: int) -> int:
    """How many voxels a scan may have that is read on the page.

    Parameters
    ----------
    beside : int
        Bytes that lie there meanwhile, the uploads.

    Returns
    -------
    int
    """
    return max(WORK_BYTES - beside, 0) // PEAK_BYTES_PER_VOXEL


def work_bytes(voxels: int) -> int:
    """Memory of a scan while it is segmented, beyond what is set aside for that.

    Parameters
    ----------
    voxels : int

    Returns
    -------
    int
    """
    return max(KEPT_BYTES_PER_VOXEL * voxels, PEAK_BYTES_PER_VOXEL * voxels - SEGMENTING_MB * 1_000_000)


@cache
def return_freed_memory() -> None:
    """Make the C library return large arrays at once; where it is not glibc, leave it alone."""
    try:
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, OWN_PAGES_FROM)
    except (AttributeError, OSError, TypeError):
        return


@cache
def pass_over_libraries() -> None:
    """Have the garbage collector no longer go through what is there now, which is libraries to the greatest part.

    Streamlit collects all garbage after each run of a page. The 150 000 objects of its and our libraries make that
    0.3 s of a core for each move of a slider.
    """
    gc.collect()
    gc.freeze()


def trim() -> None:
    """Give back what was freed in small pieces, too."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
