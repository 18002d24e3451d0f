"""Asks a fresh interpreter whether names can be imported: this process may have made or found modules by itself."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from common.errors import JobError

_TIMEOUT_SECONDS = 60
"""It looks up files only, which takes a tenth of a second; a network drive may take longer."""


def not_importable(paths: Iterable[str]) -> dict[str, str]:
    """Those of some dotted paths that cannot be imported, with why.

    Nothing is imported. The interpreter starts in the current folder with the environment of this one, as a task does
    that is started with `python -m` in the image's folder.

    Args:
        paths: As `<module>.<name>`.

    Raises:
        JobError: The interpreter did not answer.
    """
    asked = sorted(set(paths))
    if not asked:
        return {}
    program = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    try:
        answer = subprocess.run(
            # Not as a file: its folder would be the first that modules are looked for in.
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
        raise JobError(f"{sys.executable} could not be asked what it can import: {why}") from e
    return reasons
