"""Lint has nothing to say of what this project compiles, whatever a config's `vertex` section holds."""

from pathlib import Path
from typing import Any

import pytest

from configs.load import DEFAULT_CONFIG, load_config
from configs.pipeline import PipelineConfig
from pipeline.job.compiled import read_job
from pipeline.job.lint import job_findings, pipeline_findings
from pipeline.runners.vertex.compile import compile_job, vertex_pipeline
from pipeline.runners.vertex.context import job_context
from tests.pipeline.vertex_settings import config_with

FOR_VERTEX = [path for path in sorted(DEFAULT_CONFIG.parent.glob("*.yaml")) if load_config(path).vertex is not None]
IMAGE = "europe-docker.pkg.dev/shop/recommender/serving:latest"


def _nothing_found(config: PipelineConfig, folder: Path) -> None:
    assert pipeline_findings(vertex_pipeline(config)[1]) == []
    assert job_findings(read_job(compile_job(config, str(folder))), job_context(config)) == []


@pytest.mark.parametrize("path", FOR_VERTEX, ids=lambda path: path.stem)
def test_findings_of_each_config_are_none(path: Path, tmp_path: Path) -> None:
    assert DEFAULT_CONFIG in FOR_VERTEX
    _nothing_found(load_config(path), tmp_path)


@pytest.mark.parametrize(
    "vertex",
    [
        {"custom_job": {"machine_type": "n1-standard-8", "accelerator": {"type": "NVIDIA_TESLA_T4", "count": 2}}},
        {"dataflow": {"max_workers": 5, "image": f"{IMAGE.partition(':')[0]}@sha256:{'0' * 64}"}},
        {"registry": {"serving_image": IMAGE, "endpoint": {"display_name": "recommender"}}},
        {"retries": {"max_count": 2}, "labels": {"team": "shop"}, "failure_policy": "fast"},
        {
            "tensorboard": "projects/1/locations/europe-west4/tensorboards/2",
            "experiment": "films",
            "custom_job": {"machine_type": "n1-standard-8"},
        },
    ],
    ids=lambda vertex: next(iter(vertex)),
)
def test_findings_of_each_way_to_run_are_none(vertex: dict[str, Any], tmp_path: Path) -> None:
    _nothing_found(config_with(**vertex), tmp_path)


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_findings_of_a_comparison_and_of_a_search_are_none(ending: str, tmp_path: Path) -> None:
    config = load_config(DEFAULT_CONFIG)
    for each, search in ((config.compared(), False), (config.searched(), True)):
        assert pipeline_findings(vertex_pipeline(each, search=search)[1]) == []
        job = compile_job(each, str(tmp_path), f"job.{ending}", search=search)
        assert job_findings(read_job(job), job_context(each)) == []
