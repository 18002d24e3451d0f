"""Pusher puts a model that evaluation and ServingCheck blessed where it is served from.

TFX's own copies straight into the version's folder, takes the clock's second for its number, and pushes a model without
any blessing if none is wired.
"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from configs.push import Push
from pipeline.components.pusher import executor


class PusherSpec(component_spec.ComponentSpec):
    """TFX's PusherSpec with both blessings asked for, and our settings."""

    PARAMETERS = {
        **standard_component_specs.PusherSpec.PARAMETERS,
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.MODEL_BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        executor.INFRA_BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }
    OUTPUTS = standard_component_specs.PusherSpec.OUTPUTS
    TYPE_ANNOTATION = standard_component_specs.PusherSpec.TYPE_ANNOTATION


class Pusher(base_component.BaseComponent):
    """Pushes to a serving folder, atomically and once.

    Component `outputs` contains:
     - `pushed_model`: Channel of type `standard_artifacts.PushedModel`; `push.json` inside says what was done. The
       model itself is in the serving folder alone.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        push_destination: pusher_pb2.PushDestination,
        settings: Push,
        code_digest: str,
    ) -> None:
        """Declares the pusher.

        Args:
            model: The exported model.
            model_blessing: The evaluator's word.
            infra_blessing: ServingCheck's word.
            push_destination: The serving folder, as `filesystem`.
            settings: What is kept there.
            code_digest: Digest of the executor's code, for the cache key.
        """
        super().__init__(
            spec=PusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                push_destination=push_destination,
                settings=settings.model_dump_json(),
                code_digest=code_digest,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
