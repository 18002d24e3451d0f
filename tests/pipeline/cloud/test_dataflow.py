"""Beam components on Dataflow: the flags, the job that Beam makes of them, and what its workers would run."""

import re
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal import apiclient
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner
from apache_beam.transforms import environments
from pydantic import ValidationError
from tfx import types
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from documents.catalogue import CatalogueReport
from documents.cleaning import CleaningReport
from pipeline.cloud.dataflow import RUNNER, dataflow_args
from pipeline.cloud.dataflow_runner import DataflowRunner
from pipeline.components.catalogue_gen import executor as catalogue_gen
from pipeline.components.catalogue_gen.component import CatalogueGen
from pipeline.components.interaction_gen import executor as interaction_gen
from pipeline.components.interaction_gen.component import InteractionGen
from pipeline.job.compiled import parse_job
from pipeline.runners.vertex.cost import holdings
from tests import forked, ingest
from tests.pipeline.vertex_settings import config_with, containers_of, job_with

BEAM_TASKS = {"InteractionGen", "CatalogueGen", "InteractionsStatisticsGen", "CatalogueStatisticsGen",
              "InteractionTransform", "CatalogueTransform"}  # fmt: skip
ROOT = "gs://example-bucket/perennial/movielens-100k/artifacts"
DRY = "--dry_run=True"  # translated, not submitted
SUBNETWORK = "regions/europe-west1/subnetworks/workers"


def args_of(labels: dict[str, str] | None = None, **dataflow: Any) -> list[str]:
    config = config_with(dataflow=dataflow, labels=labels or {})
    assert config.vertex is not None
    args = dataflow_args(config.vertex, config.name)
    assert args is not None
    return list(args)


EVERYTHING: dict[str, Any] = {
    "region": "europe-west1",
    "max_workers": 7,
    "machine_type": "n2-standard-8",
    "disk_size_gb": 60,
    "image": "europe-docker.pkg.dev/p/r/workers@sha256:0",
    "subnetwork": SUBNETWORK,
    "public_ips": False,
    "timeout_seconds": 7200,
}


def test_dataflow_args_without_the_section_are_none_and_the_job_keeps_the_configs() -> None:
    config = config_with()
    assert config.vertex is not None
    assert dataflow_args(config.vertex, config.name) is None
    for task in ("InteractionGen", "InteractionTransform", "CatalogueStatisticsGen"):
        assert containers_of(job_with())[task]["args"][-4:] == list(config.beam_pipeline_args)


def test_dataflow_args_are_options_that_beam_knows_with_the_values_of_the_config() -> None:
    # What Beam does not know is left out here, and would be on Vertex.
    known = PipelineOptions(args_of({"team": "films"}, **EVERYTHING)).get_all_options(drop_default=True)
    assert known == {
        "runner": RUNNER,
        "project": "example-project",
        "region": "europe-west1",
        "temp_location": f"{ROOT}/dataflow/temp",
        "staging_location": f"{ROOT}/dataflow/staging",
        "max_num_workers": 7,
        "machine_type": "n2-standard-8",
        "disk_size_gb": 60,
        "sdk_container_image": "europe-docker.pkg.dev/p/r/workers@sha256:0",
        "service_account_email": "perennial-pipeline@example-project.iam.gserviceaccount.com",
        "subnetwork": SUBNETWORK,
        "use_public_ips": False,
        "dataflow_service_options": ["max_workflow_runtime_walltime_seconds=7200"],
        "labels": ["pipeline=movielens-100k", "team=films"],
    }


def test_dataflow_args_defaults_are_the_pipelines_own_region_and_image() -> None:
    known = PipelineOptions(args_of()).get_all_options(drop_default=True)
    config = config_with()
    assert config.vertex is not None
    assert (known["region"], known["sdk_container_image"]) == (config.vertex.region, config.vertex.image)
    assert not {"use_public_ips", "subnetwork", "setup_file"} & known.keys()


def test_dataflow_args_setup_file_stands_instead_of_an_image() -> None:
    known = PipelineOptions(args_of(setup_file="/opt/perennial/setup.py")).get_all_options(drop_default=True)
    assert known["setup_file"] == "/opt/perennial/setup.py"
    assert "sdk_container_image" not in known


def test_dataflow_config_with_image_and_setup_file_refused() -> None:
    with pytest.raises(ValidationError, match="image and setup_file exclude each other"):
        args_of(image="a/b", setup_file="setup.py")


@pytest.mark.parametrize("settings", [EVERYTHING, {}, {"setup_file": "/opt/perennial/setup.py"}])
def test_dataflow_args_pass_beams_own_validator(settings: dict[str, Any]) -> None:
    options = PipelineOptions([*args_of(**settings), DRY])
    validator = PipelineOptionsValidator(options, create_runner(RUNNER))
    assert validator.is_service_runner()  # else it looks at little
    assert validator.validate() == []


def test_compiled_job_beam_tasks_have_the_flags_of_dataflow_and_none_of_this_machine() -> None:
    containers = containers_of(job_with(dataflow=EVERYTHING))
    assert containers.keys() >= BEAM_TASKS
    for task in BEAM_TASKS:
        args = containers[task]["args"]
        assert args[-len(args_of(**EVERYTHING)) :] == args_of(**EVERYTHING), task
        assert not [arg for arg in args if arg.startswith("--direct_") or arg.endswith("=none")], task


