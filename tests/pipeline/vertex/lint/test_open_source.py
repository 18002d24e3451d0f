"""What Kubeflow Pipelines' own backend lacks, told of its YAML alone."""

from pathlib import Path

import pytest

from configs.load import DEFAULT_CONFIG, load_config
from pipeline.vertex.compile import compile_job
from pipeline.vertex.job import read_job
from tests.pipeline.vertex.lint.planted import found, places

RESOLVER, CACHED = "kfp-resolver", "kfp-cached-example-gen"


@pytest.mark.parametrize("cache", [True, False])
def test_yaml_resolvers_and_cached_example_gens_are_errors(cache: bool, tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG).model_copy(update={"enable_cache": cache})
    job = read_job(compile_job(config, str(tmp_path), "job.yaml"))
    assert [task for task, _ in places(found(job, RESOLVER))] == [
        "LatestBlessedModel-model-blessing-resolver",
        "LatestBlessedModel-model-resolver",
    ]
    assert [task for task, _ in places(found(job, CACHED))] == (["CatalogueGen", "InteractionGen"] if cache else [])


def test_json_is_vertexs_and_has_none(tmp_path: Path) -> None:
    job = read_job(compile_job(load_config(DEFAULT_CONFIG), str(tmp_path)))
    assert found(job, RESOLVER, CACHED) == []
