"""Follows a run to its end, task by task."""

import time

from rich.console import Console
from rich.markup import escape

from configs.errors import VertexError
from pipeline.vertex.api.client import Api
from pipeline.vertex.api.runs import FAILED, SUCCEEDED, Run, read_run, run_link

_FIRST_PAUSE_SECONDS = 1.0
_PAUSE_GROWTH = 1.5
_LONGEST_PAUSE_SECONDS = 20.0
"""Between two looks. A task takes minutes on Vertex, of which its machine's start takes one or two."""


def follow(api: Api, run: Run, console: Console) -> Run:
    """Shows a run until it has ended.

    Args:
        api: Google Cloud.
        run: The run.
        console: Where to print.

    Returns:
        The run, which succeeded.

    Raises:
        VertexError: It failed or was cancelled, or Vertex could not be reached any more.
        KeyboardInterrupt: The person has enough; the run goes on.
    """
    shown: dict[str, str] = {}
    pause = _FIRST_PAUSE_SECONDS
    with console.status("waiting") as status:
        while True:
            run = read_run(api, run.id, run.name)
            _tell(run, shown, console)
            if run.has_ended:
                break
            running = [task.id for task in run.tasks if task.state == "running"]
            status.update(f"{run.state}{': ' if running else ''}{', '.join(running)}")
            time.sleep(pause)
            pause = min(pause * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)
    if run.state != SUCCEEDED:
        raise VertexError(_why(run, run_link(api.vertex, run.id)))
    return run


def _tell(run: Run, shown: dict[str, str], console: Console) -> None:
    """Prints each task whose state is another one than before."""
    for task in run.tasks:
        if task.state == shown.get(task.id) or task.state in ("pending", "unspecified"):
            continue
        shown[task.id] = task.state
        took = f" in {task.seconds:,.0f} s" if task.seconds is not None else ""
        style = "red" if task.state == FAILED else "default"
        console.print(f"[bold]{escape(task.id)}[/] [{style}]{task.state}[/]{took}", highlight=False)


def _why(run: Run, link: str) -> str:
    failed = [f"  {task.id}: {task.error or 'no message'}" for task in run.tasks if task.state == FAILED]
    lines = [
        f"the run {run.id} {'was ' if run.state != FAILED else ''}{run.state}{': ' if run.error else '.'}{run.error}"
    ]
    lines += [*failed, f"See `perennial vertex show {run.id}`, or its tasks' logs: {link}"]
    return "\n".join(lines)
