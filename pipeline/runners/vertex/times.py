"""Finds out how long the tasks of a pipeline take: from its runs on Vertex, else from rehearsals on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass

from configs.pipeline import PipelineConfig
from pipeline.cloud.client import Api
from pipeline.ground.home import local_rehearsal_dir
from pipeline.job.rehearsal.records import RUNS_DIR, Records
from pipeline.runners.vertex.runs import SUCCEEDED, get_run, read_runs

_RUNS = 5
"""How many succeeded runs to read: a task that used a cached result in the last run may have run in the one before."""


@dataclass(frozen=True)
class Times:
    """How long tasks took, in seconds by task id."""

    seconds: dict[str, float]
    sources: tuple[str, ...]
    """Where the times are from, for people; empty if there are no times."""


def task_times(api: Api | None, config: PipelineConfig, tasks: Iterable[str]) -> Times:
    """Finds the newest duration of each task.

    Args:
        api: Google Cloud. None: only rehearsals are read.
        config: The pipeline.
        tasks: The tasks' ids.

    Returns:
        The times; tasks that never ran are left out.

    Raises:
        VertexError: Vertex refused, or could not be reached.
    """
    missing, seconds, sources = set(tasks), dict[str, float](), list[str]()
    if api is not None:
        for run in read_runs(api, config.name, _RUNS, SUCCEEDED):
            took = {task.id: task.seconds for task in get_run(api, run.name).tasks}
            found = {name: duration for name in missing if (duration := took.get(name)) is not None}
            if found:
                sources.append(f"run {run.id}")
            seconds |= found
            missing -= set(found)
            if not missing:
                break
    rehearsals = Records(local_rehearsal_dir(config) / RUNS_DIR, config.name)
    rehearsed = {name: took for name, took in rehearsals.seconds().items() if name in missing}
    if rehearsed:
        sources.append("the rehearsal on this machine, not on Vertex")
    return Times(seconds | rehearsed, tuple(sources))
