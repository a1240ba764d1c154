"""What a process may use, by the machine's figures and by a container's limits."""

import os
from types import SimpleNamespace

import psutil
import pytest

from genimg_lib import machine_limits

MIB = 2**20


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with 8,000 MiB free and eight cores."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8_000 * MIB))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def limits(folder, **contents):
    for name, text in contents.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder


def test_without_a_container_all_of_the_machine_counts(tmp_path):
    assert machine_limits.free_memory(tmp_path) == 8_000 * MIB
    assert machine_limits.cores(tmp_path) == 8
    root = limits(tmp_path, memory_dot_max="max", memory_dot_current=5, cpu_dot_max="max 100000")
    assert machine_limits.free_memory(root) == 8_000 * MIB
    assert machine_limits.cores(root) == 8


def test_a_containers_limit_counts_where_it_is_less(tmp_path):
    root = limits(
        tmp_path,
        memory_dot_max=1_200 * MIB,
        memory_dot_current=200 * MIB,
        cpu_dot_max="150000 100000",
    )
    assert machine_limits.free_memory(root) == 1_000 * MIB
    assert machine_limits.cores(root) == 2
    (root / "memory.current").write_text(str(1_300 * MIB))
    assert machine_limits.free_memory(root) == 0
    (root / "memory.stat").write_text(f"anon 5\ninactive_file {300 * MIB}\nactive_file 7\n")
    assert machine_limits.free_memory(root) == 200 * MIB


def test_limits_of_the_first_version_are_read_too(tmp_path):
    root = limits(
        tmp_path,
        memory__memory_dot_limit_in_bytes=2_000 * MIB,
        memory__memory_dot_usage_in_bytes=500 * MIB,
        cpu__cpu_dot_cfs_quota_us=50_000,
        cpu__cpu_dot_cfs_period_us=100_000,
    )
    assert machine_limits.free_memory(root) == 1_500 * MIB
    assert machine_limits.cores(root) == 1
    (root / "cpu/cpu.cfs_quota_us").write_text("-1")
    assert machine_limits.cores(root) == 8
