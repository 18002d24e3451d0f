"""How long the tasks of a pipeline take: on Vertex if it ran there, else in the rehearsals on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass

from configs.pipeline import PipelineConfig
from pipeline.cloud.client import Api
from pipeline.ground.home import local_rehearsal_dir
from pipeline.job.rehearsal.records import RUNS_DIR, Records
from pipeline.runners.vertex.runs import SUCCEEDED, get_run, read_runs

_RUNS = 5
"""How many succeeded runs are looked at: a task that the cache answered last time may have run the time before."""


@dataclass(frozen=True)
class Times:
    """How long tasks took."""

    seconds: dict[str, float]
    sources: tuple[str, ...]
    """Where the times come from, for people; empty if there are none."""


def task_times(api: Api | None, config: PipelineConfig, tasks: Iterable[str]) -> Times:
    """The newest time of each task.

    Args:
        api: Google Cloud. None: it is not asked.
        config: The pipeline.
        tasks: The tasks' ids.

    Returns:
        Times, without the tasks that never ran.

    Raises:
        VertexError: Vertex refused, or could not be reached.
    """
    missing, seconds, sources = set(tasks), dict[str, float](), list[str]()
    if api is not None:
        for run in read_runs(api, config.name, _RUNS, SUCCEEDED):
            took = {task.id: task.seconds for task in get_run(api, run.name).tasks}
            found = {name: taken for name in missing if (taken := took.get(name)) is not None}
            if found:
                sources.append(f"run {run.id}")
            seconds |= found
            missing -= set(found)
            if not missing:
                break
    rehearsals = Records(local_rehearsal_dir(config) / RUNS_DIR, config.name)
    rehearsed = {name: took for name, took in rehearsals.seconds().items() if name in missing}
    if rehearsed:
        sources.append("the rehearsal on this machine, which is not Vertex's")
    return Times(seconds | rehearsed, tuple(sources))
