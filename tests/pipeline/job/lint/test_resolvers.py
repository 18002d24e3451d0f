"""Resolvers that Vertex has no query for, and blessings that its query finds no model by."""

from typing import Any

import pytest
from tfx.components.evaluator import executor as evaluator
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common import resolver
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.dsl.input_resolution.strategies.span_range_strategy import SpanRangeStrategy
from tfx.proto import range_config_pb2
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from pipeline.ground.artifacts import DataBlessing
from tests.pipeline.job.lint.planted import Executor, component, found, job_of, pipeline_of, places


class Judge(evaluator.Executor):
    """TFX's entry point knows it for an evaluator."""


def _resolver(strategy: type, config: Any = None, **types: type) -> BaseNode:
    channels = {key: Channel(type=kind) for key, kind in types.items()}
    return Resolver(strategy_class=strategy, config=config, **channels).with_id("Latest")


def test_resolver_of_another_strategy_is_an_error_as_the_compiler_has_it() -> None:
    spans = range_config_pb2.RangeConfig(rolling_range=range_config_pb2.RollingRange(num_spans=2))
    node = _resolver(SpanRangeStrategy, {"range_config": spans}, examples=standard_artifacts.Examples)
    pipeline = pipeline_of(node)
    (finding,) = found(pipeline, "resolver-strategy")
    assert (finding.severity, finding.task) == ("error", "Latest")
    assert "SpanRangeStrategy" in finding.why
    with pytest.raises(TypeError, match="Unexpected resolver policy"):
        job_of(pipeline)


def test_resolver_of_a_function_is_an_error_where_the_compiler_has_only_a_bare_error() -> None:
    pipeline = pipeline_of(resolver.Resolver(model=Channel(type=standard_artifacts.Model)).with_id("Latest"))
    (finding,) = found(pipeline, "resolver-strategy")
    assert "its function is not one of them" in finding.why
    with pytest.raises((KeyError, TypeError, AttributeError)):
        job_of(pipeline)


def test_resolver_of_several_artifacts_is_an_error_as_the_compiler_has_it() -> None:
    node = _resolver(LatestArtifactStrategy, {"desired_num_of_artifacts": 2}, model=standard_artifacts.Model)
    pipeline = pipeline_of(node)
    assert "2 artifacts" in found(pipeline, "resolver-strategy")[0].why
    with pytest.raises(ValueError, match="desired_num_of_artifacts=1"):
        job_of(pipeline)


def test_resolver_of_a_type_of_ones_own_is_a_warning_and_asks_for_no_such_title() -> None:
    pipeline = pipeline_of(_resolver(LatestArtifactStrategy, blessing=DataBlessing))
    (finding,) = found(pipeline, "resolver-of-own-type")
    assert (finding.severity, finding.where) == ("warning", "input blessing")
    query = job_of(pipeline).deployment.executors["Latest_executor"].resolver.output_artifact_queries["blessing"]
    assert 'schema_title="tfx.Artifact"' in query.filter


def test_resolvers_that_vertex_has_a_query_for_are_none() -> None:
    blessed = _resolver(
        LatestBlessedModelStrategy,
        model=standard_artifacts.Model,
        model_blessing=standard_artifacts.ModelBlessing,
    )
    latest = _resolver(LatestArtifactStrategy, model=standard_artifacts.Model).with_id("Other")
    assert found(pipeline_of(blessed, latest), "resolver-strategy", "resolver-of-own-type", "union-channel") == []


@pytest.mark.parametrize(
    ("executor", "key", "resolved", "faults"),
    [
        (Executor, "blessing", True, 1),
        (Judge, "verdict", True, 1),
        (Judge, "blessing", True, 0),
        (Executor, "blessing", False, 0),
    ],
)
def test_blessing_that_the_resolver_finds_no_model_by_is_an_error(
    executor: type, key: str, resolved: bool, faults: int
) -> None:
    nodes = [component(executor, outputs={key: standard_artifacts.ModelBlessing})]
    if resolved:
        types = {"model": standard_artifacts.Model, "model_blessing": standard_artifacts.ModelBlessing}
        nodes.append(_resolver(LatestBlessedModelStrategy, **types))
    findings = found(pipeline_of(*nodes), "blessing-without-model-name")
    assert places(findings) == [("Own", f"output {key}")] * faults
