"""Asks a fresh interpreter whether names can be imported: this process may have modules that a task does not have."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from common.errors import JobError

_TIMEOUT_SECONDS = 60
"""The interpreter only looks up files, which takes 0.1 s; a network drive may take longer."""


def not_importable(paths: Iterable[str]) -> dict[str, str]:
    """Finds the dotted paths that cannot be imported, and why.

    Nothing is imported. The interpreter starts in the current folder, with the environment of this process: so does a
    task, which is started with `python -m` in the image's folder.

    Args:
        paths: Each as `<module>.<name>`.

    Returns:
        Each path that cannot be imported, with the reason.

    Raises:
        JobError: The interpreter did not answer.
    """
    asked = sorted(set(paths))
    if not asked:
        return {}
    program = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    try:
        answer = subprocess.run(
            # Passed as text, not as a file: Python would search the file's folder first for modules.
            [sys.executable, "-c", program],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        reasons: dict[str, str] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as e:
        if isinstance(e, subprocess.CalledProcessError):
            why = f"status {e.returncode}, {e.stderr.strip()}"
        else:
            why = f"no answer in {_TIMEOUT_SECONDS} seconds" if isinstance(e, subprocess.TimeoutExpired) else str(e)
        raise JobError(f"{sys.executable} could not check what it can import: {why}") from e
    return reasons
