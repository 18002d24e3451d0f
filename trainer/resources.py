"""Measures what a training takes: time, and memory of the process."""

import dataclasses
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"
"""Written to `clear_refs`, it sets the peak to the memory of this moment (proc(5))."""


@dataclasses.dataclass
class Resources:
    """What the block of `measured` took.

    Attributes:
        seconds: Seconds.
        peak_mib: The most memory of the process, in MiB, with its libraries; None where the system does not tell.
    """

    seconds: float = 0.0
    peak_mib: float | None = None


@contextmanager
def measured() -> Iterator[Resources]:
    """Measures the block; the figures are there after it."""
    found, is_reset = Resources(), _reset_peak()
    since = time.monotonic()
    yield found
    found.seconds = round(time.monotonic() - since, 3)
    found.peak_mib = _peak_mib() if is_reset else None


def _reset_peak() -> bool:
    try:
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    except OSError:  # another system than Linux, or a container that may not write there
        return False
    return True


def _peak_mib() -> float | None:
    found = re.search(r"^VmHWM:\s+(\d+) kB$", (_PROCESS / "status").read_text(), re.MULTILINE)
    return round(int(found[1]) / 1024, 1) if found else None
