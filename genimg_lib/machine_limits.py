"""What this process may use: free memory and cores, also inside a container with limits."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_memory(root=CGROUP):
    """Bytes that are free: the machine's, or what the container's limit leaves, if that is less.

    root: where the kernel shows the limits of control groups, of version 2 or 1.
    """
    import psutil

    free = psutil.virtual_memory().available
    old = root / "memory"  # of version 1
    for limit, used, stat, cache in (
        (root / "memory.max", root / "memory.current", root / "memory.stat", "inactive_file"),
        (
            old / "memory.limit_in_bytes",
            old / "memory.usage_in_bytes",
            old / "memory.stat",
            "total_inactive_file",
        ),
    ):
        most, held = _number(limit), _number(used)
        if most is not None and held is not None:
            words = _words(stat)
            # files that were read are let go where memory is wanted
            spare = int(words[words.index(cache) + 1]) if cache in words else 0
            free = min(free, max(0, most - held + spare))
    return free


def cores(root=CGROUP):
    """How many cores this process may use: by its affinity and its container's quota, 1 or more."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    quota = _words(root / "cpu.max")
    if len(quota) < 2:
        quota = [*_words(root / "cpu/cpu.cfs_quota_us"), *_words(root / "cpu/cpu.cfs_period_us")]
    if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit() and int(quota[1]):
        count = min(count, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, count)


def _number(path):
    words = _words(path)
    return int(words[0]) if words and words[0].isdigit() else None


def _words(path):
    try:
        return path.read_text().split()
    except OSError:
        return []
