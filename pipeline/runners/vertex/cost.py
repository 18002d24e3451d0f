"""Estimates the cost of a run: the resources of each task, times its last duration, times the config's prices.

It assumes that no task uses a cached result, and that Dataflow runs all its workers for the whole of a task. It leaves
out storage, network, the start of machines, and the retries of `vertex.retries`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import VertexError
from configs.vertex.cost import Cost, Prices
from configs.vertex.machines import Accelerator, Resources
from configs.vertex.section import Vertex
from pipeline.job.compiled import CompiledJob
from pipeline.job.lint.subject import Subject

_CUSTOM_JOB = "trainer.custom_job"
"""The executor's module in the arguments of a task that trains in a CustomJob."""

_DATAFLOW = "DataflowRunner"
"""The runner in the flags of a task whose Beam pipeline runs on Dataflow."""

_UNKNOWN_CUSTOM_JOB = "a CustomJob without vertex.custom_job"
_UNKNOWN_DATAFLOW = "Dataflow without vertex.dataflow"
"""Machines of a job that was compiled with another config; they have no price."""


@dataclass(frozen=True)
class Holdings:
    """The resources that one task holds while it runs."""

    cpus: float = 0.0
    memory_gb: float = 0.0
    accelerators: Mapping[str, int] = field(default_factory=dict)
    """GPUs by type."""

    machines: Mapping[str, int] = field(default_factory=dict)
    """Whole machines by type: the machine of a CustomJob, or Dataflow's workers."""


@dataclass(frozen=True)
class TaskCost:
    """One task's share of the cost."""

    task: str
    holdings: Holdings
    seconds: float | None
    """How long it took last time; None if that is unknown."""

    price: float | None
    """Price of the resources that have one, in the prices' currency; None without prices or without a time."""

    @property
    def hours(self) -> float:
        """How long it took, in hours; 0 if that is unknown."""
        return (self.seconds or 0.0) / 3600


@dataclass(frozen=True)
class Estimate:
    """A run's cost."""

    tasks: tuple[TaskCost, ...]
    total: float | None
    """Sum over the tasks that have a price and a time, in the prices' currency; None if there is no such task."""

    currency: str
    """ISO 4217; empty without prices."""

    untimed: tuple[str, ...]
    """Tasks whose duration is unknown."""

    unpriced: tuple[str, ...]
    """Types of machines and GPUs that have no price."""


def holdings(job: CompiledJob, vertex: Vertex) -> dict[str, Holdings]:
    """Lists the resources that each task of a job holds.

    Args:
        job: The compiled job, which has each container's resources.
        vertex: The config's section, for the machines of CustomJob and Dataflow.

    Returns:
        Holdings by the task's id, which includes the names of the DAGs around it. Importers and resolvers have no
        container and are left out.
    """
    return {
        task.id: _holdings(task.executor.container, vertex)
        for task in Subject(job, None).tasks
        if task.executor.WhichOneof("spec") == "container"
    }


def estimate(held: Mapping[str, Holdings], seconds: Mapping[str, float], prices: Prices | None) -> Estimate:
    """Estimates a run's cost.

    Args:
        held: The resources of each task.
        seconds: How long each task took.
        prices: The prices of the resources. None: the estimate has only hours.

    Returns:
        The estimate.
    """
    types = {name for one in held.values() for name in one.accelerators}
    machines = {name for one in held.values() for name in one.machines}
    unpriced: list[str] = []
    if prices is not None:
        unpriced = sorted((types - set(prices.accelerator_hour)) | (machines - set(prices.machine_hour)))
    tasks = tuple(
        TaskCost(name, one, seconds.get(name), _price(one, seconds.get(name), prices))
        for name, one in sorted(held.items())
    )
    priced = [task.price for task in tasks if task.price is not None]
    return Estimate(
        tasks=tasks,
        total=sum(priced) + prices.run if prices is not None and priced else None,
        currency=prices.currency if prices is not None else "",
        untimed=tuple(task.task for task in tasks if task.seconds is None),
        unpriced=tuple(unpriced),
    )


def check_ceiling(estimated: Estimate, cost: Cost) -> None:
    """Refuses a run that would cost more than the ceiling, or whose cost is unknown.

    Args:
        estimated: The estimate.
        cost: The config's prices and ceiling.

    Raises:
        VertexError: The run would cost too much, or a time or a price is missing.
    """
    ceiling = cost.ceiling
    if ceiling is None:
        return
    limit = f"{ceiling:,.2f} {cost.prices.currency}"
    if estimated.total is not None and estimated.total > ceiling:
        dearest = max(estimated.tasks, key=lambda task: task.price or 0.0)
        raise VertexError(
            f"the run would cost {estimated.total:,.2f} {estimated.currency}, more than vertex.cost.ceiling, which is "
            f"{limit}. The most expensive task is {dearest.task}, {dearest.price or 0.0:,.2f}. Give it fewer "
            "resources, raise the ceiling, or submit with --without-estimate."
        )
    if len(estimated.untimed) == len(estimated.tasks):
        raise VertexError(
            f"vertex.cost.ceiling is {limit}, but no run has succeeded yet, so the tasks' times are unknown. Rehearse "
            "with `perennial vertex rehearse`, whose times are used then, or submit with --without-estimate."
        )
    if estimated.untimed:
        raise VertexError(
            f"vertex.cost.ceiling is {limit}, but the time of {', '.join(estimated.untimed)} is unknown. Rehearse "
            "with `perennial vertex rehearse`, or submit with --without-estimate."
        )
    if estimated.unpriced:
        raise VertexError(
            f"vertex.cost.ceiling is {limit}, but vertex.cost.prices has no price for {', '.join(estimated.unpriced)}. "
            "Add it under accelerator_hour or machine_hour, or submit with --without-estimate."
        )


def _holdings(container: "pb.PipelineDeploymentConfig.PipelineContainerSpec", vertex: Vertex) -> Holdings:
    default, resources = Resources(), container.resources
    accelerators = {resources.accelerator.type: resources.accelerator.count} if resources.accelerator.count else {}
    machines: dict[str, int] = {}
    if any(_CUSTOM_JOB in argument for argument in container.args):
        machines[vertex.custom_job.machine_type if vertex.custom_job is not None else _UNKNOWN_CUSTOM_JOB] = 1
        _add(accelerators, vertex.custom_job.accelerator if vertex.custom_job is not None else None)
    if any(_DATAFLOW in argument for argument in container.args):
        machine = vertex.dataflow.machine_type if vertex.dataflow is not None else _UNKNOWN_DATAFLOW
        workers = vertex.dataflow.max_workers if vertex.dataflow is not None else 1
        machines[machine] = machines.get(machine, 0) + workers
    return Holdings(
        cpus=resources.cpu_limit or default.cpu,
        memory_gb=resources.memory_limit or default.memory_gb,
        accelerators=accelerators,
        machines=machines,
    )


def _add(accelerators: dict[str, int], accelerator: Accelerator | None) -> None:
    if accelerator is not None:
        accelerators[accelerator.type] = accelerators.get(accelerator.type, 0) + accelerator.count


def _price(held: Holdings, seconds: float | None, prices: Prices | None) -> float | None:
    if seconds is None or prices is None:
        return None
    an_hour = held.cpus * prices.cpu_hour + held.memory_gb * prices.gb_hour
    an_hour += sum(count * prices.accelerator_hour.get(name, 0.0) for name, count in held.accelerators.items())
    an_hour += sum(count * prices.machine_hour.get(name, 0.0) for name, count in held.machines.items())
    return an_hour * seconds / 3600
