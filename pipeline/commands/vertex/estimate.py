"""Estimates the cost of a run before it is started."""

from typing import TYPE_CHECKING

from pipeline.ground.terminal import console, say

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from pipeline.cloud.client import Api
    from pipeline.job.compiled import CompiledJob


def estimate_run(api: "Api | None", config: "PipelineConfig", job: "CompiledJob") -> None:
    """Shows the estimate on standard error, since standard output has the request or the run's id."""
    assert config.vertex is not None
    from pipeline.commands.vertex.showing import show_estimate
    from pipeline.runners.vertex.cost import check_ceiling, estimate, holdings
    from pipeline.runners.vertex.times import task_times

    held = holdings(job, config.vertex)
    times = task_times(api, config, held)
    cost = config.vertex.cost
    estimated = estimate(held, times.seconds, cost.prices if cost else None)
    show_estimate(estimated, times.sources, console(stderr=True))
    if cost is None:
        return
    if api is None and estimated.untimed:
        say("The ceiling was not checked: a dry run does not ask Vertex for the times of earlier runs.", True)
    else:
        check_ceiling(estimated, cost)
