"""Records a comparison in MLflow when it has ended, and is never in the way of a run.

MLflow is imported and asked in a process of its own, so that neither a server that does not answer, nor what MLflow
does to the process that imports it, can stop, delay or change a run.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from common.credentials import without_credentials
from configs.mlflow import Mlflow
from documents.comparison import ComparisonReport
from documents.provenance import Provenance
from pipeline.components.model_comparison.tracking.runs import run_of_candidate, run_of_comparison

_SCRIPT = Path(__file__).with_name("send.py")

_TIMEOUT_SECONDS = 120.0
"""For all of it: MLflow takes 20 seconds to import on a busy machine, and sending takes less than a second for each
candidate."""

_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    # MLflow tells its makers what was called.
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Variables of MLflow; its own defaults wait for a dead server for minutes. The environment may set others."""

_MESSAGE_CHARACTERS = 1000
"""Of an error; a server may answer with a page."""

_LOGGER = logging.getLogger("perennial.comparison")


def record(
    report: ComparisonReport, origin: Provenance, settings: Mlflow, timeout_seconds: float = _TIMEOUT_SECONDS
) -> None:
    """Records a comparison. What goes wrong is a warning in the log.

    Args:
        report: The comparison.
        origin: The winner's provenance.
        settings: The server and the experiment.
        timeout_seconds: The most that the run waits.
    """
    runs = {
        "tracking_uri": settings.tracking_uri,
        "experiment": settings.experiment,
        "parent": run_of_comparison(report, origin),
        "children": [run_of_candidate(candidate) for candidate in report.candidates],
    }
    where = without_credentials(f"MLflow at {settings.tracking_uri}, experiment {settings.experiment!r}")
    failure, printed = _send(json.dumps(runs), {**_DEFAULTS, **os.environ}, timeout_seconds)
    if failure is None:
        _LOGGER.info("recorded in %s: run %s", where, printed)
    else:
        _LOGGER.warning(
            "the comparison was not recorded in %s: %s. The run goes on; comparison.json has the same figures.",
            where,
            without_credentials(failure.rstrip(".")),
        )


def _send(runs: str, environment: Mapping[str, str], timeout_seconds: float) -> tuple[str | None, str]:
    """Runs the script; returns why it failed, or None if it succeeded, and what it printed."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        given = Path(folder, "runs.json")
        given.write_text(runs, encoding="utf-8")
        try:
            with given.open("rb") as source:
                done = subprocess.run(
                    [sys.executable, "-I", str(_SCRIPT)],
                    cwd=folder,
                    env=dict(environment),
                    stdin=source,
                    stdout=output,
                    stderr=error,
                    timeout=timeout_seconds,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            return f"it took longer than {timeout_seconds:g} s and was stopped", ""
        except OSError as e:
            return f"the process could not be started: {e.strerror}", ""
        printed, message = _last_line(output), _last_line(error)
    if done.returncode == 0:
        return None, printed
    if "No module named 'mlflow" in message:
        return "MLflow is not installed; install Perennial with the extra mlflow", ""
    return message or f"the process ended with status {done.returncode}", ""


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_MESSAGE_CHARACTERS] if lines else ""
