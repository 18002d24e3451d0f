"""Checks that the libraries of the service are installed, which an environment of the pipeline alone lacks."""

import importlib.util

from common.errors import MachineError


def require_service(*libraries: str) -> None:
    """Refuses to go on without some libraries of the dependency group `serve`.

    Args:
        *libraries: What is imported next.

    Raises:
        MachineError: Some of them are not installed.
    """
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise MachineError(
            f"the service needs {', '.join(missing)}, which this environment lacks. Install the dependency group: "
            "uv sync --group serve"
        )
