from pathlib import Path
from typing import Any

import pytest

from common.errors import VertexError
from configs.vertex.cost import Cost, Prices
from configs.vertex.machines import Accelerator, Dataflow, WorkerPool
from configs.vertex.section import Vertex
from pipeline.job.compiled import CompiledJob, parse_job, read_job
from pipeline.runners.vertex.compile import compile_job
from pipeline.runners.vertex.cost import Estimate, Holdings, check_ceiling, estimate, holdings
from tests.pipeline.vertex_settings import config_with

PRICES = Prices(currency="EUR", cpu_hour=0.03, gb_hour=0.004, accelerator_hour={"NVIDIA_L4": 0.6}, run=0.03)
VERTEX = Vertex(
    project="example-project",
    region="europe-west4",
    pipeline_root="gs://example-bucket/a",
    data_dir="gs://example-bucket/b",
    serving_dir="gs://example-bucket/c",
    image="image",
)


def job(**executors: dict[str, Any]) -> CompiledJob:
    """A job with a task an executor."""
    return parse_job(
        {
            "pipelineInfo": {"name": "a"},
            "components": {name: {"executorLabel": name} for name in executors},
            "deploymentSpec": {"executors": executors},
            "root": {"dag": {"tasks": {name: {"componentRef": {"name": name}} for name in executors}}},
        },
        "job.json",
    )


def container(cpus: float = 2, gb: float = 8, gpus: int = 0, *args: str) -> dict[str, Any]:
    resources: dict[str, Any] = {"cpuLimit": cpus, "memoryLimit": gb}
    if gpus:
        resources["accelerator"] = {"type": "NVIDIA_L4", "count": str(gpus)}
    return {"container": {"resources": resources, "args": list(args)}}


def test_holdings_container_has_its_resources() -> None:
    assert holdings(job(Gen=container(2, 8), Train=container(8, 30, 2)), VERTEX) == {
        "Gen": Holdings(2, 8),
        "Train": Holdings(8, 30, {"NVIDIA_L4": 2}),
    }


def test_holdings_container_without_resources_has_vertex_default_machine() -> None:
    assert holdings(job(Gen={"container": {}}), VERTEX) == {"Gen": Holdings(4, 16)}


def test_holdings_resolver_and_importer_hold_nothing() -> None:
    assert set(holdings(job(Last={"resolver": {}}, Given={"importer": {}}, Gen=container()), VERTEX)) == {"Gen"}


def test_holdings_custom_job_is_a_machine_besides_the_trainers_task() -> None:
    pool = WorkerPool(machine_type="g2-standard-8", accelerator=Accelerator(type="NVIDIA_L4"))
    vertex = VERTEX.model_copy(update={"custom_job": pool})

    trainer = container(1, 4, 0, "--executor_class_path=pipeline.components.trainer.custom_job.Executor")
    found = holdings(job(Trainer=trainer, Gen=container()), vertex)

    assert found["Trainer"] == Holdings(1, 4, {"NVIDIA_L4": 1}, {"g2-standard-8": 1})
    assert found["Gen"] == Holdings(2, 8)


def test_holdings_task_on_dataflow_has_all_its_workers() -> None:
    vertex = VERTEX.model_copy(update={"dataflow": Dataflow(max_workers=7, machine_type="n1-standard-2")})
    on_dataflow = container(2, 8, 0, "--runner=DataflowRunner")

    found = holdings(job(Gen=on_dataflow, Gate=container()), vertex)

    assert found["Gen"].machines == {"n1-standard-2": 7}
    assert found["Gate"].machines == {}


def test_holdings_job_compiled_for_machines_that_the_config_lacks_has_no_price(tmp_path: Path) -> None:
    beam = container(2, 8, 0, "--runner=DataflowRunner")
    compiled = read_job(compile_job(config_with(custom_job={"machine_type": "n1-standard-8"}), str(tmp_path)))
    held = holdings(job(Gen=beam), VERTEX) | {"Train": holdings(compiled, VERTEX)["Trainer"]}

    found = estimate(held, {"Gen": 60, "Train": 60}, PRICES)

    assert found.unpriced == ("Dataflow without vertex.dataflow", "a CustomJob without vertex.custom_job")
    with pytest.raises(VertexError, match="no price for Dataflow without"):
        check_ceiling(found, Cost(prices=PRICES, ceiling=100))


