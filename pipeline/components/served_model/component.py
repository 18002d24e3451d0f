"""ServedModel stands for `Resolver(LatestBlessedModelStrategy)` where the metadata store is not ours to change.

A rollback must last: the next run must not compare with, nor start from, the model that was taken out of service. The
serving folder says so by itself, as what is live was blessed, and what a rollback withdrew is not live. Nor has every
backend resolvers: that of Kubeflow Pipelines refuses them ("resolver not implemented yet",
https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/compiler/argocompiler/argo.go).
"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from pipeline.components.served_model import executor


class ServedModelSpec(component_spec.ComponentSpec):
    """A serving folder in, a model out."""

    PARAMETERS = {
        executor.SERVING_DIR_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {executor.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class ServedModel(base_component.BaseComponent):
    """Finds the model artifact that the live version was pushed from. Never to be answered from a cache.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`; see `presence` for one that is not there.
    """

    SPEC_CLASS = ServedModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, serving_dir: str) -> None:
        """Declares the component.

        Args:
            serving_dir: The serving folder, local or remote.
        """
        super().__init__(
            spec=ServedModelSpec(serving_dir=serving_dir, model=types.Channel(type=standard_artifacts.Model))
        )
