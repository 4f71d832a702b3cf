"""What this machine has: cores, memory, and how many scans can be segmented on it at a time."""

import os
from contextlib import suppress
from pathlib import Path

# The largest volume that is read (`limits.MAX_VOXELS`) takes 1.2 GB of memory and is refused 1.2 but not 1.5 GB of
# allocations; a head of 256 x 256 x 256 voxels takes 0.6 GB. `benchmarks/study.py` measures it.
WORKER_BYTES = 1_600_000_000
DRIVER_BYTES = 300_000_000
CGROUP, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# Of version 2 and 1: how much a container or a job of Slurm may have, how much of that is in use, and how much of that
# use only caches files and is given back when it is wanted.
CGROUP_FILES = (
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_bytes() -> int | None:
    """Memory that is free without swapping, of the machine or the container.

    Returns
    -------
    int or None
        None where the system does not say.
    """
    free = [value for value in (_of_machine(), _of_container()) if value is not None]
    return min(free, default=None)


def fitting_workers() -> int:
    """How many processes have a core and the memory for a scan each.

    Returns
    -------
    int
        At least 1.
    """
    from joblib import cpu_count  # knows of a container's share and of affinity

    cores, free = cpu_count(), free_bytes()
    return max(1, cores if free is None else min(cores, (free - DRIVER_BYTES) // WORKER_BYTES))


def share_bytes(workers: int) -> int | None:
    """What each of these workers may allocate.

    Parameters
    ----------
    workers : int
        Processes at a time.

    Returns
    -------
    int or None
        Bytes; None where the system does not say how much there is.
    """
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
    """The least that this process's groups leave it, from its own to the outermost."""
    free = []
    for controller, most, used, cached in CGROUP_FILES:
        top = CGROUP / controller
        own = top / _own_group(controller)
        for group in (own, *own.parents):
            with suppress(OSError, ValueError, StopIteration):  # there is none, or it has no limit
                stat = (line.split() for line in (group / "memory.stat").read_text().splitlines())
                reclaimable = next(int(value) for key, value in stat if key == cached)
                free.append(int((group / most).read_text()) - int((group / used).read_text()) + reclaimable)
            if group == top:
                break
    return min(free, default=None)


def _own_group(controller: str) -> str:
    """The path of this process's group below the top of its controller."""
    with suppress(OSError):
        for line in OWN_CGROUP.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return path.lstrip("/")
    return ""
