"""Follows a run to its end, task by task."""

import time

from google.api_core import exceptions
from rich.console import Console
from rich.markup import escape

from common.errors import VertexError
from pipeline.cloud.client import Api
from pipeline.cloud.retrying import Patience, is_transient
from pipeline.runners.vertex.runs import FAILED, SUCCEEDED, VertexRun, get_run, run_link

PATIENCE = Patience(attempts=60, total_seconds=900.0)
"""How long to try if Vertex does not answer: a quarter of an hour, since a run takes hours and goes on by itself."""

_FIRST_PAUSE_SECONDS = 1.0
_PAUSE_GROWTH = 1.5
_LONGEST_PAUSE_SECONDS = 20.0
"""Pauses between two looks grow up to this. A task takes minutes on Vertex; the start of its machine takes 1 or 2."""


def follow(api: Api, run: VertexRun, console: Console) -> VertexRun:
    """Prints the states of a run's tasks until the run has ended.

    Args:
        api: Google Cloud.
        run: The run.
        console: Where to print.

    Returns:
        The run, which succeeded.

    Raises:
        VertexError: The run failed or was cancelled, or Vertex could not be reached any more.
        KeyboardInterrupt: The person pressed Ctrl-C; the run goes on.
    """
    shown: dict[str, str] = {}
    pause = _FIRST_PAUSE_SECONDS
    with console.status("waiting") as status:
        while True:
            run = _look(api, run)
            _print_changes(run, shown, console)
            if run.has_ended:
                break
            running = [task.id for task in run.tasks if task.state == "running"]
            status.update(f"{run.state}{': ' if running else ''}{', '.join(running)}")
            time.sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)
    if run.state != SUCCEEDED:
        raise VertexError(_why(run, run_link(api.vertex, run.id)))
    return run


def _look(api: Api, run: VertexRun) -> VertexRun:
    try:
        return get_run(api, run.name)
    except VertexError as e:
        cause = e.__cause__
        if cause is None or not (is_transient(cause) or isinstance(cause, exceptions.RetryError)):
            raise  # then it is not known whether the run goes on, or exists at all
        raise VertexError(f"{e} The run {run.id} continues. See it with `perennial vertex runs show {run.id}`.") from e


def _print_changes(run: VertexRun, shown: dict[str, str], console: Console) -> None:
    """Prints each task whose state has changed."""
    for task in run.tasks:
        if task.state == shown.get(task.id) or task.state in ("pending", "unspecified"):
            continue
        shown[task.id] = task.state
        took = f" in {task.seconds:,.0f} s" if task.seconds is not None else ""
        style = "red" if task.state == FAILED else "default"
        console.print(f"[bold]{escape(task.id)}[/] [{style}]{task.state}[/]{took}", highlight=False)


def _why(run: VertexRun, link: str) -> str:
    failed = [f"  {task.id}: {task.error or 'no message'}" for task in run.tasks if task.state == FAILED]
    lines = [
        f"the run {run.id} {'was ' if run.state != FAILED else ''}{run.state}{': ' if run.error else '.'}{run.error}"
    ]
    lines += [*failed, f"See `perennial vertex runs show {run.id}`, or its tasks' logs: {link}"]
    return "\n".join(lines)
