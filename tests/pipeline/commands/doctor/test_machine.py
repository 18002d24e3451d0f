"""Disk and memory, held against what a run needs."""

import pytest

from pipeline.commands.doctor.machine import GIB, available_memory, disk, disk_needed, memory, memory_needed

MEMINFO = (
    "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\nHugePages_Total:       0\n"
)


# Peaks that were measured, in GiB, of whole runs and of one ingest.
@pytest.mark.parametrize(("rows", "peak"), [(100_000, 1.9), (1_000_000, 2.2), (4_000_000, 2.5), (10_000_000, 2.3)])
def test_memory_needed_is_not_below_what_was_measured_nor_far_above(rows: int, peak: float) -> None:
    assert peak <= memory_needed(rows) / GIB <= 1.5 * peak


# Bytes that were measured in the output folder after one run.
@pytest.mark.parametrize(("rows", "written"), [(100_000, 5.3e6), (1_000_000, 27.9e6), (4_000_000, 94.5e6)])
def test_disk_needed_is_not_below_what_was_measured(rows: int, written: float) -> None:
    assert written <= disk_needed(rows)
    assert 0 < disk_needed(None) < disk_needed(rows)


@pytest.mark.parametrize(
    ("cgroup", "available"),
    [
        ({}, 8_000_000 * 1024),
        ({"memory.max": "max\n", "memory.current": "5\n"}, 8_000_000 * 1024),
        ({"memory.max": "4000000000\n", "memory.current": "1000000000\n"}, 3_000_000_000),
        (
            {
                "memory.max": "4000000000\n",
                "memory.current": "3900000000\n",
                "memory.stat": "anon 5\ninactive_file 2900000000\n",
            },
            3_000_000_000,
        ),
        ({"memory.max": "99000000000\n", "memory.current": "0\n"}, 8_000_000 * 1024),
    ],
)
def test_available_memory_is_the_smaller_of_machine_and_container(cgroup: dict[str, str], available: int) -> None:
    assert available_memory(MEMINFO, cgroup) == available


def test_available_memory_of_a_machine_that_does_not_say_is_unknown() -> None:
    assert available_memory("", {}) is None


@pytest.mark.parametrize(("times", "status"), [(0.99, "error"), (1.1, "warning"), (1.3, "ok")])
def test_memory_is_held_against_the_rows(times: float, status: str) -> None:
    check = memory(int(times * memory_needed(20_000_000)), 20_000_000)
    assert check.status == status
    assert "about 20,000,000 rows" in check.found
    assert bool(check.advice) == (status != "ok")


def test_memory_unknown_is_a_warning_and_rows_elsewhere_count_as_few() -> None:
    assert memory(None, 1).status == "warning"
    assert "a run of few rows" in memory(64 * GIB, None).found


@pytest.mark.parametrize(("free", "status"), [(GIB - 1, "error"), (GIB, "warning"), (5 * GIB, "ok")])
def test_disk_is_held_against_one_run_and_those_that_are_kept(free: int, status: str) -> None:
    check = disk("disk", "/srv/runs", free, needed=GIB, later=4 * GIB)
    assert check.status == status
    assert "/srv/runs" in check.found
    assert ("5.0 GiB" in check.advice) == (status == "warning")
