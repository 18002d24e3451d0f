"""Checks whether disk and memory of the machine are enough for a run of the configured data."""

from collections.abc import Mapping

from pipeline.commands.doctor.check import Check

GIB = 2**30

BASE_BYTES = int(2.25 * GIB)
"""Memory of a run with few rows."""

ROW_BYTES = 120
"""Additional memory for each row. All processes of a run together took 1.9 GiB with 100,000 rows, 2.2 with 1,000,000
and 2.5 with 4,000,000; the ingest alone took 2.3 GiB with 10,000,000."""

_CROWDED = 1.25
"""If a run needs four fifths of the free memory or more, other programs' memory may get it killed."""

WRITTEN_BYTES = 32 * 2**20
"""Disk space of a run with few rows."""

WRITTEN_ROW_BYTES = 50
"""Additional disk space for each row: 53 bytes with 100,000 rows, 28 with 1,000,000, 24 with 4,000,000."""

TEMPORARY_BYTES = 64 * 2**20
"""Space for temporary files: 0.1 MiB for a run on this machine, and the package that is made for Dataflow's workers."""


def memory_needed(rows: int | None) -> int:
    """Estimates the bytes of memory that a run needs at its peak.

    Args:
        rows: The rows of the log. None: the log is not on this machine; it counts as no rows.
    """
    return BASE_BYTES + ROW_BYTES * (rows or 0)


def disk_needed(rows: int | None) -> int:
    """Estimates the bytes that a run writes into its output folder.

    Args:
        rows: The rows of the log. None: the log is not on this machine; it counts as no rows.
    """
    return WRITTEN_BYTES + WRITTEN_ROW_BYTES * (rows or 0)


def available_memory(meminfo: str, cgroup: Mapping[str, str]) -> int | None:
    """Computes the bytes of memory that a new process may use, within the container's limit.

    Args:
        meminfo: The text of `/proc/meminfo`.
        cgroup: The texts of `memory.max`, `memory.current` and `memory.stat` of cgroup v2; empty without cgroup v2.

    Returns:
        The free memory of the machine or of the container, whichever is less. None: it is unknown.
    """
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    left = []
    if "MemAvailable" in lines:
        left.append(int(lines["MemAvailable"].split()[0]) * 1024)
    limit, used = (cgroup.get(name, "").strip() for name in ("memory.max", "memory.current"))
    if limit.isdigit() and used.isdigit():
        # The kernel frees its cache of inactive files before an allocation fails, so that memory counts as free.
        kept = dict(line.split() for line in cgroup.get("memory.stat", "").splitlines()).get("inactive_file", "0")
        left.append(int(limit) - max(0, int(used) - int(kept)))
    return min(left) if left else None


def memory(available: int | None, rows: int | None) -> Check:
    """Checks that a run of the configured data fits into memory.

    Args:
        available: Free bytes. None: unknown.
        rows: The rows of the log. None: the log is not on this machine.
    """
    needed = memory_needed(rows)
    asked = f"{_amount(needed)} for " + ("a run of few rows" if rows is None else f"about {rows:,} rows")
    if available is None:
        return Check("memory", "warning", f"unknown; needed: {asked}", "Check that the machine has this much.")
    found = f"{_amount(available)} available; needed: {asked}"
    advice = "Use a larger machine or Vertex, or read less: log.cleaning.window_days, or fewer files."
    if available < needed:
        return Check("memory", "error", found, advice)
    if available < needed * _CROWDED:
        return Check("memory", "warning", found, f"Memory may run out: close other programs. {advice}")
    return Check("memory", "ok", found)


def disk(name: str, folder: str, free: int, needed: int, later: int = 0) -> Check:
    """Checks that a folder's disk has enough free space.

    Args:
        name: The check's name: what the folder is for.
        folder: The folder, for the message.
        free: Free bytes on its disk.
        needed: Bytes that a run writes there.
        later: Bytes that further runs write there until old runs are deleted.
    """
    found = f"{_amount(free)} free at {folder}; a run needs {_amount(needed)}"
    if free < needed:
        return Check(name, "error", found, "Free disk space there, or name another folder.")
    if free < needed + later:
        advice = f"Kept runs grow to {_amount(needed + later)}: free disk space, or keep fewer runs (runs.keep)."
        return Check(name, "warning", found, advice)
    return Check(name, "ok", found)


def _amount(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / 2**20:.0f} MiB"
