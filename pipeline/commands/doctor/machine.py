"""Room on the machine: disk and memory, held against what a run of the configured data needs."""

from collections.abc import Mapping

from pipeline.commands.doctor.check import Check

GIB = 2**30

BASE_BYTES = int(2.25 * GIB)
"""Memory of a run of few rows."""

ROW_BYTES = 120
"""Memory of each row besides. A whole run's processes together took 1.9 GiB with 100,000 rows, 2.2 with 1,000,000 and
2.5 with 4,000,000; the ingest alone 2.3 GiB with 10,000,000."""

_CROWDED = 1.25
"""A run that needs four fifths of what is free and more may be killed by what else the machine does."""

WRITTEN_BYTES = 32 * 2**20
"""On disk, of a run of few rows."""

WRITTEN_ROW_BYTES = 50
"""On disk, of each row besides: 53 bytes a row with 100,000 rows, 28 with 1,000,000, 24 with 4,000,000."""

TEMPORARY_BYTES = 64 * 2**20
"""In the folder of temporary files: 0.1 MiB of a run here, and the package where Dataflow's workers get it."""


def memory_needed(rows: int | None) -> int:
    """Bytes of memory that a run needs at its peak.

    Args:
        rows: The log's. None: it is not here, and counts nothing.
    """
    return BASE_BYTES + ROW_BYTES * (rows or 0)


def disk_needed(rows: int | None) -> int:
    """Bytes that a run leaves in its output folder.

    Args:
        rows: The log's. None: it is not here, and counts nothing.
    """
    return WRITTEN_BYTES + WRITTEN_ROW_BYTES * (rows or 0)


def available_memory(meminfo: str, cgroup: Mapping[str, str]) -> int | None:
    """Bytes of memory that a new process may have, the container's limit included.

    Args:
        meminfo: The text of `/proc/meminfo`.
        cgroup: The texts of `memory.max`, `memory.current` and `memory.stat` of cgroup v2; empty where there are none.

    Returns:
        The smaller of what the machine and the container have left. None: the machine does not say.
    """
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    left = []
    if "MemAvailable" in lines:
        left.append(int(lines["MemAvailable"].split()[0]) * 1024)
    limit, used = (cgroup.get(name, "").strip() for name in ("memory.max", "memory.current"))
    if limit.isdigit() and used.isdigit():
        # What is only kept of files, and not in use, is given back before anything fails.
        kept = dict(line.split() for line in cgroup.get("memory.stat", "").splitlines()).get("inactive_file", "0")
        left.append(int(limit) - max(0, int(used) - int(kept)))
    return min(left) if left else None


def memory(available: int | None, rows: int | None) -> Check:
    """Whether a run of the configured data fits into memory.

    Args:
        available: Bytes that are left. None: unknown.
        rows: The log's. None: it is not here.
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
        return Check("memory", "warning", found, f"It is close: close other programs. {advice}")
    return Check("memory", "ok", found)


def disk(name: str, folder: str, free: int, needed: int, later: int = 0) -> Check:
    """Whether a folder has room.

    Args:
        name: What the folder is for.
        folder: Where it is, for the message.
        free: Bytes that are free there.
        needed: Bytes that a run writes there.
        later: Bytes that further runs write there until old ones are deleted.
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
