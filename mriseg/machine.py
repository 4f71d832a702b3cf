"""What this machine has: cores, memory, and how many scans can be segmented on it at a time."""

import os
from pathlib import Path

# The largest volume that is read (`limits.MAX_VOXELS`) takes 1.2 GB of memory and is refused 1.2 but not 1.5 GB of
# allocations; a head of 256 x 256 x 256 voxels takes 0.6 GB. `benchmarks/study.py` measures it.
WORKER_BYTES = 1_600_000_000
DRIVER_BYTES = 300_000_000
CGROUP = Path("/sys/fs/cgroup")
# Of version 2 and 1: how much a container may have, and how much of that is in use.
CGROUP_FILES = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def free_bytes() -> int | None:
    """Memory that is free without swapping, of the machine or the container; None where the system does not say."""
    free = [value for value in (_of_machine(), _of_container()) if value is not None]
    return min(free, default=None)


def fitting_workers() -> int:
    """How many processes have a core and the memory for a scan each; at least 1."""
    from joblib import cpu_count  # knows of a container's share and of affinity

    cores, free = cpu_count(), free_bytes()
    return max(1, cores if free is None else min(cores, (free - DRIVER_BYTES) // WORKER_BYTES))


def share_bytes(workers: int) -> int | None:
    """What each of these workers may allocate; None where the system does not say how much there is."""
    free = free_bytes()
    return None if free is None else max(WORKER_BYTES, (free - DRIVER_BYTES) // workers)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _of_container() -> int | None:
    for most, used in CGROUP_FILES:
        try:
            return int((CGROUP / most).read_text()) - int((CGROUP / used).read_text())
        except (OSError, ValueError):  # there is none, or it has no limit
            continue
    return None
