"""Asks a fresh interpreter whether names can be imported: this process may have made or found modules by itself."""

import json
import subprocess
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from configs.errors import JobError

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
    asked = tuple(sorted(set(paths)))
    return dict(_asked(asked, str(Path.cwd()))) if asked else {}


@lru_cache(maxsize=32)
def _asked(paths: tuple[str, ...], folder: str) -> tuple[tuple[str, str], ...]:
    program = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    try:
        answer = subprocess.run(
            # Not as a file: its folder would be the first that modules are looked for in.
            [sys.executable, "-c", program],
            input=json.dumps(paths),
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        return tuple(json.loads(answer.stdout).items())
    except (OSError, subprocess.SubprocessError, ValueError) as e:
        if isinstance(e, subprocess.CalledProcessError):
            why = f"status {e.returncode}, {e.stderr.strip()}"
        else:
            why = f"no answer in {_TIMEOUT_SECONDS} seconds" if isinstance(e, subprocess.TimeoutExpired) else str(e)
        raise JobError(f"{sys.executable} could not be asked what it can import: {why}") from e
