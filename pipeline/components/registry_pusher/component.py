"""RegistryPusher makes what the Pusher pushed the blessed version in the Model Registry, and lets an Endpoint answer.

TFX's own Pusher for Vertex takes project and region from `custom_config`, deploys without the registry's versions, and
gives all traffic to the new model at once.
"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from configs.vertex.target import Target
from pipeline.components.registry_pusher import executor


class RegistryPusherSpec(component_spec.ComponentSpec):
    """What was pushed in; what was registered out."""

    PARAMETERS = {
        executor.SERVING_DIR_KEY: component_spec.ExecutionParameter(type=str),
        executor.TARGET_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.PUSHED_MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {executor.REGISTERED_MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}


class RegistryPusher(base_component.BaseComponent):
    """Registers a pushed model once, deploys it, and moves traffic and aliases.

    Component `outputs` contains:
     - `registered_model`: Channel of type `standard_artifacts.PushedModel`, whose destination is the version's
       resource name; `registry.json` inside says what was done.
    """

    SPEC_CLASS = RegistryPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        pushed_model: types.BaseChannel,
        serving_dir: str,
        target: Target,
        code_digest: str,
    ) -> None:
        """Declares the component.

        Args:
            pushed_model: What the Pusher pushed, or did not.
            serving_dir: The serving folder.
            target: The model in the registry, and the Endpoint.
            code_digest: Digest of the executor's code, for the cache key.
        """
        super().__init__(
            spec=RegistryPusherSpec(
                pushed_model=pushed_model,
                serving_dir=serving_dir,
                target=target.model_dump_json(),
                code_digest=code_digest,
                registered_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
