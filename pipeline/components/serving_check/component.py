"""ServingCheck asks the exported model in a fresh process, without our code, before it is pushed.

It does what TFX's InfraValidator would do, which needs Docker on a laptop and is refused by KubeflowV2DagRunner.
"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from configs import push
from pipeline.components.serving_check import executor


class ServingCheckSpec(component_spec.ComponentSpec):
    """The model in, InfraValidator's word for the Pusher out."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {executor.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {executor.BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class ServingCheck(base_component.BaseComponent):
    """Replays the requests that the model carries and compares with the trainer's own answers.

    Component `outputs` contains:
     - `blessing`: Channel of type `standard_artifacts.InfraBlessing`; `serving_check.json` inside says why.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, model: types.BaseChannel, settings: push.ServingCheck, code_digest: str) -> None:
        """Declares the check.

        Args:
            model: The exported model.
            settings: The limits.
            code_digest: Digest of the executor's code, for the cache key.
        """
        super().__init__(
            spec=ServingCheckSpec(
                model=model,
                settings=settings.model_dump_json(),
                code_digest=code_digest,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
