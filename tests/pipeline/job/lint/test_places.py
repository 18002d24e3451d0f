"""Places of this machine in a compiled job."""

from pathlib import Path

import pytest
from tfx.components import Pusher
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.common.importer import Importer
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts

from configs.load import DEFAULT_CONFIG, load_config
from configs.pipeline import PipelineConfig
from pipeline.pipeline import CATALOGUE_DIR, LOG_DIR, create_pipeline
from pipeline.runners.places import local_places
from tests.pipeline.job.lint.planted import example_gen, found, job_of, pipeline_of, places

RULE = "local-path"


@pytest.mark.parametrize("path", ["/srv/log", "data/log", "./log", "~/log", "file:///srv/log"])
def test_input_of_this_machine_is_an_error(path: str) -> None:
    (finding,) = found(job_of(pipeline_of(example_gen(path))), RULE)
    assert (finding.severity, finding.task, finding.where) == ("error", "CsvExampleGen", "parameter input_base")
    assert finding.why.startswith(f"{path} is a path of one machine")


@pytest.mark.parametrize("root", ["/srv/root", "root", "file:///srv/root"])
def test_root_of_this_machine_is_an_error(root: str) -> None:
    job = job_of(pipeline_of(example_gen(), root=root))
    assert places(found(job, RULE)) == [(None, "runtimeConfig.gcsOutputDirectory")]


def test_schema_push_and_imported_artifact_of_this_machine_are_errors() -> None:
    schema = ImportSchemaGen(schema_file="schema.pbtxt").with_id("Schema")
    model = Importer(source_uri="/srv/model", artifact_type=standard_artifacts.Model).with_id("Model")
    pusher = Pusher(
        model=model.outputs["result"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory="/srv/serving")
        ),
    )
    assert places(found(job_of(pipeline_of(schema, model, pusher)), RULE)) == [
        ("Model", "parameter artifact_uri"),
        ("Pusher", "parameter push_destination, base_directory"),
        ("Schema", "parameter schema_file"),
    ]


def test_beam_folder_of_this_machine_is_an_error_and_an_image_is_none() -> None:
    flags = [
        "--runner=DataflowRunner",
        "--temp_location=/tmp/beam",
        "--staging_location=gs://bucket/beam",
        "--setup_file=/app/setup.py",
    ]
    job = job_of(pipeline_of(example_gen(), beam_pipeline_args=flags))
    assert places(found(job, RULE)) == [("CsvExampleGen", "Beam flag --temp_location")]


@pytest.mark.parametrize("runner", [[], ["--runner=DirectRunner"]])
def test_beam_folder_of_this_machine_is_none_where_beam_runs_in_the_task(runner: list[str]) -> None:
    job = job_of(pipeline_of(example_gen(), beam_pipeline_args=[*runner, "--temp_location=/tmp/beam"]))
    assert found(job, RULE) == []


def test_own_pipeline_with_the_places_of_this_machine_has_each_of_them_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config: PipelineConfig = load_config(DEFAULT_CONFIG).model_copy(update={"output_dir": str(tmp_path)})
    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    (tmp_path / config.name).mkdir()
    folders = dict.fromkeys((LOG_DIR, CATALOGUE_DIR), str(tmp_path / config.name))
    job = job_of(create_pipeline(config, local_places(config)), values=folders)
    assert places(found(job, RULE)) == [
        (None, "runtimeConfig.gcsOutputDirectory"),
        ("CatalogueGen", "parameter input_base"),
        ("CatalogueSchemaGen", "parameter schema_file"),
        ("InteractionGen", "parameter input_base"),
        ("InteractionsSchemaGen", "parameter schema_file"),
        ("Pusher", "parameter push_destination, base_directory"),
    ]
