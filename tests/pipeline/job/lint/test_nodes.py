"""Nodes that the compiler refuses with a bare error."""

import pytest
from tfx.components import InfraValidator, StatisticsGen
from tfx.dsl.component.experimental.container_component import create_container_component
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.common.importer import Importer
from tfx.proto import infra_validator_pb2
from tfx.types import channel, standard_artifacts

from tests.pipeline.job.lint.planted import component, counter, example_gen, found, job_of, pipeline_of, places


def test_union_of_channels_is_an_error_where_the_compiler_has_only_a_type_error() -> None:
    first, second = example_gen().with_id("First"), example_gen().with_id("Second")
    both = channel.union([first.outputs["examples"], second.outputs["examples"]])
    pipeline = pipeline_of(first, second, StatisticsGen(examples=both))
    (finding,) = found(pipeline, "union-channel")
    assert (finding.severity, finding.task, finding.where) == ("error", "StatisticsGen", "input examples")
    with pytest.raises(TypeError, match="Only single Channel is supported"):
        job_of(pipeline)


def test_infra_validator_is_an_error_as_the_compiler_has_it() -> None:
    model = Importer(source_uri="gs://bucket/model", artifact_type=standard_artifacts.Model).with_id("Model")
    validator = InfraValidator(
        model=model.outputs["result"],
        serving_spec=infra_validator_pb2.ServingSpec(
            tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=["latest"]),
            local_docker=infra_validator_pb2.LocalDockerConfig(),
        ),
    )
    pipeline = pipeline_of(model, validator)
    assert places(found(pipeline, "infra-validator")) == [("InfraValidator", "node")]
    with pytest.raises(NotImplementedError):
        job_of(pipeline)


def test_pipeline_inside_the_pipeline_is_an_error_where_the_compiler_has_only_an_assertion() -> None:
    outer = pipeline_of(example_gen(), pipeline_of(counter(), name="inner"))
    assert places(found(outer, "unsupported-node")) == [("inner", "node")]
    with pytest.raises(AssertionError):
        job_of(outer)


def test_executor_that_is_no_class_is_an_error_as_the_compiler_has_it() -> None:
    node = component()
    node.executor_spec = executor_spec.ExecutorContainerSpec(image="repository/image")
    pipeline = pipeline_of(node)
    (finding,) = found(pipeline, "unsupported-node")
    assert "ExecutorContainerSpec" in finding.why
    with pytest.raises(NotImplementedError):
        job_of(pipeline)


def test_nodes_that_vertex_takes_are_none() -> None:
    model = Importer(source_uri="gs://bucket/model", artifact_type=standard_artifacts.Model).with_id("Model")
    container = create_container_component(name="said", image="repository/image", command=["true"])
    pipeline = pipeline_of(example_gen(), model, counter(), component(), container())
    assert found(pipeline, "unsupported-node", "union-channel", "infra-validator") == []
    job_of(pipeline)
