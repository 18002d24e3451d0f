"""Makes small TFX pipelines with one fault each, compiled by TFX's own compiler for Vertex."""

from collections.abc import Sequence
from typing import Any

from tfx.components import CsvExampleGen, Trainer
from tfx.dsl.component.experimental import decorators
from tfx.dsl.component.experimental.annotations import OutputArtifact
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2
from tfx.types import artifact, component_spec, standard_artifacts
from tfx.types.channel import Channel

from pipeline.job.compiled import CompiledJob, parse_job
from pipeline.job.lint import Finding, job_findings, pipeline_findings

IMAGE = "example.com/image@sha256:" + "0" * 64
ROOT = "gs://bucket/root"
INPUT = "gs://bucket/input"


class Executor(base_executor.BaseExecutor):
    """An executor that a task can import."""

    def Do(self, *_: Any) -> None:
        raise AssertionError("nothing here runs")

    class Inner(base_executor.BaseExecutor):
        """An executor that a task cannot import: it is not at the top level of a module."""

        Do = None


class Artefact(artifact.Artifact):
    """A type whose name has no module."""

    TYPE_NAME = "Artefact"


@decorators.component
def counter(number: OutputArtifact[standard_artifacts.Integer]) -> None:
    """A component whose executor class TFX makes, so that no source file has it."""
    number.value = 1


def example_gen(input_base: Any = INPUT) -> BaseNode:
    return CsvExampleGen(input_base=input_base)


def trainer(examples: BaseNode, **arguments: Any) -> BaseNode:
    """Makes a stock Trainer."""
    if "module_file" not in arguments:
        arguments["run_fn"] = "trainer.run_fn.run_fn"
    return Trainer(
        examples=examples.outputs["examples"],
        train_args=trainer_pb2.TrainArgs(num_steps=1),
        eval_args=trainer_pb2.EvalArgs(num_steps=1),
        **arguments,
    )


def component(
    executor: type = Executor,
    inputs: dict[str, type] | None = None,
    outputs: dict[str, type] | None = None,
    **channels: Any,
) -> BaseNode:
    """Makes a custom component with these channels, by key and type."""

    class Spec(component_spec.ComponentSpec):
        PARAMETERS: dict[str, Any] = {}
        INPUTS = {key: component_spec.ChannelParameter(type=kind) for key, kind in (inputs or {}).items()}
        OUTPUTS = {key: component_spec.ChannelParameter(type=kind) for key, kind in (outputs or {}).items()}

    class Component(base_component.BaseComponent):
        SPEC_CLASS = Spec
        EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor)

    made = {key: Channel(type=kind) for key, kind in (outputs or {}).items()}
    return Component(spec=Spec(**channels, **made)).with_id("Own")


def pipeline_of(*nodes: BaseNode, name: str = "planted", root: str = ROOT, **settings: Any) -> Pipeline:
    return Pipeline(pipeline_name=name, pipeline_root=root, components=list(nodes), **settings)


def job_of(
    pipeline: Pipeline,
    image: str = IMAGE,
    file: str = "job.json",
    values: dict[str, Any] | None = None,
    spec_2_1: bool = True,
) -> CompiledJob:
    """The job that TFX's own compiler makes from a pipeline, without the additions of our compiler."""
    config = KubeflowV2DagRunnerConfig(default_image=image, use_pipeline_spec_2_1=spec_2_1)
    runner = KubeflowV2DagRunner(config=config)
    return parse_job(runner.run(pipeline, parameter_values=values, write_out=False), file)


def found(subject: CompiledJob | Pipeline, *rules: str) -> list[Finding]:
    """The findings of these rules in a job or a pipeline."""
    findings = job_findings(subject) if isinstance(subject, CompiledJob) else pipeline_findings(subject)
    return [finding for finding in findings if finding.rule in rules]


def places(findings: Sequence[Finding]) -> list[tuple[str | None, str]]:
    """The places of findings: the task, and the place inside it."""
    return [(finding.task, finding.where) for finding in findings]