def test_compiled_job_is_known_to_hold_dataflows_workers() -> None:
    vertex = config_with(dataflow=EVERYTHING).vertex
    assert vertex is not None
    held = holdings(parse_job(job_with(dataflow=EVERYTHING), "job.json"), vertex)
    assert [held[task].machines for task in sorted(BEAM_TASKS)] == [{"n2-standard-8": 7}] * len(BEAM_TASKS)


def of(message: Any, field: str) -> Any:
    """A field of Dataflow's API, which Beam's two lines have from two libraries: one spells it with underscores."""
    return getattr(message, field if hasattr(message, field) else re.sub("([A-Z])", r"_\1", field).lower())


def test_dataflow_job_of_beam_has_the_workers_of_the_config() -> None:
    runner = DataflowRunner()
    options = PipelineOptions([*args_of({"team": "films"}, **EVERYTHING), DRY])
    with beam.Pipeline(runner=runner, options=options) as pipeline:
        _ = pipeline | beam.Create([1])
    sent = apiclient.Environment([], options, "8", "gs://staged", runner.proto_pipeline).proto
    (pool,) = of(sent, "workerPools")
    assert (of(pool, "machineType"), of(pool, "diskSizeGb")) == ("n2-standard-8", 60)
    assert of(of(pool, "autoscalingSettings"), "maxNumWorkers") == 7
    assert (of(pool, "subnetwork"), of(pool, "ipConfiguration").name) == (SUBNETWORK, "WORKER_IP_PRIVATE")
    images = [of(image, "containerImage") for image in of(pool, "sdkHarnessContainerImages")]
    assert images == [EVERYTHING["image"]]
    assert list(of(sent, "serviceOptions")) == ["max_workflow_runtime_walltime_seconds=7200"]
    assert of(sent, "serviceAccountEmail") == "perennial-pipeline@example-project.iam.gserviceaccount.com"
    assert of(sent, "tempStoragePrefix").startswith("storage.googleapis.com/example-bucket/perennial/")


class OnWorkers(DataflowRunner):
    """Translates as for Dataflow, and runs what would be uploaded, and nothing else, in processes of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.uploaded = b""

    def run_pipeline(self, pipeline: Any, options: Any, pipeline_proto: Any = None) -> Any:
        super().run_pipeline(pipeline, options, pipeline_proto)
        self.uploaded = self.proto_pipeline.SerializeToString()
        received = beam_runner_api_pb2.Pipeline.FromString(self.uploaded)
        worker = environments.SubprocessSDKEnvironment.from_command_string(
            f"{forked.python()} -m apache_beam.runners.worker.sdk_worker_main"
        ).to_runner_api(None)
        for environment in received.components.environments.values():
            environment.urn, environment.payload = worker.urn, worker.payload
            del environment.dependencies[:]
        return FnApiRunner().run_via_runner_api(received, PipelineOptions([]))


def run(executor_class: Any, component: Any, inputs: dict[str, Any], out: Path, report_file: str) -> Any:
    """What ends in the artifact, and what was uploaded for it."""
    runner = OnWorkers()
    context = BaseBeamExecutor.Context(
        make_beam_pipeline_fn=lambda: beam.Pipeline(
            runner=runner, options=PipelineOptions([*args_of(**EVERYTHING), DRY])
        )
    )
    examples = ingest._artifact(out)
    executor_class(context).Do(inputs, {"examples": [examples]}, ingest._properties(component))
    return ingest._read(examples, report_file), runner.uploaded


@pytest.mark.e2e
def test_ingest_as_uploaded_to_dataflow_writes_what_it_writes_here_and_holds_nothing_of_this_machine(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.csv"
    rows = [f"u{n % 17},i{n * 7 % 13},{n % 5 + 1},{1_700_000_000 + n}" for n in range(600)]
    path.write_text("\n".join(["user_id,item_id,rating,timestamp", *rows]) + "\n")
    log, interactions = ingest.log_config(num_shards=2), types.Channel(type=standard_artifacts.Examples)

    here = ingest.run_interaction_gen(log, str(path), tmp_path / "here")
    component: Any = InteractionGen(log, str(path))
    there, uploaded = run(interaction_gen.Executor, component, {}, tmp_path / "there", CleaningReport.FILE)
    assert (here.splits, here.report) == (there.splits, there.report)

    items = ingest.run_catalogue_gen(None, str(path), here.artifact, tmp_path / "items")
    component = CatalogueGen(None, str(path), interactions)
    inputs = {"interactions": [here.artifact]}
    items_there, items_uploaded = run(
        catalogue_gen.Executor, component, inputs, tmp_path / "items-there", CatalogueReport.FILE
    )
    assert (items.splits, items.report) == (items_there.splits, items_there.report)

    # In this test, input and output are of this machine; nothing else may be.
    for sent in (uploaded, items_uploaded):
        assert str(Path.cwd()).encode() not in sent.replace(str(tmp_path).encode(), b"")
