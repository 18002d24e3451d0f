"""Disk and memory, held against what a run needs."""

import pytest

from pipeline.doctor.data import Size
from pipeline.doctor.machine import GIB, available_memory, disk, disk_needed, memory, memory_needed

MEMINFO = (
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\nHugePages_Total:       0\n"
)


def test_memory_needed_ten_million_rows_is_what_was_measured() -> None:
    # The README's figure of the ingest alone; no run may be told that it fits into less.
    assert memory_needed(Size(10_000_000, 0)) >= 2.3 * GIB
    assert memory_needed(Size(10_000_000, 0)) < 8 * GIB


def test_disk_needed_grows_with_the_log_and_is_not_nothing_without_one() -> None:
    assert 0 < disk_needed(None) < disk_needed(Size(1, 10**9))


@pytest.mark.parametrize(
    ("cgroup", "available"),
    [
        ({}, 8_000_000 * 1024),
        ({"memory.max": "max\n", "memory.current": "5\n"}, 8_000_000 * 1024),
        ({"memory.max": "4000000000\n", "memory.current": "1000000000\n"}, 3_000_000_000),
        ({"memory.max": "99000000000\n", "memory.current": "0\n"}, 8_000_000 * 1024),
    ],
)
def test_available_memory_is_the_smaller_of_machine_and_container(cgroup: dict[str, str], available: int) -> None:
    assert available_memory(MEMINFO, cgroup) == available


def test_available_memory_of_a_machine_that_does_not_say_is_unknown() -> None:
    assert available_memory("", {}) is None


@pytest.mark.parametrize(("times", "status"), [(0.99, "error"), (1.1, "warning"), (1.3, "ok")])
def test_memory_is_held_against_the_rows(times: float, status: str) -> None:
    size = Size(20_000_000, 0)
    check = memory(int(times * memory_needed(size)), size)
    assert check.status == status
    assert "about 20,000,000 rows" in check.found
    assert bool(check.advice) == (status != "ok")


def test_memory_unknown_is_a_warning_and_data_elsewhere_counts_as_little() -> None:
    assert memory(None, Size(1, 1)).status == "warning"
    assert "a run of little data" in memory(64 * GIB, None).found


@pytest.mark.parametrize(("free", "status"), [(GIB - 1, "error"), (GIB, "warning"), (5 * GIB, "ok")])
def test_disk_is_held_against_one_run_and_those_that_are_kept(free: int, status: str) -> None:
    check = disk("disk", "/srv/runs", free, needed=GIB, later=4 * GIB)
    assert check.status == status
    assert "/srv/runs" in check.found
    assert ("5.0 GiB" in check.advice) == (status == "warning")