def test_holdings_tasks_of_one_name_in_two_inner_dags_are_two() -> None:
    def inner(component: str) -> dict[str, Any]:
        return {"dag": {"tasks": {"Deep": {"componentRef": {"name": component}}}}}

    names = ("condition-1", "condition-2")
    document = {
        "pipelineInfo": {"name": "a"},
        "components": {
            "Gen": {"executorLabel": "Gen"},
            "Train": {"executorLabel": "Train"},
            "condition-1": inner("Gen"),
            "condition-2": inner("Train"),
        },
        "deploymentSpec": {"executors": {"Gen": container(2, 8), "Train": container(4, 16)}},
        "root": {"dag": {"tasks": {name: {"componentRef": {"name": name}} for name in names}}},
    }

    assert holdings(parse_job(document, "job.json"), VERTEX) == {
        "condition-1/Deep": Holdings(2, 8),
        "condition-2/Deep": Holdings(4, 16),
    }


def test_estimate_is_time_by_what_is_held_by_price() -> None:
    held = {"Gen": Holdings(2, 8), "Train": Holdings(8, 30, {"NVIDIA_L4": 2})}

    found = estimate(held, {"Gen": 1800, "Train": 7200, "Gone": 5}, PRICES)

    # By hand: half an hour of 2 × 0.03 + 8 × 0.004, two hours of 8 × 0.03 + 30 × 0.004 + 2 × 0.6, and the run.
    assert [task.price for task in found.tasks] == pytest.approx([0.046, 3.12])
    assert found.total == pytest.approx(0.046 + 3.12 + 0.03)
    assert (found.currency, found.untimed, found.unpriced) == ("EUR", (), ())


def test_estimate_without_prices_says_hours_alone() -> None:
    found = estimate({"Gen": Holdings(2, 8)}, {"Gen": 1800}, None)

    assert (found.total, found.currency, found.tasks[0].hours) == (None, "", 0.5)


def test_estimate_what_has_no_price_or_time_is_named() -> None:
    held = {
        "Gen": Holdings(2, 8, machines={"n1-standard-2": 3}),
        "Train": Holdings(2, 8, {"NVIDIA_A100": 1}),
        "New": Holdings(2, 8),
    }

    found = estimate(held, {"Gen": 60, "Train": 60}, PRICES)

    assert found.untimed == ("New",)
    assert found.unpriced == ("NVIDIA_A100", "n1-standard-2")


def estimated(seconds: dict[str, float], **accelerators: int) -> Estimate:
    return estimate({"Gen": Holdings(2, 8), "Train": Holdings(2, 8, accelerators)}, seconds, PRICES)


def test_check_ceiling_below_and_none_lets_pass() -> None:
    cheap = estimated({"Gen": 60, "Train": 60})

    check_ceiling(cheap, Cost(prices=PRICES, ceiling=0.05))
    check_ceiling(estimated({}), Cost(prices=PRICES))


@pytest.mark.parametrize(
    ("seconds", "accelerators", "said"),
    [
        (
            {"Gen": 60, "Train": 36000},
            {},
            r"would cost 0\.95 EUR, more than .* 0\.50 EUR\. The most expensive task is Train, 0\.92\.",
        ),
        ({}, {}, "perennial vertex rehearse"),
        ({"Gen": 60}, {}, "the time of Train is unknown"),
        ({"Gen": 60, "Train": 60}, {"NVIDIA_A100": 1}, "no price for NVIDIA_A100"),
        ({"Train": 36000}, {"NVIDIA_A100": 1}, "would cost"),
    ],
)
def test_check_ceiling_above_or_unknown_is_refused(
    seconds: dict[str, float], accelerators: dict[str, int], said: str
) -> None:
    with pytest.raises(VertexError, match=said):
        check_ceiling(estimated(seconds, **accelerators), Cost(prices=PRICES, ceiling=0.5))
