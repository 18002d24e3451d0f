"""Finds the model that a run made, whether or not it was pushed."""

from pathlib import Path

from common.errors import ModelError
from pipeline.store.runs.records import Run

_SERVING = "Format-Serving"
"""TFX's folder for the SavedModel in a Model artifact; TFX's own function for it takes seconds to import."""


def model_of_run(run: Run) -> str:
    """Returns the folder of the SavedModel that a run made.

    Args:
        run: The run. If nothing had changed, its model is a copy of the last blessed one.

    Raises:
        ModelError: The run made no model, or its files were deleted.
    """
    artifact = run.output("Model")
    if artifact is None:
        raise ModelError(f"run {run.number} has no model; it {_ended(run)}. See `perennial runs show {run.number}`.")
    path = Path(artifact.uri, _SERVING)
    if artifact.state == "DELETED" or not path.exists():
        raise ModelError(
            f"run {run.number}: its model at {artifact.uri} was deleted. Old runs are deleted as runs.keep in the "
            "config says; `perennial runs list` shows the newest."
        )
    return str(path)


def _ended(run: Run) -> str:
    return {"running": "is still running", "killed": "was killed"}.get(run.state, run.state)
