"""Runs `replay.py` in a separate process and reports its result, or why there is none."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from common import answers
from configs.push import ServingCheckSettings
from documents.serving_check import ReplayResult, ServingCheckReport
from documents.serving_requests import ServingRequests
from pipeline.components.serving_check import replay

_OUTPUT_CHARACTERS = 1500
"""Characters that are kept from the end of a failed process's output; more than the last lines of a traceback."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""The variables that a program needs to start. PYTHONPATH and the like are left out, so that the model gets no help."""


def check(
    folder: str, signatures: Sequence[str], together: Sequence[str], settings: ServingCheckSettings
) -> ServingCheckReport:
    """Asks a model in a new process, which runs in an empty folder with a clean environment.

    Args:
        folder: The SavedModel, on this machine.
        signatures: Names of the signatures that it must have.
        together: Names of those of which it must have all or none.
        settings: The limits.

    Returns:
        The result of `replay.replay`, with `blessed` and `limits`. If the process crashed, was killed or took too long,
        that counts as a failure of the model.
    """
    limits = settings.model_dump(mode="json")
    options = limits | {
        "signatures": list(signatures),
        "together": list(together),
        # By option, because the script imports nothing of ours.
        "requests_file": ServingRequests.FILE,
        "requests_format": ServingRequests.current_format(),
        "answers_file": answers.__file__,
    }
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "result.json")
        empty = Path(scratch, "empty")
        empty.mkdir()
        command = [sys.executable, "-I", replay.__file__, os.path.abspath(folder), json.dumps(options), str(file)]
        failure = _run(command, empty, settings.timeout_seconds)
        if failure is not None:
            return refused(failure, settings)
        result = ReplayResult.model_validate_json(file.read_text(encoding="utf-8"))
    return ServingCheckReport(blessed=not result.failures, **dict(result), limits=limits)


def refused(failure: str, settings: ServingCheckSettings) -> ServingCheckReport:
    """The result for a model that could not be asked.

    Args:
        failure: Why.
        settings: The limits.
    """
    result = ReplayResult.model_validate_json(json.dumps(replay.nothing_asked(failure)))
    return ServingCheckReport(blessed=False, **dict(result), limits=settings.model_dump(mode="json"))


def _run(command: list[str], folder: Path, timeout_seconds: float) -> str | None:
    """Runs a command to its end; returns why it failed, or None if it succeeded."""
    variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # On the CPU, as it will be served: an accelerator rounds differently, and may be in use.
    variables |= {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"the check took longer than {timeout_seconds:g} s and was stopped"
        except OSError as e:
            return f"the check could not be started: {e.strerror}"
        if done.returncode == 0:
            return None
        output.seek(max(0, output.seek(0, os.SEEK_END) - _OUTPUT_CHARACTERS))
        last_lines = output.read().decode("utf-8", errors="replace").strip()
    if done.returncode < 0:
        return f"the check was killed by {_signal_name(-done.returncode)}: {last_lines}"
    return f"the check ended with status {done.returncode}: {last_lines}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
