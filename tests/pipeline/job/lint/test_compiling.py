"""Lint at compile time: errors are refused and nothing is written, warnings are logged."""

import logging
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from common.errors import JobError
from configs.load import DEFAULT_CONFIG, load_config
from pipeline.runners.vertex import compile as compiling
from tests.pipeline.job.lint.planted import example_gen, pipeline_of, trainer
from tests.pipeline.vertex_settings import config_with


def _old_kind(*_: Any, **__: Any) -> Pipeline:
    examples = example_gen()
    return pipeline_of(examples, trainer(examples, custom_config={"catalogue": examples.outputs["examples"]}))


def _with_a_local_path(*_: Any, **__: Any) -> Pipeline:
    return pipeline_of(example_gen("/srv/log"))


def _with_a_resolver(*_: Any, **__: Any) -> Pipeline:
    latest = Resolver(
        strategy_class=LatestArtifactStrategy,
        model=Channel(type=standard_artifacts.Model),
    )
    return pipeline_of(latest.with_id("Latest"))


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (_old_kind, r"channel-in-custom-config: Trainer; parameter custom_config, field catalogue"),
        (_with_a_local_path, r"local-path: CsvExampleGen; parameter input_base: /srv/log is a path"),
    ],
)
def test_compile_job_what_would_fail_is_refused_with_the_findings_and_nothing_is_written(
    pipeline: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "create_pipeline", pipeline)
    with pytest.raises(JobError, match=r"nothing was written or sent\. Lint found 1 error\(s\):\n  " + message):
        compiling.compile_job(load_config(DEFAULT_CONFIG), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_compile_job_what_would_surprise_is_logged_once_for_all_tasks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "perennial.vertex.lint")
    config = config_with(image="repository/image:latest", service_account=None)
    assert compiling.compile_job(config, str(tmp_path)).exists()
    messages = [record.getMessage() for record in caplog.records if record.name == "perennial.vertex.lint"]
    assert [line.split(":")[0] for line in messages] == ["moving-image-tag", "no-service-account"]
    assert "CatalogueGen" in messages[0] and "Trainer" in messages[0]


def test_compile_job_yaml_with_a_resolver_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "create_pipeline", _with_a_resolver)
    with pytest.raises(JobError, match="  kfp-resolver: Latest"):
        compiling.compile_job(load_config(DEFAULT_CONFIG), str(tmp_path), "job.yaml")
    assert list(tmp_path.iterdir()) == []
