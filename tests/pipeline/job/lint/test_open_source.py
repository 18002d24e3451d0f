"""What Kubeflow Pipelines' own backend lacks, told of its YAML alone."""

import json
from pathlib import Path

import pytest
import yaml

from configs.load import DEFAULT_CONFIG, load_config
from pipeline.job.compiled import read_job
from pipeline.runners.vertex.compile import compile_job
from tests.pipeline.job.lint.planted import found, places

RESOLVER, CACHED = "kfp-resolver", "kfp-cached-example-gen"


@pytest.mark.parametrize("cache", [True, False])
def test_yaml_of_vertexs_job_has_cached_example_gens_which_are_errors(cache: bool, tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"enable_cache": cache})
    job_file = compile_job(config, str(tmp_path))
    yaml_file = tmp_path / "job.yaml"
    yaml_file.write_text(yaml.safe_dump(json.loads(job_file.read_text())["pipelineSpec"]))
    job = read_job(yaml_file)
    assert [task for task, _ in places(found(job, CACHED))] == (["CatalogueGen", "InteractionGen"] if cache else [])


def test_yaml_of_our_own_has_none(tmp_path: Path) -> None:
    job = read_job(compile_job(load_config(DEFAULT_CONFIG), str(tmp_path), "job.yaml"))
    assert found(job, RESOLVER, CACHED) == []


def test_json_is_vertexs_and_has_none(tmp_path: Path) -> None:
    job = read_job(compile_job(load_config(DEFAULT_CONFIG), str(tmp_path)))
    assert found(job, RESOLVER, CACHED) == []
