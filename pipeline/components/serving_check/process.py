"""Runs `replay.py` in a process of its own and says what came of it, whatever that was."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from configs.push import ServingCheckSettings
from documents.serving_check import ReplayResult, ServingCheckReport
from pipeline.components.serving_check import replay

_LAST_WORDS_CHARACTERS = 1500
"""Of a process that failed; more than the last lines of a traceback."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
"""What a program needs to start; PYTHONPATH and the like stay out, so that the model answers on its own."""


def check(folder: str, signatures: Sequence[str], settings: ServingCheckSettings) -> ServingCheckReport:
    """Has a model asked by a fresh process, from an empty folder, with a clean environment.

    Args:
        folder: The SavedModel, on this machine.
        signatures: Names of those that it must have.
        settings: The limits.

    Returns:
        What `replay.replay` returns, with `blessed` and `limits`. A process that crashed, was killed or took too long
        is a failure like any other.
    """
    options = {**settings.model_dump(mode="json"), "signatures": list(signatures)}
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch, "result.json")
        empty = Path(scratch, "empty")
        empty.mkdir()
        command = [sys.executable, "-I", replay.__file__, os.path.abspath(folder), json.dumps(options), str(result)]
        died_of = _run(command, empty, settings.timeout_seconds)
        text = result.read_text(encoding="utf-8") if died_of is None else json.dumps(replay.nothing_asked(died_of))
        came = ReplayResult.model_validate_json(text)
    limits = {name: value for name, value in options.items() if name != "signatures"}
    return ServingCheckReport(blessed=not came.failures, **dict(came), limits=limits)


def _run(command: list[str], folder: Path, timeout_seconds: float) -> str | None:
    """Runs a command to its end; the reason if that was a bad one."""
    variables = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    # On the CPU, as it will be served: an accelerator rounds otherwise, and may be taken.
    variables |= {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=said,
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
        said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS_CHARACTERS))
        last_words = said.read().decode("utf-8", errors="replace").strip()
    if done.returncode < 0:
        return f"the check died of {signal.Signals(-done.returncode).name}: {last_words}"
    return f"the check ended with status {done.returncode}: {last_words}"
