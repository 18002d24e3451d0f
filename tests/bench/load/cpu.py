"""Reads what a process and its descendants have used: CPU time and memory."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> dict[int, float]:
    """CPU seconds of a process and of each living descendant, by process id. What has ended is not in it."""
    fields = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # The name, in parentheses, may hold anything; proc(5) counts the fields after it.
                fields[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended
    found, parents = {}, [pid]
    while parents:
        parent = parents.pop()
        if parent in fields:
            found[parent] = (int(fields[parent][11]) + int(fields[parent][12])) / _TICKS
            parents += [child for child, values in fields.items() if int(values[1]) == parent]
    return found


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
